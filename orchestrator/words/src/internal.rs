//! The names of events that Tabi tells itself, on the customer's own stream, so that order and cause are kept.

/// An API call or another journey asks a journey to start. Properties: `journey`, `inputs`.
pub const JOURNEY_REQUESTED: &str = "journey_requested";
/// An item of a catalogue changed. Properties: `catalog`, `item`, `before`.
pub const ITEM_CHANGED: &str = "item_changed";
/// A declared call was answered. Properties: `enrollment`, `step`, `visit`, `answer`.
pub const CALL_ANSWERED: &str = "call_answered";
/// A declared call failed for good. Properties: `enrollment`, `step`, `visit`, `reason`.
pub const CALL_FAILED: &str = "call_failed";
/// Traits, consents or addresses changed. Properties: `changed`, a list of names.
pub const CUSTOMER_UPDATED: &str = "customer_updated";
/// The release changed: segments and start dates are looked at anew. Properties: `release`.
pub const RELEASE_CHANGED: &str = "release_changed";
/// An operator ends an enrollment. Properties: `enrollment`, `reason`.
pub const ENROLLMENT_STOPPED: &str = "enrollment_stopped";
/// Another customer was merged into this one. Properties: `from`.
pub const CUSTOMERS_MERGED: &str = "customers_merged";

/// All of them. Nobody outside may send an event of such a name.
pub const ALL: [&str; 8] = [
    JOURNEY_REQUESTED,
    ITEM_CHANGED,
    CALL_ANSWERED,
    CALL_FAILED,
    CUSTOMER_UPDATED,
    RELEASE_CHANGED,
    ENROLLMENT_STOPPED,
    CUSTOMERS_MERGED,
];
