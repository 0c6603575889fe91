//! Changes of customers, by read, modify and write inside the writer.

use super::Store;
use super::audit::PreparedAudit;
use super::ingest::{Prepared, write_events};
use super::keys::{Keys, events_key, profile_key};
use super::locks::lock_customers;
use super::open::{shard, text_shard};
use super::writer::{Tx, apart};
use crate::planted::{Bug, planted};
use crate::{AuditEvent, AuditKind, CustomerUpdate, Identity, StoreError, SuppressionRow, Updated};
use db::{Rows, signed, unsigned};
use std::collections::{BTreeMap, BTreeSet};
use words::{Channel, Consent, ConsentState, Customer, CustomerId, EventKind, Timestamp, Value};

/// A customer as loaded inside the writer.
pub(crate) struct Loaded {
    pub(crate) customer: Customer,
    pub(crate) next_n: u64,
}

impl Store {
    /// Changes a customer by read, modify and write in the writer. Keeps identities and blind indexes in step, records
    /// consents, raises the guard, makes the customer due and appends a `customer_updated` event.
    pub async fn update_customer(
        &self,
        id: CustomerId,
        now: Timestamp,
        change: impl FnOnce(&mut Customer) -> Vec<words::ConsentChange> + Send + 'static,
        audit: Vec<AuditEvent>,
    ) -> Result<Updated, StoreError> {
        let update =
            CustomerUpdate { customer: id, change: Box::new(change), announce: Some(EventKind::Live), audit };
        let mut done = self.update_customers(vec![update], now).await?;
        done.pop().unwrap_or_else(|| Err(StoreError::NotFound(format!("customer {id}"))))
    }

    /// The same for many; each by itself: one that fails changes nothing of the others.
    pub async fn update_customers(
        &self,
        updates: Vec<CustomerUpdate>,
        now: Timestamp,
    ) -> Result<Vec<Result<Updated, StoreError>>, StoreError> {
        let fixed = [
            words::internal::CUSTOMER_UPDATED,
            "tabi",
            "user_id",
            AuditKind::ConsentGranted.as_str(),
            AuditKind::ConsentRevoked.as_str(),
        ];
        let kinds: Vec<&'static str> =
            updates.iter().flat_map(|u| u.audit.iter().map(|a| a.kind.as_str())).collect();
        self.intern(fixed.into_iter().chain(kinds)).await?;
        let asked: Vec<CustomerId> = updates.iter().map(|update| update.customer).collect();
        let mut whom = Vec::with_capacity(updates.len());
        {
            let mut conn = self.read().await?;
            for id in asked {
                whom.push(follow(&mut conn, id).await?);
            }
        }
        let wanted =
            whom.iter().flatten().flat_map(|id| [profile_key(*id), events_key(*id, now)]).collect::<Vec<_>>();
        let keys = self.keys(wanted, now).await?;
        let store = self.clone();
        self.write(move |tx| {
            Box::pin(async move {
                lock_customers(tx, whom.iter().flatten().copied())?;
                let mut done = Vec::with_capacity(updates.len());
                for (update, id) in updates.into_iter().zip(whom) {
                    let Some(id) = id else {
                        done.push(Err(StoreError::NotFound(format!("customer {}", update.customer))));
                        continue;
                    };
                    let (store, keys) = (&store, &keys);
                    // Made outside the closure: it borrows nothing of the transaction.
                    let result = apart(tx, {
                        let store = store.clone();
                        let keys = keys.clone();
                        move |tx| {
                            Box::pin(async move { update_one(&store, tx, &keys, id, update, now).await })
                        }
                    })
                    .await;
                    done.push(result);
                }
                Ok(done)
            })
        })
        .await
    }

    /// A customer, opened; redirects are followed (the id in it is the survivor's). `None`: no such customer, or erased.
    pub async fn customer(&self, id: CustomerId) -> Result<Option<Customer>, StoreError> {
        let (id, sealed) = {
            let mut conn = self.read().await?;
            let Some(id) = follow(&mut conn, id).await? else { return Ok(None) };
            let row = db::query("select profile from customer_profile where shard = ? and id = ?")
                .bind(shard(id))
                .bind(id.0.to_vec())
                .fetch_one(&mut *conn)
                .await?;
            (id, row.try_get::<Vec<u8>, _>(0)?)
        };
        let key = profile_key(id);
        self.old_keys([key]).await?.open_packed(key, "customer_profile", "profile", &id.0, &sealed)
    }

