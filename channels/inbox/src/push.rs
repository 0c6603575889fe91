//! Push as FCM HTTP v1 takes it (`reference/fcm/rest/v1/projects.messages` of its documentation), behind the OAuth 2 JWT
//! bearer grant (RFC 7523).

use crate::{
    Arrival,
    store::{Store, now},
};
use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Form, Path, State, rejection::FormRejection},
    http::{HeaderMap, StatusCode, header::AUTHORIZATION, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::post,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};
use words::Channel;

const MICROS: i64 = 1_000_000;
/// How long an access token lives, in seconds.
const TOKEN_LIFE: i64 = 3599;
/// The most bytes of `notification` and `data` together.
const PAYLOAD_MAX: usize = 4096;

/// The access tokens that were given out: the newest 1,000, with the second they end at.
#[derive(Default)]
pub(crate) struct Tokens(Mutex<(u64, VecDeque<(String, i64)>)>);

impl Tokens {
    fn issue(&self) -> String {
        let at = now().as_micros();
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.0 += 1;
        let token = format!("ya29.inbox-{at:x}-{:x}", tokens.0);
        tokens.1.push_back((token.clone(), at / MICROS + TOKEN_LIFE));
        if tokens.1.len() > 1000 {
            tokens.1.pop_front();
        }
        token
    }

    fn knows(&self, token: &str) -> bool {
        let seconds = now().as_micros() / MICROS;
        let tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.1.iter().any(|(known, end)| known == token && *end > seconds)
    }
}

#[derive(Clone)]
struct Shared {
    store: Store,
    tokens: Arc<Tokens>,
}

/// `POST /token` and `POST /v1/projects/{project}/messages:send`.
pub(crate) fn router(store: Store, tokens: Arc<Tokens>) -> Router {
    Router::new()
        .route("/token", post(token))
        .route("/v1/projects/{project}/messages:send", post(send))
        .layer(DefaultBodyLimit::max(64 << 10))
        .with_state(Shared { store, tokens })
}

async fn token(
    State(shared): State<Shared>,
    form: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Response {
    let refuse = |error: &str, description: &str| {
        (StatusCode::BAD_REQUEST, Json(json!({"error": error, "error_description": description})))
            .into_response()
    };
    let Ok(Form(fields)) = form else { return refuse("invalid_request", "The request is no form") };
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    if field("grant_type") != Some("urn:ietf:params:oauth:grant-type:jwt-bearer") {
        return refuse("unsupported_grant_type", "Invalid grant_type");
    }
    let Some(assertion) = field("assertion") else {
        return refuse("invalid_request", "Missing required parameter: assertion");
    };
    match assertion_fault(assertion) {
        Some((error, description)) => refuse(error, description),
        None => Json(json!({
            "access_token": shared.tokens.issue(),
            "expires_in": TOKEN_LIFE,
            "token_type": "Bearer",
        }))
        .into_response(),
    }
}

/// What is wrong with the assertion. Its signature cannot be checked: the key is the operator's alone.
fn assertion_fault(assertion: &str) -> Option<(&'static str, &'static str)> {
    let parts: Vec<&str> = assertion.split('.').collect();
    let [header, claims, signature] = parts.as_slice() else {
        return Some(("invalid_grant", "Bad Request: the assertion is no JWT"));
    };
    let read = |part: &str| {
        URL_SAFE_NO_PAD.decode(part).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok())
    };
    let (Some(header), Some(claims)) = (read(header), read(claims)) else {
        return Some(("invalid_grant", "Bad Request: the assertion cannot be decoded"));
    };
    if header["alg"] != "RS256" || URL_SAFE_NO_PAD.decode(signature).is_ok_and(|bytes| bytes.len() < 128) {
        return Some(("invalid_grant", "Invalid JWT Signature."));
    }
    if !claims["iss"].as_str().is_some_and(|iss| iss.contains('@')) {
        return Some(("invalid_grant", "Invalid grant: account not found"));
    }
    if !claims["aud"].as_str().is_some_and(|aud| aud.ends_with("/token")) {
        return Some(("invalid_grant", "Invalid JWT: Failed audience check."));
    }
    let scope = claims["scope"].as_str().unwrap_or_default();
    if !scope
        .split(' ')
        .any(|scope| scope.ends_with("/auth/firebase.messaging") || scope.ends_with("/auth/cloud-platform"))
    {
        return Some(("invalid_scope", "Invalid OAuth scope or ID token audience provided."));
    }
    let now = now().as_micros() / MICROS;
    match (claims["iat"].as_i64(), claims["exp"].as_i64()) {
        // Five minutes of drift are forgiven.
        (Some(iat), Some(exp)) if exp > now && iat <= now + 300 && (1..=3600).contains(&(exp - iat)) => None,
        _ => Some((
            "invalid_grant",
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.",
        )),
    }
}

