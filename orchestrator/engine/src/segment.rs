//! Segments: who is in, and when the mere passing of time may change that.

mod flip;
mod moving;
#[cfg(test)]
mod tests;

use crate::{Env, Facts, Known, holds};
use journey::{Schema, Segment};
use words::Timestamp;

/// Whether the customer is in the segment at `now`.
pub fn membership(segment: &Segment, known: &dyn Known, now: Timestamp) -> bool {
    holds(&segment.condition, &Env::new(known, now))
}

/// The earliest instant after `now` at which, with nothing else happening, membership may change: an event leaves the
/// window of a fact, a comparison with `now`, `ago(…)` or a date turns, a local midnight passes. It may turn out that
/// nothing changed: ask [`membership`] then, and this again. It misses no change. `None`: time changes nothing.
///
/// What cannot be told ahead (the compiler lets no such segment through) is asked again every minute.
pub fn next_flip(
    segment: &Segment,
    known: &dyn Known,
    facts: &Facts,
    schema: &Schema,
    now: Timestamp,
) -> Option<Timestamp> {
    if segment.timed { flip::next(&segment.condition, &Env::new(known, now), facts, schema) } else { None }
}
