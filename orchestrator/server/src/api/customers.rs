//! One customer: what is known, and erasing it.

use super::find_customer;
use crate::App;
use crate::auth::{Caller, Scope};
use crate::problem::{Code, Problem};
use crate::query::Asked;
use crate::routes::{Access, Route};
use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::routing::{delete, get};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use store::{AuditEvent, AuditKind, ReadKind};
use words::Customer;

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route {
            method: "GET",
            path: "/v1/customers/{id}",
            access: Access::Key(Scope::CustomersRead),
            summary: "What is known about a customer, by Tabi's id, the shop's id, or `email:` and an address.",
            body: "",
            handler: get(read),
        },
        Route {
            method: "DELETE",
            path: "/v1/customers/{id}",
            access: Access::Key(Scope::CustomersErase),
            summary: "Erases a customer: the keys of everything sealed about them are destroyed, for good. `?reason=` says why, for the record.",
            body: "",
            handler: delete(erase),
        },
    ]
}

async fn read(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let id = find_customer(&app, &id).await?;
    // Who reads about a person is written down first, whichever door they come by.
    let by = format!("key {}", caller.name);
    app.store.note_read(ReadKind::Customer, &by, "", Some(id.0), json!({}), app.now()).await?;
    let customer = app
        .store
        .customer(id)
        .await?
        .ok_or_else(|| Problem::new(Code::NotFound, "there is no such customer, or they were erased"))?;
    Ok(Json(shown(&customer)))
}

/// A customer in plain JSON.
fn shown(customer: &Customer) -> Value {
    let traits: Map<String, Value> =
        customer.traits.iter().map(|(name, value)| (name.clone(), value.to_plain_json())).collect();
    json!({
        "id": customer.id,
        "userId": customer.user_id,
        "traits": traits,
        "addresses": customer.addresses,
        "timezone": customer.zone.as_ref().map(|(zone, source)| json!({"name": zone, "source": source})),
        "country": customer.country,
        "locale": customer.locale,
        "consents": customer.consents,
        "account": customer.account,
        "createdAt": customer.created_at,
    })
}

/// The most characters of a reason.
const REASON_MAX: usize = 500;

/// What goes with a request to erase.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Said {
    /// Why, for the record; free of personal data.
    #[serde(default)]
    reason: String,
}

async fn erase(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Asked(said): Asked<Said>,
) -> Result<Json<Value>, Problem> {
    let id = find_customer(&app, &id).await?;
    let reason = said.reason.trim();
    if reason.chars().count() > REASON_MAX || reason.chars().any(char::is_control) {
        return Err(Problem::new(
            Code::InvalidRequest,
            format!("`reason` has more than {REASON_MAX} characters, or a control character"),
        ));
    }
    let now = app.now();
    let audit = AuditEvent {
        kind: AuditKind::CustomerErased,
        at: now,
        // A deed of whoever asked: listed with the others, about the one it concerns.
        customer: None,
        subject: Some(id.0),
        body: json!({"by": format!("key {}", caller.name), "reason": reason}).to_string(),
    };
    app.store.erase(id, now, vec![audit]).await?;
    Ok(Json(json!({"success": true, "customer": id.to_string()})))
}
