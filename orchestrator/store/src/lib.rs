//! The tables, in SQLite or PostgreSQL, under one suite of conformance.
//!
//! `store` owns SQL, grouped by noun. It seals and opens personal data itself, by `vault`: nobody above it can forget to.
//! Every method takes the business clock as an argument (`now`); leases take the machine clock (`machine_now`).
//!
//! Invariant: state, audit event, outgoing message and next wake-up commit together or not at all.

mod acts;
mod clock;
pub mod conformance;
mod console;
mod copies;
mod error;
mod fanout;
mod identity;
mod ingest;
mod log;
mod mark;
mod node;
mod notice;
mod options;
mod pack;
mod people;
pub mod planted;
mod release;
mod send;
mod step;
mod tables;

pub use acts::{Act, ActFilter, ActPage, TestSend};
pub use audit::{AuditEvent, AuditKind};
pub use clock::{Clock, SystemClock, VirtualClock};
pub use console::{
    AuditPage, CustomerPage, CustomerRow, EnrollmentRow, JourneyCounts, MessageCounts, NotSentCount,
    RejectedRow, SettleByHand, TimelineItem, Totals, TroubleRow, Troubles, UnknownEvent,
};
pub use copies::Copies;
pub use error::StoreError;
pub use fanout::{CallSettle, CallWork, Fanout, FanoutOver, FanoutStep, NewFanout};
pub use identity::{Change, CustomerUpdate, Identity, Merged, NotOne, Resolved, Updated};
pub use ingest::{Incoming, Ingested, NewRejected};
pub use log::{
    DeliveryKey, LogAttempt, LogCursor, LogDelivery, LogEntry, LogFilter, LogPage, LogReceipt, LogRow,
    NewReceipt, Read, ReadFilter, ReadKind, ReadPage, StoredAudit,
};
pub use mark::FileMark;
pub use node::{BEAT_ALONE, BEAT_SHARED, Node, NodeRole, NodeSign, SILENT_AFTER};
pub use notice::{ATTENTION_MAX, Attention, Notice, NoticeWork};
pub use options::{Durability, Options, SCHEMA};
pub use people::{ApiKey, Idempotency, Operator, Session};
pub use release::{GoLive, Held, LiveRelease, NewRelease, Release, Stop, StopScope, StoredProgram};
pub use send::{
    AttemptRecord, CapUseRow, ClaimFor, Competing, DeliveryState, FinalContent, HandOver, HandOverRefused,
    SendWork, Settle, SuppressionRow, Swept,
};
pub use step::{
    Claim, CustomerChange, CustomerWork, Deciding, EnrollmentChange, LiveEnrollment, MessageOutcome, NewCall,
    NewDecision, NewDelivery, NewEnrollment, NewEvent, NewMessage, NewNotice, Origin, PastEnrollment, Saying,
    SegmentRow, StepBatch, StepCommit, key_hash,
};
pub use tables::{
    Copied, MOVED_TO, Migrated, Moved, PreparedSteps, RestoreInto, Restored, Store, move_to, restore,
    take_back,
};
