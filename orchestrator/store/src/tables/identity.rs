//! Who is who: outside ids and addresses to customers.

use super::Store;
use super::ask::Ask;
use super::keys::{content_key, events_key, profile_key};
use super::locks::{lock_names, name_of};
use super::open::shard;
use super::writer::Tx;
use crate::{Identity, NotOne, Resolved, StoreError};
use db::Rows;
use db::{Conn, bytes, cell};
use std::collections::{BTreeMap, HashMap, HashSet};
use words::{Address, AddressState, Channel, Customer, CustomerId, IdSource, Timestamp};

const USER_ID: &str = "user_id";
const ANONYMOUS_ID: &str = "anonymous_id";

/// Blind index and shard of each distinct identity.
type Blinded<'a> = HashMap<&'a Identity, (i64, [u8; 16])>;

impl Store {
    /// The customer that the first known of these identities points to.
    pub async fn resolve(&self, keys: &[Identity]) -> Result<Option<CustomerId>, StoreError> {
        let blinded: Vec<_> = keys.iter().map(|key| self.blind(&key.kind, &key.value)).collect();
        let rows = places(blinded.iter());
        let found = self.aside(move |_, conn| look_up(conn, &rows)).await?;
        Ok(blinded.iter().find_map(|(_, bidx)| found.get(bidx).copied()))
    }

    /// Everybody who has this identity, the oldest first: one customer by an id of the shop, several by an address that
    /// they share.
    pub async fn everybody(&self, key: &Identity) -> Result<Vec<CustomerId>, StoreError> {
        let (shard, bidx) = self.blind(&key.kind, &key.value);
        let mut conn = self.read().await?;
        let rows = db::query("select customer from identity where shard = ? and bidx = ? order by customer")
            .bind(shard)
            .bind(bidx.to_vec())
            .fetch_all(&mut *conn)
            .await?;
        rows.iter()
            .map(|row| CustomerId::from_slice(row.try_get(0)?).ok_or_else(|| StoreError::corrupt("identity")))
            .collect()
    }

    /// The one customer who has this identity. Nobody is guessed at: who acts on a customer has to mean one.
    pub async fn the_one(&self, key: &Identity) -> Result<CustomerId, NotOne> {
        let mut found = self.everybody(key).await?;
        match (found.pop(), found.is_empty()) {
            (None, _) => Err(NotOne::Nobody),
            (Some(one), true) => Ok(one),
            (Some(last), false) => {
                found.push(last);
                Err(NotOne::Several(found))
            }
        }
    }

    /// The customer of these identities, made where none of them is known. Race-free: the same identities give the same
    /// customer, however many ask at once. Identities not known yet are linked to the customer. An unknown `user_id` is
    /// never linked to a customer who has another one (two people at one browser).
    pub async fn get_or_create(
        &self,
        keys: &[Identity],
        now: Timestamp,
        ids: &IdSource,
    ) -> Result<Resolved, StoreError> {
        let mut found = self.get_or_create_many(&[keys.to_vec()], now, ids).await?;
        found.pop().ok_or_else(|| StoreError::Invalid("no identity was given".to_owned()))
    }

