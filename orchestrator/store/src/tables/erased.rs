//! Erasures: keys destroyed, what was planned taken back and saying so, no address that leads to anybody.

use super::Store;
use super::ask::Ask;
use super::audit::PreparedAudit;
use super::customer::{follow, merged_into};
use super::keys::{content_key, profile_key};
use super::locks::lock_customers;
use super::open::{put_setting, shard};
use super::writer::Tx;
use crate::planted::{Bug, planted};
use crate::{AuditEvent, AuditKind, StoreError};
use db::Rows;
use db::{bytes, cell};
use std::collections::BTreeSet;
use words::{Customer, CustomerId, MessageId, Timestamp};

/// The blind index of what was sent to whom nobody may know any more.
pub(crate) const NOWHERE: [u8; 16] = [0; 16];

/// What settings say of customers whose keys are about to be destroyed begins with this.
const ERASING: &str = "erasing/";

fn unfinished(id: CustomerId) -> String {
    format!("{ERASING}{id}")
}

/// The reason, in the place of whatever the message was waiting for.
const WHY: &str = r#"{"decision":{"verdict":"block","until":null},"because":null,"reasons":[{"rule":"ERASURE","code":"erased",
"outcome":"block","text":{"en":"not sent, because the customer was erased","ja":"お客様の情報が消去されたため、送信しません"}}]}"#;

impl Store {
    /// Destroys the keys of a customer and of everybody merged into them: what was sealed is gone, the ledger stays.
    /// Live enrollments stop, what was planned is cancelled, identities are forgotten; suppressions stay.
    /// [`crate::Copies`] are forgotten first: without keys nobody would know any more which they are. One that is cut off is
    /// finished at the next start.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; and where copies could not be forgotten: nothing leads to the customer any more then, and
    /// the same call, or the next start, finishes it.
    pub async fn erase(
        &self,
        id: CustomerId,
        now: Timestamp,
        audit: Vec<AuditEvent>,
    ) -> Result<(), StoreError> {
        let prepared = self.prepare_audit(&audit).await?;
        self.intern([AuditKind::MessageCancelled.as_str()]).await?;
        let mut subjects = {
            let mut conn = self.read().await?;
            let Some(id) = follow(&mut conn, id).await? else {
                return Err(StoreError::NotFound(format!("customer {id}")));
            };
            vec![id]
        };
        let mut at = 0;
        while let Some(id) = subjects.get(at).copied() {
            let mut conn = self.read().await?;
            subjects.extend(merged_into(&mut conn, id).await?);
            at += 1;
        }
        let rows = subjects.clone();
        let store = self.clone();
        self.write(move |tx| {
            Box::pin(async move {
                lock_customers(tx, rows.iter().copied())?;
                for id in rows {
                    for sql in [
                        "update customer set due_at = null, flags = flags | 2, guard_version = guard_version + 1, \
                            profile_version = profile_version + 1 where shard = ? and id = ?",
                        "update enrollment set status = 2, due_at = null, reason = 'erased', ended_at = arrived_at \
                            where shard = ? and customer = ? and status = 0",
                        "update call set due_at = null, state = 2 where shard = ? and customer = ? and state = 0",
                        "delete from customer_segment where shard = ? and customer = ?",
                    ] {
                        db::query(sql).bind(shard(id)).bind(id.0.to_vec()).execute(&mut tx.conn).await?;
                    }
                    cancel(tx, &store, id, now).await?;
                    // Nor does an address lead to what was sent to them.
                    let bidxs =
                        db::query("select distinct d.address_bidx from message m indexed by message_customer \
                            cross join delivery d on d.shard = m.shard and d.message = m.id \
                            where m.shard = ? and m.customer = ?")
                            .bind(shard(id))
                            .bind(id.0.to_vec())
                            .fetch_all(&mut tx.conn)
                            .await?;
                    let mut rows = Rows::new();
                    for row in &bidxs {
                        let bidx: &[u8] = row.try_get(0)?;
                        let at = bidx.last().map_or(0, |last| i64::from(*last));
                        rows.row().int(at).blob(bidx).blob(&id.0);
                    }
                    tx.conn.each("delete from addressed where shard = ? and bidx = ? and customer = ?", &rows)?;
                    for sql in [
                        "delete from identity where customer = ?1",
                        "update delivery set address_bidx = ?3 where shard = ?2 \
                            and message in (select id from message indexed by message_customer where shard = ?2 and customer = ?1)",
                    ] {
                        let nowhere = NOWHERE.to_vec();
                        db::query(sql).bind(id.0.to_vec()).bind(shard(id)).bind(nowhere).execute(&mut tx.conn).await?;
                    }
                    put_setting(&mut tx.conn, &unfinished(id), Some("1")).await?;
                }
                super::audit::insert(tx, prepared).await
            })
        })
        .await?;
        let half = if planted(Bug::ErasureOfOneHalf) { 1 } else { subjects.len() };
        for id in subjects.into_iter().take(half) {
            self.forget_all(id, now).await?;
        }
        Ok(())
    }

