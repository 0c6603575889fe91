//! `/v1/imports`: a file of customers or of history, and how far it is.

use crate::auth::Scope;
use crate::import::{Columns, Done, Format, Import, ImportError, Kind, Options, RejectedRow, Running, run};
use crate::problem::{Code, Problem};
use crate::query::Asked;
use crate::routes::{Access, Route};
use crate::{App, body};
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// Larger files go through the command line.
const FILE_MAX: usize = 16_000_000;
/// So long a request waits for its import; well below what a request may take.
const WAIT_MAX: Duration = Duration::from_secs(20);
/// So many refused rows are listed.
const LISTED_MAX: usize = 1_000;

pub(crate) fn routes() -> Vec<Route> {
    let key = Access::Key(Scope::Import);
    vec![
        Route {
            method: "POST",
            path: "/v1/imports",
            access: key,
            summary: "Imports a file of customers or of history, CSV or JSON Lines, up to 16 MB. Query: kind, format, name, dry_run, columns, wait. What takes longer than 20 s, or is not waited for, is answered with 202 and where its status is.",
            body: "File",
            handler: post(import),
        },
        Route {
            method: "GET",
            path: "/v1/imports",
            access: key,
            summary: "Imports under way and of late, newest first, and how far each is.",
            body: "",
            handler: get(list),
        },
        Route {
            method: "GET",
            path: "/v1/imports/{id}",
            access: key,
            summary: "How far an import is: its state (running, done, failed), rows, taken, duplicates, rejected.",
            body: "",
            handler: get(show),
        },
    ]
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    format: String,
    name: Option<String>,
    #[serde(default)]
    dry_run: bool,
    /// `Mail=email,Points=traits.points`
    #[serde(default)]
    columns: String,
    #[serde(default)]
    done_to_line: u64,
    /// Answer at once, and let the status be asked for.
    #[serde(default = "yes")]
    wait: bool,
}

fn yes() -> bool {
    true
}

async fn import(
    State(app): State<App>,
    Asked(asked): Asked<Wanted>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let invalid = |why: String| Problem::new(Code::InvalidRequest, why);
    let kind = match asked.kind.as_str() {
        "customers" => Kind::Customers,
        "events" => Kind::Events,
        "" => return Err(invalid("`kind` is missing in the query: customers or events".to_owned())),
        _ => return Err(invalid("`kind` is neither customers nor events".to_owned())),
    };
    let format = match asked.format.as_str() {
        "csv" => Format::Csv,
        "jsonl" => Format::Jsonl,
        "" => return Err(invalid("`format` is missing in the query: csv or jsonl".to_owned())),
        _ => return Err(invalid("`format` is neither csv nor jsonl".to_owned())),
    };
    let columns = asked.columns.split(',').filter(|text| !text.trim().is_empty());
    let columns =
        Columns::parse(columns).map_err(|error| Problem::new(Code::InvalidValue, error.to_string()))?;
    let bytes = body::read(&headers, body, FILE_MAX).await?;
    let name = asked.name.unwrap_or_else(|| "upload".to_owned());
    let name: String = name.chars().filter(|c| !c.is_control()).take(128).collect();
    let options =
        Options { format, kind, columns, dry_run: asked.dry_run, done_to_line: asked.done_to_line, name };
    let id = format!("imp_{:032x}", u128::from_be_bytes(app.ids.next(app.now())));
    let running = app.imports.begin(id.clone(), &options, app.now());
    // A task of its own: a client that goes away, or a request that takes too long, does not break it off.
    let work = tokio::spawn(work(app.clone(), running, bytes.to_vec(), options));
    let waited = if asked.wait { WAIT_MAX } else { Duration::ZERO };
    let Ok(ended) = tokio::time::timeout(waited, work).await else {
        let status = format!("/v1/imports/{id}");
        let body = json!({"success": true, "import": id, "state": "running", "status": status});
        return Ok((StatusCode::ACCEPTED, Json(body)));
    };
    let (done, rejected) =
        ended.map_err(|_| Problem::new(Code::Unavailable, "the import was broken off: send it again"))?;
    let done = done.map_err(|error| match error {
        ImportError::Store { .. } => Problem::new(Code::Unavailable, error.to_string()),
        other => Problem::new(Code::InvalidValue, other.to_string()),
    })?;
    let rows: Vec<Value> = rejected
        .into_iter()
        .map(|row| json!({"line": row.line, "code": row.code, "reason": row.reason}))
        .collect();
    let so_far = done.progress;
    let body = json!({
        "success": true, "import": id, "dryRun": asked.dry_run, "rows": so_far.rows, "taken": so_far.taken,
        "duplicates": so_far.duplicates, "rejected": so_far.rejected, "undeclared": done.undeclared,
        "problems": rows,
    });
    Ok((StatusCode::OK, Json(body)))
}

async fn work(
    app: App,
    running: Running,
    bytes: Vec<u8>,
    options: Options,
) -> (Result<Done, ImportError>, Vec<RejectedRow>) {
    let mut rejected: Vec<RejectedRow> = Vec::new();
    let listed = |row| {
        if rejected.len() < LISTED_MAX {
            rejected.push(row);
        }
    };
    let done = run(&app, &bytes[..], &options, listed, |so_far| running.progress(so_far)).await;
    running.end(&done, app.now());
    (done, rejected)
}

fn shown(import: &Import) -> Value {
    let kind = match import.kind {
        Kind::Customers => "customers",
        Kind::Events => "events",
    };
    let so_far = &import.progress;
    json!({
        "import": import.id, "name": import.name, "kind": kind, "dryRun": import.dry_run, "state": import.state,
        "rows": so_far.rows, "taken": so_far.taken, "duplicates": so_far.duplicates, "rejected": so_far.rejected,
        "line": so_far.line, "beganAt": import.began_at, "endedAt": import.ended_at, "reason": import.reason,
    })
}

async fn list(State(app): State<App>) -> Json<Value> {
    Json(json!({"imports": app.imports.list().iter().map(shown).collect::<Vec<_>>()}))
}

async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<Json<Value>, Problem> {
    let found = app.imports.get(&id);
    let gone = "there is no such import, or it was before the last start: what it stored is stored, send the file again";
    found.map(|import| Json(shown(&import))).ok_or_else(|| Problem::new(Code::NotFound, gone))
}
