//! JSON from outside: read within limits, its fields asked for one by one.

use crate::problem::{Code, Problem};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};

/// The deepest nesting that is taken.
pub(crate) const DEPTH_MAX: usize = 32;

/// Reads one JSON value, not deeper than [`DEPTH_MAX`].
pub(crate) fn parse(bytes: &[u8]) -> Result<Json, String> {
    let json: Json = serde_json::from_slice(bytes).map_err(|error| describe(&error))?;
    if depth_over(&json, DEPTH_MAX) {
        return Err(format!("it is nested more than {DEPTH_MAX} deep"));
    }
    Ok(json)
}

/// Reads a body into a type that says what it wants.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let json = parse(bytes).map_err(|why| Problem::new(Code::InvalidJson, why))?;
    if !json.is_object() {
        let why = format!("the body is {}: this route takes an object, `{{ … }}`", kind(&json));
        return Err(Problem::new(Code::InvalidRequest, why));
    }
    serde_json::from_value(json).map_err(|error| Problem::new(Code::InvalidRequest, error.to_string()))
}

/// What a value is, in words.
pub(crate) fn kind(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "true or false",
        Json::Number(_) => "a number",
        Json::String(_) => "a text",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}

/// What is wrong, and where, without quoting the text.
pub(crate) fn describe(error: &serde_json::Error) -> String {
    let place = format!("line {}, column {}", error.line(), error.column());
    match error.classify() {
        serde_json::error::Category::Eof => format!("it ends too early, at {place}"),
        _ => {
            let text = error.to_string();
            let what = text.split(" at line ").next().unwrap_or("it is not JSON");
            format!("{what}, at {place}")
        }
    }
}

fn depth_over(json: &Json, left: usize) -> bool {
    match json {
        Json::Array(items) => left == 0 || items.iter().any(|item| depth_over(item, left - 1)),
        Json::Object(map) => left == 0 || map.values().any(|item| depth_over(item, left - 1)),
        _ => false,
    }
}

/// A text of at most `max` characters without control characters. Numbers are taken as their digits; empty is absent.
pub(crate) fn text(object: &Map<String, Json>, key: &str, max: usize) -> Result<Option<String>, String> {
    let text = match object.get(key) {
        None | Some(Json::Null) => return Ok(None),
        Some(Json::String(text)) => text.trim().to_owned(),
        Some(Json::Number(number)) => number.to_string(),
        Some(_) => return Err(format!("`{key}` is not a text")),
    };
    if text.is_empty() {
        return Ok(None);
    }
    if text.chars().count() > max {
        return Err(format!("`{key}` has more than {max} characters"));
    }
    if text.chars().any(char::is_control) {
        return Err(format!("`{key}` has a control character in it"));
    }
    Ok(Some(text))
}

/// A map; absent where it is not there or null.
pub(crate) fn object<'a>(
    object: &'a Map<String, Json>,
    key: &str,
) -> Result<Option<&'a Map<String, Json>>, String> {
    match object.get(key) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Object(map)) => Ok(Some(map)),
        Some(_) => Err(format!("`{key}` is not a map")),
    }
}
