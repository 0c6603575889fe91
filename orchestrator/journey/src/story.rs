//! Stories: what happens to whom and when, and what Tabi is expected to do about it (`journeys/<name>.test.yaml`).
//!
//! This module holds the data and reads it; running a story is for whoever has an engine, a policy and a virtual clock.
//! `journeys/README.md` shows the format.

mod given;
mod lines;
mod read;
mod values;

pub use read::stories;

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use words::{Channel, Country, Elapsed, Locale, Timestamp, Value, Zone};

/// One story.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Story {
    /// Its sentence: `a first order is thanked and asked for a review`.
    pub name: String,
    /// The file it stands in.
    pub file: String,
    /// Where its name stands, bytes.
    pub span: Range<usize>,
    /// The journeys that are live in it; the others are switched off.
    pub journeys: BTreeSet<String>,
    /// The zone in which its civil times are read, and the zone of customers who state none.
    pub zone: Zone,
    /// What the business clock shows when it begins.
    pub now: Timestamp,
    /// The customers, by the name they have in the story.
    pub customers: BTreeMap<String, Given>,
    /// What happens and what is expected, in order.
    pub lines: Vec<Line>,
}

/// A customer as given.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Given {
    /// Where it stands, bytes.
    pub span: Range<usize>,
    /// Traits, typed by the schema.
    pub traits: BTreeMap<String, Value>,
    /// Addresses in order: channel and address.
    pub addresses: Vec<(Channel, String)>,
    /// The stated zone; `None`: nobody stated one.
    pub zone: Option<Zone>,
    /// The locale.
    pub locale: Option<Locale>,
    /// The country.
    pub country: Option<Country>,
    /// The account.
    pub account: Option<String>,
    /// When Tabi first heard of them; `None`: when the story begins.
    pub created_at: Option<Timestamp>,
    /// Consents granted before the story begins.
    pub consents: Vec<GivenConsent>,
    /// The arm of each experiment named; of the others any but the holdout.
    pub arms: BTreeMap<String, String>,
}

/// A consent as given or changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenConsent {
    /// Which purpose; `None`: every purpose.
    pub purpose: Option<String>,
    /// Which channel; `None`: every channel.
    pub channel: Option<Channel>,
    /// Granted or revoked.
    pub granted: bool,
}

/// One line of a story.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Where it stands, bytes.
    pub span: Range<usize>,
    /// The clock is moved here first, and everything due on the way happens; `None`: now.
    pub at: Option<Timestamp>,
    /// What happens.
    pub action: Action,
}

/// What happens, or what is expected to have happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// An event comes in.
    Event {
        /// Whose.
        customer: String,
        /// Its name.
        event: String,
        /// Its properties, typed by the schema.
        properties: BTreeMap<String, Value>,
        /// When it happened; `None`: now.
        occurred_at: Option<Timestamp>,
        /// Its message id; the same twice is one event. `None`: one of its own.
        id: Option<String>,
        /// Imported history: feeds facts, starts nothing.
        history: bool,
    },
    /// Time passes, and everything that falls due happens.
    Advance(Elapsed),
    /// Time passes until here.
    AdvanceTo,
    /// The customer or the provider says something about the newest delivery of a message.
    Receipt {
        /// Whose.
        customer: String,
        /// What.
        receipt: Receipt,
        /// About which message; `None`: about whatever was sent last.
        message: Option<String>,
        /// On which channel; `None`: whichever it went out on.
        channel: Option<Channel>,
        /// The link that was clicked, or the text of the reply.
        detail: Option<String>,
    },
    /// From here on hand-overs come out like this.
    Outcome {
        /// Of this message alone.
        message: Option<String>,
        /// On this channel alone.
        channel: Option<Channel>,
        /// How.
        outcome: Outcome,
        /// So many times, then accepted again; `None`: from now on.
        times: Option<u32>,
    },
    /// From here on a call answers like this.
    Answer {
        /// The declared call.
        call: String,
        /// Its answer; `None`: it fails.
        answer: Option<BTreeMap<String, Value>>,
    },
    /// Traits change.
    Traits {
        /// Whose.
        customer: String,
        /// New values; null takes one away.
        values: BTreeMap<String, Value>,
    },
    /// A consent changes.
    Consent {
        /// Whose.
        customer: String,
        /// To what.
        consent: GivenConsent,
    },
    /// A journey is started through the API.
    Start {
        /// For whom.
        customer: String,
        /// Which.
        journey: String,
        /// Its inputs.
        inputs: BTreeMap<String, Value>,
    },
    /// A catalogue item appears, changes or goes.
    Item {
        /// Which catalogue.
        catalog: String,
        /// The item's id.
        id: String,
        /// Its fields; `None`: it goes.
        fields: Option<BTreeMap<String, Value>>,
    },
    /// Since the last expectation these sends and refusals happened, in this order, and no others.
    Expect {
        /// In order; empty: nothing.
        outcomes: Vec<Expected>,
        /// `nothing more`: run until nothing is due any more (at most two years) and expect nothing else.
        to_the_end: bool,
    },
}

/// What comes back about a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Receipt {
    Delivered,
    Opened,
    Clicked,
    Replied,
    Bounced,
    Complained,
    Unsubscribed,
}

/// How a hand-over comes out, in the words of the adapter trait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Outcome {
    Accepted,
    AddressDead,
    MessageRefused,
    Misconfigured,
    Throttled,
    Unavailable,
    Unknown,
}

/// One expectation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Expected {
    /// Where it stands, bytes.
    pub span: Range<usize>,
    /// About whom.
    pub customer: String,
    /// When; `None`: any time since the last expectation.
    pub at: Option<Timestamp>,
    /// What.
    pub what: Fact,
}

/// What is expected. Sends and refusals are complete: one that is not expected fails the story. The others are looked
/// for only where they are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// A message was handed over.
    Sent {
        /// Which.
        message: String,
        /// On which channel; `None`: on any.
        channel: Option<Channel>,
    },
    /// A message was not sent.
    NotSent {
        /// Which.
        message: String,
        /// The reason's code, or a part of its words; `None`: for any.
        because: Option<String>,
    },
    /// A journey began.
    Started {
        /// Which.
        journey: String,
    },
    /// A journey was stopped.
    Stopped {
        /// Which; `None`: the only live one.
        journey: Option<String>,
        /// Why; `None`: for any reason.
        reason: Option<String>,
    },
    /// A journey came to its end.
    Finished {
        /// Which.
        journey: String,
    },
    /// A goal was reached.
    Goal {
        /// Of which journey.
        journey: String,
    },
    /// The customer stands on this step now.
    Waiting {
        /// The step's name.
        step: String,
    },
    /// An event was emitted.
    Emitted {
        /// Which.
        event: String,
    },
    /// A call was made.
    Called {
        /// Which.
        call: String,
    },
    /// A person on the team was told.
    Notified {
        /// Whom.
        to: String,
    },
}

#[cfg(test)]
mod tests;
