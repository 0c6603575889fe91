//! Links: from a token to the customer and the message that it was made for.
//!
//! The payload is the customer's id and the message's, 16 bytes each; of a survey also its name. A handler that takes a
//! [`Link`] runs only with one that is genuine and was made for its page; whoever holds another gets the page that says so.

use super::page::{self, Look};
use crate::App;
use axum::body::Body;
use axum::extract::{FromRequestParts, Path};
use axum::response::Response;
use http::HeaderMap;
use http::request::Parts;
use std::collections::BTreeMap;
use store::{LogEntry, StoreError};
use words::{Customer, CustomerId, Language, MessageId, Timestamp};

/// The largest form.
const FORM_MAX: usize = 16_384;

/// Whom a link was made for.
pub(super) struct Link {
    /// `None`: erased meanwhile.
    pub(super) customer: Option<Customer>,
    pub(super) id: CustomerId,
    pub(super) message: MessageId,
    /// `None`: past its retention.
    pub(super) entry: Option<LogEntry>,
    /// What follows the two ids.
    pub(super) more: String,
    pub(super) look: Look,
}

/// What the tokens of each page are signed for, by the first part of its path.
const PURPOSES: [(&str, &str); 4] =
    [("u", "unsubscribe"), ("p", "preferences"), ("v", "view"), ("s", "survey")];

impl FromRequestParts<App> for Link {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let page = parts.uri.path().split('/').nth(1).unwrap_or_default();
        let purpose = PURPOSES.iter().find(|(path, _)| *path == page).map_or("", |(_, purpose)| *purpose);
        // A token that is not even text was signed by nobody.
        let token = Path::<String>::from_request_parts(parts, app).await.map(|Path(token)| token);
        open(app, purpose, &token.unwrap_or_default(), &parts.headers).await
    }
}

/// Reads a token made for `purpose`. An error is the page to show.
async fn open(app: &App, purpose: &str, token: &str, headers: &HeaderMap) -> Result<Link, Response> {
    let asked = headers.get(http::header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let stranger = Look::of(app, None, asked);
    let payload = app.store.vault().verify_link(purpose, token).map_err(|_| page::unknown_link(&stranger))?;
    let ids = payload.split_at_checked(32).map(|(ids, more)| (ids.split_at(16), more));
    let Some(((customer, message), more)) = ids else { return Err(page::unknown_link(&stranger)) };
    let (Some(id), Some(message)) = (CustomerId::from_slice(customer), MessageId::from_slice(message)) else {
        return Err(page::unknown_link(&stranger));
    };
    let broken = |error: StoreError| {
        tracing::error!("A public page failed: {error}");
        page::try_later(&stranger)
    };
    let customer = match app.store.customer(id).await {
        Err(StoreError::Erased) => None,
        other => other.map_err(broken)?,
    };
    let entry = app.store.log_entry(message).await.map_err(broken)?;
    let look = Look::of(app, customer.as_ref(), asked);
    let more = String::from_utf8_lossy(more).into_owned();
    Ok(Link { id: customer.as_ref().map_or(id, |c| c.id), customer, message, entry, more, look })
}

/// The fields of a form, whether urlencoded or multipart; a body that is neither has none.
pub(super) async fn form(body: Body) -> Result<BTreeMap<String, String>, ()> {
    let bytes = axum::body::to_bytes(body, FORM_MAX).await.map_err(|_| ())?;
    Ok(form_urlencoded::parse(&bytes).map(|(k, v)| (k.into_owned(), v.into_owned())).collect())
}

/// The properties that every event about a message has.
pub(super) fn about(link: &Link) -> BTreeMap<String, words::Value> {
    about_message(link.message, link.entry.as_ref().map(|entry| &entry.row))
}

/// The same of a message; `row`: what the log has of it.
pub(crate) fn about_message(
    message: MessageId,
    row: Option<&store::LogRow>,
) -> BTreeMap<String, words::Value> {
    let text = |text: &str| words::Value::Text(text.to_owned());
    let mut out = BTreeMap::from([("message_id".to_owned(), text(&message.to_string()))]);
    if let Some(row) = row {
        out.insert("message".to_owned(), text(&row.name));
        out.insert("channel".to_owned(), text(row.channels.first().map_or("", |c| c.as_str())));
        out.insert("journey".to_owned(), text(&row.journey));
        out.insert("step".to_owned(), text(&row.step));
        if let Some(enrollment) = row.enrollment {
            out.insert("enrollment".to_owned(), text(&enrollment.to_string()));
        }
    }
    out
}

/// Tells the customer's journeys, once.
pub(super) async fn tell(
    app: &App,
    link: &Link,
    event: &str,
    properties: BTreeMap<String, words::Value>,
    once: String,
    now: Timestamp,
) -> Result<store::Ingested, StoreError> {
    let listened = app.current.release().is_some_and(|release| release.listeners.listens(event));
    let incoming = store::Incoming {
        customer: link.id,
        event: words::Event {
            id: app.ids.event(now),
            name: event.to_owned(),
            occurred_at: now,
            received_at: now,
            properties,
            kind: words::EventKind::Live,
        },
        source: "tabi".to_owned(),
        message_id: Some(once),
        listened,
        declared: true,
    };
    let done = app.store.ingest(vec![incoming]).await?;
    Ok(done.first().copied().unwrap_or(store::Ingested::Duplicate))
}

impl Link {
    pub(super) fn language(&self) -> Language {
        self.look.language
    }
}
