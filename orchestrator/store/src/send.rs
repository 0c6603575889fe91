//! Sending: the ledger's side of a hand-over.
//!
//! `planned → claimed(fence) → handing_over → accepted | rejected | unknown | planned again`. The claim counts the attempt
//! and commits before anything that can crash; the hand-over commit locks the customer's guard and checks version, stop
//! epoch, fence and validity; what the provider said is recorded under the same fence.

use std::collections::BTreeMap;
use words::{
    Channel, Customer, CustomerId, DeliveryClass, DeliveryId, EnrollmentId, MessageClass, MessageId,
    ReleaseId, Timestamp, Value,
};

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names are the glossary's")]
pub enum DeliveryState {
    Planned = 0,
    Claimed = 1,
    HandingOver = 2,
    Accepted = 3,
    Unknown = 4,
    Delivered = 5,
    Bounced = 6,
    Complained = 7,
    Rejected = 8,
    Quarantined = 9,
    Suppressed = 10,
    Expired = 11,
    Cancelled = 12,
}

impl DeliveryState {
    /// The name in exports and the keys of labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Claimed => "claimed",
            Self::HandingOver => "handing_over",
            Self::Accepted => "accepted",
            Self::Unknown => "unknown",
            Self::Delivered => "delivered",
            Self::Bounced => "bounced",
            Self::Complained => "complained",
            Self::Rejected => "rejected",
            Self::Quarantined => "quarantined",
            Self::Suppressed => "suppressed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A claimed delivery and everything that its judge and its renderer need.
#[derive(Debug, Clone)]
pub struct SendWork {
    /// The delivery.
    pub delivery: DeliveryId,
    /// Its message.
    pub message: MessageId,
    /// The fence of this claim.
    pub fence: u64,
    /// Attempts so far, this one counted.
    pub attempts: u32,
    /// Attempts that ended without any answer of ours, this one not counted.
    pub strikes: u32,
    /// Its place among the message's deliveries.
    pub ordinal: u16,
    /// Channel.
    pub channel: Channel,
    /// Address, opened.
    pub address: String,
    /// What `unknown` means.
    pub delivery_class: DeliveryClass,
    /// Whether an earlier attempt ended `unknown` (classes never-lost and keyed are resent with the same bytes).
    pub resend: bool,
    /// The customer, opened.
    pub customer: Customer,
    /// Their guard.
    pub guard_version: u64,
    /// The stop epoch at the claim.
    pub stop_epoch: u64,
    /// Message name, journey, step, purpose, class, priority.
    pub name: String,
    /// Journey.
    pub journey: String,
    /// Step.
    pub step: String,
    /// Enrollment.
    pub enrollment: Option<EnrollmentId>,
    /// Purpose.
    pub purpose: String,
    /// Class.
    pub class: MessageClass,
    /// Priority.
    pub priority: i32,
    /// When planned.
    pub planned_at: Timestamp,
    /// When due.
    pub due_at: Timestamp,
    /// Not after.
    pub expires_at: Option<Timestamp>,
    /// Release at planning.
    pub release: Option<ReleaseId>,
    /// Program.
    pub program: Option<i64>,
    /// Pinned inputs.
    pub inputs: BTreeMap<String, Value>,
    /// Final content, where an earlier attempt made it.
    pub content: Option<FinalContent>,
    /// Cap uses within the window.
    pub cap_uses: Vec<CapUseRow>,
    /// Other messages of this customer that are due now.
    pub competing: Vec<Competing>,
    /// What speaks against the address.
    pub suppressions: Vec<SuppressionRow>,
    /// What its claim took from what the provider bears, where that is limited.
    pub taken: Option<channel::pace::Taken>,
}

/// For whom deliveries are claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimFor {
    /// The node.
    pub node: String,
    /// Now, on the machine clock.
    pub machine_now: Timestamp,
    /// How long the claim lasts on the machine clock.
    pub lease: words::Elapsed,
    /// From when on cap uses are needed.
    pub caps_since: Timestamp,
}

/// What a sweep did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swept {
    /// Planned again: claimed but never handed over, or handing over in a class that is resent.
    pub planned_again: u64,
    /// Outcome unknown from now on.
    pub unknown: u64,
    /// Quarantined after three strikes.
    pub quarantined: u64,
    /// Calls given back.
    pub calls: u64,
}

/// A use of a cap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapUseRow {
    /// When.
    pub at: Timestamp,
    /// On which channel.
    pub channel: Channel,
}

