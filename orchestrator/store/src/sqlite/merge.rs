//! Merge of two customers who turned out to be one.
//!
//! The loser becomes a redirect and keeps its history under its own keys; what still moves (identities, live
//! enrollments, planned messages, segments, caps, facts, consents) goes over to the survivor.

use super::Store;
use super::audit::PreparedAudit;
use super::customer::{follow, load};
use super::ingest::{Prepared, write_events};
use super::keys::{Keys, content_key, events_key, profile_key};
use super::open::shard;
use super::rows::Rows;
use super::sql;
use super::tally::Kind;
use super::writer::Tx;
use crate::{AuditEvent, AuditKind, Merged, StoreError};
use engine::Facts;
use sqlx::Row;
use std::collections::HashMap;
use words::{ConsentState, Customer, CustomerId, EnrollmentId, MessageId, Timestamp};

impl Store {
    /// Merges `loser` into `survivor`. Of two live enrollments with one key the older stays; a revocation on either side
    /// wins; cap uses and facts unite; planned messages keep their ids. Both are looked at again at once.
    pub async fn merge(
        &self,
        loser: CustomerId,
        survivor: CustomerId,
        schema: &journey::Schema,
        now: Timestamp,
        mut audit: Vec<AuditEvent>,
    ) -> Result<Merged, StoreError> {
        let (loser, survivor) = {
            let mut conn = self.read().await?;
            let missing = |id| StoreError::NotFound(format!("customer {id}"));
            (
                follow(&mut conn, loser).await?.ok_or_else(|| missing(loser))?,
                follow(&mut conn, survivor).await?.ok_or_else(|| missing(survivor))?,
            )
        };
        let same = Merged { survivor, changed: false, enrollments_moved: 0, enrollments_merged: 0 };
        if loser == survivor {
            return Ok(same);
        }
        audit.push(AuditEvent {
            kind: AuditKind::CustomerMerged,
            at: now,
            customer: Some(survivor),
            subject: Some(loser.0),
            body: serde_json::json!({"from": loser, "into": survivor}).to_string(),
        });
        self.intern(audit.iter().map(|event| event.kind.as_str())).await?;
        // Messages on their way were sealed in the years they were planned in.
        let years: Vec<Timestamp> = {
            let mut conn = self.read().await?;
            let rows = sqlx::query(
                "select distinct m.planned_at from message m where m.shard = ? and m.customer = ? and m.outcome = 0",
            )
            .bind(shard(loser))
            .bind(loser.0.to_vec())
            .fetch_all(&mut *conn)
            .await?;
            rows.iter()
                .map(|row| Ok(Timestamp::from_micros(row.try_get(0)?)))
                .collect::<Result<_, StoreError>>()?
        };
        // So were events that no step has seen yet.
        let pending: Vec<Timestamp> = {
            let mut conn = self.read().await?;
            let rows = sqlx::query(
                "select distinct e.received_at from customer c cross join event e on e.shard = c.shard \
                    and e.customer = c.id and e.seq > c.applied_seq where c.shard = ? and c.id = ?",
            )
            .bind(shard(loser))
            .bind(loser.0.to_vec())
            .fetch_all(&mut *conn)
            .await?;
            rows.iter()
                .map(|row| Ok(Timestamp::from_micros(row.try_get(0)?)))
                .chain(std::iter::once(Ok(now)))
                .collect::<Result<_, StoreError>>()?
        };
        let wanted = [loser, survivor].into_iter().flat_map(|id| {
            std::iter::once(profile_key(id))
                .chain(years.iter().map(move |at| content_key(id, *at)))
                .chain(pending.iter().map(move |at| events_key(id, *at)))
        });
        let keys = self.keys(wanted.collect::<Vec<_>>(), now).await?;
        let (store, schema) = (self.clone(), schema.clone());
        self.write(move |tx| {
            Box::pin(async move {
                // Both are claimed by nobody from here on: their profile versions rise.
                let lost = load(tx, &keys, loser).await?.customer;
                let mut kept = load(tx, &keys, survivor).await?.customer;
                unite(&mut kept, lost);
                unite_facts(tx, &keys, &schema, loser, survivor).await?;
                let profile = keys.seal_packed(
                    profile_key(survivor),
                    "customer_profile",
                    "profile",
                    &survivor.0,
                    &kept,
                )?;
                sql::query(
                    "update customer_profile set profile = ?, updated_at = ? where shard = ? and id = ?",
                )
                .bind(profile)
                .bind(now.as_micros())
                .bind(shard(survivor))
                .bind(survivor.0.to_vec())
                .execute(&mut tx.conn)
                .await?;
                let (moved, merged) = move_enrollments(tx, &keys, loser, survivor, now).await?;
                move_messages(tx, &keys, loser, survivor, now).await?;
                let pending = pending_events(tx, &keys, loser, survivor).await?;
                move_rest(tx, loser, survivor, now).await?;
                write_events(tx, &pending).await?;
                let mut rows = Rows::new();
                store.audit_rows(&mut rows, &audit)?;
                super::audit::insert(tx, PreparedAudit::new(rows)).await?;
                tx.after.step_due(words::shard_of(survivor), now.as_micros());
                Ok(Merged { survivor, changed: true, enrollments_moved: moved, enrollments_merged: merged })
            })
        })
        .await
    }
}

