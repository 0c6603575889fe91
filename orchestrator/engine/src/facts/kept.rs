//! What is kept of the events behind one fact.

use crate::eval::{add, order};
use journey::{Fact, FactKind};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use words::{Elapsed, Timestamp, Value};

/// How many events (of a window) or different values are kept.
pub(super) const KEPT_MAX: usize = 1000;

/// The names are short: there is one of these for each fact of each customer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Kept {
    /// How many.
    #[serde(rename = "n")]
    Count(i64),
    /// The sum, the least, the greatest; null: a sum of two currencies, or too large.
    #[serde(rename = "v")]
    Value(Option<Value>),
    /// The newest or oldest: microseconds, value.
    #[serde(rename = "a")]
    At(Option<(i64, Value)>),
    /// Different values, as the first 8 bytes of their SHA-256.
    #[serde(rename = "d")]
    Distinct(BTreeSet<u64>),
    /// Instants in a window, oldest first, microseconds.
    #[serde(rename = "t")]
    Times(Vec<i64>),
    /// Instants and values in a window, oldest first; equal instants in the order they came.
    #[serde(rename = "e")]
    Entries(Vec<(i64, Value)>),
    /// One for each value that the fact is kept apart by: its hash, the instant of its newest event, what is kept.
    #[serde(rename = "b")]
    Apart(Vec<(u64, i64, Kept)>),
}

impl Kept {
    pub(super) fn new(fact: &Fact) -> Self {
        if fact.by.is_some() { Self::Apart(Vec::new()) } else { Self::one(fact) }
    }

    /// What is kept where nothing is kept apart, or of one value that is.
    fn one(fact: &Fact) -> Self {
        match (&fact.kind, fact.window.is_some()) {
            (FactKind::Count | FactKind::LastAt | FactKind::FirstAt, true) => Self::Times(Vec::new()),
            (_, true) => Self::Entries(Vec::new()),
            (FactKind::Count, false) => Self::Count(0),
            (FactKind::Sum(_) | FactKind::Min(_) | FactKind::Max(_), false) => Self::Value(None),
            (FactKind::Distinct(_), false) => Self::Distinct(BTreeSet::new()),
            (FactKind::Last(_) | FactKind::First(_) | FactKind::LastAt | FactKind::FirstAt, false) => {
                Self::At(None)
            }
        }
    }

    /// As [`Kept::add`], for the value that an event has of what the fact is kept apart by. Without one it is left out.
    pub(super) fn add_of(
        &mut self,
        fact: &Fact,
        of: &Value,
        at: Timestamp,
        value: Value,
        now: Timestamp,
    ) -> bool {
        let (Self::Apart(kept), Some(hash)) = (self, key(of)) else { return false };
        let place = match kept.iter().position(|(other, ..)| *other == hash) {
            Some(place) => place,
            None => {
                kept.push((hash, i64::MIN, Self::one(fact)));
                kept.len() - 1
            }
        };
        if let Some((_, newest, one)) = kept.get_mut(place) {
            *newest = (*newest).max(at.as_micros());
            one.add(fact, at, value, now);
        }
        limit(kept);
        true
    }

    /// As [`Kept::value`], of one value that the fact is kept apart by.
    pub(super) fn value_of(&self, fact: &Fact, of: &Value, now: Timestamp) -> Option<Value> {
        let (Self::Apart(kept), Some(hash)) = (self, key(of)) else { return None };
        kept.iter().find(|(other, ..)| *other == hash)?.2.value_one(fact, now)
    }

    /// How much is kept.
    fn entries(&self) -> usize {
        match self {
            Self::Count(_) | Self::Value(_) | Self::At(_) => 1,
            Self::Distinct(seen) => seen.len(),
            Self::Times(times) => times.len(),
            Self::Entries(entries) => entries.len(),
            Self::Apart(kept) => kept.iter().map(|(.., one)| one.entries()).sum(),
        }
    }