    /// Forbids writing to an address, of whomever. Raises the guard of everybody who has, or awaits, something there.
    pub async fn suppress(
        &self,
        channel: &Channel,
        address: &str,
        row: SuppressionRow,
        audit: Vec<AuditEvent>,
    ) -> Result<(), StoreError> {
        self.intern([channel.as_str()]).await?;
        let prepared = self.prepare_audit(&audit).await?;
        let (shard, bidx) = self.blind(channel.as_str(), address);
        let channel = self.sym(channel.as_str())?;
        self.write(move |tx| {
            Box::pin(async move {
                suppress_in(tx, shard, &bidx, channel, &row).await?;
                super::audit::insert(tx, prepared).await
            })
        })
        .await
    }

    /// Takes that back. Returns whether there was anything.
    pub async fn unsuppress(
        &self,
        channel: &Channel,
        address: &str,
        audit: Vec<AuditEvent>,
    ) -> Result<bool, StoreError> {
        let prepared = self.prepare_audit(&audit).await?;
        let (shard, bidx) = self.blind(channel.as_str(), address);
        let channel = self.sym_or_none(channel.as_str());
        self.write(move |tx| {
            Box::pin(async move {
                let gone = db::query("delete from suppression where shard = ? and bidx = ? and channel = ?")
                    .bind(shard)
                    .bind(bidx.to_vec())
                    .bind(channel)
                    .execute(&mut tx.conn)
                    .await?
                    .rows_affected();
                if gone > 0 {
                    raise_guard_of_address(tx, shard, &bidx).await?;
                    super::audit::insert(tx, prepared).await?;
                }
                Ok(gone > 0)
            })
        })
        .await
    }

    /// What speaks against an address.
    pub async fn suppression(
        &self,
        channel: &Channel,
        address: &str,
    ) -> Result<Option<SuppressionRow>, StoreError> {
        let (shard, bidx) = self.blind(channel.as_str(), address);
        let mut conn = self.read().await?;
        let row = db::query(
            "select reason, at, expires_at, source from suppression where shard = ? and bidx = ? and channel = ?",
        )
        .bind(shard)
        .bind(bidx.to_vec())
        .bind(self.sym_or_none(channel.as_str()))
        .fetch_optional(&mut *conn)
        .await?;
        row.map(|row| {
            Ok(SuppressionRow {
                channel: channel.clone(),
                reason: row.try_get(0)?,
                at: Timestamp::from_micros(row.try_get(1)?),
                expires_at: row.try_get::<Option<i64>, _>(2)?.map(Timestamp::from_micros),
                source: row.try_get(3)?,
            })
        })
        .transpose()
    }

    /// Traits of an account; creates it.
    pub async fn put_account(
        &self,
        key: &str,
        traits: &BTreeMap<String, Value>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let body = serde_json::to_string(traits).map_err(|e| StoreError::Invalid(e.to_string()))?;
        let key = key.to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                db::query(
                    "insert into account (shard, key, traits, updated_at) values (?, ?, ?, ?) \
                     on conflict (shard, key) do update set traits = excluded.traits, updated_at = excluded.updated_at",
                )
                .bind(text_shard(&key))
                .bind(key)
                .bind(body)
                .bind(now.as_micros())
                .execute(&mut tx.conn)
                .await?;
                Ok(())
            })
        })
        .await
    }

    /// Traits of an account.
    pub async fn account(&self, key: &str) -> Result<Option<BTreeMap<String, Value>>, StoreError> {
        let mut conn = self.read().await?;
        let row = db::query("select traits from account where shard = ? and key = ?")
            .bind(text_shard(key))
            .bind(key.to_owned())
            .fetch_optional(&mut *conn)
            .await?;
        row.map(|row| serde_json::from_str(row.try_get(0)?).map_err(StoreError::corrupt)).transpose()
    }
}

