//! `POST /v1/imports`: a file of customers or of history.

use crate::auth::Scope;
use crate::import::{Columns, Format, ImportError, Kind, Options, RejectedRow, run};
use crate::problem::{Code, Problem};
use crate::routes::{Access, Route};
use crate::{App, body};
use axum::Json;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::routing::post;
use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};

/// Larger files go through the command line.
const FILE_MAX: usize = 16_000_000;
/// So many refused rows are listed.
const LISTED_MAX: usize = 1_000;

pub(crate) fn routes() -> Vec<Route> {
    vec![Route {
        method: "POST",
        path: "/v1/imports",
        access: Access::Key(Scope::Import),
        summary: "Imports a file of customers or of history, CSV or JSON Lines, up to 16 MB. Query: kind, format, name, dry_run, columns.",
        body: "File",
        handler: post(import),
    }]
}

#[derive(Deserialize)]
struct Asked {
    kind: String,
    format: String,
    name: Option<String>,
    #[serde(default)]
    dry_run: bool,
    /// `Mail=email,Points=traits.points`
    #[serde(default)]
    columns: String,
    #[serde(default)]
    done_to_line: u64,
}

async fn import(
    State(app): State<App>,
    asked: Result<Query<Asked>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let invalid = |why: String| Problem::new(Code::InvalidRequest, why);
    let Query(asked) = asked.map_err(|error| invalid(error.body_text()))?;
    let kind = match asked.kind.as_str() {
        "customers" => Kind::Customers,
        "events" => Kind::Events,
        _ => return Err(invalid("`kind` is neither customers nor events".to_owned())),
    };
    let format = match asked.format.as_str() {
        "csv" => Format::Csv,
        "jsonl" => Format::Jsonl,
        _ => return Err(invalid("`format` is neither csv nor jsonl".to_owned())),
    };
    let columns = asked.columns.split(',').filter(|text| !text.trim().is_empty());
    let columns = Columns::parse(columns).map_err(|error| invalid(error.to_string()))?;
    let bytes = body::read(&headers, body, FILE_MAX).await?;
    let name = asked.name.unwrap_or_else(|| "upload".to_owned());
    let name: String = name.chars().filter(|c| !c.is_control()).take(128).collect();
    let options =
        Options { format, kind, columns, dry_run: asked.dry_run, done_to_line: asked.done_to_line, name };
    let mut rejected: Vec<RejectedRow> = Vec::new();
    let listed = |row| {
        if rejected.len() < LISTED_MAX {
            rejected.push(row);
        }
    };
    let done = run(&app, &bytes[..], &options, listed, |_| {}).await.map_err(|error| match error {
        ImportError::Store { .. } => Problem::new(Code::Unavailable, error.to_string()),
        other => invalid(other.to_string()),
    })?;
    let rows: Vec<Value> = rejected
        .into_iter()
        .map(|row| json!({"line": row.line, "code": row.code, "reason": row.reason}))
        .collect();
    Ok(Json(json!({
        "success": true, "dryRun": asked.dry_run, "rows": done.rows, "taken": done.taken,
        "duplicates": done.duplicates, "rejected": done.rejected, "problems": rows,
    })))
}
