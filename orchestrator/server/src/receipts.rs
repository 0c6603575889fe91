//! Receipts: what the provider or the customer said later, written beside the delivery and told to the journeys.

use crate::App;
use crate::public::about_message;
use store::{LogDelivery, LogEntry, NewEvent, NewReceipt, StoreError, SuppressionRow};
use words::{Event, EventKind, Timestamp, Value};

/// What was heard of a delivery.
#[derive(Debug)]
pub(crate) struct Heard {
    /// `clicked`, `delivered`, `bounced` …; the journeys' event is `message_<kind>`.
    pub(crate) kind: &'static str,
    pub(crate) at: Timestamp,
    /// Names what is heard once, however often it is said.
    pub(crate) once: String,
    /// Free of personal data.
    pub(crate) detail: String,
    /// What the event says beside what every event about a message says.
    pub(crate) properties: Vec<(&'static str, Value)>,
    pub(crate) suppress: Option<SuppressionRow>,
}

/// Writes it down; `false`: known already. Wakes the customer where a journey listens.
pub(crate) async fn take(
    app: &App,
    entry: &LogEntry,
    delivery: &LogDelivery,
    heard: Heard,
) -> Result<bool, StoreError> {
    let name = format!("message_{}", heard.kind);
    let mut events = Vec::new();
    // The ledger knows it already: an event that nobody listens to would only make the customer due.
    if listened(app, &name).await? {
        let mut properties = about_message(entry.row.message, Some(&entry.row));
        properties.insert("channel".to_owned(), Value::Text(delivery.channel.as_str().to_owned()));
        properties.extend(heard.properties.into_iter().map(|(name, value)| (name.to_owned(), value)));
        let now = app.now();
        let event = Event {
            id: app.ids.event(now),
            name,
            occurred_at: heard.at,
            received_at: now,
            properties,
            kind: EventKind::Live,
        };
        events.push(NewEvent { event, message_id: Some(heard.once) });
    }
    let receipt = NewReceipt {
        customer: entry.row.customer,
        message: entry.row.message,
        delivery: delivery.id,
        kind: heard.kind.to_owned(),
        at: heard.at,
        detail: heard.detail,
        events,
        suppress: heard.suppress,
        audit: Vec::new(),
    };
    Ok(app.store.receipts(vec![receipt], app.now()).await?.first() == Some(&true))
}

/// Whether a live or a pinned program listens.
async fn listened(app: &App, event: &str) -> Result<bool, StoreError> {
    if app.current.release().is_some_and(|release| release.listeners.listens(event)) {
        return Ok(true);
    }
    for (number, _) in app.store.programs_in_use().await? {
        if app.store.program(number).await?.is_some_and(|program| program.listens.contains(event)) {
            return Ok(true);
        }
    }
    Ok(false)
}
