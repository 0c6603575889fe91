//! `POST /v1/sources/{source}`: webhooks of shops, by their mappings.

use super::world;
use crate::intake::{Door, Fate, take};
use crate::problem::{Code, Problem};
use crate::routes::{Access, Route};
use crate::sources::{Heard, hear, verified};
use crate::{App, body};
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::routing::post;
use http::HeaderMap;
use serde_json::{Value, json};

/// Orders of a thousand lines come in one piece.
const BODY_MAX: usize = 4_000_000;

pub(crate) fn routes() -> Vec<Route> {
    vec![Route {
        method: "POST",
        path: "/v1/sources/{source}",
        access: Access::Signature,
        summary: "Takes a webhook of a shop, by its mapping in journeys/sources.",
        body: "Webhook",
        handler: post(receive),
    }]
}

async fn receive(
    State(app): State<App>,
    Path(source): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let live = app.current.live().ok_or_else(|| Problem::new(Code::NoRelease, "nothing was deployed yet"))?;
    let mapping = live.sources.0.get(&source).ok_or_else(|| {
        Problem::new(Code::NotFound, "the live release has no mapping of this name in journeys/sources")
    })?;
    let secret = app.settings.secrets.get(&mapping.signature.secret).ok_or_else(|| {
        tracing::error!("The secret {} of the source {source} is not set", mapping.signature.secret);
        Problem::new(Code::Unavailable, "the secret that this mapping names is not set on the server")
    })?;
    let bytes = body::read(&headers, body, BODY_MAX).await?;
    if !verified(&mapping.signature, secret.expose().as_bytes(), &headers, &bytes) {
        return Err(Problem::new(Code::BadSignature, "the signature is missing or does not fit the body"));
    }
    let Heard::Item(item) = hear(mapping, &headers, &bytes) else {
        return Ok(Json(json!({"success": true, "ignored": true})));
    };
    let door = Door { source, browser: false, history: false, keep: true };
    // Shops stop sending to an address that answers with errors: what is refused is kept and said here.
    Ok(Json(match take(&app, &world(&app), &door, vec![*item]).await?.pop() {
        Some(Fate::Refused(refusal)) => json!({"success": true, "rejected": 1, "reason": refusal.reason}),
        Some(Fate::Duplicate) => json!({"success": true, "duplicate": true}),
        _ => json!({"success": true}),
    }))
}
