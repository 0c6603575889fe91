//! SMS as Twilio's API takes it (`docs/sms/api/message-resource` of its documentation), with its answers and error codes.

use crate::{
    Arrival,
    receipts::Receipts,
    store::{Store, now},
};
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Form, Path, State, rejection::FormRejection},
    http::{HeaderMap, StatusCode, header::AUTHORIZATION},
    response::{IntoResponse, Response},
    routing::post,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use words::{Channel, PhoneNumber};

/// The longest text, over all its segments.
const BODY_MAX: usize = 1600;

/// `POST /2010-04-01/Accounts/{AccountSid}/Messages.json`.
pub(crate) fn router(store: Store) -> Router {
    Router::new()
        .route("/2010-04-01/Accounts/{account}/Messages.json", post(send))
        .layer(DefaultBodyLimit::max(64 << 10))
        .with_state(Shared { store, receipts: Receipts::new() })
}

#[derive(Clone)]
struct Shared {
    store: Store,
    receipts: Receipts,
}

type Fields = Vec<(String, String)>;

async fn send(
    State(Shared { store, receipts }): State<Shared>,
    Path(account): Path<String>,
    headers: HeaderMap,
    form: Result<Form<Fields>, FormRejection>,
) -> Response {
    let Some(secret) = authorised(&headers, &account) else {
        return error(StatusCode::UNAUTHORIZED, 20003, "Authenticate");
    };
    let fields = match form {
        Ok(Form(fields)) => fields,
        Err(FormRejection::InvalidFormContentType(_)) => Vec::new(),
        Err(_) => return error(StatusCode::BAD_REQUEST, 20001, "The form cannot be read"),
    };
    let field = |name: &str| {
        fields
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    };
    if let Err((code, message)) = check(&field) {
        return error(StatusCode::BAD_REQUEST, code, &message);
    }
    let sid = sid();
    let mut raw = Map::new();
    for (name, value) in &fields {
        raw.insert(name.clone(), Value::String(value.clone()));
    }
    let from = field("From").or(field("MessagingServiceSid")).unwrap_or_default();
    let (to, body) = (field("To").unwrap_or_default(), field("Body").unwrap_or_default());
    let arrival = Arrival {
        channel: Channel::SMS,
        from: from.to_owned(),
        to: to.to_owned(),
        provider_id: sid.clone(),
        raw: Value::Object(raw).to_string().into_bytes(),
    };
    if store.add(vec![arrival]).await.is_err() {
        return error(StatusCode::SERVICE_UNAVAILABLE, 20503, "Service unavailable");
    }
    if let Some(url) = field("StatusCallback") {
        receipts.delivered(
            url,
            &secret,
            [("AccountSid", &account), ("From", from), ("MessageSid", &sid), ("To", to)],
        );
    }
    let date = rfc2822();
    let uri = format!("/2010-04-01/Accounts/{account}/Messages/{sid}");
    let answer = json!({
        "account_sid": account,
        "api_version": "2010-04-01",
        "body": body,
        "date_created": date,
        "date_sent": null,
        "date_updated": date,
        "direction": "outbound-api",
        "error_code": null,
        "error_message": null,
        "from": field("From"),
        "messaging_service_sid": field("MessagingServiceSid"),
        "num_media": "0",
        "num_segments": segments(body).to_string(),
        "price": null,
        "price_unit": "USD",
        "sid": sid,
        "status": "queued",
        "subresource_uris": {"media": format!("{uri}/Media.json")},
        "to": to,
        "uri": format!("{uri}.json"),
    });
    (StatusCode::CREATED, Json(answer)).into_response()
}

/// HTTP basic authentication: the account, or an API key, with a secret that we cannot know. Returns the secret.
fn authorised(headers: &HeaderMap, account: &str) -> Option<String> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let pair = String::from_utf8(STANDARD.decode(value).ok()?).ok()?;
    let (user, secret) = pair.split_once(':')?;
    ((user == account || user.starts_with("SK")) && !secret.is_empty()).then(|| secret.to_owned())
}

