//! What the console and the command line show.

use crate::{LogRow, StoredAudit};
use words::{Consent, Customer, CustomerId, EnrollmentId, Event, Timestamp};

/// Figures of one journey.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JourneyCounts {
    /// The journey.
    pub journey: String,
    /// Live enrollments by (program's number, node).
    pub places: Vec<(i64, u32, u64)>,
    /// Enrollments ever begun.
    pub enrolled: u64,
    /// Live now.
    pub live: u64,
    /// Came to their end.
    pub finished: u64,
    /// Stopped, superseded, merged.
    pub stopped: u64,
    /// Reached the goal.
    pub converted: u64,
    /// Revenue of the goals: (currency, minor units).
    pub revenue: Vec<(String, i64)>,
    /// Messages by (step, message name).
    pub messages: Vec<MessageCounts>,
}

/// Figures of one message of a journey.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessageCounts {
    /// Step.
    pub step: String,
    /// Name.
    pub name: String,
    /// Channel; empty where none was chosen.
    pub channel: String,
    /// Planned.
    pub planned: u64,
    /// Not sent, for good.
    pub not_sent: u64,
    /// Accepted, by a provider or by the development inbox.
    pub sent: u64,
    /// Of these, those that the development inbox kept: nobody else got them.
    pub inbox: u64,
    /// Delivered.
    pub delivered: u64,
    /// Opened at least once.
    pub opened: u64,
    /// Clicked at least once.
    pub clicked: u64,
    /// Bounced.
    pub bounced: u64,
    /// Complained.
    pub complained: u64,
}

/// How many messages were not sent, for good, for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotSentCount {
    /// Journey.
    pub journey: String,
    /// Step.
    pub step: String,
    /// Message name.
    pub name: String,
    /// What became of them.
    pub outcome: crate::MessageOutcome,
    /// The code of the reason that decided, or of the provider's answer; empty where the outcome says it all.
    pub code: String,
    /// The rule that gave the reason; may be empty.
    pub rule: String,
    /// How many.
    pub n: u64,
}

/// One thing on a customer's page.
#[derive(Debug, Clone, PartialEq)]
pub enum TimelineItem {
    /// An event.
    Event {
        /// Its place.
        seq: u64,
        /// Where it came from.
        source: String,
        /// The event; properties empty where erased.
        event: Event,
    },
    /// A message.
    Message(Box<LogRow>),
    /// A decision in words.
    Decision {
        /// When.
        at: Timestamp,
        /// Of which enrollment.
        enrollment: Option<EnrollmentId>,
        /// Journey.
        journey: Option<String>,
        /// Step.
        step: Option<String>,
        /// Kind.
        kind: String,
        /// JSON.
        body: String,
    },
    /// A word of consent.
    Consent {
        /// When it was recorded.
        recorded_at: Timestamp,
        /// The word.
        consent: Consent,
    },
}

impl TimelineItem {
    /// When it happened, for Tabi.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Event { event, .. } => event.received_at,
            Self::Message(row) => row.planned_at,
            Self::Decision { at, .. } => *at,
            Self::Consent { recorded_at, .. } => *recorded_at,
        }
    }

    /// What comes first of what one step did in one instant: what came in, what it led to, what was sent, what comes of it.
    fn place(&self) -> u8 {
        match self {
            Self::Event { .. } | Self::Consent { .. } => 0,
            Self::Decision { kind, .. } => match kind.as_str() {
                "start" | "not_started" | "event" | "branch" | "experiment" | "segment" => 1,
                _ => 3,
            },
            Self::Message(_) => 2,
        }
    }
}

/// The newest first, also within an instant; what stands in this order already keeps it.
pub(crate) fn newest_first(items: &mut [TimelineItem]) {
    items.sort_by_key(|item| std::cmp::Reverse((item.at(), item.place())));
}

/// A customer's enrollment as shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrollmentRow {
    /// Its id.
    pub id: EnrollmentId,
    /// The program's number.
    pub program: i64,
    /// Journey.
    pub journey: String,
    /// 0 live, 1 finished, 2 stopped, 3 superseded, 4 merged.
    pub status: u8,
    /// The node.
    pub pc: u32,
    /// Due.
    pub due_at: Option<Timestamp>,
    /// Started.
    pub started_at: Timestamp,
    /// Ended.
    pub ended_at: Option<Timestamp>,
    /// Goal.
    pub goal_at: Option<Timestamp>,
    /// Why it ended.
    pub reason: Option<String>,
}

/// A customer in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct CustomerRow {
    /// The customer.
    pub customer: Customer,
    /// Changed last.
    pub updated_at: Timestamp,
}

