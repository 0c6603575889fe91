//! Plain JSON read by a declared type: the edge where what comes in becomes a value.

use crate::{Elapsed, Money, Timestamp, Type, Value};
use serde_json::Value as Json;
use std::collections::BTreeMap;

impl Value {
    /// Reads plain JSON by its declared type. Null is null of every type; whether it may be missing is the caller's
    /// question. Numbers may stand as text where that is exact (`"29.90"`), money also as `"29.90 USD"`,
    /// `{"amount": "29.90", "currency": "USD"}` or, where the type names the currency, as a bare number.
    ///
    /// The error says what was wanted and what was there, without the value itself: it may be personal.
    pub fn from_json(json: &Json, ty: &Type) -> Result<Self, String> {
        let wrong = || format!("expected {ty}, found {}", kind(json));
        if json.is_null() {
            return Ok(Self::Null);
        }
        Ok(match ty {
            Type::Any => Self::from_plain_json(json),
            Type::Bool => match json {
                Json::Bool(b) => Self::Bool(*b),
                Json::String(s) if s == "true" || s == "false" => Self::Bool(s == "true"),
                _ => return Err(wrong()),
            },
            Type::Int => match json {
                Json::Number(n) => {
                    let whole = n.as_i64().or_else(|| {
                        n.as_f64().filter(|f| f.fract() == 0.0 && f.abs() < 9.0e15).map(|f| f as i64)
                    });
                    Self::Int(whole.ok_or_else(|| {
                        format!("expected {ty}, found a number with a fraction or too large")
                    })?)
                }
                Json::String(s) => Self::Int(s.trim().parse().map_err(|_| wrong())?),
                _ => return Err(wrong()),
            },
            Type::Float => match json {
                Json::Number(n) => Self::Float(n.as_f64().ok_or_else(wrong)?),
                Json::String(s) => match s.trim().parse::<f64>() {
                    Ok(f) if f.is_finite() => Self::Float(f),
                    _ => return Err(wrong()),
                },
                _ => return Err(wrong()),
            },
            Type::Text => match json {
                Json::String(s) => Self::Text(s.clone()),
                Json::Number(n) => Self::Text(n.to_string()),
                _ => return Err(wrong()),
            },
            Type::OneOf(texts) => match json {
                Json::String(s) if texts.contains(s) => Self::Text(s.clone()),
                _ => return Err(wrong()),
            },
            Type::Money(currency) => Self::Money(money(json, *currency, ty)?),
            Type::Time => match json {
                Json::String(s) => Self::Time(Timestamp::parse(s).map_err(|_| wrong())?),
                _ => return Err(wrong()),
            },
            Type::Date => match json {
                Json::String(s) => {
                    let day = s.get(..10).unwrap_or(s);
                    Self::Date(day.parse().map_err(|_| wrong())?)
                }
                _ => return Err(wrong()),
            },
            Type::Duration => match json {
                Json::String(s) => Self::Duration(Elapsed::parse(s).map_err(|_| wrong())?),
                _ => return Err(wrong()),
            },
            Type::List(inner) => match json {
                Json::Array(items) => {
                    let read = items.iter().enumerate().map(|(nth, item)| {
                        Self::from_json(item, inner).map_err(|e| format!("element {}: {e}", nth + 1))
                    });
                    Self::List(read.collect::<Result<_, _>>()?)
                }
                _ => return Err(wrong()),
            },
            Type::Map(fields) => match json {
                Json::Object(object) => {
                    let mut map = BTreeMap::new();
                    for (name, (ty, required)) in fields {
                        match object.get(name).filter(|value| !value.is_null()) {
                            None if *required => return Err(format!("`{name}` is missing")),
                            None => {}
                            Some(value) => {
                                let value =
                                    Self::from_json(value, ty).map_err(|e| format!("`{name}`: {e}"))?;
                                map.insert(name.clone(), value);
                            }
                        }
                    }
                    Self::Map(map)
                }
                _ => return Err(wrong()),
            },
        })
    }
}

