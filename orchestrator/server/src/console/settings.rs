//! Keys, people, releases.

use super::page;
use super::role::{Right, Role};
use super::session::make_operator;
use super::visit::{Failure, Visit, go};
use crate::auth::Scope;
use axum::response::Response;
use data_encoding::HEXLOWER;
use http::StatusCode;
use serde_json::{Value as Json, json};
use store::{ApiKey, Operator};
use vault::ApiKeyKind;
use words::ReleaseId;

/// Releases that the page lists.
const RELEASES: usize = 20;

/// `GET /console/settings`.
pub(crate) async fn show(visit: Visit) -> Result<Response, Failure> {
    let context = context(&visit).await?;
    visit.page("settings.html", context).await
}

async fn context(visit: &Visit) -> Result<Json, Failure> {
    let view = visit.view();
    let (mut keys, mut people) = (Vec::new(), Vec::new());
    if visit.may(Right::Access) {
        let machine_now = visit.console.app.clock.machine_now();
        for key in visit.store().api_keys().await? {
            keys.push(json!({
                "hash": HEXLOWER.encode(&key.hash), "name": key.name,
                "kind": view.words.named("key", &key.kind), "scopes": key.scopes.join(", "),
                "created": view.time(key.created_at), "by": key.created_by,
                "revoked": view.time_opt(key.revoked_at), "used": view.time_opt(key.last_used_at),
                "expires": view.time_opt(key.expires_at), "expired": key.expired(machine_now),
            }));
        }
        for operator in visit.store().operators().await? {
            people.push(json!({
                "name": operator.name, "role": view.words.named("role", &operator.role),
                "since": view.time(operator.created_at), "disabled": view.time_opt(operator.disabled_at),
                "self": operator.name == visit.name(),
            }));
        }
    }
    let live = visit.store().live_release().await?;
    let mut releases = Vec::new();
    for release in visit.store().releases(RELEASES).await? {
        releases.push(json!({
            "id": release.id.to_string(), "at": view.time(release.created_at), "by": release.created_by,
            "note": release.note, "live": live.as_ref().is_some_and(|l| l.release == release.id),
        }));
    }
    let history: Vec<Json> = visit
        .store()
        .release_history(RELEASES)
        .await?
        .iter()
        .map(|l| {
            json!({
                "id": l.release.to_string(), "at": view.time(l.at), "by": l.by,
                "action": view.words.named("release", &l.action),
            })
        })
        .collect();
    let roles = Role::ALL.map(|r| {
        json!({"name": r.as_str(), "text": view.words.named("role", r.as_str()),
               "about": view.words.named("role-about", r.as_str())})
    });
    Ok(json!({
        "keys": keys, "people": people, "releases": releases, "history": history, "roles": roles,
        "scopes": Scope::ALL.map(|s| s.as_str()),
        "instance": visit.store().instance_id(),
        "secret": null, "wrong": null,
    }))
}

/// `POST /console/settings/keys`: the secret is on this very page and nowhere else, ever.
pub(crate) async fn create_key(visit: Visit) -> Result<Response, Failure> {
    let name = visit.need("name")?.to_owned();
    let (kind, kind_name) = match visit.need("kind")? {
        "browser" => (ApiKeyKind::Browser, "browser"),
        "server" => (ApiKeyKind::Server, "server"),
        _ => return Err(Failure::Bad("fail-key-kind")),
    };
    let mut scopes: Vec<String> = visit
        .form
        .all("scope")
        .filter(|s| Scope::ALL.iter().any(|k| k.as_str() == *s))
        .map(str::to_owned)
        .collect();
    if kind == ApiKeyKind::Browser {
        scopes = vec![Scope::Track.as_str().to_owned()];
    } else if scopes.is_empty() {
        scopes.push("*".to_owned());
    }
    let issued = visit.store().vault().issue_api_key(kind).map_err(store::StoreError::from)?;
    let key = ApiKey {
        hash: issued.hash,
        name: name.chars().take(100).collect(),
        kind: kind_name.to_owned(),
        scopes,
        created_at: visit.now(),
        created_by: visit.name().to_owned(),
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
    };
    visit.store().put_api_key(key).await?;
    let mut context = context(&visit).await?;
    context["secret"] = issued.secret.expose().into();
    visit.page("settings.html", context).await
}

/// `POST /console/settings/keys/revoke`.
pub(crate) async fn revoke_key(visit: Visit) -> Result<Response, Failure> {
    let hash = HEXLOWER.decode(visit.need("key")?.as_bytes()).ok().and_then(|hash| hash.try_into().ok());
    let known =
        visit.store().revoke_api_key(hash.ok_or(Failure::NotFound)?, visit.name(), visit.now()).await?;
    if !known {
        return Err(Failure::NotFound);
    }
    Ok(go("/console/settings", Some("note-key-revoked")))
}

/// `POST /console/settings/operators`: a new person, or a new password and role for one.
pub(crate) async fn put_operator(visit: Visit) -> Result<Response, Failure> {
    let name = visit.need("name")?.to_owned();
    let role = Role::parse(visit.need("role")?).ok_or(Failure::Bad("fail-role"))?;
    if name == visit.name() && role != Role::Admin {
        return Err(Failure::Bad("fail-own-role"));
    }
    if let Some(wrong) = make_operator(&visit, &name, role).await? {
        let mut context = context(&visit).await?;
        context["wrong"] = wrong.into();
        return page::render(&visit, StatusCode::UNPROCESSABLE_ENTITY, "settings.html", context).await;
    }
    let to = if name == visit.name() { "/console/sign-in" } else { "/console/settings" };
    Ok(go(to, Some("note-operator-saved")))
}

/// `POST /console/settings/operators/disable`: out at once, on every session; with a new password they are back.
pub(crate) async fn disable_operator(visit: Visit) -> Result<Response, Failure> {
    let name = visit.need("name")?.to_owned();
    if name == visit.name() {
        return Err(Failure::Bad("fail-own-role"));
    }
    let operator = visit.store().operator(&name).await?.ok_or(Failure::NotFound)?;
    let operator = Operator { disabled_at: Some(visit.now()), ..operator };
    visit.store().put_operator(operator, visit.name(), visit.now()).await?;
    visit.store().close_sessions(&name).await?;
    Ok(go("/console/settings", Some("note-operator-disabled")))
}

/// `POST /console/settings/releases`: an earlier release becomes the live one again.
pub(crate) async fn bring_back(visit: Visit) -> Result<Response, Failure> {
    let id = ReleaseId::parse(visit.need("release")?).map_err(|_| Failure::NotFound)?;
    visit.store().release(id).await?.ok_or(Failure::NotFound)?;
    visit.console.app.hooks.rollback(id, visit.name()).await?;
    Ok(go("/console/settings", Some("note-release")))
}