    /// The same for many, in the order given: for imports and batches.
    pub async fn get_or_create_many(
        &self,
        keys: &[Vec<Identity>],
        now: Timestamp,
        ids: &IdSource,
    ) -> Result<Vec<Resolved>, StoreError> {
        if keys.iter().any(Vec::is_empty) {
            return Err(StoreError::Invalid("a customer needs at least one identity".to_owned()));
        }
        let blinded: Blinded<'_> =
            keys.iter().flatten().map(|key| (key, self.blind(&key.kind, &key.value))).collect();
        let known = self.look_up_together(blinded.values().copied().collect()).await?;
        // Only where an unknown user id stands beside a known identity does it matter who has one already.
        let has_user_id = if keys.iter().any(|list| strange(list, &blinded, &known)) {
            let rows = of_customers(known.values(), self.sym_or_none(USER_ID));
            self.aside(move |_, conn| user_ids(conn, &rows)).await?
        } else {
            HashSet::new()
        };
        let plan = decide(keys, &blinded, &known, &has_user_id, || ids.customer(now));
        if plan.links.is_empty() {
            return Ok(plan.resolved);
        }
        self.intern(keys.iter().flatten().map(|key| key.kind.as_str())).await?;
        let created: Vec<(CustomerId, &Vec<Identity>)> = plan
            .resolved
            .iter()
            .zip(keys)
            .filter(|(resolved, _)| resolved.created)
            .map(|(resolved, keys)| (resolved.customer, keys))
            .collect();
        // All three keys in one commit of the vault: the first event and the first message need the others at once.
        let wanted = created
            .iter()
            .flat_map(|(id, _)| [profile_key(*id), events_key(*id, now), content_key(*id, now)]);
        let sealing = self.first_keys(wanted, now).await?;
        let mut profiles = HashMap::new();
        for (id, keys) in &created {
            let customer = fresh(*id, keys, now);
            let sealed =
                sealing.seal_packed(profile_key(*id), "customer_profile", "profile", &id.0, &customer)?;
            profiles.insert(*id, sealed);
        }
        let owned_keys = keys.to_vec();
        let owned_blinded: HashMap<Identity, (i64, [u8; 16])> =
            blinded.iter().map(|(key, value)| ((*key).clone(), *value)).collect();
        let mut fresh_ids: Vec<CustomerId> = created.iter().map(|(id, _)| *id).collect();
        fresh_ids.reverse();
        let kinds: HashMap<String, i64> = keys
            .iter()
            .flatten()
            .map(|key| Ok((key.kind.clone(), self.sym(&key.kind)?)))
            .collect::<Result<_, StoreError>>()?;
        let user_id = self.sym_or_none(USER_ID);
        let written = self
            .write(move |tx| {
                Box::pin(async move {
                    // Asked again under the write lock: somebody may have been faster.
                    let blinded: Blinded<'_> =
                        owned_blinded.iter().map(|(key, value)| (key, *value)).collect();
                    // Nobody else makes customers of these names.
                    lock_names(tx, blinded.values().map(|(_, bidx)| name_of(bidx)))?;
                    let known = look_up(&tx.conn, &places(blinded.values()))?;
                    let has = user_ids(&tx.conn, &of_customers(known.values(), user_id))?;
                    let mut spare = fresh_ids;
                    let mut short = false;
                    let plan = decide(&owned_keys, &blinded, &known, &has, || {
                        spare.pop().unwrap_or_else(|| {
                            short = true;
                            CustomerId([0; 16])
                        })
                    });
                    // Somebody was erased or unlinked meanwhile and more are needed than keys were made for.
                    if short {
                        return Err(StoreError::Conflict(
                            "identities changed meanwhile: try again".to_owned(),
                        ));
                    }
                    write_plan(tx, &plan, &profiles, &kinds, now).await?;
                    Ok(plan.resolved)
                })
            })
            .await;
        match written {
            Err(StoreError::Conflict(_)) => Box::pin(self.get_or_create_many(keys, now, ids)).await,
            other => other,
        }
    }
}

impl Store {
    /// Who these blind indexes point to; those of several requests that come at once are looked up together.
    async fn look_up_together(
        &self,
        places: Vec<(i64, [u8; 16])>,
    ) -> Result<HashMap<[u8; 16], CustomerId>, StoreError> {
        let asked: Vec<[u8; 16]> = places.iter().map(|(_, bidx)| *bidx).collect();
        let found = self.0.looking_up.write(places, |places| self.look_up_all(places)).await?;
        Ok(asked.into_iter().zip(found).filter_map(|(bidx, customer)| Some((bidx, customer?))).collect())
    }

    async fn look_up_all(&self, asked: Vec<(i64, [u8; 16])>) -> Result<Vec<Option<CustomerId>>, StoreError> {
        let rows = places(asked.iter());
        let found = self.aside(move |_, conn| look_up(conn, &rows)).await?;
        Ok(asked.iter().map(|(_, bidx)| found.get(bidx).copied()).collect())
    }
}

fn fresh(id: CustomerId, keys: &[Identity], now: Timestamp) -> Customer {
    let mut customer = Customer::new(id, now);
    for key in keys {
        match key.kind.as_str() {
            USER_ID => customer.user_id = Some(key.value.clone()),
            ANONYMOUS_ID => {}
            channel => customer.addresses.push(Address {
                channel: Channel::new(channel),
                value: key.value.clone(),
                state: AddressState::Active,
                added_at: now,
                seen_at: None,
            }),
        }
    }
    customer
}

struct Plan {
    resolved: Vec<Resolved>,
    /// Identities to be linked: (shard, bidx) → (kind, customer).
    links: BTreeMap<(i64, [u8; 16]), (String, CustomerId)>,
}