/// Follows redirects; `None`: no such customer.
pub(crate) async fn follow(
    conn: &mut db::Reader,
    mut id: CustomerId,
) -> Result<Option<CustomerId>, StoreError> {
    for _ in 0..32 {
        let row = db::query("select redirect_to from customer_profile where shard = ? and id = ?")
            .bind(shard(id))
            .bind(id.0.to_vec())
            .fetch_optional(&mut *conn)
            .await?;
        let Some(row) = row else { return Ok(None) };
        match row.try_get::<Option<&[u8]>, _>(0)? {
            None => return Ok(Some(id)),
            Some(to) => {
                id = CustomerId::from_slice(to)
                    .ok_or_else(|| StoreError::corrupt("customer_profile.redirect_to"))?;
            }
        }
    }
    Err(StoreError::corrupt("redirects of a customer do not end"))
}

/// Those who were merged into `id` directly.
pub(crate) async fn merged_into(
    conn: &mut db::Reader,
    id: CustomerId,
) -> Result<Vec<CustomerId>, StoreError> {
    let rows = db::query("select id from customer_profile where redirect_to = ?")
        .bind(id.0.to_vec())
        .fetch_all(conn)
        .await?;
    rows.iter()
        .map(|row| {
            CustomerId::from_slice(row.try_get(0)?).ok_or_else(|| StoreError::corrupt("customer_profile.id"))
        })
        .collect()
}

/// Loads a customer inside the writer.
pub(crate) async fn load(tx: &mut Tx, keys: &Keys, id: CustomerId) -> Result<Loaded, StoreError> {
    let row = db::query(
        "select p.profile, c.next_n, c.flags from customer c join customer_profile p on p.shard = c.shard and p.id = c.id \
         where c.shard = ? and c.id = ?",
    )
    .bind(shard(id))
    .bind(id.0.to_vec())
    .fetch_optional(&mut tx.conn)
    .await?
    .ok_or_else(|| StoreError::NotFound(format!("customer {id}")))?;
    if row.try_get::<i64, _>(2)? & 1 != 0 {
        return Err(StoreError::Conflict(format!("customer {id} was merged meanwhile: try again")));
    }
    let customer = keys
        .open_packed(profile_key(id), "customer_profile", "profile", &id.0, row.try_get(0)?)?
        .ok_or(StoreError::Erased)?;
    Ok(Loaded { customer, next_n: unsigned(row.try_get(1)?) })
}

async fn update_one(
    store: &Store,
    tx: &mut Tx,
    keys: &Keys,
    id: CustomerId,
    update: CustomerUpdate,
    now: Timestamp,
) -> Result<Updated, StoreError> {
    let Loaded { customer: before, mut next_n } = load(tx, keys, id).await?;
    let mut customer = before.clone();
    let changes = (update.change)(&mut customer);
    for change in &changes {
        customer.apply(change);
    }
    customer.id = before.id;
    customer.created_at = before.created_at;
    if customer == before && changes.is_empty() {
        return Ok(Updated { customer, changed: false });
    }
    let consents: Vec<Consent> = changes.into_iter().map(|change| change.consent).collect();
    record_consents(store, tx, keys, id, &consents, &mut next_n, now).await?;
    keep_identities(store, tx, &before, &customer, now).await?;
    let profile = keys.seal_packed(profile_key(id), "customer_profile", "profile", &id.0, &customer)?;
    db::query("update customer_profile set profile = ?, updated_at = ? where shard = ? and id = ?")
        .bind(profile)
        .bind(now.as_micros())
        .bind(shard(id))
        .bind(id.0.to_vec())
        .execute(&mut tx.conn)
        .await?;
    db::query(
        "update customer set guard_version = guard_version + ?, profile_version = profile_version + 1, next_n = ?, \
            due_at = min(coalesce(due_at, ?), ?) where shard = ? and id = ?",
    )
    .bind(i64::from(!planted(Bug::UnsubscribeLeavesGuard)))
    .bind(signed(next_n))
    .bind(now.as_micros())
    .bind(now.as_micros())
    .bind(shard(id))
    .bind(id.0.to_vec())
    .execute(&mut tx.conn)
    .await?;
    tx.after.step_due(words::shard_of(id), now.as_micros());
    if let Some(kind) = update.announce {
        let event = announcement(store, keys, &before, &customer, kind, now)?;
        write_events(tx, &[event]).await?;
    }
    let mut rows = Rows::new();
    store.audit_rows(&mut rows, &update.audit)?;
    super::audit::insert(tx, PreparedAudit::new(rows)).await?;
    Ok(Updated { customer, changed: true })
}

