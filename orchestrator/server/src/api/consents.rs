//! Words of consent, said on purpose, with their evidence.

use super::{BODY_MAX, find_customer, world};
use crate::auth::Scope;
use crate::problem::{Code, Problem};
use crate::routes::{Access, Route};
use crate::{App, body, json};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::routing::post;
use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};
use store::Identity;
use words::{Basis, Channel, Consent, ConsentChange, ConsentState, Evidence, Timestamp};

pub(crate) fn routes() -> Vec<Route> {
    vec![Route {
        method: "POST",
        path: "/v1/consents",
        access: Access::Key(Scope::Consents),
        summary: "Records what a customer agreed to or refused, with the evidence for it.",
        body: "Consent",
        handler: post(record),
    }]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
struct Request {
    /// Our id, the shop's id, or `email:…`.
    customer: Option<String>,
    #[serde(rename = "userId", alias = "user_id")]
    user_id: Option<String>,
    /// Absent: every purpose; for revocations alone.
    purpose: Option<String>,
    /// Absent: every channel.
    channel: Option<String>,
    state: ConsentState,
    basis: Option<Basis>,
    at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    evidence: Option<Evidence>,
}

async fn record(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Json<Value>, Problem> {
    let bytes = body::read(&headers, body, BODY_MAX).await?;
    let request: Request = json::read(&bytes)?;
    let invalid = |why: &str| Problem::new(Code::InvalidRequest, why);
    let now = app.now();
    let world = world(&app);
    let purposes = &world.schema().purposes;
    match &request.purpose {
        Some(purpose) if !purposes.contains_key(purpose) => {
            let known: Vec<&str> = purposes.keys().map(String::as_str).collect();
            return Err(invalid(&format!(
                "`purpose`: there is no such purpose; declared are: {}",
                known.join(", ")
            )));
        }
        None if request.state == ConsentState::Granted => {
            return Err(invalid("`purpose` is missing: only a refusal may be for every purpose at once"));
        }
        _ => {}
    }
    let granted = request.state == ConsentState::Granted;
    if granted && request.evidence.as_ref().is_none_or(|e| e.method.trim().is_empty()) {
        return Err(invalid(
            "`evidence.method` is missing: a grant that cannot be proved is none. Say how it was given: web_form, checkout …",
        ));
    }
    if request.at.is_some_and(|at| at > now) {
        return Err(invalid("`at` lies in the future"));
    }
    let customer = match (&request.customer, &request.user_id) {
        (Some(text), _) => find_customer(&app, text).await?,
        (None, Some(id)) if !id.trim().is_empty() && id.len() <= 256 => {
            app.store.get_or_create(&[Identity::user_id(id.trim())], now, &app.ids).await?.customer
        }
        _ => return Err(invalid("give `userId` or `customer`")),
    };
    let evidence = request.evidence.unwrap_or(Evidence { method: "api".to_owned(), ..Evidence::default() });
    let consent = Consent {
        purpose: request.purpose,
        channel: request.channel.map(Channel::new),
        state: request.state,
        basis: request.basis.unwrap_or(Basis::Express),
        at: request.at.unwrap_or(now),
        expires_at: request.expires_at,
        evidence: hashed(evidence),
    };
    let said = consent.clone();
    let updated = app
        .store
        .update_customer(
            customer,
            now,
            move |customer| {
                if customer.consents.contains(&said) {
                    Vec::new()
                } else {
                    vec![ConsentChange { consent: said }]
                }
            },
            Vec::new(),
        )
        .await?;
    Ok(Json(
        json!({"success": true, "customer": updated.customer.id.to_string(), "changed": updated.changed}),
    ))
}

/// The hash of the wording, where the wording itself was given.
pub(crate) fn hashed(mut evidence: Evidence) -> Evidence {
    use sha2::{Digest, Sha256};
    if let (Some(text), None) = (&evidence.text, &evidence.text_hash) {
        evidence.text_hash = Some(data_encoding::HEXLOWER.encode(&Sha256::digest(text.as_bytes())));
    }
    evidence
}
