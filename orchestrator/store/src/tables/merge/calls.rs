//! Calls of a merge: those of an enrollment that goes over are made for the survivor, under their keys.

use super::super::commit::call_cell;
use super::super::keys::{Keys, profile_key};
use super::super::open::shard;
use super::super::writer::Tx;
use crate::StoreError;
use words::{CustomerId, Timestamp};

/// Moves the calls of one enrollment. A claim on one is void: it is made again under the same key, and the answer of the
/// first finds nobody waiting for it.
pub(super) async fn move_calls(
    tx: &mut Tx,
    keys: &Keys,
    loser: CustomerId,
    survivor: CustomerId,
    enrollment: &[u8; 16],
    now: Timestamp,
) -> Result<(), StoreError> {
    let rows = db::query(
        "select step, visit, state, request from call where shard = ? and customer = ? and enrollment = ?",
    )
    .bind(shard(loser))
    .bind(loser.0.to_vec())
    .bind(enrollment.to_vec())
    .fetch_all(&mut tx.conn)
    .await?;
    for row in rows {
        let (step, visit, state): (i64, i64, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let cell = call_cell(enrollment, u32::try_from(visit).unwrap_or(0));
        let sealed: &[u8] = row.try_get(3)?;
        let plain =
            keys.open(profile_key(loser), "call", "request", &cell, sealed)?.ok_or(StoreError::Erased)?;
        let request = keys.seal(profile_key(survivor), "call", "request", &cell, &plain)?;
        db::query(
            "update call set shard = ?1, customer = ?2, request = ?3, fence = fence + 1, \
                due_at = case when lease_until is not null and state = 0 then ?4 else due_at end, lease_until = null \
             where shard = ?5 and customer = ?6 and enrollment = ?7 and step = ?8 and visit = ?9 and state = ?10",
        )
        .bind(shard(survivor))
        .bind(survivor.0.to_vec())
        .bind(request)
        .bind(now.as_micros())
        .bind(shard(loser))
        .bind(loser.0.to_vec())
        .bind(enrollment.to_vec())
        .bind(step)
        .bind(visit)
        .bind(state)
        .execute(&mut tx.conn)
        .await?;
    }
    Ok(())
}

/// Nobody waits for the answers of an enrollment that ended: calls not made yet are not made.
pub(super) async fn cancel_calls(
    tx: &mut Tx,
    customer: CustomerId,
    enrollment: &[u8; 16],
) -> Result<(), StoreError> {
    db::query(
        "update call set state = 2, due_at = null, lease_until = null, fence = fence + 1 \
         where shard = ? and customer = ? and enrollment = ? and state = 0",
    )
    .bind(shard(customer))
    .bind(customer.0.to_vec())
    .bind(enrollment.to_vec())
    .execute(&mut tx.conn)
    .await?;
    Ok(())
}