/// What the real one checks, in its order, with its test numbers.
fn check<'a>(field: &impl Fn(&str) -> Option<&'a str>) -> Result<(), (u32, String)> {
    let Some(to) = field("To") else { return Err((21604, "A 'To' phone number is required.".to_owned())) };
    let (from, service) = (field("From"), field("MessagingServiceSid"));
    let Some(body) = field("Body") else { return Err((21602, "Message body is required.".to_owned())) };
    if from.is_none() && service.is_none() {
        return Err((21603, "A 'From' phone number is required.".to_owned()));
    }
    if body.chars().count() > BODY_MAX {
        return Err((21617, "The concatenated message body exceeds the 1600 character limit.".to_owned()));
    }
    if let Some(from) = from {
        let invalid = || {
            (
                21212,
                format!(
                    "The 'From' number {from} is not a valid phone number, shortcode, or alphanumeric sender ID."
                ),
            )
        };
        match from {
            "+15005550001" => return Err(invalid()),
            "+15005550007" => {
                return Err((
                    21606,
                    format!("The 'From' phone number {from} is not a valid message-capable phone number."),
                ));
            }
            "+15005550008" => {
                return Err((
                    21611,
                    format!("The 'From' number {from} has exceeded the maximum number of queued messages."),
                ));
            }
            _ if sender(from) => {}
            _ => return Err(invalid()),
        }
        if from == to {
            return Err((21266, "'To' and 'From' number cannot be the same".to_owned()));
        }
    }
    if service.is_some_and(|service| !(service.starts_with("MG") && service.len() == 34)) {
        return Err((21705, "The Messaging Service Sid is invalid.".to_owned()));
    }
    match to {
        "+15005550002" => {
            Err((21612, format!("The 'To' phone number {to} is not currently reachable via SMS.")))
        }
        "+15005550003" => {
            Err((21408, format!("Permission to send an SMS has not been enabled for the region of {to}.")))
        }
        "+15005550004" => Err((21610, "Attempt to send to unsubscribed recipient".to_owned())),
        "+15005550009" => Err((21614, format!("'To' number {to} is not a valid mobile number"))),
        _ if to == "+15005550001" || PhoneNumber::parse(to).is_err() => {
            Err((21211, format!("The 'To' number {to} is not a valid phone number.")))
        }
        _ => match field("StatusCallback") {
            Some(url) if !(url.starts_with("http://") || url.starts_with("https://")) => {
                Err((21609, format!("The StatusCallback URL {url} is not a valid URL.")))
            }
            _ => Ok(()),
        },
    }
}

/// A number in E.164, a short code, or an alphanumeric sender of up to 11 characters with a letter.
fn sender(from: &str) -> bool {
    let short = (3..=8).contains(&from.len()) && from.bytes().all(|byte| byte.is_ascii_digit());
    let name = from.len() <= 11
        && from.bytes().any(|byte| byte.is_ascii_alphabetic())
        && from.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" -_&+".contains(&byte));
    short || name || PhoneNumber::parse(from).is_ok()
}

/// Segments: 160 or 153 septets in GSM 03.38, 70 or 67 UTF-16 units beyond it.
fn segments(body: &str) -> usize {
    const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡\
        ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
    const EXTENDED: &str = "\u{c}^{}\\[~]|€";
    let septets = body.chars().try_fold(0, |sum, c| {
        if BASIC.contains(c) {
            Some(sum + 1)
        } else if EXTENDED.contains(c) {
            Some(sum + 2)
        } else {
            None
        }
    });
    let (units, one, each) = match septets {
        Some(septets) => (septets, 160, 153),
        None => (body.encode_utf16().count(), 70, 67),
    };
    if units <= one { 1 } else { units.div_ceil(each) }
}

/// `SM` and 32 hexadecimal digits, unlike any before.
fn sid() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("SM{:016x}{:016x}", now().as_micros(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// The date as Twilio writes it: `Sat, 21 Nov 2026 09:30:00 +0000`.
fn rfc2822() -> String {
    let seconds = now().as_micros().div_euclid(1_000_000);
    mail_parser::DateTime::from_timestamp(seconds).to_rfc822()
}

fn error(status: StatusCode, code: u32, message: &str) -> Response {
    let answer = json!({
        "code": code,
        "message": message,
        "more_info": format!("https://www.twilio.com/docs/errors/{code}"),
        "status": status.as_u16(),
    });
    let mut response = (status, Json(answer)).into_response();
    if status == StatusCode::UNAUTHORIZED {
        response
            .headers_mut()
            .insert("www-authenticate", http::HeaderValue::from_static("Basic realm=\"Twilio API\""));
    }
    response
}
