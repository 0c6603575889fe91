//! Values that move with the clock, and when two of them meet.

use super::flip::Flips;
use crate::Env;
use crate::eval::eval;
use journey::parts::walk;
use journey::{BinaryOp, Expr, ExprKind, Function, Root, UnaryOp};
use words::calendar::{Date, local_date};
use words::{Elapsed, Timestamp, Value};

const DAY: i128 = 86_400_000_000;

/// A value as a function of time.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Moving {
    /// Time alone does not change it, but for what its facts offered.
    Still(Value),
    /// An instant or a length of time: so many microseconds now, and so many more with each that passes.
    Micros { micros: i128, slope: i64, instant: bool },
    /// A date: slope 0 a fixed one; slope 1 that of the calendar `lead` microseconds from now, `shift` days later.
    Day { date: Date, slope: i64, lead: i64, shift: i64 },
    /// Whole periods of 24 hours, counted towards zero, in so many microseconds.
    Periods { micros: i128, slope: i64 },
    /// Not to be computed ahead; its parts offered what they could.
    Unknown,
}

/// How an expression moves. Offers the changes of the facts in it on the way.
pub(super) fn moving(expr: &Expr, env: &Env<'_>, flips: &mut Flips<'_>) -> Moving {
    if !speaks_of_now(expr) {
        flips.scan(expr, env);
        return still(eval(expr, env));
    }
    let value = match &expr.kind {
        ExprKind::Root(Root::Now) => {
            Moving::Micros { micros: i128::from(env.now.as_micros()), slope: 1, instant: true }
        }
        ExprKind::Unary(UnaryOp::Negate, of) => match moving(of, env, flips) {
            Moving::Micros { micros, slope, instant: false } => {
                Moving::Micros { micros: -micros, slope: -slope, instant: false }
            }
            Moving::Still(value) if value == Value::Null => Moving::Still(value),
            _ => Moving::Unknown,
        },
        ExprKind::Binary(BinaryOp::Add, a, b) => sum(moving(a, env, flips), moving(b, env, flips), 1),
        ExprKind::Binary(BinaryOp::Subtract, a, b) => sum(moving(a, env, flips), moving(b, env, flips), -1),
        ExprKind::Conditional(condition, then, otherwise) => {
            flips.scan(condition, env);
            moving(if crate::holds(condition, env) { then } else { otherwise }, env, flips)
        }
        ExprKind::Call(function, arguments) => call(*function, arguments, env, flips),
        _ => Moving::Unknown,
    };
    if value == Moving::Unknown {
        scan_parts(expr, env, flips);
    }
    value
}

/// Offers the instants at which a comparison of the two may turn. `false`: they were not told; the values' own
/// changes count.
pub(super) fn crossing(a: &Moving, b: &Moving, env: &Env<'_>, flips: &mut Flips<'_>) -> bool {
    match (a, b) {
        (Moving::Still(_), Moving::Still(_)) => true,
        (Moving::Still(Value::Null), _) | (_, Moving::Still(Value::Null)) => true,
        (
            Moving::Micros { micros: a, slope: s, instant: x },
            Moving::Micros { micros: b, slope: r, instant: y },
        ) if x == y => {
            let slope = i128::from(*s) - i128::from(*r);
            if slope != 0 {
                let meet = (b - a).div_euclid(slope);
                (-1..=2).for_each(|step| flips.offer_in(meet + step));
            }
            true
        }
        (Moving::Day { .. }, Moving::Micros { .. }) => crossing(a, &date_of(b, env), env, flips),
        (Moving::Micros { .. }, Moving::Day { .. }) => crossing(&date_of(a, env), b, env, flips),
        (Moving::Day { slope: 0, .. }, Moving::Day { slope: 0, .. }) => true,
        (Moving::Day { slope: 1, lead, shift, .. }, Moving::Day { slope: 0, date, .. })
        | (Moving::Day { slope: 0, date, .. }, Moving::Day { slope: 1, lead, shift, .. }) => {
            for days in [-shift, 1 - shift] {
                if let Some(date) = date_plus(*date, days) {
                    flips.offer_date(date, *lead, env);
                }
            }
            true
        }
        (Moving::Periods { micros, slope }, Moving::Still(value))
        | (Moving::Still(value), Moving::Periods { micros, slope }) => {
            let Some(wanted) = number(value) else { return true };
            for edge in [wanted.floor() as i128 - 1, wanted.floor() as i128, wanted.floor() as i128 + 1] {
                let left = (edge.saturating_mul(DAY) - micros) * i128::from(slope.signum());
                (-1..=1).for_each(|step| flips.offer_in(left + step));
            }
            true
        }
        _ => false,
    }
}

fn still(value: Value) -> Moving {
    match value {
        Value::Time(at) => Moving::Micros { micros: i128::from(at.as_micros()), slope: 0, instant: true },
        Value::Duration(length) => {
            Moving::Micros { micros: i128::from(length.as_micros()), slope: 0, instant: false }
        }
        Value::Date(date) => Moving::Day { date, slope: 0, lead: 0, shift: 0 },
        value => Moving::Still(value),
    }
}

