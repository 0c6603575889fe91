//! Expressions as text, the way an author would write them.

use super::{BinaryOp, EachOp, Expr, ExprKind, Function, Root, UnaryOp};
use std::fmt::{Display, Formatter, Result};
use words::{Elapsed, Value};

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write(self, 0, f)
    }
}

/// How tightly an operator binds.
fn strength(op: BinaryOp) -> u8 {
    match op {
        BinaryOp::Or => 2,
        BinaryOp::And => 3,
        BinaryOp::Add | BinaryOp::Subtract => 6,
        BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Remainder => 7,
        _ => 5,
    }
}

fn sign(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::And => "and",
        BinaryOp::Or => "or",
        BinaryOp::Equal => "==",
        BinaryOp::NotEqual => "!=",
        BinaryOp::Less => "<",
        BinaryOp::LessEqual => "<=",
        BinaryOp::Greater => ">",
        BinaryOp::GreaterEqual => ">=",
        BinaryOp::Add => "+",
        BinaryOp::Subtract => "-",
        BinaryOp::Multiply => "*",
        BinaryOp::Divide => "/",
        BinaryOp::Remainder => "%",
        BinaryOp::In => "in",
    }
}

/// Writes an expression into a place that binds with `around`.
fn write(expr: &Expr, around: u8, f: &mut Formatter<'_>) -> Result {
    let own = match &expr.kind {
        ExprKind::Conditional(..) => 1,
        ExprKind::Binary(op, ..) => strength(*op),
        ExprKind::Unary(UnaryOp::Not, inner) => {
            if let ExprKind::Binary(BinaryOp::In, a, b) = &inner.kind {
                write(a, 6, f)?;
                f.write_str(" not in ")?;
                return write(b, 6, f);
            }
            4
        }
        ExprKind::Unary(UnaryOp::Negate, _) => 8,
        _ => 10,
    };
    if own < around {
        f.write_str("(")?;
    }
    match &expr.kind {
        ExprKind::Literal(value) => literal(value, f)?,
        ExprKind::Root(root) => match root {
            Root::Event => f.write_str("event")?,
            Root::Customer => f.write_str("customer")?,
            Root::Fact(name) if name.contains('(') => f.write_str(name)?,
            Root::Fact(name) => write!(f, "customer.{name}")?,
            Root::Segment(name) => write!(f, "in_segment(\"{name}\")")?,
            Root::Binding(name) => f.write_str(name)?,
            Root::It => f.write_str("it")?,
            Root::Item => f.write_str("item")?,
            Root::Before => f.write_str("before")?,
            Root::Now => f.write_str("now")?,
            Root::Turn => f.write_str("turn")?,
        },
        ExprKind::Field(base, name) => {
            write(base, 9, f)?;
            write!(f, ".{name}")?;
        }
        ExprKind::Index(base, index) => {
            write(base, 9, f)?;
            write!(f, "[{index}]")?;
        }
        ExprKind::List(items) => list("[", items, "]", f)?,
        ExprKind::Unary(UnaryOp::Not, inner) => {
            f.write_str("not ")?;
            write(inner, 5, f)?;
        }
        ExprKind::Unary(UnaryOp::Negate, inner) => {
            f.write_str("-")?;
            write(inner, 8, f)?;
        }
        ExprKind::Binary(op, a, b) => {
            write(a, if own == 5 { 6 } else { own }, f)?;
            write!(f, " {} ", sign(*op))?;
            write(b, own + 1, f)?;
        }
        ExprKind::Conditional(a, b, c) => {
            write(a, 2, f)?;
            write!(f, " ? {b} : {c}")?;
        }
        ExprKind::Has(inner) => write!(f, "has({inner})")?,
        ExprKind::Call(function, args) => call(*function, args, f)?,
        ExprKind::Each(op, base, variable, body) => {
            let name = match op {
                EachOp::Exists => "exists",
                EachOp::All => "all",
                EachOp::Filter => "filter",
                EachOp::Map => "map",
            };
            write(base, 9, f)?;
            write!(f, ".{name}({variable}, {body})")?;
        }
        ExprKind::Engaged(receipt, message) => write!(f, "{receipt}({message})")?,
        ExprKind::Apart(name, of) => {
            let of: &[Expr] = match &of.kind {
                ExprKind::List(parts) => parts,
                _ => std::slice::from_ref(of),
            };
            let shown = of.iter().fold(name.clone(), |name, of| name.replacen('…', &of.to_string(), 1));
            f.write_str(&shown)?;
        }
    }
    if own < around {
        f.write_str(")")?;
    }
    Ok(())
}

fn call(function: Function, args: &[Expr], f: &mut Formatter<'_>) -> Result {
    let name = match function {
        Function::Ago => {
            let Some(ExprKind::Literal(Value::Duration(length))) = args.first().map(|a| &a.kind) else {
                return list("ago(", args, ")", f);
            };
            let back = length.as_micros() >= 0;
            let shown = if back { *length } else { Elapsed::from_micros(-length.as_micros()) };
            return write!(f, "{}(\"{shown}\")", if back { "ago" } else { "ahead" });
        }
        Function::Size => "size",
        Function::Contains => "contains",
        Function::StartsWith => "starts_with",
        Function::EndsWith => "ends_with",
        Function::Lower => "lower",
        Function::Date => "date",
        Function::DaysBetween => "days_between",
        Function::Default => "default",
        Function::Text => "text",
        Function::Int => "int",
        Function::Min => "min",
        Function::Max => "max",
        Function::Item => "item",
    };
    f.write_str(name)?;
    list("(", args, ")", f)
}

fn list(open: &str, items: &[Expr], close: &str, f: &mut Formatter<'_>) -> Result {
    f.write_str(open)?;
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        write(item, 0, f)?;
    }
    f.write_str(close)
}

fn literal(value: &Value, f: &mut Formatter<'_>) -> Result {
    match value {
        Value::Null => f.write_str("null"),
        Value::Bool(b) => write!(f, "{b}"),
        Value::Int(n) => write!(f, "{n}"),
        Value::Float(n) => write!(f, "{n:?}"),
        Value::Text(text) => write!(f, "{text:?}"),
        Value::Money(money) => write!(f, "money(\"{money}\")"),
        Value::Time(time) => write!(f, "time(\"{time}\")"),
        Value::Date(date) => write!(f, "date(\"{date}\")"),
        Value::Duration(length) => write!(f, "duration(\"{length}\")"),
        Value::List(items) => {
            f.write_str("[")?;
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    f.write_str(", ")?;
                }
                literal(item, f)?;
            }
            f.write_str("]")
        }
        Value::Map(_) => f.write_str("{…}"),
    }
}
