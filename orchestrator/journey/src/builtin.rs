//! The events that Tabi itself reports about a customer, with their properties. Journeys may wait for them and facts
//! may count them; nobody outside may send them.

use crate::schema::{EventSchema, Field};
use std::collections::{BTreeMap, BTreeSet};
use words::Type;

/// What every receipt of a message says.
const MESSAGE: [(&str, bool); 6] = [
    ("message", true),
    ("message_id", true),
    ("channel", true),
    ("journey", false),
    ("step", false),
    ("enrollment", false),
];

/// All of them, by name.
pub fn events() -> BTreeMap<String, EventSchema> {
    let mut out = BTreeMap::new();
    let mut add = |name: &str, description: &str, message: bool, more: &[(&str, Type, bool)]| {
        let field = |ty: Type, required| Field { ty, required, sensitive: false, description: None };
        let mut properties: BTreeMap<String, Field> = BTreeMap::new();
        if message {
            properties.extend(MESSAGE.map(|(name, always)| (name.to_owned(), field(Type::Text, always))));
        }
        properties
            .extend(more.iter().map(|(name, ty, always)| ((*name).to_owned(), field(ty.clone(), *always))));
        let description = Some(description.to_owned());
        let schema = EventSchema { description, properties, from_browser: false, also: BTreeSet::new() };
        out.insert(name.to_owned(), schema);
    };
    let text = || Type::Text;
    add("message_sent", "A provider accepted a message.", true, &[]);
    add("message_skipped", "A message was not sent.", true, &[("reason", text(), true)]);
    add("message_delivered", "A message reached the mailbox or the phone.", true, &[]);
    add("message_opened", "A message was opened. Mail programs also do this by themselves.", true, &[]);
    add("message_clicked", "A link of a message was clicked.", true, &[("link", text(), true)]);
    add("message_replied", "The customer wrote back.", true, &[("text", text(), false)]);
    add("message_bounced", "A message came back.", true, &[("reason", text(), false)]);
    add("message_complained", "The customer called a message spam.", true, &[]);
    add(
        "message_unsubscribed",
        "The customer used the way out of a message.",
        true,
        &[("purpose", text(), false)],
    );
    // An answer may also come from a page or an app that knows of no message.
    let answers = [
        ("message", text(), false),
        ("message_id", text(), false),
        ("channel", text(), false),
        ("journey", text(), false),
        ("step", text(), false),
        ("enrollment", text(), false),
        ("survey", text(), true),
        ("score", Type::Int, false),
        ("choice", text(), false),
        ("comment", text(), false),
    ];
    add("survey_answered", "The customer answered a survey.", false, &answers);
    let journey = |more: &[(&'static str, Type, bool)]| {
        let mut all = vec![("journey", Type::Text, true), ("enrollment", Type::Text, true)];
        all.extend_from_slice(more);
        all
    };
    add("journey_started", "A journey began.", false, &journey(&[]));
    add("journey_finished", "A journey came to its end.", false, &journey(&[]));
    add("journey_stopped", "A journey was stopped.", false, &journey(&[("reason", text(), true)]));
    add("goal_reached", "The goal of a journey was reached.", false, &journey(&[("event", text(), true)]));
    out
}
