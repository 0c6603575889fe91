//! From typed inputs to what the engine reads: checked against the declared types, built without a detour over JSON.

use crate::scope::{MARK, Typed};
use std::collections::BTreeMap;
use std::sync::Arc;
use tera::value::Key;
use words::{Elapsed, Money, Timestamp, Type, Value};

/// A declared type with its field names ready to be used as keys.
#[derive(Debug, Clone)]
pub(crate) enum Shape {
    Bool,
    Int,
    Float,
    Text,
    OneOf(Vec<String>),
    Money(Option<words::Currency>),
    Time,
    Date,
    Duration,
    List(Box<Shape>),
    Map(Vec<Field>),
    Any,
}

/// A field of a map.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    name: Arc<str>,
    shape: Shape,
    required: bool,
}

/// What does not fit, and where: `lines[2].price`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Misfit {
    pub(crate) path: String,
    pub(crate) reason: String,
}

impl Shape {
    pub(crate) fn of(ty: &Type) -> Self {
        match ty {
            Type::Bool => Self::Bool,
            Type::Int => Self::Int,
            Type::Float => Self::Float,
            Type::Text => Self::Text,
            Type::OneOf(texts) => Self::OneOf(texts.clone()),
            Type::Money(currency) => Self::Money(*currency),
            Type::Time => Self::Time,
            Type::Date => Self::Date,
            Type::Duration => Self::Duration,
            Type::List(inner) => Self::List(Box::new(Self::of(inner))),
            Type::Map(fields) => Self::Map(
                fields
                    .iter()
                    .map(|(name, (ty, required))| Field {
                        name: Arc::from(name.as_str()),
                        shape: Self::of(ty),
                        required: *required,
                    })
                    .collect(),
            ),
            Type::Any => Self::Any,
        }
    }

    /// The engine's value, or what does not fit.
    pub(crate) fn fit(&self, value: &Value) -> Result<tera::Value, Misfit> {
        let misfit = |wanted: &str| Misfit {
            path: String::new(),
            reason: format!("wants {wanted}, not {}", kind(value)),
        };
        Ok(match (self, value) {
            (Self::Bool, Value::Bool(b)) => tera::Value::from(*b),
            (Self::Int, Value::Int(i)) => tera::Value::from(*i),
            (Self::Float, Value::Float(f)) => tera::Value::from(*f),
            #[allow(clippy::cast_precision_loss)]
            (Self::Float, Value::Int(i)) => tera::Value::from(*i as f64),
            (Self::Text, Value::Text(text)) => text_value(text),
            (Self::OneOf(allowed), Value::Text(text)) if allowed.contains(text) => text_value(text),
            (Self::OneOf(allowed), _) => return Err(misfit(&format!("one of {}", allowed.join(", ")))),
            (Self::Money(currency), value) => match as_money(value) {
                Some(money) if currency.is_none_or(|c| c == money.currency) => typed(Typed::Money(money)),
                _ => return Err(misfit(&currency.map_or("money".to_owned(), |c| format!("money in {c}")))),
            },
            (Self::Time, Value::Time(time)) => typed(Typed::Time(*time)),
            (Self::Time, Value::Text(text)) if Timestamp::parse(text).is_ok() => {
                typed(Typed::Time(Timestamp::parse(text).unwrap_or_default()))
            }
            (Self::Date, Value::Date(date)) => typed(Typed::Date(*date)),
            (Self::Date, Value::Text(text)) => match text.parse() {
                Ok(date) => typed(Typed::Date(date)),
                Err(_) => return Err(misfit("a date, like 2026-12-24")),
            },
            (Self::Duration, Value::Duration(elapsed)) => typed(Typed::Duration(*elapsed)),
            (Self::Duration, Value::Text(text)) => match Elapsed::parse(text) {
                Ok(elapsed) => typed(Typed::Duration(elapsed)),
                Err(_) => return Err(misfit("a length of time, like 3 days")),
            },
            (Self::List(inner), Value::List(items)) => {
                let mut out = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    out.push(inner.fit(item).map_err(|m| m.below(&format!("[{index}]")))?);
                }
                tera::Value::from(out)
            }
            (Self::Map(fields), Value::Map(values)) => map(fields, values)?,
            (Self::Any, value) => any(value),
            (shape, _) => return Err(misfit(shape.name())),
        })
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Bool => "true or false",
            Self::Int => "a whole number",
            Self::Float => "a number",
            Self::Text | Self::OneOf(_) => "text",
            Self::Money(_) => "money",
            Self::Time => "an instant, like 2026-11-20T19:30:00+09:00",
            Self::Date => "a date",
            Self::Duration => "a length of time",
            Self::List(_) => "a list",
            Self::Map(_) => "named fields",
            Self::Any => "anything",
        }
    }
}