/// Something that could not be taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRow {
    /// Its id.
    pub id: [u8; 16],
    /// When.
    pub at: Timestamp,
    /// Where it came from.
    pub source: String,
    /// Name.
    pub name: String,
    /// Code.
    pub code: String,
    /// Why.
    pub reason: String,
    /// Replayed when.
    pub replayed_at: Option<Timestamp>,
}

/// An event name that nobody declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownEvent {
    /// The name.
    pub name: String,
    /// First seen.
    pub first_at: Timestamp,
    /// Last seen.
    pub last_at: Timestamp,
    /// How often.
    pub count: u64,
    /// Property names and types, as JSON.
    pub sample: String,
}

/// A delivery that needs a person.
#[derive(Debug, Clone, PartialEq)]
pub struct TroubleRow {
    /// Which.
    pub key: crate::DeliveryKey,
    /// Where it stands.
    pub state: crate::DeliveryState,
    /// Journey.
    pub journey: String,
    /// Message name.
    pub name: String,
    /// Channel.
    pub channel: String,
    /// Planned.
    pub planned_at: Timestamp,
    /// JSON: the last verdict or answer.
    pub why: Option<String>,
}

/// Everything that needs a person.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Troubles {
    /// Outcome unknown.
    pub unknown: Vec<TroubleRow>,
    /// Quarantined.
    pub quarantined: Vec<TroubleRow>,
    /// Refused by the provider, bounced, complained.
    pub refused: Vec<TroubleRow>,
    /// Not taken in.
    pub rejected: Vec<RejectedRow>,
    /// Not understood yet.
    pub unknown_events: Vec<UnknownEvent>,
    /// Notices not seen yet.
    pub notices: Vec<crate::Notice>,
    /// Held, and why.
    pub held: Option<crate::Held>,
    /// Stops in force.
    pub stops: Vec<crate::Stop>,
    /// Channels that pause, because their provider fails.
    pub paused: Vec<(words::Channel, channel::pace::Standing)>,
}

/// How a person settles a delivery whose outcome is unknown, or that was quarantined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettleByHand {
    /// Evidence says that it arrived.
    Accepted,
    /// Evidence says that it did not: never sent again.
    NotAccepted,
    /// Evidence says that it did not: plan it again.
    SendAgain,
}

/// A page of somebody's audit events.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AuditPage {
    /// Newest first.
    pub rows: Vec<StoredAudit>,
    /// Where it goes on.
    pub next: Option<[u8; 16]>,
}

/// What a customer's page shows.
#[derive(Debug, Clone, PartialEq)]
pub struct CustomerPage {
    /// The customer; `None`: erased.
    pub customer: Option<Customer>,
    /// Their id, after redirects.
    pub id: CustomerId,
    /// Enrollments, newest first.
    pub enrollments: Vec<EnrollmentRow>,
    /// Segments they are in.
    pub segments: Vec<String>,
    /// What speaks against their addresses.
    pub suppressions: Vec<crate::SuppressionRow>,
    /// Every word on consent that they ever said, newest first: what was taken back stays provable.
    pub words: Vec<Consent>,
    /// Who erased them, when and why.
    pub erasure: Option<crate::Act>,
    /// Newest first.
    pub timeline: Vec<TimelineItem>,
}

/// Sizes, for `tabi doctor` and the console's front page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// Customers.
    pub customers: u64,
    /// Customers due now.
    pub steps_due: u64,
    /// Deliveries due now.
    pub sends_due: u64,
    /// Deliveries that wait: for a morning, a stop that is taken back, a provider.
    pub sends_waiting: u64,
    /// When the first of those is looked at again.
    pub next_send: Option<Timestamp>,
    /// Bytes of the database.
    pub bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_instant_brought_reads_backwards_as_it_happened() {
        let decision = |kind: &str| TimelineItem::Decision {
            at: Timestamp::from_secs(1),
            enrollment: None,
            journey: None,
            step: None,
            kind: kind.to_owned(),
            body: String::new(),
        };
        let event = TimelineItem::Event {
            seq: 1,
            source: "api".to_owned(),
            event: Event {
                id: words::IdSource::seeded(1).event(Timestamp::from_secs(1)),
                name: "signed_up".to_owned(),
                occurred_at: Timestamp::from_secs(1),
                received_at: Timestamp::from_secs(1),
                properties: std::collections::BTreeMap::new(),
                kind: words::EventKind::Live,
            },
        };
        // As the rows lie: kind by kind, of decisions the latest first.
        let mut items = vec![event, decision("end"), decision("wait"), decision("start")];
        newest_first(&mut items);
        let kinds: Vec<&str> = items
            .iter()
            .map(|item| match item {
                TimelineItem::Decision { kind, .. } => kind.as_str(),
                _ => "event",
            })
            .collect();
        assert_eq!(kinds, ["end", "wait", "start", "event"]);
    }
}
