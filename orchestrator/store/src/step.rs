//! Stepping: due customers out, decisions in.
//!
//! A claim gives everything that the decision about a customer needs; the decision is made in memory, by pure code; one
//! commit writes all of it. On a database with row locks the claim holds them until the commit; on SQLite the store keeps
//! the claimed customers apart in memory and the commit checks that nothing moved (`guard_version`, `next_seq`).

use audit::AuditEvent;
use engine::{Facts, State};
use std::collections::BTreeMap;
use words::{
    Channel, Consent, Customer, CustomerId, DeliveryClass, DeliveryId, EnrollmentId, Event, MessageClass,
    MessageId, ReleaseId, Timestamp, Value,
};

/// Claimed customers. Dropping it without a commit leaves them due.
#[derive(Debug)]
pub struct StepBatch {
    /// One entry per customer.
    pub work: Vec<CustomerWork>,
    /// Whether more was due than fitted in.
    pub more: bool,
    /// Keeps the customers apart until committed or dropped.
    pub claim: Claim,
}

/// What keeps claimed customers apart from other claims; given back on drop.
#[derive(Default)]
pub struct Claim(pub(crate) Option<Box<dyn std::any::Any + std::marker::Send>>);

impl std::fmt::Debug for Claim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Claim")
    }
}

/// What is asked about each customer, so that a claim loads no more than needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deciding {
    /// How far back cap uses are needed.
    pub caps_since: Timestamp,
    /// At most so many pending events per customer and batch; the rest stays due.
    pub events_max: usize,
}

/// Everything about one due customer.
#[derive(Debug, Clone)]
pub struct CustomerWork {
    /// Who.
    pub customer: Customer,
    /// Raised by consent, suppression, cap use, unapplied events.
    pub guard_version: u64,
    /// Raised when somebody else than a step changes profile, facts or enrollments.
    pub profile_version: u64,
    /// The place of the next event.
    pub next_seq: u64,
    /// Events up to here are applied.
    pub applied_seq: u64,

    /// Facts; `None`: none folded yet.
    pub facts: Option<Facts>,
    /// Pending events in commit order.
    pub events: Vec<(u64, Event)>,
    /// Live enrollments.
    pub enrollments: Vec<LiveEnrollment>,
    /// Ended ones, newest first, at most 64 of each journey: for `again` and for goals still open.
    pub past: Vec<PastEnrollment>,
    /// Segments and start dates, by name; the name of a segment carries a hash of its definition.
    pub segments: BTreeMap<String, SegmentRow>,
    /// Marketing messages within the caps' window.
    pub cap_uses: Vec<(Timestamp, Channel)>,
    /// Deliveries of theirs that are planned and not yet handed over: (delivery, enrollment).
    pub open_deliveries: Vec<(DeliveryId, MessageId, Option<EnrollmentId>)>,
    /// Suppressions of their addresses: (channel, reason, expires_at).
    pub suppressions: Vec<crate::SuppressionRow>,
}

/// A live enrollment.
#[derive(Debug, Clone)]
pub struct LiveEnrollment {
    /// Its id.
    pub id: EnrollmentId,
    /// The program's number, see `Store::program`.
    pub program: i64,
    /// The journey's name.
    pub journey: String,
    /// The key's hash, see [`key_hash`].
    pub key: [u8; 16],
    /// Where it stands: [`engine::Position`] in columns, [`engine::Context`] sealed, only where it is not empty.
    pub state: State,
    /// The event that started it, where there was one.
    pub cause: Option<(u64, Event)>,
}

/// An enrollment that has ended.
#[derive(Debug, Clone)]
pub struct PastEnrollment {
    /// Its journey.
    pub journey: String,
    /// The key's hash.
    pub key: [u8; 16],
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// The enrollment itself, while its goal may still be reached.
    pub open: Option<Box<LiveEnrollment>>,
}

/// The hash under which an enrollment's key is stored; zeroes for the empty key.
pub fn key_hash(key: &str) -> [u8; 16] {
    use sha2::{Digest, Sha256};
    let mut hash = [0; 16];
    if !key.is_empty() {
        hash.copy_from_slice(&Sha256::digest(key.as_bytes())[..16]);
    }
    hash
}

/// Membership of one segment, or a start date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentRow {
    /// In it.
    pub member: bool,
    /// Since when.
    pub since: Timestamp,
    /// When time alone may change it.
    pub flip_at: Option<Timestamp>,
}

