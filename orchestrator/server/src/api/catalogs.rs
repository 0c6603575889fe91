//! Items of catalogues: written, and their changes told to the customers concerned.

use super::BODY_MAX;
use crate::auth::Scope;
use crate::intake::strict;
use crate::problem::{Code, Problem};
use crate::routes::{Access, Route};
use crate::{App, body, json};
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::routing::put;
use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use store::{FanoutOver, NewFanout};

/// The most items of one request.
const ITEMS_MAX: usize = 1_000;

pub(crate) fn routes() -> Vec<Route> {
    vec![Route {
        method: "PUT",
        path: "/v1/catalogs/{catalog}/items",
        access: Access::Key(Scope::Catalogs),
        summary: "Writes up to 1,000 items of a catalogue; journeys that start by a changed item hear of each change.",
        body: "Items",
        handler: put(write),
    }]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    items: Vec<Map<String, Value>>,
}

type Fields = BTreeMap<String, words::Value>;

async fn write(
    State(app): State<App>,
    Path(catalog): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let bytes = body::read(&headers, body, BODY_MAX).await?;
    let request: Request = json::read(&bytes)?;
    let release =
        app.current.release().ok_or_else(|| Problem::new(Code::NoRelease, "nothing was deployed yet"))?;
    let declared =
        release.project.schema.catalogs.get(&catalog).ok_or_else(|| {
            Problem::new(Code::NotFound, "the live release declares no catalogue of this name")
        })?;
    if request.items.len() > ITEMS_MAX {
        return Err(Problem::new(Code::TooLarge, "there are more than 1,000 items"));
    }
    let mut items: Vec<(String, Fields)> = Vec::with_capacity(request.items.len());
    let mut errors = Vec::new();
    for (index, mut item) in request.items.into_iter().enumerate() {
        let id = match json::text(&item, "id", 256) {
            Ok(Some(id)) => id,
            Ok(None) => {
                errors.push(format!("items[{index}]: `id` is missing"));
                continue;
            }
            Err(why) => {
                errors.push(format!("items[{index}]: {why}"));
                continue;
            }
        };
        if !declared.fields.contains_key("id") {
            item.remove("id");
        }
        match strict(&item, &declared.fields, "field") {
            Ok(mut fields) => {
                fields.insert("id".to_owned(), words::Value::Text(id.clone()));
                items.push((id, fields));
            }
            Err(why) => errors.extend(why.into_iter().map(|why| format!("items[{index}]: {why}"))),
        }
    }
    if !errors.is_empty() {
        let problem = Problem::new(Code::InvalidInputs, "no item was written: some do not fit the catalogue");
        return Err(problem.with("errors", errors));
    }
    let now = app.now();
    let before = app.store.put_items(&catalog, items.clone(), now).await?;
    let listened = release.listeners.item_starts.contains_key(&catalog);
    let mut changed = 0;
    for ((_, item), before) in items.into_iter().zip(before) {
        if before.as_ref() == Some(&item) {
            continue;
        }
        changed += 1;
        if listened {
            announce(&app, &catalog, item, before).await?;
        }
    }
    if changed > 0
        && let Err(error) = app.hooks.reload().await
    {
        // The items are stored; steps see them with the next reload at the latest.
        tracing::debug!("Items were written and not taken up at once: {error}");
    }
    Ok(Json(json!({"success": true, "changed": changed})))
}

/// Begins the scan that tells the customers concerned.
async fn announce(app: &App, catalog: &str, item: Fields, before: Option<Fields>) -> Result<(), Problem> {
    let now = app.now();
    let body = words::Value::Map(BTreeMap::from([
        ("catalog".to_owned(), words::Value::Text(catalog.to_owned())),
        ("item".to_owned(), words::Value::Map(item)),
        ("before".to_owned(), before.map_or(words::Value::Null, words::Value::Map)),
    ]));
    let body = serde_json::to_string(&body)
        .map_err(|_| Problem::new(Code::InvalidRequest, "an item cannot be written as JSON"))?;
    let fanout =
        NewFanout { id: app.ids.next(now), kind: "item".to_owned(), body, over: FanoutOver::All, at: now };
    app.store.begin_fanout(fanout).await?;
    Ok(())
}