/// Another message of the same customer that is due now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Competing {
    /// Its id.
    pub message: MessageId,
    /// Its name.
    pub name: String,
    /// Its journey.
    pub journey: String,
    /// Its class.
    pub class: MessageClass,
    /// Its channel.
    pub channel: Channel,
    /// Its priority.
    pub priority: i32,
    /// When due.
    pub due_at: Timestamp,
}

/// What speaks against an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuppressionRow {
    /// On which channel.
    pub channel: Channel,
    /// `bounce`, `complaint`, `manual`.
    pub reason: String,
    /// Since when.
    pub at: Timestamp,
    /// Until when; `None`: for good.
    pub expires_at: Option<Timestamp>,
    /// Who or what said so.
    pub source: String,
}

/// Final content of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinalContent {
    /// Media type of the bytes.
    pub media: String,
    /// The bytes that go out; equal over all attempts.
    pub bytes: Vec<u8>,
    /// The parcel's content as JSON (`channel::Content`), for showing.
    pub parcel: String,
    /// The locale it was rendered in.
    pub locale: String,
    /// The release that rendered it.
    pub release: Option<ReleaseId>,
    /// What it resembles, from [`crate::Store::likeness`]: kept content is small then. `None` where it was read.
    pub likeness: Option<i64>,
}

/// Opens a hand-over. It *starts* when this commits.
#[derive(Debug, Clone)]
pub struct HandOver {
    /// Whose.
    pub customer: CustomerId,
    /// Which.
    pub message: MessageId,
    /// Which.
    pub delivery: DeliveryId,
    /// The fence of the claim.
    pub fence: u64,
    /// The guard at which the verdict was made.
    pub guard_version: u64,
    /// The stop epoch at which it was made.
    pub stop_epoch: u64,
    /// Until when the verdict holds (business clock, exclusive).
    pub valid_until: Timestamp,
    /// Whether it uses a cap.
    pub uses_cap: bool,
    /// Verdict, consent it stands on and packs, as JSON.
    pub why: String,
    /// The final content; `None` where it is stored already.
    pub content: Option<FinalContent>,
    /// The adapter's name.
    pub provider: String,
    /// What is written down.
    pub audit: Vec<crate::AuditEvent>,
}

/// Why a hand-over did not start. The caller walks away; the delivery is planned again at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandOverRefused {
    /// Another claim has a newer fence, or it is no longer claimed.
    Fence,
    /// The customer changed since the verdict.
    Guard,
    /// Sending was stopped or released since the verdict.
    Stopped,
    /// The verdict no longer holds.
    Late,
}

/// Closes a claim, before or after its hand-over.
#[derive(Debug, Clone)]
pub struct Settle {
    /// Whose.
    pub customer: CustomerId,
    /// Which.
    pub message: MessageId,
    /// Which.
    pub delivery: DeliveryId,
    /// The fence of the claim.
    pub fence: u64,
    /// Where it stands now.
    pub state: DeliveryState,
    /// When it may be claimed again, where `state` is `Planned`.
    pub due_at: Option<Timestamp>,
    /// Verdict or outcome, as JSON.
    pub why: String,
    /// Whether it was handed to the development inbox, whose word that is.
    pub in_inbox: bool,
    /// What the provider said, where it was asked.
    pub attempt: Option<AttemptRecord>,
    /// Give the cap back (proven non-acceptance).
    pub give_back_cap: bool,
    /// Suppress the address (`AddressDead` alone).
    pub suppress: Option<SuppressionRow>,
    /// Go on with the next channel or address: the next delivery of the same message.
    pub next: Option<crate::NewDelivery>,
    /// Take the attempt back: nothing was tried (a refused hand-over, a delay before rendering).
    pub uncount: bool,
    /// Whether the strike of this claim is cleared: an answer came, or nothing was tried.
    pub clear_strikes: bool,
    /// Events for the customer's journeys (`message_sent`, `message_bounced` …).
    pub events: Vec<crate::NewEvent>,
    /// What is written down.
    pub audit: Vec<crate::AuditEvent>,
}

/// One attempt, for the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptRecord {
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// Outcome by name.
    pub outcome: String,
    /// How far the conversation came, for `unknown`.
    pub stage: Option<String>,
    /// The provider's words.
    pub answer: String,
    /// The provider's id.
    pub provider_id: Option<String>,
}
