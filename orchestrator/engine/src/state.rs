//! Where an enrollment stands: a small position that every claim reads, and a context that few need.

use crate::Ending;
use journey::Pc;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use words::{Elapsed, Event, Timestamp, Value};

/// The state of an enrollment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The hot part: plain columns.
    pub at: Position,
    /// The rest; stored only where [`Context::is_empty`] is false.
    #[serde(default, skip_serializing_if = "Context::is_empty")]
    pub context: Context,
}

/// The hot part of a state: fixed size, no personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The node it stands on.
    pub pc: Pc,
    /// Whether that node has been entered and waits; `false` only before the first step.
    pub waiting: bool,
    /// Live, or how it ended.
    pub status: Status,
    /// When time alone moves it next; `None`: only an event does, or it has ended.
    pub due_at: Option<Timestamp>,
    /// When it started, in business time.
    pub started_at: Timestamp,
    /// When what started it occurred: the goal counts from here. Never later than `started_at`.
    pub since: Timestamp,
    /// When it came to the node it stands on.
    pub arrived_at: Timestamp,
}

/// Whether an enrollment lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It goes on.
    Live,
    /// It ended.
    Ended(Ending),
}

/// What an enrollment remembers. Holds personal data: stored encrypted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Context {
    /// What `as:` bound.
    #[serde(default, rename = "b", skip_serializing_if = "BTreeMap::is_empty")]
    pub bindings: BTreeMap<String, Value>,
    /// The loops it is in, outermost first: node and turn, from 1.
    #[serde(default, rename = "t", skip_serializing_if = "Vec::is_empty")]
    pub turns: Vec<(Pc, u32)>,
    /// How often each node that can be visited again was entered, by node; those of programs without loops are
    /// visited once and not kept.
    #[serde(default, rename = "v", skip_serializing_if = "BTreeMap::is_empty")]
    pub visits: BTreeMap<Pc, u32>,
    /// Receipts of this enrollment's messages that the program asks about: (`clicked`, message). `sent` is there from
    /// planning on, and goes again when the message is known not to have been sent.
    #[serde(default, rename = "e", skip_serializing_if = "BTreeSet::is_empty")]
    pub engaged: BTreeSet<(String, String)>,
    /// When the goal was reached.
    #[serde(default, rename = "g", skip_serializing_if = "Option::is_none")]
    pub goal_at: Option<Timestamp>,
    /// It has ended and its goal may still be reached: what is left of it is kept until then.
    #[serde(default, rename = "o", skip_serializing_if = "std::ops::Not::not")]
    pub goal_open: bool,
    /// Events that a later `wait_for` with `since: start` may look for, oldest first; the newest 16 are kept.
    #[serde(default, rename = "s", skip_serializing_if = "VecDeque::is_empty")]
    pub seen: VecDeque<Event>,
}

impl State {
    /// A fresh enrollment that starts at `now` because of something that occurred at `since`. It is due at once:
    /// give it [`crate::Input::Begin`].
    pub fn new(since: Timestamp, now: Timestamp) -> Self {
        Self {
            at: Position {
                pc: 0,
                waiting: false,
                status: Status::Live,
                due_at: Some(now),
                started_at: now,
                since: since.min(now),
                arrived_at: now,
            },
            context: Context::default(),
        }
    }

    /// Whether it goes on.
    pub fn is_live(&self) -> bool {
        self.at.status == Status::Live
    }

    /// Until when an enrollment, also one that has ended, still counts its goal. `None`: not any more, or (while it
    /// lives) without limit.
    pub fn goal_until(&self, within: Option<Elapsed>) -> Option<Timestamp> {
        if self.context.goal_at.is_some() { None } else { within.map(|within| self.at.since.plus(within)) }
    }
}

impl Context {
    /// Whether there is nothing to store.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
