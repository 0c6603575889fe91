//! The transition function.
//!
//! The order of things when an event comes: what it says about our messages is remembered, then the goal, then
//! `stop_if`, then a wait that had ended before the event came, then a wait for the event. So an event that stops a
//! journey stops it also where a step was due a little earlier and has not been taken yet, and an event that came
//! after the end of a wait is not taken for one that came in time, however late both are looked at. Whoever stores an
//! [`Effect::Ended`] with [`Ending::Stopped`], [`Ending::Goal`], [`Ending::Merged`] or [`Ending::Superseded`] cancels
//! what the enrollment has planned and not yet handed over.
//!
//! Invariants: an ended enrollment stays ended; a due time that it sets is never before now; each effect that must happen
//! once names its step and its visit there.

mod matching;
mod run;
mod steps;
#[cfg(test)]
mod tests;

use crate::{Effect, Ending, State, View};
use journey::Program;
use run::Run;
use std::collections::BTreeMap;
use words::{Event, EventKind, Timestamp, Value};

/// What happened to an enrollment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Input<'a> {
    /// It begins.
    Begin,
    /// Its due time has come. Give it after the events that wait to be applied; too early it changes nothing.
    Due,
    /// An event of the customer, in commit order. History is ignored, and so is the event that started it.
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
    /// Traits, consents, addresses, zone or catalogue may have changed: dates are read anew, and a message that waits
    /// to be allowed is asked about again.
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
/// end is reached. An ended enrollment stays ended; only its goal may still be reached, within `within`.
pub fn advance(
    program: &Program,
    state: &State,
    input: &Input<'_>,
    view: &dyn View,
    now: Timestamp,
) -> Transition {
    let mut run = Run::new(program, state.clone(), view, now);
    match input {
        Input::Event(event) => on_event(&mut run, event),
        _ if !run.state.is_live() => {}
        Input::Begin => run.begin(),
        Input::Due => run.due(),
        Input::CallAnswered { step, visit, answer } => {
            run.call_answered(step, *visit, Ok(answer));
        }
        Input::CallFailed { step, visit, reason } => run.call_answered(step, *visit, Err(reason)),
        Input::TraitChanged => run.look_again(),
        Input::SegmentChanged { segment, joined } => {
            let stops = |s: &&journey::SegmentRef| s.segment == *segment && s.joined == *joined;
            if program.stop_segments.iter().any(|s| stops(&s)) {
                let how = if *joined { "joined" } else { "left" };
                let _ = run.end(Ending::Stopped, format!("{how} {segment}"));
            }
        }
        Input::End { how, reason } => {
            let _ = run.end(*how, (*reason).to_owned());
        }
    }
    run.finish()
}

fn on_event(run: &mut Run<'_>, event: &Event) {
    let started_by = run.view.start_event().is_some_and(|start| start.id == event.id);
    if event.kind == EventKind::History || started_by {
        return;
    }
    run.remember_receipt(event);
    run.check_goal(event);
    if !run.state.is_live() {
        return;
    }
    run.check_stop(event);
    run.remember_seen(event);
    if run.state.at.due_at.is_some_and(|due| due < event.received_at) {
        run.due();
    }
    run.match_wait(event);
    run.replan();
}
