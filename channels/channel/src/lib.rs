//! The adapter trait: what a channel promises, and what came of a hand-over.
//!
//! An adapter is given exact, final bytes and one address, and says what became of them. It never retries, never
//! renders, never decides: the ledger and the judge do. It declares async methods and runs none: no clock, no I/O here.
//!
//! Invariant: an adapter that cannot prove that nothing was accepted answers [`Outcome::Unknown`].

mod callback;
mod capabilities;
mod outcome;
pub mod pace;
mod receipt;

pub use callback::{Call, CallRefused, Keyword, Reply, Said};
pub use capabilities::{Capabilities, Idempotency, Part};
pub use outcome::{ADDRESS_DEAD, OPTED_OUT, Outcome, Stage, figures};
pub use receipt::{Receipt, ReceiptKind};

use std::{collections::BTreeMap, future::Future, pin::Pin, time::Duration};
use words::{Channel, DeliveryId, MessageClass, MessageId};

/// A future that an adapter returns; boxed, so that adapters can stand in one table.
pub type Handing<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// What is handed over: one delivery of one message to one address.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Parcel {
    /// The delivery; the provider's idempotency key where it takes one.
    pub delivery: DeliveryId,
    /// The message; equal over all attempts, part of the `Message-ID`.
    pub message: MessageId,
    /// The class, for providers that treat them apart (streams, priorities).
    pub class: MessageClass,
    /// The address in its normal form.
    pub to: String,
    /// Final content: see [`Content`].
    pub content: Content,
}

/// Final content, equal over all attempts to the byte.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Content {
    /// Named parts as rendered: `subject`, `html`, `text`, `title`, `body`, `data` … see [`Part`].
    pub parts: BTreeMap<String, String>,
    /// Who speaks: the sender identity of the brand for this channel (`from_name`, `from`, `reply_to`, `sender`).
    pub sender: BTreeMap<String, String>,
    /// Where one click ends it; e-mail turns it into the `List-Unsubscribe` pair (RFC 8058).
    pub unsubscribe_url: Option<String>,
    /// The language of the content, for `Content-Language` and `lang`.
    pub locale: String,
    /// When the message was planned, RFC 3339: the `Date` of every attempt.
    pub date: String,
}

/// The provider's name of whatever is handed to the development inbox instead of a provider: the record must never take the
/// one for the other.
pub const INBOX: &str = "inbox";

/// One way to reach people.
pub trait Adapter: Send + Sync {
    /// The channel it serves.
    fn channel(&self) -> Channel;

    /// A short name for logs and records: `smtp`, `twilio`, `fcm`; [`INBOX`] where nothing leaves the machine.
    fn provider(&self) -> &str;

    /// What it can do, as data.
    fn capabilities(&self) -> &Capabilities;

    /// The exact bytes that [`Adapter::hand_over`] will send for `parcel`, for the record: MIME for e-mail, the request
    /// body for HTTP providers. Pure; equal parcels give equal bytes. An error is a refusal of this message.
    fn compose(&self, parcel: &Parcel) -> Result<Composed, String>;

    /// Hands `bytes`, made by [`Adapter::compose`] perhaps in an earlier process, to the provider. Ends within `deadline`,
    /// whatever the other side does.
    fn hand_over<'a>(&'a self, parcel: &'a Parcel, bytes: &'a [u8], deadline: Duration) -> Handing<'a>;

    /// Reads a call of the provider after verifying that it is the provider's. Pure. A state on the way says nothing.
    ///
    /// # Errors
    /// Where the call is not the provider's, or says nothing that can be read.
    fn callback(&self, _call: &Call<'_>) -> Result<Vec<Said>, CallRefused> {
        Err(CallRefused::NotTaken)
    }

    /// What a person's message asks for as a whole. `locale` is the person's, empty where unknown.
    fn keyword(&self, _text: &str, _locale: &str) -> Option<Keyword> {
        None
    }
}

/// The bytes as the customer gets them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composed {
    /// Media type: `message/rfc822`, `application/x-www-form-urlencoded`, `application/json`.
    pub media: &'static str,
    /// The bytes.
    pub bytes: Vec<u8>,
}

pub mod conformance;
