//! When a wait ends.
//!
//! Invariant: an end is never before the instant it is asked at, so that a wait which has ended has ended for good, and
//! one that ends late (the machine was off) still keeps to its hours and days.

use crate::{Env, eval};
use journey::program::WaitUntil;
use journey::{Between, Days, Duration, Wait};
use words::calendar::{
    self, ClockTime, Window, add_calendar_days, at_local_time, local_clock, local_date, next_allowed,
};
use words::{Elapsed, Timestamp, Value, Zone};

/// When a wait ends, and why then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct End {
    /// When; not before now.
    pub(crate) at: Timestamp,
    /// Whether it was moved to the next allowed hour or day.
    pub(crate) moved: bool,
    /// Whether it waits for a date that has passed (`Some(Some(_))`) or is not known (`Some(None)`).
    pub(crate) past: Option<Option<Timestamp>>,
}

/// The end of `wait` for who arrived at `arrived_at` in an enrollment that started at `started_at`.
pub(crate) fn end_of(wait: &Wait, env: &Env<'_>, started_at: Timestamp, arrived_at: Timestamp) -> End {
    let (target, past) = match &wait.until {
        WaitUntil::After { duration, since_start } => {
            let from = if *since_start { started_at } else { arrived_at };
            (later(from, duration, env), None)
        }
        WaitUntil::At { date, offset, at_minute } => match date_of(&eval(date, env), offset, *at_minute, env)
        {
            Some(at) if at > env.now => (at, None),
            past => (env.now, Some(past)),
        },
        WaitUntil::Window => (env.now, None),
    };
    let at = open(wait, env, target);
    // Who comes late (the machine was off) is let on now, or when hours and days allow it next.
    let at = if at >= env.now { at } else { open(wait, env, env.now) };
    End { at, moved: at > target.max(env.now), past }
}

/// `from`, later by `duration`: calendar days at the same time of the recipient's day, or elapsed time.
pub(crate) fn later(from: Timestamp, duration: &Duration, env: &Env<'_>) -> Timestamp {
    match duration {
        Duration::Elapsed(elapsed) => from.plus(*elapsed),
        Duration::CalendarDays(_) | Duration::DaysOf(_) => {
            add_calendar_days(env.known.zone(), from, days_of(duration, env))
        }
    }
}

/// A computed number of days that is null counts as none.
fn days_of(duration: &Duration, env: &Env<'_>) -> i32 {
    match duration {
        Duration::CalendarDays(days) => *days,
        Duration::Elapsed(_) => 0,
        Duration::DaysOf(expr) => match eval(expr, env) {
            Value::Int(days) => i32::try_from(days).unwrap_or(if days < 0 { -36_500 } else { 36_500 }),
            Value::Float(days) => days.clamp(-36_500.0, 36_500.0) as i32,
            Value::Duration(length) => {
                i32::try_from(length.as_micros() / Elapsed::from_days(1).as_micros()).unwrap_or(36_500)
            }
            _ => 0,
        },
    }
}

/// The instant that a date means, with its offset. `at_minute` sets the local time of day, of dates midnight where
/// not given.
fn date_of(value: &Value, offset: &Duration, at_minute: Option<u16>, env: &Env<'_>) -> Option<Timestamp> {
    let zone = env.known.zone();
    let days = days_of(offset, env);
    let at = match value {
        Value::Time(at) => {
            let at = if days == 0 { *at } else { add_calendar_days(zone, *at, days) };
            match at_minute {
                Some(minute) => at_local_time(zone, local_date(zone, at), clock(minute)),
                None => at,
            }
        }
        Value::Date(date) => {
            let date = date.saturating_add(jiff::Span::new().try_days(days).ok()?);
            at_local_time(zone, date, clock(at_minute.unwrap_or(0)))
        }
        Value::Text(text) => {
            let typed = match text.parse() {
                Ok(date) if text.len() == 10 => Value::Date(date),
                _ => Value::Time(Timestamp::parse(text).ok()?),
            };
            return date_of(&typed, offset, at_minute, env);
        }
        _ => return None,
    };
    Some(match offset {
        Duration::Elapsed(elapsed) => at.plus(*elapsed),
        _ => at,
    })
}

/// The first instant, not before `at`, in the hours and on the days of the wait. Where there is none in sight the
/// hours and days are not kept: better late in the evening than never.
fn open(wait: &Wait, env: &Env<'_>, at: Timestamp) -> Timestamp {
    if wait.between.is_none() && wait.on.is_none() {
        return at;
    }
    let Between { from_minute, to_minute } =
        wait.between.unwrap_or(Between { from_minute: 0, to_minute: 24 * 60 });
    let days = match &wait.on {
        None => calendar::Days::Every,
        Some(Days::Business) => calendar::Days::Business(env.known.business_days()),
        Some(Days::Weekdays(days)) => calendar::Days::Weekdays(
            days.iter().filter(|day| (1..=7).contains(*day)).fold(0, |bits, day| bits | 1 << (day - 1)),
        ),
    };
    let window = Window { from: clock(from_minute), to: clock(to_minute), days };
    let zone: &Zone = env.known.zone();
    let Some(open) = next_allowed(&window, zone, at) else { return at };
    // Days alone say nothing about the hour: it stays what it was.
    if open > at && wait.between.is_none() && !matches!(wait.until, WaitUntil::Window) {
        let local = local_clock(zone, at);
        let minute = u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs());
        return at_local_time(zone, local_date(zone, open), clock(minute)).max(open);
    }
    open
}

/// A time of day in minutes; past the end of the day it is the end.
pub(crate) fn clock(minute: u16) -> ClockTime {
    ClockTime::new(minute / 60, minute % 60).unwrap_or(ClockTime::END)
}
