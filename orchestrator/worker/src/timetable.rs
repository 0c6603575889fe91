//! The timetable of upkeep, on the machine clock.

use cron::Schedule;
use std::{str::FromStr, sync::LazyLock};
use words::Timestamp;

/// Seconds, minutes, hours, day of month, month, day of week.
static SWEEP: LazyLock<Schedule> =
    LazyLock::new(|| Schedule::from_str("*/30 * * * * *").expect("the expression is constant and tested"));
/// One slice of old rows each time: all of them within a day.
static PRUNE: LazyLock<Schedule> =
    LazyLock::new(|| Schedule::from_str("0 */5 * * * *").expect("the expression is constant and tested"));

/// What is to be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Due {
    pub(crate) sweep: bool,
    pub(crate) prune: bool,
}

/// When each kind of upkeep rings next.
#[derive(Debug)]
pub(crate) struct Timetable {
    sweep: Timestamp,
    prune: Timestamp,
}

impl Timetable {
    /// Everything rings by its schedule from `now` on; the first sweep at once.
    pub(crate) fn starting(now: Timestamp) -> Self {
        Self { sweep: now, prune: next(&PRUNE, now) }
    }

    /// What has rung by `now`; it rings again by its schedule. Rings missed meanwhile count once.
    pub(crate) fn due(&mut self, now: Timestamp) -> Due {
        let due = Due { sweep: self.sweep <= now, prune: self.prune <= now };
        if due.sweep {
            self.sweep = next(&SWEEP, now);
        }
        if due.prune {
            self.prune = next(&PRUNE, now);
        }
        due
    }
}

fn next(schedule: &Schedule, after: Timestamp) -> Timestamp {
    chrono::DateTime::from_timestamp_micros(after.as_micros())
        .and_then(|after| schedule.after(&after).next())
        .map_or(after.plus(words::Elapsed::from_minutes(1)), |at| {
            Timestamp::from_micros(at.timestamp_micros())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upkeep_rings_by_its_schedule_and_missed_rings_count_once() {
        let at = |text: &str| Timestamp::parse(text).expect("an instant");
        let mut timetable = Timetable::starting(at("2026-11-21T10:00:10Z"));
        assert_eq!(timetable.due(at("2026-11-21T10:00:10Z")), Due { sweep: true, prune: false });
        assert_eq!(timetable.due(at("2026-11-21T10:00:29Z")), Due::default());
        assert_eq!(timetable.due(at("2026-11-21T10:07:00Z")), Due { sweep: true, prune: true });
        assert_eq!(timetable.due(at("2026-11-21T10:07:01Z")), Due::default());
    }
}
