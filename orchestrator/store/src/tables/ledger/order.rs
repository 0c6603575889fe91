//! What is due on a channel, in the order in which it goes where only so much may go: what may not be lost before the rest,
//! the longest due first. A look costs a seek for each shard that has something due, however much waits.

use super::super::Store;
use super::super::ask::Ask;
use super::super::hints::{Due, NEVER};
use super::{Found, delivery_key};
use crate::{DeliveryKey, StoreError};
use db::{Conn, Rows, cell, signed};
use std::sync::atomic::Ordering;
use words::Timestamp;

/// Shards that are asked at a time for what is due first.
const TOGETHER: usize = 32;

/// Room for those who cannot go now.
const SPARE: usize = 16;

/// What is told of one that is due. Ends where the order begins.
macro_rules! due {
    ($index:literal, $only:literal) => {
        concat!(
            "select d.customer, d.message, d.id, c.due_at is not null and c.due_at <= ?2, c.flags & 1, d.strikes, \
                exists (select 1 from delivery e indexed by delivery_open where e.shard = d.shard \
                    and e.customer = d.customer and e.state in (0, 1, 2) and e.channel = d.channel \
                    and e.planned_at < d.planned_at and (e.state <> 0 or e.due_at <= ?2)), d.due_at \
             from delivery d indexed by ",
            $index,
            " cross join customer c on c.shard = d.shard and c.id = d.customer \
             where d.shard = ?1 and d.channel = ?3 and d.due_at <= ?5",
            $only,
            " order by d.due_at limit ?4"
        )
    };
}
pub(in crate::tables) const URGENT: &str = due!("delivery_urgent", " and d.urgent = 1");
pub(in crate::tables) const ANY: &str = due!("delivery_due", "");
pub(in crate::tables) const FIRST: &str = "select min(due_at) from delivery d indexed by delivery_due where d.shard = ?1 and d.channel = ?2 and d.due_at is not null";

impl Store {
    /// The first ones that may go now, at most `limit`.
    pub(in crate::tables) async fn due_in_order(
        &self,
        lane: i64,
        now: Timestamp,
        limit: usize,
    ) -> Result<Found, StoreError> {
        let hints = self.0.wakeups.hints.due(lane, now.as_micros());
        if hints.is_empty() || limit == 0 {
            return Ok(Found::default());
        }
        self.aside(move |store, conn| {
            conn.run("begin")?;
            let found = store.in_order(conn, lane, &hints, now, limit)?;
            conn.run("commit")?;
            Ok(found)
        })
        .await
    }

    fn in_order(
        &self,
        conn: &Conn,
        lane: i64,
        hints: &[Due],
        now: Timestamp,
        limit: usize,
    ) -> Result<Found, StoreError> {
        let mut found = Found::default();
        let urgent = self.look(conn, URGENT, lane, hints.iter(), now, now, limit, &mut found)?;
        found.keys.extend(urgent);
        let left = limit.saturating_sub(found.keys.len());
        if left == 0 {
            return Ok(found);
        }
        let firsts = self.firsts(conn, lane, hints, now, limit)?;
        let Some(cut) = firsts.last().map(|(due, _)| Timestamp::from_micros(*due)) else { return Ok(found) };
        let shards = firsts.iter().map(|(_, hint)| hint);
        // Some of them may be the urgent ones.
        let known = found.keys.clone();
        let rest = self.look(conn, ANY, lane, shards, now, cut, limit, &mut found)?;
        found.keys.extend(rest.into_iter().filter(|key| !known.contains(key)).take(left));
        if found.keys.is_empty() {
            // None of the first ones can go now: whoever can of those behind them.
            return self.due_sends_in(conn, lane, hints, now, limit);
        }
        Ok(found)
    }

    /// The shards in which something is due first, at most `limit` and those that are asked beside them, with when that is.
    /// Raises the hints of all that are asked.
    fn firsts(
        &self,
        conn: &Conn,
        lane: i64,
        hints: &[Due],
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<(i64, Due)>, StoreError> {
        let mut firsts: Vec<(i64, Due)> = Vec::new();
        for chunk in hints.chunks(TOGETHER) {
            // Hints are never later than the truth, and the least comes first: nothing behind this one is due before.
            let enough = limit.checked_sub(1).and_then(|nth| firsts.get(nth));
            if enough.is_some_and(|(due, _)| chunk.first().is_none_or(|hint| *due <= hint.due)) {
                break;
            }
            let mut shards = Rows::new();
            for hint in chunk {
                shards.row().int(hint.shard).int(lane);
            }
            conn.ask(FIRST, &shards, |nth, row| {
                if let Some(hint) = chunk.get(nth) {
                    let due = cell::<Option<i64>>(row, 0)?.unwrap_or(NEVER);
                    self.0.wakeups.hints.raise(lane, *hint, due);
                    if due <= now.as_micros() {
                        firsts.push((due, *hint));
                    }
                }
                Ok(())
            })?;
            firsts.sort_by_key(|(due, hint)| (*due, hint.shard));
        }
        firsts.truncate(limit);
        Ok(firsts)
    }

    /// Those of these shards that are due by `cut` and may go now, the longest due first.
    #[expect(clippy::too_many_arguments, reason = "one question")]
    fn look<'h>(
        &self,
        conn: &Conn,
        sql: &str,
        lane: i64,
        hints: impl Iterator<Item = &'h Due>,
        now: Timestamp,
        cut: Timestamp,
        limit: usize,
        found: &mut Found,
    ) -> Result<Vec<DeliveryKey>, StoreError> {
        let hints: Vec<&Due> = hints.collect();
        // Of many shards a few each: a broadcast that is due everywhere at once is not read as a whole for each claim.
        let most = (2 * limit).div_ceil(hints.len().max(1)).min(limit) + SPARE;
        let mut shards = Rows::new();
        for hint in hints {
            shards.row().int(hint.shard).at(now).int(lane).int(signed(most as u64)).at(cut);
        }
        let mut may = Vec::new();
        conn.ask(sql, &shards, |_, row| {
            let key = delivery_key(row)?;
            let (step_first, behind): (bool, bool) = (cell(row, 3)?, cell(row, 6)?);
            if cell::<bool>(row, 4)? {
                found.moved.insert(key.customer);
            } else if cell::<i64>(row, 5)? > 0 {
                self.0.struck.store(true, Ordering::Release);
            } else if !step_first && !behind {
                may.push((cell::<i64>(row, 7)?, key));
            }
            Ok(())
        })?;
        may.sort_by_key(|(due, key)| (*due, key.message, key.delivery));
        may.truncate(limit);
        Ok(may.into_iter().map(|(_, key)| key).collect())
    }
}
