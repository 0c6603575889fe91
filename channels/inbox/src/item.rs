//! What is in the inbox, and how it is asked for.

use serde::Serialize;
use words::{Channel, Timestamp};

/// A message on its way into the store.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    pub(crate) channel: Channel,
    /// The sender by the envelope, or the provider's field.
    pub(crate) from: String,
    /// The recipient by the envelope, or the provider's field.
    pub(crate) to: String,
    /// The id we answered with.
    pub(crate) provider_id: String,
    /// MIME for e-mail; JSON for the rest.
    pub(crate) raw: Vec<u8>,
}

/// Something has arrived and is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Arrived {
    /// Its id, for [`crate::Inbox::get`].
    pub id: i64,
    /// When it was stored, by the clock that the inbox was opened with.
    pub at: Timestamp,
    /// On which channel.
    pub channel: Channel,
    /// The envelope's sender.
    pub from: String,
    /// The envelope's recipient.
    pub to: String,
}

/// A line of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Its id.
    pub id: i64,
    /// When it was stored.
    pub at: Timestamp,
    /// On which channel.
    pub channel: Channel,
    /// The sender, as the customer sees it.
    pub from: String,
    /// The recipient by the envelope.
    pub to: String,
    /// The subject or title; the beginning of the text where there is none.
    pub subject: String,
}

/// A message, parsed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// Its id.
    pub id: i64,
    /// When it was stored.
    pub at: Timestamp,
    /// On which channel.
    pub channel: Channel,
    /// The sender, as the customer sees it: `Name <address>`, a number, a project.
    pub from: String,
    /// The recipient by the envelope: an address, a number, a token.
    pub to: String,
    /// The id we answered with.
    pub provider_id: String,
    /// The subject of a mail, the title of a push notification.
    pub subject: Option<String>,
    /// The plain text.
    pub text: Option<String>,
    /// The HTML of a mail. From outside: show it in a sandboxed frame.
    pub html: Option<String>,
    /// Header fields of a mail, decoded; fields of the request for the rest. In order, names may repeat.
    pub headers: Vec<(String, String)>,
    /// As it arrived: MIME for mail, JSON for the rest.
    #[serde(skip)]
    pub raw: Vec<u8>,
}

/// Which messages. Everything that is given has to fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// On this channel.
    pub channel: Option<Channel>,
    /// To this recipient: the whole address, number or token, in any case.
    pub to: Option<String>,
    /// With this text in the recipient, sender, subject or body, in any case.
    pub text: Option<String>,
}

/// Which part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Older than this id; from the newest where absent.
    pub before: Option<i64>,
    /// At most so many, up to 500.
    pub limit: u32,
}

impl Default for Page {
    fn default() -> Self {
        Self { before: None, limit: 50 }
    }
}

/// A part of a list, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listing {
    /// The messages.
    pub items: Vec<Summary>,
    /// What to give as [`Page::before`] for the next part; `None` at the end.
    pub next: Option<i64>,
}
