//! What a transition wants to happen.

use crate::{Decision, Reason};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use words::{Channel, EventId, Money, Timestamp, Value};

/// One thing that shall happen, in the order of the list, in the transaction that stores the new state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Plan a message.
    Plan(PlannedMessage),
    /// A message was not planned, and why.
    NotSent {
        /// The step that would have sent it.
        step: String,
        /// Which time at this step, from 1.
        visit: u32,
        /// The message.
        message: String,
        /// Why not.
        reasons: Vec<Reason>,
    },
    /// Set these traits of the customer. Null removes one.
    Set {
        /// The step.
        step: String,
        /// Trait and value, in the order written.
        values: Vec<(String, Value)>,
    },
    /// Record an event about the customer. Its message id is derived from (enrollment, step, visit): once for each.
    Emit {
        /// The step.
        step: String,
        /// Which time at this step, from 1.
        visit: u32,
        /// The event's name.
        event: String,
        /// Its properties.
        properties: BTreeMap<String, Value>,
    },
    /// Call a declared endpoint; answer with [`crate::Input::CallAnswered`] or [`crate::Input::CallFailed`].
    Call {
        /// The step.
        step: String,
        /// Which time at this step, from 1: names the call in its answer.
        visit: u32,
        /// The declared call.
        call: String,
        /// Its arguments.
        inputs: BTreeMap<String, Value>,
        /// When to give up; the enrollment goes on by itself then.
        deadline: Timestamp,
    },
    /// Start another journey for the same customer.
    Enroll {
        /// The step.
        step: String,
        /// Which time at this step, from 1.
        visit: u32,
        /// The journey.
        journey: String,
        /// Its inputs.
        inputs: BTreeMap<String, Value>,
    },
    /// Tell a person on the team.
    Notify {
        /// The step.
        step: String,
        /// Which time at this step, from 1.
        visit: u32,
        /// E-mail address or team name.
        to: String,
        /// What to say.
        text: String,
    },
    /// The goal was reached: at most once in an enrollment.
    Goal {
        /// The event that reached it.
        event: EventId,
        /// When it occurred.
        at: Timestamp,
        /// What it earned.
        revenue: Option<Money>,
    },
    /// The enrollment ended. At most one in its life, and the last effect but for [`Effect::Goal`].
    Ended {
        /// The step it stood on.
        step: String,
        /// How.
        how: Ending,
        /// Why, in the journey's words (`never_delivered`) or ours; empty when finished.
        reason: String,
    },
    /// A decision, for the customer's page and `tabi why`.
    Decided {
        /// The step.
        step: String,
        /// What was decided and on what ground; [`Decision::words`] says it in words.
        decision: Decision,
    },
}

/// A message as planned. Its id is `MessageId::derive(enrollment, step, visit)`, dated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedMessage {
    /// The step.
    pub step: String,
    /// Which time at this step, from 1.
    pub visit: u32,
    /// The message's name in `templates/`.
    pub message: String,
    /// In order of preference for `first_of`; all of them for `all_of`.
    pub channels: Vec<Channel>,
    /// Whether each of `channels` gets it, or the first that accepts.
    pub all: bool,
    /// Its inputs.
    pub inputs: BTreeMap<String, Value>,
    /// Among simultaneously due messages of one customer the higher wins.
    pub priority: i32,
    /// Not after this.
    pub expires_at: Option<Timestamp>,
    /// The survey whose question it asks.
    pub survey: Option<String>,
}

/// How an enrollment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// It came to its end.
    Finished,
    /// A `stop`, a `stop_if`, a blocked message with `if_blocked: stop`, or the operator.
    Stopped,
    /// The goal was reached and the journey leaves then.
    Goal,
    /// Another enrollment of the merged customer goes on in its place.
    Merged,
    /// A new start with the same key took its place.
    Superseded,
}

impl Ending {
    /// The name in tables and exports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Stopped => "stopped",
            Self::Goal => "goal",
            Self::Merged => "merged",
            Self::Superseded => "superseded",
        }
    }

    /// Reads that name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Finished, Self::Stopped, Self::Goal, Self::Merged, Self::Superseded]
            .into_iter()
            .find(|ending| ending.as_str() == text)
    }
}
