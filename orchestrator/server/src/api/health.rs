//! Whether the process lives, and whether it can do its work.

use crate::App;
use crate::auth::Scope;
use crate::problem::{self, Code, Problem};
use crate::requests::OPEN_METRICS;
use crate::routes::{Access, Route};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route {
            method: "GET",
            path: "/livez",
            access: Access::Open,
            summary: "Whether the process answers.",
            body: "",
            handler: get(live),
        },
        Route {
            method: "GET",
            path: "/readyz",
            access: Access::Open,
            summary: "Whether the database answers; says also whether a release is live, and whether sending is held.",
            body: "",
            handler: get(ready),
        },
        Route {
            method: "GET",
            path: "/metrics",
            access: Access::Key(Scope::Metrics),
            summary: "What this node counts and measures, for Prometheus (OpenMetrics text).",
            body: "",
            handler: get(metrics),
        },
        Route {
            method: "GET",
            path: "/problems/{code}",
            access: Access::Open,
            summary: "What a problem's `type` means, for people.",
            body: "",
            handler: get(problem::page),
        },
    ]
}

async fn metrics(State(app): State<App>) -> Result<Response, Problem> {
    let of_the_machine = app.hooks.metrics().await.map_err(|error| {
        tracing::warn!("The metrics cannot be read: {error}");
        Problem::new(Code::Unavailable, "the database does not answer")
    })?;
    let text = app
        .requests
        .text(of_the_machine)
        .map_err(|_| Problem::new(Code::Unavailable, "the metrics cannot be written"))?;
    Ok(([(CONTENT_TYPE, OPEN_METRICS)], text).into_response())
}

async fn live() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

async fn ready(State(app): State<App>) -> Result<Json<Value>, Problem> {
    app.store
        .setting("live")
        .await
        .map_err(|_| Problem::new(Code::Unavailable, "the database does not answer"))?;
    Ok(Json(json!({
        "status": "ok",
        "release": app.current.release().map(|release| release.id.to_string()),
        "held": app.store.held().is_some(),
    })))
}
