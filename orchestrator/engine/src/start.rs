//! Whether something that happened starts a journey for a customer.

use crate::{Known, State};
use journey::Program;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use words::{Elapsed, Event, EventId, EventKind, Text, Timestamp, Value};

/// Something that may start a journey.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cause<'a> {
    /// An event of the customer.
    Event(&'a Event),
    /// The customer joined or left a segment.
    Segment {
        /// Which.
        segment: &'a str,
        /// Joined, or left.
        joined: bool,
        /// When.
        at: Timestamp,
        /// Whether the customer was in it already when the journey went live (`already_in`).
        already: bool,
    },
    /// A schedule ticked, a date came round, a broadcast is due: the instant of [`crate::next_due`].
    Tick {
        /// That instant.
        at: Timestamp,
    },
    /// Asked for through the API, or by `enroll` in another journey. The inputs are an event of their own.
    Asked(&'a Event),
    /// An item of a catalogue changed.
    Item {
        /// The catalogue.
        catalog: &'a str,
        /// The item.
        item: &'a BTreeMap<String, Value>,
        /// The item as it was; `None`: it is new.
        before: Option<&'a BTreeMap<String, Value>>,
        /// When.
        at: Timestamp,
    },
}

/// An earlier enrollment of the same customer in the same journey with the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Previous {
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended; `None`: it lives.
    pub ended_at: Option<Timestamp>,
}

/// What becomes of it.
#[derive(Debug, Clone, PartialEq)]
pub enum StartDecision {
    /// Start a new enrollment; `state.at.due_at` says when it begins.
    Start {
        /// Its key.
        key: String,
        /// Its state.
        state: Box<State>,
    },
    /// End the live one with [`crate::Ending::Superseded`], then start a new one.
    Restart {
        /// Its key.
        key: String,
        /// Its state.
        state: Box<State>,
    },
    /// Nothing starts.
    No(NoStart),
}

/// Why nothing starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoStart {
    /// The journey does not start by this: nothing to record.
    NotConcerned,
    /// Imported history starts nothing.
    History,
    /// It happened too long ago.
    Late {
        /// How long ago.
        ago: Elapsed,
        /// How long ago it may have been.
        late: Elapsed,
    },
    /// `if` (or the segment it is sent to, or `when` and `who` of an item) does not hold.
    ConditionFalse,
    /// The event lacks the property of `once_per`.
    NoKey {
        /// The property.
        property: String,
    },
    /// One with this key lives already.
    Live {
        /// Since when.
        since: Timestamp,
    },
    /// One with this key was there, and `again` does not allow another.
    Never {
        /// When it started.
        started_at: Timestamp,
    },
    /// `again: after …` has not passed.
    TooSoon {
        /// From when on it may start again.
        from: Timestamp,
    },
    /// In the segment already when the journey went live, and those are left alone.
    AlreadyIn,
}

impl NoStart {
    /// In words.
    pub fn words(&self) -> Text {
        Text::new(String::new(), String::new())
    }
}

/// The key that an enrollment started by this would have; empty without `once_per`. Look for [`Previous`] ones by it.
pub fn start_key(program: &Program, cause: &Cause<'_>) -> Result<String, NoStart> {
    let _ = (program, cause);
    Err(NoStart::NotConcerned)
}

/// Whether `cause` starts `program` for the customer. `previous` are all earlier enrollments with the key that
/// [`start_key`] gives, in any order.
pub fn start(
    program: &Program,
    cause: &Cause<'_>,
    known: &dyn Known,
    previous: &[Previous],
    now: Timestamp,
) -> StartDecision {
    let _ = (program, cause, known, previous, now);
    StartDecision::No(NoStart::NotConcerned)
}

/// The event that stands for the change of an item: keep it as the start event of the enrollments it starts.
pub fn item_event(
    id: EventId,
    item: &BTreeMap<String, Value>,
    before: Option<&BTreeMap<String, Value>>,
    at: Timestamp,
) -> Event {
    let mut properties = BTreeMap::from([("item".to_owned(), Value::Map(item.clone()))]);
    if let Some(before) = before {
        properties.insert("before".to_owned(), Value::Map(before.clone()));
    }
    Event {
        id,
        name: "item_changed".to_owned(),
        occurred_at: at,
        received_at: at,
        properties,
        kind: EventKind::Live,
    }
}

/// A value as a key: its text; none for null, lists and maps.
pub(crate) fn key_text(value: &Value) -> Option<String> {
    match crate::eval::text(value) {
        Value::Text(text) => Some(text),
        _ => None,
    }
}
