//! Signing in and out, the first operator, and the demo's way in.

use super::role::Role;
use super::visit::{Failure, Visit, Who, go};
use super::{Console, page};
use crate::App;
use axum::response::{AppendHeaders, IntoResponse, Response};
use data_encoding::HEXLOWER;
use http::StatusCode;
use http::header::SET_COOKIE;
use serde_json::json;
use store::{AuditKind, Operator, Session, StoreError};
use vault::Secret;
use words::Elapsed;

/// A session that nobody uses ends after this long (machine clock).
const IDLE_MAX: Elapsed = Elapsed::from_secs(12 * 3600);
/// The longest session (machine clock).
const LIFE_MAX: Elapsed = Elapsed::from_days(7);
/// Where the hash of the setup token is kept until it was used.
const SETUP: &str = "console_setup";
/// Who works at the console of a demo.
const DEMO: &str = "demo";

/// The link with which the first operator is made, below `console`, where the console listens (`http://127.0.0.1:8080`);
/// `None` where there is an operator already. A new link makes the last one void.
///
/// # Errors
/// Where the store fails.
pub async fn setup_link(app: &App, console: &str) -> Result<Option<String>, StoreError> {
    if !app.store.operators().await?.is_empty() {
        return Ok(None);
    }
    let issued = app.store.vault().issue_session()?;
    app.store.put_setting(SETUP, Some(&HEXLOWER.encode(&issued.hash))).await?;
    Ok(Some(format!("{console}/console/setup?token={}", issued.secret.expose())))
}

/// Whose session a cookie names, where it is still good.
pub(crate) async fn who(console: &Console, cookie: &str) -> Result<Option<Who>, StoreError> {
    let Some(hash) = vault::session_hash(cookie) else { return Ok(None) };
    let now = console.app.clock.machine_now();
    let Some(session) = console.app.store.session(hash, now).await? else { return Ok(None) };
    if now.since(session.seen_at) > IDLE_MAX || now.since(session.created_at) > LIFE_MAX {
        console.app.store.close_session(hash).await?;
        return Ok(None);
    }
    let Some(operator) = console.app.store.operator(&session.operator).await? else { return Ok(None) };
    let role = Role::parse(&operator.role).filter(|_| operator.disabled_at.is_none());
    Ok(role.map(|role| Who { name: operator.name, role, session: hash }))
}

/// Opens a session; returns its cookie.
async fn open(app: &App, (secure, host): (bool, &str), name: &str) -> Result<(String, [u8; 32]), StoreError> {
    let issued = app.store.vault().issue_session()?;
    let now = app.clock.machine_now();
    let session = Session {
        hash: issued.hash,
        operator: name.to_owned(),
        created_at: now,
        seen_at: now,
        csrf: app.store.vault().form_token(&issued.hash),
    };
    app.store.open_session(session).await?;
    Ok((cookie(secure, host, issued.secret.expose(), LIFE_MAX), issued.hash))
}

/// In the demo whoever comes is the demo's operator: a session for them, and its cookie.
pub(crate) async fn demo(console: &Console, secure: bool, host: &str) -> Result<(Who, String), StoreError> {
    let app = &console.app;
    if app.store.operator(DEMO).await?.is_none() {
        let operator = Operator {
            name: DEMO.to_owned(),
            role: Role::Admin.as_str().to_owned(),
            // No password has this hash.
            password: "!".to_owned(),
            created_at: app.clock.now(),
            disabled_at: None,
        };
        app.store.put_operator(operator, "tabi demo", app.clock.now()).await?;
    }
    let (cookie, session) = open(app, (secure, host), DEMO).await?;
    Ok((Who { name: DEMO.to_owned(), role: Role::Admin, session }, cookie))
}

/// The name of the session's cookie: with the prefix that binds it to this very host where the connection allows. Browsers
/// tell hosts apart, not ports: on one machine the demo and a shop's own Tabi must not sign each other out.
pub(crate) fn cookie_name(secure: bool, host: &str) -> String {
    let port = host.rsplit_once(':').map(|(_, port)| port).filter(|port| port.parse::<u16>().is_ok());
    match (secure, port) {
        (true, _) => "__Host-tabi_session".to_owned(),
        (false, Some(port)) => format!("tabi_session_{port}"),
        (false, None) => "tabi_session".to_owned(),
    }
}

fn cookie(secure: bool, host: &str, value: &str, life: Elapsed) -> String {
    let name = cookie_name(secure, host);
    let secure = if secure { "; Secure" } else { "" };
    let seconds = life.as_micros() / 1_000_000;
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}")
}

/// Where to go after signing in: only ever inside the console.
fn next(visit: &Visit) -> &str {
    let next = visit.form.get("next").or_else(|| visit.query.get("next")).unwrap_or("/console");
    let inside = next == "/console" || next.starts_with("/console/") || next.starts_with("/console?");
    if inside && !next.contains(['\\', '\r', '\n']) { next } else { "/console" }
}

/// `GET /console/sign-in`.
pub(crate) async fn form(visit: Visit) -> Result<Response, Failure> {
    if visit.who.is_some() {
        return Ok(go(next(&visit), None));
    }
    let first = visit.store().operators().await?.is_empty();
    // Over a name that is not the one behind TLS, the browser would drop the session's cookie without a word.
    let base = &visit.console.app.base_url;
    let elsewhere = visit.secure && base.strip_prefix("https://").is_some_and(|name| name != visit.host);
    let context = json!({
        "next": next(&visit), "first": first, "wrong": null, "name": "",
        "elsewhere": elsewhere.then(|| format!("{base}/console")),
    });
    visit.page("sign_in.html", context).await
}

