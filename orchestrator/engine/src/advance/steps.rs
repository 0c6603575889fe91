//! What each kind of node does when it is entered, and when its time has come.

use super::run::{Flow, Run};
use crate::wait::{end_of, later};
use crate::{Choice, Decision, Effect, Ending, PlannedMessage, Reason, arm_of};
use journey::program::{NotifyPart, WaitUntil};
use journey::{Channels, Duration, EventMatch, Expr, IfBlocked, Op, Pc, Send, Wait};
use std::collections::BTreeMap;
use words::{Elapsed, Timestamp, Value};

/// How long a blocked message waits that does not say when it expires.
const BLOCKED_DAYS_MAX: i64 = 30;

impl Run<'_> {
    /// Enters the node it stands on.
    pub(super) fn enter(&mut self) -> Flow {
        let Some(node) = self.node() else {
            return self.end(Ending::Stopped, "the program has no such step".to_owned());
        };
        match &node.op {
            Op::Send { send, next } => {
                self.count_visit();
                self.send(send, *next, true)
            }
            Op::Wait { wait, next } => self.wait(wait, *next, true),
            Op::WaitFor { events, up_to, since_start, bind, then, otherwise } => {
                self.wait_for(events, up_to.as_ref(), *since_start, bind.as_deref(), (*then, *otherwise))
            }
            Op::Branch { arms, otherwise } => self.branch(arms, *otherwise),
            Op::Experiment { name, arms } => self.experiment(name, arms),
            Op::Loop { turns_max, condition, body, next } => {
                self.turn(*turns_max, condition.as_ref(), *body, *next)
            }
            Op::Set { values, next } => {
                let values: Vec<_> = values.iter().map(|(name, e)| (name.clone(), self.eval(e))).collect();
                self.set_traits(&values);
                self.effects.push(Effect::Set { step: self.step(), values });
                Flow::Go(*next)
            }
            Op::Emit { event, properties, next } => {
                let visit = self.count_visit();
                let (step, properties) = (self.step(), self.eval_all(properties));
                self.effects.push(Effect::Emit { step, visit, event: event.clone(), properties });
                Flow::Go(*next)
            }
            Op::Call { call, with, up_to, .. } => {
                let visit = self.count_visit();
                let deadline = self.now.plus(*up_to);
                let (step, inputs) = (self.step(), self.eval_all(with));
                self.effects.push(Effect::Call { step, visit, call: call.clone(), inputs, deadline });
                Flow::Rest(Some(deadline))
            }
            Op::Enroll { journey, with, next } => {
                let visit = self.count_visit();
                let (step, inputs) = (self.step(), self.eval_all(with));
                self.effects.push(Effect::Enroll { step, visit, journey: journey.clone(), inputs });
                Flow::Go(*next)
            }
            Op::Notify { to, text, next } => {
                let visit = self.count_visit();
                let text = self.notice(text);
                self.effects.push(Effect::Notify { step: self.step(), visit, to: to.clone(), text });
                Flow::Go(*next)
            }
            Op::Stop { reason } => self.end(Ending::Stopped, reason.clone()),
            Op::End => self.end(Ending::Finished, String::new()),
        }
    }

    /// The due time of the node it rests on has come.
    pub(super) fn wake(&mut self) -> Flow {
        match self.node().map(|node| &node.op) {
            Some(Op::Send { send, next }) => self.send(send, *next, false),
            Some(Op::Wait { wait, next }) => self.wait(wait, *next, false),
            Some(Op::WaitFor { events, otherwise, .. }) => {
                self.decide(Decision::TimedOut { events: names(events) });
                Flow::Go(*otherwise)
            }
            Some(Op::Call { call, otherwise, .. }) => {
                let failed = Some("no answer in time".to_owned());
                self.decide(Decision::Call { call: call.clone(), failed });
                Flow::Go(*otherwise)
            }
            // No other node rests; if the program changed under it, entering it again is the honest way on.
            _ => self.enter(),
        }
    }

    /// Something that dates or permissions depend on may have changed.
    pub(super) fn look_again(&mut self) {
        match self.node().map(|node| &node.op) {
            Some(Op::Send { send, next }) if self.state.at.waiting => {
                let flow = self.send(send, *next, false);
                self.follow(flow);
            }
            _ => self.replan(),
        }
    }

    /// Reads the date of a wait anew, and its hours and days. Moves the due time alone: the step itself is taken when
    /// it is due, after whatever else waits to be applied.
    pub(super) fn replan(&mut self) {
        let at = self.state.at;
        let Some(Op::Wait { wait, .. }) = self.node().map(|node| &node.op) else { return };
        if !self.state.is_live() || !at.waiting || at.due_at.is_none_or(|due| due <= self.now) {
            return;
        }
        let end = self.with_env(|env| end_of(wait, env, at.started_at, at.arrived_at));
        if at.due_at != Some(end.at) {
            self.state.at.due_at = Some(end.at);
            self.decide(Decision::Moved { until: end.at });
        }
    }

    /// The answer to a call, or its failure. A stale one changes nothing.
    pub(super) fn call_answered(
        &mut self,
        step: &str,
        visit: u32,
        answer: Result<&BTreeMap<String, Value>, &str>,
    ) {
        let Some(node) = self.node() else { return };
        let Op::Call { call, bind, then, otherwise, .. } = &node.op else { return };
        if !self.state.at.waiting || node.step != step || self.visit() != visit {
            return;
        }
        let failed = answer.err().map(str::to_owned);
        self.decide(Decision::Call { call: call.clone(), failed });
        if let (Ok(answer), Some(name)) = (answer, bind) {
            self.state.context.bindings.insert(name.clone(), Value::Map(answer.clone()));
        }
        self.go(if answer.is_ok() { *then } else { *otherwise });
    }

    fn send(&mut self, send: &Send, next: Pc, entering: bool) -> Flow {
        let expires_at = send.expires.map(|expires| self.state.at.arrived_at.plus(expires));
        if !entering && expires_at.is_some_and(|at| at <= self.now) {
            let expired = Reason::new(
                "expired",
                "it was not allowed before it expired",
                "期限までに送信が許可されませんでした",
            );
            return self.not_sent(send, vec![expired], Flow::Go(self.past(send, next)));
        }
        let (reasons, until) = match self.view.choose(send, self.now) {
            Choice::Go(channels) if !channels.is_empty() => {
                self.plan(send, channels, expires_at);
                return Flow::Go(next);
            }
            Choice::Go(_) => {
                let reason = Reason::new(
                    "no_channel",
                    "the customer cannot be reached on any of its channels",
                    "どのチャネルでもお客様に届けられません",
                );
                (vec![reason], None)
            }
            Choice::Blocked { reasons, until } => (reasons, until),
        };
        match send.if_blocked {
            IfBlocked::Skip => self.not_sent(send, reasons, Flow::Go(self.past(send, next))),
            IfBlocked::Stop => {
                let flow = self.not_sent(send, reasons, Flow::Ended);
                self.end(Ending::Stopped, format!("{} may not be sent", send.message));
                flow
            }
            IfBlocked::Wait => self.wait_blocked(send, next, reasons, until, expires_at),
        }
    }

    /// Waits until the message may be sent, or expires.
    fn wait_blocked(
        &mut self,
        send: &Send,
        next: Pc,
        reasons: Vec<Reason>,
        until: Option<Timestamp>,
        expires_at: Option<Timestamp>,
    ) -> Flow {
        let given_up = Elapsed::from_days(BLOCKED_DAYS_MAX);
        let last = expires_at.unwrap_or_else(|| self.state.at.arrived_at.plus(given_up));
        // An answer that lies in the past would ask in a circle.
        let soonest = self.now.plus(Elapsed::from_minutes(1));
        let again = match (until, expires_at) {
            (None, None) => return self.not_sent(send, reasons, Flow::Go(self.past(send, next))),
            (None, Some(expires_at)) => expires_at,
            (Some(until), _) => until.max(soonest).min(last),
        };
        if again <= self.now {
            return self.not_sent(send, reasons, Flow::Go(self.past(send, next)));
        }
        if self.state.at.due_at != Some(again) {
            self.decide(Decision::Blocked { message: send.message.clone(), reasons, until: again });
        }
        Flow::Rest(Some(again))
    }

    fn plan(&mut self, send: &Send, channels: Vec<words::Channel>, expires_at: Option<Timestamp>) {
        let planned = PlannedMessage {
            step: self.step(),
            visit: self.visit(),
            message: send.message.clone(),
            channels,
            all: matches!(send.channels, Channels::AllOf(_)),
            inputs: self.eval_all(&send.with),
            priority: send.priority,
            expires_at,
            survey: send.survey.clone(),
        };
        self.remember("sent", &send.message);
        self.effects.push(Effect::Plan(planned));
    }

    /// Where a message that is not sent leads: nobody answers a question that nobody was asked.
    fn past(&self, send: &Send, next: Pc) -> Pc {
        let waits = usize::try_from(next).ok().and_then(|at| self.program.nodes.get(at)).map(|node| &node.op);
        match waits {
            Some(Op::WaitFor { otherwise, .. }) if send.survey.is_some() => *otherwise,
            _ => next,
        }
    }

    fn not_sent(&mut self, send: &Send, reasons: Vec<Reason>, flow: Flow) -> Flow {
        let (step, visit) = (self.step(), self.visit());
        self.effects.push(Effect::NotSent { step, visit, message: send.message.clone(), reasons });
        flow
    }

    fn wait(&mut self, wait: &Wait, next: Pc, entering: bool) -> Flow {
        let at = self.state.at;
        let end = self.with_env(|env| end_of(wait, env, at.started_at, at.arrived_at));
        let dated = matches!(wait.until, WaitUntil::At { .. });
        if end.at <= self.now {
            if let (true, Some(past)) = (entering, end.past) {
                self.decide(Decision::Past { at: past });
            }
            return Flow::Go(next);
        }
        if entering {
            self.decide(Decision::Wait { until: Some(end.at), events: Vec::new(), moved: end.moved });
        } else if dated && at.due_at != Some(end.at) {
            self.decide(Decision::Moved { until: end.at });
        }
        Flow::Rest(Some(end.at))
    }

    fn wait_for(
        &mut self,
        events: &[EventMatch],
        up_to: Option<&Duration>,
        since_start: bool,
        bind: Option<&str>,
        (then, otherwise): (Pc, Pc),
    ) -> Flow {
        if since_start && let Some(then) = self.match_seen(events, bind, then) {
            return Flow::Go(then);
        }
        let until = up_to.map(|up_to| self.with_env(|env| later(self.now, up_to, env)));
        if until.is_some_and(|until| until <= self.now) {
            self.decide(Decision::TimedOut { events: names(events) });
            return Flow::Go(otherwise);
        }
        self.decide(Decision::Wait { until, events: names(events), moved: false });
        Flow::Rest(until)
    }

    fn branch(&mut self, arms: &[(Expr, Pc)], otherwise: Pc) -> Flow {
        let holds = |expr: &Expr| self.with_env(|env| crate::holds(expr, env));
        let taken = arms.iter().position(|(condition, _)| holds(condition));
        // What was looked at up to the arm taken, in the order written.
        let mut looked = Vec::new();
        for (condition, _) in arms.iter().take(taken.map_or(arms.len(), |index| index + 1)) {
            for one in self.looked(condition) {
                if looked.len() < 8 && !looked.contains(&one) {
                    looked.push(one);
                }
            }
        }
        let arm = taken.and_then(|index| u32::try_from(index + 1).ok());
        self.decide(Decision::Branch { arm, looked });
        Flow::Go(taken.and_then(|index| arms.get(index)).map_or(otherwise, |(_, pc)| *pc))
    }

    fn experiment(&mut self, name: &str, arms: &[(String, u32, Pc)]) -> Flow {
        let dealt =
            arm_of(name, arms.iter().map(|(arm, share, _)| (arm.as_str(), *share)), self.view.customer().id);
        let Some((arm, _, pc)) = dealt.and_then(|index| arms.get(index)) else {
            return self.end(Ending::Stopped, format!("{name} has no arm"));
        };
        self.decide(Decision::Arm { experiment: name.to_owned(), arm: arm.clone() });
        Flow::Go(*pc)
    }

    fn turn(&mut self, turns_max: u32, condition: Option<&Expr>, body: Pc, next: Pc) -> Flow {
        let pc = self.state.at.pc;
        let turns = &mut self.state.context.turns;
        // Coming back from the body: whatever loops stand above are those of the body, and done.
        let turn = match turns.iter().position(|(loop_pc, _)| *loop_pc == pc) {
            Some(index) => {
                turns.truncate(index + 1);
                turns.pop().map_or(0, |(_, turn)| turn)
            }
            None => 0,
        };
        let more = turn < turns_max;
        // The condition sees the turn that would begin.
        turns.push((pc, turn.saturating_add(1)));
        let looked = condition.filter(|_| more).map(|condition| self.looked(condition)).unwrap_or_default();
        let goes_on = more && condition.is_none_or(|expr| self.with_env(|env| crate::holds(expr, env)));
        if !goes_on {
            self.state.context.turns.pop();
        }
        self.decide(Decision::Turn { turn: goes_on.then(|| turn.saturating_add(1)), turns_max, looked });
        Flow::Go(if goes_on { body } else { next })
    }

    fn notice(&self, parts: &[NotifyPart]) -> String {
        let text = |part: &NotifyPart| match part {
            NotifyPart::Text(text) => text.clone(),
            NotifyPart::Value(expr) => match crate::eval::text(&self.eval(expr)) {
                Value::Text(text) => text,
                _ => "–".to_owned(),
            },
        };
        parts.iter().map(text).collect()
    }
}

fn names(events: &[EventMatch]) -> Vec<String> {
    events.iter().map(|event| event.event.clone()).collect()
}
