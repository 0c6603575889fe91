//! Outcomes that follow from HTTP alone, where the provider's own words say nothing better.
//!
//! Source: RFC 9110 section 15. A status is a proof of non-acceptance only where its definition says that the request
//! was not carried out; a 500, 502 or 504 may follow an acceptance.

use crate::{Answer, PAUSE_DEFAULT, Reply};
use channel::{Outcome, Stage};

impl Reply {
    /// The answer, or the outcome where there is none. A request that is not allowed is a misconfiguration; adapters
    /// whose addresses come from customers judge [`Reply::Refused`] before.
    pub fn settle(self) -> Result<Answer, Outcome> {
        match self {
            Self::Answered(answer) => Ok(answer),
            Self::Refused { why } => Err(Outcome::Misconfigured { answer: why }),
            Self::NotSent { why } => Err(Outcome::Unavailable { answer: why }),
            Self::Lost { stage, why } => Err(Outcome::Unknown { stage, answer: why }),
        }
    }
}

impl Answer {
    /// What the status alone says; `said` is the provider's answer in a line.
    ///
    /// | status | outcome |
    /// |---|---|
    /// | 1xx, 2xx that nobody could read | unknown |
    /// | 3xx | misconfigured: redirects are not followed |
    /// | 401 403 404 405 407 501 505 | misconfigured |
    /// | 408 421 425 | unavailable: the server did not take the request |
    /// | 429 | throttled |
    /// | other 4xx | message refused |
    /// | 503 with `Retry-After` | throttled: who names a time has looked at the request and put it off |
    /// | other 5xx | unknown |
    pub fn outcome_by_status(&self, said: &str) -> Outcome {
        let answer = if said.is_empty() {
            format!("HTTP {}", self.status)
        } else {
            format!("HTTP {}: {said}", self.status)
        };
        match (self.status, self.retry_after) {
            (503, Some(after)) => return Outcome::Throttled { after, answer },
            (429, after) => return Outcome::Throttled { after: after.unwrap_or(PAUSE_DEFAULT), answer },
            _ => {}
        }
        match self.status {
            300..=399 => Outcome::Misconfigured {
                answer: format!("{answer} (a redirect, not followed: correct the base URL)"),
            },
            401 | 403 | 404 | 405 | 407 | 501 | 505 => Outcome::Misconfigured { answer },
            408 | 421 | 425 => Outcome::Unavailable { answer },
            400..=499 => Outcome::MessageRefused { answer },
            _ => Outcome::Unknown { stage: Stage::Answer, answer },
        }
    }
}
