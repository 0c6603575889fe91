//! Messages of a merge: what may still be handed over goes along, with everything that was sealed sealed anew.

use super::super::Store;
use super::super::keys::{Keys, content_key};
use super::super::locks::lock_customers;
use super::super::open::{bidx_shard, shard};
use super::super::writer::Tx;
use crate::StoreError;
use words::{CustomerId, MessageId, Timestamp};

/// Messages of ?1, ?2 with a delivery that may still be claimed, and none that is being handed over: those are settled
/// where they are, and come along when they are due again.
const OPEN: &str = "from message m indexed by message_customer \
    where m.shard = ?1 and m.customer = ?2 and exists (select 1 from delivery d \
        where d.shard = m.shard and d.customer = m.customer and d.message = m.id and d.state in (0, 1)) \
    and not exists (select 1 from delivery d where d.shard = m.shard and d.customer = m.customer \
        and d.message = m.id and d.state = 2)";

/// When the messages that will move were planned: they are sealed under the keys of those years.
pub(super) async fn planned_in(
    conn: &mut db::Reader,
    loser: CustomerId,
) -> Result<Vec<Timestamp>, StoreError> {
    let rows = db::query(&format!("select distinct m.planned_at {OPEN}"))
        .bind(shard(loser))
        .bind(loser.0.to_vec())
        .fetch_all(conn)
        .await?;
    rows.iter().map(|row| Ok(Timestamp::from_micros(row.try_get(0)?))).collect()
}

/// Moves them, under their ids.
pub(super) async fn move_messages(
    tx: &mut Tx,
    keys: &Keys,
    loser: CustomerId,
    survivor: CustomerId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let rows = db::query(&format!("select m.id, m.planned_at, m.inputs {OPEN}"))
        .bind(shard(loser))
        .bind(loser.0.to_vec())
        .fetch_all(&mut tx.conn)
        .await?;
    for row in rows {
        let message =
            MessageId::from_slice(row.try_get(0)?).ok_or_else(|| StoreError::corrupt("message.id"))?;
        let again = Again { keys, loser, survivor, planned_at: Timestamp::from_micros(row.try_get(1)?) };
        let inputs = again.opt("message", "inputs", &message.0, row.try_get(2)?)?;
        db::query(
            "update message set shard = ?, customer = ?, inputs = ?, cause_seq = 0 where shard = ? and customer = ? and id = ?",
        )
        .bind(shard(survivor))
        .bind(survivor.0.to_vec())
        .bind(inputs)
        .bind(shard(loser))
        .bind(loser.0.to_vec())
        .bind(message.0.to_vec())
        .execute(&mut tx.conn)
        .await?;
        // A claim on it is void: fence and place change under it.
        let deliveries = db::query(
            "update delivery set shard = ?1, customer = ?2, fence = fence + 1, \
                due_at = case state when 1 then ?3 else due_at end, lease_until = null, \
                state = case state when 1 then 0 else state end \
             where shard = ?4 and customer = ?5 and message = ?6 returning id, channel, due_at, address_bidx",
        )
        .bind(shard(survivor))
        .bind(survivor.0.to_vec())
        .bind(now.as_micros())
        .bind(shard(loser))
        .bind(loser.0.to_vec())
        .bind(message.0.to_vec())
        .fetch_all(&mut tx.conn)
        .await?;
        for delivery in deliveries {
            let id: Vec<u8> = delivery.try_get(0)?;
            if let Some(due) = delivery.try_get::<Option<i64>, _>(2)? {
                tx.after.send_due(delivery.try_get(1)?, words::shard_of(survivor), due);
            }
            move_content(tx, &again, &id).await?;
            for statement in [
                "update attempt set shard = ?1, customer = ?2 where shard = ?3 and customer = ?4 and delivery = ?5",
                "update receipt set shard = ?1, customer = ?2 where shard = ?3 and customer = ?4 and delivery = ?5",
            ] {
                db::query(statement)
                    .bind(shard(survivor))
                    .bind(survivor.0.to_vec())
                    .bind(shard(loser))
                    .bind(loser.0.to_vec())
                    .bind(id.clone())
                    .execute(&mut tx.conn)
                    .await?;
            }
            let bidx: Vec<u8> = delivery.try_get(3)?;
            let bidx: [u8; 16] = bidx.try_into().map_err(|_| StoreError::corrupt("delivery.address_bidx"))?;
            db::query(
                "insert into addressed (shard, bidx, customer) values (?, ?, ?) on conflict do nothing",
            )
            .bind(bidx_shard(&bidx))
            .bind(bidx.to_vec())
            .bind(survivor.0.to_vec())
            .execute(&mut tx.conn)
            .await?;
        }
    }
    Ok(())
}

