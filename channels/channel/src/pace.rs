//! How fast a provider may be handed messages: what its account bears, its warm-up, and the pause when it fails.
//!
//! What is configured ([`Pace`]) and how it stands ([`Standing`]) are data; what follows from them is pure, and time is an
//! argument. One standing belongs to all nodes: whoever takes from it writes it down in the transaction that claims.
//!
//! Invariant: in any stretch of time of length *t* fewer than `per_second × t + batch` messages are let through, where a
//! batch is a twentieth of a second's worth, at least one. Below 40 a second that is never more than the limit in a second.

mod said;
mod standing;
#[cfg(test)]
mod tests;
mod wait;

pub use said::Said;
pub use standing::{Change, Pause, Room, Standing, Taken};
pub use wait::Wait;

use serde::{Deserialize, Serialize};
use words::calendar::{Date, at_local_time, local_date};
use words::{Elapsed, Timestamp, Zone};

/// The most that is let through at a time, whatever the limit.
pub const BATCH_MAX: u64 = 256;

/// What is configured for the provider of a channel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pace {
    /// So many a second.
    pub rate: Option<Rate>,
    /// So many a day, more every day.
    pub ramp: Option<Ramp>,
    /// When to leave it alone.
    pub breaker: Option<Breaker>,
}

/// Messages a second, in thousandths: providers sell one in five seconds as well as a hundred in one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rate(u64);

impl Rate {
    /// Of thousandths of a message a second: 1 to 1,000,000,000. `None` outside of that.
    pub fn per_1000_seconds(messages: u64) -> Option<Self> {
        (1..=1_000_000_000).contains(&messages).then_some(Self(messages))
    }

    /// In thousandths of a message a second.
    pub fn in_1000_seconds(self) -> u64 {
        self.0
    }

    /// What is let through at a time: a twentieth of a second's worth, at least one.
    pub fn batch(self) -> u64 {
        (self.0 / 20_000).clamp(1, BATCH_MAX)
    }

    /// How long so many messages take, rounded up.
    pub fn cost(self, messages: u64) -> Elapsed {
        let micros = u128::from(messages).saturating_mul(1_000_000_000).div_ceil(u128::from(self.0));
        Elapsed::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
    }

    /// How many a day.
    fn a_day(self) -> u64 {
        self.0.saturating_mul(86_400) / 1000
    }
}

impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (whole, rest) = (self.0 / 1000, self.0 % 1000);
        if rest == 0 {
            return write!(f, "{whole}");
        }
        write!(f, "{}", format!("{whole}.{rest:03}").trim_end_matches('0'))
    }
}

/// A warm-up: at most so many a day of the project's zone, more every day, from a day on. Days before it are like the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ramp {
    /// Its first day.
    pub start: Date,
    /// How it grows.
    pub days: Days,
}

/// What the days of a warm-up allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Days {
    /// So many on the first day, and so many thousandths of it on each day after.
    Growing {
        /// On the first day, at least one.
        first: u64,
        /// 1000 or more; 1000 is the same every day, for good.
        growth: u64,
    },
    /// So many on each day; after the last one it is over.
    Listed(Vec<u64>),
}

impl Ramp {
    /// What a day allows; `None`: it is over.
    pub fn on(&self, day: i64) -> Option<u64> {
        let since = usize::try_from(day - day_number(self.start)).unwrap_or(0);
        match &self.days {
            Days::Listed(days) => days.get(since).copied(),
            Days::Growing { first, growth } if *growth <= 1000 => Some(*first),
            Days::Growing { first, growth } => {
                let mut allowed = *first;
                for _ in 0..since {
                    // A day is never less than one more than the day before, or small beginnings would never grow.
                    allowed = (allowed.checked_mul(*growth)? / 1000).max(allowed.checked_add(1)?);
                }
                Some(allowed)
            }
        }
    }
}

/// When a provider is left alone, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breaker {
    /// After so many failures in a row, at least one.
    pub failures: u32,
    /// The first pause; each further one is twice as long.
    pub pause: Elapsed,
    /// The longest pause.
    pub pause_max: Elapsed,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { failures: 5, pause: Elapsed::from_secs(5), pause_max: Elapsed::from_minutes(5) }
    }
}

impl Breaker {
    /// The pause after so many others in a row.
    fn pause_after(&self, pauses: u32) -> Elapsed {
        let times = 1_i64.checked_shl(pauses.min(40)).unwrap_or(i64::MAX);
        Elapsed::from_micros(self.pause.as_micros().saturating_mul(times).min(self.pause_max.as_micros()))
    }
}

impl Pace {
    /// What today allows, today's number, and when it ends.
    fn today(&self, zone: &Zone, now: Timestamp) -> Option<(u64, i64, Timestamp)> {
        let ramp = self.ramp.as_ref()?;
        let date = local_date(zone, now);
        let day = day_number(date);
        let allowed = ramp.on(day)?;
        // From the day on which it allows more than the limit does, the limit is all there is.
        if self.rate.is_some_and(|rate| rate.a_day() <= allowed) {
            return None;
        }
        let ends = date.tomorrow().map_or(Timestamp::MAX, |next| at_local_time(zone, next, midnight()));
        Some((allowed, day, ends))
    }
}

fn midnight() -> words::calendar::ClockTime {
    words::calendar::ClockTime::parse("00:00").expect("midnight is a time of day")
}

/// Days since 1970.
fn day_number(date: Date) -> i64 {
    date.duration_since(Date::constant(1970, 1, 1)).as_hours() / 24
}
