//! `/c/{token}`: where a link of a message leads.
//!
//! The address is inside the signed token, so nobody can make this page lead elsewhere, and the reader gets there whatever
//! becomes of the record. The first click on each link of a delivery counts. What a machine seems to have followed (a
//! scanner at the mail's door, a browser that fetches ahead) is written down as `scanned` and moves no journey.

use super::page::{self, Look};
use crate::App;
use crate::receipts::{self, Heard};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::header::{HeaderName, HeaderValue, LOCATION};
use http::{HeaderMap, Method, StatusCode};
use store::{LogDelivery, LogEntry, StoreError};
use words::{Elapsed, Timestamp, TrackedLink, Value};

const ROUTE: &str = "click";

/// Who follows a link this soon after the mail has left stands between us and the reader.
const TOO_SOON: Elapsed = Elapsed::from_secs(10);
/// Who follows two different links of one mail within this looks at all of them.
const BURST: Elapsed = Elapsed::from_secs(2);

pub(super) async fn follow(
    State(app): State<App>,
    Path(token): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let payload = app.store.vault().verify_link(ROUTE, &token).ok();
    let Some(link) = payload.and_then(|payload| TrackedLink::from_bytes(&payload)) else {
        return page::unknown_link(&stranger(&app, &headers));
    };
    let Ok(location) = HeaderValue::from_str(&link.url) else {
        return page::unknown_link(&stranger(&app, &headers));
    };
    if let Err(error) = record(&app, &link, &method, &headers).await {
        // The reader gets there all the same.
        tracing::error!(message.id = %link.message, "A click on message {} was not stored: {error}", link.message);
    }
    let mut response = StatusCode::FOUND.into_response();
    response.headers_mut().insert(LOCATION, location);
    response
        .headers_mut()
        .insert(HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex"));
    response
}

fn stranger(app: &App, headers: &HeaderMap) -> Look {
    let asked = headers.get(http::header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    Look::of(app, None, asked)
}

async fn record(
    app: &App,
    link: &TrackedLink,
    method: &Method,
    headers: &HeaderMap,
) -> Result<(), StoreError> {
    let now = app.now();
    // Erased, or past its retention: nothing is left that it could be written beside.
    let Some(entry) = app.store.log_entry(link.message).await? else { return Ok(()) };
    let Some(delivery) = entry.deliveries.iter().find(|d| d.id == link.delivery) else { return Ok(()) };
    let detail = format!("link {} {}", link.number, link.host());
    let live = app.store.sending_live().await?.is_some();
    let machine = looks_automatic(method, headers) || live && too_quick(delivery, &detail, now);
    let kind = if machine { "scanned" } else { "clicked" };
    let known = |kind: &str| delivery.receipts.iter().any(|r| r.kind == kind && r.detail == detail);
    if known(kind) || machine && known("clicked") {
        return Ok(());
    }
    let heard = Heard {
        kind,
        at: now,
        once: format!("{}/clicked/{}", link.delivery, link.number),
        detail,
        properties: vec![("link", Value::Text(link.url.clone()))],
        suppress: None,
    };
    take(app, &entry, delivery, heard).await
}

async fn take(app: &App, entry: &LogEntry, delivery: &LogDelivery, heard: Heard) -> Result<(), StoreError> {
    receipts::take(app, entry, delivery, heard).await.map(|_| ())
}

/// What says of itself that it is no reader, or does what no reader does.
fn looks_automatic(method: &Method, headers: &HeaderMap) -> bool {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let ahead = ["purpose", "sec-purpose", "x-purpose", "x-moz"]
        .iter()
        .any(|name| ["prefetch", "preview", "prerender"].iter().any(|word| header(name).contains(word)));
    let agent = header("user-agent").to_ascii_lowercase();
    *method == Method::HEAD || ahead || agent.is_empty() || ROBOTS.iter().any(|word| agent.contains(word))
}

/// Words in the names of programs that follow links without anybody clicking; in lower case.
const ROBOTS: [&str; 22] = [
    "bot",
    "crawl",
    "spider",
    "slurp",
    "preview",
    "scan",
    "monitor",
    "fetch",
    "facebookexternalhit",
    "whatsapp",
    "barracuda",
    "mimecast",
    "proofpoint",
    "safelinks",
    "symantec",
    "trendmicro",
    "python-",
    "go-http-client",
    "okhttp",
    "java/",
    "wget",
    "headless",
];

/// Sooner than anybody reads, or another link of the same mail in the same breath.
fn too_quick(delivery: &LogDelivery, detail: &str, now: Timestamp) -> bool {
    let since = |at: Timestamp| now.since(at);
    let soon = delivery.handed_at.is_some_and(|at| since(at) < TOO_SOON);
    let burst = delivery.receipts.iter().any(|receipt| {
        matches!(receipt.kind.as_str(), "clicked" | "scanned")
            && receipt.detail != detail
            && since(receipt.at) < BURST
    });
    soon || burst
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(method: &Method, headers: &[(&'static str, &'static str)], automatic: bool) {
        let map = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        assert_eq!(looks_automatic(method, &map), automatic, "{method} {headers:?}");
    }

    #[test]
    fn who_fetches_ahead_or_says_that_it_is_a_robot_is_no_reader() {
        const SAFARI: &str =
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148";
        check(&Method::GET, &[("user-agent", SAFARI)], false);
        check(&Method::GET, &[("user-agent", "curl/8.5.0")], false);
        check(&Method::HEAD, &[("user-agent", SAFARI)], true);
        check(&Method::GET, &[("user-agent", SAFARI), ("sec-purpose", "prefetch;prerender")], true);
        check(&Method::GET, &[("user-agent", SAFARI), ("x-moz", "prefetch")], true);
        check(&Method::GET, &[("user-agent", "Mozilla/5.0 (compatible; Googlebot/2.1)")], true);
        check(&Method::GET, &[("user-agent", "Barracuda Sentinel (EE)")], true);
        check(&Method::GET, &[], true);
    }
}
