//! What expressions speak of.

use crate::{Env, Looked, eval};
use journey::parts::{expressions, walk};
use journey::{Expr, ExprKind, Program, Root};

/// How many values a decision keeps.
const LOOKED_MAX: usize = 8;

/// The parts that an expression is directly made of.
pub(crate) fn parts_mut(expr: &mut Expr) -> Vec<&mut Expr> {
    match &mut expr.kind {
        ExprKind::Literal(_) | ExprKind::Root(_) | ExprKind::Engaged(..) => Vec::new(),
        ExprKind::Field(of, _) | ExprKind::Unary(_, of) | ExprKind::Has(of) | ExprKind::Apart(_, of) => {
            vec![of]
        }
        ExprKind::Index(a, b) | ExprKind::Binary(_, a, b) | ExprKind::Each(_, a, _, b) => vec![a, b],
        ExprKind::Conditional(a, b, c) => vec![a, b, c],
        ExprKind::List(items) | ExprKind::Call(_, items) => items.iter_mut().collect(),
    }
}

/// Whether the program asks for this receipt of this message: what nobody asks for is not remembered.
pub(crate) fn asks_for(program: &Program, receipt: &str, message: &str) -> bool {
    let mut found = false;
    expressions(program, &mut |expr| {
        walk(expr, &mut |part| {
            found |= matches!(&part.kind, ExprKind::Engaged(r, m) if r == receipt && m == message);
            !found
        });
    });
    found
}

/// Whether an enrollment of this program looks at its start event after it has started: where not, the caller need
/// not load it.
pub fn needs_start_event(program: &Program) -> bool {
    let mut found = false;
    expressions(program, &mut |expr| {
        walk(expr, &mut |part| {
            found |= matches!(&part.kind, ExprKind::Root(Root::Event | Root::Item | Root::Before));
            !found
        });
    });
    found
}

/// The values that an expression looks at, each once, in the order written.
pub(crate) fn looked(expr: &Expr, env: &Env<'_>) -> Vec<Looked> {
    let mut all: Vec<Looked> = Vec::new();
    walk(expr, &mut |part| {
        let Some(at) = path(part) else { return true };
        if all.len() < LOOKED_MAX && !all.iter().any(|one| one.at == at) {
            all.push(Looked { at, value: eval(part, env) });
        }
        false
    });
    all
}

/// An expression that is a name, or fields of one, as written.
fn path(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Root(root) => Some(match root {
            Root::Event => "event".to_owned(),
            Root::Customer => "customer".to_owned(),
            Root::Fact(name) => format!("customer.{name}"),
            Root::Segment(name) => format!("in_segment(\"{name}\")"),
            Root::Binding(name) => name.clone(),
            Root::It => "it".to_owned(),
            Root::Item => "item".to_owned(),
            Root::Before => "before".to_owned(),
            Root::Now => "now".to_owned(),
            Root::Turn => "turn".to_owned(),
        }),
        ExprKind::Field(of, name) => path(of).map(|of| format!("{of}.{name}")),
        ExprKind::Engaged(receipt, message) => Some(format!("{receipt}({message})")),
        ExprKind::Apart(..) => Some(expr.to_string()),
        _ => None,
    }
}