/// Address and final bytes: what was made once is handed over as it is, by whoever it is sealed for.
async fn move_content(tx: &mut Tx, again: &Again<'_>, delivery: &[u8]) -> Result<(), StoreError> {
    let row =
        db::query("select address, body from content where shard = ? and customer = ? and delivery = ?")
            .bind(shard(again.loser))
            .bind(again.loser.0.to_vec())
            .bind(delivery.to_vec())
            .fetch_optional(&mut tx.conn)
            .await?;
    let Some(row) = row else { return Ok(()) };
    db::query(
        "update content set shard = ?, customer = ?, address = ?, body = ? \
         where shard = ? and customer = ? and delivery = ?",
    )
    .bind(shard(again.survivor))
    .bind(again.survivor.0.to_vec())
    .bind(again.sealed("content", "address", delivery, row.try_get(0)?)?)
    .bind(again.opt("content", "body", delivery, row.try_get(1)?)?)
    .bind(shard(again.loser))
    .bind(again.loser.0.to_vec())
    .bind(delivery.to_vec())
    .execute(&mut tx.conn)
    .await?;
    Ok(())
}

/// Opens what was sealed for the one, and seals it for the other.
struct Again<'k> {
    keys: &'k Keys,
    loser: CustomerId,
    survivor: CustomerId,
    planned_at: Timestamp,
}

impl Again<'_> {
    fn sealed(&self, table: &str, column: &str, row: &[u8], sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
        let (old, new) =
            (content_key(self.loser, self.planned_at), content_key(self.survivor, self.planned_at));
        // Planned since the keys were fetched: whoever asked for the merge asks again.
        let plain = self
            .keys
            .open(old, table, column, row, sealed)?
            .ok_or_else(|| StoreError::Conflict("a message was planned meanwhile: try again".to_owned()))?;
        self.keys.seal(new, table, column, row, &plain)
    }

    fn opt(
        &self,
        table: &str,
        column: &str,
        row: &[u8],
        sealed: Option<&[u8]>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        sealed.map(|sealed| self.sealed(table, column, row, sealed)).transpose()
    }
}

impl Store {
    /// Brings over what came due with a customer after they were merged: a hand-over that was under way at the merge and
    /// is to be tried again, or goes on with another channel.
    pub(crate) async fn bring_over(&self, loser: CustomerId, now: Timestamp) -> Result<(), StoreError> {
        let (survivor, years) = {
            let mut conn = self.read().await?;
            let Some(survivor) = super::super::customer::follow(&mut conn, loser).await? else {
                return Ok(());
            };
            (survivor, planned_in(&mut conn, loser).await?)
        };
        if survivor == loser {
            return Ok(());
        }
        let wanted: Vec<_> =
            years.iter().flat_map(|at| [content_key(loser, *at), content_key(survivor, *at)]).collect();
        let keys = self.keys(wanted, now).await?;
        self.write(move |tx| {
            Box::pin(async move {
                lock_customers(tx, [loser, survivor])?;
                move_messages(tx, &keys, loser, survivor, now).await
            })
        })
        .await
    }
}
