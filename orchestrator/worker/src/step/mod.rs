//! One step of one customer: everything pending of theirs, decided in memory, as one change.
//!
//! Pure: what it needs comes in as [`CustomerWork`] and [`StepContext`], what it wants goes out as [`CustomerChange`].
//! Events are applied in commit order; then what time alone moves: segments, dates, waits. Stops and holds are no matter
//! of planning: the judge is told at the door, so that what waits goes out as soon as they end.

mod choose;
mod effects;
mod segments;
mod starts;
#[cfg(test)]
mod tests;

use crate::Programs;
use engine::{Facts, Input, Items, Snapshot, State};
use journey::Program;
use std::{collections::BTreeMap, sync::Arc};
use store::{CustomerChange, CustomerWork, EnrollmentChange, NewEnrollment, SegmentRow};
use words::calendar::BusinessCalendar;
use words::{Customer, EnrollmentId, Event, EventKind, IdSource, Timestamp, Zone, internal};

/// What steps share.
#[derive(Clone, Copy)]
pub struct StepContext<'a> {
    /// The live release.
    pub release: &'a release::Release,
    /// Programs by number.
    pub programs: &'a Programs,
    /// The catalogues.
    pub items: &'a (dyn Items + Sync),
    /// Where ids come from.
    pub ids: &'a IdSource,
    /// Channels whose provider takes idempotency keys.
    pub keyed: &'a [words::Channel],
}

/// An enrollment while it is being stepped.
struct Run {
    id: EnrollmentId,
    number: i64,
    program: Arc<Program>,
    key: String,
    /// As stored: also there where the event that the key came from is long gone.
    key_hash: [u8; 16],
    cause: Option<(u64, Event)>,
    state: State,
    fresh: bool,
    changed: bool,
    context_changed: bool,
    reason: Option<String>,
}

struct Step<'a> {
    ctx: StepContext<'a>,
    now: Timestamp,
    customer: Customer,
    facts: Facts,
    zone: Zone,
    segments: BTreeMap<String, SegmentRow>,
    runs: Vec<Run>,
    past: Vec<store::PastEnrollment>,
    cap_uses: Vec<(Timestamp, words::Channel)>,
    suppressions: Vec<store::SuppressionRow>,
    open_deliveries: Vec<(words::DeliveryId, words::MessageId, Option<EnrollmentId>)>,
    change: CustomerChange,
    /// When what moves an enrollment now was due or came in.
    moment: Timestamp,
    customer_changed: bool,
    facts_changed: bool,
    /// Traits changed within this step: dates and segments are looked at again.
    stir: bool,
    silent: bool,
}

/// Whether facts that the schema gained have to be folded over the customer's stored events first.
pub fn needs_history(release: &release::Release, work: &CustomerWork) -> bool {
    let missing = |facts: &Facts| !facts.missing(&release.project.schema).is_empty();
    // Whoever has facts without an event of their own has them from somebody who was merged into them.
    let has_events = work.applied_seq > 0 || work.facts.as_ref().is_some_and(|facts| !facts.is_empty());
    has_events && work.facts.as_ref().map_or_else(|| missing(&Facts::default()), missing)
}

/// Steps one customer. `history` are the stored events up to `work.applied_seq`, where [`needs_history`] says so.
///
/// Takes out of `work` what it decides on; who it is about and the versions stay for the commit.
pub fn step(
    ctx: StepContext<'_>,
    work: &mut CustomerWork,
    history: Option<&[Event]>,
    now: Timestamp,
) -> CustomerChange {
    let (id, created_at) = (work.customer.id, work.customer.created_at);
    let customer = std::mem::replace(&mut work.customer, Customer::new(id, created_at));
    let mut step = Step {
        ctx,
        now,
        zone: zone_of(&ctx, &customer),
        customer,
        facts: work.facts.take().unwrap_or_default(),
        segments: std::mem::take(&mut work.segments),
        runs: Vec::new(),
        past: std::mem::take(&mut work.past),
        cap_uses: std::mem::take(&mut work.cap_uses),
        suppressions: std::mem::take(&mut work.suppressions),
        open_deliveries: std::mem::take(&mut work.open_deliveries),
        change: CustomerChange { applied_seq: work.applied_seq, ..CustomerChange::default() },
        moment: now,
        customer_changed: false,
        facts_changed: false,
        stir: false,
        silent: false,
    };
    // A new customer's facts cover the whole schema from the first event on.
    step.backfill(history.unwrap_or_default());
    step.load(std::mem::take(&mut work.enrollments));
    let events = std::mem::take(&mut work.events);
    // Whoever is known by imported history alone has joined nothing by the look before it is counted.
    step.silent = work.applied_seq == 0 && events.first().is_some_and(|(_, e)| e.kind == EventKind::History);
    step.missing_segments();
    step.silent = false;
    for (seq, event) in events {
        step.event(seq, &event);
        step.settle_traits();
        step.change.applied_seq = seq;
    }
    step.time();
    step.settle_traits();
    step.finish()
}

