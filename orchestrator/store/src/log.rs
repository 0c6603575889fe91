//! The sent-message log: what a reviewer asks, and what they get.

use crate::{AuditEvent, DeliveryState, MessageOutcome, Origin};
use words::{Channel, CustomerId, DeliveryId, EnrollmentId, MessageClass, MessageId, ReleaseId, Timestamp};

/// What to look for; all of it must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// Of this customer.
    pub customer: Option<CustomerId>,
    /// To this address, in its normal form: (channel, value).
    pub address: Option<(Channel, String)>,
    /// Planned at or after.
    pub from: Option<Timestamp>,
    /// Planned before.
    pub to: Option<Timestamp>,
    /// With a delivery on this channel.
    pub channel: Option<Channel>,
    /// Of this journey.
    pub journey: Option<String>,
    /// For this purpose.
    pub purpose: Option<String>,
    /// With this outcome.
    pub outcome: Option<MessageOutcome>,
    /// Not sent, for whatever reason (`Some(true)`), or sent (`Some(false)`).
    pub not_sent: Option<bool>,
    /// With this in the message's name.
    pub text: Option<String>,
}

/// Where a page of the log goes on: the place of its last message in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogCursor(pub u64);

/// One page: what was written down last comes first.
#[derive(Debug, Clone, PartialEq)]
pub struct LogPage {
    /// What was found: as many as asked for, as long as there are as many.
    pub rows: Vec<LogRow>,
    /// Where it goes on; `None`: that was all.
    pub next: Option<LogCursor>,
}

/// A message as the log lists it.
#[derive(Debug, Clone, PartialEq)]
pub struct LogRow {
    /// Which.
    pub message: MessageId,
    /// Whose.
    pub customer: CustomerId,
    /// Who meant it.
    pub origin: Origin,
    /// By which enrollment.
    pub enrollment: Option<EnrollmentId>,
    /// Journey.
    pub journey: String,
    /// Step.
    pub step: String,
    /// Visit.
    pub visit: u32,
    /// Its name.
    pub name: String,
    /// Purpose.
    pub purpose: String,
    /// Class.
    pub class: MessageClass,
    /// When planned.
    pub planned_at: Timestamp,
    /// What became of it.
    pub outcome: MessageOutcome,
    /// Since when.
    pub settled_at: Option<Timestamp>,
    /// The channels of its deliveries.
    pub channels: Vec<Channel>,
    /// JSON: verdict, reasons, consent it stands on, packs.
    pub why: Option<String>,
}

impl LogRow {
    /// Whether it was handed to the development inbox: its outcome is the inbox's, and nobody else got it.
    pub fn in_inbox(&self) -> bool {
        in_inbox(self.why.as_deref())
    }
}

/// Whether a record of an outcome says that it is the development inbox's.
fn in_inbox(why: Option<&str>) -> bool {
    let why = why.and_then(|why| serde_json::from_str::<serde_json::Value>(why).ok());
    why.is_some_and(|why| why["inbox"] == true)
}

/// Everything about one message, but for its content.
#[derive(Debug, Clone, PartialEq)]
pub struct LogEntry {
    /// As listed.
    pub row: LogRow,
    /// Release at planning.
    pub release: Option<ReleaseId>,
    /// Program's number.
    pub program: Option<i64>,
    /// Program's hash.
    pub program_hash: Option<String>,
    /// Priority.
    pub priority: i32,
    /// Not after.
    pub expires_at: Option<Timestamp>,
    /// The event that caused it: (place, name, when it occurred).
    pub cause: Option<(u64, String, Timestamp)>,
    /// When its enrollment started.
    pub enrolled_at: Option<Timestamp>,
    /// Its deliveries, in order.
    pub deliveries: Vec<LogDelivery>,
    /// What was written down about it.
    pub audit: Vec<StoredAudit>,
    /// Who read its content, newest first.
    pub reads: Vec<Read>,
    /// The word of consent that it stood on, with its wording and source; `None`: it stood on none, or it was erased.
    pub consent: Option<words::Consent>,
}

/// What somebody read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadKind {
    /// The content of a message.
    Content,
    /// A customer's page.
    Customer,
    /// A selection of the log, taken away.
    Export,
    /// What the development inbox keeps.
    Inbox,
    /// All about a message but its content: to whom it went.
    Message,
    /// The messages of somebody, or to an address.
    Search,
}