/// `customer_updated`, with the names of what changed and nothing else.
fn announcement(
    store: &Store,
    keys: &Keys,
    before: &Customer,
    after: &Customer,
    kind: EventKind,
    now: Timestamp,
) -> Result<Prepared, StoreError> {
    let id = store.0.ids.event(now);
    let changed = Value::List(changed_names(before, after).into_iter().map(Value::Text).collect());
    let properties = BTreeMap::from([("changed".to_owned(), changed)]);
    let sealed = keys.seal_packed(events_key(after.id, now), "event", "properties", &id.0, &properties)?;
    Ok(Prepared {
        customer: after.id,
        id: id.0,
        name: store.sym(words::internal::CUSTOMER_UPDATED)?,
        kind: i64::from(kind == EventKind::History),
        source: store.sym("tabi")?,
        occurred_at: now.as_micros(),
        received_at: now.as_micros(),
        properties: Some(sealed),
        seen: None,
        listened: true,
        unknown: None,
    })
}

fn changed_names(before: &Customer, after: &Customer) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for name in before.traits.keys().chain(after.traits.keys()) {
        if before.traits.get(name) != after.traits.get(name) {
            names.insert(name.clone());
        }
    }
    for (name, changed) in [
        ("user_id", before.user_id != after.user_id),
        ("addresses", before.addresses != after.addresses),
        ("zone", before.zone != after.zone),
        ("country", before.country != after.country),
        ("locale", before.locale != after.locale),
        ("consents", before.consents != after.consents),
        ("account", before.account != after.account),
    ] {
        if changed {
            names.insert(name.to_owned());
        }
    }
    names
}

/// The row of a word of consent in its sealed cell.
pub(crate) fn consent_cell(id: CustomerId, at: Timestamp) -> [u8; 24] {
    let mut cell = [0; 24];
    cell[..16].copy_from_slice(&id.0);
    cell[16..].copy_from_slice(&at.as_micros().to_be_bytes());
    cell
}

/// Writes words of consent into the history and the audit record.
pub(crate) async fn record_consents(
    store: &Store,
    tx: &mut Tx,
    keys: &Keys,
    id: CustomerId,
    consents: &[Consent],
    next_n: &mut u64,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (mut rows, mut audit) = (Rows::new(), Vec::new());
    for consent in consents {
        let purpose = match &consent.purpose {
            Some(purpose) => Some(symbol_in(store, tx, purpose).await?),
            None => None,
        };
        let channel = match &consent.channel {
            Some(channel) => Some(symbol_in(store, tx, channel.as_str()).await?),
            None => None,
        };
        let body = keys.seal_json(
            profile_key(id),
            "consent_change",
            "body",
            &consent_cell(id, consent.at),
            consent,
        )?;
        rows.row()
            .int(shard(id))
            .blob(&id.0)
            .int(signed(*next_n))
            .at(consent.at)
            .at(now)
            .opt_int(purpose)
            .opt_int(channel)
            .int(if consent.state == ConsentState::Granted { 1 } else { 2 })
            .blob(&body);
        *next_n += 1;
        audit.push(consent_audit(id, consent, now));
    }
    if rows.is_empty() {
        return Ok(());
    }
    tx.conn.each(
        "insert into consent_change (shard, customer, n, at, recorded_at, purpose, channel, state, body) \
         values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        &rows,
    )?;
    let mut rows = Rows::new();
    store.audit_rows(&mut rows, &audit)?;
    super::audit::insert(tx, PreparedAudit::new(rows)).await
}

fn consent_audit(id: CustomerId, consent: &Consent, now: Timestamp) -> AuditEvent {
    AuditEvent {
        kind: if consent.state == ConsentState::Granted {
            AuditKind::ConsentGranted
        } else {
            AuditKind::ConsentRevoked
        },
        at: now,
        customer: Some(id),
        subject: None,
        body: serde_json::json!({
            "purpose": consent.purpose,
            "channel": consent.channel,
            "basis": consent.basis,
            "said_at": consent.at,
            "expires_at": consent.expires_at,
            "method": consent.evidence.method,
            "text_hash": consent.evidence.text_hash,
        })
        .to_string(),
    }
}

