//! Events of a merge: what no step has seen yet goes over, and so does what live enrollments began with.

use super::super::Store;
use super::super::ingest::{Prepared, seen_hash};
use super::super::keys::{Keys, events_key};
use super::super::open::shard;
use super::super::writer::Tx;
use crate::StoreError;
use words::{CustomerId, Timestamp};

/// Events of the loser that no step has seen yet, sealed anew for the survivor.
pub(super) async fn pending_events(
    tx: &mut Tx,
    keys: &Keys,
    loser: CustomerId,
    survivor: CustomerId,
) -> Result<Vec<Prepared>, StoreError> {
    let rows = db::query(
        "select e.id, e.name, e.kind, e.source, e.occurred_at, e.received_at, e.properties from customer c \
         cross join event e on e.shard = c.shard and e.customer = c.id and e.seq > c.applied_seq \
         where c.shard = ? and c.id = ? order by e.seq",
    )
    .bind(shard(loser))
    .bind(loser.0.to_vec())
    .fetch_all(&mut tx.conn)
    .await?;
    let mut events = Vec::with_capacity(rows.len());
    for row in rows {
        let id: [u8; 16] =
            row.try_get::<&[u8], _>(0)?.try_into().map_err(|_| StoreError::corrupt("event.id"))?;
        let received_at: i64 = row.try_get(5)?;
        let at = Timestamp::from_micros(received_at);
        let properties = match row.try_get::<Option<&[u8]>, _>(6)? {
            Some(sealed) => {
                let plain =
                    keys.open(events_key(loser, at), "event", "properties", &id, sealed)?.ok_or_else(
                        || StoreError::Conflict("an event came in meanwhile: try again".to_owned()),
                    )?;
                Some(keys.seal(events_key(survivor, at), "event", "properties", &id, &plain)?)
            }
            None => None,
        };
        events.push(Prepared {
            customer: survivor,
            id,
            name: row.try_get(1)?,
            kind: row.try_get(2)?,
            source: row.try_get(3)?,
            occurred_at: row.try_get(4)?,
            received_at,
            properties,
            seen: None,
            listened: true,
            unknown: None,
        });
    }
    Ok(events)
}

/// What tells the survivor's journeys, segments and dates to look again.
pub(super) fn merged_event(
    store: &Store,
    loser: CustomerId,
    survivor: CustomerId,
    now: Timestamp,
) -> Result<Prepared, StoreError> {
    Ok(Prepared {
        customer: survivor,
        id: seen_hash("merge", &format!("{loser}/{survivor}/{}", now.as_micros())),
        name: store.sym(words::internal::CUSTOMERS_MERGED)?,
        kind: 0,
        source: store.sym("tabi")?,
        occurred_at: now.as_micros(),
        received_at: now.as_micros(),
        properties: None,
        seen: None,
        listened: true,
        unknown: None,
    })
}

/// A copy for the survivor of the event that an enrollment began with, at a place below all others: it is looked up by the
/// enrollment alone, and applied to nobody again. Returns the place.
pub(super) async fn copy_cause(
    tx: &mut Tx,
    keys: &Keys,
    loser: CustomerId,
    survivor: CustomerId,
    seq: i64,
) -> Result<i64, StoreError> {
    let row = db::query(
        "select id, name, kind, source, occurred_at, received_at, properties from event \
         where shard = ? and customer = ? and seq = ?",
    )
    .bind(shard(loser))
    .bind(loser.0.to_vec())
    .bind(seq)
    .fetch_optional(&mut tx.conn)
    .await?;
    // Past its time of keeping: the enrollment goes on without it, as it would have there.
    let Some(row) = row else { return Ok(0) };
    let id: Vec<u8> = row.try_get(0)?;
    let received_at: i64 = row.try_get(5)?;
    let at = Timestamp::from_micros(received_at);
    let properties = match row.try_get::<Option<&[u8]>, _>(6)? {
        Some(sealed) => match keys.open(events_key(loser, at), "event", "properties", &id, sealed)? {
            Some(plain) => Some(keys.seal(events_key(survivor, at), "event", "properties", &id, &plain)?),
            None => return Ok(0),
        },
        None => None,
    };
    let place: i64 = db::query("select coalesce(min(seq), 0) from event where shard = ? and customer = ?")
        .bind(shard(survivor))
        .bind(survivor.0.to_vec())
        .fetch_one(&mut tx.conn)
        .await?
        .try_get(0)?;
    let place = place.min(0) - 1;
    db::query(
        "insert into event (shard, customer, seq, id, name, kind, source, occurred_at, received_at, properties) \
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(shard(survivor))
    .bind(survivor.0.to_vec())
    .bind(place)
    .bind(id)
    .bind(row.try_get::<i64, _>(1)?)
    .bind(row.try_get::<i64, _>(2)?)
    .bind(row.try_get::<i64, _>(3)?)
    .bind(row.try_get::<i64, _>(4)?)
    .bind(received_at)
    .bind(properties)
    .execute(&mut tx.conn)
    .await?;
    Ok(place)
}
