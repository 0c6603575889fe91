//! What columns mean, and what a row says by them.
//!
//! Meanings: `user_id`, `anonymous_id`, `email`, `phone`, `country`, `locale`, `timezone`; `traits.<name>`;
//! `consent.<purpose>` and `consent.<purpose>.<channel>` (yes or no), `consent_at`, `consent_source`; of events also `event`,
//! `occurred_at`, `message_id`, `properties.<name>`; `-` leaves a column alone. A column that is not named means its own name
//! where that is one of these, else a trait of a customer or a property of an event.

use super::{Kind, Options, again};
use crate::intake::{self, Call, CallKind, ConsentWord, Refusal, Why, snake_case};
use journey::Schema;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use words::{Basis, Channel, Evidence, Timestamp};

/// What columns mean, by their name in the file.
#[derive(Debug, Clone, Default)]
pub struct Columns(BTreeMap<String, String>);

/// A mapping that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ColumnError {
    /// Not `column=meaning`.
    #[error("`{0}` is not `column=meaning`, like `Mail=email` or `Points=traits.points`")]
    Shape(String),
    /// No such meaning.
    #[error(
        "`{0}` means nothing here: there are user_id, anonymous_id, email, phone, country, locale, timezone, traits.<name>, consent.<purpose>, consent_at, consent_source, event, occurred_at, message_id, properties.<name> and -"
    )]
    Meaning(String),
    /// A mapping of a column that the file does not have.
    #[error("the file has no column `{name}`; it has: {has}")]
    Unknown {
        /// As it was named.
        name: String,
        /// What there is.
        has: String,
    },
    /// The file does not say about whom.
    #[error("no column says about whom: name one of user_id, anonymous_id, email, phone")]
    NoIdentity,
    /// Events without names.
    #[error("no column says which event: name one `event`")]
    NoEvent,
}

const PLAIN: [&str; 12] = [
    "user_id",
    "anonymous_id",
    "email",
    "phone",
    "country",
    "locale",
    "timezone",
    "consent_at",
    "consent_source",
    "event",
    "occurred_at",
    "message_id",
];

impl Columns {
    /// From `column=meaning`, one each.
    ///
    /// # Errors
    /// Where one has another form, or a meaning that there is not.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, ColumnError> {
        let mut columns = Self::default();
        for text in texts {
            let (column, meaning) =
                text.split_once('=').ok_or_else(|| ColumnError::Shape(text.chars().take(64).collect()))?;
            let meaning = meaning.trim();
            let named = ["traits.", "properties.", "consent."]
                .iter()
                .any(|p| meaning.strip_prefix(p).is_some_and(|rest| !rest.is_empty()));
            if !named && meaning != "-" && !PLAIN.contains(&meaning) {
                return Err(ColumnError::Meaning(meaning.chars().take(64).collect()));
            }
            columns.0.insert(column.trim().to_owned(), meaning.to_owned());
        }
        Ok(columns)
    }

    /// What `column` means.
    pub(super) fn meaning(&self, column: &str, kind: Kind) -> String {
        if let Some(meaning) = self.0.get(column) {
            return meaning.clone();
        }
        let plain = column.trim().to_ascii_lowercase().replace([' ', '-'], "_");
        let plain = match plain.as_str() {
            "userid" | "id" | "customer_id" => "user_id",
            "e_mail" | "mail" => "email",
            "time" | "timestamp" | "occurredat" => "occurred_at",
            other => other,
        };
        let of_event = matches!(plain, "event" | "occurred_at" | "message_id");
        if plain.starts_with("consent.") || (PLAIN.contains(&plain) && (kind == Kind::Events || !of_event)) {
            return plain.to_owned();
        }
        match kind {
            Kind::Customers => format!("traits.{}", column.trim()),
            Kind::Events => format!("properties.{}", column.trim()),
        }
    }

    /// Fails where a column that was named is none of `has`.
    pub(super) fn all_in<'a>(&self, has: impl Iterator<Item = &'a str> + Clone) -> Result<(), ColumnError> {
        let missing = self.0.keys().find(|name| !has.clone().any(|column| column == name.as_str()));
        let Some(name) = missing else { return Ok(()) };
        let has: Vec<&str> = has.take(50).collect();
        Err(ColumnError::Unknown { name: name.chars().take(64).collect(), has: has.join(", ") })
    }

    /// Whether nothing says what a column means: neither its name, nor a mapping, nor the schema.
    pub(super) fn unknown(&self, column: &str, kind: Kind, schema: &Schema) -> bool {
        // Nested as the tracking API has them, or ours.
        if self.0.contains_key(column) || matches!(column, "traits" | "properties") || again::is_ours(column)
        {
            return false;
        }
        let meaning = self.meaning(column, kind);
        if let Some(name) = meaning.strip_prefix("traits.") {
            return !intake::trait_known(name, &schema.traits);
        }
        let Some(name) = meaning.strip_prefix("properties.") else { return false };
        !schema.events.values().any(|event| {
            let snake = snake_case(name);
            event.properties.contains_key(name) || event.properties.contains_key(&snake)
        })
    }

    /// Fails where a header lacks what every row needs, or a column that was named.
    pub(super) fn check(&self, header: &[String], kind: Kind) -> Result<(), ColumnError> {
        self.all_in(header.iter().map(String::as_str).filter(|column| !again::is_ours(column)))?;
        let meanings: Vec<String> = header.iter().map(|column| self.meaning(column, kind)).collect();
        let has = |wanted: &str| meanings.iter().any(|meaning| meaning == wanted);
        if !["user_id", "anonymous_id", "email", "phone"].into_iter().any(has) {
            return Err(ColumnError::NoIdentity);
        }
        if kind == Kind::Events && !has("event") {
            return Err(ColumnError::NoEvent);
        }
        Ok(())
    }
}

