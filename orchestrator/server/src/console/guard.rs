//! What stands before every page: who it is, what they may, and whether the form is theirs.
//!
//! Invariant: no handler runs that the table does not allow this visitor; nothing is changed by GET.

use super::visit::{Failure, Fields, Visit, Who, go};
use super::{Console, Needs, Page, language, page, session, tries};
use crate::listen::Peer;
use axum::body::Body;
use axum::extract::RawPathParams;
use axum::response::{AppendHeaders, IntoResponse, Response};
use http::header::{
    ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE, HOST, HeaderName, HeaderValue, ORIGIN,
    REFERRER_POLICY, SET_COOKIE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, Method, Request};
use std::sync::Arc;
use words::Language;

/// The largest form.
const FORM_BYTES_MAX: usize = 256 * 1024;
/// What pages of the console may do: load what is ours, nothing inline.
pub(crate) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; form-action 'self'; frame-src 'self'; frame-ancestors 'none'; base-uri 'none'";
/// The cookie that forms of people without a session are bound to.
const FORM_COOKIE: &str = "tabi_form";
const LANGUAGE_COOKIE: &str = "tabi_lang";

/// Runs a page for a request, or says why not.
pub(crate) async fn serve(
    console: Arc<Console>,
    page: &'static Page,
    path: RawPathParams,
    request: Request<Body>,
) -> Response {
    let (parts, body) = request.into_parts();
    let mut cookies: Vec<String> = Vec::new();
    let query = Fields::parse(parts.uri.query().unwrap_or_default().as_bytes());
    let language = asked_language(&parts.headers, &query, &mut cookies);
    let form_secret = match cookie(&parts.headers, FORM_COOKIE).filter(|c| vault::session_hash(c).is_some()) {
        Some(secret) => secret,
        None => match console.app.store.vault().issue_session() {
            Ok(issued) => issued.secret.expose().to_owned(),
            Err(_) => String::new(),
        },
    };
    let form_hash = vault::session_hash(&form_secret).unwrap_or_default();
    let host = header(&parts.headers, &HOST);
    let mut visit = Visit {
        language,
        who: None,
        path_params: path.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
        uri_path: parts.uri.path().to_owned(),
        query,
        form: Fields::default(),
        method: parts.method.clone(),
        form_token: console.app.store.vault().form_token(&form_hash),
        secure: secure(&console.app.base_url, host),
        from: tries::from(parts.extensions.get::<Peer>().map(|peer| peer.0), &parts.headers),
        host: host.to_owned(),
        console,
    };
    let result = enter(&mut visit, page, &parts.headers, body, &form_hash, &mut cookies).await;
    let response = match result {
        Ok(Some(response)) => response,
        Ok(None) => {
            if visit.who.is_none() && page.needs == Needs::Nobody && visit.method == Method::GET {
                cookies.push(plain_cookie(&visit, FORM_COOKIE, &form_secret, 86_400, true));
            }
            let failed_page = Shown::of(&visit);
            match (page.go)(visit).await {
                Ok(response) => response,
                Err(failure) => failed_page.failed(failure).await,
            }
        }
        Err(failure) => Shown::of(&visit).failed(failure).await,
    };
    finish((AppendHeaders(cookies.into_iter().map(|c| (SET_COOKIE, c))), response).into_response())
}

/// Enough of a visit to write the page of a failure after the handler took the visit.
struct Shown(Visit);

impl Shown {
    fn of(visit: &Visit) -> Self {
        Self(Visit {
            console: visit.console.clone(),
            language: visit.language,
            who: visit.who.clone(),
            path_params: std::collections::BTreeMap::new(),
            uri_path: visit.uri_path.clone(),
            query: Fields::default(),
            form: Fields::default(),
            method: visit.method.clone(),
            form_token: visit.form_token.clone(),
            host: visit.host.clone(),
            from: visit.from.clone(),
            secure: visit.secure,
        })
    }

    async fn failed(self, failure: Failure) -> Response {
        page::failure(&self.0, &failure).await
    }
}