    /// Whether this is the shape that the fact keeps: it may have been declared otherwise before.
    pub(super) fn suits(&self, fact: &Fact) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(&Self::new(fact))
    }

    pub(super) fn add(&mut self, fact: &Fact, at: Timestamp, value: Value, now: Timestamp) {
        let micros = at.as_micros();
        match self {
            Self::Apart(_) => {}
            Self::Count(count) => *count = count.saturating_add(1),
            Self::Value(kept) => *kept = Some(joined(&fact.kind, kept.take(), value)),
            Self::At(kept) => {
                if kept.as_ref().is_none_or(|(old, _)| takes_over(&fact.kind, *old, micros)) {
                    *kept = Some((micros, value));
                }
            }
            Self::Distinct(seen) => {
                if seen.len() < KEPT_MAX {
                    seen.insert(short_hash(&value));
                }
            }
            Self::Times(times) => {
                times.insert(times.partition_point(|old| *old <= micros), micros);
                let gone = times.partition_point(|old| expired(fact, *old, now));
                times.drain(..gone.max(times.len().saturating_sub(KEPT_MAX)));
            }
            Self::Entries(entries) => {
                entries.insert(entries.partition_point(|(old, _)| *old <= micros), (micros, value));
                let gone = entries.partition_point(|(old, _)| expired(fact, *old, now));
                entries.drain(..gone.max(entries.len().saturating_sub(KEPT_MAX)));
            }
        }
    }

    /// `None`: nothing there.
    pub(super) fn value(&self, fact: &Fact, now: Timestamp) -> Option<Value> {
        if self.suits(fact) { self.value_one(fact, now) } else { None }
    }

    fn value_one(&self, fact: &Fact, now: Timestamp) -> Option<Value> {
        let time = |micros: i64| Value::Time(Timestamp::from_micros(micros));
        match self {
            Self::Apart(_) => None,
            Self::Count(count) => Some(Value::Int(*count)),
            Self::Value(value) => value.clone(),
            Self::At(kept) => kept.as_ref().map(|(at, value)| match fact.kind {
                FactKind::LastAt | FactKind::FirstAt => time(*at),
                _ => value.clone(),
            }),
            Self::Distinct(seen) => Some(whole(seen.len())),
            Self::Times(times) => {
                let within = &times[times.partition_point(|at| expired(fact, *at, now))..];
                match fact.kind {
                    FactKind::LastAt => within.last().copied().map(time),
                    FactKind::FirstAt => within.first().copied().map(time),
                    _ => Some(whole(within.len())),
                }
            }
            Self::Entries(entries) => {
                let within = &entries[entries.partition_point(|(at, _)| expired(fact, *at, now))..];
                match fact.kind {
                    FactKind::Last(_) => within.last().map(|(_, value)| value.clone()),
                    FactKind::First(_) => within.first().map(|(_, value)| value.clone()),
                    FactKind::Distinct(_) => {
                        let seen: BTreeSet<u64> = within.iter().map(|(_, value)| short_hash(value)).collect();
                        Some(whole(seen.len()))
                    }
                    _ => within.iter().fold(None, |all, (_, v)| Some(joined(&fact.kind, all, v.clone()))),
                }
            }
        }
    }

    /// When, after `now`, the next event leaves the window.
    pub(super) fn next_expiry(&self, window: Elapsed, now: Timestamp) -> Option<Timestamp> {
        let leaves = |micros: i64| Timestamp::from_micros(micros).plus(window);
        match self {
            Self::Times(times) => times.iter().map(|at| leaves(*at)).find(|at| *at > now),
            Self::Entries(entries) => entries.iter().map(|(at, _)| leaves(*at)).find(|at| *at > now),
            _ => None,
        }
    }

    pub(super) fn unite(&mut self, fact: &Fact, other: Self) {
        match (self, other) {
            (Self::Count(ours), Self::Count(theirs)) => *ours = ours.saturating_add(theirs),
            (Self::Value(ours), Self::Value(Some(theirs))) => {
                *ours = Some(joined(&fact.kind, ours.take(), theirs));
            }
            (Self::At(ours), Self::At(Some(theirs))) => {
                if ours.as_ref().is_none_or(|(old, _)| takes_over(&fact.kind, *old, theirs.0)) {
                    *ours = Some(theirs);
                }
            }
            (Self::Distinct(ours), Self::Distinct(theirs)) => {
                let room = KEPT_MAX.saturating_sub(ours.len());
                let new: Vec<u64> = theirs.difference(ours).take(room).copied().collect();
                ours.extend(new);
            }
            (Self::Times(ours), Self::Times(theirs)) => {
                ours.extend(theirs);
                ours.sort_unstable();
                ours.drain(..ours.len().saturating_sub(KEPT_MAX));
            }
            (Self::Entries(ours), Self::Entries(theirs)) => {
                ours.extend(theirs);
                ours.sort_by_key(|(at, _)| *at);
                ours.drain(..ours.len().saturating_sub(KEPT_MAX));
            }
            (Self::Apart(ours), Self::Apart(theirs)) => {
                for (hash, newest, one) in theirs {
                    match ours.iter_mut().find(|(other, ..)| *other == hash) {
                        Some((_, ours_newest, ours)) => {
                            *ours_newest = newest.max(*ours_newest);
                            ours.unite(fact, one);
                        }
                        None => ours.push((hash, newest, one)),
                    }
                }
                limit(ours);
            }
            (ours, theirs) => {
                if !ours.suits(fact) && theirs.suits(fact) {
                    *ours = theirs;
                }
            }
        }
    }
}