/// `POST /console/sign-in`.
pub(crate) async fn sign_in(visit: Visit) -> Result<Response, Failure> {
    let name = visit.need("name")?.to_owned();
    let password = Secret::new(visit.form.all("password").next().unwrap_or_default().to_owned());
    let now = visit.console.app.clock.machine_now();
    visit.console.tries().begin(&visit.from, &name, now).map_err(Failure::TooMany)?;
    let operator = visit.store().operator(&name).await?.filter(|o| o.disabled_at.is_none());
    let hash = operator.as_ref().map(|o| o.password.clone());
    // One at a time per core: hashing takes memory.
    let _turn = visit.console.hashing.acquire().await.map_err(|_| Failure::TooMany(1))?;
    let right = tokio::task::spawn_blocking(move || vault::verify_password(&password, hash.as_deref()))
        .await
        .unwrap_or(false);
    if !right {
        let context = json!({"next": next(&visit), "first": false, "wrong": "sign-in-wrong", "name": name, "elsewhere": null});
        return page::render(&visit, StatusCode::FORBIDDEN, "sign_in.html", context).await;
    }
    visit.console.tries().forget(&visit.from, &name);
    visit
        .console
        .write_down(&visit, AuditKind::OperatorSignedIn, None, None, json!({"operator": name}))
        .await?;
    let (cookie, _) = open(&visit.console.app, (visit.secure, &visit.host), &name).await?;
    Ok((AppendHeaders([(SET_COOKIE, cookie)]), go(next(&visit), None)).into_response())
}

/// `POST /console/sign-out`.
pub(crate) async fn sign_out(visit: Visit) -> Result<Response, Failure> {
    if let Some(who) = &visit.who {
        visit.store().close_session(who.session).await?;
    }
    let gone = cookie(visit.secure, &visit.host, "", Elapsed::from_secs(0));
    Ok((AppendHeaders([(SET_COOKIE, gone)]), go("/console/sign-in", None)).into_response())
}

/// Whether `token` is the setup token that is waiting to be used.
async fn may_set_up(visit: &Visit, token: &str) -> Result<bool, Failure> {
    let Some(hash) = vault::session_hash(token) else { return Ok(false) };
    let waiting = visit.store().setting(SETUP).await?;
    Ok(waiting.as_deref() == Some(HEXLOWER.encode(&hash).as_str())
        && visit.store().operators().await?.is_empty())
}

/// `GET /console/setup`.
pub(crate) async fn setup_form(visit: Visit) -> Result<Response, Failure> {
    let token = visit.query.get("token").unwrap_or_default().to_owned();
    if !may_set_up(&visit, &token).await? {
        return Err(Failure::Bad("fail-setup"));
    }
    visit.page("setup.html", json!({"token": token, "wrong": null, "name": ""})).await
}

/// `POST /console/setup`.
pub(crate) async fn setup(visit: Visit) -> Result<Response, Failure> {
    let token = visit.need("token")?.to_owned();
    if !may_set_up(&visit, &token).await? {
        return Err(Failure::Bad("fail-setup"));
    }
    let name = visit.need("name")?.to_owned();
    let made = make_operator(&visit, &name, Role::Admin).await?;
    if let Some(wrong) = made {
        let context = json!({"token": token, "wrong": wrong, "name": name});
        return page::render(&visit, StatusCode::UNPROCESSABLE_ENTITY, "setup.html", context).await;
    }
    visit.store().put_setting(SETUP, None).await?;
    let (cookie, _) = open(&visit.console.app, (visit.secure, &visit.host), &name).await?;
    Ok((AppendHeaders([(SET_COOKIE, cookie)]), go("/console", Some("note-welcome"))).into_response())
}

/// Makes or changes an operator from the form's `password`; the key of what is wrong with it.
pub(crate) async fn make_operator(
    visit: &Visit,
    name: &str,
    role: Role,
) -> Result<Option<&'static str>, Failure> {
    let fine = |c: char| c.is_alphanumeric() || "@._+-".contains(c);
    if name.chars().count() > 100 || !name.chars().all(fine) {
        return Ok(Some("operator-name-wrong"));
    }
    let password = Secret::new(visit.form.all("password").next().unwrap_or_default().to_owned());
    let _turn = visit.console.hashing.acquire().await.map_err(|_| Failure::TooMany(1))?;
    let hashed = tokio::task::spawn_blocking(move || vault::hash_password(&password)).await;
    let hash = match hashed {
        Ok(Ok(hash)) => hash,
        Ok(Err(vault::PasswordError::TooShort)) => return Ok(Some("password-too-short")),
        Ok(Err(vault::PasswordError::TooLong)) => return Ok(Some("password-too-long")),
        Ok(Err(vault::PasswordError::Failed)) | Err(_) => return Ok(Some("password-failed")),
    };
    let by = if visit.name().is_empty() { "setup" } else { visit.name() };
    let operator = Operator {
        name: name.to_owned(),
        role: role.as_str().to_owned(),
        password: hash,
        created_at: visit.now(),
        disabled_at: None,
    };
    visit.store().put_operator(operator, by, visit.now()).await?;
    // A new password ends what was opened with the old one.
    visit.store().close_sessions(name).await?;
    Ok(None)
}
