//! What the judge is told. Plain data: whoever calls gathers it, nothing is looked up.

use serde::Serialize;
use words::{Address, Channel, Customer, Elapsed, MessageClass, Timestamp};

use crate::Brand;

/// When the judge is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The message is being planned: the customer is known, the bytes are not.
    Plan,
    /// The last question before the bytes leave.
    HandOver,
}

/// Everything that a verdict depends on, apart from the packs and the instant.
#[derive(Debug, Clone, Serialize)]
pub struct Facts<'a> {
    /// The customer, with consents, zone and country.
    pub customer: &'a Customer,
    /// False where the consents could not be read: then nothing that needs consent is sent.
    pub consents_known: bool,
    /// The message in question.
    pub message: Message<'a>,
    /// The brand in whose name it goes out.
    pub brand: &'a Brand,
    /// Marketing messages of this customer that used a cap, at least as far back as the longest cap. Any order.
    pub cap_uses: &'a [CapUse<'a>],
    /// Other messages of the same customer that are due now and not delayed for a reason of their own. Any order;
    /// those of other classes are ignored.
    pub competitors: &'a [Competitor<'a>],
    /// Entries against the address (or the customer) of the message.
    pub suppressions: &'a [Suppression],
    /// The stop switches that are on. Those that do not concern the message are ignored.
    pub stops: &'a [Stop],
    /// Tabi is held (restored or cloned): nothing is sent until someone releases it.
    pub held: bool,
}

/// The message that the judge is asked about.
#[derive(Debug, Clone, Serialize)]
pub struct Message<'a> {
    /// Breaks ties between equal priorities: the smaller goes first. The message id in bytes.
    pub id: [u8; 16],
    /// What reasons call it: the message's name, like `come_back_offer`.
    pub name: &'a str,
    /// The journey that says it; `None` for direct sends and system messages.
    pub journey: Option<&'a str>,
    /// Its class, fixed by the purpose.
    pub class: MessageClass,
    /// Its purpose.
    pub purpose: &'a str,
    /// The channel it is to go out on.
    pub channel: &'a Channel,
    /// The address, once one is chosen.
    pub address: Option<&'a Address>,
    /// When the address was last known to work (a token was registered or refreshed); `None`: when it was added.
    pub address_seen_at: Option<Timestamp>,
    /// Higher goes first. Default 0.
    pub priority: i32,
    /// When it was planned.
    pub planned_at: Timestamp,
    /// When it is to go out, as planned: a delay does not move it.
    pub due_at: Timestamp,
    /// From when on it must not go out any more.
    pub expires_at: Option<Timestamp>,
    /// How late after `due_at` it may go out. Time spent waiting counts too.
    pub late_max: Option<Elapsed>,
}

/// A message that used a cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CapUse<'a> {
    /// When it was handed over.
    pub at: Timestamp,
    /// On which channel.
    pub channel: &'a Channel,
}

/// Another message of the same customer that is due at the same time.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Competitor<'a> {
    /// Its id, for ties.
    pub id: [u8; 16],
    /// Its name: reasons name the winner.
    pub name: &'a str,
    /// Its journey.
    pub journey: Option<&'a str>,
    /// Its class; only marketing messages compete for caps.
    pub class: MessageClass,
    /// Its channel.
    pub channel: &'a Channel,
    /// Higher goes first.
    pub priority: i32,
    /// When it is to go out.
    pub due_at: Timestamp,
}

/// An entry that speaks against writing to an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Suppression {
    /// What happened.
    pub kind: SuppressionKind,
    /// When.
    pub at: Timestamp,
    /// From when on it no longer counts; `None`: for good.
    pub expires_at: Option<Timestamp>,
    /// What the provider or the operator said. Shown in reasons; must hold no address.
    pub note: String,
}

/// What a suppression stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuppressionKind {
    /// The address does not exist. Stops every class.
    HardBounce,
    /// The customer called a message spam. Stops marketing and service.
    Complaint,
    /// The customer asked for it in one word (STOP). Stops everything but regulatory and security messages.
    OptOut,
    /// An operator entered it. Stops everything but regulatory and security messages.
    Manual,
}

/// A stop switch that is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stop {
    /// What it stops.
    pub scope: StopScope,
    /// Whether messages wait for its release or are given up.
    pub effect: StopEffect,
    /// Who switched it on.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why, in the operator's words.
    pub note: String,
}

/// What a stop switch stops.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StopScope {
    /// Everything.
    Everything,
    /// One journey's messages.
    Journey(String),
    /// One channel.
    Channel(Channel),
    /// One purpose.
    Purpose(String),
}

/// What a stop switch does to the messages that it stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StopEffect {
    /// They wait and are asked about again.
    Hold,
    /// They are given up.
    Cancel,
}
