//! One run of the transition function: from where the enrollment stands to where it waits next.

use super::Transition;
use crate::mentions::looked;
use crate::{Decision, Effect, Ending, Env, Known, Looked, State, Status, View};
use journey::{Expr, Node, Op, Pc, Program};
use std::collections::BTreeMap;
use words::calendar::BusinessCalendar;
use words::{Country, Customer, Timestamp, Value, Zone};

/// How many steps one transition takes at most. A program that is not done then comes back at once: nothing is lost,
/// and no enrollment holds up the others.
const STEPS_MAX: u32 = 10_000;

/// Where a step leads.
pub(super) enum Flow {
    /// On to this node.
    Go(Pc),
    /// Rest here, until this instant or an event.
    Rest(Option<Timestamp>),
    /// Ended.
    Ended,
}

pub(super) struct Run<'a> {
    pub(super) program: &'a Program,
    pub(super) state: State,
    pub(super) view: &'a dyn View,
    pub(super) now: Timestamp,
    pub(super) effects: Vec<Effect>,
    /// The customer with the traits that this run has set.
    changed: Option<Box<Customer>>,
}

impl<'a> Run<'a> {
    pub(super) fn new(program: &'a Program, state: State, view: &'a dyn View, now: Timestamp) -> Self {
        let now = now.max(state.at.arrived_at);
        Self { program, state, view, now, effects: Vec::new(), changed: None }
    }

    pub(super) fn finish(self) -> Transition {
        let due = self.state.at.due_at;
        Transition { state: self.state, effects: self.effects, due }
    }

    /// Enters the first node, or goes on where the last transition paused between two.
    pub(super) fn begin(&mut self) {
        if !self.state.at.waiting {
            self.go(self.state.at.pc);
        }
    }

    /// The due time of the node it stands on has come.
    pub(super) fn due(&mut self) {
        if !self.state.is_live() || self.state.at.due_at.is_none_or(|due| due > self.now) {
            return;
        }
        if !self.state.at.waiting {
            return self.begin();
        }
        let flow = self.wake();
        self.follow(flow);
    }

    /// Runs from `pc` until a node rests or the end is reached.
    pub(super) fn go(&mut self, pc: Pc) {
        self.follow(Flow::Go(pc));
    }

    pub(super) fn follow(&mut self, mut flow: Flow) {
        for _ in 0..STEPS_MAX {
            match flow {
                Flow::Go(pc) => {
                    self.state.at.pc = pc;
                    self.state.at.waiting = true;
                    self.state.at.arrived_at = self.now;
                    flow = self.enter();
                }
                Flow::Rest(due) => {
                    self.state.at.due_at = due.map(|due| due.max(self.now));
                    return;
                }
                Flow::Ended => return,
            }
        }
        if let Flow::Go(pc) = flow {
            self.state.at.pc = pc;
            self.state.at.waiting = false;
            self.state.at.due_at = Some(self.now);
        }
    }

    /// The node it stands on. `None`: the program has none there, which the compiler rules out.
    pub(super) fn node(&self) -> Option<&'a Node> {
        self.program.nodes.get(usize::try_from(self.state.at.pc).ok()?)
    }

    pub(super) fn step(&self) -> String {
        self.node().map_or_else(String::new, |node| node.step.clone())
    }

    pub(super) fn decide(&mut self, decision: Decision) {
        let step = self.step();
        self.effects.push(Effect::Decided { step, decision });
    }

    pub(super) fn end(&mut self, how: Ending, reason: String) -> Flow {
        if self.state.is_live() {
            let step = self.step();
            self.state.at.status = Status::Ended(how);
            self.state.at.due_at = None;
            self.state.context.goal_open =
                self.program.goal.is_some() && self.state.context.goal_at.is_none();
            self.effects.push(Effect::Ended { step, how, reason });
        }
        Flow::Ended
    }

    /// Counts an entry of the node it stands on; from 1. Only nodes of programs with loops can be entered again.
    pub(super) fn count_visit(&mut self) -> u32 {
        if !self.program.nodes.iter().any(|node| matches!(node.op, Op::Loop { .. })) {
            return 1;
        }
        let visits = self.state.context.visits.entry(self.state.at.pc).or_insert(0);
        *visits = visits.saturating_add(1);
        *visits
    }

    /// The visit that is under way at the node it stands on.
    pub(super) fn visit(&self) -> u32 {
        self.state.context.visits.get(&self.state.at.pc).copied().unwrap_or(1)
    }

    /// Evaluates with what this place sees.
    pub(super) fn with_env<T>(&self, with: impl FnOnce(&Env<'_>) -> T) -> T {
        let known = Changed { view: self.view, customer: self.changed.as_deref() };
        let event = self.view.start_event();
        let context = &self.state.context;
        with(&Env {
            known: &known,
            now: self.now,
            event,
            it: None,
            item: event.and_then(|event| event.properties.get("item")),
            before: event.and_then(|event| event.properties.get("before")),
            bindings: Some(&context.bindings),
            turn: context.turns.last().map(|(_, turn)| *turn),
            engaged: Some(&context.engaged),
            locals: None,
        })
    }

    pub(super) fn eval(&self, expr: &Expr) -> Value {
        self.with_env(|env| crate::eval(expr, env))
    }

    pub(super) fn eval_all(&self, with: &[(String, Expr)]) -> BTreeMap<String, Value> {
        self.with_env(|env| with.iter().map(|(name, expr)| (name.clone(), crate::eval(expr, env))).collect())
    }

    pub(super) fn looked(&self, expr: &Expr) -> Vec<Looked> {
        self.with_env(|env| looked(expr, env))
    }

    /// Later expressions of this run see what `set` has set.
    pub(super) fn set_traits(&mut self, values: &[(String, Value)]) {
        let customer = self.changed.get_or_insert_with(|| Box::new(self.view.customer().clone()));
        for (name, value) in values {
            match value {
                Value::Null => customer.traits.remove(name),
                value => customer.traits.insert(name.clone(), value.clone()),
            };
        }
    }
}

/// The view, with the traits that the run has set.
struct Changed<'a> {
    view: &'a dyn View,
    customer: Option<&'a Customer>,
}

impl Known for Changed<'_> {
    fn customer(&self) -> &Customer {
        self.customer.unwrap_or_else(|| self.view.customer())
    }
    fn fact(&self, name: &str, now: Timestamp) -> Value {
        self.view.fact(name, now)
    }
    fn fact_of(&self, name: &str, of: &Value, now: Timestamp) -> Value {
        self.view.fact_of(name, of, now)
    }
    fn in_segment(&self, name: &str, now: Timestamp) -> bool {
        self.view.in_segment(name, now)
    }
    fn item(&self, catalog: &str, id: &str) -> Option<&BTreeMap<String, Value>> {
        self.view.item(catalog, id)
    }
    fn zone(&self) -> &Zone {
        self.view.zone()
    }
    fn country(&self) -> Option<Country> {
        self.view.country()
    }
    fn business_days(&self) -> BusinessCalendar {
        self.view.business_days()
    }
}
