//! Elapsed time, as written in YAML: `72 hours`, `60 days`, `90 s`.

use crate::Text;
use serde::{Deserialize, Serialize};

/// A length of elapsed time in microseconds. A day here is 24 hours; days of a calendar are the language's business.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Elapsed(i64);

/// Why a text is no length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a length of time: write a whole number and a unit, like `3 days`, `72 hours`, `30 minutes`"
)]
pub struct DurationError(pub String);

impl Elapsed {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// From microseconds.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }
    /// From milliseconds.
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms.saturating_mul(1000))
    }
    /// From seconds.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }
    /// From minutes.
    pub const fn from_minutes(minutes: i64) -> Self {
        Self::from_secs(minutes.saturating_mul(60))
    }
    /// From hours.
    pub const fn from_hours(hours: i64) -> Self {
        Self::from_secs(hours.saturating_mul(3600))
    }
    /// From days of 24 hours.
    pub const fn from_days(days: i64) -> Self {
        Self::from_secs(days.saturating_mul(86_400))
    }
    /// In microseconds.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Reads `<whole number> <unit>`, unit one of s, second, min, minute, h, hour, day, week (also plural).
    pub fn parse(text: &str) -> Result<Self, DurationError> {
        let wrong = || DurationError(text.chars().take(64).collect());
        let text_trimmed = text.trim();
        let digits = text_trimmed.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let count: i64 = text_trimmed[..digits].parse().map_err(|_| wrong())?;
        let seconds = match text_trimmed[digits..].trim() {
            "s" | "sec" | "second" | "seconds" => 1,
            "min" | "minute" | "minutes" => 60,
            "h" | "hour" | "hours" => 3600,
            "d" | "day" | "days" => 86_400,
            "w" | "week" | "weeks" => 604_800,
            _ => return Err(wrong()),
        };
        count.checked_mul(seconds).and_then(|secs| secs.checked_mul(1_000_000)).map(Self).ok_or_else(wrong)
    }

    /// About how long, in words: the largest unit that fits, rounded down.
    pub fn roughly(self) -> Text {
        const UNITS: [(i64, &str, &str); 4] = [
            (86_400_000_000, "day", "日"),
            (3_600_000_000, "hour", "時間"),
            (60_000_000, "minute", "分"),
            (1_000_000, "second", "秒"),
        ];
        for (size, en, ja) in UNITS {
            let count = self.0 / size;
            if count > 0 {
                let many = if count == 1 { "" } else { "s" };
                return Text::new(format!("{count} {en}{many}"), format!("{count} {ja}"));
            }
        }
        Text::new("less than a second", "1 秒未満")
    }

    /// As std's duration; negative lengths become zero.
    pub fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_micros(u64::try_from(self.0).unwrap_or(0))
    }
}

impl std::fmt::Display for Elapsed {
    /// The largest unit that divides it: `3 days`, `90 minutes`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const UNITS: [(i64, &str); 4] =
            [(86_400_000_000, "day"), (3_600_000_000, "hour"), (60_000_000, "minute"), (1_000_000, "second")];
        for (size, name) in UNITS {
            if self.0 != 0 && self.0 % size == 0 {
                let count = self.0 / size;
                return write!(f, "{count} {name}{}", if count == 1 { "" } else { "s" });
            }
        }
        write!(f, "{} ms", self.0 / 1000)
    }
}

impl std::fmt::Debug for Elapsed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_that_fits_no_unit_is_told_by_the_largest_that_it_holds() {
        for (micros, en, ja) in [
            (288_013_939_000, "3 days", "3 日"),
            (3_700_000_000, "1 hour", "1 時間"),
            (61_000_000, "1 minute", "1 分"),
            (2_000, "less than a second", "1 秒未満"),
        ] {
            assert_eq!(Elapsed(micros).roughly(), Text::new(en, ja));
        }
    }

    #[test]
    fn lengths_read_as_written() {
        for (text, shown) in [
            ("72 hours", "3 days"),
            ("90s", "90 seconds"),
            ("1 day", "1 day"),
            ("2 weeks", "14 days"),
            ("0 s", "0 ms"),
        ] {
            assert_eq!(Elapsed::parse(text).map(|e| e.to_string()), Ok(shown.to_owned()));
        }
        for wrong in ["", "3", "days", "-1 day", "3 fortnights", "1.5 days", "99999999999999999 days"] {
            assert!(Elapsed::parse(wrong).is_err(), "{wrong}");
        }
    }
}
