//! A Segment message as a call.
//!
//! Times are corrected as Segment does: what happened at `timestamp` by the sender's clock, sent at `sentAt` by the same
//! clock, happened `sentAt - timestamp` before we received it. Without `sentAt` the time is taken as it is.
//!
//! `context.consent.categoryPreferences` maps categories to true or false. A category is the purpose of that name (or of
//! its name in snake case); it is a word on every channel. Categories that are no purpose say nothing.

use crate::intake::{Call, CallKind, ConsentWord, ID_MAX, NAME_MAX, Refusal, Why};
use crate::json::{object, text};
use serde_json::{Map, Value as Json};
use std::ops::RangeInclusive;
use words::{Basis, Evidence, Timestamp};

const TOKEN_MAX: usize = 4096;
/// The years 1 to 9999, in milliseconds since 1970.
const MILLIS: RangeInclusive<i64> = -62_135_596_800_000..=253_402_300_799_999;

/// When things happened, by our clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    now: Timestamp,
    sent_at: Option<Timestamp>,
    exact: bool,
}

impl Clock {
    /// Times are what they say.
    pub(crate) fn exact(now: Timestamp) -> Self {
        Self { now, sent_at: None, exact: true }
    }

    /// Sent at this time by the sender's clock.
    pub(crate) fn sent(sent_at: &Json, now: Timestamp) -> Self {
        Self { now, sent_at: instant(sent_at).ok().flatten(), exact: false }
    }

    /// By the `sentAt` of the message itself.
    pub(crate) fn of(message: &Json, now: Timestamp) -> Self {
        Self::sent(message.get("sentAt").unwrap_or(&Json::Null), now)
    }

    fn ours(&self, theirs: Timestamp) -> Timestamp {
        match self.sent_at {
            Some(sent) if !self.exact => self.now.minus(sent.since(theirs)),
            _ => theirs,
        }
    }
}

/// RFC 3339, or a date and time without an offset (UTC), or milliseconds since 1970.
fn instant(json: &Json) -> Result<Option<Timestamp>, String> {
    let wrong = || "it is not an instant, like `2026-11-21T09:30:00Z`".to_owned();
    match json {
        Json::Null => Ok(None),
        Json::Number(number) => {
            let millis = number.as_i64().or_else(|| number.as_f64().map(|f| f as i64)).ok_or_else(wrong)?;
            let millis = MILLIS.contains(&millis).then_some(millis).ok_or_else(wrong)?;
            Ok(Some(Timestamp::from_micros(millis * 1000)))
        }
        Json::String(text) => {
            let text = text.trim();
            if let Ok(at) = Timestamp::parse(text) {
                return Ok(Some(at));
            }
            let civil: jiff::civil::DateTime = text.parse().map_err(|_| wrong())?;
            let zoned = civil.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| wrong())?;
            Ok(Some(Timestamp::from_jiff(zoned.timestamp())))
        }
        _ => Err(wrong()),
    }
}

/// Reads one message. `kind`: the route's, else its `type`. `shared`: the batch's own context.
pub(crate) fn message(
    json: &Json,
    kind: Option<&str>,
    clock: &Clock,
    shared: Option<&Map<String, Json>>,
) -> Result<Call, Refusal> {
    let Json::Object(map) = json else {
        return Err(Refusal::new(Why::NotAMessage, "", "a message is a map"));
    };
    let written = map.get("type").and_then(Json::as_str);
    let kind = kind.or(written).unwrap_or_default();
    let name = map.get("event").and_then(Json::as_str).unwrap_or(kind);
    read(map, kind, clock, shared).map_err(|reason| Refusal::new(Why::NotAMessage, name, reason))
}

