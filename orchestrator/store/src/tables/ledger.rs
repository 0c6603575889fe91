//! Claims of deliveries: fence, attempt and strike are counted and durable before anything can crash.

pub(super) mod order;
mod work;

use super::Store;
use super::ask::Ask;
use super::hints::{Due, NEVER};
use super::locks::lock_free_customers;
use super::open::shard;
use crate::planted::{Bug, planted};
use crate::{ClaimFor, DeliveryKey, DeliveryState, SendWork, StoreError};
use db::{Cells, Conn, bytes, cell};
use db::{Rows, signed};
use std::sync::atomic::Ordering;
use words::{Channel, CustomerId, DeliveryId, MessageId, SHARDS, Timestamp};

pub(super) use work::SealedContent;

/// Strikes after which a delivery is set aside.
pub(crate) const STRIKES_MAX: i64 = 3;

impl DeliveryState {
    /// From its number.
    pub(crate) fn of(no: i64) -> Result<Self, StoreError> {
        use DeliveryState as S;
        const ALL: [DeliveryState; 13] = [
            S::Planned,
            S::Claimed,
            S::HandingOver,
            S::Accepted,
            S::Unknown,
            S::Delivered,
            S::Bounced,
            S::Complained,
            S::Rejected,
            S::Quarantined,
            S::Suppressed,
            S::Expired,
            S::Cancelled,
        ];
        usize::try_from(no)
            .ok()
            .and_then(|no| ALL.get(no).copied())
            .ok_or_else(|| StoreError::corrupt(format!("delivery.state {no}")))
    }
}

/// Struck ones that are claimed together: those struck once. A second strike, and they go alone.
const STRUCK_TOGETHER: usize = 16;

/// What a look for due deliveries found.
#[derive(Default)]
pub(super) struct Found {
    pub(super) keys: Vec<DeliveryKey>,
    /// Whose customers were merged meanwhile.
    pub(super) moved: std::collections::BTreeSet<CustomerId>,
}

impl Store {
    /// Claims planned deliveries that are due. Fence, attempt and strike are counted and committed before this returns.
    /// A customer who is due for a step is left until it is done: it may change what is sent. What was planned earlier for
    /// a customer goes first, by itself: messages of one channel arrive in their order. Those whose last claim
    /// ended without any answer are left to [`Store::claim_struck`]. Nothing while held.
    pub async fn claim_sends(
        &self,
        now: Timestamp,
        limit: usize,
        channels: &[Channel],
        claim: ClaimFor,
    ) -> Result<Vec<SendWork>, StoreError> {
        if self.is_held() || limit == 0 {
            return Ok(Vec::new());
        }
        let (mut keys, mut paced) = (Vec::new(), Vec::new());
        for channel in channels {
            let Some(lane) = self.0.symbols.id(channel.as_str()) else { continue };
            let left = limit - keys.len() - paced.len();
            if left == 0 {
                break;
            }
            if self.0.paces.apart(lane) {
                paced.append(&mut self.claim_paced(lane, now, left, &claim).await?);
                continue;
            }
            let found = self.due_sends(lane, now, left).await?;
            keys.extend(found.keys);
            for loser in found.moved {
                self.bring_over(loser, now).await?;
            }
        }
        let mut works = self.claim_these(keys, now, claim).await?;
        works.append(&mut paced);
        Ok(works)
    }

    /// Claims due deliveries whose last claim ended without any answer, which may be what ended the process: those least
    /// struck first, a few that were struck once, or one alone. So three crashes meet the one that causes them, and whoever
    /// was beside it only in the first two. Those that had their strikes are quarantined instead.
    pub async fn claim_struck(
        &self,
        now: Timestamp,
        channels: &[Channel],
        claim: ClaimFor,
    ) -> Result<Vec<SendWork>, StoreError> {
        // Set by whoever saw one: usually there is none, and nothing is asked.
        if self.is_held() || !self.0.struck.swap(false, Ordering::AcqRel) {
            return Ok(Vec::new());
        }
        for channel in channels {
            let Some(lane) = self.0.symbols.id(channel.as_str()) else { continue };
            let apart = self.0.paces.apart(lane);
            if apart && self.wait_for(lane, &claim).is_some() {
                self.0.struck.store(true, Ordering::Release);
                continue;
            }
            let keys = self.due_struck(lane, now).await?;
            if !keys.is_empty() {
                self.0.struck.store(true, Ordering::Release);
                return match apart {
                    true => self.claim_at_pace(lane, keys, now, &claim).await,
                    false => self.claim_these(keys, now, claim).await,
                };
            }
        }
        Ok(Vec::new())
    }

