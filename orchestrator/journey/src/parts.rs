//! What expressions and programs are made of.

use crate::program::{NotifyPart, WaitUntil};
use crate::{Duration, Expr, ExprKind, Op, Program};
use std::collections::BTreeSet;

/// Calls `visit` with the expression and every part of it; goes no deeper where it returns `false`.
pub fn walk<'e>(expr: &'e Expr, visit: &mut impl FnMut(&'e Expr) -> bool) {
    if !visit(expr) {
        return;
    }
    match &expr.kind {
        ExprKind::Literal(_) | ExprKind::Root(_) | ExprKind::Engaged(..) => {}
        ExprKind::Field(of, _) | ExprKind::Unary(_, of) | ExprKind::Has(of) | ExprKind::Apart(_, of) => {
            walk(of, visit);
        }
        ExprKind::Index(a, b) | ExprKind::Binary(_, a, b) | ExprKind::Each(_, a, _, b) => {
            walk(a, visit);
            walk(b, visit);
        }
        ExprKind::Conditional(a, b, c) => {
            walk(a, visit);
            walk(b, visit);
            walk(c, visit);
        }
        ExprKind::List(items) | ExprKind::Call(_, items) => items.iter().for_each(|item| walk(item, visit)),
    }
}

/// Calls `visit` with every expression that a running enrollment may evaluate.
pub fn expressions<'p>(program: &'p Program, visit: &mut impl FnMut(&'p Expr)) {
    let matches = program.goal.iter().map(|goal| &goal.event).chain(&program.stop_if);
    matches.filter_map(|event| event.condition.as_ref()).for_each(&mut *visit);
    for node in &program.nodes {
        match &node.op {
            Op::Send { send, .. } => send.with.iter().for_each(|(_, expr)| visit(expr)),
            Op::Wait { wait, .. } => match &wait.until {
                WaitUntil::After { duration, .. } => duration_expressions(duration, visit),
                WaitUntil::At { date, offset, .. } => {
                    visit(date);
                    duration_expressions(offset, visit);
                }
                WaitUntil::Window => {}
            },
            Op::WaitFor { events, up_to, .. } => {
                events.iter().filter_map(|event| event.condition.as_ref()).for_each(&mut *visit);
                up_to.iter().for_each(|duration| duration_expressions(duration, visit));
            }
            Op::Branch { arms, .. } => arms.iter().for_each(|(expr, _)| visit(expr)),
            Op::Loop { condition, .. } => condition.iter().for_each(&mut *visit),
            Op::Set { values: with, .. }
            | Op::Emit { properties: with, .. }
            | Op::Call { with, .. }
            | Op::Enroll { with, .. } => with.iter().for_each(|(_, expr)| visit(expr)),
            Op::Notify { text, .. } => text.iter().for_each(|part| match part {
                NotifyPart::Value(expr) => visit(expr),
                NotifyPart::Text(_) => {}
            }),
            Op::Experiment { .. } | Op::Stop { .. } | Op::End => {}
        }
    }
}

fn duration_expressions<'p>(duration: &'p Duration, visit: &mut impl FnMut(&'p Expr)) {
    if let Duration::DaysOf(expr) = duration {
        visit(expr);
    }
}

/// The receipts that a program asks for, by the names of the events that bring them: `clicked(m)` needs
/// `message_clicked`, and `sent(m)` also those that say that it was not.
pub fn receipt_events(program: &Program) -> BTreeSet<String> {
    let mut events = BTreeSet::new();
    expressions(program, &mut |expr| {
        walk(expr, &mut |part| {
            if let ExprKind::Engaged(receipt, _) = &part.kind {
                events.insert(format!("message_{receipt}"));
                if receipt == "sent" {
                    events.insert("message_skipped".to_owned());
                }
            }
            true
        });
    });
    events
}