impl ReadKind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Content, Self::Customer, Self::Export, Self::Inbox, Self::Message, Self::Search];

    /// The name in filters, exports and the keys of labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::Customer => "customer",
            Self::Export => "export",
            Self::Inbox => "inbox",
            Self::Message => "message",
            Self::Search => "search",
        }
    }

    /// Reads that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// One look at what is recorded: who, when, at what, why.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// Its id; newer ones are greater.
    pub id: [u8; 16],
    /// When.
    pub at: Timestamp,
    /// At what.
    pub kind: ReadKind,
    /// Who.
    pub reader: String,
    /// Why; empty where none was asked for.
    pub reason: String,
    /// Whose content.
    pub message: Option<MessageId>,
    /// Which delivery's.
    pub delivery: Option<DeliveryId>,
    /// Whose page, whose message, or whose messages.
    pub customer: Option<CustomerId>,
    /// JSON: the form of an export, and which fields its filter had.
    pub detail: String,
}

/// Which reads to look for; all of it must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadFilter {
    /// By this person.
    pub reader: Option<String>,
    /// Of this kind.
    pub kind: Option<ReadKind>,
    /// Of this message: its content, and its page.
    pub message: Option<MessageId>,
    /// At or after.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
}

/// A page of reads.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReadPage {
    /// Newest first.
    pub rows: Vec<Read>,
    /// Where it goes on; a page may hold fewer rows than asked for and still go on.
    pub next: Option<[u8; 16]>,
}

/// A delivery in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct LogDelivery {
    /// Which.
    pub id: DeliveryId,
    /// Its place.
    pub ordinal: u16,
    /// Channel.
    pub channel: Channel,
    /// Address, opened; `None`: erased.
    pub address: Option<String>,
    /// Where it stands.
    pub state: DeliveryState,
    /// When it may be claimed.
    pub due_at: Option<Timestamp>,
    /// When handed over.
    pub handed_at: Option<Timestamp>,
    /// When settled.
    pub settled_at: Option<Timestamp>,
    /// Adapter.
    pub provider: Option<String>,
    /// JSON: the last verdict.
    pub why: Option<String>,
    /// Whether final content is kept.
    pub has_content: bool,
    /// Commitment to the content, in hex.
    pub commitment: Option<String>,
    /// Locale it was rendered in.
    pub locale: Option<String>,
    /// Release that rendered it.
    pub release: Option<ReleaseId>,
    /// Attempts.
    pub attempts: Vec<LogAttempt>,
    /// Receipts.
    pub receipts: Vec<LogReceipt>,
}

impl LogDelivery {
    /// Whether it was handed to the development inbox instead of a provider.
    pub fn in_inbox(&self) -> bool {
        in_inbox(self.why.as_deref())
    }
}

/// An attempt in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogAttempt {
    /// Number.
    pub n: u32,
    /// Began.
    pub started_at: Timestamp,
    /// Ended.
    pub ended_at: Option<Timestamp>,
    /// By which node.
    pub node: String,
    /// Outcome.
    pub outcome: Option<String>,
    /// How far it came.
    pub stage: Option<String>,
    /// The provider's words.
    pub answer: Option<String>,
    /// The provider's id.
    pub provider_id: Option<String>,
}

/// A receipt in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogReceipt {
    /// `delivered`, `bounced`, `clicked` …
    pub kind: String,
    /// When.
    pub at: Timestamp,
    /// Detail.
    pub detail: String,
}

/// An audit event as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredAudit {
    /// Its id.
    pub id: [u8; 16],
    /// Kind.
    pub kind: String,
    /// When.
    pub at: Timestamp,
    /// About whom.
    pub customer: Option<CustomerId>,
    /// About what.
    pub subject: Option<[u8; 16]>,
    /// JSON.
    pub body: String,
}

/// A receipt on its way in: what the provider or the customer said later.
#[derive(Debug, Clone, PartialEq)]
pub struct NewReceipt {
    /// Of which delivery: the link, or the address that the provider called, says it.
    pub customer: CustomerId,
    /// Message.
    pub message: MessageId,
    /// Delivery.
    pub delivery: DeliveryId,
    /// `delivered`, `bounced`, `complained`, `opened`, `clicked`, `replied` …
    pub kind: String,
    /// When.
    pub at: Timestamp,
    /// Detail, free of personal data. The same (kind, at, detail) again changes nothing, and of
    /// `clicked` and `scanned` the same detail at any time: it names the link.
    pub detail: String,
    /// Events for the journeys.
    pub events: Vec<crate::NewEvent>,
    /// Suppress the address.
    pub suppress: Option<crate::SuppressionRow>,
    /// What is written down.
    pub audit: Vec<AuditEvent>,
}

/// A whole delivery's address in the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryKey {
    /// Whose.
    pub customer: CustomerId,
    /// Message.
    pub message: MessageId,
    /// Delivery.
    pub delivery: DeliveryId,
}
