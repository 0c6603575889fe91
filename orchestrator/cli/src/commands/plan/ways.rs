//! The ways there are for somebody who stands on a step of a program that is not the new one.
//!
//! **Pin** is what a deployment does: they go on with the program that they began. For a journey that is gone that is a
//! **drain**: nobody begins any more, and those under way come through. **Map** would put them on the step of the same name in the
//! new program, **exit** would end them where they stand. Nothing here moves anybody.

use journey::{ExprKind, Node, Op, Program, Root};
use serde::Serialize;
use std::collections::BTreeSet;
use words::Text;

/// What became of a step in the new program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Became {
    /// It does what it did.
    Same,
    /// It has its name and does something else, or does it otherwise.
    Changed,
    /// There is no step of this name.
    Gone,
}

/// The ways from one step.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Ways {
    pub(super) became: Became,
    /// Why they could not go on in the new program; `None`: they could.
    pub(super) no_map: Option<Text>,
    /// Messages still ahead in the program that they began: what they would not get if they ended here.
    pub(super) ahead: BTreeSet<String>,
}

/// The ways from a node of `old`; `new`: `None` where the journey is gone.
pub(super) fn ways(old: &Program, at: usize, new: Option<&Program>) -> Ways {
    let node = old.nodes.get(at);
    let ahead = reachable(old, at)
        .into_iter()
        .filter_map(|pc| match &old.nodes.get(pc)?.op {
            Op::Send { send, .. } => Some(send.message.clone()),
            _ => None,
        })
        .collect();
    let Some(new) = new else {
        let why = Text::new("the journey is gone", "ジャーニーがなくなります");
        return Ways { became: Became::Gone, no_map: Some(why), ahead };
    };
    let place = node.and_then(|node| new.nodes.iter().position(|other| other.step == node.step));
    let (Some(node), Some(place)) = (node, place) else {
        let why = Text::new("there is no step of this name any more", "この名前のステップがなくなります");
        return Ways { became: Became::Gone, no_map: Some(why), ahead };
    };
    let became = match new.nodes.get(place) {
        Some(other) if does(other) == does(node) => Became::Same,
        _ => Became::Changed,
    };
    let same_kind = new
        .nodes
        .get(place)
        .is_some_and(|o| std::mem::discriminant(&o.op) == std::mem::discriminant(&node.op));
    let no_map = if same_kind {
        lacks(old, new, place).map(|name| {
            Text::new(
                format!("what follows there reads `{name}`, which they do not have"),
                format!("その先で使う「{name}」を、進行中の人は持っていません"),
            )
        })
    } else {
        Some(Text::new(
            "the step of this name does something else now",
            "同じ名前のステップが、別のことをするようになります",
        ))
    };
    Ways { became, no_map, ahead }
}

/// A name that the new program reads from here on, and that neither it binds on the way nor the old one ever bound.
fn lacks(old: &Program, new: &Program, place: usize) -> Option<String> {
    let ahead = reachable(new, place);
    let nodes = || ahead.iter().filter_map(|pc| new.nodes.get(*pc));
    let bound: BTreeSet<&String> = nodes()
        .filter_map(|node| match &node.op {
            Op::WaitFor { bind, .. } | Op::Call { bind, .. } => bind.as_ref(),
            _ => None,
        })
        .chain(old.bindings.keys())
        .collect();
    let mut part = new.clone();
    part.nodes = nodes().cloned().collect();
    let mut lacking = None;
    journey::parts::expressions(&part, &mut |expr| {
        journey::parts::walk(expr, &mut |part| {
            if let ExprKind::Root(Root::Binding(name)) = &part.kind
                && new.bindings.contains_key(name)
                && !bound.contains(name)
            {
                lacking.get_or_insert_with(|| name.clone());
            }
            true
        });
    });
    lacking
}

/// The nodes that can still be reached from one, itself included.
fn reachable(program: &Program, from: usize) -> BTreeSet<usize> {
    let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(at) = next.pop() {
        let Some(node) = program.nodes.get(at) else { continue };
        if seen.insert(at) {
            next.extend(leads_to(&node.op).into_iter().filter_map(|pc| usize::try_from(pc).ok()));
        }
    }
    seen
}

fn leads_to(op: &Op) -> Vec<journey::Pc> {
    match op {
        Op::Send { next, .. }
        | Op::Wait { next, .. }
        | Op::Set { next, .. }
        | Op::Emit { next, .. }
        | Op::Enroll { next, .. }
        | Op::Notify { next, .. } => vec![*next],
        Op::WaitFor { then, otherwise, .. } | Op::Call { then, otherwise, .. } => vec![*then, *otherwise],
        Op::Branch { arms, otherwise } => arms.iter().map(|(_, pc)| *pc).chain([*otherwise]).collect(),
        Op::Experiment { arms, .. } => arms.iter().map(|(.., pc)| *pc).collect(),
        Op::Loop { body, next, .. } => vec![*body, *next],
        Op::Stop { .. } | Op::End => Vec::new(),
    }
}

/// What a node does, apart from where it stands in the file and in the program.
fn does(node: &Node) -> serde_json::Value {
    let mut op = serde_json::to_value(&node.op).unwrap_or_default();
    if let Some(of) = op.as_object_mut().and_then(|op| op.values_mut().next()).and_then(|v| v.as_object_mut())
    {
        for key in ["next", "then", "otherwise", "body"] {
            of.remove(key);
        }
        for arm in of.get_mut("arms").and_then(|arms| arms.as_array_mut()).into_iter().flatten() {
            arm.as_array_mut().map(Vec::pop);
        }
    }
    without_places(&mut op);
    op
}

fn without_places(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(map) => {
            map.remove("span");
            map.values_mut().for_each(without_places);
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(without_places),
        _ => {}
    }
}

#[cfg(test)]
#[path = "ways/tests.rs"]
mod tests;
