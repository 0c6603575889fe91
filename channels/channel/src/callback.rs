//! What a provider calls us back with: what became of a message, and what people wrote to us.

use crate::Receipt;
use serde::{Deserialize, Serialize};
use words::Timestamp;

/// A call of a provider as it came in. Who it is from is for the adapter to verify.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// What stood after the `?` of the address, as it was sent; empty where there was none.
    pub query: &'a str,
    /// Names in lower case, and values.
    pub headers: &'a [(String, String)],
    /// The body, at most 64 KiB.
    pub body: &'a [u8],
    /// When it came in.
    pub at: Timestamp,
}

impl Call<'_> {
    /// A header's value; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

/// What a call says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// What became of a delivery.
    Receipt(Receipt),
    /// A person wrote to us.
    Reply(Reply),
}

/// A message of a person to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The person's address in its normal form.
    pub from: String,
    /// Which of our senders they wrote to.
    pub to: String,
    /// What they wrote.
    pub text: String,
    /// The provider's id, for deduplication.
    pub provider_id: String,
    /// What the provider itself understood and acted on; else ask [`crate::Adapter::keyword`].
    pub keyword: Option<Keyword>,
}

/// What a customer asks for with one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keyword {
    /// Never again on this channel.
    Stop,
    /// Again, after a stop.
    Start,
    /// Who are you, and how do I get out?
    Help,
}

/// Why a call is not taken; nothing of it was believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallRefused {
    /// This adapter is called back by nobody.
    #[error("nothing is called back on this channel")]
    NotTaken,
    /// It is not from the provider, or was changed on its way.
    #[error("the signature is missing or does not fit")]
    Forged,
    /// It is from the provider, and says nothing that can be read.
    #[error("the call cannot be read: {0}")]
    Unreadable(String),
}