fn read(
    map: &Map<String, Json>,
    kind: &str,
    clock: &Clock,
    shared: Option<&Map<String, Json>>,
) -> Result<Call, String> {
    let mut properties = object(map, "properties")?.cloned().unwrap_or_default();
    let call_kind = match kind {
        "identify" => CallKind::Identify,
        "track" if map.get("event").is_some_and(|event| !event.is_string() && !event.is_null()) => {
            return Err(
                "`event` is not a text: it is the name of what happened, like \"order_placed\"".to_owned()
            );
        }
        "track" => {
            CallKind::Track(text(map, "event", NAME_MAX)?.ok_or("`event` is missing: the event's name")?)
        }
        "page" | "screen" => {
            for key in ["name", "category"] {
                if let Some(value) = text(map, key, NAME_MAX)? {
                    properties.entry(key).or_insert(Json::String(value));
                }
            }
            CallKind::Track(format!("{kind}_viewed"))
        }
        "group" => CallKind::Group(text(map, "groupId", ID_MAX)?.ok_or("`groupId` is missing")?),
        "alias" => CallKind::Alias(text(map, "previousId", ID_MAX)?.ok_or("`previousId` is missing")?),
        "" => return Err("`type` is missing: identify, track, page, screen, group or alias".to_owned()),
        _ => return Err("`type` is none of identify, track, page, screen, group, alias".to_owned()),
    };
    let mut call = Call::new(call_kind);
    call.properties = properties;
    call.user_id = text(map, "userId", ID_MAX)?;
    call.anonymous_id = text(map, "anonymousId", ID_MAX)?;
    call.message_id = text(map, "messageId", ID_MAX)?;
    let told =
        |key: &str| instant(map.get(key).unwrap_or(&Json::Null)).map_err(|why| format!("`{key}`: {why}"));
    let (original, timestamp) = (told("originalTimestamp")?, told("timestamp")?);
    let told = original.or(timestamp);
    let own = instant(map.get("sentAt").unwrap_or(&Json::Null)).ok().flatten();
    let clock = Clock { sent_at: own.or(clock.sent_at), ..*clock };
    call.occurred_at = told.map(|theirs| clock.ours(theirs));
    let own_traits = object(map, "traits")?;
    let context = object(map, "context")?;
    let contexts = || context.into_iter().chain(shared);
    if matches!(call.kind, CallKind::Group(_)) {
        call.traits = own_traits.cloned().unwrap_or_default();
    } else {
        if let Some(context) = context {
            call.traits = object(context, "traits")?.cloned().unwrap_or_default();
        }
        call.traits.extend(own_traits.cloned().unwrap_or_default());
    }
    let first = |key: &str| contexts().find_map(|context| context.get(key).and_then(Json::as_str));
    call.locale = first("locale").map(str::to_owned);
    call.timezone = first("timezone").map(str::to_owned);
    let token = contexts().find_map(|c| c.get("device").and_then(|d| d.get("token")).and_then(Json::as_str));
    call.push_token = token
        .map(str::trim)
        .filter(|token| !token.is_empty() && token.len() <= TOKEN_MAX && !token.chars().any(char::is_control))
        .map(str::to_owned);
    if let Some(preferences) = contexts().find_map(|c| c.get("consent")?.get("categoryPreferences")) {
        call.consents = consents(preferences, contexts().find_map(|c| c.get("page")?.get("url")?.as_str()))?;
    }
    Ok(call)
}

fn consents(preferences: &Json, page: Option<&str>) -> Result<Vec<ConsentWord>, String> {
    let wrong = || "`context.consent.categoryPreferences` is not a map of true and false".to_owned();
    let map = preferences.as_object().ok_or_else(wrong)?;
    let words = map.iter().map(|(category, agreed)| {
        Ok(ConsentWord {
            purpose: Some(category.clone()),
            channel: None,
            granted: agreed.as_bool().ok_or_else(wrong)?,
            basis: Basis::Express,
            at: None,
            expires_at: None,
            evidence: Evidence {
                method: "consent_banner".to_owned(),
                source: page.map(|url| url.chars().take(500).collect()),
                ..Evidence::default()
            },
            stamped: true,
        })
    });
    words.collect()
}

/// What is kept of a single message that is refused: itself with its type, as it would stand in a batch.
pub(crate) fn kept(json: &Json, kind: &str) -> Vec<u8> {
    let mut json = json.clone();
    if let Some(map) = json.as_object_mut() {
        map.insert("type".to_owned(), Json::String(kind.to_owned()));
        map.remove("writeKey");
    }
    json.to_string().into_bytes()
}
