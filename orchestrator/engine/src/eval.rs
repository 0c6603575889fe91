//! Expressions, evaluated.
//!
//! Total: whatever the values, there is an answer. What cannot be computed (overflow, division by zero, two
//! currencies in one sum, nothing there) is null. Comparing with null, or amounts of two currencies, is false except
//! for `!=`. `and`, `or` and conditions take null for false; `not` of null is true.

mod arithmetic;
mod compare;
mod function;
mod place;
#[cfg(test)]
mod tests;

pub(crate) use arithmetic::add;
pub(crate) use compare::order;
pub(crate) use function::{int, text};
pub use place::Env;
pub(crate) use place::{Locals, event_value};

use journey::expr::EachOp;
use journey::{BinaryOp, Expr, ExprKind, UnaryOp};
use std::borrow::Cow;
use words::Value;

/// The value of an expression. Total: what cannot be computed is null.
pub fn eval(expr: &Expr, env: &Env<'_>) -> Value {
    value(expr, env).into_owned()
}

/// Whether a condition holds: its value is `true`, and nothing else.
pub fn holds(expr: &Expr, env: &Env<'_>) -> bool {
    matches!(*value(expr, env), Value::Bool(true))
}

/// The value, borrowed where it lies ready.
fn value<'a>(expr: &'a Expr, env: &Env<'a>) -> Cow<'a, Value> {
    match &expr.kind {
        ExprKind::Literal(value) => Cow::Borrowed(value),
        ExprKind::Root(root) => place::root(root, env),
        ExprKind::Field(of, name) => match &of.kind {
            ExprKind::Root(root) => place::root_field(root, name, env),
            _ => field(value(of, env), name),
        },
        ExprKind::Index(of, index) => match *value(index, env) {
            Value::Int(index) => element(value(of, env), index),
            ref key => match key {
                Value::Text(key) => field(value(of, env), key),
                _ => null(),
            },
        },
        ExprKind::List(items) => {
            Cow::Owned(Value::List(items.iter().map(|item| value(item, env).into_owned()).collect()))
        }
        ExprKind::Unary(op, of) => Cow::Owned(unary(*op, &value(of, env))),
        ExprKind::Binary(op, left, right) => Cow::Owned(binary(*op, left, right, env)),
        ExprKind::Conditional(condition, then, otherwise) => {
            value(if holds(condition, env) { then } else { otherwise }, env)
        }
        ExprKind::Has(of) => Cow::Owned(Value::Bool(*value(of, env) != Value::Null)),
        ExprKind::Call(function, arguments) => {
            let arguments: Vec<Cow<'_, Value>> = arguments.iter().map(|a| value(a, env)).collect();
            Cow::Owned(function::call(*function, &arguments, env))
        }
        ExprKind::Each(op, list, variable, body) => Cow::Owned(each(*op, list, variable, body, env)),
        ExprKind::Apart(name, of) => Cow::Owned(env.known.fact_of(name, &value(of, env), env.now)),
        ExprKind::Engaged(receipt, message) => Cow::Owned(Value::Bool(
            env.engaged.is_some_and(|engaged| engaged.iter().any(|(r, m)| r == receipt && m == message)),
        )),
    }
}

fn null<'a>() -> Cow<'a, Value> {
    Cow::Owned(Value::Null)
}

/// A field of a value, without copying the rest of it.
fn field<'a>(of: Cow<'a, Value>, name: &str) -> Cow<'a, Value> {
    match of {
        Cow::Borrowed(of) => Cow::Borrowed(of.field(name)),
        Cow::Owned(Value::Map(mut map)) => map.remove(name).map_or_else(null, Cow::Owned),
        Cow::Owned(_) => null(),
    }
}

fn element(of: Cow<'_, Value>, index: i64) -> Cow<'_, Value> {
    let Ok(index) = usize::try_from(index) else { return null() };
    match of {
        Cow::Borrowed(Value::List(items)) => items.get(index).map_or_else(null, Cow::Borrowed),
        Cow::Owned(Value::List(mut items)) if index < items.len() => Cow::Owned(items.swap_remove(index)),
        _ => null(),
    }
}

fn unary(op: UnaryOp, of: &Value) -> Value {
    match (op, of) {
        (UnaryOp::Not, Value::Bool(true)) => Value::Bool(false),
        (UnaryOp::Not, _) => Value::Bool(true),
        (UnaryOp::Negate, of) => arithmetic::negate(of),
    }
}

fn binary(op: BinaryOp, left: &Expr, right: &Expr, env: &Env<'_>) -> Value {
    match op {
        BinaryOp::And => return Value::Bool(holds(left, env) && holds(right, env)),
        BinaryOp::Or => return Value::Bool(holds(left, env) || holds(right, env)),
        _ => {}
    }
    let (left, right) = (&*value(left, env), &*value(right, env));
    match op {
        BinaryOp::And | BinaryOp::Or => Value::Null,
        BinaryOp::Equal => Value::Bool(compare::equal(left, right, env)),
        BinaryOp::NotEqual => Value::Bool(!compare::equal(left, right, env)),
        BinaryOp::Less => compare::is(left, right, env, |o| o.is_lt()),
        BinaryOp::LessEqual => compare::is(left, right, env, |o| o.is_le()),
        BinaryOp::Greater => compare::is(left, right, env, |o| o.is_gt()),
        BinaryOp::GreaterEqual => compare::is(left, right, env, |o| o.is_ge()),
        BinaryOp::Add => arithmetic::add(left, right),
        BinaryOp::Subtract => arithmetic::subtract(left, right),
        BinaryOp::Multiply => arithmetic::multiply(left, right),
        BinaryOp::Divide => arithmetic::divide(left, right),
        BinaryOp::Remainder => arithmetic::remainder(left, right),
        BinaryOp::In => Value::Bool(compare::contains(right, left, env)),
    }
}

fn each(op: EachOp, list: &Expr, variable: &str, body: &Expr, env: &Env<'_>) -> Value {
    let list = value(list, env);
    let empty = Vec::new();
    let items = match &*list {
        Value::List(items) => items,
        Value::Null if matches!(op, EachOp::Filter | EachOp::Map) => return Value::Null,
        _ => &empty,
    };
    let inside = |item: &Value| {
        let locals = Locals { name: variable, value: item, outer: env.locals };
        eval(body, &Env { locals: Some(&locals), ..*env })
    };
    let yes = |item: &Value| inside(item) == Value::Bool(true);
    match op {
        EachOp::Exists => Value::Bool(items.iter().any(yes)),
        EachOp::All => Value::Bool(items.iter().all(yes)),
        EachOp::Filter => Value::List(items.iter().filter(|item| yes(item)).cloned().collect()),
        EachOp::Map => Value::List(items.iter().map(inside).collect()),
    }
}
