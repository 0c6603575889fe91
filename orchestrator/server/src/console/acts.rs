//! The history of acts: who went live, stopped, deployed, erased, tested, exported, read …, when and why.

use super::language::Words;
use super::messages::period;
use super::page;
use super::titles::Titles;
use super::view::View;
use super::visit::{Failure, Visit};
use axum::response::Response;
use data_encoding::HEXLOWER;
use http::StatusCode;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use store::{Act, ActFilter, AuditKind};

/// Acts on one page.
const ROWS: usize = 50;

/// `GET /console/acts`.
pub(crate) async fn list(visit: Visit) -> Result<Response, Failure> {
    let view = visit.view();
    let query = &visit.query;
    let mut wrong = Vec::new();
    let mut filter = ActFilter {
        by: query.get("by").map(str::to_owned),
        kind: query.get("kind").filter(|kind| ActFilter::knows(kind)).map(str::to_owned),
        ..ActFilter::default()
    };
    (filter.from, filter.to) = period(query, &view.zone, &mut wrong);
    let after = query.get("after").and_then(|text| HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok());
    let found = if wrong.is_empty() {
        visit.store().acts(&filter, after, ROWS).await?
    } else {
        store::ActPage::default()
    };
    let kinds: Vec<Json> = AuditKind::ALL
        .iter()
        .filter(|kind| kind.is_act())
        .map(|kind| json!({"name": kind.as_str(), "text": view.words.named("act", kind.as_str())}))
        .collect();
    let field = |name: &str| query.get(name).unwrap_or_default().to_owned();
    let narrow = query.query_without(&["after", "lang", "note"]);
    let context = json!({
        "asked": {"by": field("by"), "kind": field("kind"), "from": field("from"), "to": field("to")},
        "kinds": kinds,
        "narrowed": !narrow.is_empty(),
        "wrong": wrong,
        "rows": found.rows.iter().map(|act| shown(&view, act)).collect::<Vec<_>>(),
        "next": found.next.map(|id| HEXLOWER.encode(&id)),
        "query": narrow,
    });
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    page::render(&visit, status, "acts.html", context).await
}

/// One act, in words.
pub(crate) fn shown(view: &View<'_>, act: &Act) -> Json {
    json!({
        "at": view.time(act.at),
        "by": act.by,
        "kind": {"name": act.kind.as_str(), "text": view.words.named("act", act.kind.as_str())},
        "what": particulars(view.words, &view.titles, act),
        "customer": act.customer().map(|id| id.to_string()),
        "message": act.message().map(|id| id.to_string()),
        "reason": act.reason,
    })
}

/// What it was about, in a line: what is said by who, why and the kind is left out.
pub(super) fn particulars(words: &Words, titles: &Titles, act: &Act) -> String {
    let detail: Json = serde_json::from_str(&act.detail).unwrap_or_default();
    let text = |name: &str| detail[name].as_str().filter(|text| !text.is_empty());
    let mut parts: Vec<String> = Vec::new();
    match act.kind {
        AuditKind::SendingStopped | AuditKind::SendingResumed => {
            let scope = text("scope").unwrap_or("all");
            let named = words.named("act-scope", scope);
            parts.push(match text("value") {
                Some(value) => format!("{named} {}", titles.scoped(scope, value)),
                None => named,
            });
        }
        AuditKind::MessageTest => {
            parts.extend(text("message").map(str::to_owned));
            parts.extend(text("channel").map(|channel| words.named("channel", channel)));
            parts.extend(text("to").map(str::to_owned));
            parts.extend(text("provider").map(|provider| words.named("provider", provider)));
            parts.extend(text("outcome").map(|outcome| words.named("attempt", outcome)));
        }
        AuditKind::OperatorChanged => {
            parts.extend(text("operator").map(str::to_owned));
            parts.extend(text("role").map(|role| words.named("role", role)));
            if detail["disabled"] == true {
                parts.push(words.plain("operator-disabled"));
            }
        }
        AuditKind::HeldReleased => parts.extend(text("held_because").map(str::to_owned)),
        _ => {
            for name in ["name", "release", "format", "hash", "loser"] {
                parts.extend(text(name).map(str::to_owned));
            }
            // By which fields a selection was made; whose address or which customer is not in the record.
            let fields: BTreeSet<&String> =
                detail["fields"].as_object().into_iter().flatten().map(|(name, _)| name).collect();
            parts.extend(fields.into_iter().map(|name| match name.as_str() {
                "from" => words.plain("from-day"),
                "to" => words.plain("to-day"),
                name => words.plain(&name.replace('_', "-")),
            }));
        }
    }
    let about = act.customer().map(|id| id.to_string()).or_else(|| act.message().map(|id| id.to_string()));
    parts.extend(about);
    parts.join(", ")
}
