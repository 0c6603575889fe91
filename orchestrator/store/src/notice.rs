//! What the team is told, in the console and by mail.

use words::{CustomerId, Timestamp};

/// A notice to the team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its id.
    pub id: [u8; 16],
    /// When.
    pub at: Timestamp,
    /// To whom.
    pub to: String,
    /// About whom.
    pub customer: Option<CustomerId>,
    /// About which journey.
    pub journey: Option<String>,
    /// What.
    pub text: String,
    /// Seen when.
    pub seen_at: Option<Timestamp>,
    /// By whom.
    pub seen_by: Option<String>,
    /// When its mail is due, where it goes by mail as well and that is not settled yet.
    pub mail_due: Option<Timestamp>,
    /// What came of its mail: the outcome's name (`accepted`), and behind a space what was answered where it was not taken.
    pub mail_outcome: Option<String>,
}

/// A notice whose mail is claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeWork {
    /// The notice.
    pub notice: Notice,
    /// Which try this is, from 1.
    pub tries: u32,
}

/// What waits for a person, counted; of each no more than [`ATTENTION_MAX`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attention {
    /// Deliveries of which nobody knows whether they arrived.
    pub unknown: u64,
    /// Deliveries that were set aside after three tries that ended their process.
    pub quarantined: u64,
    /// Stops that hold.
    pub stops: u64,
}

/// Nobody needs to know more exactly, and what is counted is read.
pub const ATTENTION_MAX: u64 = 10_000;