/// Everything that one step of one customer changes; written in one transaction.
#[derive(Debug, Clone, Default)]
pub struct CustomerChange {
    /// Events up to here are applied now.
    pub applied_seq: u64,
    /// The customer, where traits, consents or addresses changed.
    pub customer: Option<Box<Customer>>,
    /// Facts, where they changed.
    pub facts: Option<Facts>,
    /// Enrollments begun, moved, ended.
    pub enrollments: Vec<EnrollmentChange>,
    /// Segments that changed, as they are in the end: a segment that moved twice is one row.
    pub segments: BTreeMap<String, SegmentRow>,
    /// Messages planned, or not to be sent.
    pub messages: Vec<NewMessage>,
    /// Deliveries that must not be handed over any more, and why (JSON). Those already handed over stay as they are.
    pub cancel: Vec<(DeliveryId, String)>,
    /// Events emitted about the same customer, stored behind the pending ones, source `tabi`.
    pub events: Vec<NewEvent>,
    /// Calls to make.
    pub calls: Vec<NewCall>,
    /// Notices to the team.
    pub notices: Vec<NewNotice>,
    /// Words of consent to be recorded (already applied to `customer`).
    pub consents: Vec<Consent>,
    /// Decisions in words: (enrollment, journey, step, kind, JSON body).
    pub decisions: Vec<crate::step::NewDecision>,
    /// Goals reached: (enrollment, journey, when, what it earned).
    pub goals: Vec<(EnrollmentId, String, Timestamp, Option<words::Money>)>,
    /// What is written down.
    pub audit: Vec<AuditEvent>,
    /// The least of what falls due next, apart from events still pending.
    pub due_at: Option<Timestamp>,
}

/// What the commit of a step batch did.
#[derive(Debug, Default)]
pub struct StepCommit {
    /// Customers whom somebody else changed since the claim: nothing of theirs was written, they are due still.
    pub conflicted: Vec<CustomerId>,
    /// Deliveries planned just now, due, and claimed for the caller.
    pub claimed: Vec<crate::SendWork>,
}

/// A decision in words.
#[derive(Debug, Clone, PartialEq)]
pub struct NewDecision {
    /// When, on the business clock.
    pub at: Timestamp,
    /// Of which enrollment.
    pub enrollment: Option<EnrollmentId>,
    /// Its journey.
    pub journey: Option<String>,
    /// At which step.
    pub step: Option<String>,
    /// Kind: `start`, `branch`, `wait`, `event`, `send`, `not_sent`, `end`, `segment` …
    pub kind: &'static str,
    /// What it says, free of personal data.
    pub body: Saying,
}

/// What a decision says.
#[derive(Debug, Clone, PartialEq)]
pub enum Saying {
    /// Words, as JSON: `{"en": …, "ja": …}`.
    Words(String),
    /// What the engine decided: stored as it is, put into words when somebody reads it.
    Engine(Box<engine::Decision>),
}

impl Saying {
    /// In words, as JSON.
    pub fn words(&self) -> String {
        match self {
            Self::Words(json) => json.clone(),
            Self::Engine(decision) => serde_json::json!(decision.words()).to_string(),
        }
    }
}

impl From<words::Text> for Saying {
    fn from(text: words::Text) -> Self {
        Self::Words(serde_json::json!(text).to_string())
    }
}

/// What happens to an enrollment.
#[derive(Debug, Clone)]
pub enum EnrollmentChange {
    /// Begins (and may have moved on already).
    New(Box<NewEnrollment>),
    /// Moves, or ends: `state.at.status` says which. An ended one keeps a context only while its goal may still be reached.
    Moved {
        /// Which.
        id: EnrollmentId,
        /// Its new state.
        state: Box<State>,
        /// Whether bindings and counters changed; where not, they are not written.
        context_changed: bool,
        /// Why it ended, where it did.
        reason: Option<String>,
    },
}

/// A new enrollment. It may have moved on, or ended, within the same step.
#[derive(Debug, Clone)]
pub struct NewEnrollment {
    /// Its id.
    pub id: EnrollmentId,
    /// The program's number.
    pub program: i64,
    /// The journey's name.
    pub journey: String,
    /// The key as `engine::start_key` gave it; stored as its hash.
    pub key: String,
    /// Its state.
    pub state: State,
    /// The place of the event that started it; 0: none.
    pub cause_seq: u64,
    /// Why it ended, where it did.
    pub reason: Option<String>,
}