/// A symbol inside the writer, where a change brought up a new name.
async fn symbol_in(store: &Store, tx: &mut Tx, name: &str) -> Result<i64, StoreError> {
    if let Ok(id) = store.sym(name) {
        return Ok(id);
    }
    let row = db::query(
        "insert into symbol (name) values (?) on conflict (name) do update set name = excluded.name returning id",
    )
    .bind(name)
    .fetch_one(&mut tx.conn)
    .await?;
    Ok(row.try_get(0)?)
}

/// Links new identities, unlinks those gone. People share addresses; an id of the shop is one customer's, the first's.
pub(crate) async fn keep_identities(
    store: &Store,
    tx: &mut Tx,
    before: &Customer,
    after: &Customer,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (old, new) = (identities(before), identities(after));
    for gone in old.difference(&new) {
        let (shard, bidx) = store.blind(&gone.kind, &gone.value);
        db::query("delete from identity where shard = ? and bidx = ? and customer = ?")
            .bind(shard)
            .bind(bidx.to_vec())
            .bind(after.id.0.to_vec())
            .execute(&mut tx.conn)
            .await?;
    }
    for fresh in new.difference(&old) {
        let (shard, bidx) = store.blind(&fresh.kind, &fresh.value);
        let kind = symbol_in(store, tx, &fresh.kind).await?;
        if !fresh.is_address() {
            let others = db::query("select exists (select 1 from identity where shard = ? and bidx = ?)")
                .bind(shard)
                .bind(bidx.to_vec())
                .fetch_one(&mut tx.conn)
                .await?;
            if others.try_get::<bool, _>(0)? {
                continue;
            }
        }
        db::query(
            "insert into identity (shard, bidx, kind, customer, created_at) values (?, ?, ?, ?, ?) \
             on conflict do nothing",
        )
        .bind(shard)
        .bind(bidx.to_vec())
        .bind(kind)
        .bind(after.id.0.to_vec())
        .bind(now.as_micros())
        .execute(&mut tx.conn)
        .await?;
    }
    Ok(())
}

/// What a customer is found by, apart from anonymous ids.
fn identities(customer: &Customer) -> BTreeSet<Identity> {
    let user = customer.user_id.iter().map(Identity::user_id);
    user.chain(customer.addresses.iter().map(|a| Identity::address(&a.channel, a.value.clone()))).collect()
}

/// Writes a suppression and raises the guards it concerns.
pub(crate) async fn suppress_in(
    tx: &mut Tx,
    shard: i64,
    bidx: &[u8; 16],
    channel: i64,
    row: &SuppressionRow,
) -> Result<(), StoreError> {
    // A late report about somebody who was erased meanwhile.
    if *bidx == super::erased::NOWHERE {
        return Ok(());
    }
    db::query(
        "insert into suppression (shard, bidx, channel, reason, at, expires_at, source) values (?, ?, ?, ?, ?, ?, ?) \
         on conflict (shard, bidx, channel) do update set reason = excluded.reason, at = excluded.at, expires_at = excluded.expires_at, \
            source = excluded.source",
    )
    .bind(shard)
    .bind(bidx.to_vec())
    .bind(channel)
    .bind(row.reason.clone())
    .bind(row.at.as_micros())
    .bind(row.expires_at.map(Timestamp::as_micros))
    .bind(row.source.clone())
    .execute(&mut tx.conn)
    .await?;
    raise_guard_of_address(tx, shard, bidx).await
}

/// Whoever is found by this address, and whoever was ever meant by it: something may still be under way.
async fn raise_guard_of_address(tx: &mut Tx, shard: i64, bidx: &[u8; 16]) -> Result<(), StoreError> {
    let rows = db::query(
        "select customer from identity where shard = ?1 and bidx = ?2 union \
         select customer from addressed where shard = ?1 and bidx = ?2",
    )
    .bind(shard)
    .bind(bidx.to_vec())
    .fetch_all(&mut tx.conn)
    .await?;
    for row in rows {
        let Some(id) = CustomerId::from_slice(row.try_get(0)?) else { continue };
        db::query("update customer set guard_version = guard_version + 1 where shard = ? and id = ?")
            .bind(self::shard(id))
            .bind(id.0.to_vec())
            .execute(&mut tx.conn)
            .await?;
    }
    Ok(())
}
