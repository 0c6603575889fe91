//! Functions of values.

use super::Env;
use super::arithmetic::{days, rounded};
use super::compare::{contains, order};
use journey::Function;
use std::borrow::Cow;
use words::calendar::{Date, local_date};
use words::{Elapsed, Timestamp, Value};

/// Too few or wrong arguments give null: the compiler lets none through.
pub(super) fn call(function: Function, arguments: &[Cow<'_, Value>], env: &Env<'_>) -> Value {
    let first = arguments.first().map_or(&Value::Null, |a| &**a);
    let second = arguments.get(1).map_or(&Value::Null, |a| &**a);
    match function {
        Function::Ago => match length(first) {
            Some(length) => Value::Time(env.now.minus(length)),
            None => Value::Null,
        },
        Function::Size => size(first),
        Function::Contains => match (first, second) {
            (Value::Text(text), Value::Text(part)) => Value::Bool(text.contains(part.as_str())),
            _ => Value::Bool(contains(first, second, env)),
        },
        Function::StartsWith => texts(first, second, |text, part| text.starts_with(part)),
        Function::EndsWith => texts(first, second, |text, part| text.ends_with(part)),
        Function::Lower => match first {
            Value::Text(text) => Value::Text(text.to_lowercase()),
            _ => Value::Null,
        },
        Function::Date => date(first, env).map_or(Value::Null, Value::Date),
        Function::DaysBetween => days_between(first, second, env),
        Function::Default => if *first == Value::Null { second } else { first }.clone(),
        Function::Text => text(first),
        Function::Int => int(first),
        Function::Min => pick(first, second, std::cmp::Ordering::Greater),
        Function::Max => pick(first, second, std::cmp::Ordering::Less),
        Function::Item => match (first, second) {
            (Value::Text(catalog), id) => match text(id) {
                Value::Text(id) => {
                    env.known.item(catalog, &id).map_or(Value::Null, |item| Value::Map(item.clone()))
                }
                _ => Value::Null,
            },
            _ => Value::Null,
        },
    }
}

fn length(of: &Value) -> Option<Elapsed> {
    match of {
        Value::Duration(length) => Some(*length),
        Value::Text(text) => Elapsed::parse(text).ok(),
        _ => None,
    }
}

fn size(of: &Value) -> Value {
    let size = match of {
        Value::Text(text) => text.chars().count(),
        Value::List(items) => items.len(),
        Value::Map(map) => map.len(),
        _ => return Value::Null,
    };
    Value::Int(i64::try_from(size).unwrap_or(i64::MAX))
}

fn texts(text: &Value, part: &Value, test: impl Fn(&str, &str) -> bool) -> Value {
    match (text, part) {
        (Value::Text(text), Value::Text(part)) => Value::Bool(test(text, part)),
        _ => Value::Bool(false),
    }
}

/// The civil date of a value in the customer's zone.
fn date(of: &Value, env: &Env<'_>) -> Option<Date> {
    match of {
        Value::Date(date) => Some(*date),
        Value::Time(at) => Some(local_date(env.known.zone(), *at)),
        Value::Text(text) => match text.parse::<Date>() {
            Ok(date) if text.len() == 10 => Some(date),
            _ => Timestamp::parse(text).ok().map(|at| local_date(env.known.zone(), at)),
        },
        _ => None,
    }
}

/// Between two instants whole periods of 24 hours, cut; else between the two dates of the customer's calendar.
fn days_between(from: &Value, to: &Value, env: &Env<'_>) -> Value {
    if let (Value::Time(from), Value::Time(to)) = (from, to) {
        return Value::Int(to.since(*from).as_micros() / Elapsed::from_days(1).as_micros());
    }
    match (date(from, env), date(to, env)) {
        (Some(from), Some(to)) => Value::Int(days(from, to)),
        _ => Value::Null,
    }
}

/// As text for people and keys: instants in RFC 3339, money as `3000 JPY`. Lists and maps have none.
pub(crate) fn text(of: &Value) -> Value {
    Value::Text(match of {
        Value::Bool(b) => b.to_string(),
        Value::Int(i) => i.to_string(),
        Value::Float(f) => f.to_string(),
        Value::Text(text) => text.clone(),
        Value::Money(money) => money.to_string(),
        Value::Time(at) => at.to_string(),
        Value::Date(date) => date.to_string(),
        Value::Duration(length) => length.to_string(),
        Value::Null | Value::List(_) | Value::Map(_) => return Value::Null,
    })
}

/// As a whole number; null where it is none.
pub(crate) fn int(of: &Value) -> Value {
    let int = match of {
        Value::Int(i) => Some(*i),
        Value::Float(f) => rounded(f.trunc()),
        Value::Bool(b) => Some(i64::from(*b)),
        Value::Text(text) => text.trim().parse().ok(),
        _ => None,
    };
    int.map_or(Value::Null, Value::Int)
}

/// The first, unless its order to the second is `not`.
fn pick(first: &Value, second: &Value, not: std::cmp::Ordering) -> Value {
    match order(first, second) {
        Some(found) if found == not => second.clone(),
        Some(_) => first.clone(),
        None => Value::Null,
    }
}
