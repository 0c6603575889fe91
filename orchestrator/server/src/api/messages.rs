//! Direct sends: one message to one customer, now, without a journey. For receipts, codes and what a law asks for.

use super::{BODY_MAX, find_customer, idempotency, nobody};
use crate::app::Live;
use crate::auth::{Caller, Scope};
use crate::intake::strict;
use crate::problem::{Code, Problem};
use crate::routes::{Access, Route};
use crate::{App, body, json};
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::response::Response;
use axum::routing::post;
use http::{HeaderMap, StatusCode};
use journey::Field;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use store::{AuditEvent, AuditKind, MessageOutcome, NewDelivery, NewMessage, Origin};
use words::{Channel, Customer, DeliveryId, MessageClass, MessageId, Timestamp};

/// What direct sends carry where a journey would stand.
pub(crate) const CALL: &str = "api";

pub(crate) fn routes() -> Vec<Route> {
    vec![Route {
        method: "POST",
        path: "/v1/messages",
        access: Access::Key(Scope::Messages),
        summary: "Sends one message to one customer, once per Idempotency-Key. For purposes of the classes transactional, security and regulatory.",
        body: "DirectMessage",
        handler: post(send),
    }]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    message: String,
    purpose: String,
    customer: Option<String>,
    #[serde(rename = "userId", alias = "user_id")]
    user_id: Option<String>,
    #[serde(default)]
    inputs: Map<String, Value>,
    /// The first of these that the customer can be reached on; absent: the first of the message's own.
    #[serde(default)]
    channels: Vec<String>,
    expires_at: Option<Timestamp>,
}

async fn send(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let key = idempotency::key_in(&headers)?
        .ok_or_else(|| Problem::new(Code::IdempotencyMissing, "the Idempotency-Key header is missing"))?;
    let bytes = body::read(&headers, body, BODY_MAX).await?;
    let request: Request = json::read(&bytes)?;
    let hash = idempotency::key_hash(&caller, &key);
    idempotency::once(&app, hash, "/v1/messages", &bytes, plan(&app, &caller, hash, request)).await
}

async fn plan(
    app: &App,
    caller: &Caller,
    key_hash: [u8; 32],
    request: Request,
) -> Result<(StatusCode, Value), Problem> {
    let live = app.current.live().ok_or_else(|| {
        Problem::new(Code::NoRelease, "nothing was deployed yet, so there is no message to send")
    })?;
    let class = class_of(&live, &request.purpose)?;
    let inputs = inputs_of(&live, &request.message, &request.inputs)?;
    if let Some(written) =
        live.release.templates.class(&request.message).filter(|it| !it.may_go_out_as(class))
    {
        return Err(Problem::new(
            Code::ClassMismatch,
            format!(
                "`{}` is written as {}, and the purpose `{}` is of the class {}",
                request.message,
                written.as_str(),
                request.purpose,
                class.as_str()
            ),
        ));
    }
    let whom = match (&request.customer, &request.user_id) {
        (Some(text), _) | (None, Some(text)) => find_customer(app, text).await?,
        (None, None) => return Err(nobody()),
    };
    let customer = app
        .store
        .customer(whom)
        .await?
        .ok_or_else(|| Problem::new(Code::NotFound, "there is no such customer, or they were erased"))?;
    let channel = channel_of(&live, &request, &customer)?;
    // Which survey its page belongs to is known to a step alone: the link would be empty.
    if live.release.templates.asks(&request.message).is_some_and(|asks| asks.contains(&channel)) {
        let why = format!("`message`: on {channel} `{}` leads to a survey's page", request.message);
        return Err(Problem::new(Code::AsksSurvey, why));
    }
    let now = app.now();
    if request.expires_at.is_some_and(|end| end <= now) {
        return Err(Problem::new(Code::InvalidValue, "`expires_at` is past"));
    }
    let mut origin = [0; 16];
    origin.copy_from_slice(&key_hash[..16]);
    let id = MessageId::derive(&origin, &request.message, 1);
    let message = NewMessage {
        id,
        origin: Origin::Api,
        enrollment: None,
        journey: CALL.to_owned(),
        step: request.message.clone(),
        visit: 1,
        name: request.message.clone(),
        purpose: request.purpose.clone(),
        class,
        priority: 0,
        program: None,
        release: Some(live.release.id),
        cause_seq: 0,
        planned_at: now,
        expires_at: request.expires_at,
        outcome: MessageOutcome::Planned,
        why: json!({"asked_by": format!("key {}", caller.name)}).to_string(),
        inputs,
        deliveries: deliveries(id, &customer, &channel, class, now),
    };
    let audit = AuditEvent {
        kind: AuditKind::MessagePlanned,
        at: now,
        customer: Some(customer.id),
        subject: Some(id.0),
        body: json!({
            "message": request.message, "purpose": request.purpose, "class": class, "channel": channel,
            "origin": "api", "by": format!("key {}", caller.name),
        })
        .to_string(),
    };
    app.store.plan_messages(customer.id, vec![message], vec![audit], now).await?;
    let answer = json!({
        "message": id.to_string(),
        "customer": customer.id.to_string(),
        "channel": channel,
        "status": "planned",
    });
    Ok((StatusCode::ACCEPTED, answer))
}

