//! Maps of JSON read by declared fields.

use journey::Field;
use serde_json::{Map, Value as Json, json};
use std::borrow::Cow;
use std::collections::BTreeMap;
use words::{Currency, Type, Value};

/// Reads what is declared by its type and keeps the rest as it is. All problems at once, naming fields, never values.
///
/// A field that is not declared under its own name is looked for under its name in snake case (`orderId` is `order_id`).
/// Amounts without a currency take that of a `currency` field beside them.
pub(crate) fn lenient(
    map: &Map<String, Json>,
    fields: &BTreeMap<String, Field>,
    what: &str,
) -> Result<BTreeMap<String, Value>, Vec<String>> {
    let currency = map.get("currency").and_then(Json::as_str);
    let mut problems = Vec::new();
    let mut out = BTreeMap::new();
    for (key, json) in map {
        if key.is_empty() || key.chars().count() > 128 || key.chars().any(char::is_control) {
            problems.push(format!("{what} has a name that is empty, too long, or has control characters"));
            continue;
        }
        let name = declared_name(key, |name| fields.contains_key(name));
        match fields.get(name.as_ref()) {
            Some(field) => match read(json, &field.ty, currency) {
                Ok(Value::Null) => {}
                Ok(value) => {
                    out.insert(name.into_owned(), value);
                }
                Err(why) => problems.push(format!("{what} `{name}`: {why}")),
            },
            None => {
                out.insert(key.clone(), Value::from_plain_json(json));
            }
        }
    }
    missing(fields, &out, what, &mut problems);
    if problems.is_empty() { Ok(out) } else { Err(problems) }
}

/// The same where nothing that is not declared may be given: inputs of messages and journeys, items of catalogues.
pub(crate) fn strict(
    map: &Map<String, Json>,
    fields: &BTreeMap<String, Field>,
    what: &str,
) -> Result<BTreeMap<String, Value>, Vec<String>> {
    let mut problems: Vec<String> = map
        .keys()
        .filter(|key| !fields.contains_key(*key))
        .map(|key| {
            let known: Vec<&str> = fields.keys().map(String::as_str).collect();
            let key: String = key.chars().filter(|c| !c.is_control()).take(64).collect();
            format!("{what} `{key}` is not declared; declared are: {}", known.join(", "))
        })
        .collect();
    match lenient(map, fields, what) {
        Ok(out) if problems.is_empty() => Ok(out),
        Ok(_) => Err(problems),
        Err(more) => {
            problems.extend(more);
            Err(problems)
        }
    }
}

fn missing(
    fields: &BTreeMap<String, Field>,
    out: &BTreeMap<String, Value>,
    what: &str,
    problems: &mut Vec<String>,
) {
    for (name, _) in fields.iter().filter(|(name, field)| field.required && !out.contains_key(*name)) {
        let told = format!("{what} `{name}`");
        if !problems.iter().any(|problem| problem.starts_with(&told)) {
            problems.push(format!("{told} is missing"));
        }
    }
}

/// `key` where it is declared, else its snake case where that is, else `key`.
pub(crate) fn declared_name(key: &str, declared: impl Fn(&str) -> bool) -> Cow<'_, str> {
    if declared(key) {
        return Cow::Borrowed(key);
    }
    let snake = snake_case(key);
    if declared(&snake) { Cow::Owned(snake) } else { Cow::Borrowed(key) }
}

/// `orderId`, `Order ID`, `order-id` as `order_id`.
pub(crate) fn snake_case(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 4);
    let mut last_lower = false;
    for c in text.trim().chars() {
        if c == ' ' || c == '-' || c == '.' || c == '_' {
            if !out.is_empty() && !out.ends_with('_') {
                out.push('_');
            }
            last_lower = false;
            continue;
        }
        if c.is_uppercase() && last_lower {
            out.push('_');
        }
        last_lower = c.is_lowercase() || c.is_ascii_digit();
        out.extend(c.to_lowercase());
    }
    out
}

/// One value by its type; `currency` stands for that of bare amounts.
pub(crate) fn read(json: &Json, ty: &Type, currency: Option<&str>) -> Result<Value, String> {
    Value::from_json(&with_currency(json, ty, currency), ty)
}

/// Gives bare amounts their currency, and takes away the noise of binary fractions (`27.500000000000004`).
fn with_currency<'a>(json: &'a Json, ty: &Type, outer: Option<&str>) -> Cow<'a, Json> {
    match (ty, json) {
        (Type::Money(wanted), Json::Number(_) | Json::String(_)) => {
            let text = match json {
                Json::String(text) if text.trim().contains(' ') => return Cow::Borrowed(json),
                Json::String(text) => text.trim().to_owned(),
                other => other.to_string(),
            };
            // What is no number is told as it was written.
            if text.parse::<f64>().is_err() {
                return Cow::Borrowed(json);
            }
            // Where both are known and differ, the amount is read with its own, and refused for it.
            let own = outer.and_then(|code| Currency::parse(&code.to_ascii_uppercase()).ok());
            let code = own.or(*wanted);
            match code {
                Some(code) => Cow::Owned(json!({"amount": exact(&text, code), "currency": code.as_str()})),
                None => Cow::Borrowed(json),
            }
        }
        (Type::List(inner), Json::Array(items)) => {
            Cow::Owned(items.iter().map(|item| with_currency(item, inner, outer).into_owned()).collect())
        }
        (Type::Map(fields), Json::Object(map)) => {
            let own = map.get("currency").and_then(Json::as_str).or(outer);
            let read = map.iter().map(|(key, value)| {
                let name = declared_name(key, |name| fields.contains_key(name)).into_owned();
                let value = match fields.get(&name) {
                    Some((ty, _)) => with_currency(value, ty, own).into_owned(),
                    None => value.clone(),
                };
                (name, value)
            });
            Cow::Owned(Json::Object(read.collect()))
        }
        _ => Cow::Borrowed(json),
    }
}

/// The amount in the currency's decimals where it differs from that by less than a millionth, else as it is.
fn exact(text: &str, currency: Currency) -> String {
    let decimals = currency.decimals();
    let digits = text.split_once('.').map_or(0, |(_, part)| part.len());
    if digits <= decimals as usize {
        return text.to_owned();
    }
    let Ok(number) = text.parse::<f64>() else { return text.to_owned() };
    let rounded = format!("{number:.*}", decimals as usize);
    match rounded.parse::<f64>() {
        Ok(near) if (near - number).abs() < 1e-6 => rounded,
        _ => text.to_owned(),
    }
}
