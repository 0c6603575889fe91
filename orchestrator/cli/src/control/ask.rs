//! What can be asked.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::StopScope;
use words::{Channel, CustomerId, DeliveryId, Locale, ReleaseId, Timestamp};

/// A command that changes something, or whose reading is itself recorded.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(crate) enum Ask {
    /// What runs, and how it stands.
    Status,
    /// Check, store and make live these files (an archive, base 64).
    Deploy { files: String, by: String, note: String },
    /// Make an earlier release live again; left out: the one before.
    Rollback { to: Option<ReleaseId>, by: String },
    /// Messages leave the machine from now on.
    GoLive { by: String },
    /// They go to the development inbox again.
    EndLive { by: String },
    /// Stop sending.
    Stop { scope: Stopped, by: String, reason: String },
    /// Take a stop back.
    Resume { scope: Stopped, by: String },
    /// Sending may go on although this looks like a copy.
    ReleaseHeld { by: String, reason: String },
    /// The next start elsewhere is meant.
    AnnounceMove { by: String },
    /// One message with a sample, to an address.
    SendTest {
        message: String,
        channel: Option<Channel>,
        to: String,
        locale: Option<Locale>,
        sample: Option<String>,
        by: String,
    },
    /// An event about a customer.
    Event { who: Who, name: String, properties: Value, id: Option<String>, occurred_at: Option<Timestamp> },
    /// No longer show an event that nobody declared.
    ForgetEvent { name: String },
    /// Destroy a customer's keys.
    Erase { customer: CustomerId, by: String, reason: String },
    /// Two customers are one.
    Merge { loser: CustomerId, survivor: CustomerId, by: String },
    /// A new API key.
    KeyCreate {
        name: String,
        browser: bool,
        scopes: Vec<String>,
        by: String,
        expires_at: Option<Timestamp>,
        /// Withdraw the one of this name, where there is one.
        #[serde(default)]
        replace: bool,
    },
    /// Withdraw a key by name.
    KeyRevoke { name: String, by: String },
    /// A person at the console.
    OperatorAdd { name: String, role: String, password: String, by: String },
    /// A new password for a person at the console.
    OperatorPassword { name: String, password: String, by: String },
    /// Lock a person out, or in again.
    OperatorDisable { name: String, disabled: bool, by: String },
    /// A file of customers or of history, on this machine. Tells how far it is, and each row that is refused.
    Import {
        path: std::path::PathBuf,
        events: bool,
        jsonl: bool,
        columns: Vec<String>,
        dry_run: bool,
        done_to_line: u64,
        name: String,
    },
    /// The content of a delivery; that it was read is recorded.
    Content { delivery: DeliveryId, reader: String, reason: String },
    /// Writes down that somebody is about to read: what, and about whom or which message (`cus_…`, `msg_…`).
    Reads { what: String, about: Option<String>, reader: String, reason: String, detail: serde_json::Value },
}

impl Ask {
    /// Whether it may make a new installation.
    pub(crate) fn makes_data(&self) -> bool {
        matches!(self, Self::Deploy { .. } | Self::OperatorAdd { .. } | Self::KeyCreate { .. })
    }
}

/// Whom.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Who {
    /// Ours.
    Id(CustomerId),
    /// The shop's.
    UserId(String),
    /// An address.
    Address(Channel, String),
}

/// What a stop concerns.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stopped {
    /// Everything.
    All,
    /// One journey.
    Journey(String),
    /// One channel.
    Channel(String),
    /// One purpose.
    Purpose(String),
}

impl From<Stopped> for StopScope {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::All => Self::All,
            Stopped::Journey(name) => Self::Journey(name),
            Stopped::Channel(name) => Self::Channel(name),
            Stopped::Purpose(name) => Self::Purpose(name),
        }
    }
}

impl Who {
    /// Reads an id of ours, an e-mail address, a phone number, or else the shop's id.
    pub(crate) fn parse(text: &str) -> Self {
        if let Ok(id) = CustomerId::parse(text) {
            return Self::Id(id);
        }
        if text.contains('@')
            && let Ok(address) = words::EmailAddress::parse(text)
        {
            return Self::Address(Channel::new("email"), address.as_str().to_owned());
        }
        if text.starts_with('+')
            && let Ok(number) = words::PhoneNumber::parse(text)
        {
            return Self::Address(Channel::new("sms"), number.as_str().to_owned());
        }
        Self::UserId(text.to_owned())
    }
}