    async fn claim_these(
        &self,
        keys: Vec<DeliveryKey>,
        now: Timestamp,
        claim: ClaimFor,
    ) -> Result<Vec<SendWork>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let lease = self.by_the_server(claim.machine_now).plus(claim.lease).as_micros();
        let keys =
            self.write(move |tx| Box::pin(async move { claim_in(tx, keys, now, lease).await })).await?;
        self.load_sends(&keys, now, claim.caps_since).await
    }

    async fn due_struck(&self, lane: i64, now: Timestamp) -> Result<Vec<DeliveryKey>, StoreError> {
        let mut shards = Rows::new();
        for hint in self.0.wakeups.hints.due(lane, now.as_micros()) {
            shards.row().int(hint.shard).at(now).int(lane).int(signed(STRUCK_TOGETHER as u64));
        }
        self.aside(move |_, conn| {
            let mut found = Vec::new();
            conn.ask(
                "select d.customer, d.message, d.id, d.strikes from delivery d indexed by delivery_due \
                 cross join customer c on c.shard = d.shard and c.id = d.customer \
                 where d.shard = ?1 and d.channel = ?3 and d.due_at <= ?2 \
                    and d.strikes > 0 and c.flags & 1 = 0 and (c.due_at is null or c.due_at > ?2) \
                 order by d.strikes limit ?4",
                &shards,
                |_, row| {
                    found.push((cell::<i64>(row, 3)?, delivery_key(row)?));
                    Ok(())
                },
            )?;
            found.sort_by_key(|(strikes, _)| *strikes);
            found.truncate(STRUCK_TOGETHER);
            let several = found.iter().take_while(|(strikes, _)| *strikes <= 1).count();
            found.truncate(several.max(1));
            Ok(found.into_iter().map(|(_, key)| key).collect())
        })
        .await
    }

    async fn due_sends(&self, lane: i64, now: Timestamp, limit: usize) -> Result<Found, StoreError> {
        let hints = self.0.wakeups.hints.due(lane, now.as_micros());
        if hints.is_empty() {
            return Ok(Found::default());
        }
        self.aside(move |store, conn| {
            conn.run("begin")?;
            let found = store.due_sends_in(conn, lane, &hints, now, limit)?;
            conn.run("commit")?;
            Ok(found)
        })
        .await
    }

    pub(super) fn due_sends_in(
        &self,
        conn: &Conn,
        lane: i64,
        hints: &[Due],
        now: Timestamp,
        limit: usize,
    ) -> Result<Found, StoreError> {
        // Room for those whose step comes first.
        let most = limit + 256;
        let mut shards = Rows::new();
        for hint in hints.iter().take(usize::from(SHARDS)) {
            shards.row().int(hint.shard).at(now).int(lane).int(signed(most as u64));
        }
        let (mut found, mut seen, mut last) = (Found::default(), 0, None);
        conn.ask_most(
            "select d.customer, d.message, d.id, c.due_at is not null and c.due_at <= ?2, c.flags & 1, d.strikes, \
                exists (select 1 from delivery e indexed by delivery_open where e.shard = d.shard \
                    and e.customer = d.customer and e.state in (0, 1, 2) and e.channel = d.channel \
                    and e.planned_at < d.planned_at and (e.state <> 0 or e.due_at <= ?2)) \
             from delivery d indexed by delivery_due cross join customer c on c.shard = d.shard and c.id = d.customer \
             where d.shard = ?1 and d.channel = ?3 and d.due_at <= ?2 limit ?4",
            &shards,
            most,
            |_, row| {
                let key = delivery_key(row)?;
                seen += 1;
                last = Some(words::shard_of(key.customer));
                let (step_first, behind): (bool, bool) = (cell(row, 3)?, cell(row, 6)?);
                if cell::<bool>(row, 4)? {
                    found.moved.insert(key.customer);
                } else if cell::<i64>(row, 5)? > 0 {
                    self.0.struck.store(true, Ordering::Release);
                } else if !step_first && !behind && found.keys.len() < limit {
                    found.keys.push(key);
                }
                Ok::<_, StoreError>(())
            },
        )?;
        if seen > found.keys.len() {
            // More is due than was asked for, or can go now: the hints stand.
            return Ok(found);
        }
        let full = seen >= most;
        let through: Vec<_> =
            hints.iter().take_while(|hint| !full || Some(hint.shard) != last).copied().collect();
        let mut shards = Rows::new();
        for hint in &through {
            shards.row().int(hint.shard).int(lane).at(now);
        }
        conn.ask(
            "select min(due_at) from delivery d indexed by delivery_due \
             where d.shard = ?1 and d.channel = ?2 and d.due_at > ?3",
            &shards,
            |nth, row| {
                if let Some(hint) = through.get(nth) {
                    let due = cell::<Option<i64>>(row, 0)?.unwrap_or(NEVER);
                    self.0.wakeups.hints.raise(lane, *hint, due);
                }
                Ok(())
            },
        )?;
        Ok(found)
    }
}