/// What a row of (meaning, value) says.
/// `place` names it: evidence of its consents, and what makes its message id.
pub(super) fn call(row: Vec<(String, Json)>, options: &Options, place: &str) -> Result<Call, Refusal> {
    let mut call = Call::new(CallKind::Identify);
    let mut event = None;
    let (mut consent_at, mut consent_source) = (None, None);
    let mut consents: Vec<(String, Option<Channel>, bool)> = Vec::new();
    let refuse = |reason: String| Refusal::new(Why::NotARow, "import", reason);
    for (meaning, value) in row {
        if value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty()) {
            continue;
        }
        let text = || match &value {
            Json::String(text) => text.trim().to_owned(),
            other => other.to_string(),
        };
        let instant = || {
            let text = text();
            Timestamp::parse(&text)
                .ok()
                .or_else(|| Timestamp::parse(&format!("{}Z", text.replace(' ', "T"))).ok())
                .or_else(|| Timestamp::parse(&format!("{text}T00:00:00Z")).ok())
                .ok_or_else(|| refuse(format!("`{meaning}` is not an instant, like `2026-11-21T09:30:00Z`")))
        };
        match meaning.as_str() {
            "-" => {}
            "user_id" => call.user_id = Some(text()),
            "anonymous_id" => call.anonymous_id = Some(text()),
            "email" | "phone" | "country" | "locale" | "timezone" => {
                call.traits.insert(meaning.clone(), Json::String(text()));
            }
            "event" => event = Some(text()),
            "occurred_at" => call.occurred_at = Some(instant()?),
            "message_id" => call.message_id = Some(text()),
            "consent_at" => consent_at = Some(instant()?),
            "consent_source" => consent_source = Some(text()),
            other => {
                if let Some(name) = other.strip_prefix("traits.") {
                    call.traits.insert(name.to_owned(), value);
                } else if let Some(name) = other.strip_prefix("properties.") {
                    call.properties.insert(name.to_owned(), value);
                } else if let Some(about) = other.strip_prefix("consent.") {
                    let granted =
                        yes(&value).ok_or_else(|| refuse(format!("`{other}` is neither yes nor no")))?;
                    let (purpose, channel) = match about.split_once('.') {
                        Some((purpose, channel)) => (purpose, Some(Channel::new(channel))),
                        None => (about, None),
                    };
                    consents.push((purpose.to_owned(), channel, granted));
                }
            }
        }
    }
    for (purpose, channel, granted) in consents {
        if granted && consent_at.is_none() {
            return Err(refuse("a grant of consent needs `consent_at`: when it was given".to_owned()));
        }
        call.consents.push(ConsentWord {
            purpose: Some(purpose),
            channel,
            granted,
            basis: Basis::Express,
            at: consent_at,
            expires_at: None,
            evidence: Evidence {
                method: "import".to_owned(),
                source: Some(
                    consent_source
                        .clone()
                        .map_or_else(|| place.to_owned(), |s: String| format!("{s} ({place})")),
                ),
                ..Evidence::default()
            },
            stamped: false,
        });
    }
    if options.kind == Kind::Events {
        let name = event.ok_or_else(|| refuse("the row does not say which event".to_owned()))?;
        call.message_id.get_or_insert_with(|| place.to_owned());
        call.kind = CallKind::Track(name);
    }
    Ok(call)
}

fn yes(value: &Json) -> Option<bool> {
    match value {
        Json::Bool(b) => Some(*b),
        Json::Number(n) => n.as_i64().filter(|n| (0..=1).contains(n)).map(|n| n == 1),
        Json::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "yes" | "y" | "true" | "1" | "はい" | "○" => Some(true),
            "no" | "n" | "false" | "0" | "いいえ" | "×" => Some(false),
            _ => None,
        },
        _ => None,
    }
}