impl Step<'_> {
    fn load(&mut self, enrollments: Vec<store::LiveEnrollment>) {
        for live in enrollments {
            // A program that is gone cannot happen (pinned ones are kept); if it does, the enrollment waits, untouched.
            let Some(program) = self.ctx.programs.get(live.program) else { continue };
            let cause = live.cause.map(|(seq, event)| (seq, starts::start_event(event)));
            let key = starts::key_of(program, cause.as_ref().map(|(_, event)| event));
            self.runs.push(Run {
                id: live.id,
                number: live.program,
                program: Arc::clone(program),
                key,
                key_hash: live.key,
                cause,
                state: live.state,
                fresh: false,
                changed: false,
                context_changed: false,
                reason: None,
            });
        }
    }

    fn backfill(&mut self, events: &[Event]) {
        let schema = &self.ctx.release.project.schema;
        let names: Vec<String> = self.facts.missing(schema).into_iter().map(str::to_owned).collect();
        if names.is_empty() {
            return;
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut facts = std::mem::take(&mut self.facts);
        let before = facts.clone();
        let known = self.snapshot(&before);
        facts.backfill(schema, &names, events.iter(), &known, self.now);
        self.facts = facts;
        self.facts_changed = true;
    }

    fn snapshot<'s>(&'s self, facts: &'s Facts) -> Snapshot<'s> {
        Snapshot {
            schema: &self.ctx.release.project.schema,
            customer: &self.customer,
            facts,
            items: self.ctx.items,
            zone: &self.zone,
            country: self.customer.country.or_else(|| self.ctx.release.brand.countries.first().copied()),
            business_days: Some(business_days(&self.ctx.release.brand, &self.customer)),
        }
    }

    /// One event: facts, then enrollments, then starts, then segments.
    fn event(&mut self, seq: u64, event: &Event) {
        self.fold(event);
        self.silent = event.kind == EventKind::History;
        if self.silent {
            if event.name == internal::CUSTOMER_UPDATED {
                // Segments and dates hold from here on; nothing is joined, and so nothing begins.
                self.stir = true;
                self.settle_traits();
            }
        } else {
            match event.name.as_str() {
                internal::CUSTOMER_UPDATED | internal::RELEASE_CHANGED | internal::CUSTOMERS_MERGED => {
                    self.stir = true;
                }
                internal::CALL_ANSWERED | internal::CALL_FAILED => self.call_came_back(event),
                internal::ENROLLMENT_STOPPED => self.stopped_by_operator(event),
                internal::JOURNEY_REQUESTED => self.requested(seq, event),
                internal::ITEM_CHANGED => self.item_changed(seq, event),
                _ => {
                    self.tell_runs(event);
                    self.starts_by(seq, event);
                }
            }
        }
        let ctx = self.ctx;
        if let Some(names) = ctx.release.listeners.segments.get(&event.name) {
            for name in names {
                self.look_at_segment(name);
            }
        }
        self.silent = false;
    }

    fn fold(&mut self, event: &Event) {
        if !self.ctx.release.listeners.facts.contains(&event.name) {
            return;
        }
        let mut facts = std::mem::take(&mut self.facts);
        // Conditions of facts see the facts as they were: a fact never depends on the event being folded twice.
        let before = facts.clone();
        let schema = &self.ctx.release.project.schema;
        let changed = facts.fold(schema, event, &self.snapshot(&before), self.now);
        self.facts = facts;
        self.facts_changed |= changed;
    }

    fn tell_runs(&mut self, event: &Event) {
        for index in 0..self.runs.len() {
            let run = &self.runs[index];
            if run.program.listens.contains(&event.name) || concerns(event, run.id) {
                self.apply(index, &Input::Event(event));
            }
        }
        self.tell_past(event);
    }

    /// Ended enrollments may still reach their goal. Those whose program listens are loaded for it; the others stay as
    /// they are, for the events that follow.
    fn tell_past(&mut self, event: &Event) {
        let ctx = self.ctx;
        let listens = |live: &store::LiveEnrollment| {
            ctx.programs.get(live.program).is_some_and(|p| p.listens.contains(&event.name))
        };
        let open: Vec<_> = self
            .past
            .iter_mut()
            .filter(|past| past.open.as_deref().is_some_and(listens))
            .filter_map(|past| past.open.take())
            .collect();
        for live in open {
            let index = self.runs.len();
            self.load(vec![*live]);
            if index < self.runs.len() {
                self.apply(index, &Input::Event(event));
            }
        }
    }

    fn call_came_back(&mut self, event: &Event) {
        let text = |name: &str| match event.properties.get(name) {
            Some(words::Value::Text(text)) => text.clone(),
            _ => String::new(),
        };
        let (enrollment, step, reason) = (text("enrollment"), text("step"), text("reason"));
        let visit = match event.properties.get("visit") {
            Some(words::Value::Int(visit)) => u32::try_from(*visit).unwrap_or(1),
            _ => 1,
        };
        let Some(index) = self.runs.iter().position(|run| run.id.to_string() == enrollment) else { return };
        let empty = BTreeMap::new();
        if event.name == internal::CALL_ANSWERED {
            let answer = match event.properties.get("answer") {
                Some(words::Value::Map(map)) => map,
                _ => &empty,
            };
            self.apply(index, &Input::CallAnswered { step: &step, visit, answer });
        } else {
            self.apply(index, &Input::CallFailed { step: &step, visit, reason: &reason });
        }
    }

    fn stopped_by_operator(&mut self, event: &Event) {
        let text = |name: &str| match event.properties.get(name) {
            Some(words::Value::Text(text)) => text.as_str(),
            _ => "",
        };
        let how = if text("how") == "merged" { engine::Ending::Merged } else { engine::Ending::Stopped };
        if let Some(index) = self.runs.iter().position(|run| run.id.to_string() == text("enrollment")) {
            self.apply(index, &Input::End { how, reason: text("reason") });
        }
    }

    /// What time alone moves.
    fn time(&mut self) {
        self.flips();
        // Not by iterator: a due enrollment may start others, which begin by themselves.
        for index in 0..self.runs.len() {
            // A wait that ends exactly when the next begins is taken in the same step; the engine bounds its own turns.
            let state = &self.runs[index].state;
            if state.is_live() && state.at.due_at.is_some_and(|due| due <= self.now) {
                self.apply(index, &Input::Due);
            }
        }
    }

    /// After traits changed: dates are read anew, segments looked at again. Bounded, as journeys may set traits in turn.
    fn settle_traits(&mut self) {
        for _ in 0..8 {
            if !std::mem::take(&mut self.stir) {
                return;
            }
            self.zone = zone_of(&self.ctx, &self.customer);
            for index in 0..self.runs.len() {
                if self.runs[index].state.is_live() {
                    self.apply(index, &Input::TraitChanged);
                }
            }
            let ctx = self.ctx;
            for name in ctx.release.project.schema.segments.keys() {
                self.look_at_segment(name);
            }
            self.look_at_dates();
        }
    }

    fn finish(mut self) -> CustomerChange {
        let now = self.now;
        let mut due: Option<Timestamp> = None;
        let mut at = |instant: Option<Timestamp>| {
            if let Some(instant) = instant {
                due = Some(due.map_or(instant, |d: Timestamp| d.min(instant)));
            }
        };
        // Rows of segments and schedules that are no longer declared have nothing to say: nobody would ever move them on.
        let listeners = &self.ctx.release.listeners;
        for row in listeners.segment_rows.values().chain(listeners.timed_starts.iter().map(|(_, row)| row)) {
            at(self.segments.get(row).and_then(|row| row.flip_at));
        }
        for run in self.runs {
            if run.state.is_live() {
                at(run.state.at.due_at);
            }
            if run.fresh {
                self.change.enrollments.push(EnrollmentChange::New(Box::new(NewEnrollment {
                    id: run.id,
                    program: run.number,
                    journey: run.program.journey.clone(),
                    key: run.key,
                    cause_seq: run.cause.as_ref().map_or(0, |(seq, _)| *seq),
                    state: run.state,
                    reason: run.reason,
                })));
            } else if run.changed {
                self.change.enrollments.push(EnrollmentChange::Moved {
                    id: run.id,
                    state: Box::new(run.state),
                    context_changed: run.context_changed,
                    reason: run.reason,
                });
            }
        }
        if self.customer_changed {
            self.change.customer = Some(Box::new(self.customer));
        }
        if self.facts_changed {
            self.change.facts = Some(self.facts);
        }
        // Nothing may stay due in the past: that would claim the customer again for ever.
        self.change.due_at =
            due.map(|due| if due <= now { now.plus(words::Elapsed::from_secs(1)) } else { due });
        self.change
    }
}

/// Receipts name the enrollment whose message they are about.
fn concerns(event: &Event, enrollment: EnrollmentId) -> bool {
    matches!(event.properties.get("enrollment"), Some(words::Value::Text(id)) if *id == enrollment.to_string())
}

fn zone_of(ctx: &StepContext<'_>, customer: &Customer) -> Zone {
    customer.zone.as_ref().map_or_else(|| ctx.release.brand.zone.clone(), |(zone, _)| zone.clone())
}

/// The recipient's working days: their country's, with the brand's own days of rest.
fn business_days(brand: &policy::Brand, customer: &Customer) -> BusinessCalendar {
    let country = customer.country.or_else(|| brand.countries.first().copied()).unwrap_or(words::Country::US);
    BusinessCalendar { country, ..brand.business.unwrap_or(BusinessCalendar::of(country)) }
}
