//! Who is who: outside ids and addresses to customers, changes of customers.

use crate::StoreError;
use words::{Channel, ConsentChange, Customer, CustomerId, EventKind};

/// An outside id of a customer: kind and value. Kinds: `user_id`, `anonymous_id`, and the name of a channel for an
/// address on it (in its normal form).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity {
    /// Kind.
    pub kind: String,
    /// Value.
    pub value: String,
}

impl Identity {
    /// The shop's own id.
    pub fn user_id(value: impl Into<String>) -> Self {
        Self { kind: "user_id".into(), value: value.into() }
    }

    /// The id of a browser.
    pub fn anonymous_id(value: impl Into<String>) -> Self {
        Self { kind: "anonymous_id".into(), value: value.into() }
    }

    /// Whether it is an address, which several people may share.
    pub fn is_address(&self) -> bool {
        !matches!(self.kind.as_str(), "user_id" | "anonymous_id")
    }

    /// An address in its normal form.
    pub fn address(channel: &Channel, value: impl Into<String>) -> Self {
        Self { kind: channel.as_str().to_owned(), value: value.into() }
    }
}

/// Whom a set of identities means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The customer that the first known identity points to, or a new one.
    pub customer: CustomerId,
    /// Whether it was made now.
    pub created: bool,
    /// Other customers that the remaining identities point to: the caller decides whether they are merged.
    pub others: Vec<CustomerId>,
}

/// What changes a customer. Runs inside the writer, on the newest words: quick, and without side effects. The consent
/// changes that it returns are applied by the store and recorded.
pub type Change = Box<dyn FnOnce(&mut Customer) -> Vec<ConsentChange> + Send>;

/// A change of one customer.
pub struct CustomerUpdate {
    /// Whom; redirects are followed.
    pub customer: CustomerId,
    /// What.
    pub change: Change,
    /// Whether a `customer_updated` event tells the journeys (names of changed traits only). As history it starts nothing:
    /// segments and dates are looked at, and hold from then on. `None`: something else tells them.
    pub announce: Option<EventKind>,
    /// What is written down beside the consents, which are written down by themselves.
    pub audit: Vec<crate::AuditEvent>,
}

impl std::fmt::Debug for CustomerUpdate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CustomerUpdate({})", self.customer)
    }
}

/// What an update did.
#[derive(Debug, Clone, PartialEq)]
pub struct Updated {
    /// The customer as stored now.
    pub customer: Customer,
    /// Whether anything changed; if not, nothing was written.
    pub changed: bool,
}

/// What a merge did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The customer that is left.
    pub survivor: CustomerId,
    /// Whether anything happened (`false`: they were one already).
    pub changed: bool,
    /// Enrollments that moved over.
    pub enrollments_moved: u64,
    /// Live enrollments that ended with `merged` because the other side had an older one with the same key.
    pub enrollments_merged: u64,
}

/// Why an identity does not lead to one customer.
#[derive(Debug, thiserror::Error)]
pub enum NotOne {
    /// Nobody has it.
    #[error("no customer has it")]
    Nobody,
    /// They share it, and one of them has to be named in another way: the oldest first.
    #[error("several customers have it")]
    Several(Vec<CustomerId>),
    /// It could not be looked up.
    #[error(transparent)]
    Store(#[from] StoreError),
}
