//! From a handler's figures to a page: the frame around it, the state that every page shows, failures.

use super::role::Right;
use super::visit::{Failure, Visit};
use super::{assets, language};
use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value as Json, json};
use store::StopScope;
use tera::Context;

/// The sections: (address, key of the label).
const NAV: [(&str, &str); 9] = [
    ("/console", "nav-overview"),
    ("/console/journeys", "nav-journeys"),
    ("/console/customers", "nav-customers"),
    ("/console/messages", "nav-messages"),
    ("/console/inbox", "nav-inbox"),
    ("/console/troubles", "nav-troubles"),
    ("/console/reads", "nav-reads"),
    ("/console/acts", "nav-acts"),
    ("/console/settings", "nav-settings"),
];

/// Writes a page.
pub(crate) async fn render(
    visit: &Visit,
    status: StatusCode,
    template: &str,
    context: Json,
) -> Result<Response, Failure> {
    let frame = frame(visit).await?;
    write(visit, status, template, context, frame)
}

fn write(
    visit: &Visit,
    status: StatusCode,
    template: &str,
    context: Json,
    frame: Json,
) -> Result<Response, Failure> {
    let mut all = Context::from_serialize(&context).map_err(|error| Failure::Page(error.to_string()))?;
    all.insert("page", &frame);
    let text = visit.console.templates(visit.language).render(template, &all).map_err(|error| {
        use std::error::Error;
        let cause = error.source().map(|s| format!(": {s}")).unwrap_or_default();
        Failure::Page(format!("{template}: {error}{cause}"))
    })?;
    Ok((status, Html(text)).into_response())
}

/// What every page shows around its own content.
async fn frame(visit: &Visit) -> Result<Json, Failure> {
    let view = visit.view();
    let app = &visit.console.app;
    let mut frame = bare(visit);
    if visit.who.is_none() {
        return Ok(frame);
    }
    let live = visit.store().sending_live().await?;
    let stops = visit.store().stops().await?;
    let held = visit.store().held();
    let nav: Vec<Json> = NAV
        .into_iter()
        .filter(|(path, _)| match *path {
            "/console/inbox" => app.hooks.inbox().is_some(),
            "/console/reads" | "/console/acts" => visit.may(Right::Reads),
            _ => true,
        })
        .map(|(path, label)| {
            let here = visit.uri_path == path
                || (path != "/console"
                    && visit.uri_path.strip_prefix(path).is_some_and(|r| r.starts_with('/')));
            json!({"path": path, "label": label, "here": here})
        })
        .collect();
    let may: serde_json::Map<String, Json> =
        Right::ALL.into_iter().map(|(name, right)| (name.to_owned(), visit.may(right).into())).collect();
    let stops: Vec<Json> = stops
        .iter()
        .map(|stop| {
            let (kind, what) = scope(&stop.scope);
            let name = view.titles.scoped(kind, what);
            json!({"kind": kind, "what": what, "name": name, "at": view.time(stop.at), "by": stop.by, "reason": stop.reason})
        })
        .collect();
    frame["nav"] = nav.into();
    frame["may"] = may.into();
    frame["live"] = live.map_or(Json::Null, |live| json!({"at": view.time(live.at), "by": live.by}));
    frame["held"] = held.map_or(Json::Null, |held| held.reason.into());
    frame["stops"] = stops.into();
    frame["note"] = visit.query.get("note").filter(|n| n.starts_with("note-")).map_or(Json::Null, Json::from);
    frame["advance"] = (app.hooks.can_advance() && visit.may(Right::Advance)).into();
    frame["now"] = view.time(visit.now());
    Ok(frame)
}

/// The frame without a look at the store.
fn bare(visit: &Visit) -> Json {
    let view = visit.view();
    let app = &visit.console.app;
    let csrf = visit
        .who
        .as_ref()
        .map_or_else(|| visit.form_token.clone(), |who| app.store.vault().form_token(&who.session));
    let query = visit.query.query_without(&["lang", "note"]);
    let here = if query.is_empty() {
        format!("{}?", visit.uri_path)
    } else {
        format!("{}?{query}&", visit.uri_path)
    };
    json!({
        "lang": language::tag(visit.language),
        "version": assets::VERSION.as_str(),
        "who": visit.who.as_ref().map(|who| json!({
            "name": who.name, "role": view.words.named("role", who.role.as_str()),
        })),
        "csrf": csrf,
        "here": here,
        "path": visit.uri_path,
        "zone": view.zone.name(),
        "demo": app.settings.demo,
        "nav": [], "may": {}, "live": null, "held": null, "stops": [], "note": null, "advance": false, "now": null,
    })
}

/// The words of a stop's scope.
pub(crate) fn scope(scope: &StopScope) -> (&'static str, &str) {
    match scope {
        StopScope::All => ("all", ""),
        StopScope::Journey(name) => ("journey", name),
        StopScope::Channel(name) => ("channel", name),
        StopScope::Purpose(name) => ("purpose", name),
    }
}

/// The page of a failure. Never fails itself.
pub(crate) async fn failure(visit: &Visit, failure: &Failure) -> Response {
    let (status, key, detail) = failure.shown();
    if status.is_server_error() {
        tracing::error!("The console could not show {}: {failure}", visit.uri_path);
    }
    let detail = match (key, detail) {
        ("fail-missing", Some(field)) => Some(visit.view().words.named("field", &field)),
        (_, detail) => detail,
    };
    let frame = frame(visit).await.unwrap_or_else(|_| bare(visit));
    let context = json!({"status": status.as_u16(), "key": key, "detail": detail});
    let mut response = write(visit, status, "failure.html", context, frame).unwrap_or_else(|_| {
        (StatusCode::INTERNAL_SERVER_ERROR, "This page could not be written.").into_response()
    });
    if let Failure::TooMany(seconds) = failure {
        response.headers_mut().insert(http::header::RETRY_AFTER, http::HeaderValue::from(*seconds));
    }
    response
}
