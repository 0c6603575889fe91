//! `POST /callbacks/{channel}`: what a provider reports: what became of a delivery, and what people wrote back.
//!
//! The adapter verifies the provider's signature and reads; here it is written down and acted on. A whole message that
//! says STOP ends everything on that channel at once: the address is suppressed and consent revoked, before the answer.

use crate::problem::{Code, Problem};
use crate::receipts::{self, Heard};
use crate::routes::{Access, Route};
use crate::{App, body};
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use channel::{ADDRESS_DEAD, Call, CallRefused, Keyword, OPTED_OUT, Receipt, ReceiptKind, Reply, Said};
use http::{HeaderMap, StatusCode};
use store::{AuditEvent, AuditKind, Identity, LogFilter, StoreError, SuppressionRow};
use words::{
    Basis, Channel, Consent, ConsentChange, ConsentState, CustomerId, Elapsed, Evidence, Timestamp, Value,
};

const BODY_MAX: usize = 65_536;
/// A reply is an answer to what was sent within this time before it.
const ANSWERS: Elapsed = Elapsed::from_days(30);
/// The reason of a suppression that a customer asked for.
const STOP: &str = "stop";

pub(crate) fn routes() -> Vec<Route> {
    vec![Route {
        method: "POST",
        path: "/callbacks/{channel}",
        access: Access::Signature,
        summary: "Takes what a provider reports: what became of a message, and what people wrote back.",
        body: "Callback",
        handler: post(receive),
    }]
}