async fn send(
    State(shared): State<Shared>,
    Path(project): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let bearer = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|v| v.strip_prefix("Bearer "));
    if !bearer.is_some_and(|token| shared.tokens.knows(token)) {
        return refusal(
            StatusCode::UNAUTHORIZED,
            "UNAUTHENTICATED",
            None,
            "Request had invalid authentication credentials. Expected OAuth 2 access token.",
        );
    }
    let json =
        headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
    let value = match serde_json::from_slice::<Value>(&body) {
        Ok(value) if json => value,
        _ => return invalid("Invalid JSON payload received."),
    };
    let target = match check(&value) {
        Ok(target) => target,
        Err(message) => return invalid(&message),
    };
    if target.starts_with("unregistered") {
        return refusal(
            StatusCode::NOT_FOUND,
            "NOT_FOUND",
            Some("UNREGISTERED"),
            "Requested entity was not found.",
        );
    }
    if target.starts_with("quota") {
        let mut response = refusal(
            StatusCode::TOO_MANY_REQUESTS,
            "RESOURCE_EXHAUSTED",
            Some("QUOTA_EXCEEDED"),
            "Quota exceeded for messages per minute.",
        );
        response.headers_mut().insert("retry-after", http::HeaderValue::from_static("60"));
        return response;
    }
    if target.starts_with("mismatch") {
        return refusal(
            StatusCode::FORBIDDEN,
            "PERMISSION_DENIED",
            Some("SENDER_ID_MISMATCH"),
            "SenderId mismatch",
        );
    }
    let arrival = Arrival {
        channel: Channel::PUSH,
        from: project.clone(),
        to: target.clone(),
        provider_id: String::new(),
        raw: body.to_vec(),
    };
    if value["validate_only"] == true {
        return Json(json!({"name": format!("projects/{project}/messages/fake_message_id")})).into_response();
    }
    match shared.store.add(vec![arrival]).await {
        Ok(ids) => {
            let id = ids.first().copied().unwrap_or_default();
            Json(json!({"name": format!("projects/{project}/messages/0:{id}")})).into_response()
        }
        Err(_) => refusal(
            StatusCode::SERVICE_UNAVAILABLE,
            "UNAVAILABLE",
            Some("UNAVAILABLE"),
            "The service is currently unavailable.",
        ),
    }
}

/// Whom a request is for, or what is wrong with it, in the words of the API.
fn check(value: &Value) -> Result<String, String> {
    known(value, "", &["message", "validate_only"])?;
    let message = &value["message"];
    if !message.is_object() {
        return Err("Required field message is missing".to_owned());
    }
    known(
        message,
        "message",
        &[
            "name",
            "data",
            "notification",
            "android",
            "webpush",
            "apns",
            "fcm_options",
            "token",
            "topic",
            "condition",
        ],
    )?;
    if message["notification"].is_object() {
        known(&message["notification"], "message.notification", &["title", "body", "image"])?;
    }
    for (path, field) in
        [("message.notification", &message["notification"]), ("message.data", &message["data"])]
    {
        if !field.is_null() && !field.is_object() {
            return Err(format!("Invalid value at '{path}'"));
        }
        for (name, value) in field.as_object().into_iter().flatten() {
            if !value.is_string() {
                return Err(format!("Invalid value at '{path}.{name}' (TYPE_STRING), {value}"));
            }
            if path == "message.data"
                && (name == "from" || name == "message_type" || name.starts_with("google"))
            {
                return Err(format!("Invalid data payload key: {name}"));
            }
        }
    }
    if message["android"].is_object() {
        known(
            &message["android"],
            "message.android",
            &[
                "collapse_key",
                "priority",
                "ttl",
                "restricted_package_name",
                "data",
                "notification",
                "fcm_options",
                "direct_boot_ok",
                "bandwidth_constrained_ok",
                "restricted_satellite_ok",
            ],
        )?;
    }
    let payload = message["notification"].to_string().len() + message["data"].to_string().len();
    if payload > PAYLOAD_MAX {
        return Err("Android message is too big".to_owned());
    }
    let targets: Vec<&str> =
        ["token", "topic", "condition"].into_iter().filter(|name| !message[*name].is_null()).collect();
    match targets.as_slice() {
        [one] => match message[*one].as_str() {
            Some(target) if !target.is_empty() && !target.contains(char::is_whitespace) => {
                Ok(target.to_owned())
            }
            Some(target) if *one == "condition" && !target.is_empty() => Ok(target.to_owned()),
            _ => Err("The registration token is not a valid FCM registration token".to_owned()),
        },
        [] => Err("Recipient of the message is not set.".to_owned()),
        _ => Err("Invalid value at 'message' (oneof), oneof field 'target' is already set.".to_owned()),
    }
}

/// Only `names` in `value`, which stands at `path`.
fn known(value: &Value, path: &str, names: &[&str]) -> Result<(), String> {
    let Some(fields) = value.as_object() else { return Err("Invalid JSON payload received.".to_owned()) };
    // Protobuf's JSON takes both spellings.
    let snake = |name: &str| {
        name.chars().fold(String::new(), |mut out, c| {
            if c.is_ascii_uppercase() {
                out.push('_');
            }
            out.push(c.to_ascii_lowercase());
            out
        })
    };
    match fields.keys().find(|name| !names.contains(&snake(name).as_str())) {
        Some(name) => Err(format!(
            "Invalid JSON payload received. Unknown name \"{name}\" at '{path}': Cannot find field."
        )),
        None => Ok(()),
    }
}

fn invalid(message: &str) -> Response {
    refusal(StatusCode::BAD_REQUEST, "INVALID_ARGUMENT", Some("INVALID_ARGUMENT"), message)
}

fn refusal(status: StatusCode, name: &str, code: Option<&str>, message: &str) -> Response {
    let mut error = json!({"code": status.as_u16(), "message": message, "status": name});
    if let Some(code) = code {
        error["details"] = json!([{
            "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError",
            "errorCode": code,
        }]);
    }
    (status, Json(json!({"error": error}))).into_response()
}
