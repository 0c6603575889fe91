//! A provider's protocol, as data: a second provider is a second file like `providers/twilio.json`.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How an HTTP provider is spoken to and understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Its short name, for logs and records.
    pub provider: String,
    /// Which documentation the rest was taken from.
    pub source: String,
    /// Where it lives, without a slash at the end.
    pub base_url: String,
    /// The path below; `{account}` stands for the account id.
    pub path: String,
    /// How the body is written.
    pub body: BodyKind,
    /// How we show who we are.
    pub auth: AuthKind,
    /// Its names of our fields: `to`, `from`, `service`, `text`, `callback`. A field without a name is left out.
    pub fields: BTreeMap<String, String>,
    /// A sender with this prefix and this many characters is a pool of senders: it goes into `service` instead of `from`.
    #[serde(default)]
    pub pool: Option<(String, usize)>,
    /// The most characters of a text.
    pub chars_max: usize,
    /// What an acceptance looks like.
    pub accepted: Accepted,
    /// Where an answer carries its error code (JSON pointer); a number or a text.
    pub code: String,
    /// Where it carries its error message.
    pub message: String,
    /// Error codes and what they mean for us, with our own words.
    pub codes: BTreeMap<String, (Meaning, String)>,
    /// What callbacks say.
    #[serde(default)]
    pub receipts: Receipts,
}

/// What an acceptance looks like, beside a 2xx.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accepted {
    /// Where the provider's id stands (JSON pointer). An answer without it is no acceptance.
    pub id: String,
}

/// What callbacks say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipts {
    /// States that end a message, and the kind of receipt each is; other states are on the way and say nothing.
    pub states: BTreeMap<String, channel::ReceiptKind>,
    /// Error codes after acceptance.
    #[serde(default)]
    pub codes: BTreeMap<String, (Meaning, String)>,
}

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BodyKind {
    /// `application/x-www-form-urlencoded`.
    Form,
    /// `application/json`, one flat object of texts.
    Json,
}

/// How we show who we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthKind {
    /// HTTP basic, account id and secret.
    Basic,
    /// The secret as a bearer token.
    Bearer,
}

/// What an error code means for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Meaning {
    /// The number will never take a message.
    AddressDead,
    /// This message is refused; the number is fine.
    MessageRefused,
    /// The customer has opted out with the provider: a refusal, and a revocation that flows back into consent.
    OptedOut,
    /// Credentials or settings are wrong.
    Misconfigured,
    /// A slower pace.
    Throttled,
    /// Later; nothing was accepted.
    Unavailable,
    /// Nobody knows.
    Unknown,
}

/// Why a provider's file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the description of the SMS provider cannot be read: {0}")]
pub struct ProviderError(#[from] serde_json::Error);

impl Provider {
    /// Reads a provider's file.
    pub fn from_json(text: &str) -> Result<Self, ProviderError> {
        Ok(serde_json::from_str(text)?)
    }

    /// Whether a sender is a pool of senders.
    pub(crate) fn is_pool(&self, from: &str) -> bool {
        self.pool.as_ref().is_some_and(|(prefix, chars)| from.starts_with(prefix) && from.len() == *chars)
    }

    /// Twilio, as built in.
    pub fn twilio() -> Self {
        Self::from_json(include_str!("../providers/twilio.json"))
            .expect("the built-in file is read by a test")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_built_in_file_reads() {
        let twilio = Provider::twilio();
        assert_eq!(twilio.provider, "twilio");
        assert_eq!(twilio.codes["21610"].0, Meaning::OptedOut);
    }

    #[test]
    fn a_misspelt_field_is_named() {
        let text = include_str!("../providers/twilio.json").replace("\"chars_max\"", "\"chars_maxx\"");
        assert!(Provider::from_json(&text).unwrap_err().to_string().contains("chars_maxx"));
    }
}