async fn receive(
    State(app): State<App>,
    Path(channel): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let channel = Channel::new(channel);
    let bytes = body::read(&headers, body, BODY_MAX).await?;
    let nobody = || Problem::new(Code::NotFound, "no provider of this channel calls back here");
    let adapter = app.hooks.adapter(&channel).ok_or_else(nobody)?;
    let named: Vec<(String, String)> = headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect();
    let call = Call { query: &query.unwrap_or_default(), headers: &named, body: &bytes, at: app.now() };
    let said = adapter.callback(&call).map_err(|refused| match refused {
        CallRefused::NotTaken => nobody(),
        CallRefused::Forged => Problem::new(
            Code::BadSignature,
            "the signature is missing or does not fit the address and the body",
        ),
        CallRefused::Unreadable(why) => Problem::new(Code::InvalidRequest, why),
    })?;
    for said in said {
        match said {
            Said::Receipt(receipt) => reported(&app, &channel, receipt).await?,
            Said::Reply(reply) => replied(&app, &channel, adapter.as_ref(), reply).await?,
        }
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// What became of a delivery. One that is not known (any more) is no error of the provider's.
async fn reported(app: &App, channel: &Channel, receipt: Receipt) -> Result<(), StoreError> {
    let Some(key) = app.store.delivery(receipt.delivery).await? else { return Ok(()) };
    let Some(entry) = app.store.log_entry(key.message).await? else { return Ok(()) };
    let Some(delivery) = entry.deliveries.iter().find(|d| d.id == receipt.delivery) else { return Ok(()) };
    let kind = receipt.kind.as_str();
    // Providers report again what they do not know to have arrived; the hour of the second report is no news.
    if delivery.channel != *channel
        || delivery.receipts.iter().any(|r| r.kind == kind && r.detail == receipt.detail)
    {
        return Ok(());
    }
    let says = |word: &str| receipt.kind == ReceiptKind::Bounced && receipt.detail.starts_with(word);
    let reason = if says(OPTED_OUT) {
        revoke(app, entry.row.customer, channel, "provider_opt_out", &receipt.detail, receipt.at).await?;
        Some(STOP)
    } else {
        says(ADDRESS_DEAD).then_some("bounce")
    };
    let mut properties = Vec::new();
    if receipt.kind == ReceiptKind::Bounced {
        properties.push(("reason", Value::Text(receipt.detail.clone())));
    }
    let heard = Heard {
        kind,
        at: receipt.at,
        once: format!("{}/message_{kind}", receipt.delivery),
        suppress: reason.map(|reason| suppression(channel, reason, &receipt.detail, receipt.at)),
        detail: receipt.detail,
        properties,
    };
    receipts::take(app, &entry, delivery, heard).await.map(|_| ())
}

/// A person wrote to us.
async fn replied(
    app: &App,
    channel: &Channel,
    adapter: &dyn channel::Adapter,
    reply: Reply,
) -> Result<(), StoreError> {
    let now = app.now();
    let customer = match app.store.resolve(&[Identity::address(channel, reply.from.clone())]).await? {
        Some(id) => match app.store.customer(id).await {
            Err(StoreError::Erased) => None,
            other => other?,
        },
        None => None,
    };
    let locale = customer.as_ref().and_then(|customer| customer.locale.as_ref());
    let wish =
        reply.keyword.or_else(|| adapter.keyword(&reply.text, locale.map_or("", |locale| locale.as_str())));
    let id = customer.as_ref().map(|customer| customer.id);
    match wish {
        Some(Keyword::Stop) => stop(app, channel, &reply, id, now).await?,
        Some(Keyword::Start) => start(app, channel, &reply, id, now).await?,
        Some(Keyword::Help) | None => {}
    }
    let Some(id) = id else { return Ok(()) };
    let about = LogFilter {
        customer: Some(id),
        channel: Some(channel.clone()),
        from: Some(now.minus(ANSWERS)),
        not_sent: Some(false),
        ..LogFilter::default()
    };
    let Some(row) = app.store.log_search(&about, None, 1).await?.rows.into_iter().next() else {
        return Ok(());
    };
    let Some(entry) = app.store.log_entry(row.message).await? else { return Ok(()) };
    let Some(delivery) = entry.deliveries.iter().rev().find(|d| d.channel == *channel) else { return Ok(()) };
    if delivery.receipts.iter().any(|r| r.detail == reply.provider_id) {
        return Ok(());
    }
    let (kind, properties) = match wish {
        Some(Keyword::Stop) => ("unsubscribed", Vec::new()),
        _ => ("replied", vec![("text", Value::Text(reply.text))]),
    };
    let heard = Heard {
        kind,
        at: now,
        once: format!("{}/{}", reply.provider_id, kind),
        detail: reply.provider_id,
        properties,
        suppress: None,
    };
    receipts::take(app, &entry, delivery, heard).await.map(|_| ())
}

/// Never again on this channel: whoever else has this address, and whatever else the customer said before.
async fn stop(
    app: &App,
    channel: &Channel,
    reply: &Reply,
    customer: Option<CustomerId>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let source = format!("reply {}", reply.provider_id);
    if app.store.suppression(channel, &reply.from).await?.is_none_or(|row| row.reason != STOP) {
        let audit = noted(AuditKind::AddressOptedOut, customer, &source, now);
        let row = suppression(channel, STOP, &source, now);
        app.store.suppress(channel, &reply.from, row, vec![audit]).await?;
    }
    if let Some(customer) = customer {
        revoke(app, customer, channel, "reply_stop", &source, now).await?;
    }
    Ok(())
}

/// Takes a STOP back, as carriers do. What was revoked stays revoked: one word is no consent to advertising.
async fn start(
    app: &App,
    channel: &Channel,
    reply: &Reply,
    customer: Option<CustomerId>,
    now: Timestamp,
) -> Result<(), StoreError> {
    if app.store.suppression(channel, &reply.from).await?.is_some_and(|row| row.reason == STOP) {
        let audit = noted(AuditKind::AddressOptedIn, customer, &format!("reply {}", reply.provider_id), now);
        app.store.unsuppress(channel, &reply.from, vec![audit]).await?;
    }
    Ok(())
}

/// Revokes consent for the whole channel, once.
async fn revoke(
    app: &App,
    customer: CustomerId,
    channel: &Channel,
    method: &'static str,
    source: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (channel, source) = (channel.clone(), source.to_owned());
    let change = move |customer: &mut words::Customer| {
        let of_channel =
            customer.consents.iter().filter(|c| c.purpose.is_none() && c.channel.as_ref() == Some(&channel));
        // A grant for one purpose that came later was not taken back by the earlier word.
        let last = customer.consents.iter().map(|c| c.at).max();
        let known = of_channel
            .max_by_key(|c| c.at)
            .is_some_and(|c| c.state == ConsentState::Revoked && last.is_none_or(|last| last <= c.at));
        if known {
            return Vec::new();
        }
        let consent = Consent {
            purpose: None,
            channel: Some(channel),
            state: ConsentState::Revoked,
            basis: Basis::Express,
            at: now,
            expires_at: None,
            evidence: Evidence { method: method.to_owned(), source: Some(source), ..Evidence::default() },
        };
        vec![ConsentChange { consent }]
    };
    match app.store.update_customer(customer, now, change, Vec::new()).await {
        Ok(_) | Err(StoreError::Erased | StoreError::NotFound(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

fn suppression(channel: &Channel, reason: &str, source: &str, at: Timestamp) -> SuppressionRow {
    SuppressionRow {
        channel: channel.clone(),
        reason: reason.to_owned(),
        at,
        expires_at: None,
        source: source.to_owned(),
    }
}

fn noted(kind: AuditKind, customer: Option<CustomerId>, source: &str, at: Timestamp) -> AuditEvent {
    AuditEvent { kind, at, customer, subject: None, body: serde_json::json!({"source": source}).to_string() }
}
