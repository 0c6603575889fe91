//! The Segment tracking API: `identify`, `track`, `page`, `screen`, `alias`, `group`, `batch`, and `import` for history.
//!
//! Made for the unmodified official clients. The key is the user name of basic authentication, a bearer token, or
//! `writeKey` in the body; bodies may be gzip. Limits: 32 KB a message, 500 KB and 2,500 messages a batch.

#[cfg(test)]
mod clients;
mod read;
#[cfg(test)]
mod tests;

use super::world;
use crate::auth::{self, Caller, KeyKind, Scope};
use crate::intake::{Door, Fate, Item, Refusal, Why, take};
use crate::problem::{Code, Problem};
use crate::routes::{Access, Route};
use crate::{App, body, json};
use axum::Json;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::routing::post;
use bytes::Bytes;
use http::HeaderMap;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// The largest body, in bytes (Segment's 500 KB).
pub(crate) const BATCH_MAX: usize = 512_000;
/// The largest message, in bytes (Segment's 32 KB).
pub(crate) const MESSAGE_MAX: usize = 32_768;
/// The most messages of a batch.
const MESSAGES_MAX: usize = 2_500;

pub(crate) fn routes() -> Vec<Route> {
    let single = |path, body, summary| Route {
        method: "POST",
        path,
        access: Access::WriteKey(Scope::Track),
        summary,
        body,
        handler: post(one),
    };
    vec![
        single(
            "/v1/identify",
            "Identify",
            "Says who a customer is: traits, addresses, locale, zone, consents.",
        ),
        single("/v1/track", "Track", "Says what a customer did."),
        single("/v1/page", "View", "Says which page a customer saw: the event `page_viewed`."),
        single("/v1/screen", "View", "Says which screen a customer saw: the event `screen_viewed`."),
        single(
            "/v1/alias",
            "Alias",
            "Says that a customer was known under another id before: the two become one.",
        ),
        single("/v1/group", "Group", "Says which account a customer belongs to."),
        Route {
            method: "POST",
            path: "/v1/batch",
            access: Access::WriteKey(Scope::Track),
            summary: "Takes up to 2,500 messages at once. A bad one is kept with its reason and does not sink its neighbours.",
            body: "Batch",
            handler: post(batch),
        },
        Route {
            method: "POST",
            path: "/v1/import",
            access: Access::WriteKey(Scope::Import),
            summary: "Takes a batch of history: it feeds facts and starts no journey.",
            body: "Batch",
            handler: post(history),
        },
        // The short names that the client in browsers uses.
        single("/v1/i", "Identify", "As /v1/identify."),
        single("/v1/t", "Track", "As /v1/track."),
        single("/v1/p", "View", "As /v1/page."),
        single("/v1/g", "Group", "As /v1/group."),
        single("/v1/a", "Alias", "As /v1/alias."),
    ]
}

/// Who may be known from the header already.
type Known = Option<Extension<Caller>>;

/// The key in the body, as old clients send it.
#[derive(Deserialize)]
struct WriteKey {
    #[serde(rename = "writeKey")]
    write_key: Option<String>,
}

async fn caller(app: &App, known: Known, bytes: &[u8], scope: Scope) -> Result<Caller, Problem> {
    if let Some(Extension(caller)) = known {
        return Ok(caller);
    }
    let missing = || {
        Problem::new(
            Code::Unauthorized,
            "no key: give it as the user name of basic authentication or as a bearer token",
        )
    };
    let found: WriteKey = serde_json::from_slice(bytes).map_err(|_| missing())?;
    let caller = auth::caller(app, &found.write_key.ok_or_else(missing)?).await?;
    caller.need(scope)?;
    Ok(caller)
}

fn door(caller: &Caller, history: bool) -> Door {
    let browser = caller.kind == KeyKind::Browser;
    let source = match (history, browser) {
        (true, _) => "import",
        (false, true) => "browser",
        (false, false) => "api",
    };
    Door { source: source.to_owned(), browser, history, keep: true }
}

async fn one(
    State(app): State<App>,
    known: Known,
    uri: http::Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let kind = match uri.path().rsplit('/').next().unwrap_or_default() {
        "i" => "identify",
        "t" => "track",
        "p" => "page",
        "g" => "group",
        "a" => "alias",
        other => other,
    };
    single(&app, known, kind, &headers, body).await
}

async fn single(
    app: &App,
    known: Known,
    kind: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let bytes = body::read(headers, body, BATCH_MAX).await?;
    let caller = caller(app, known, &bytes, Scope::Track).await?;
    if bytes.len() > MESSAGE_MAX {
        return Err(Problem::new(Code::TooLarge, "the message has more than 32 KB"));
    }
    // Not JSON: nothing to keep and nothing to replay.
    let item =
        by_route(&bytes, kind, false, app.now()).map_err(|why| Problem::new(Code::InvalidJson, why))?;
    match take(app, &world(app), &door(&caller, false), vec![item]).await?.pop() {
        Some(Fate::Refused(refusal)) => Err(refused(&refusal)),
        Some(Fate::Duplicate) => Ok(Json(json!({"success": true, "duplicate": true}))),
        _ => Ok(Json(json!({"success": true}))),
    }
}

/// A message whose route says what it is, and what is kept of it. `exact`: its times are taken as they are.
pub(crate) fn by_route(bytes: &[u8], kind: &str, exact: bool, now: words::Timestamp) -> Result<Item, String> {
    let json = json::parse(bytes)?;
    let clock = if exact { read::Clock::exact(now) } else { read::Clock::of(&json, now) };
    let call = read::message(&json, Some(kind), &clock, None);
    Ok(Item { call, body: read::kept(&json, kind) })
}

