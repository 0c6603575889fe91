//! When schedules, dates and broadcasts come round, in the recipient's zone.
//!
//! A local time in a DST gap means the first valid instant after it, in a fold the first of the two.

use journey::Program;
use words::{Customer, Timestamp, Zone};

/// The next instant after `after` at which a journey that starts by schedule, date or broadcast starts for this
/// customer. `None`: never again, or it starts otherwise.
pub fn next_due(program: &Program, customer: &Customer, zone: &Zone, after: Timestamp) -> Option<Timestamp> {
    let _ = (program, customer, zone, after);
    None
}

/// The next tick of a schedule after `after`. `zone` is the recipient's, used where the schedule names none.
pub fn next_tick(program: &Program, after: Timestamp, zone: &Zone) -> Option<Timestamp> {
    let _ = (program, after, zone);
    None
}

/// The next time after `after` that the date of this customer comes round.
pub fn next_date(program: &Program, customer: &Customer, zone: &Zone, after: Timestamp) -> Option<Timestamp> {
    let _ = (program, customer, zone, after);
    None
}

/// When a broadcast goes out to a recipient in `zone`.
pub fn broadcast_at(program: &Program, zone: &Zone) -> Option<Timestamp> {
    let _ = (program, zone);
    None
}
