//! What was not understood: refused items with their reasons, to be replayed; and events nobody declared, with the offer
//! of a schema.

use super::{BODY_MAX, tracking, world};
use crate::auth::Scope;
use crate::intake::{Door, Fate, snake_case, take};
use crate::problem::{Code, Problem};
use crate::query::Asked;
use crate::routes::{Access, Route};
use crate::sources::{Heard, hear_again};
use crate::{App, body, json};
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use data_encoding::HEXLOWER;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

pub(crate) fn routes() -> Vec<Route> {
    let get_route = |path, summary, handler| Route {
        method: "GET",
        path,
        access: Access::Key(Scope::Events),
        summary,
        body: "",
        handler,
    };
    vec![
        get_route(
            "/v1/rejected",
            "What could not be taken in, newest first, with the reasons.",
            get(rejected),
        ),
        Route {
            method: "POST",
            path: "/v1/replay",
            access: Access::Key(Scope::Events),
            summary: "Takes refused items in again, by id, after the schema or the data was mended.",
            body: "Replay",
            handler: post(replay),
        },
        get_route(
            "/v1/unknown-events",
            "Events received and not understood yet: nobody declared them.",
            get(unknown),
        ),
        get_route(
            "/v1/unknown-events/{name}/schema",
            "A draft of the declaration of such an event, in YAML.",
            get(draft),
        ),
    ]
}

/// The most that are listed at once.
const LISTED_MAX: usize = 1_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limit {
    limit: Option<usize>,
}

async fn rejected(State(app): State<App>, Asked(query): Asked<Limit>) -> Result<Json<Value>, Problem> {
    let limit = query.limit.unwrap_or(100);
    if !(1..=LISTED_MAX).contains(&limit) {
        return Err(Problem::new(Code::InvalidRequest, format!("the query: `limit` is 1 to {LISTED_MAX}")));
    }
    let rows = app.store.rejected(limit).await?;
    let items: Vec<Value> = rows
        .into_iter()
        .map(|row| {
            json!({
                "id": HEXLOWER.encode(&row.id), "at": row.at, "source": row.source, "name": row.name,
                "code": row.code, "reason": row.reason, "replayedAt": row.replayed_at,
            })
        })
        .collect();
    Ok(Json(json!({"items": items})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Replay {
    ids: Vec<String>,
}

async fn replay(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Json<Value>, Problem> {
    let bytes = body::read(&headers, body, BODY_MAX).await?;
    let request: Replay = json::read(&bytes)?;
    if request.ids.len() > 100 {
        return Err(Problem::new(Code::TooLarge, "at most 100 at once"));
    }
    let mut results = Vec::with_capacity(request.ids.len());
    for text in request.ids {
        results.push(match replay_one(&app, &text).await? {
            Ok(()) => json!({"id": text, "replayed": true}),
            Err(reason) => json!({"id": text, "replayed": false, "reason": reason}),
        });
    }
    Ok(Json(json!({"results": results})))
}

/// Takes one refused item in again. The inner error says why it still cannot be.
pub(crate) async fn replay_one(app: &App, id: &str) -> Result<Result<(), String>, Problem> {
    let Some(bytes) = HEXLOWER.decode(id.as_bytes()).ok().and_then(|b| <[u8; 16]>::try_from(b).ok()) else {
        return Ok(Err("this is not the id of a refused item".to_owned()));
    };
    let Some((row, body)) = app.store.rejected_body(bytes).await? else {
        return Ok(Err("there is no such item".to_owned()));
    };
    if row.replayed_at.is_some() {
        return Ok(Err("it was replayed before".to_owned()));
    }
    let door = Door {
        browser: row.source == "browser",
        history: row.source == "import",
        source: row.source.clone(),
        keep: false,
    };
    let live = app.current.live();
    let item = match live.as_ref().and_then(|live| live.sources.0.get(&row.source)) {
        Some(mapping) => match hear_again(mapping, &body) {
            Heard::Item(item) => *item,
            Heard::Nothing => return Ok(Err("the mapping leaves this topic alone".to_owned())),
        },
        None => tracking::again(&body, app.now()),
    };
    // Looked at first: what still cannot be read is not to be refused, and kept, a second time.
    if let Err(refusal) = &item.call {
        return Ok(Err(refusal.reason.clone()));
    }
    match take(app, &world(app), &door, vec![item]).await?.pop() {
        Some(Fate::Refused(refusal)) => Ok(Err(refusal.reason)),
        _ => {
            app.store.rejected_replayed(bytes, app.now()).await?;
            Ok(Ok(()))
        }
    }
}

async fn unknown(State(app): State<App>) -> Result<Json<Value>, Problem> {
    let rows = app.store.unknown_events().await?;
    let items: Vec<Value> = rows
        .into_iter()
        .map(|row| {
            let sample: Value = serde_json::from_str(&row.sample).unwrap_or(Value::Null);
            json!({
                "name": row.name, "firstAt": row.first_at, "lastAt": row.last_at, "count": row.count,
                "properties": sample,
            })
        })
        .collect();
    Ok(Json(json!({"items": items})))
}

async fn draft(State(app): State<App>, Path(name): Path<String>) -> Result<Response, Problem> {
    let rows = app.store.unknown_events().await?;
    let row = rows.into_iter().find(|row| row.name == name).ok_or_else(|| {
        Problem::new(Code::NotFound, "no event of this name was received and not understood")
    })?;
    Ok(([(CONTENT_TYPE, "application/yaml; charset=utf-8")], schema_draft(&row)).into_response())
}

/// The declaration that would fit what was received: a start, to be read by a person.
pub(crate) fn schema_draft(event: &store::UnknownEvent) -> String {
    let name = snake_case(&event.name);
    let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let mut out = format!(
        "# Received {} times and not understood yet. Put it into a file in journeys/, correct the types, deploy.\nevents:\n  {name}:\n",
        event.count
    );
    if name != event.name {
        let _ = writeln!(out, "    also: [{}]", Value::String(event.name.clone()));
    }
    let sample: BTreeMap<String, String> = serde_json::from_str(&event.sample).unwrap_or_default();
    if sample.is_empty() {
        let _ = writeln!(out, "    properties: {{}}");
        return out;
    }
    let _ = writeln!(out, "    properties:");
    for (property, kind) in sample {
        let property = snake_case(&property);
        let property: String =
            property.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let money = ["total", "price", "amount", "revenue", "subtotal", "tax", "shipping", "discount"];
        let ty = match kind.as_str() {
            "int" | "float" if money.contains(&property.as_str()) => "money?",
            "bool" => "bool?",
            "int" => "int?",
            "float" => "float?",
            "money" => "money?",
            "text" if property.ends_with("_at") => "time?",
            "text" => "text?",
            _ => "any?",
        };
        let _ = writeln!(out, "      {property}: {ty}");
    }
    out
}
