//! Windows of the local day: when something may happen.
//!
//! Invariant: a result of [`next_allowed`] is never before the instant asked about, and the local clock then reads a
//! time inside the window.

use super::business::BusinessCalendar;
use super::local::{ClockTime, both, civil, local_clock};
use crate::{Timestamp, Zone};
use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use serde::{Deserialize, Serialize};

/// How far ahead an opening is looked for, in days. The longest run of days off that the calendars know is 11.
const LOOK_AHEAD_DAYS: i16 = 40;
/// The same for several windows together, which is dearer.
const TOGETHER_DAYS: i64 = 14;

/// A window of the local day, from inclusive to exclusive. `from` later than `to` runs over midnight; equal ends
/// mean the whole day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// When it opens.
    pub from: ClockTime,
    /// When it closes.
    pub to: ClockTime,
    /// On which days it opens.
    #[serde(default, skip_serializing_if = "Days::is_every")]
    pub days: Days,
}

/// On which days a window opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Days {
    /// On every day.
    #[default]
    Every,
    /// On these days of the week, one bit each, Monday the lowest.
    Weekdays(u8),
    /// On the business days of this calendar.
    Business(BusinessCalendar),
}

/// Why a text is no window.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a window of the day: write its start and its end, like `09:00-20:00`")]
pub struct WindowError(String);

impl Days {
    /// These days of the week.
    pub fn of(days: &[Weekday]) -> Self {
        Self::Weekdays(days.iter().fold(0, |bits, day| bits | 1 << day.to_monday_zero_offset()))
    }

    fn is_every(&self) -> bool {
        *self == Self::Every
    }

    fn contains(self, date: Date) -> bool {
        match self {
            Self::Every => true,
            Self::Weekdays(bits) => bits & (1 << date.weekday().to_monday_zero_offset()) != 0,
            Self::Business(calendar) => calendar.is_business_day(date),
        }
    }
}

impl Window {
    /// Every minute of every day.
    pub const ALWAYS: Self = Self { from: ClockTime::MIDNIGHT, to: ClockTime::END, days: Days::Every };

    /// From `from` to `to`, every day.
    pub const fn daily(from: ClockTime, to: ClockTime) -> Self {
        Self { from, to, days: Days::Every }
    }

    /// Reads `09:00-20:00`, every day.
    pub fn parse(text: &str) -> Result<Self, WindowError> {
        let wrong = || WindowError(text.chars().take(32).collect());
        let (from, to) = text.split_once(['-', '–', '〜', '～']).ok_or_else(wrong)?;
        let (from, to) =
            (ClockTime::parse(from).map_err(|_| wrong())?, ClockTime::parse(to).map_err(|_| wrong())?);
        if from == ClockTime::END { Err(wrong()) } else { Ok(Self::daily(from, to)) }
    }

    /// The same hours on other days.
    #[must_use]
    pub const fn on(self, days: Days) -> Self {
        Self { days, ..self }
    }

    /// Whether the window is open when the clocks show `local`.
    fn reads(&self, local: jiff::civil::DateTime) -> bool {
        let minutes = local.hour() as u16 * 60 + local.minute() as u16;
        let (from, to) = (self.from.minutes(), self.to.minutes());
        if from == to {
            return self.days.contains(local.date());
        }
        if from < to {
            return (from..to).contains(&minutes) && self.days.contains(local.date());
        }
        // Over midnight: the morning part belongs to the day on which the window opened.
        if minutes >= from {
            return self.days.contains(local.date());
        }
        minutes < to && local.date().yesterday().is_ok_and(|day| self.days.contains(day))
    }
}

impl std::fmt::Display for Window {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.from, self.to)
    }
}

/// Whether the window is open at `instant` by the clocks of `zone`.
pub fn is_allowed(window: &Window, zone: &Zone, instant: Timestamp) -> bool {
    window.reads(local_clock(zone, instant))
}

/// The first instant, not before `instant`, at which the window is open by the clocks of `zone`. `None`: it does not
/// open within the next 40 days.
pub fn next_allowed(window: &Window, zone: &Zone, instant: Timestamp) -> Option<Timestamp> {
    if is_allowed(window, zone, instant) {
        return Some(instant);
    }
    first_change(window, zone, instant, true)
}

/// Until when a window that is open at `instant` stays open. `None`: for the next 40 days at least, or it is not open.
pub fn allowed_until(window: &Window, zone: &Zone, instant: Timestamp) -> Option<Timestamp> {
    if !is_allowed(window, zone, instant) {
        return None;
    }
    first_change(window, zone, instant, false)
}

/// The first instant, not before `instant`, at which every one of the windows is open by the clocks of its zone.
/// `None`: there is none within the next 14 days, which is longer than any run of days off.
pub fn next_allowed_everywhere<'a>(
    windows: impl Iterator<Item = (&'a Window, &'a Zone)> + Clone,
    instant: Timestamp,
) -> Option<Timestamp> {
    let limit = instant.plus(crate::Elapsed::from_days(TOGETHER_DAYS));
    let mut at = instant;
    loop {
        let before = at;
        for (window, zone) in windows.clone() {
            at = next_allowed(window, zone, at)?;
        }
        if at == before {
            return Some(at);
        }
        if at > limit {
            return None;
        }
    }
}

/// The first instant after `instant` at which the clock's reading is inside (or outside) the window. Between two
/// changes of offset the reading runs evenly, so it can only flip at an end of the window, at midnight or at a change.
fn first_change(window: &Window, zone: &Zone, instant: Timestamp, inside: bool) -> Option<Timestamp> {
    let jiff_zone = zone.to_jiff();
    let mut date = local_clock(zone, instant).date().yesterday().ok()?;
    for _ in 0..LOOK_AHEAD_DAYS {
        let mut candidates: smallvec::SmallVec<[Timestamp; 8]> = smallvec::SmallVec::new();
        for time in [ClockTime::MIDNIGHT, window.from, window.to] {
            let (first, second) = both(zone, civil(date, time));
            candidates.push(first);
            candidates.extend(second);
        }
        let start = both(zone, civil(date, ClockTime::MIDNIGHT)).0;
        let end = both(zone, civil(date, ClockTime::END)).0;
        candidates.extend(
            jiff_zone
                .following(start.to_jiff())
                .map(|change| Timestamp::from_jiff(change.timestamp()))
                .take_while(|at| *at < end),
        );
        candidates.sort_unstable();
        let found =
            candidates.into_iter().find(|at| *at > instant && window.reads(local_clock(zone, *at)) == inside);
        if found.is_some() {
            return found;
        }
        date = date.checked_add(1.day()).ok()?;
    }
    None
}