/// Claims those that nobody else is at; which they are.
pub(super) async fn claim_in(
    tx: &mut super::writer::Tx,
    mut found: Vec<DeliveryKey>,
    now: Timestamp,
    lease: i64,
) -> Result<Vec<DeliveryKey>, StoreError> {
    // What another node is at, it may have.
    let free = lock_free_customers(tx, found.iter().map(|key| key.customer))?;
    let (mut struck, mut rows) = (Rows::new(), Rows::new());
    found.retain(|key| free.contains(&key.customer));
    for key in &found {
        place(&mut rows, key)
            .int(if planted(Bug::CheckpointAtFetch) { i64::MAX } else { lease })
            .at(now)
            .int(i64::from(!planted(Bug::AttemptsCountedAfter)));
        place(&mut struck, key).at(now).int(STRIKES_MAX);
    }
    quarantine(tx, &found, &struck, now).await?;
    let claimed = tx.conn.each_changed(
        "update delivery set state = 1, fence = fence + 1, attempts = attempts + 1, \
            strikes = strikes + ?7, due_at = null, lease_until = ?5 \
         where shard = ?1 and customer = ?2 and message = ?3 and id = ?4 and state = 0 \
            and due_at <= ?6",
        &rows,
    )?;
    Ok(found.into_iter().zip(claimed).filter_map(|(key, mine)| mine.then_some(key)).collect())
}

/// The first columns: customer, message, delivery.
pub(crate) fn delivery_key(row: &impl Cells) -> Result<DeliveryKey, StoreError> {
    let wrong = || StoreError::corrupt("a delivery's key");
    Ok(DeliveryKey {
        customer: CustomerId::from_slice(bytes(row, 0)?).ok_or_else(wrong)?,
        message: MessageId::from_slice(bytes(row, 1)?).ok_or_else(wrong)?,
        delivery: DeliveryId::from_slice(bytes(row, 2)?).ok_or_else(wrong)?,
    })
}

/// A row that begins with a delivery's key.
fn place<'r>(rows: &'r mut Rows, key: &DeliveryKey) -> &'r mut Rows {
    rows.row().int(shard(key.customer)).blob(&key.customer.0).blob(&key.message.0).blob(&key.delivery.0)
}

/// Of planned deliveries, sets those aside that had their strikes.
async fn quarantine(
    tx: &mut super::writer::Tx,
    keys: &[DeliveryKey],
    rows: &Rows,
    now: Timestamp,
) -> Result<(), StoreError> {
    let struck = tx.conn.each_changed(
        "update delivery set state = 9, due_at = null, settled_at = ?5, \
            why = '{\"quarantined\":{\"strikes\":' || strikes || '}}' \
         where shard = ?1 and customer = ?2 and message = ?3 and id = ?4 and state = 0 and strikes >= ?6",
        rows,
    )?;
    for (key, struck) in keys.iter().zip(struck) {
        if struck {
            super::settle::message_outcome(
                tx,
                *key,
                crate::MessageOutcome::Quarantined,
                now,
                super::settle::KNOWN,
            )
            .await?;
        }
    }
    Ok(())
}
