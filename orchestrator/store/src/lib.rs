//! The tables: SQLite today, PostgreSQL under the same conformance suite.
//!
//! `store` owns SQL, grouped by noun. It seals and opens personal data itself, by `vault`: nobody above it can forget to.
//! Every method takes the business clock as an argument (`now`); leases take the machine clock (`machine_now`).
//!
//! Invariant: state, audit event, outgoing message and next wake-up commit together or not at all.

mod clock;
mod ingest;
mod send;
mod step;

pub use clock::{Clock, SystemClock, VirtualClock};
pub use ingest::{Incoming, Ingested, NewRejected};
pub use send::{
    AttemptRecord, CapUseRow, Competing, DeliveryState, FinalContent, HandOver, HandOverRefused, SendWork,
    Settle, SuppressionRow,
};
pub use step::{
    AuditEvent, Claim, CustomerChange, CustomerWork, Deciding, EnrollmentChange, LiveEnrollment,
    MessageOutcome, NewCall, NewDecision, NewDelivery, NewEnrollment, NewEvent, NewMessage, NewNotice,
    Origin, PastEnrollment, SegmentRow, StepBatch, key_hash,
};
