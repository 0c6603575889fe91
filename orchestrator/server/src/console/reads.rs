//! Who read what: every look at the content of a message, at a customer's or a message's page, at the development inbox,
//! every search for somebody, every export.

use super::messages::period;
use super::page;
use super::view::View;
use super::visit::{Failure, Visit};
use axum::response::Response;
use data_encoding::HEXLOWER;
use http::StatusCode;
use serde_json::{Value as Json, json};
use store::{Read, ReadFilter, ReadKind};
use words::MessageId;

/// Reads on one page.
const ROWS: usize = 50;
/// The reader under whose name customers see their own mails in the browser.
const CUSTOMERS_OWN: &str = "customer";

/// `GET /console/reads`.
pub(crate) async fn list(visit: Visit) -> Result<Response, Failure> {
    let view = visit.view();
    let query = &visit.query;
    let mut wrong = Vec::new();
    let mut filter = ReadFilter {
        reader: query.get("reader").map(str::to_owned),
        kind: query.get("kind").and_then(ReadKind::parse),
        ..ReadFilter::default()
    };
    (filter.from, filter.to) = period(query, &view.zone, &mut wrong);
    match query.get("message").map(MessageId::parse) {
        None => {}
        Some(Ok(message)) => filter.message = Some(message),
        Some(Err(_)) => wrong.push("filter-wrong-message"),
    }
    let after = query.get("after").and_then(|text| HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok());
    let found = if wrong.is_empty() {
        visit.store().reads(&filter, after, ROWS).await?
    } else {
        store::ReadPage::default()
    };
    let field = |name: &str| query.get(name).unwrap_or_default().to_owned();
    let narrow = query.query_without(&["after", "lang", "note"]);
    let context = json!({
        "asked": {
            "reader": field("reader"), "kind": field("kind"), "from": field("from"), "to": field("to"),
            "message": field("message"),
        },
        "kinds": ReadKind::ALL.map(|kind| {
            json!({"name": kind.as_str(), "text": view.words.named("read", kind.as_str())})
        }),
        "narrowed": !narrow.is_empty(),
        "wrong": wrong,
        "rows": found.rows.iter().map(|read| shown(&view, read)).collect::<Vec<_>>(),
        "next": found.next.map(|id| HEXLOWER.encode(&id)),
        "query": narrow,
    });
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    page::render(&visit, status, "reads.html", context).await
}

/// One look, in words.
pub(crate) fn shown(view: &View<'_>, read: &Read) -> Json {
    let detail: Json = serde_json::from_str(&read.detail).unwrap_or_default();
    let fields: Vec<String> = detail["fields"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| match value.as_str() {
            Some(text) => format!("{name}={text}"),
            // The record holds that one was asked for, not whose.
            None => name.clone(),
        })
        .collect();
    let own = read.reader == CUSTOMERS_OWN;
    json!({
        "at": view.time(read.at),
        "reader": if own { view.words.plain("read-by-customer") } else { read.reader.clone() },
        "reason": if own { "" } else { read.reason.as_str() },
        "kind": {"name": read.kind.as_str(), "text": view.words.named("read", read.kind.as_str())},
        "message": read.message.map(|id| id.to_string()),
        "customer": read.customer.map(|id| id.to_string()),
        "item": detail["item"].as_i64(),
        "format": detail["format"].as_str(),
        "fields": fields.join(", "),
    })
}