/// Why a single message was not taken.
pub(crate) fn refused(refusal: &Refusal) -> Problem {
    Problem::new(Code::Rejected, refusal.reason.clone())
        .with("code", refusal.code.as_str())
        .with("name", refusal.name.clone())
}

async fn batch(
    State(app): State<App>,
    known: Known,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    many(&app, known, &headers, body, Scope::Track, false).await
}

async fn history(
    State(app): State<App>,
    known: Known,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    many(&app, known, &headers, body, Scope::Import, true).await
}

#[derive(Deserialize)]
struct Batch<'a> {
    #[serde(borrow)]
    batch: Vec<&'a RawValue>,
    #[serde(rename = "sentAt", default)]
    sent_at: Value,
    #[serde(default)]
    context: Value,
}

async fn many(
    app: &App,
    known: Known,
    headers: &HeaderMap,
    body: Body,
    scope: Scope,
    history: bool,
) -> Result<Json<Value>, Problem> {
    let bytes: Bytes = body::read(headers, body, BATCH_MAX).await?;
    let caller = caller(app, known, &bytes, scope).await?;
    let items = split(&bytes, history, app.now())?;
    let total = items.len();
    let fates = take(app, &world(app), &door(&caller, history), items).await?;
    let rejected = fates.iter().filter(|fate| matches!(fate, Fate::Refused(_))).count();
    let duplicates = fates.iter().filter(|fate| **fate == Fate::Duplicate).count();
    let mut answer = json!({
        "success": true,
        "accepted": total - rejected - duplicates,
        "duplicates": duplicates,
        "rejected": rejected,
    });
    if rejected > 0 {
        let problems = fates.iter().enumerate().filter_map(|(index, fate)| match fate {
            Fate::Refused(refusal) => Some(
                json!({"index": index, "code": refusal.code.as_str(), "name": refusal.name, "reason": refusal.reason}),
            ),
            _ => None,
        });
        answer["problems"] = problems.take(100).collect();
    }
    Ok(Json(answer))
}

/// The messages of a batch, each read by itself.
pub(crate) fn split(bytes: &[u8], history: bool, now: words::Timestamp) -> Result<Vec<Item>, Problem> {
    // Taken as it stands, the elements of a list would be read as the fields of a batch, in their order.
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
        return Err(Problem::new(
            Code::InvalidRequest,
            "a batch is `{\"batch\": [ … ]}`: the body is a list",
        ));
    }
    let batch: Batch<'_> = serde_json::from_slice(bytes).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => Problem::new(Code::InvalidRequest, not_a_batch(bytes, &error)),
        _ => Problem::new(Code::InvalidJson, json::describe(&error)),
    })?;
    if batch.batch.len() > MESSAGES_MAX {
        return Err(Problem::new(Code::TooLarge, "the batch has more than 2,500 messages"));
    }
    let clock = if history { read::Clock::exact(now) } else { read::Clock::sent(&batch.sent_at, now) };
    let shared = batch.context.as_object();
    Ok(batch.batch.iter().map(|raw| item(raw, &clock, shared)).collect())
}

/// Why a body that is JSON is no batch.
fn not_a_batch(bytes: &[u8], error: &serde_json::Error) -> String {
    let shape = "a batch is `{\"batch\": [ … ]}`";
    let Ok(body) = serde_json::from_slice::<Value>(bytes) else {
        return format!("{shape}: {}", json::describe(error));
    };
    match body.get("batch") {
        _ if !body.is_object() => format!("{shape}: the body is {}", json::kind(&body)),
        None => format!("{shape}: `batch` is missing"),
        Some(batch) if !batch.is_array() => format!("{shape}: `batch` is {}", json::kind(batch)),
        Some(_) => format!("{shape}: {}", json::describe(error)),
    }
}

/// One message of a batch, read by itself.
fn item(raw: &RawValue, clock: &read::Clock, shared: Option<&serde_json::Map<String, Value>>) -> Item {
    let text = raw.get();
    let kept = |text: &str| text.as_bytes().to_vec();
    if text.len() > MESSAGE_MAX {
        let refusal = Refusal::new(Why::TooLarge, "", "the message has more than 32 KB");
        let start: Vec<u8> = text.bytes().take(MESSAGE_MAX).collect();
        return Item { call: Err(refusal), body: start };
    }
    match json::parse(text.as_bytes()) {
        Ok(json) => Item { call: read::message(&json, None, clock, shared), body: kept(text) },
        Err(why) => Item { call: Err(Refusal::new(Why::InvalidJson, "", why)), body: kept(text) },
    }
}

/// Reads a message whose times are taken as they are.
pub(crate) fn read_exact(json: &Value, now: words::Timestamp) -> Result<crate::intake::Call, Refusal> {
    read::message(json, None, &read::Clock::exact(now), None)
}

/// A kept message once more, as it would be read now. Its times are taken as they are: the clock that they were corrected
/// by is gone.
pub(crate) fn again(body: &[u8], now: words::Timestamp) -> Item {
    let call = match json::parse(body) {
        Ok(json) => read::message(&json, None, &read::Clock::exact(now), None),
        Err(why) => Err(Refusal::new(Why::InvalidJson, "", why)),
    };
    Item { call, body: body.to_vec() }
}