/// Pure: what the survivor is afterwards. Where both say something, the survivor's word stays, but for a revocation.
fn unite(kept: &mut Customer, lost: Customer) {
    for (name, value) in lost.traits {
        kept.traits.entry(name).or_insert(value);
    }
    for address in lost.addresses {
        match kept.addresses.iter_mut().find(|a| a.channel == address.channel && a.value == address.value) {
            Some(same) if address.state != words::AddressState::Active => same.state = address.state,
            Some(_) => {}
            None => kept.addresses.push(address),
        }
    }
    kept.user_id = kept.user_id.take().or(lost.user_id);
    kept.zone = kept.zone.take().or(lost.zone);
    kept.country = kept.country.take().or(lost.country);
    kept.locale = kept.locale.take().or(lost.locale);
    kept.account = kept.account.take().or(lost.account);
    kept.created_at = kept.created_at.min(lost.created_at);
    for theirs in lost.consents {
        let mine =
            kept.consents.iter_mut().find(|c| c.purpose == theirs.purpose && c.channel == theirs.channel);
        match mine {
            None => kept.consents.push(theirs),
            Some(mine) => {
                let revoked = (mine.state == ConsentState::Revoked, theirs.state == ConsentState::Revoked);
                let take = match revoked {
                    (false, true) => true,
                    (true, false) => false,
                    _ => theirs.at > mine.at,
                };
                if take {
                    *mine = theirs;
                }
            }
        }
    }
}

async fn unite_facts(
    tx: &mut Tx,
    keys: &Keys,
    schema: &journey::Schema,
    loser: CustomerId,
    survivor: CustomerId,
) -> Result<(), StoreError> {
    let mut facts = Vec::new();
    for id in [survivor, loser] {
        let row = sql::query("select facts from customer_profile where shard = ? and id = ?")
            .bind(shard(id))
            .bind(id.0.to_vec())
            .fetch_one(&mut tx.conn)
            .await?;
        let sealed: Option<Vec<u8>> = row.try_get(0)?;
        facts.push(match sealed {
            Some(sealed) => {
                keys.open_packed::<Facts>(profile_key(id), "customer_profile", "facts", &id.0, &sealed)?
            }
            None => None,
        });
    }
    let Some(theirs) = facts.pop().flatten() else { return Ok(()) };
    let mut mine = facts.pop().flatten().unwrap_or_default();
    mine.unite(schema, theirs);
    let sealed = keys.seal_packed(profile_key(survivor), "customer_profile", "facts", &survivor.0, &mine)?;
    sql::query("update customer_profile set facts = ? where shard = ? and id = ?")
        .bind(sealed)
        .bind(shard(survivor))
        .bind(survivor.0.to_vec())
        .execute(&mut tx.conn)
        .await?;
    Ok(())
}