fn expired(fact: &Fact, at: i64, now: Timestamp) -> bool {
    fact.window.is_some_and(|window| Timestamp::from_micros(at).plus(window) <= now)
}

/// Of equal instants the newest to come is the newest, and the first to come the oldest.
fn takes_over(kind: &FactKind, old: i64, new: i64) -> bool {
    match kind {
        FactKind::First(_) | FactKind::FirstAt => new < old,
        _ => new >= old,
    }
}

/// The sum, the least or the greatest of what was and what comes. Null once it cannot be told.
fn joined(kind: &FactKind, was: Option<Value>, comes: Value) -> Value {
    let Some(was) = was else { return comes };
    match (kind, order(&was, &comes)) {
        (FactKind::Sum(_), _) => add(&was, &comes),
        (_, None) => Value::Null,
        (FactKind::Min(_), Some(order)) if order.is_gt() => comes,
        (FactKind::Max(_), Some(order)) if order.is_lt() => comes,
        _ => was,
    }
}

/// By what a value is kept apart: equal values by the same; nothing, and a list that lacks a part, by none.
fn key(of: &Value) -> Option<u64> {
    match of {
        Value::Null => None,
        // 2 and 2.0 are equal.
        Value::Float(float) if float.fract() == 0.0 => Some(short_hash(&crate::eval::int(of))),
        Value::List(parts) => {
            let parts = parts.iter().map(|part| key(part).map(|key| Value::Text(key.to_string())));
            Some(short_hash(&Value::List(parts.collect::<Option<_>>()?)))
        }
        _ => Some(short_hash(of)),
    }
}

/// Forgets what is furthest back beyond the limit; the newest value stays whatever it holds.
fn limit(kept: &mut Vec<(u64, i64, Kept)>) {
    let mut entries: usize = kept.iter().map(|(.., one)| one.entries()).sum();
    while entries > KEPT_MAX && kept.len() > 1 {
        let oldest =
            kept.iter().enumerate().min_by_key(|(_, (_, newest, _))| *newest).map_or(0, |(at, _)| at);
        entries -= kept.remove(oldest).2.entries();
    }
}

fn short_hash(value: &Value) -> u64 {
    let json = serde_json::to_vec(value).unwrap_or_default();
    Sha256::digest(&json).iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn whole(count: usize) -> Value {
    Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
}
