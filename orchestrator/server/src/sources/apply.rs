//! From what a shop sent to a call.

use super::mapping::{Mapping, Topic, Value};
use crate::intake::{Call, CallKind, ConsentWord, Item, Refusal, Why};
use crate::json;
use http::HeaderMap;
use serde_json::{Map, Value as Json, json};
use words::{Basis, Evidence, Timestamp};

/// The headers that a mapping asks for, kept with what was refused.
type Headers = Map<String, Json>;

/// What a delivery of the shop's means here.
pub(crate) enum Heard {
    /// Something to take in.
    Item(Box<Item>),
    /// Nothing that the mapping cares about.
    Nothing,
}

/// Reads a body that is signed.
pub(crate) fn hear(mapping: &Mapping, headers: &HeaderMap, body: &[u8]) -> Heard {
    let mut kept = Headers::new();
    for (name, value) in headers {
        if name.as_str().starts_with("x-")
            && let Ok(text) = value.to_str()
        {
            kept.insert(name.as_str().to_owned(), Json::String(text.to_owned()));
        }
    }
    kept.remove(&mapping.signature.header.to_ascii_lowercase());
    let text = String::from_utf8_lossy(body);
    read(mapping, kept, &text)
}

/// The same from what was kept of a delivery that was refused.
pub(crate) fn hear_again(mapping: &Mapping, kept: &[u8]) -> Heard {
    let parsed: Json = serde_json::from_slice(kept).unwrap_or_default();
    let headers = parsed.get("headers").and_then(Json::as_object).cloned().unwrap_or_default();
    let body = parsed.get("body").and_then(Json::as_str).unwrap_or_default();
    read(mapping, headers, body)
}

fn read(mapping: &Mapping, headers: Headers, text: &str) -> Heard {
    let kept = || json!({"headers": headers, "body": text}).to_string().into_bytes();
    let refuse = |code, reason: String| {
        Heard::Item(Box::new(Item {
            call: Err(Refusal::new(code, mapping.source.as_str(), reason)),
            body: kept(),
        }))
    };
    let body = match json::parse(text.as_bytes()) {
        Ok(body) => body,
        Err(why) => return refuse(Why::InvalidJson, why),
    };
    let from = From { headers: &headers, top: &body, here: &body };
    let Some(name) = from.text(&mapping.topic) else {
        return refuse(Why::NoTopic, "the delivery does not say what it is about".to_owned());
    };
    let Some(topic) = mapping.topics.get(&name) else { return Heard::Nothing };
    if let Some((value, texts)) = &topic.only_if
        && !from.text(value).is_some_and(|text| texts.contains(&text))
    {
        return Heard::Nothing;
    }
    let call =
        call(mapping, topic, &from, &name).map_err(|reason| Refusal::new(Why::NotAMessage, name, reason));
    Heard::Item(Box::new(Item { call, body: kept() }))
}

fn call(mapping: &Mapping, topic: &Topic, from: &From<'_>, name: &str) -> Result<Call, String> {
    let kind = topic.event.clone().map_or(CallKind::Identify, CallKind::Track);
    let mut call = Call::new(kind);
    let get = |key: &str| topic.customer.get(key).and_then(|value| from.text(value));
    call.user_id = get("user_id");
    call.anonymous_id = get("anonymous_id");
    call.locale = get("locale");
    call.timezone = get("timezone");
    for (key, value) in &topic.traits {
        if let Some(value) = from.value(value) {
            call.traits.insert(key.clone(), value);
        }
    }
    for key in ["email", "phone", "country"] {
        if let Some(text) = get(key) {
            call.traits.insert(key.to_owned(), Json::String(text));
        }
    }
    for (key, value) in &topic.properties {
        if let Some(value) = from.value(value) {
            call.properties.insert(key.clone(), value);
        }
    }
    call.message_id = match &topic.once_per {
        Some(value) => from.text(value).map(|id| format!("{}:{id}", call.name())),
        None => from.text(&mapping.message_id).map(|id| format!("{name}:{id}")),
    };
    call.occurred_at = topic.occurred_at.as_ref().and_then(|value| from.instant(value));
    for rule in &topic.consents {
        let Some(said) = from.text(&rule.value) else { continue };
        let granted = rule.granted.contains(&said);
        if !granted && !rule.refused.contains(&said) {
            continue;
        }
        call.consents.push(ConsentWord {
            purpose: Some(rule.purpose.clone()),
            channel: rule.channel.clone(),
            granted,
            basis: Basis::Express,
            at: rule.at.as_ref().and_then(|value| from.instant(value)),
            expires_at: None,
            evidence: Evidence {
                method: "shop".to_owned(),
                source: Some(format!("{} {name}", mapping.source)),
                ..Evidence::default()
            },
            // A shop tells the same word again with every change of the customer; without its time it may not undo a
            // refusal that was given here.
            stamped: rule.at.as_ref().and_then(|value| from.instant(value)).is_none(),
        });
    }
    Ok(call)
}

/// Where values are taken from.
#[derive(Clone, Copy)]
struct From<'a> {
    headers: &'a Headers,
    top: &'a Json,
    here: &'a Json,
}

impl From<'_> {
    /// The value; nothing there, null and empty texts are none.
    fn value(&self, value: &Value) -> Option<Json> {
        match value {
            Value::Path(steps, top) => {
                let start = if *top { self.top } else { self.here };
                let found = steps.iter().try_fold(start, |at, step| match at {
                    Json::Object(map) => map.get(step),
                    Json::Array(items) => items.get(step.parse::<usize>().ok()?),
                    _ => None,
                })?;
                (!found.is_null() && found.as_str() != Some("")).then(|| found.clone())
            }
            Value::Header(name) => self.headers.get(&name.to_ascii_lowercase()).cloned(),
            Value::Const(text) => Some(Json::String(text.clone())),
            Value::Money(amount, currency) => {
                let amount = self.text(amount)?;
                // A bare amount is read with the event's own `currency`, where the type does not name one.
                let currency = self.text(currency)?;
                Some(json!({"amount": amount, "currency": currency}))
            }
            Value::FirstOf(values) => values.iter().find_map(|value| self.value(value)),
            Value::Except(value, texts) => {
                let text = self.text(value)?;
                if texts.contains(&text) { None } else { self.value(value) }
            }
            Value::Sum(what, over) => {
                let list = self.value(over)?;
                let sum: f64 = list
                    .as_array()?
                    .iter()
                    .filter_map(|line| From { here: line, ..*self }.text(what)?.parse::<f64>().ok())
                    .sum();
                let whole = sum.fract() == 0.0 && sum.abs() < 9.0e15;
                Some(if whole { json!(sum as i64) } else { json!(sum) })
            }
            Value::Each(over, fields) => {
                let list = self.value(over)?;
                let lines = list.as_array()?.iter().map(|line| {
                    let from = From { here: line, ..*self };
                    let read =
                        fields.iter().filter_map(|(key, value)| Some((key.clone(), from.value(value)?)));
                    Json::Object(read.collect())
                });
                Some(lines.collect())
            }
        }
    }

    fn text(&self, value: &Value) -> Option<String> {
        match self.value(value)? {
            Json::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            Json::Number(number) => Some(number.to_string()),
            Json::Bool(b) => Some(b.to_string()),
            _ => None,
        }
    }

    /// RFC 3339; without an offset UTC is meant.
    fn instant(&self, value: &Value) -> Option<Timestamp> {
        let text = self.text(value)?;
        Timestamp::parse(&text).ok().or_else(|| Timestamp::parse(&format!("{text}Z")).ok())
    }
}
