//! Effects of the engine on their way into the change of a customer.

use super::{Step, choose::RunView};
use crate::verdict;
use engine::{Effect, Ending, Input, PlannedMessage, Status, advance};
use policy::{Decision, Verdict};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};
use store::planted::{Bug, planted};
use store::{
    AuditEvent, AuditKind, MessageOutcome, NewCall, NewDecision, NewDelivery, NewEvent, NewMessage,
    NewNotice, Origin, Saying,
};
use words::{Channel, DeliveryId, EnrollmentId, Event, EventId, EventKind, MessageId, Text, Value, internal};

type Verdicts = BTreeMap<String, Vec<(Channel, Verdict)>>;

impl Step<'_> {
    /// Moves one enrollment on and takes in what it wants.
    pub(super) fn apply(&mut self, index: usize, input: &Input<'_>) {
        let at = &self.runs[index].state.at;
        // As stored, so that a message planned again has the same id.
        let moment = match input {
            Input::Begin => Some(at.started_at),
            Input::Due => at.due_at,
            Input::Event(event) => Some(event.received_at),
            _ => None,
        };
        self.moment = moment.unwrap_or(self.now);
        let (transition, verdicts) = {
            let run = &self.runs[index];
            let view = RunView {
                snapshot: self.snapshot(&self.facts),
                ctx: self.ctx,
                program: &run.program,
                enrollment: run.id,
                key: &run.key,
                start: run.cause.as_ref().map(|(_, event)| event),
                cap_uses: &self.cap_uses,
                suppressions: &self.suppressions,
                verdicts: RefCell::default(),
            };
            let transition = advance(&run.program, &run.state, input, &view, self.now);
            (transition, view.verdicts.into_inner())
        };
        let run = &mut self.runs[index];
        run.context_changed |= run.state.context != transition.state.context;
        run.changed |= run.state != transition.state;
        run.state = transition.state;
        for effect in transition.effects {
            self.take(index, effect, &verdicts);
        }
    }

    fn take(&mut self, index: usize, effect: Effect, verdicts: &Verdicts) {
        let run = &self.runs[index];
        let (id, journey) = (run.id, run.program.journey.clone());
        match effect {
            Effect::Plan(planned) => self.plan(index, planned, verdicts),
            Effect::NotSent { step, visit, message, reasons } => {
                // All of the reasons, of every channel that was asked about: not those of the last one alone.
                let asked = verdicts.get(&message).and_then(|list| list.last()).map(|(_, verdict)| verdict);
                let why = verdict::record_refusal(&reasons, asked);
                let message = self.message(index, step, visit, message, MessageOutcome::NotSent, why);
                self.audit_message(AuditKind::MessageNotSent, &message);
                self.change.messages.push(message);
            }
            Effect::Set { values, .. } => {
                for (name, value) in values {
                    match value {
                        Value::Null => self.customer.traits.remove(&name),
                        value => self.customer.traits.insert(name, value),
                    };
                }
                self.customer_changed = true;
                self.stir = true;
            }
            Effect::Emit { step, visit, event, properties } => {
                let key = format!("{id}/{step}/{visit}");
                self.tell_later(event, properties, key);
            }
            Effect::Enroll { step, visit, journey, inputs } => {
                let key = format!("{id}/{step}/{visit}");
                let properties = BTreeMap::from([
                    ("journey".to_owned(), Value::Text(journey)),
                    ("inputs".to_owned(), Value::Map(inputs)),
                ]);
                self.tell_later(internal::JOURNEY_REQUESTED.to_owned(), properties, key);
            }
            Effect::Call { step, visit, call, inputs, deadline } => self.change.calls.push(NewCall {
                enrollment: id,
                step,
                visit,
                call,
                with: inputs,
                give_up_at: deadline,
            }),
            Effect::Notify { to, text, .. } => {
                // An address is written to, a name is of a team that looks at the console.
                let mail = words::EmailAddress::parse(&to).is_ok();
                self.change.notices.push(NewNotice { to, journey: Some(journey), text, mail });
            }
            Effect::Goal { event, at, revenue } => {
                self.audit(
                    AuditKind::EnrollmentGoal,
                    Some(id.0),
                    serde_json::json!({"journey": journey, "event": event, "at": at}),
                );
                self.change.goals.push((id, journey, at, revenue));
            }
            Effect::Ended { step, how, reason } => self.ended(index, step, how, reason),
            Effect::Decided { step, decision } => {
                let kind = match &decision {
                    engine::Decision::Branch { .. } | engine::Decision::Arm { .. } => "branch",
                    engine::Decision::Matched { .. } => "event",
                    engine::Decision::Blocked { .. } => "not_sent",
                    engine::Decision::Turn { .. } => "repeat",
                    engine::Decision::Call { .. } => "call",
                    _ => "wait",
                };
                self.change.decisions.push(NewDecision {
                    at: self.now,
                    enrollment: Some(id),
                    journey: Some(journey),
                    step: Some(step),
                    kind,
                    body: Saying::Engine(Box::new(decision)),
                });
            }
        }
    }

    fn plan(&mut self, index: usize, planned: PlannedMessage, verdicts: &Verdicts) {
        let asked = verdicts.get(&planned.message).map(Vec::as_slice).unwrap_or_default();
        let verdict_on =
            |channel: &Channel| asked.iter().find(|(c, _)| c == channel).map(|(_, verdict)| verdict);
        let chosen: Vec<Channel> = if planned.all {
            planned.channels.clone()
        } else {
            planned.channels.iter().take(1).cloned().collect()
        };
        let why = match chosen.first().and_then(verdict_on) {
            Some(verdict) => verdict::record(verdict),
            None => serde_json::json!({}),
        };
        let mut message =
            self.message(index, planned.step, planned.visit, planned.message, MessageOutcome::Planned, why);
        message.inputs = planned.inputs;
        message.priority = planned.priority;
        message.expires_at = planned.expires_at;
        for channel in &chosen {
            let due_at = match verdict_on(channel).map(|verdict| verdict.decision) {
                Some(Decision::Delay { until }) => until.max(self.now),
                _ => self.now,
            };
            message.deliveries.extend(self.deliveries(&message, channel, due_at));
        }
        self.audit_message(AuditKind::MessagePlanned, &message);
        self.change.messages.push(message);
    }

    /// One delivery to the preferred address; of push, one to every token: they are one fan-out set.
    fn deliveries(
        &self,
        message: &NewMessage,
        channel: &Channel,
        due_at: words::Timestamp,
    ) -> Vec<NewDelivery> {
        let fan_out = if *channel == Channel::PUSH { usize::MAX } else { 1 };
        let class = message.class.delivery_class(self.ctx.keyed.contains(channel));
        self.customer
            .reachable(channel)
            .take(fan_out)
            .enumerate()
            .map(|(nth, address)| NewDelivery {
                id: DeliveryId::derive(
                    message.id,
                    1,
                    channel.as_str(),
                    u16::try_from(nth).unwrap_or(u16::MAX),
                ),
                ordinal: 1,
                channel: channel.clone(),
                address: address.value.clone(),
                due_at,
                class,
            })
            .collect()
    }

    fn message(
        &self,
        index: usize,
        step: String,
        visit: u32,
        name: String,
        outcome: MessageOutcome,
        why: serde_json::Value,
    ) -> NewMessage {
        let run = &self.runs[index];
        // A microsecond apart, so that they go out in the order in which they were planned.
        let nth = i64::try_from(self.change.messages.len()).unwrap_or(0);
        NewMessage {
            id: if planted(Bug::MessageIdByChance) {
                MessageId(self.ctx.ids.next(self.now))
            } else {
                MessageId::derive(&run.id.0, &step, visit).dated(self.moment)
            },
            origin: Origin::Journey,
            enrollment: Some(run.id),
            journey: run.program.journey.clone(),
            step,
            visit,
            name,
            purpose: run.program.purpose.clone(),
            class: run.program.class,
            priority: 0,
            program: Some(run.number),
            release: Some(self.ctx.release.id),
            cause_seq: run.cause.as_ref().map_or(0, |(seq, _)| *seq),
            planned_at: self.now.plus(words::Elapsed::from_micros(nth)),
            expires_at: None,
            outcome,
            why: why.to_string(),
            inputs: BTreeMap::new(),
            deliveries: Vec::new(),
        }
    }

    /// What an ended enrollment still had planned is taken back, unless it came to its own end.
    fn ended(&mut self, index: usize, step: String, how: Ending, reason: String) {
        let run = &mut self.runs[index];
        let (id, journey) = (run.id, run.program.journey.clone());
        run.reason = Some(if reason.is_empty() { how.as_str().to_owned() } else { reason.clone() });
        debug_assert_eq!(run.state.at.status, Status::Ended(how), "the effect and the state agree");
        if how != Ending::Finished {
            let why = serde_json::json!({"decision": {"verdict": "block"}, "reasons": [{
                "rule": "", "code": format!("journey_{}", how.as_str()), "outcome": "block",
                "text": Text::new(
                    format!("not sent, because the journey ended first: {reason}"),
                    format!("送信前にジャーニーが終わったため送っていません（{reason}）"),
                ),
            }]})
            .to_string();
            let mut taken_back = BTreeSet::new();
            for (delivery, message, _) in self.open_deliveries.iter().filter(|(_, _, of)| *of == Some(id)) {
                self.change.cancel.push((*delivery, why.clone()));
                taken_back.insert(*message);
            }
            for message in self.change.messages.iter_mut().filter(|m| m.enrollment == Some(id)) {
                if message.outcome == MessageOutcome::Planned {
                    message.outcome = MessageOutcome::Cancelled;
                    message.why.clone_from(&why);
                    message.deliveries.clear();
                    taken_back.insert(message.id);
                }
            }
            for message in taken_back {
                let body = serde_json::json!({"journey": journey, "how": how.as_str(), "reason": reason});
                self.audit(AuditKind::MessageCancelled, Some(message.0), body);
            }
        }
        let words = match how {
            Ending::Finished => Text::new("finished", "最後まで進みました"),
            Ending::Stopped => Text::new(format!("stopped: {reason}"), format!("停止しました（{reason}）")),
            Ending::Goal => Text::new("left, because the goal was reached", "目標に達したため終わりました"),
            Ending::Merged => Text::new("ended: the customers were merged", "お客様の統合により終わりました"),
            Ending::Superseded => Text::new("ended: started anew", "新しく始まったため終わりました"),
        };
        self.decided_for(Some(id), &journey, Some(&step), "end", &words);
        self.audit(
            AuditKind::EnrollmentEnded,
            Some(id.0),
            serde_json::json!({"journey": journey, "how": how.as_str(), "reason": reason}),
        );
    }

    fn tell_later(&mut self, name: String, properties: BTreeMap<String, Value>, message_id: String) {
        let event = Event {
            id: EventId(self.ctx.ids.next(self.now)),
            name,
            occurred_at: self.now,
            received_at: self.now,
            properties,
            kind: EventKind::Live,
        };
        self.change.events.push(NewEvent { event, message_id: Some(message_id) });
    }

    pub(super) fn decided(
        &mut self,
        enrollment: Option<EnrollmentId>,
        journey: Option<&str>,
        kind: &'static str,
        words: &Text,
    ) {
        self.change.decisions.push(NewDecision {
            at: self.now,
            enrollment,
            journey: journey.map(str::to_owned),
            step: None,
            kind,
            body: words.clone().into(),
        });
    }

    pub(super) fn decided_for(
        &mut self,
        enrollment: Option<EnrollmentId>,
        journey: &str,
        step: Option<&str>,
        kind: &'static str,
        words: &Text,
    ) {
        self.change.decisions.push(NewDecision {
            at: self.now,
            enrollment,
            journey: Some(journey.to_owned()),
            step: step.map(str::to_owned),
            kind,
            body: words.clone().into(),
        });
    }

    pub(super) fn audit(&mut self, kind: AuditKind, subject: Option<[u8; 16]>, body: serde_json::Value) {
        self.change.audit.push(AuditEvent {
            kind,
            at: self.now,
            customer: Some(self.customer.id),
            subject,
            body: body.to_string(),
        });
    }

    fn audit_message(&mut self, kind: AuditKind, message: &NewMessage) {
        let body = serde_json::json!({
            "journey": message.journey, "step": message.step, "visit": message.visit, "message": message.name,
            "purpose": message.purpose, "class": message.class, "release": message.release,
            "cause": message.cause_seq, "enrollment": message.enrollment,
            "channels": message.deliveries.iter().map(|d| d.channel.as_str()).collect::<Vec<_>>(),
        });
        self.audit(kind, Some(message.id.0), body);
    }
}