fn class_of(live: &Live, purpose: &str) -> Result<MessageClass, Problem> {
    let purposes = &live.release.project.schema.purposes;
    let Some(declared) = purposes.get(purpose) else {
        let known: Vec<&str> = purposes.keys().map(String::as_str).collect();
        let why = format!("`purpose`: there is no such purpose; declared are: {}", known.join(", "));
        return Err(Problem::new(Code::InvalidValue, why));
    };
    match declared.class {
        MessageClass::Transactional | MessageClass::Security | MessageClass::Regulatory => Ok(declared.class),
        other => Err(Problem::new(
            Code::ClassNotAllowed,
            format!("the purpose `{purpose}` is of the class {}", other.as_str()),
        )),
    }
}

fn inputs_of(
    live: &Live,
    message: &str,
    given: &Map<String, Value>,
) -> Result<BTreeMap<String, words::Value>, Problem> {
    let Some(declared) = live.release.templates.inputs(message) else {
        let known: Vec<&str> = live.release.templates.messages().collect();
        let why = format!("`message`: there is no such message; there are: {}", known.join(", "));
        return Err(Problem::new(Code::InvalidValue, why));
    };
    let fields: BTreeMap<String, Field> = declared
        .iter()
        .map(|(name, input)| {
            let required = input.required && input.default.is_none();
            (name.clone(), Field { ty: input.ty.clone(), required, sensitive: false, description: None })
        })
        .collect();
    strict(given, &fields, "input").map_err(|errors| {
        Problem::new(Code::InvalidInputs, "the inputs do not fit what the message declares")
            .with("errors", errors)
    })
}

/// The first channel that is wanted, that the message has parts for, and that the customer has a living address on.
fn channel_of(live: &Live, request: &Request, customer: &Customer) -> Result<Channel, Problem> {
    let written: Vec<Channel> = live.release.templates.channels(&request.message).cloned().collect();
    let wanted: Vec<Channel> = if request.channels.is_empty() {
        written.clone()
    } else {
        request.channels.iter().map(|name| Channel::new(name.clone())).collect()
    };
    if let Some(unknown) = wanted.iter().find(|channel| !written.contains(channel)) {
        let has: Vec<&str> = written.iter().map(Channel::as_str).collect();
        let shown: String = unknown.as_str().chars().filter(|c| !c.is_control()).take(32).collect();
        let why = format!("`channels`: the message has no part for `{shown}`; it has: {}", has.join(", "));
        return Err(Problem::new(Code::InvalidValue, why));
    }
    let found = wanted.iter().find(|channel| customer.reachable(channel).next().is_some());
    found.cloned().ok_or_else(|| {
        let names: Vec<&str> = wanted.iter().map(Channel::as_str).collect();
        Problem::new(
            Code::Unreachable,
            format!("the customer has no living address on: {}", names.join(", ")),
        )
    })
}

fn deliveries(
    message: MessageId,
    customer: &Customer,
    channel: &Channel,
    class: MessageClass,
    now: Timestamp,
) -> Vec<NewDelivery> {
    // The tokens of an app are one fan-out set; of other addresses the preferred one is meant.
    let fan_out = if *channel == Channel::PUSH { usize::MAX } else { 1 };
    let addresses = customer.reachable(channel).take(fan_out).enumerate();
    addresses
        .map(|(nth, address)| NewDelivery {
            id: DeliveryId::derive(message, 1, channel.as_str(), u16::try_from(nth).unwrap_or(u16::MAX)),
            ordinal: 1,
            channel: channel.clone(),
            address: address.value.clone(),
            due_at: now,
            class: class.delivery_class(false),
        })
        .collect()
}
