//! What falls due next, by shard, in memory: so that an idle product asks the database nothing.
//!
//! Invariant: a hint is never later than the truth. A commit lowers hints after it is durable; only a reader that has
//! seen the truth raises one, and only if nobody lowered it since before it looked (`epoch`).

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use words::SHARDS;

/// Nothing is due, ever.
pub(crate) const NEVER: i64 = i64::MAX;

#[derive(Clone, Copy)]
struct Hint {
    due: i64,
    epoch: u64,
}

/// One list of hints for the steps (lane 0) and one for each channel's sends (lane: the channel's symbol).
#[derive(Default)]
pub(crate) struct Hints(Mutex<BTreeMap<i64, Vec<Hint>>>);

/// The lane of the steps.
pub(crate) const STEPS: i64 = 0;

/// A shard that may have work, as seen at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) shard: u16,
    pub(crate) due: i64,
    pub(crate) epoch: u64,
}

impl Hints {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<i64, Vec<Hint>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something in this shard falls due at `due`. Whether that is earlier than what was known of the whole lane.
    pub(crate) fn lower(&self, lane: i64, shard: u16, due: i64) -> bool {
        let mut lanes = self.lock();
        let lane =
            lanes.entry(lane).or_insert_with(|| vec![Hint { due: NEVER, epoch: 0 }; usize::from(SHARDS)]);
        let least = lane.iter().map(|h| h.due).min().unwrap_or(NEVER);
        if let Some(hint) = lane.get_mut(usize::from(shard)) {
            hint.due = hint.due.min(due);
            hint.epoch += 1;
        }
        due < least
    }

    /// A reader that looked after `seen` found nothing before `due`.
    pub(crate) fn raise(&self, lane: i64, seen: Due, due: i64) {
        let mut lanes = self.lock();
        let hint = lanes.get_mut(&lane).and_then(|lane| lane.get_mut(usize::from(seen.shard)));
        if let Some(hint) = hint
            && hint.epoch == seen.epoch
        {
            hint.due = due;
        }
    }

    /// Shards that may have work due at `now`, the longest due first.
    pub(crate) fn due(&self, lane: i64, now: i64) -> Vec<Due> {
        let lanes = self.lock();
        let mut found: Vec<Due> = lanes
            .get(&lane)
            .into_iter()
            .flatten()
            .enumerate()
            .filter(|(_, hint)| hint.due <= now)
            .map(|(shard, hint)| Due {
                shard: u16::try_from(shard).unwrap_or(0),
                due: hint.due,
                epoch: hint.epoch,
            })
            .collect();
        found.sort_by_key(|d| (d.due, d.shard));
        found
    }

    /// The least of a lane.
    pub(crate) fn least(&self, lane: i64) -> Option<i64> {
        let lanes = self.lock();
        lanes.get(&lane)?.iter().map(|h| h.due).min().filter(|due| *due != NEVER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_lowered_while_somebody_looked_stays_low() {
        let hints = Hints::default();
        assert!(hints.lower(STEPS, 3, 50));
        let seen = hints.due(STEPS, 60)[0];
        hints.lower(STEPS, 3, 40);
        hints.raise(STEPS, seen, 900);
        assert_eq!(hints.least(STEPS), Some(40));
        let seen = hints.due(STEPS, 60)[0];
        hints.raise(STEPS, seen, 900);
        assert_eq!(hints.least(STEPS), Some(900));
        assert!(!hints.lower(STEPS, 4, 901));
    }
}
