//! Words of consent, said on purpose, with their evidence.

use super::{BODY_MAX, find_customer, nobody, user_id, world};
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
    let invalid = |why: &str| Problem::new(Code::InvalidValue, why);
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
    if let Some(channel) = &request.channel {
        known_channel(&app, channel)?;
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
    let evidence = request.evidence.unwrap_or(Evidence { method: "api".to_owned(), ..Evidence::default() });
    let evidence = checked(evidence).map_err(|why| Problem::new(Code::EvidenceMismatch, why))?;
    let customer = match (&request.customer, &request.user_id) {
        (Some(text), _) => find_customer(&app, text).await?,
        (None, Some(id)) => {
            app.store.get_or_create(&[Identity::user_id(user_id(id)?)], now, &app.ids).await?.customer
        }
        (None, None) => return Err(nobody()),
    };
    let consent = Consent {
        purpose: request.purpose,
        channel: request.channel.map(Channel::new),
        state: request.state,
        basis: request.basis.unwrap_or(Basis::Express),
        at: request.at.unwrap_or(now),
        expires_at: request.expires_at,
        evidence,
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

/// Refuses a channel that nothing here speaks on: a mistyped one would never be asked about.
fn known_channel(app: &App, name: &str) -> Result<(), Problem> {
    let known = world(app).channels();
    if known.contains(name) {
        return Ok(());
    }
    let shown: String = name.chars().filter(|c| !c.is_control()).take(32).collect();
    let known: Vec<String> = known.into_iter().collect();
    Err(Problem::new(
        Code::UnknownChannel,
        format!("`channel`: there is no channel `{shown}`; there are: {}", known.join(", ")),
    ))
}

/// SHA-256 of a wording, in hex.
fn hash_of(text: &str) -> String {
    use sha2::{Digest, Sha256};
    data_encoding::HEXLOWER.encode(&Sha256::digest(text.as_bytes()))
}

/// The hash of the wording, where the wording itself was given.
pub(crate) fn hashed(mut evidence: Evidence) -> Evidence {
    if let (Some(text), None) = (&evidence.text, &evidence.text_hash) {
        evidence.text_hash = Some(hash_of(text));
    }
    evidence
}

/// The same for evidence from outside: a hash has the form of one, and is that of the wording where both were given.
fn checked(mut evidence: Evidence) -> Result<Evidence, String> {
    if let Some(hash) = &mut evidence.text_hash {
        *hash = hash.trim().to_ascii_lowercase();
        if hash.len() != 64 || !hash.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err("`evidence.text_hash` is not a SHA-256 in hex: 64 digits from 0 to f".to_owned());
        }
        if evidence.text.as_ref().is_some_and(|text| hash_of(text) != *hash) {
            return Err("`evidence.text_hash` is not the SHA-256 of `evidence.text`".to_owned());
        }
    }
    Ok(hashed(evidence))
}
