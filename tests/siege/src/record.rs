//! The three records, and that of the faults: what the driver was told, what the sinks got, what Tabi says.

use serde::{Deserialize, Serialize};

/// How a message travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// By SMTP.
    Email,
    /// By the SMS provider's HTTP.
    Sms,
}

/// What is promised for a message whose fate nobody can know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Arrives at most once.
    NeverTwice,
    /// Arrives at least once; repeats are the same message to the byte.
    NeverLost,
}

/// An order that the driver reports to Tabi.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its number, unique in the run.
    pub id: String,
    /// Who ordered.
    pub customer: String,
    /// Their address.
    pub email: String,
    /// Their number.
    pub phone: String,
    /// Whether they agreed to offers.
    pub offers: bool,
    /// Whether they take that back as soon as they have ordered.
    pub revokes: bool,
}

/// A line of the driver's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// About to be sent: written before the first byte leaves.
    Asked(Order),
    /// Answered with a 2xx: from now on it must not be lost. The order's number and the instant, microseconds since 1970.
    Accepted {
        /// The order's number.
        order: String,
        /// When the answer was read.
        at_us: i64,
    },
    /// A customer's refusal of offers, answered with a 2xx: no hand-over begins after that.
    Revoked {
        /// Who refused.
        customer: String,
        /// When the answer was read.
        at_us: i64,
    },
}

/// What must come of one order on one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// What the message carries in square brackets: message and order.
    pub mark: String,
    /// Where it must go.
    pub to: String,
    /// The journey that sends it.
    pub journey: String,
    /// What is promised for it.
    pub class: Class,
    /// Whether Tabi said that it had taken the event.
    pub told: bool,
    /// Why it must not be sent.
    pub refused: Option<String>,
    /// Since when its recipient is known to have refused it, microseconds since 1970.
    pub revoked_us: Option<i64>,
}

/// What a sink did with a message that it had read, or refused before that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Taken, and said so (whether anybody was left to hear it is not known).
    Accepted,
    /// Taken, and the answer was withheld: cut off, silent, or not to be understood.
    Withheld,
    /// Not taken; later perhaps.
    Later,
    /// Not taken, ever.
    Refused,
    /// Not taken: there is nobody at this address.
    Dead,
}

impl Answer {
    /// The sink has it.
    pub fn took(&self) -> bool {
        matches!(self, Self::Accepted | Self::Withheld)
    }
}

/// A line of a sink's record, written before the answer leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// When, microseconds since 1970.
    pub at_us: i64,
    /// By which sink.
    pub channel: Channel,
    /// The recipient of the envelope.
    pub to: String,
    /// What the message calls itself: the Message-ID without brackets and domain; for texts the delivery that their
    /// callback names.
    pub id: String,
    /// What the sink calls it; empty for mail.
    pub receipt: String,
    /// What stands in square brackets; empty where nothing was read.
    pub mark: String,
    /// SHA-256 of the bytes, in hexadecimal; empty where nothing was read.
    pub hash: String,
    /// What became of it.
    pub answer: Answer,
}

/// A message as Tabi lists it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Said {
    /// Its id.
    pub message: String,
    /// Its journey.
    pub journey: String,
    /// Where it went, or should have gone; empty where Tabi names no address.
    pub to: String,
    /// Its customer, as Tabi calls them.
    pub customer: String,
    /// What Tabi says became of it.
    pub outcome: String,
    /// Its deliveries' ids.
    pub deliveries: Vec<String>,
    /// What the provider called it.
    pub receipts: Vec<String>,
    /// Attempts that nobody knows the end of.
    pub unanswered: usize,
    /// Why, in words.
    pub why: String,
}

/// Something that was done to the installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// What: `kill`, `pause`, `full`, `held` …
    pub what: String,
    /// From when, microseconds since 1970.
    pub from_us: i64,
    /// Until when.
    pub to_us: i64,
}

/// The name of a fault during which nothing may be sent.
pub const HELD: &str = "held";

/// Now, in microseconds since 1970.
pub fn now_us() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_micros()).unwrap_or(i64::MAX)
}