/// Lets in who may come in. `Some`: the answer is known already.
async fn enter(
    visit: &mut Visit,
    page: &Page,
    headers: &HeaderMap,
    body: Body,
    form_hash: &[u8; 32],
    cookies: &mut Vec<String>,
) -> Result<Option<Response>, Failure> {
    let console = visit.console.clone();
    if let Some(cookie) = cookie(headers, &session::cookie_name(visit.secure, &visit.host)) {
        visit.who = session::who(&console, &cookie).await?;
    }
    if let Needs::Right(right) = page.needs {
        if visit.who.is_none()
            && console.app.settings.demo
            && loopback(&visit.host)
            && visit.method == Method::GET
        {
            let (who, cookie) = session::demo(&console, visit.secure, &visit.host).await?;
            cookies.push(cookie);
            visit.who = Some(who);
        }
        match &visit.who {
            None => return Ok(Some(to_sign_in(visit))),
            Some(Who { role, .. }) if !role.may(right) => return Err(Failure::Forbidden),
            Some(_) => {}
        }
    }
    if visit.method == Method::POST {
        same_origin(headers)?;
        let bytes =
            axum::body::to_bytes(body, FORM_BYTES_MAX).await.map_err(|_| Failure::Bad("fail-too-large"))?;
        visit.form = Fields::parse(&bytes);
        let token = visit.form.get("csrf").unwrap_or_default();
        let bound_to = visit.who.as_ref().map_or(form_hash, |who| &who.session);
        if !console.app.store.vault().verify_form_token(bound_to, token) {
            return Err(Failure::Forged);
        }
    }
    Ok(None)
}

fn to_sign_in(visit: &Visit) -> Response {
    let next = if visit.method == Method::GET {
        let query = visit.query.query_without(&["lang"]);
        if query.is_empty() { visit.uri_path.clone() } else { format!("{}?{query}", visit.uri_path) }
    } else {
        "/console".to_owned()
    };
    let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
    go(&format!("/console/sign-in?next={next}"), None)
}

/// A browser says where a form comes from; one from another site is refused before its token is looked at.
fn same_origin(headers: &HeaderMap) -> Result<(), Failure> {
    let site = header(headers, &HeaderName::from_static("sec-fetch-site"));
    if !matches!(site, "" | "same-origin" | "none") {
        return Err(Failure::Forged);
    }
    let origin = header(headers, &ORIGIN);
    if !origin.is_empty() {
        let host = origin.split_once("://").map_or(origin, |(_, host)| host);
        if host != header(headers, &HOST) {
            return Err(Failure::Forged);
        }
    }
    Ok(())
}

/// The names that only this machine answers to: another name for 127.0.0.1 would be somebody's trick.
fn loopback(host: &str) -> bool {
    let name = if host.starts_with('[') {
        host.split(']').next().unwrap_or_default().trim_start_matches('[')
    } else {
        host.split(':').next().unwrap_or_default()
    };
    name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Whether the browser is on the other side of TLS. Whoever opens the console on this machine is not, whatever outsiders
/// reach us by: they would get cookies that their browser may refuse to keep or to send. A proxy hands on the name it was
/// called by (forms are refused otherwise, see `same_origin`), so that name tells the two apart.
fn secure(base_url: &str, host: &str) -> bool {
    base_url.starts_with("https://") && !loopback(host)
}

fn asked_language(headers: &HeaderMap, query: &Fields, cookies: &mut Vec<String>) -> Language {
    if let Some(language) = query.get("lang").and_then(language::parse) {
        let tag = language::tag(language);
        cookies.push(format!("{LANGUAGE_COOKIE}={tag}; Path=/; SameSite=Lax; Max-Age=31536000"));
        return language;
    }
    cookie(headers, LANGUAGE_COOKIE)
        .and_then(|tag| language::parse(&tag))
        .unwrap_or_else(|| language::accepted(header(headers, &ACCEPT_LANGUAGE)))
}

fn plain_cookie(visit: &Visit, name: &str, value: &str, seconds: u32, hidden: bool) -> String {
    let secure = if visit.secure { "; Secure" } else { "" };
    let hidden = if hidden { "; HttpOnly" } else { "" };
    format!("{name}={value}; Path=/; SameSite=Lax; Max-Age={seconds}{hidden}{secure}")
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned())
}

/// Headers of every answer; a handler's own policy and caching stay.
fn finish(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Not `no-referrer`: browsers then say that forms come from nowhere.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    );
    headers.insert(
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=()"),
    );
    response
}

/// Whether a visitor of this page may; for the table's own test.
#[cfg(test)]
pub(crate) fn allowed(page: &Page, role: super::Role) -> bool {
    match page.needs {
        Needs::Nobody => true,
        Needs::Right(right) => role.may(right),
    }
}
