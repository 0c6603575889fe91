//! Comparing values.

use super::Env;
use std::cmp::Ordering;
use words::Value;
use words::calendar::local_date;

/// The order of two values of one kind; `None` where they have none (null, two currencies, different kinds).
pub(crate) fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
        (Value::Int(a), Value::Float(b)) => (*a as f64).partial_cmp(b),
        (Value::Float(a), Value::Int(b)) => a.partial_cmp(&(*b as f64)),
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        (Value::Money(a), Value::Money(b)) => a.partial_cmp(b),
        (Value::Time(a), Value::Time(b)) => Some(a.cmp(b)),
        (Value::Date(a), Value::Date(b)) => Some(a.cmp(b)),
        (Value::Duration(a), Value::Duration(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

/// As [`order`], and an instant compared with a date is the date that the customer's calendar shows then.
fn order_here(left: &Value, right: &Value, env: &Env<'_>) -> Option<Ordering> {
    match (left, right) {
        (Value::Time(a), Value::Date(b)) => Some(local_date(env.known.zone(), *a).cmp(b)),
        (Value::Date(a), Value::Time(b)) => Some(a.cmp(&local_date(env.known.zone(), *b))),
        _ => order(left, right),
    }
}

pub(super) fn is(left: &Value, right: &Value, env: &Env<'_>, wanted: impl Fn(Ordering) -> bool) -> Value {
    Value::Bool(order_here(left, right, env).is_some_and(wanted))
}

pub(super) fn equal(left: &Value, right: &Value, env: &Env<'_>) -> bool {
    match (left, right) {
        (Value::Null, Value::Null) => true,
        (Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b, env))
        }
        (Value::Map(_), Value::Map(_)) => left == right,
        _ => order_here(left, right, env) == Some(Ordering::Equal),
    }
}

/// `one in many`: an element of a list, a key of a map. Null is in nothing.
pub(super) fn contains(many: &Value, one: &Value, env: &Env<'_>) -> bool {
    match (many, one) {
        (_, Value::Null) => false,
        (Value::List(items), one) => items.iter().any(|item| equal(item, one, env)),
        (Value::Map(map), Value::Text(key)) => map.contains_key(key),
        _ => false,
    }
}
