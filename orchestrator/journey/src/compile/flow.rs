//! One journey being built: its nodes, the loose ends, and what is known on the way.

use super::World;
use crate::check::{Checker, Env, Scope};
use crate::expr::Expr;
use crate::program::{Node as Step, Op, Pc};
use crate::report::{Report, t};
use crate::yaml::Node;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use words::{Channel, MessageClass, Text, Type};

/// Where a loose end hangs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    Next,
    Then,
    Otherwise,
    Arm(usize),
    Body,
}

/// A place of a journey: what leads here, and what is known here.
#[derive(Debug, Clone)]
pub(super) struct Flow {
    pub(super) open: Vec<(Pc, Slot)>,
    pub(super) env: Env,
    /// Whether anybody gets here.
    pub(super) alive: bool,
}

impl Flow {
    /// After a node, by one of its ways.
    pub(super) fn after(pc: Pc, slot: Slot, env: Env) -> Self {
        Self { open: vec![(pc, slot)], env, alive: true }
    }

    /// Where nobody gets.
    pub(super) fn dead(env: Env) -> Self {
        Self { open: Vec::new(), env, alive: false }
    }

    /// Where two ways meet.
    pub(super) fn join(self, other: Self) -> Self {
        match (self.alive, other.alive) {
            (true, false) => self,
            (false, _) => other,
            (true, true) => {
                let mut open = self.open;
                open.extend(other.open);
                Self { open, env: self.env.join(other.env), alive: true }
            }
        }
    }
}

/// One journey being built.
pub(super) struct Builder<'a> {
    pub(super) report: Report<'a>,
    pub(super) world: World<'a>,
    pub(super) nodes: Vec<Step>,
    pub(super) bindings: BTreeMap<String, Type>,
    /// What `event` is, or why there is none.
    pub(super) event: Result<Type, Text>,
    pub(super) item: Option<Type>,
    /// Every message that it sends.
    pub(super) messages: BTreeSet<String>,
    pub(super) first_of: Option<Vec<Channel>>,
    pub(super) class: Option<MessageClass>,
    pub(super) listens: BTreeSet<String>,
    pub(super) enrolls: Vec<(String, Range<usize>)>,
    /// Whether `stop_if` can end it.
    pub(super) stoppable: bool,
    pub(super) turns: usize,
    pub(super) experiments: BTreeSet<String>,
    names: BTreeSet<String>,
    counts: BTreeMap<String, u32>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(report: Report<'a>, world: World<'a>) -> Self {
        Self {
            report,
            world,
            nodes: Vec::new(),
            bindings: BTreeMap::new(),
            event: Err(t(
                "nothing started this journey yet",
                "このジャーニーの始まり方がまだ決まっていません",
            )),
            item: None,
            messages: BTreeSet::new(),
            first_of: None,
            class: None,
            listens: BTreeSet::new(),
            enrolls: Vec::new(),
            stoppable: false,
            turns: 0,
            experiments: BTreeSet::new(),
            names: BTreeSet::new(),
            counts: BTreeMap::new(),
        }
    }

    /// Takes the names that are given by hand, so that derived ones keep clear of them.
    pub(super) fn reserve(&mut self, name: &str) -> bool {
        self.names.insert(name.to_owned())
    }

    /// Adds a node; everything that led here leads to it now.
    pub(super) fn push(&mut self, flow: &Flow, step: String, span: Range<usize>, op: Op) -> Pc {
        let pc = Pc::try_from(self.nodes.len()).unwrap_or(Pc::MAX);
        self.nodes.push(Step { step, span, op });
        self.lead(&flow.open, pc);
        pc
    }

    /// Ties loose ends to a node.
    pub(super) fn lead(&mut self, open: &[(Pc, Slot)], target: Pc) {
        for (pc, slot) in open {
            let Some(node) = self.nodes.get_mut(*pc as usize) else { continue };
            if let Some(place) = slot_of(&mut node.op, *slot) {
                *place = target;
            }
        }
    }

    /// The name of a step: given by hand, or what it does, with a number from the second on.
    pub(super) fn step_name(&mut self, node: &Node, derived: &str) -> String {
        if let Some(name) = node.get("name").and_then(Node::text) {
            return name.to_owned();
        }
        loop {
            let count = self.counts.entry(derived.to_owned()).or_insert(0);
            *count += 1;
            let name = if *count == 1 { derived.to_owned() } else { format!("{derived}#{count}") };
            if !self.names.contains(&name) {
                return name;
            }
        }
    }

    /// Runs checks of expressions that see `env`, and `it` where an event is looked at.
    pub(super) fn checking<T>(
        &self,
        env: &Env,
        it: Option<Type>,
        check: impl FnOnce(&mut Checker<'_>) -> T,
    ) -> T {
        self.checking_into(self.report, env, it, check)
    }

    /// The same, with problems going to another list.
    pub(super) fn checking_into<T>(
        &self,
        report: Report<'_>,
        env: &Env,
        it: Option<Type>,
        check: impl FnOnce(&mut Checker<'_>) -> T,
    ) -> T {
        let scope = Scope {
            schema: &self.world.declared.schema,
            segments: &self.world.declared.segments,
            facts: &self.world.declared.unnamed,
            event: self.event.as_ref(),
            it,
            item: self.item.as_ref(),
            turn: self.turns > 0,
            customer: true,
            messages: Some(&self.messages),
            env,
        };
        check(&mut Checker::new(report, &scope))
    }

    /// A condition at this place.
    pub(super) fn condition(&self, flow: &Flow, node: &Node, key: &str) -> Option<Expr> {
        self.checking(&flow.env, None, |checker| checker.condition(node, key))
    }

    /// Binds a name to what an event or a call brings.
    pub(super) fn bind(&mut self, node: &Node, ty: Type) -> Option<String> {
        let name_node = node.get("as")?;
        let name = self.report.name(name_node)?;
        const TAKEN: [&str; 9] =
            ["event", "it", "customer", "item", "before", "now", "turn", "true", "false"];
        if TAKEN.contains(&name.as_str()) || self.bindings.get(&name).is_some_and(|other| *other != ty) {
            self.report.help(
                "J041",
                name_node.span.clone(),
                t(
                    format!("the name `{name}` is taken"),
                    format!("「{name}」という名前はすでに使われています"),
                ),
                t("something else is called so", "別のものがこの名前です"),
                t("choose another name", "別の名前にしてください"),
            );
            return None;
        }
        self.bindings.insert(name.clone(), ty);
        Some(name)
    }
}

fn slot_of(op: &mut Op, slot: Slot) -> Option<&mut Pc> {
    match (op, slot) {
        (
            Op::Send { next, .. }
            | Op::Wait { next, .. }
            | Op::Loop { next, .. }
            | Op::Set { next, .. }
            | Op::Emit { next, .. }
            | Op::Enroll { next, .. }
            | Op::Notify { next, .. },
            Slot::Next,
        ) => Some(next),
        (Op::WaitFor { then, .. } | Op::Call { then, .. }, Slot::Then) => Some(then),
        (
            Op::WaitFor { otherwise, .. } | Op::Call { otherwise, .. } | Op::Branch { otherwise, .. },
            Slot::Otherwise,
        ) => Some(otherwise),
        (Op::Branch { arms, .. }, Slot::Arm(index)) => arms.get_mut(index).map(|arm| &mut arm.1),
        (Op::Experiment { arms, .. }, Slot::Arm(index)) => arms.get_mut(index).map(|arm| &mut arm.2),
        (Op::Loop { body, .. }, Slot::Body) => Some(body),
        _ => None,
    }
}
