//! What a condition proves to be there: `has(event.total)` holds, so below it `event.total` has a value.

use crate::expr::{BinaryOp, Expr, ExprKind, Root, UnaryOp};
use words::Value;

/// The path that an expression is, if it is one: `event.total`, `delivery`, `customer.plan`.
pub(crate) fn path_of(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Root(root) => match root {
            Root::Event => Some("event".to_owned()),
            Root::Customer => Some("customer".to_owned()),
            Root::Fact(name) => Some(format!("customer.{name}")),
            Root::Binding(name) => Some(name.clone()),
            Root::It => Some("it".to_owned()),
            Root::Item => Some("item".to_owned()),
            Root::Before => Some("before".to_owned()),
            Root::Segment(_) | Root::Now | Root::Turn => None,
        },
        ExprKind::Field(base, name) => Some(format!("{}.{name}", path_of(base)?)),
        ExprKind::Apart(..) => Some(format!("customer.{expr}")),
        _ => None,
    }
}

/// The paths that have a value wherever `expr` is `truth`.
pub(crate) fn known_if(expr: &Expr, truth: bool) -> Vec<String> {
    let mut out = Vec::new();
    collect(expr, truth, &mut out);
    out
}

fn collect(expr: &Expr, truth: bool, out: &mut Vec<String>) {
    match &expr.kind {
        ExprKind::Unary(UnaryOp::Not, inner) => collect(inner, !truth, out),
        ExprKind::Binary(BinaryOp::And, a, b) if truth => {
            collect(a, true, out);
            collect(b, true, out);
        }
        ExprKind::Binary(BinaryOp::Or, a, b) if !truth => {
            collect(a, false, out);
            collect(b, false, out);
        }
        ExprKind::Binary(BinaryOp::Or, a, b) | ExprKind::Binary(BinaryOp::And, a, b) => {
            let (left, right) = (known_if(a, truth), known_if(b, truth));
            out.extend(left.into_iter().filter(|path| right.contains(path)));
        }
        ExprKind::Has(inner) if truth => there(inner, out),
        ExprKind::Binary(op @ (BinaryOp::Equal | BinaryOp::NotEqual), a, b) => {
            let null = |e: &Expr| matches!(e.kind, ExprKind::Literal(Value::Null));
            let equal = (*op == BinaryOp::Equal) == truth;
            match (null(a), null(b)) {
                (false, true) if !equal => there(a, out),
                (true, false) if !equal => there(b, out),
                (false, false) if equal && !b.nullable => there(a, out),
                (false, false) if equal && !a.nullable => there(b, out),
                _ => {}
            }
        }
        ExprKind::Binary(
            BinaryOp::Less | BinaryOp::LessEqual | BinaryOp::Greater | BinaryOp::GreaterEqual,
            a,
            b,
        ) if truth => {
            there(a, out);
            there(b, out);
        }
        ExprKind::Binary(BinaryOp::In, a, b) if truth => {
            there(b, out);
            if !matches!(a.kind, ExprKind::Literal(_)) {
                there(a, out);
            }
        }
        ExprKind::Root(_) | ExprKind::Field(..) | ExprKind::Apart(..) if truth => there(expr, out),
        _ => {}
    }
}

/// The path and everything on the way to it.
fn there(expr: &Expr, out: &mut Vec<String>) {
    if let Some(path) = path_of(expr) {
        out.push(path);
        if let ExprKind::Field(base, _) = &expr.kind {
            there(base, out);
        }
    }
}
