//! The audit record: what is written down, in the transaction that makes it true.
//!
//! An [`AuditEvent`] says what kind of thing happened, when, about whom and about what. It holds no address and no
//! content, so that erasing a customer leaves the record whole. Every kind there is stands in [`AuditKind`]; whoever
//! wants to write down something new names it there first.

mod kind;
#[cfg(test)]
mod tests;

pub use kind::AuditKind;

use words::{CustomerId, Timestamp};

/// What is written down, free of personal data.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEvent {
    /// What happened.
    pub kind: AuditKind,
    /// When, on the business clock.
    pub at: Timestamp,
    /// About whom; `None`: about nobody in particular.
    pub customer: Option<CustomerId>,
    /// About which message, delivery, enrollment, release …
    pub subject: Option<[u8; 16]>,
    /// The particulars, a JSON object.
    pub body: String,
}

impl AuditEvent {
    /// Something about nobody and nothing in particular; see [`Self::of`] and [`Self::about`].
    pub fn new(kind: AuditKind, at: Timestamp, body: &serde_json::Value) -> Self {
        Self { kind, at, customer: None, subject: None, body: body.to_string() }
    }

    /// The same about a customer.
    #[must_use]
    pub fn of(self, customer: CustomerId) -> Self {
        Self { customer: Some(customer), ..self }
    }

    /// The same about a message, delivery, enrollment, release …
    #[must_use]
    pub fn about(self, subject: [u8; 16]) -> Self {
        Self { subject: Some(subject), ..self }
    }
}
