//! What only the check of an expression needs: its type. A running program is smaller without, since the type of `customer`
//! or `event` is everything that is declared of them, at every mention.

use crate::program::{NotifyPart, WaitUntil};
use crate::{Duration, Expr, ExprKind, Op, Program, Start};
use words::Type;

/// Forgets the types in a program. Its hash is of the program as it was checked, so this comes after it.
pub(crate) fn forget_types(program: &mut Program) {
    if let Start::Item { when, who, .. } = &mut program.start {
        when.iter_mut().for_each(forget);
        forget(who);
    }
    program.start_if.iter_mut().for_each(forget);
    let matches = program.goal.iter_mut().map(|goal| &mut goal.event).chain(&mut program.stop_if);
    matches.filter_map(|event| event.condition.as_mut()).for_each(forget);
    for node in &mut program.nodes {
        match &mut node.op {
            Op::Send { send, .. } => send.with.iter_mut().for_each(|(_, expr)| forget(expr)),
            Op::Wait { wait, .. } => match &mut wait.until {
                WaitUntil::After { duration, .. } => of_duration(duration),
                WaitUntil::At { date, offset, .. } => {
                    forget(date);
                    of_duration(offset);
                }
                WaitUntil::Window => {}
            },
            Op::WaitFor { events, up_to, .. } => {
                events.iter_mut().filter_map(|event| event.condition.as_mut()).for_each(forget);
                up_to.iter_mut().for_each(of_duration);
            }
            Op::Branch { arms, .. } => arms.iter_mut().for_each(|(expr, _)| forget(expr)),
            Op::Loop { condition, .. } => condition.iter_mut().for_each(forget),
            Op::Set { values: with, .. }
            | Op::Emit { properties: with, .. }
            | Op::Call { with, .. }
            | Op::Enroll { with, .. } => with.iter_mut().for_each(|(_, expr)| forget(expr)),
            Op::Notify { text, .. } => text.iter_mut().for_each(|part| match part {
                NotifyPart::Value(expr) => forget(expr),
                NotifyPart::Text(_) => {}
            }),
            Op::Experiment { .. } | Op::Stop { .. } | Op::End => {}
        }
    }
}

fn of_duration(duration: &mut Duration) {
    if let Duration::DaysOf(expr) = duration {
        forget(expr);
    }
}

fn forget(expr: &mut Expr) {
    expr.ty = Type::Any;
    match &mut expr.kind {
        ExprKind::Literal(_) | ExprKind::Root(_) | ExprKind::Engaged(..) => {}
        ExprKind::Field(of, _) | ExprKind::Unary(_, of) | ExprKind::Has(of) | ExprKind::Apart(_, of) => {
            forget(of)
        }
        ExprKind::Index(a, b) | ExprKind::Binary(_, a, b) | ExprKind::Each(_, a, _, b) => {
            forget(a);
            forget(b);
        }
        ExprKind::Conditional(a, b, c) => {
            forget(a);
            forget(b);
            forget(c);
        }
        ExprKind::List(items) | ExprKind::Call(_, items) => items.iter_mut().for_each(forget),
    }
}