impl Misfit {
    pub(crate) fn below(mut self, prefix: &str) -> Self {
        let dot =
            if self.path.is_empty() || self.path.starts_with('[') || prefix.is_empty() { "" } else { "." };
        self.path = format!("{prefix}{dot}{}", self.path);
        self
    }
}

fn map(fields: &[Field], values: &BTreeMap<String, Value>) -> Result<tera::Value, Misfit> {
    // Both sides are sorted by name, so one walk over both is enough; the engine makes its own table of the result.
    let mut out = Vec::with_capacity(fields.len());
    let mut given = values.iter().peekable();
    for field in fields {
        if let Some((extra, _)) = given.next_if(|(name, _)| name.as_str() < &*field.name) {
            return Err(undeclared(extra));
        }
        match given.next_if(|(name, _)| name.as_str() == &*field.name).map(|(_, value)| value) {
            None | Some(Value::Null) if field.required => {
                return Err(Misfit { path: field.name.to_string(), reason: "is missing".to_owned() });
            }
            None | Some(Value::Null) => {}
            Some(value) => {
                let value = field.shape.fit(value).map_err(|m| m.below(&field.name))?;
                out.push((Key::String(Arc::clone(&field.name)), value));
            }
        }
    }
    if let Some((extra, _)) = given.next() {
        return Err(undeclared(extra));
    }
    Ok(tera::Value::from(BTreeMap::from_iter(out)))
}

fn undeclared(name: &str) -> Misfit {
    Misfit { path: name.to_owned(), reason: "is not declared".to_owned() }
}

fn any(value: &Value) -> tera::Value {
    match value {
        Value::Null => tera::Value::none(),
        Value::Bool(b) => tera::Value::from(*b),
        Value::Int(i) => tera::Value::from(*i),
        Value::Float(f) => tera::Value::from(*f),
        Value::Text(text) => text_value(text),
        Value::Money(money) => typed(Typed::Money(*money)),
        Value::Time(time) => typed(Typed::Time(*time)),
        Value::Date(date) => typed(Typed::Date(*date)),
        Value::Duration(elapsed) => typed(Typed::Duration(*elapsed)),
        Value::List(items) => tera::Value::from(items.iter().map(any).collect::<Vec<_>>()),
        Value::Map(values) => {
            let mut out = tera::Map::with_capacity(values.len());
            for (key, value) in values {
                out.insert(Key::String(Arc::from(key.as_str())), any(value));
            }
            tera::Value::from(out)
        }
    }
}

/// Text from outside: it cannot pass for a typed value.
pub(crate) fn text_value(text: &str) -> tera::Value {
    tera::Value::normal_string(text.trim_start_matches(MARK))
}

/// A typed value as it travels.
pub(crate) fn typed(value: Typed) -> tera::Value {
    tera::Value::normal_string(&value.encode())
}

fn as_money(value: &Value) -> Option<Money> {
    match value {
        Value::Money(money) => Some(*money),
        Value::Text(text) => Money::parse(text).ok(),
        _ => None,
    }
}

fn kind(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(b) => format!("{b}"),
        Value::Int(i) => format!("{i}"),
        Value::Float(f) => format!("{f}"),
        Value::Text(text) => format!("`{}`", text.chars().take(40).collect::<String>()),
        Value::Money(money) => format!("{money}"),
        Value::Time(_) => "an instant".to_owned(),
        Value::Date(_) => "a date".to_owned(),
        Value::Duration(_) => "a length of time".to_owned(),
        Value::List(_) => "a list".to_owned(),
        Value::Map(_) => "named fields".to_owned(),
    }
}