/// A live enrollment of one key: start, whether it is the loser's, id, program, node.
type Rival = (i64, bool, EnrollmentId, i64, i64);

/// Returns how many moved, and how many ended because the other side had an older one.
async fn move_enrollments(
    tx: &mut Tx,
    keys: &Keys,
    loser: CustomerId,
    survivor: CustomerId,
    now: Timestamp,
) -> Result<(u64, u64), StoreError> {
    let mut live: HashMap<(i64, Vec<u8>), Vec<Rival>> = HashMap::new();
    for (id, theirs) in [(survivor, false), (loser, true)] {
        let rows = sql::query(
            "select journey, key, started_at, id, program, pc from enrollment where shard = ? and customer = ? and status = 0",
        )
        .bind(shard(id))
        .bind(id.0.to_vec())
        .fetch_all(&mut tx.conn)
        .await?;
        for row in rows {
            let enrollment = EnrollmentId::from_slice(row.try_get(3)?)
                .ok_or_else(|| StoreError::corrupt("enrollment.id"))?;
            live.entry((row.try_get(0)?, row.try_get(1)?)).or_default().push((
                row.try_get(2)?,
                theirs,
                enrollment,
                row.try_get(4)?,
                row.try_get(5)?,
            ));
        }
    }
    let (mut moved, mut merged) = (0, 0);
    for ((journey, _), mut rivals) in live {
        // The older first; of two of one age the survivor's own.
        rivals.sort();
        for (place, (_, theirs, enrollment, program, pc)) in rivals.into_iter().enumerate() {
            let whose = if theirs { loser } else { survivor };
            if place > 0 {
                sql::query(
                    "update enrollment set status = 4, due_at = null, ended_at = ?, reason = 'merged' \
                     where shard = ? and customer = ? and id = ?",
                )
                .bind(now.as_micros())
                .bind(shard(whose))
                .bind(whose.0.to_vec())
                .bind(enrollment.0.to_vec())
                .execute(&mut tx.conn)
                .await?;
                tx.tally.place(program, pc, -1);
                tx.tally.journey(journey, Kind::Stopped, 0, 1);
                merged += 1;
            }
        }
    }
    // The older ones of the loser last: the key is free by now.
    let rows = sql::query(
        "select e.id, x.body from enrollment e left join enrollment_context x on x.shard = e.shard \
            and x.customer = e.customer and x.id = e.id where e.shard = ? and e.customer = ? and e.status = 0",
    )
    .bind(shard(loser))
    .bind(loser.0.to_vec())
    .fetch_all(&mut tx.conn)
    .await?;
    for row in rows {
        let id: Vec<u8> = row.try_get(0)?;
        sql::query(
            "update enrollment set shard = ?, customer = ?, cause_seq = 0 where shard = ? and customer = ? and id = ?",
        )
        .bind(shard(survivor))
        .bind(survivor.0.to_vec())
        .bind(shard(loser))
        .bind(loser.0.to_vec())
        .bind(id.clone())
        .execute(&mut tx.conn)
        .await?;
        if let Some(sealed) = row.try_get::<Option<Vec<u8>>, _>(1)? {
            let cell = ("enrollment_context", "body");
            let plain =
                keys.open(profile_key(loser), cell.0, cell.1, &id, &sealed)?.ok_or(StoreError::Erased)?;
            let body = keys.seal(profile_key(survivor), cell.0, cell.1, &id, &plain)?;
            sql::query("insert into enrollment_context (shard, customer, id, body) values (?, ?, ?, ?)")
                .bind(shard(survivor))
                .bind(survivor.0.to_vec())
                .bind(id.clone())
                .bind(body)
                .execute(&mut tx.conn)
                .await?;
            sql::query("delete from enrollment_context where shard = ? and customer = ? and id = ?")
                .bind(shard(loser))
                .bind(loser.0.to_vec())
                .bind(id)
                .execute(&mut tx.conn)
                .await?;
        }
        moved += 1;
    }
    Ok((moved, merged))
}

