//! From what is stored to what is shown. Mail is parsed by a parser of other people's making, on reading.

use crate::item::{Arrival, Item, Summary};
use mail_parser::{MessageParser, MimeHeaders};
use serde_json::Value;
use words::{Channel, Timestamp};

/// A message, parsed. Never fails: what cannot be parsed is shown raw.
pub(crate) fn item(id: i64, at: Timestamp, arrival: Arrival) -> Item {
    let mut item = Item {
        id,
        at,
        channel: arrival.channel,
        from: arrival.from,
        to: arrival.to,
        provider_id: arrival.provider_id,
        subject: None,
        text: None,
        html: None,
        headers: Vec::new(),
        raw: arrival.raw,
    };
    if item.channel == Channel::EMAIL {
        mail(&mut item);
    } else {
        request(&mut item);
    }
    item
}

/// A line of a list.
pub(crate) fn summary(id: i64, at: Timestamp, arrival: Arrival) -> Summary {
    let item = item(id, at, arrival);
    let subject = item.subject.or(item.text).unwrap_or_default();
    let subject = subject.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(120).collect();
    Summary { id, at, channel: item.channel, from: item.from, to: item.to, subject }
}

/// Whether `needle`, in lower case, is in any text of the message.
pub(crate) fn contains(item: &Item, needle: &str) -> bool {
    [Some(&item.to), Some(&item.from), item.subject.as_ref(), item.text.as_ref(), item.html.as_ref()]
        .into_iter()
        .flatten()
        .any(|text| text.to_lowercase().contains(needle))
}

fn mail(item: &mut Item) {
    let Some(message) = MessageParser::default().parse(&item.raw) else {
        item.text = Some(String::from_utf8_lossy(&item.raw).into_owned());
        return;
    };
    if let Some(from) = message.from().and_then(|from| from.first()) {
        let address = from.address().unwrap_or_default();
        item.from = match from.name() {
            Some(name) => format!("{name} <{address}>"),
            None => address.to_owned(),
        };
    }
    item.subject = message.subject().map(str::to_owned);
    // The parser makes text from HTML and HTML from text where one is missing: show what is really there.
    let written = |kind: &str| {
        message.parts.iter().any(|part| {
            part.content_type().is_some_and(|ct| ct.ctype() == "text" && ct.subtype() == Some(kind))
        })
    };
    let bare = message.parts.iter().all(|part| part.content_type().is_none());
    if bare || written("plain") {
        item.text = message.body_text(0).map(std::borrow::Cow::into_owned);
    }
    if written("html") {
        item.html = message.body_html(0).map(std::borrow::Cow::into_owned);
    }
    item.headers = message
        .headers_raw()
        .map(|(name, raw)| {
            let decoded = match message.header(name) {
                Some(mail_parser::HeaderValue::Text(text)) if raw.contains("=?") => text.to_string(),
                _ => raw.split("\r\n").map(str::trim).collect::<Vec<_>>().join(" ").trim().to_owned(),
            };
            (name.to_owned(), decoded)
        })
        .collect();
}

fn request(item: &mut Item) {
    let Ok(value) = serde_json::from_slice::<Value>(&item.raw) else {
        item.text = Some(String::from_utf8_lossy(&item.raw).into_owned());
        return;
    };
    if item.channel == Channel::SMS {
        item.text = value["Body"].as_str().map(str::to_owned);
        flatten("", &value, &mut item.headers);
    } else if item.channel == Channel::PUSH {
        let message = &value["message"];
        item.subject = message["notification"]["title"].as_str().map(str::to_owned);
        item.text = message["notification"]["body"].as_str().map(str::to_owned);
        flatten("", message, &mut item.headers);
    } else {
        item.text = serde_json::to_string_pretty(&value).ok();
        flatten("", &value, &mut item.headers);
    }
}

/// The leaves of a JSON value with their paths.
fn flatten(path: &str, value: &Value, out: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                flatten(&path, field, out);
            }
        }
        Value::String(text) => out.push((path.to_owned(), text.clone())),
        other => out.push((path.to_owned(), other.to_string())),
    }
}
