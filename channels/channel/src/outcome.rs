//! What came of a hand-over.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How the detail of a bounce begins where the address will never accept anything.
pub const ADDRESS_DEAD: &str = "address_dead";

/// The first word of the answer of a [`Outcome::MessageRefused`] (and of a bounce's detail) where the provider refuses
/// because the customer opted out with *it* (`STOP` answered by a carrier). Not a dead address: a revocation of consent
/// for the channel, which the customer can take back with `START`.
pub const OPTED_OUT: &str = "opted_out";

/// What the caller does next, not what went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum Outcome {
    /// The provider took responsibility. Never means delivered.
    Accepted {
        /// The provider's own id, where it gave one.
        provider_id: Option<String>,
        /// Its answer in a line (`250 2.0.0 queued`), free of addresses.
        answer: String,
    },
    /// This address will never accept a message: suppress it. The only outcome that does.
    AddressDead {
        /// The provider's answer.
        answer: String,
    },
    /// This message was refused; the address is fine.
    MessageRefused {
        /// The provider's answer.
        answer: String,
    },
    /// Credentials or settings are wrong: stop this channel and tell the operator. Nothing was accepted.
    Misconfigured {
        /// What to mend.
        answer: String,
    },
    /// The provider asks for a slower pace of all that we send. Nothing was accepted.
    Throttled {
        /// How long it asked to wait, clamped by the adapter to 1 s … 1 h.
        after: Duration,
        /// Its answer.
        answer: String,
    },
    /// The provider is there and cannot take this one now: greylisting, a full mailbox, one endpoint that is down. Nothing
    /// was accepted; says nothing about others.
    Deferred {
        /// How long it asked to wait, clamped by the adapter to 1 s … 1 h.
        after: Option<Duration>,
        /// Its answer.
        answer: String,
    },
    /// The provider cannot be reached, or says «later» to all that we send. Nothing was accepted.
    Unavailable {
        /// What happened.
        answer: String,
    },
    /// The provider may have accepted it.
    Unknown {
        /// How far the conversation came.
        stage: Stage,
        /// What happened.
        answer: String,
    },
}

/// How far a conversation came when it broke off. Up to and including `Request` nothing can have been accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// No connection yet.
    Connect,
    /// Greeting, TLS, authentication, envelope; before the first byte of content.
    Request,
    /// Some of the content went out.
    Content,
    /// All of the content went out; the answer is missing or unreadable.
    Answer,
}

impl Outcome {
    /// The name in tables, logs and exports.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "accepted",
            Self::AddressDead { .. } => "address_dead",
            Self::MessageRefused { .. } => "message_refused",
            Self::Misconfigured { .. } => "misconfigured",
            Self::Throttled { .. } => "throttled",
            Self::Deferred { .. } => "deferred",
            Self::Unavailable { .. } => "unavailable",
            Self::Unknown { .. } => "unknown",
        }
    }

    /// Whether the provider says that the customer opted out with it: record a revocation for this channel.
    pub fn revokes_consent(&self) -> bool {
        matches!(self, Self::MessageRefused { answer } if answer.starts_with(OPTED_OUT))
    }

    /// The provider's answer, or what happened instead.
    pub fn answer(&self) -> &str {
        match self {
            Self::Accepted { answer, .. }
            | Self::AddressDead { answer }
            | Self::MessageRefused { answer }
            | Self::Misconfigured { answer }
            | Self::Throttled { answer, .. }
            | Self::Deferred { answer, .. }
            | Self::Unavailable { answer }
            | Self::Unknown { answer, .. } => answer,
        }
    }
}

/// What of a provider's answer may stand in a log: its figures (`550 5.1.1`, `400 21211`). Providers repeat addresses, names
/// and texts in their words, and a log outlives the consent; the words stand in the record. Longer numbers are left out: they
/// may be somebody's.
pub fn figures(answer: &str) -> String {
    let figure = |word: &&str| {
        word.len() <= 6
            && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
            && word.bytes().any(|byte| byte.is_ascii_digit())
    };
    let words =
        answer.split(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '@' && c != '+' && c != '-');
    let found: Vec<&str> = words.map(|word| word.trim_matches('.')).filter(figure).take(3).collect();
    if found.is_empty() { "no code".to_owned() } else { found.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_answer_a_log_holds_the_figures_alone() {
        for (answer, expected) in [
            ("550 5.1.1 <taro.4711@example.jp>: no such user", "550 5.1.1"),
            ("HTTP 400: 21211 The number +819012345678 is no number", "400 21211"),
            ("connection refused", "no code"),
            ("451 4.3.0 for 09012345678, order 4711-22", "451 4.3.0"),
            ("", "no code"),
        ] {
            assert_eq!(figures(answer), expected, "{answer}");
        }
    }
}
