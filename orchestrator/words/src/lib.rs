//! The words of Tabi, used alike by every crate: ids, instants, money, addresses, classes, values
//! and diagnostics.
//!
//! Pure. No clock, no randomness, no I/O: whoever makes an id or an instant hands them in.

mod address;
pub mod calendar;
pub mod catalog;
mod class;
mod customer;
pub mod diagnostic;
mod event;
mod id;
pub mod internal;
pub mod keyboard;
mod locale;
mod money;
mod phrases;
mod span;
mod time;
mod tracked;
mod typed;
mod value;
mod zone;

pub use address::{Address, AddressError, AddressState, Channel, EmailAddress, PhoneNumber};
pub use catalog::{MessageCatalog, MessageEntry, MessageInput, counts_clicks};
pub use class::{Basis, DeliveryClass, MessageClass};
pub use customer::{Consent, ConsentChange, ConsentState, Customer, Evidence};
pub use diagnostic::{Diagnostic, Severity, Text};
pub use event::{Event, EventKind};
pub use id::{
    CustomerId, DeliveryId, EnrollmentId, EventId, IdError, IdSource, MessageId, ReleaseId, shard_of,
};
pub use locale::{Language, Locale, LocaleError};
pub use money::{Currency, Money, MoneyError};
pub use phrases::Phrases;
pub use span::{DurationError, Elapsed};
pub use time::{Timestamp, TimestampError};
pub use tracked::{TrackedLink, trackable};
pub use value::{Type, Value};
pub use zone::{Country, Zone, ZoneError, ZoneSource};

/// Shards: `shard = hash(customer) % SHARDS` leads every key of every table.
pub const SHARDS: u16 = 256;

/// Under which target of the log the spans of traces are said: nothing else is, and no log shows them.
pub const TRACES: &str = "tabi::trace";
