//! The development inbox: what would have left the machine, readable as it arrived.

use super::content;
use super::visit::{Failure, Visit};
use ::inbox::{Filter, Inbox, Item};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use store::ReadKind;
use words::{Channel, Elapsed, Timestamp};

/// How long one look at the list lasts.
const LOOK: Elapsed = Elapsed::from_secs(15 * 60);

/// `GET /console/inbox`.
pub(crate) async fn list(visit: Visit) -> Result<Response, Failure> {
    let inbox = inbox(&visit)?;
    let view = visit.view();
    // The page looks again by itself every few seconds: that is one look.
    let session = visit.who.as_ref().map(|who| who.session).unwrap_or_default();
    if visit.console.looks.begins(session, visit.console.app.clock.machine_now()) {
        record(&visit, json!({})).await?;
    }
    let filter = Filter {
        channel: visit.query.get("channel").map(Channel::new),
        to: None,
        text: visit.query.get("q").map(str::to_owned),
    };
    let before = visit.query.get("before").and_then(|id| id.parse().ok());
    let listing = inbox.list(&filter, ::inbox::Page { before, limit: 50 }).await?;
    let count = inbox.count(&filter).await?;
    let items: Vec<Json> = listing
        .items
        .iter()
        .map(|item| {
            json!({
                "id": item.id, "at": view.time(item.at), "channel": view.channel(item.channel.as_str()),
                "from": item.from, "to": item.to, "subject": item.subject,
            })
        })
        .collect();
    let channels = ["email", "sms", "push", "webhook"].map(|c| view.channel(c));
    let context = json!({
        "items": items,
        "count": view.number(count),
        "n": count,
        "newest": listing.items.first().map(|i| i.id),
        "next": listing.next,
        "first": before.is_none(),
        "q": visit.query.get("q").unwrap_or_default(),
        "channel": visit.query.get("channel").unwrap_or_default(),
        "channels": channels,
        "query": visit.query.query_without(&["before", "lang", "note"]),
    });
    visit.page("inbox.html", context).await
}

/// `GET /console/inbox/{id}`.
pub(crate) async fn show(visit: Visit) -> Result<Response, Failure> {
    let item = item(&visit).await?;
    record(&visit, json!({"item": item.id})).await?;
    let view = visit.view();
    let tab = match visit.query.get("tab") {
        Some("raw") => "raw",
        Some("headers") => "headers",
        Some("text") if item.text.is_some() => "text",
        _ if item.html.is_some() => "html",
        _ if item.text.is_some() => "text",
        _ => "raw",
    };
    let context = json!({
        "id": item.id,
        "at": view.time(item.at),
        "channel": view.channel(item.channel.as_str()),
        "from": item.from, "to": item.to, "subject": item.subject, "provider_id": item.provider_id,
        "has_html": item.html.is_some(), "text": item.text,
        "headers": item.headers.iter().map(|(k, v)| json!({"key": k, "value": v})).collect::<Vec<_>>(),
        "raw": content::raw(&item.raw),
        "tab": tab,
    });
    visit.page("inbox_item.html", context).await
}

/// `GET /console/inbox/{id}/{part}`: `html` for the frame, `raw` for keeping.
pub(crate) async fn part(visit: Visit) -> Result<Response, Failure> {
    let item = item(&visit).await?;
    match visit.path("part") {
        "html" => Ok(content::frame(item.html.ok_or(Failure::NotFound)?)),
        "raw" => {
            record(&visit, json!({"item": item.id, "format": "raw"})).await?;
            let name = if item.channel == Channel::EMAIL { "eml" } else { "json" };
            let headers = [
                (CONTENT_TYPE, "application/octet-stream".to_owned()),
                (CONTENT_DISPOSITION, format!("attachment; filename=\"message-{}.{name}\"", item.id)),
                (CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox".to_owned()),
            ];
            Ok((headers, item.raw).into_response())
        }
        _ => Err(Failure::NotFound),
    }
}

/// Who has the list open.
#[derive(Debug, Default)]
pub(crate) struct Looks(Mutex<BTreeMap<[u8; 32], Timestamp>>);

impl Looks {
    /// Whether a session begins to look: it has not within the last quarter of an hour.
    fn begins(&self, session: [u8; 32], now: Timestamp) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, since| now < since.plus(LOOK));
        if all.contains_key(&session) {
            return false;
        }
        all.insert(session, now);
        true
    }
}

/// Mails of customers lie here, with their addresses: that somebody looked is written down.
async fn record(visit: &Visit, detail: Json) -> Result<(), Failure> {
    let (by, now) = (visit.name(), visit.now());
    Ok(visit.store().note_read(ReadKind::Inbox, by, "", None, detail, now).await?)
}

fn inbox(visit: &Visit) -> Result<&Inbox, Failure> {
    visit.console.app.hooks.inbox().ok_or(Failure::Bad("fail-no-inbox"))
}

async fn item(visit: &Visit) -> Result<Item, Failure> {
    let id = visit.path("id").parse().map_err(|_| Failure::NotFound)?;
    inbox(visit)?.get(id).await?.ok_or(Failure::NotFound)
}
