//! Starting a journey by name.

use super::{BODY_MAX, find_customer, idempotency, nobody, user_id};
use crate::auth::{Caller, Scope};
use crate::intake::strict;
use crate::problem::{Code, Problem};
use crate::routes::{Access, Route};
use crate::{App, body, json};
use axum::Json;
use axum::body::Body;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use axum::routing::post;
use http::HeaderMap;
use journey::{Field, Start};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use store::{Identity, Incoming, Ingested};
use words::{Event, EventKind, internal};

pub(crate) fn routes() -> Vec<Route> {
    vec![Route {
        method: "POST",
        path: "/v1/journeys/{journey}/start",
        access: Access::Key(Scope::Journeys),
        summary: "Asks a journey that starts by `api:` to start for a customer. With an Idempotency-Key it is asked once.",
        body: "StartJourney",
        handler: post(start),
    }]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    customer: Option<String>,
    #[serde(rename = "userId", alias = "user_id")]
    user_id: Option<String>,
    #[serde(default)]
    inputs: Map<String, Value>,
}

async fn start(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let key = idempotency::key_in(&headers)?;
    let bytes = body::read(&headers, body, BODY_MAX).await?;
    let request: Request = json::read(&bytes)?;
    let release =
        app.current.release().ok_or_else(|| Problem::new(Code::NoRelease, "nothing was deployed yet"))?;
    let program = release
        .project
        .programs
        .get(&name)
        .ok_or_else(|| Problem::new(Code::NotFound, "the live release has no journey of this name"))?;
    let Start::Api { inputs } = &program.start else {
        return Err(Problem::new(
            Code::InvalidValue,
            "this journey does not start by `api:`, see its `start`",
        ));
    };
    let fields: BTreeMap<String, Field> = inputs
        .iter()
        .map(|(name, (ty, required))| {
            let field = Field { ty: ty.clone(), required: *required, sensitive: false, description: None };
            (name.clone(), field)
        })
        .collect();
    let inputs = strict(&request.inputs, &fields, "input").map_err(|errors| {
        Problem::new(Code::InvalidInputs, "the inputs do not fit what the journey declares")
            .with("errors", errors)
    })?;
    let now = app.now();
    let customer = match (&request.customer, &request.user_id) {
        (Some(text), _) => find_customer(&app, text).await?,
        (None, Some(id)) => {
            app.store.get_or_create(&[Identity::user_id(user_id(id)?)], now, &app.ids).await?.customer
        }
        (None, None) => return Err(nobody()),
    };
    let event = Event {
        id: app.ids.event(now),
        name: internal::JOURNEY_REQUESTED.to_owned(),
        occurred_at: now,
        received_at: now,
        properties: BTreeMap::from([
            ("journey".to_owned(), words::Value::Text(name)),
            ("inputs".to_owned(), words::Value::Map(inputs)),
        ]),
        kind: EventKind::Live,
    };
    let incoming = Incoming {
        customer,
        event,
        source: "api".to_owned(),
        message_id: key.map(|key| data_encoding::HEXLOWER.encode(&idempotency::key_hash(&caller, &key))),
        listened: true,
        declared: true,
    };
    let done = app.store.ingest(vec![incoming]).await?;
    let duplicate = done.first() == Some(&Ingested::Duplicate);
    let answer = json!({"success": true, "customer": customer.to_string(), "duplicate": duplicate});
    Ok((StatusCode::ACCEPTED, Json(answer)))
}