/// Who means a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Origin {
    /// A journey.
    Journey = 0,
    /// A call of the API.
    Api = 1,
    /// Tabi itself.
    System = 2,
}

impl Origin {
    /// The name in exports and the keys of labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Journey => "journey",
            Self::Api => "api",
            Self::System => "system",
        }
    }
}

/// What became of a message as a whole. From 16 on it was not sent, for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names are the glossary's")]
pub enum MessageOutcome {
    Planned = 0,
    HandedOver = 1,
    Accepted = 2,
    Delivered = 3,
    Unknown = 8,
    Bounced = 9,
    Complained = 10,
    NotSent = 16,
    Suppressed = 17,
    Expired = 18,
    Cancelled = 19,
    Rejected = 20,
    Quarantined = 21,
}

impl MessageOutcome {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Planned,
        Self::HandedOver,
        Self::Accepted,
        Self::Delivered,
        Self::Unknown,
        Self::Bounced,
        Self::Complained,
        Self::NotSent,
        Self::Suppressed,
        Self::Expired,
        Self::Cancelled,
        Self::Rejected,
        Self::Quarantined,
    ];

    /// The name in filters, exports and the keys of labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::HandedOver => "handed_over",
            Self::Accepted => "accepted",
            Self::Delivered => "delivered",
            Self::Unknown => "unknown",
            Self::Bounced => "bounced",
            Self::Complained => "complained",
            Self::NotSent => "not_sent",
            Self::Suppressed => "suppressed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Rejected => "rejected",
            Self::Quarantined => "quarantined",
        }
    }

    /// Reads that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }

    /// Whether the message was not sent, for good.
    pub fn is_not_sent(self) -> bool {
        self >= Self::NotSent
    }
}

impl std::fmt::Display for MessageOutcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A message planned, or decided not to be sent.
#[derive(Debug, Clone)]
pub struct NewMessage {
    /// Derived from its key.
    pub id: MessageId,
    /// Who means it.
    pub origin: Origin,
    /// By which enrollment.
    pub enrollment: Option<EnrollmentId>,
    /// Of which journey; for API messages the name of the call.
    pub journey: String,
    /// At which step.
    pub step: String,
    /// On which visit there.
    pub visit: u32,
    /// Its name in templates.
    pub name: String,
    /// Purpose.
    pub purpose: String,
    /// Class.
    pub class: MessageClass,
    /// Priority.
    pub priority: i32,
    /// The program's number.
    pub program: Option<i64>,
    /// The release live when it was planned.
    pub release: Option<ReleaseId>,
    /// The place of the event that caused it; 0: none.
    pub cause_seq: u64,
    /// When.
    pub planned_at: Timestamp,
    /// Not after.
    pub expires_at: Option<Timestamp>,
    /// `Planned`, or why not.
    pub outcome: MessageOutcome,
    /// JSON: the verdict at planning.
    pub why: String,
    /// Inputs, pinned.
    pub inputs: BTreeMap<String, Value>,
    /// Its deliveries; none where it is not to be sent.
    pub deliveries: Vec<NewDelivery>,
}

/// A delivery planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDelivery {
    /// Derived from the message.
    pub id: DeliveryId,
    /// 1 for the first choice; the next only after proven non-acceptance.
    pub ordinal: u16,
    /// On which channel.
    pub channel: Channel,
    /// To which address, in its normal form; stored sealed and as a blind index.
    pub address: String,
    /// When it may be claimed.
    pub due_at: Timestamp,
    /// What `unknown` will mean.
    pub class: DeliveryClass,
}

/// An event that a journey emitted, or that Tabi tells itself.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// The event.
    pub event: Event,
    /// Dedupe key, as in [`crate::Incoming::message_id`].
    pub message_id: Option<String>,
}

/// A call to make.
#[derive(Debug, Clone, PartialEq)]
pub struct NewCall {
    /// For which enrollment.
    pub enrollment: EnrollmentId,
    /// At which step and visit.
    pub step: String,
    /// Visit.
    pub visit: u32,
    /// The declared call.
    pub call: String,
    /// Arguments.
    pub with: BTreeMap<String, Value>,
    /// Give up then.
    pub give_up_at: Timestamp,
}

/// A notice to the team.
#[derive(Debug, Clone, PartialEq)]
pub struct NewNotice {
    /// To whom.
    pub to: String,
    /// About which journey.
    pub journey: Option<String>,
    /// What.
    pub text: String,
    /// Whether it goes to the mailbox `to` as well.
    pub mail: bool,
}