/// Pure: who each list of identities means, and what has to be linked.
fn decide(
    keys: &[Vec<Identity>],
    blinded: &Blinded<'_>,
    known: &HashMap<[u8; 16], CustomerId>,
    has_user_id: &HashSet<CustomerId>,
    mut new_id: impl FnMut() -> CustomerId,
) -> Plan {
    let mut known = known.clone();
    let mut has_user_id = has_user_id.clone();
    let mut plan = Plan { resolved: Vec::with_capacity(keys.len()), links: BTreeMap::new() };
    for list in keys {
        let places: Vec<(&Identity, (i64, [u8; 16]))> = list.iter().map(|key| (key, blinded[key])).collect();
        let strange = strange(list, blinded, &known);
        let found: Vec<CustomerId> = places
            .iter()
            .filter_map(|(_, (_, bidx))| known.get(bidx).copied())
            .filter(|customer| !(strange && has_user_id.contains(customer)))
            .collect();
        let (customer, created) = match found.first() {
            Some(customer) => (*customer, false),
            None => (new_id(), true),
        };
        let mut others: Vec<CustomerId> = found.into_iter().filter(|other| *other != customer).collect();
        others.dedup();
        for (key, (shard, bidx)) in places {
            if let std::collections::hash_map::Entry::Vacant(vacant) = known.entry(bidx) {
                vacant.insert(customer);
                plan.links.insert((shard, bidx), (key.kind.clone(), customer));
                if key.kind == USER_ID {
                    has_user_id.insert(customer);
                }
            }
        }
        plan.resolved.push(Resolved { customer, created, others });
    }
    plan
}

/// Whether a list has user ids and none of them is known.
fn strange(list: &[Identity], blinded: &Blinded<'_>, known: &HashMap<[u8; 16], CustomerId>) -> bool {
    let mut ids = list.iter().filter(|key| key.kind == USER_ID).peekable();
    ids.peek().is_some() && !ids.any(|key| known.contains_key(&blinded[key].1))
}

/// Blind indexes as rows for [`look_up`].
fn places<'a>(blinded: impl Iterator<Item = &'a (i64, [u8; 16])>) -> Rows {
    let mut rows = Rows::new();
    for (shard, bidx) in blinded {
        rows.row().int(*shard).blob(bidx);
    }
    rows
}

fn look_up(conn: &Conn, places: &Rows) -> Result<HashMap<[u8; 16], CustomerId>, StoreError> {
    let mut known: HashMap<[u8; 16], CustomerId> = HashMap::with_capacity(places.len());
    conn.ask("select bidx, customer from identity where shard = ? and bidx = ?", places, |_, row| {
        let customer =
            CustomerId::from_slice(bytes(row, 1)?).ok_or_else(|| StoreError::corrupt("identity"))?;
        // Ids begin with the time: of several who have an address the oldest is meant.
        known.entry(cell(row, 0)?).and_modify(|oldest| *oldest = customer.min(*oldest)).or_insert(customer);
        Ok(())
    })?;
    Ok(known)
}

/// Customers and the symbol of `user_id` as rows for [`user_ids`].
fn of_customers<'a>(customers: impl Iterator<Item = &'a CustomerId>, user_id: i64) -> Rows {
    let mut rows = Rows::new();
    for customer in customers {
        rows.row().blob(&customer.0).int(user_id);
    }
    rows
}

/// Which of these customers have a `user_id`.
fn user_ids(conn: &Conn, customers: &Rows) -> Result<HashSet<CustomerId>, StoreError> {
    let mut found = HashSet::new();
    conn.ask("select customer from identity where customer = ? and kind = ?", customers, |_, row| {
        found.insert(CustomerId::from_slice(bytes(row, 0)?).ok_or_else(|| StoreError::corrupt("identity"))?);
        Ok(())
    })?;
    Ok(found)
}

async fn write_plan(
    tx: &mut Tx,
    plan: &Plan,
    profiles: &HashMap<CustomerId, Vec<u8>>,
    kinds: &HashMap<String, i64>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (mut hot, mut cold) = (Rows::new(), Rows::new());
    for resolved in plan.resolved.iter().filter(|resolved| resolved.created) {
        let id = resolved.customer;
        let profile =
            profiles.get(&id).ok_or_else(|| StoreError::Conflict("identities changed".to_owned()))?;
        hot.row().int(shard(id)).blob(&id.0).at(now);
        cold.row().int(shard(id)).blob(&id.0).blob(profile).at(now);
    }
    tx.conn.each(
        "insert into customer (shard, id, due_at, guard_version, profile_version, next_seq, applied_seq, next_n, \
            flags, created_at) values (?1, ?2, null, 1, 1, 1, 0, 1, 0, ?3)",
        &hot,
    )?;
    tx.conn.each(
        "insert into customer_profile (shard, id, redirect_to, profile, facts, updated_at) \
         values (?1, ?2, null, ?3, null, ?4)",
        &cold,
    )?;
    let mut links = Rows::new();
    for ((shard, bidx), (kind, customer)) in &plan.links {
        links.row().int(*shard).blob(bidx).int(kinds[kind]).blob(&customer.0).at(now);
    }
    tx.conn.each(
        "insert into identity (shard, bidx, kind, customer, created_at) values (?, ?, ?, ?, ?) on conflict do nothing",
        &links,
    )?;
    Ok(())
}
