//! What comes in: events, and what could not be taken in.

use words::{CustomerId, Event, Timestamp};

/// An event on its way in. The customer is resolved already.
#[derive(Debug, Clone, PartialEq)]
pub struct Incoming {
    /// Whose.
    pub customer: CustomerId,
    /// The event; its id is used if it is new.
    pub event: Event,
    /// Where it came from: `api`, `browser`, `shopify`, `import`, `tabi` (our own), `receipt`.
    pub source: String,
    /// The sender's message id, for deduplication within (customer, source). `None`: never a duplicate.
    pub message_id: Option<String>,
    /// Whether any live program, fact or segment listens to its name: then the customer falls due at once.
    pub listened: bool,
    /// Whether its name is declared.
    pub declared: bool,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ingested {
    /// Stored durably at this place of the customer's sequence.
    Stored {
        /// The place.
        seq: u64,
    },
    /// Seen before; nothing changed.
    Duplicate,
}

/// An item that could not be taken in.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRejected {
    /// When.
    pub at: Timestamp,
    /// As in [`Incoming::source`].
    pub source: String,
    /// The event's name or the call's type, as far as it could be read.
    pub name: String,
    /// Stable code.
    pub code: String,
    /// Why, in words, free of personal data.
    pub reason: String,
    /// As received; stored sealed.
    pub body: Vec<u8>,
}
