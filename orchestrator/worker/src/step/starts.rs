//! Starts: whether something that happened begins an enrollment.

use super::{Run, Step};
use engine::{Cause, Ending, Input, NoStart, Previous, StartDecision, start, start_key};
use journey::{Program, Start};
use std::{collections::BTreeMap, sync::Arc};
use store::AuditKind;
use store::planted::{Bug, planted};
use words::{Event, Value, internal};

/// The start event as journeys see it: of a request, its inputs.
pub(super) fn start_event(mut event: Event) -> Event {
    if event.name == internal::JOURNEY_REQUESTED {
        event.properties = match event.properties.remove("inputs") {
            Some(Value::Map(inputs)) => inputs,
            _ => BTreeMap::new(),
        };
    }
    event
}

/// The key of an enrollment that `event` started.
pub(super) fn key_of(program: &Program, event: Option<&Event>) -> String {
    let Some(event) = event.filter(|_| program.once_per.is_some()) else { return String::new() };
    let of_item = match (&program.start, event.properties.get("item")) {
        (Start::Item { catalog, .. }, Some(Value::Map(item))) => {
            let cause = Cause::Item { catalog, item, before: None, at: event.occurred_at };
            start_key(program, &cause).ok()
        }
        _ => None,
    };
    of_item.or_else(|| start_key(program, &Cause::Asked(event)).ok()).unwrap_or_default()
}

impl Step<'_> {
    /// Journeys that an event starts.
    pub(super) fn starts_by(&mut self, seq: u64, event: &Event) {
        let ctx = self.ctx;
        let fresh;
        let event = if planted(Bug::LateEventStarts) {
            fresh = Event { occurred_at: event.received_at, ..event.clone() };
            &fresh
        } else {
            event
        };
        for journey in ctx.release.listeners.starts.get(&event.name).into_iter().flatten() {
            self.consider(journey, &Cause::Event(event), Some((seq, event)));
        }
    }

    /// A journey asked for by the API or by another journey.
    pub(super) fn requested(&mut self, seq: u64, event: &Event) {
        let Some(Value::Text(journey)) = event.properties.get("journey") else { return };
        let inputs = start_event(event.clone());
        self.consider(journey, &Cause::Asked(&inputs), Some((seq, &inputs)));
    }

    /// An item of a catalogue changed, and this customer may be concerned.
    pub(super) fn item_changed(&mut self, seq: u64, event: &Event) {
        let (Some(Value::Text(catalog)), Some(Value::Map(item))) =
            (event.properties.get("catalog"), event.properties.get("item"))
        else {
            return;
        };
        let before = match event.properties.get("before") {
            Some(Value::Map(before)) => Some(before),
            _ => None,
        };
        let ctx = self.ctx;
        for journey in ctx.release.listeners.item_starts.get(catalog).into_iter().flatten() {
            let cause = Cause::Item { catalog, item, before, at: event.occurred_at };
            self.consider(journey, &cause, Some((seq, event)));
        }
    }

    /// Asks the engine, and begins what shall begin.
    pub(super) fn consider(&mut self, journey: &str, cause: &Cause<'_>, event: Option<(u64, &Event)>) {
        let Some((number, program)) = self.ctx.programs.live(journey) else { return };
        let program = Arc::clone(program);
        let key = match start_key(&program, cause) {
            Ok(key) => key,
            // The condition proves that the key is there: where it is not, the condition is false, and that is no news.
            Err(NoStart::NoKey { .. }) if program.start_if.is_some() => return,
            Err(why) => return self.not_started(&program, &why),
        };
        let previous = self.previous(journey, &key);
        let decision = start(&program, cause, &self.snapshot(&self.facts), &previous, self.now);
        let (key, state) = match decision {
            StartDecision::Start { key, state } => (key, state),
            StartDecision::Restart { key, state } => {
                let hash = store::key_hash(&key);
                let live = self
                    .runs
                    .iter()
                    .position(|r| r.program.journey == journey && r.key_hash == hash && r.state.is_live());
                if let Some(index) = live {
                    self.apply(index, &Input::End { how: Ending::Superseded, reason: "restarted" });
                }
                (key, state)
            }
            StartDecision::No(why) => return self.not_started(&program, &why),
        };
        let index = self.runs.len();
        let due = state.at.due_at;
        self.runs.push(Run {
            id: self.ctx.ids.enrollment(self.now),
            number,
            program,
            key_hash: store::key_hash(&key),
            key,
            cause: event.map(|(seq, event)| (seq, event.clone())),
            state: *state,
            fresh: true,
            changed: true,
            context_changed: true,
            reason: None,
        });
        self.started(index, cause);
        if due.is_some_and(|due| due <= self.now) {
            self.apply(index, &Input::Begin);
        }
    }

    fn previous(&self, journey: &str, key: &str) -> Vec<Previous> {
        let hash = store::key_hash(key);
        let of_runs =
            self.runs.iter().filter(|run| run.program.journey == journey && run.key_hash == hash).map(
                |run| {
                    let ended_at = (!run.state.is_live()).then_some(self.now);
                    Previous { started_at: run.state.at.started_at, ended_at }
                },
            );
        let of_past = self
            .past
            .iter()
            .filter(|past| past.journey == journey && past.key == hash)
            .map(|past| Previous { started_at: past.started_at, ended_at: Some(past.ended_at) });
        of_runs.chain(of_past).collect()
    }

    fn not_started(&mut self, program: &Program, why: &NoStart) {
        // That a journey is not concerned, or not meant for this event, is no news.
        if matches!(why, NoStart::NotConcerned | NoStart::ConditionFalse | NoStart::History) {
            return;
        }
        let words = why.words();
        self.decided_for(None, &program.journey, None, "not_started", &words);
    }

    fn started(&mut self, index: usize, cause: &Cause<'_>) {
        let run = &self.runs[index];
        let (id, journey) = (run.id, run.program.journey.clone());
        let words = match cause {
            Cause::Event(event) => words::Text::new(
                format!("started, because of {}", event.name),
                format!("{} により開始しました", event.name),
            ),
            Cause::Asked(_) => {
                words::Text::new("started, because it was asked for", "依頼により開始しました")
            }
            Cause::Segment { segment, joined, .. } => words::Text::new(
                format!("started, because they {} {segment}", if *joined { "joined" } else { "left" }),
                format!(
                    "セグメント「{segment}」{}ため開始しました",
                    if *joined { "に入った" } else { "から外れた" }
                ),
            ),
            Cause::Tick { at } => words::Text::new(
                format!("started on schedule, at {at}"),
                format!("予定どおり {at} に開始しました"),
            ),
            Cause::Item { catalog, .. } => words::Text::new(
                format!("started, because an item of {catalog} changed"),
                format!("カタログ「{catalog}」の項目が変わったため開始しました"),
            ),
        };
        self.decided_for(Some(id), &journey, None, "start", &words);
        self.audit(
            AuditKind::EnrollmentStarted,
            Some(id.0),
            serde_json::json!({"journey": journey, "program": self.runs[index].program.hash}),
        );
    }
}
