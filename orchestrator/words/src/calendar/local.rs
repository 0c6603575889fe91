//! From local time to instants and back.

use crate::{Timestamp, Zone};
use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, Offset};
use jiff::{Span, ToSpan};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A time of day in whole minutes, `00:00` to `24:00` (the end of the day).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClockTime(u16);

/// Why a text is no time of day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time of day: write hours and minutes, like `09:00` or `24:00`")]
pub struct ClockTimeError(String);

impl ClockTime {
    /// The first minute of the day.
    pub const MIDNIGHT: Self = Self(0);
    /// The end of the day.
    pub const END: Self = Self(1440);

    /// From hours and minutes; `None` past 24:00.
    pub const fn new(hour: u16, minute: u16) -> Option<Self> {
        if minute < 60 && hour * 60 + minute <= 1440 { Some(Self(hour * 60 + minute)) } else { None }
    }

    /// Reads `9:00`, `09:00`, `24:00`.
    pub fn parse(text: &str) -> Result<Self, ClockTimeError> {
        let wrong = || ClockTimeError(text.chars().take(32).collect());
        let (hour, minute) = text.trim().split_once(':').ok_or_else(wrong)?;
        let digits = |s: &str, most: usize| {
            (s.len() <= most && s.bytes().all(|b| b.is_ascii_digit()))
                .then(|| s.parse::<u16>().ok())
                .flatten()
        };
        if minute.len() != 2 {
            return Err(wrong());
        }
        match (digits(hour, 2), digits(minute, 2)) {
            (Some(h), Some(m)) if h <= 24 => Self::new(h, m).ok_or_else(wrong),
            _ => Err(wrong()),
        }
    }

    /// Minutes since the start of the day, 0 to 1440.
    pub const fn minutes(self) -> u16 {
        self.0
    }
}

impl std::fmt::Display for ClockTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl std::fmt::Debug for ClockTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl Serialize for ClockTime {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ClockTime {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// The instant at which the clocks of `zone` show `time` on `date`. In a gap the first valid instant after it; in a
/// fold the first of the two.
pub fn at_local_time(zone: &Zone, date: Date, time: ClockTime) -> Timestamp {
    resolve(zone, civil(date, time))
}

/// The instant `days` calendar days after `instant` (before it, where negative) at the same local time.
pub fn add_calendar_days(zone: &Zone, instant: Timestamp, days: i32) -> Timestamp {
    let local = zone.to_jiff().to_datetime(instant.to_jiff());
    let span = Span::new().try_days(days).unwrap_or_else(|_| 0.days());
    resolve(zone, local.saturating_add(span))
}

/// The date that a calendar in `zone` shows at `instant`.
pub fn local_date(zone: &Zone, instant: Timestamp) -> Date {
    zone.to_jiff().to_datetime(instant.to_jiff()).date()
}

/// The date and the time of day that the clocks of `zone` show at `instant`.
pub fn local_clock(zone: &Zone, instant: Timestamp) -> DateTime {
    zone.to_jiff().to_datetime(instant.to_jiff())
}

pub(super) fn civil(date: Date, time: ClockTime) -> DateTime {
    date.at(0, 0, 0, 0).saturating_add(i64::from(time.minutes()).minutes())
}

/// See [`at_local_time`].
pub(super) fn resolve(zone: &Zone, local: DateTime) -> Timestamp {
    both(zone, local).0
}

/// The first instant at which the clocks show `local`, and the second where they show it twice.
pub(super) fn both(zone: &Zone, local: DateTime) -> (Timestamp, Option<Timestamp>) {
    let at = |offset: Offset| {
        offset.to_timestamp(local).unwrap_or(if local.year() < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        })
    };
    let (early, late) = match zone.to_jiff().to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => return (Timestamp::from_jiff(at(offset)), None),
        AmbiguousOffset::Fold { before, after } => (at(before), at(after)),
        AmbiguousOffset::Gap { before, after } => (at(after), at(before)),
    };
    // Read back rather than trusted: where a zone's table ends in a change that moves no clock (America/Nuuk, October
    // 2023), the rule after the table claims a fold that is none.
    let shows = |instant: jiff::Timestamp| zone.to_jiff().to_datetime(instant) == local;
    match (shows(early), shows(late)) {
        (true, true) => (Timestamp::from_jiff(early), Some(Timestamp::from_jiff(late))),
        (true, false) => (Timestamp::from_jiff(early), None),
        (false, true) => (Timestamp::from_jiff(late), None),
        // Skipped: the change lies between the two, and is the first valid instant.
        (false, false) => {
            let change = zone.to_jiff().following(early).next().map_or(late, |t| t.timestamp());
            (Timestamp::from_jiff(change), None)
        }
    }
}