/// Messages whose deliveries were never handed over go along, with inputs and addresses sealed anew.
async fn move_messages(
    tx: &mut Tx,
    keys: &Keys,
    loser: CustomerId,
    survivor: CustomerId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let rows = sql::query(
        "select m.id, m.planned_at, m.inputs from message m where m.shard = ?1 and m.customer = ?2 and m.outcome = 0 \
            and not exists (select 1 from delivery d where d.shard = m.shard and d.customer = m.customer \
                and d.message = m.id and d.state not in (0, 1, 12))",
    )
    .bind(shard(loser))
    .bind(loser.0.to_vec())
    .fetch_all(&mut tx.conn)
    .await?;
    for row in rows {
        let message =
            MessageId::from_slice(row.try_get(0)?).ok_or_else(|| StoreError::corrupt("message.id"))?;
        let planned_at = Timestamp::from_micros(row.try_get(1)?);
        let (old, new) = (content_key(loser, planned_at), content_key(survivor, planned_at));
        let again = |table: &str, column: &str, row: &[u8], sealed: &[u8]| -> Result<Vec<u8>, StoreError> {
            let plain = keys.open(old, table, column, row, sealed)?.ok_or(StoreError::Erased)?;
            keys.seal(new, table, column, row, &plain)
        };
        let inputs = match row.try_get::<Option<&[u8]>, _>(2)? {
            Some(sealed) => Some(again("message", "inputs", &message.0, sealed)?),
            None => None,
        };
        sql::query(
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
        let deliveries = sql::query(
            "update delivery set shard = ?1, customer = ?2, fence = fence + 1, \
                due_at = case state when 12 then null when 1 then ?3 else due_at end, \
                lease_until = null, state = case state when 1 then 0 else state end \
             where shard = ?4 and customer = ?5 and message = ?6 returning id, channel, due_at",
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
            let row = sql::query(
                "delete from content where shard = ? and customer = ? and delivery = ? returning address",
            )
            .bind(shard(loser))
            .bind(loser.0.to_vec())
            .bind(id.clone())
            .fetch_one(&mut tx.conn)
            .await?;
            let address = again("content", "address", &id, row.try_get(0)?)?;
            sql::query("insert into content (shard, customer, delivery, address) values (?, ?, ?, ?)")
                .bind(shard(survivor))
                .bind(survivor.0.to_vec())
                .bind(id)
                .bind(address)
                .execute(&mut tx.conn)
                .await?;
        }
    }
    Ok(())
}

async fn move_rest(
    tx: &mut Tx,
    loser: CustomerId,
    survivor: CustomerId,
    now: Timestamp,
) -> Result<(), StoreError> {
    for sql in [
        "update identity set customer = ?2 where customer = ?1",
        "update or ignore cap_use set shard = ?4, customer = ?2 where shard = ?3 and customer = ?1",
        "delete from customer_segment where shard = ?3 and customer = ?1",
        "update customer_profile set redirect_to = ?2 where shard = ?3 and id = ?1",
        "update customer set due_at = null, flags = flags | 1, guard_version = guard_version + 1, \
            profile_version = profile_version + 1 where shard = ?3 and id = ?1",
    ] {
        sql::query(sql)
            .bind(loser.0.to_vec())
            .bind(survivor.0.to_vec())
            .bind(shard(loser))
            .bind(shard(survivor))
            .execute(&mut tx.conn)
            .await?;
    }
    sql::query(
        "update customer set guard_version = guard_version + 1, profile_version = profile_version + 1, \
            due_at = min(coalesce(due_at, ?3), ?3) where shard = ?1 and id = ?2",
    )
    .bind(shard(survivor))
    .bind(survivor.0.to_vec())
    .bind(now.as_micros())
    .execute(&mut tx.conn)
    .await?;
    Ok(())
}

/// Events of the loser that no step has seen yet, sealed anew for the survivor.
async fn pending_events(
    tx: &mut Tx,
    keys: &Keys,
    loser: CustomerId,
    survivor: CustomerId,
) -> Result<Vec<Prepared>, StoreError> {
    let rows = sql::query(
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
