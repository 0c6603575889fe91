//! The content of a message as the customer got it: opened for a reason, recorded, shown in frames that can do nothing.

use super::visit::{Failure, Visit, go};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use mail_parser::{MessageParser, MimeHeaders};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use store::FinalContent;
use words::{DeliveryId, Elapsed, MessageId, Timestamp};

/// What HTML of other people may do: show itself, with its own styles and embedded pictures. No script, no form, no
/// request: a pixel in a mail must not learn that a reviewer looked.
pub(crate) const FRAME_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; \
     form-action 'none'; base-uri 'none'; frame-ancestors 'self'";
/// How long something opened stays open.
const OPEN: Elapsed = Elapsed::from_secs(15 * 60);
/// How many are open at once, over all readers; the oldest is shut first.
const OPEN_MAX: usize = 64;

/// What readers have open. Kept in memory alone: one look, one record.
#[derive(Debug, Default)]
pub(crate) struct Openings(Mutex<BTreeMap<String, Opening>>);

/// Content that somebody has open.
#[derive(Debug, Clone)]
pub(crate) struct Opening {
    reader: [u8; 32],
    pub(crate) message: MessageId,
    pub(crate) delivery: DeliveryId,
    content: FinalContent,
    until: Timestamp,
}

impl Openings {
    fn put(&self, key: String, opening: Opening, now: Timestamp) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, opening| opening.until > now);
        while all.len() >= OPEN_MAX {
            let Some(oldest) = all.iter().min_by_key(|(_, o)| o.until).map(|(key, _)| key.clone()) else {
                break;
            };
            all.remove(&oldest);
        }
        all.insert(key, opening);
    }

    /// What `key` names, for the session that opened it.
    pub(crate) fn get(&self, visit: &Visit, key: &str) -> Option<Opening> {
        let who = visit.who.as_ref()?;
        let now = visit.console.app.clock.machine_now();
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(key).filter(|o| o.reader == who.session && o.until > now).cloned()
    }
}

/// `POST /console/messages/{id}/open`: reads the content, which is recorded with the reason, and shows it.
pub(crate) async fn open(visit: Visit) -> Result<Response, Failure> {
    let message = MessageId::parse(visit.path("id")).map_err(|_| Failure::NotFound)?;
    let delivery = DeliveryId::parse(visit.need("delivery")?).map_err(|_| Failure::NotFound)?;
    let reason = visit.need("reason")?;
    let entry = visit.store().log_entry(message).await?.ok_or(Failure::NotFound)?;
    if !entry.deliveries.iter().any(|d| d.id == delivery) {
        return Err(Failure::NotFound);
    }
    let content = visit.store().log_content(delivery, visit.name(), reason, visit.now()).await?;
    let Some(content) = content else { return Err(Failure::Bad("fail-no-content")) };
    let key = data_encoding::HEXLOWER
        .encode(&visit.store().vault().issue_session().map_err(store::StoreError::from)?.hash);
    let now = visit.console.app.clock.machine_now();
    let reader = visit.who.as_ref().map(|who| who.session).unwrap_or_default();
    visit.console.openings.put(
        key.clone(),
        Opening { reader, message, delivery, content, until: now.plus(OPEN) },
        now,
    );
    Ok(go(&format!("/console/messages/{message}?open={key}#content"), None))
}

/// What the message's page shows of content that is open.
pub(crate) fn shown(opening: &Opening) -> Json {
    let parts = parts(&opening.content);
    json!({
        "delivery": opening.delivery.to_string(),
        "media": opening.content.media,
        "locale": opening.content.locale,
        "head": parts.head,
        "has_html": parts.html.is_some(),
        "has_text": parts.text.is_some(),
        "text": parts.text,
        "raw": raw(&opening.content.bytes),
        "bytes": opening.content.bytes.len(),
    })
}

/// `GET /console/content/{key}/{part}`: `html` for the frame, `eml` for keeping.
pub(crate) async fn part(visit: Visit) -> Result<Response, Failure> {
    let opening = visit.console.openings.get(&visit, visit.path("key")).ok_or(Failure::NotFound)?;
    match visit.path("part") {
        "html" => Ok(frame(parts(&opening.content).html.ok_or(Failure::NotFound)?)),
        _ => Err(Failure::NotFound),
    }
}

/// HTML of other people, in a frame that can do nothing.
pub(crate) fn frame(html: String) -> Response {
    let headers = [(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, FRAME_POLICY)];
    (headers, html).into_response()
}

/// Bytes as text, for showing.
pub(crate) fn raw(bytes: &[u8]) -> String {
    const SHOWN_MAX: usize = 512 * 1024;
    String::from_utf8_lossy(&bytes[..bytes.len().min(SHOWN_MAX)]).into_owned()
}

struct Parts {
    /// Subject, from, title: what stands above the text.
    head: Vec<(String, String)>,
    html: Option<String>,
    text: Option<String>,
}

/// The parts from the bytes that went out; from the parcel where those are no mail.
fn parts(content: &FinalContent) -> Parts {
    if content.media == "message/rfc822"
        && let Some(mail) = MessageParser::default().parse(&content.bytes)
    {
        let written = |kind: &str| {
            mail.parts.iter().any(|part| {
                part.content_type().is_some_and(|ct| ct.ctype() == "text" && ct.subtype() == Some(kind))
            })
        };
        let mut head = Vec::new();
        for name in ["From", "To", "Reply-To", "Subject", "Date", "Message-ID", "List-Unsubscribe"] {
            let value = match mail.header(name) {
                Some(mail_parser::HeaderValue::Text(text)) => text.to_string(),
                Some(_) => {
                    mail.header_raw(name).unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
                }
                None => continue,
            };
            head.push((name.to_owned(), value));
        }
        return Parts {
            head,
            html: written("html").then(|| mail.body_html(0).map(std::borrow::Cow::into_owned)).flatten(),
            text: written("plain").then(|| mail.body_text(0).map(std::borrow::Cow::into_owned)).flatten(),
        };
    }
    let parcel: Json = serde_json::from_str(&content.parcel).unwrap_or_default();
    let part = |name: &str| parcel["parts"][name].as_str().map(str::to_owned);
    let mut head: Vec<(String, String)> = Vec::new();
    for name in ["from_name", "from", "sender"] {
        if let Some(value) = parcel["sender"][name].as_str() {
            head.push((name.to_owned(), value.to_owned()));
        }
    }
    for name in ["subject", "title"] {
        head.extend(part(name).map(|value| (name.to_owned(), value)));
    }
    Parts { head, html: part("html"), text: part("text").or_else(|| part("body")) }
}