fn call(function: Function, arguments: &[Expr], env: &Env<'_>, flips: &mut Flips<'_>) -> Moving {
    let mut moved: Vec<Moving> = arguments.iter().map(|part| moving(part, env, flips)).collect();
    let (second, first) = match moved.len() {
        1 => (None, moved.pop()),
        2 => (moved.pop(), moved.pop()),
        _ => return Moving::Unknown,
    };
    let Some(first) = first else { return Moving::Unknown };
    match (function, first, second) {
        (Function::Ago, Moving::Still(Value::Text(text)), None) => match Elapsed::parse(&text) {
            Ok(length) => ago(env, i128::from(length.as_micros()), 0),
            Err(_) => Moving::Still(Value::Null),
        },
        (Function::Ago, Moving::Micros { micros, slope, instant: false }, None) => ago(env, micros, slope),
        (Function::Date, value @ (Moving::Micros { instant: true, .. } | Moving::Day { .. }), None) => {
            date_of(&value, env)
        }
        (_, Moving::Still(Value::Null), None) => Moving::Still(Value::Null),
        (Function::DaysBetween, Moving::Still(Value::Null), _)
        | (Function::DaysBetween, _, Some(Moving::Still(Value::Null))) => Moving::Still(Value::Null),
        (
            Function::DaysBetween,
            Moving::Micros { micros: from, slope: s, instant: true },
            Some(Moving::Micros { micros: to, slope: r, instant: true }),
        ) => Moving::Periods { micros: to - from, slope: r - s },
        (Function::Default, Moving::Still(Value::Null), Some(second)) => second,
        (Function::Default, first, Some(_)) => first,
        (Function::DaysBetween, a, Some(b)) => {
            for value in [&date_of(&a, env), &date_of(&b, env)] {
                if let Moving::Day { slope: 1, lead, .. } = value {
                    flips.offer_midnight(*lead, env);
                }
            }
            Moving::Still(Value::Int(0)).masked(&a, &b)
        }
        (Function::Min | Function::Max, a, Some(b)) => {
            if !crossing(&a, &b, env, flips) {
                return Moving::Unknown;
            }
            let first_is_less = now_value(&a) <= now_value(&b);
            if first_is_less == (function == Function::Min) { a } else { b }
        }
        _ => Moving::Unknown,
    }
}

impl Moving {
    /// Days between two dates change at midnights, which were offered; where a part is not a date they are unknown.
    fn masked(self, a: &Self, b: &Self) -> Self {
        let dated = |value: &Self| matches!(value, Self::Day { .. } | Self::Micros { instant: true, .. });
        if dated(a) && dated(b) { self } else { Self::Unknown }
    }
}

fn ago(env: &Env<'_>, micros: i128, slope: i64) -> Moving {
    Moving::Micros { micros: i128::from(env.now.as_micros()) - micros, slope: 1 - slope, instant: true }
}

fn now_value(value: &Moving) -> Option<i128> {
    match value {
        Moving::Micros { micros, .. } => Some(*micros),
        Moving::Day { date, shift, .. } => date_plus(*date, *shift)
            .map(|date| i128::from(date.year()) * 400 + i128::from(date.day_of_year())),
        _ => None,
    }
}

/// The date that the customer's calendar shows at an instant. A date that moves at another pace is unknown.
fn date_of(value: &Moving, env: &Env<'_>) -> Moving {
    let Moving::Micros { micros, slope, instant: true } = value else { return value.clone() };
    let Ok(micros) = i64::try_from(*micros) else { return Moving::Unknown };
    let date = local_date(env.known.zone(), Timestamp::from_micros(micros));
    match slope {
        0 => Moving::Day { date, slope: 0, lead: 0, shift: 0 },
        1 => {
            let lead = micros.saturating_sub(env.now.as_micros());
            Moving::Day { date, slope: 1, lead, shift: 0 }
        }
        _ => Moving::Unknown,
    }
}

fn sum(a: Moving, b: Moving, sign: i64) -> Moving {
    match (a, b) {
        (Moving::Still(Value::Null), _) | (_, Moving::Still(Value::Null)) => Moving::Still(Value::Null),
        (
            Moving::Micros { micros: a, slope: s, instant: x },
            Moving::Micros { micros: b, slope: r, instant: y },
        ) if !(x && y && sign == 1) => {
            Moving::Micros { micros: a + b * i128::from(sign), slope: s + r * sign, instant: x != y }
        }
        (Moving::Day { date, slope, lead, shift }, Moving::Micros { micros, slope: 0, instant: false })
        | (Moving::Micros { micros, slope: 0, instant: false }, Moving::Day { date, slope, lead, shift }) => {
            let days = i64::try_from((micros * i128::from(sign)).div_euclid(DAY)).unwrap_or(0);
            match slope {
                0 => date_plus(date, days).map_or(Moving::Unknown, |date| Moving::Day {
                    date,
                    slope,
                    lead,
                    shift,
                }),
                _ => Moving::Day { date, slope, lead, shift: shift + days },
            }
        }
        _ => Moving::Unknown,
    }
}

fn date_plus(date: Date, days: i64) -> Option<Date> {
    let span = jiff::Span::new().try_days(days).ok()?;
    date.checked_add(span).ok()
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(number.clamp(-1e15, 1e15)),
        _ => None,
    }
}

fn speaks_of_now(expr: &Expr) -> bool {
    let mut found = false;
    walk(expr, &mut |part| {
        found |= matches!(&part.kind, ExprKind::Root(Root::Now) | ExprKind::Call(Function::Ago, _));
        !found
    });
    found
}

/// Offers what the parts offer by themselves.
fn scan_parts(expr: &Expr, env: &Env<'_>, flips: &mut Flips<'_>) {
    use BinaryOp::{Add, Divide, Multiply, Remainder, Subtract};
    match &expr.kind {
        // Both sides have been looked at as moving values, which offer nothing of their own.
        ExprKind::Binary(Add | Subtract | Multiply | Divide | Remainder, a, b) => {
            flips.scan(a, env);
            flips.scan(b, env);
        }
        ExprKind::Call(_, arguments) => arguments.iter().for_each(|part| flips.scan(part, env)),
        ExprKind::Unary(UnaryOp::Negate, of) => flips.scan(of, env),
        ExprKind::Root(_) | ExprKind::Literal(_) | ExprKind::Conditional(..) => {}
        _ => flips.scan(expr, env),
    }
}