    /// Addresses that a customer has, and those that messages went to.
    async fn addresses_of(&self, id: CustomerId) -> Result<BTreeSet<String>, StoreError> {
        let profile = profile_key(id);
        self.aside(move |store, conn| {
            let (mut row, mut addresses) = (Rows::new(), BTreeSet::new());
            row.row().int(shard(id)).blob(&id.0);
            let keys = store.old_keys_at_once([profile])?;
            conn.ask("select profile from customer_profile where shard = ? and id = ?", &row, |_, row| {
                let sealed = bytes(row, 0)?;
                let who =
                    keys.open_packed::<Customer>(profile, "customer_profile", "profile", &id.0, sealed)?;
                addresses.extend(who.into_iter().flat_map(|who| who.addresses).map(|address| address.value));
                Ok(())
            })?;
            conn.ask(
                "select x.delivery, x.address, d.planned_at from message m indexed by message_customer \
                    cross join delivery d on d.shard = m.shard and d.message = m.id \
                    cross join content x on x.shard = d.shard and x.delivery = d.id \
                 where m.shard = ? and m.customer = ?",
                &row,
                |_, row| {
                    let key = content_key(id, Timestamp::from_micros(cell(row, 2)?));
                    let keys = store.old_keys_at_once([key])?;
                    let opened = keys.open(key, "content", "address", bytes(row, 0)?, bytes(row, 1)?)?;
                    addresses.extend(opened.and_then(|address| String::from_utf8(address).ok()));
                    Ok(())
                },
            )?;
            Ok(addresses)
        })
        .await
    }

    /// Erasures that were cut off after their commit.
    pub(crate) async fn finish_erasures(&self, now: Timestamp) -> Result<(), StoreError> {
        let rows = {
            let mut conn = self.read().await?;
            db::query("select name from setting where name >= 'erasing/' and name < 'erasing0'")
                .fetch_all(&mut *conn)
                .await?
        };
        for row in rows {
            let name: &str = row.try_get(0)?;
            let id = name.strip_prefix(ERASING).and_then(|text| CustomerId::parse(text).ok());
            self.forget_all(id.ok_or_else(|| StoreError::corrupt("setting.name"))?, now).await?;
        }
        Ok(())
    }

    /// Copies elsewhere, then the keys, then the note that this is to be done.
    async fn forget_all(&self, id: CustomerId, now: Timestamp) -> Result<(), StoreError> {
        if let Some(copies) = self.0.copies.get() {
            copies.forget(self.addresses_of(id).await?.into_iter().collect()).await?;
        }
        self.0.vault.destroy(&id.0, now).await?;
        self.write(move |tx| Box::pin(async move { put_setting(&mut tx.conn, &unfinished(id), None).await }))
            .await
    }
}

/// Takes back every planned message of a customer. The kind of the record must have been interned.
async fn cancel(tx: &mut Tx, store: &Store, customer: CustomerId, now: Timestamp) -> Result<(), StoreError> {
    db::query(
        "update delivery indexed by delivery_open set state = case when handed_at is null then 12 else 4 end, due_at = null, \
            lease_until = null, settled_at = ?1, \
            why = case when json_valid(why) then json_patch(why, ?2) else ?2 end \
         where shard = ?3 and customer = ?4 and state in (0, 1, 2) and state <> 2",
    )
    .bind(now.as_micros())
    .bind(WHY)
    .bind(shard(customer))
    .bind(customer.0.to_vec())
    .execute(&mut tx.conn)
    .await?;
    let rows = db::query(
        "update message as m indexed by message_customer set settled_at = ?1, \
            outcome = case when exists (select 1 from delivery d where d.shard = m.shard and d.customer = m.customer \
                and d.message = m.id and d.state = 4) then 8 else 19 end, \
            why = case when json_valid(why) then json_patch(why, ?2) else ?2 end \
         where m.shard = ?3 and m.customer = ?4 and m.outcome in (0, 1) and not exists ( \
            select 1 from delivery d where d.shard = m.shard and d.customer = m.customer and d.message = m.id \
                and d.state = 2) returning id",
    )
    .bind(now.as_micros())
    .bind(WHY)
    .bind(shard(customer))
    .bind(customer.0.to_vec())
    .fetch_all(&mut tx.conn)
    .await?;
    let mut events = Vec::with_capacity(rows.len());
    for row in &rows {
        let id: &[u8] = row.try_get(0)?;
        let message = MessageId::from_slice(id).ok_or_else(|| StoreError::corrupt("message.id"))?;
        let body = serde_json::json!({"because": "erased"});
        events.push(AuditEvent::new(AuditKind::MessageCancelled, now, &body).of(customer).about(message.0));
    }
    let mut audit = Rows::new();
    store.audit_rows(&mut audit, &events)?;
    super::audit::insert(tx, PreparedAudit::new(audit)).await
}
