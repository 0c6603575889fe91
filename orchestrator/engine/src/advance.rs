//! The transition function.

use crate::{Effect, Ending, State, View};
use journey::Program;
use std::collections::BTreeMap;
use words::{Event, Timestamp, Value};

/// What happened to an enrollment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Input<'a> {
    /// It begins.
    Begin,
    /// Its due time has come.
    Due,
    /// An event of the customer, in commit order. History is ignored.
    Event(&'a Event),
    /// The call at its step was answered. `visit` is that of [`Effect::Call`]; a stale answer changes nothing.
    CallAnswered {
        /// The step of the call.
        step: &'a str,
        /// Its visit.
        visit: u32,
        /// The answer.
        answer: &'a BTreeMap<String, Value>,
    },
    /// The call at its step failed for good.
    CallFailed {
        /// The step of the call.
        step: &'a str,
        /// Its visit.
        visit: u32,
        /// Why.
        reason: &'a str,
    },
    /// Traits, facts, zone or catalogue may have changed: dates are read anew.
    TraitChanged,
    /// The customer joined or left a segment (`stop_segments`).
    SegmentChanged {
        /// Its name.
        segment: &'a str,
        /// Joined, or left.
        joined: bool,
    },
    /// It ends from outside: merged, superseded, stopped by the operator.
    End {
        /// How.
        how: Ending,
        /// Why.
        reason: &'a str,
    },
}

/// What became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Transition {
    /// The new state.
    pub state: State,
    /// What shall happen, in order.
    pub effects: Vec<Effect>,
    /// When to come back with [`Input::Due`]; equal to `state.at.due_at`.
    pub due: Option<Timestamp>,
}

/// Moves an enrollment on: total, deterministic, never back in time. It runs through the steps until one waits or the
/// end is reached. An ended enrollment stays ended; only its goal may still be reached.
pub fn advance(
    program: &Program,
    state: &State,
    input: &Input<'_>,
    view: &dyn View,
    now: Timestamp,
) -> Transition {
    let _ = (program, input, view, now);
    Transition { state: state.clone(), effects: Vec::new(), due: state.at.due_at }
}
