//! Which events concern an enrollment: receipts of its messages, the goal, stops, waits.

use super::run::Run;
use crate::eval::event_value;
use crate::mentions::asks_for;
use crate::start::key_text;
use crate::{Decision, Effect, Ending, holds};
use journey::{EventMatch, Op, Pc};
use words::{Event, Value};

/// How many events are kept for waits that look back to the start.
const SEEN_MAX: usize = 16;

/// Receipts that say that a message was not sent after all.
const NOT_SENT: [&str; 6] = ["cancelled", "expired", "not_sent", "rejected", "skipped", "suppressed"];

impl Run<'_> {
    /// `message_clicked` and its like, for a message of this enrollment.
    pub(super) fn remember_receipt(&mut self, event: &Event) {
        let Some(receipt) = event.name.strip_prefix("message_") else { return };
        let (Some(Value::Text(enrollment)), Some(Value::Text(message))) =
            (event.properties.get("enrollment"), event.properties.get("message"))
        else {
            return;
        };
        if *enrollment != self.view.enrollment().to_string() {
            return;
        }
        if NOT_SENT.contains(&receipt) {
            self.state.context.engaged.remove(&("sent".to_owned(), message.clone()));
        }
        self.remember(receipt, message);
    }

    /// Remembers a receipt that the program asks for.
    pub(super) fn remember(&mut self, receipt: &str, message: &str) {
        if asks_for(self.program, receipt, message) {
            self.state.context.engaged.insert((receipt.to_owned(), message.to_owned()));
        }
    }

    /// The goal counts once, for an event that occurred later than the start and within the time; without a time
    /// only while the enrollment lives.
    pub(super) fn check_goal(&mut self, event: &Event) {
        let Some(goal) = &self.program.goal else { return };
        let since = self.state.at.since;
        let in_time = match goal.within {
            Some(within) => event.occurred_at <= since.plus(within),
            None => self.state.is_live(),
        };
        if self.state.context.goal_at.is_some()
            || !in_time
            || event.occurred_at < since
            || !self.matches(&goal.event, event)
        {
            return;
        }
        self.state.context.goal_at = Some(event.occurred_at);
        let revenue = goal.revenue.as_ref().and_then(|name| match event.properties.get(name) {
            Some(Value::Money(money)) => Some(*money),
            _ => None,
        });
        self.effects.push(Effect::Goal { event: event.id, at: event.occurred_at, revenue });
        if goal.stop {
            self.end(Ending::Goal, event.name.clone());
        }
    }

    /// `stop_if`.
    pub(super) fn check_stop(&mut self, event: &Event) {
        if self.program.stop_if.iter().any(|stop| self.matches(stop, event)) {
            self.end(Ending::Stopped, event.name.clone());
        }
    }

    /// Keeps an event that a wait with `since: start` may look for.
    pub(super) fn remember_seen(&mut self, event: &Event) {
        let looks_back = |op: &Op| match op {
            Op::WaitFor { events, since_start: true, .. } => events.iter().any(|e| e.event == event.name),
            _ => false,
        };
        let wanted = self.state.is_live()
            && self.program.nodes.iter().any(|node| looks_back(&node.op))
            && self.agrees(event);
        if wanted {
            let seen = &mut self.state.context.seen;
            if seen.len() == SEEN_MAX {
                seen.pop_front();
            }
            seen.push_back(event.clone());
        }
    }

    /// Ends the wait it stands on where that waits for this event.
    pub(super) fn match_wait(&mut self, event: &Event) {
        if !self.state.is_live() || !self.state.at.waiting {
            return;
        }
        let Some(Op::WaitFor { events, bind, then, .. }) = self.node().map(|node| &node.op) else { return };
        if events.iter().any(|wanted| self.matches(wanted, event)) {
            self.take_event(event, bind.as_deref());
            self.go(*then);
        }
    }

    /// An event since the start that this wait looks for, the oldest first.
    pub(super) fn match_seen(&mut self, events: &[EventMatch], bind: Option<&str>, then: Pc) -> Option<Pc> {
        let found = self.state.context.seen.iter().find(|e| events.iter().any(|m| self.matches(m, e)));
        let event = found?.clone();
        self.take_event(&event, bind);
        Some(then)
    }

    fn take_event(&mut self, event: &Event, bind: Option<&str>) {
        self.decide(Decision::Matched { event: event.id, name: event.name.clone(), at: event.occurred_at });
        if let Some(name) = bind {
            self.state.context.bindings.insert(name.to_owned(), event_value(event));
        }
    }

    fn matches(&self, wanted: &EventMatch, event: &Event) -> bool {
        wanted.event == event.name
            && self.agrees(event)
            && wanted
                .condition
                .as_ref()
                .is_none_or(|condition| self.with_env(|env| holds(condition, &env.with_it(event))))
    }

    /// Whether the event is about the same thing: where it carries the property of `once_per`, that must be the key.
    fn agrees(&self, event: &Event) -> bool {
        let Some(once_per) = &self.program.once_per else { return true };
        match event.properties.get(&once_per.property) {
            None | Some(Value::Null) => true,
            Some(value) => key_text(value).is_some_and(|key| key == self.view.key()),
        }
    }
}
