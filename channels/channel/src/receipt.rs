//! Receipts: what the provider or the customer said later.

use serde::{Deserialize, Serialize};
use words::{DeliveryId, Timestamp};

/// A receipt, already tied to a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Which delivery it speaks of.
    pub delivery: DeliveryId,
    /// What it says.
    pub kind: ReceiptKind,
    /// When that happened, by the provider.
    pub at: Timestamp,
    /// The provider's words: a code, a reason, a URL clicked.
    pub detail: String,
}

/// What a receipt says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptKind {
    /// Reached the mailbox or the handset, by the provider's word.
    Delivered,
    /// Refused for good after acceptance.
    Bounced,
    /// Marked as spam.
    Complained,
    /// Opened, as far as an image proxy tells.
    Opened,
    /// A link was followed by a person.
    Clicked,
    /// Answered by a person.
    Replied,
    /// Unsubscribed from this message.
    Unsubscribed,
}

impl ReceiptKind {
    /// The name in tables, and of the event it comes back as: `message_<name>`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Bounced => "bounced",
            Self::Complained => "complained",
            Self::Opened => "opened",
            Self::Clicked => "clicked",
            Self::Replied => "replied",
            Self::Unsubscribed => "unsubscribed",
        }
    }
}