fn money(json: &Json, wanted: Option<crate::Currency>, ty: &Type) -> Result<Money, String> {
    let wrong = || format!("expected {ty}, found {}", kind(json));
    let unnamed = |of: &str| {
        format!(
            "expected {ty}, found {of} without a currency: add `currency` beside it, \
             or write {{\"amount\": \"29.90\", \"currency\": \"USD\"}}"
        )
    };
    let decimal = |json: &Json| match json {
        Json::String(s) => Some(s.trim().to_owned()),
        Json::Number(n) => Some(n.to_string()),
        _ => None,
    };
    let in_currency = |amount: Option<String>, currency: crate::Currency| {
        let amount = amount.ok_or_else(wrong)?;
        Money::from_decimal(&amount, currency).map_err(|error| match error {
            crate::MoneyError::Decimals(_) => match currency.decimals() {
                0 => format!("the amount has a fraction, and {currency} has none"),
                most => format!("the amount has more than the {most} decimals of {currency}"),
            },
            crate::MoneyError::Overflow => error.to_string(),
            _ => wrong(),
        })
    };
    let amount = match json {
        Json::Object(object) => {
            let code = object.get("currency").filter(|code| !code.is_null());
            let code = code.ok_or_else(|| unnamed("an amount"))?.as_str().unwrap_or_default();
            let currency = crate::Currency::parse(code).map_err(|_| {
                format!("expected {ty}, found a `currency` that is no code of ISO 4217, like JPY or USD")
            })?;
            match object.get("minor").and_then(Json::as_i64) {
                Some(minor) => Money::new(minor, currency),
                None => in_currency(object.get("amount").and_then(decimal), currency)?,
            }
        }
        Json::String(text) if text.trim().contains(' ') => {
            let (amount, code) = text.trim().split_once(' ').ok_or_else(wrong)?;
            in_currency(Some(amount.to_owned()), crate::Currency::parse(code.trim()).map_err(|_| wrong())?)?
        }
        other => {
            let amount = decimal(other).ok_or_else(wrong)?;
            let reads = amount.parse::<f64>().is_ok();
            let currency = wanted.ok_or_else(|| if reads { unnamed("an amount") } else { wrong() })?;
            in_currency(Some(amount), currency)?
        }
    };
    match wanted {
        Some(wanted) if wanted != amount.currency => {
            Err(format!("expected {ty}, found an amount in {}", amount.currency))
        }
        _ => Ok(amount),
    }
}

fn kind(json: &Json) -> &'static str {
    match json {
        Json::Null => "nothing",
        Json::Bool(_) => "true or false",
        Json::Number(_) => "a number",
        Json::String(_) => "a text that does not read as one",
        Json::Array(_) => "a list",
        Json::Object(_) => "a map",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Currency;
    use serde_json::json;

    #[track_caller]
    fn check(json: Json, ty: Type, expected: Result<Value, &str>) {
        assert_eq!(Value::from_json(&json, &ty), expected.map_err(str::to_owned));
    }

    #[test]
    fn json_reads_by_its_declared_type() {
        let usd = |minor| Ok(Value::Money(Money::new(minor, Currency::USD)));
        check(json!("12"), Type::Int, Ok(Value::Int(12)));
        check(json!(12.0), Type::Int, Ok(Value::Int(12)));
        check(json!(29.9), Type::Money(Some(Currency::USD)), usd(2990));
        check(json!("29.90 USD"), Type::Money(None), usd(2990));
        check(json!({"amount": 29.9, "currency": "USD"}), Type::Money(None), usd(2990));
        check(json!(null), Type::Bool, Ok(Value::Null));
        check(json!(1.5), Type::Int, Err("expected int, found a number with a fraction or too large"));
        check(
            json!("29.90 JPY"),
            Type::Money(Some(Currency::USD)),
            Err("the amount has a fraction, and JPY has none"),
        );
        check(
            json!("29 JPY"),
            Type::Money(Some(Currency::USD)),
            Err("expected money in USD, found an amount in JPY"),
        );
        let unnamed = "expected money, found an amount without a currency: add `currency` beside it, \
             or write {\"amount\": \"29.90\", \"currency\": \"USD\"}";
        check(json!(3), Type::Money(None), Err(unnamed));
        check(json!({"amount": 3}), Type::Money(None), Err(unnamed));
        check(
            json!({"amount": 5.5, "currency": "JPY"}),
            Type::Money(None),
            Err("the amount has a fraction, and JPY has none"),
        );
        check(
            json!({"amount": "1.005", "currency": "USD"}),
            Type::Money(None),
            Err("the amount has more than the 2 decimals of USD"),
        );
        check(
            json!({"amount": 1, "currency": "yen"}),
            Type::Money(None),
            Err("expected money, found a `currency` that is no code of ISO 4217, like JPY or USD"),
        );
        check(
            json!("dear"),
            Type::Money(None),
            Err("expected money, found a text that does not read as one"),
        );
        check(
            json!([1, "x"]),
            Type::List(Box::new(Type::Int)),
            Err("element 2: expected int, found a text that does not read as one"),
        );
    }
}
