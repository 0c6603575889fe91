//! What an outcome says about the provider itself.

use crate::Outcome;
use words::Elapsed;

/// What an outcome says about the provider itself, whatever it says about the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// It is there and answers, be it with a refusal of this one.
    Answers,
    /// It cannot be reached, or takes nothing from us now.
    Fails {
        /// How long it asked to be left alone.
        after: Option<Elapsed>,
        /// Its words, or what happened instead.
        answer: String,
    },
    /// Nothing: its answer was lost.
    Nothing,
}

impl Outcome {
    /// What it says about the provider itself.
    pub fn said(&self) -> Said {
        match self {
            Self::Accepted { .. }
            | Self::AddressDead { .. }
            | Self::MessageRefused { .. }
            | Self::Deferred { .. } => Said::Answers,
            Self::Unavailable { answer } | Self::Misconfigured { answer } => {
                Said::Fails { after: None, answer: answer.clone() }
            }
            Self::Throttled { after, answer } => {
                let micros = i64::try_from(after.as_micros()).unwrap_or(i64::MAX);
                Said::Fails { after: Some(Elapsed::from_micros(micros)), answer: answer.clone() }
            }
            Self::Unknown { .. } => Said::Nothing,
        }
    }
}
