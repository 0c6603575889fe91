//! Sums, differences, products, quotients. What does not fit, or has no meaning, is null.

use words::{Elapsed, Money, Value};

const DAY: i64 = 86_400_000_000;

/// `a + b`: numbers, money of one currency, texts, lists, lengths of time; a date or an instant and a length of time.
pub(crate) fn add(left: &Value, right: &Value) -> Value {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => whole(a.checked_add(*b)),
        (Value::Money(a), Value::Money(b)) => a.plus(*b).map_or(Value::Null, Value::Money),
        (Value::Text(a), Value::Text(b)) => Value::Text(format!("{a}{b}")),
        (Value::List(a), Value::List(b)) => Value::List(a.iter().chain(b).cloned().collect()),
        (Value::Duration(a), Value::Duration(b)) => length(a.as_micros().checked_add(b.as_micros())),
        (Value::Time(at), Value::Duration(by)) | (Value::Duration(by), Value::Time(at)) => {
            Value::Time(at.plus(*by))
        }
        (Value::Date(date), Value::Duration(by)) | (Value::Duration(by), Value::Date(date)) => {
            shifted(*date, by.as_micros())
        }
        _ => floats(left, right, |a, b| a + b),
    }
}

/// `a - b`; of two dates or instants the length of time between them.
pub(super) fn subtract(left: &Value, right: &Value) -> Value {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => whole(a.checked_sub(*b)),
        (Value::Time(a), Value::Time(b)) => length(a.as_micros().checked_sub(b.as_micros())),
        (Value::Date(a), Value::Date(b)) => length(days(*b, *a).checked_mul(DAY)),
        (Value::Money(_) | Value::Duration(_), _) | (Value::Time(_) | Value::Date(_), Value::Duration(_)) => {
            add(left, &negate(right))
        }
        _ => floats(left, right, |a, b| a - b),
    }
}

/// `a * b`: numbers; money or a length of time with a number. Minor units are rounded, halves away from zero.
pub(super) fn multiply(left: &Value, right: &Value) -> Value {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => whole(a.checked_mul(*b)),
        (Value::Money(a), Value::Int(by)) | (Value::Int(by), Value::Money(a)) => {
            amount(*a, a.minor.checked_mul(*by))
        }
        (Value::Money(a), Value::Float(by)) | (Value::Float(by), Value::Money(a)) => {
            amount(*a, rounded(a.minor as f64 * by))
        }
        (Value::Duration(a), Value::Int(by)) | (Value::Int(by), Value::Duration(a)) => {
            length(a.as_micros().checked_mul(*by))
        }
        (Value::Duration(a), Value::Float(by)) | (Value::Float(by), Value::Duration(a)) => {
            length(rounded(a.as_micros() as f64 * by))
        }
        _ => floats(left, right, |a, b| a * b),
    }
}

/// `a / b`: whole numbers give a whole number, cut; money by money of the same currency a number.
pub(super) fn divide(left: &Value, right: &Value) -> Value {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => whole(a.checked_div(*b)),
        (Value::Money(a), Value::Int(0)) => amount(*a, None),
        (Value::Money(a), Value::Int(by)) => amount(*a, rounded(a.minor as f64 / *by as f64)),
        (Value::Money(a), Value::Float(by)) => amount(*a, rounded(a.minor as f64 / by)),
        (Value::Money(a), Value::Money(b)) if a.currency == b.currency => {
            number(a.minor as f64 / b.minor as f64)
        }
        (Value::Duration(a), Value::Int(by)) => length(a.as_micros().checked_div(*by)),
        (Value::Duration(a), Value::Duration(b)) => number(a.as_micros() as f64 / b.as_micros() as f64),
        _ => floats(left, right, |a, b| a / b),
    }
}

/// `a % b`, with the sign of `a`.
pub(super) fn remainder(left: &Value, right: &Value) -> Value {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => whole(a.checked_rem(*b)),
        _ => floats(left, right, |a, b| a % b),
    }
}

pub(super) fn negate(of: &Value) -> Value {
    match of {
        Value::Int(a) => whole(a.checked_neg()),
        Value::Float(a) => number(-a),
        Value::Money(a) => amount(*a, a.minor.checked_neg()),
        Value::Duration(a) => length(a.as_micros().checked_neg()),
        _ => Value::Null,
    }
}

/// Whole days from `a` to `b`.
pub(super) fn days(a: jiff::civil::Date, b: jiff::civil::Date) -> i64 {
    a.until(b).map_or(0, |span| i64::from(span.get_days()))
}

fn shifted(date: jiff::civil::Date, micros: i64) -> Value {
    let days = i32::try_from(micros.div_euclid(DAY)).ok();
    let span = days.and_then(|days| jiff::Span::new().try_days(days).ok());
    span.and_then(|span| date.checked_add(span).ok()).map_or(Value::Null, Value::Date)
}

pub(super) fn number(of: f64) -> Value {
    if of.is_finite() { Value::Float(of) } else { Value::Null }
}

/// `None` outside what `i64` holds exactly enough.
pub(super) fn rounded(of: f64) -> Option<i64> {
    (of.is_finite() && of.abs() < 9.2e18).then(|| of.round() as i64)
}

fn whole(of: Option<i64>) -> Value {
    of.map_or(Value::Null, Value::Int)
}

fn length(of: Option<i64>) -> Value {
    of.map_or(Value::Null, |micros| Value::Duration(Elapsed::from_micros(micros)))
}

fn amount(of: Money, minor: Option<i64>) -> Value {
    minor.map_or(Value::Null, |minor| Value::Money(Money::new(minor, of.currency)))
}

fn floats(left: &Value, right: &Value, op: impl Fn(f64, f64) -> f64) -> Value {
    match (as_float(left), as_float(right)) {
        (Some(a), Some(b)) => number(op(a, b)),
        _ => Value::Null,
    }
}

fn as_float(of: &Value) -> Option<f64> {
    match of {
        Value::Int(a) => Some(*a as f64),
        Value::Float(a) => Some(*a),
        _ => None,
    }
}
