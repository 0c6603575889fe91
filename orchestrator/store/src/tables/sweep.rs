//! What was left behind by crashes: leases that are over, on the machine clock.

use super::Store;
use super::audit::PreparedAudit;
use super::ledger::delivery_key;
use super::locks::lock_free_customers;
use super::open::shard;
use super::settle::message_outcome;
use crate::{AuditEvent, AuditKind, MessageOutcome, StoreError, Swept};
use crate::{Clock as _, SystemClock};
use db::Kind;
use db::Rows;
use words::Timestamp;

/// Why nobody knows what became of a hand-over that nobody is left to speak for.
const BECAUSE: &str = r#"{"because":{"code":"process_ended",
"en":"Whether it was accepted is not known: Tabi ended while it was being handed over; it is not sent again, so that it cannot arrive twice, until evidence or a person settles it.",
"ja":"受け付けられたかどうか分かりません。送信事業者に渡している途中で Tabi が終了しました。二重に届くのを避けるため、証拠か担当者の判断で決着するまで送り直しません。"}}"#;

/// At most so many in one commit.
const SWEEP_MAX: i64 = 1000;

impl Store {
    /// Gives leases back that are over: claimed ones are planned again; those handing over are planned again with the
    /// same bytes (never-lost, keyed), or stand as unknown until evidence settles them (never-twice).
    pub async fn sweep(&self, now: Timestamp, machine_now: Timestamp) -> Result<Swept, StoreError> {
        let mut swept = Swept::default();
        loop {
            let one = self.sweep_some(now, machine_now).await?;
            let more = one.planned_again + one.unknown + one.calls;
            swept.planned_again += one.planned_again;
            swept.unknown += one.unknown;
            swept.quarantined += one.quarantined;
            swept.calls += one.calls;
            if more < SWEEP_MAX as u64 {
                return Ok(swept);
            }
        }
    }

    /// At start, when this process is the only one: every lease is over, and erasures that were cut off are finished.
    pub async fn sweep_at_start(&self, now: Timestamp) -> Result<Swept, StoreError> {
        self.finish_erasures(now).await?;
        // On a server others may be at work.
        let over = match self.0.base.kind() {
            Kind::Sqlite => Timestamp::MAX,
            Kind::Postgres => SystemClock.machine_now(),
        };
        self.sweep(now, over).await
    }

    async fn sweep_some(&self, now: Timestamp, machine_now: Timestamp) -> Result<Swept, StoreError> {
        let machine_now = self.by_the_server(machine_now);
        {
            // Looked at by a reader first: usually there is nothing, and the writer is left alone.
            let mut conn = self.read().await?;
            let any = db::query(
                "select exists (select 1 from delivery where lease_until < ?1 and state in (1, 2)) \
                     or exists (select 1 from call where lease_until < ?1)",
            )
            .bind(machine_now.as_micros())
            .fetch_one(&mut *conn)
            .await?;
            if !any.try_get::<bool, _>(0)? {
                return Ok(Swept::default());
            }
        }
        self.intern([AuditKind::DeliveryUnknown.as_str()]).await?;
        let store = self.clone();
        self.write(move |tx| {
            Box::pin(async move {
                let mut swept = Swept::default();
                let rows = db::query(
                    "select customer, message, id, state, channel, delivery_class, fence, handed_at from delivery \
                     where lease_until < ? and state in (1, 2) limit ?",
                )
                .bind(machine_now.as_micros())
                .bind(SWEEP_MAX)
                .fetch_all(&mut tx.conn)
                .await?;
                let whose = rows.iter().map(|row| Ok(delivery_key(row)?.customer));
                let free = lock_free_customers(tx, whose.collect::<Result<Vec<_>, StoreError>>()?)?;
                for row in rows {
                    let key = delivery_key(&row)?;
                    // Somebody is at it.
                    if !free.contains(&key.customer) {
                        continue;
                    }
                    let (state, channel): (i64, i64) = (row.try_get(3)?, row.try_get(4)?);
                    let unknown = state == 2 && row.try_get::<i64, _>(5)? == 0;
                    let changed = db::query(
                        "update delivery set state = ?1, due_at = ?2, lease_until = null, settled_at = ?3, \
                            why = case when ?4 is null then why when json_valid(why) then json_patch(why, ?4) else ?4 end \
                         where shard = ?5 and customer = ?6 and message = ?7 and id = ?8 and lease_until < ?9 \
                            and state = ?10 and fence = ?11",
                    )
                    .bind(if unknown { 4 } else { 0 })
                    .bind((!unknown).then_some(now.as_micros()))
                    .bind(unknown.then_some(now.as_micros()))
                    .bind(unknown.then_some(BECAUSE))
                    .bind(shard(key.customer))
                    .bind(key.customer.0.to_vec())
                    .bind(key.message.0.to_vec())
                    .bind(key.delivery.0.to_vec())
                    .bind(machine_now.as_micros())
                    // As it was read, before it was locked: whoever woke up meanwhile may have gone on.
                    .bind(state)
                    .bind(row.try_get::<i64, _>(6)?)
                    .execute(&mut tx.conn)
                    .await?
                    .rows_affected();
                    if changed == 0 {
                        continue;
                    }
                    if state == 2 {
                        // It was begun, and nobody is left who could say how it ended.
                        db::query(
                            "insert into attempt (shard, customer, delivery, n, started_at, ended_at, node, fence, outcome) \
                             values (?, ?, ?, ?, ?, null, '', ?, 'no_answer') on conflict do nothing",
                        )
                        .bind(shard(key.customer))
                        .bind(key.customer.0.to_vec())
                        .bind(key.delivery.0.to_vec())
                        .bind(row.try_get::<i64, _>(6)?)
                        .bind(row.try_get::<Option<i64>, _>(7)?.unwrap_or(now.as_micros()))
                        .bind(row.try_get::<i64, _>(6)?)
                        .execute(&mut tx.conn)
                        .await?;
                    }
                    if unknown {
                        swept.unknown += 1;
                        message_outcome(tx, key, MessageOutcome::Unknown, now, BECAUSE).await?;
                        let mut rows = Rows::new();
                        store.audit_rows(
                            &mut rows,
                            &[AuditEvent {
                                kind: AuditKind::DeliveryUnknown,
                                at: now,
                                customer: Some(key.customer),
                                subject: Some(key.delivery.0),
                                body: r#"{"because":"the process ended during the hand-over"}"#.to_owned(),
                            }],
                        )?;
                        super::audit::insert(tx, PreparedAudit::new(rows)).await?;
                    } else {
                        swept.planned_again += 1;
                        tx.after.send_due(channel, words::shard_of(key.customer), now.as_micros());
                    }
                }
                swept.calls = db::query(
                    "update call set due_at = ?, lease_until = null where lease_until < ? and state = 0",
                )
                .bind(now.as_micros())
                .bind(machine_now.as_micros())
                .execute(&mut tx.conn)
                .await?
                .rows_affected();
                Ok(swept)
            })
        })
        .await
    }
}
