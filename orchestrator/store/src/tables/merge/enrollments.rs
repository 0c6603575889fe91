//! Enrollments of a merge: of two with one key the older goes on, the newer ends and takes back what it had planned.

use super::super::Store;
use super::super::audit::PreparedAudit;
use super::super::keys::{Keys, profile_key};
use super::super::open::shard;
use super::super::plan::cancel;
use super::super::tally::Kind;
use super::super::writer::Tx;
use super::calls::{cancel_calls, move_calls};
use super::events::copy_cause;
use crate::{AuditEvent, AuditKind, StoreError};
use db::Rows;
use std::collections::HashMap;
use words::{CustomerId, EnrollmentId, Timestamp};

/// A live enrollment of one key: start, whether it is the loser's, id, program, node.
type Rival = (i64, bool, EnrollmentId, i64, i64);

/// Returns how many live ones moved, and how many ended because the other side had an older one.
pub(super) async fn move_enrollments(
    tx: &mut Tx,
    store: &Store,
    keys: &Keys,
    loser: CustomerId,
    survivor: CustomerId,
    now: Timestamp,
) -> Result<(u64, u64), StoreError> {
    let mut live: HashMap<(i64, Vec<u8>), Vec<Rival>> = HashMap::new();
    for (id, theirs) in [(survivor, false), (loser, true)] {
        let rows = db::query(
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
    let mut live: Vec<_> = live.into_iter().collect();
    live.sort();
    for ((journey, _), mut rivals) in live {
        // The older first; of two of one age the survivor's own.
        rivals.sort();
        let oldest = rivals.first().map(|(_, theirs, id, ..)| (if *theirs { loser } else { survivor }, *id));
        for (place, (_, theirs, enrollment, program, pc)) in rivals.into_iter().enumerate() {
            let whose = if theirs { loser } else { survivor };
            if place > 0 {
                db::query(
                    "update enrollment set status = 4, due_at = null, ended_at = ?, reason = 'merged' \
                     where shard = ? and customer = ? and id = ?",
                )
                .bind(now.as_micros())
                .bind(shard(whose))
                .bind(whose.0.to_vec())
                .bind(enrollment.0.to_vec())
                .execute(&mut tx.conn)
                .await?;
                db::query("delete from enrollment_context where shard = ? and customer = ? and id = ?")
                    .bind(shard(whose))
                    .bind(whose.0.to_vec())
                    .bind(enrollment.0.to_vec())
                    .execute(&mut tx.conn)
                    .await?;
                cancel_calls(tx, whose, &enrollment.0).await?;
                // Not twice: what it had planned the older one says, and what it has said the older one need not.
                cancel_planned(tx, store, whose, enrollment, None, now).await?;
                if let Some((of, older)) = oldest {
                    cancel_planned(tx, store, of, older, Some((whose, enrollment)), now).await?;
                }
                let body = serde_json::json!({"how": "merged", "reason": "merged"}).to_string();
                write_down(tx, store, AuditKind::EnrollmentEnded, whose, enrollment.0, body, now).await?;
                tx.tally.place(program, pc, -1);
                tx.tally.journey(journey, Kind::Stopped, 0, 1);
                merged += 1;
            }
        }
    }
    // Those of the loser last: the key is free by now. What has ended goes along, so that nothing begins again that may not.
    let rows = db::query(
        "select e.id, x.body, e.status, e.cause_seq from enrollment e left join enrollment_context x \
            on x.shard = e.shard and x.customer = e.customer and x.id = e.id where e.shard = ? and e.customer = ?",
    )
    .bind(shard(loser))
    .bind(loser.0.to_vec())
    .fetch_all(&mut tx.conn)
    .await?;
    for row in rows {
        let id: [u8; 16] =
            row.try_get::<&[u8], _>(0)?.try_into().map_err(|_| StoreError::corrupt("enrollment.id"))?;
        let (status, cause): (i64, i64) = (row.try_get(2)?, row.try_get(3)?);
        let cause = match cause {
            0 => 0,
            seq => copy_cause(tx, keys, loser, survivor, seq).await?,
        };
        db::query(
            "update enrollment set shard = ?, customer = ?, cause_seq = ? where shard = ? and customer = ? and id = ?",
        )
        .bind(shard(survivor))
        .bind(survivor.0.to_vec())
        .bind(cause)
        .bind(shard(loser))
        .bind(loser.0.to_vec())
        .bind(id.to_vec())
        .execute(&mut tx.conn)
        .await?;
        if let Some(sealed) = row.try_get::<Option<Vec<u8>>, _>(1)? {
            let cell = ("enrollment_context", "body");
            let plain =
                keys.open(profile_key(loser), cell.0, cell.1, &id, &sealed)?.ok_or(StoreError::Erased)?;
            let body = keys.seal(profile_key(survivor), cell.0, cell.1, &id, &plain)?;
            db::query(
                "update enrollment_context set shard = ?, customer = ?, body = ? \
                 where shard = ? and customer = ? and id = ?",
            )
            .bind(shard(survivor))
            .bind(survivor.0.to_vec())
            .bind(body)
            .bind(shard(loser))
            .bind(loser.0.to_vec())
            .bind(id.to_vec())
            .execute(&mut tx.conn)
            .await?;
        }
        move_calls(tx, keys, loser, survivor, &id, now).await?;
        moved += u64::from(status == 0);
    }
    Ok((moved, merged))
}

/// Takes back what an enrollment has planned and nobody was handed; with `said`, only what that other enrollment has said
/// already.
async fn cancel_planned(
    tx: &mut Tx,
    store: &Store,
    customer: CustomerId,
    enrollment: EnrollmentId,
    said: Option<(CustomerId, EnrollmentId)>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let by = said.unwrap_or((customer, enrollment));
    let found = db::query(
        "select d.message, d.id from message m indexed by message_customer cross join delivery d on d.shard = m.shard \
            and d.customer = m.customer and d.message = m.id and d.state in (0, 1) \
         where m.shard = ?1 and m.customer = ?2 and m.enrollment = ?3 and m.outcome = 0 \
            and (?4 <> 0 or exists (select 1 from message o indexed by message_customer \
                where o.shard = ?5 and o.customer = ?6 and o.enrollment = ?7 \
                and o.step = m.step and o.visit = m.visit and o.outcome in (1, 2, 3, 8, 10)))",
    )
    .bind(shard(customer))
    .bind(customer.0.to_vec())
    .bind(enrollment.0.to_vec())
    .bind(said.is_none())
    .bind(shard(by.0))
    .bind(by.0.0.to_vec())
    .bind(by.1.0.to_vec())
    .fetch_all(&mut tx.conn)
    .await?;
    let words = match said {
        None => words::Text::new(
            "not sent, because two customers turned out to be one, and the older enrollment goes on",
            "同じ方だとわかったお客様を統合し、先に始まった方だけを続けるため、送っていません",
        ),
        Some(_) => words::Text::new(
            "not sent, because two customers turned out to be one, and this was said to them already",
            "同じ方だとわかったお客様を統合し、同じ内容をすでに送っているため、送っていません",
        ),
    };
    let why = serde_json::json!({"decision": {"verdict": "block"}, "reasons": [{
        "rule": "", "code": "journey_merged", "outcome": "block", "text": words,
    }]})
    .to_string();
    let mut rows = Rows::new();
    let mut messages = Vec::new();
    for row in found {
        let message: [u8; 16] =
            row.try_get::<&[u8], _>(0)?.try_into().map_err(|_| StoreError::corrupt("message.id"))?;
        rows.row()
            .int(shard(customer))
            .blob(&customer.0)
            .blob(&message)
            .blob(row.try_get(1)?)
            .text(&why)
            .at(now);
        if !messages.contains(&message) {
            messages.push(message);
        }
    }
    cancel(tx, rows).await?;
    for message in messages {
        let body = serde_json::json!({"how": "merged", "reason": "merged"}).to_string();
        write_down(tx, store, AuditKind::MessageCancelled, customer, message, body, now).await?;
    }
    Ok(())
}

async fn write_down(
    tx: &mut Tx,
    store: &Store,
    kind: AuditKind,
    customer: CustomerId,
    subject: [u8; 16],
    body: String,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut rows = Rows::new();
    let event = AuditEvent { kind, at: now, customer: Some(customer), subject: Some(subject), body };
    store.audit_rows(&mut rows, &[event])?;
    super::super::audit::insert(tx, PreparedAudit::new(rows)).await
}
