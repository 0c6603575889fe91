//! Instants: microseconds UTC since 1970, in every table and every argument.

use crate::Elapsed;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An instant, in microseconds UTC since 1970-01-01. Written as RFC 3339 at the edges.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// Why a text is no instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an instant: write it like `2026-11-21T09:30:00Z` or `2026-11-21T18:30:00+09:00`")]
pub struct TimestampError(String);

impl Timestamp {
    /// The latest instant that can be written; stands for "never" where a due time is asked for.
    pub const MAX: Self = Self(253_402_207_200_000_000 - 1);

    /// From microseconds since 1970.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From seconds since 1970.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }

    /// Microseconds since 1970.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Reads RFC 3339 with an offset or `Z`.
    pub fn parse(text: &str) -> Result<Self, TimestampError> {
        text.parse::<jiff::Timestamp>()
            .map(Self::from_jiff)
            .map_err(|_| TimestampError(text.chars().take(64).collect()))
    }

    /// To jiff, for civil arithmetic. Instants outside jiff's range are clamped to it.
    pub fn to_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(if self.0 < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        })
    }

    /// From jiff, cut to microseconds.
    pub fn from_jiff(timestamp: jiff::Timestamp) -> Self {
        Self(timestamp.as_microsecond())
    }

    /// Later by `elapsed`, clamped at the ends.
    #[must_use]
    pub const fn plus(self, elapsed: Elapsed) -> Self {
        Self(self.0.saturating_add(elapsed.as_micros()))
    }

    /// Earlier by `elapsed`, clamped at the ends.
    #[must_use]
    pub const fn minus(self, elapsed: Elapsed) -> Self {
        Self(self.0.saturating_sub(elapsed.as_micros()))
    }

    /// The time from `earlier` to `self`; negative where `earlier` is later.
    pub const fn since(self, earlier: Self) -> Elapsed {
        Elapsed::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.to_jiff().fmt(f)
    }
}

impl std::fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        // Text for people, a number for formats that nobody reads.
        if s.is_human_readable() { s.collect_str(self) } else { s.serialize_i64(self.as_micros()) }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        if !d.is_human_readable() {
            return i64::deserialize(d).map(Self::from_micros);
        }
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}
