//! Values and their types, as expressions, schemas and templates see them.

use crate::{Elapsed, Money, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A value. Its JSON form is self-describing where JSON alone is not: see [`Value::to_plain_json`] for the plain one.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// Nothing there.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// Text.
    Text(String),
    /// An amount of money.
    Money(Money),
    /// An instant.
    Time(Timestamp),
    /// A date of the calendar, without a zone.
    Date(jiff::civil::Date),
    /// A length of elapsed time.
    Duration(Elapsed),
    /// Several values of one type.
    List(Vec<Value>),
    /// Named values.
    Map(BTreeMap<String, Value>),
}

/// The type of a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Type {
    /// True or false.
    Bool,
    /// A whole number.
    Int,
    /// A number with a fraction.
    Float,
    /// Text.
    Text,
    /// One of these texts.
    OneOf(Vec<String>),
    /// Money, perhaps of one currency alone.
    Money(Option<crate::Currency>),
    /// An instant.
    Time,
    /// A date of the calendar.
    Date,
    /// A length of time.
    Duration,
    /// Many of one type.
    List(Box<Type>),
    /// Named fields; `true` where the field is always there.
    Map(BTreeMap<String, (Type, bool)>),
    /// Anything: undeclared, not to be computed with.
    Any,
}

impl Value {
    /// Plain JSON for templates and APIs: money as `{amount, currency, minor}`, instants and dates as text.
    pub fn to_plain_json(&self) -> serde_json::Value {
        use serde_json::{Value as Json, json};
        match self {
            Self::Null => Json::Null,
            Self::Bool(b) => Json::Bool(*b),
            Self::Int(i) => json!(i),
            Self::Float(f) => json!(f),
            Self::Text(s) => Json::String(s.clone()),
            Self::Money(m) => {
                json!({"amount": m.decimal(), "currency": m.currency.as_str(), "minor": m.minor})
            }
            Self::Time(t) => Json::String(t.to_string()),
            Self::Date(d) => Json::String(d.to_string()),
            Self::Duration(d) => json!(d.as_micros()),
            Self::List(items) => Json::Array(items.iter().map(Self::to_plain_json).collect()),
            Self::Map(map) => Json::Object(map.iter().map(|(k, v)| (k.clone(), v.to_plain_json())).collect()),
        }
    }

    /// From plain JSON without a schema: numbers without a fraction become `Int`, text stays text.
    pub fn from_plain_json(json: &serde_json::Value) -> Self {
        use serde_json::Value as Json;
        match json {
            Json::Null => Self::Null,
            Json::Bool(b) => Self::Bool(*b),
            Json::Number(n) => n.as_i64().map_or_else(|| Self::Float(n.as_f64().unwrap_or(0.0)), Self::Int),
            Json::String(s) => Self::Text(s.clone()),
            Json::Array(items) => Self::List(items.iter().map(Self::from_plain_json).collect()),
            Json::Object(map) => {
                Self::Map(map.iter().map(|(k, v)| (k.clone(), Self::from_plain_json(v))).collect())
            }
        }
    }

    /// The field `name` of a map; `Null` where there is none.
    pub fn field(&self, name: &str) -> &Self {
        match self {
            Self::Map(map) => map.get(name).unwrap_or(&Self::Null),
            _ => &Self::Null,
        }
    }
}

impl std::fmt::Display for Type {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::Float => f.write_str("float"),
            Self::Text => f.write_str("text"),
            Self::OneOf(texts) => write!(f, "one of {}", texts.join(", ")),
            Self::Money(None) => f.write_str("money"),
            Self::Money(Some(currency)) => write!(f, "money in {currency}"),
            Self::Time => f.write_str("time"),
            Self::Date => f.write_str("date"),
            Self::Duration => f.write_str("duration"),
            Self::List(inner) => write!(f, "list of {inner}"),
            Self::Map(_) => f.write_str("map"),
            Self::Any => f.write_str("any"),
        }
    }
}
