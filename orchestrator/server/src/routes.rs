//! Every route of the API and of the public pages: address, who may come in, handler, in one table.
//!
//! The router and the OpenAPI document are both made from it, so that neither knows a route that the other does not.
//!
//! Invariant: a route without an [`Access`] cannot be written down.

use crate::auth::{self, Caller, Scope};
use crate::problem::{self, Code, Problem};
use crate::{App, api, callbacks, public};
use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use http::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use std::time::Duration;
use tower_http::cors::{Any, CorsLayer};
use tracing::{Instrument as _, field::Empty, trace_span};
use words::TRACES;

/// The longest that a request may take.
const REQUEST_MAX: Duration = Duration::from_secs(30);

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody: it tells nothing that is not public.
    Open,
    /// An API key with this scope.
    Key(Scope),
    /// A server or browser key with this scope, in the header or, as old clients send it, as `writeKey` in the body.
    WriteKey(Scope),
    /// Whoever signs the body with the shop's secret.
    Signature,
    /// Whoever holds a link of a message.
    Link,
}

/// One route.
pub struct Route {
    /// `GET`, `POST` …
    pub method: &'static str,
    /// The path, parameters in braces.
    pub path: &'static str,
    /// Who may use it.
    pub access: Access,
    /// What it does, for the OpenAPI document.
    pub summary: &'static str,
    /// The name of its request body among the document's schemas; empty: none.
    pub body: &'static str,
    pub(crate) handler: MethodRouter<App>,
}

impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} ({:?})", self.method, self.path, self.access)
    }
}

/// All of them.
pub(crate) fn table() -> Vec<Route> {
    let mut all = api::routes();
    all.extend(callbacks::routes());
    all.extend(public::routes());
    all
}

/// The router over the table.
pub(crate) fn compose(app: App) -> Router {
    over(app, table())
}

/// The router over what tells how a node is, for one that serves nothing else.
pub(crate) fn compose_health(app: App) -> Router {
    over(app, api::health_routes())
}

fn over(app: App, routes: Vec<Route>) -> Router {
    let mut router = Router::new();
    for route in routes {
        let guard = middleware::from_fn_with_state((app.clone(), route.access), guard);
        let counted = middleware::from_fn_with_state((app.clone(), route.method, route.path), counted);
        let mut handler = route.handler.route_layer(guard).route_layer(counted);
        if matches!(route.access, Access::WriteKey(_)) {
            // A handler of its own: the layer alone would not be asked where no method fits.
            handler = handler.options(async || http::StatusCode::NO_CONTENT).layer(cors());
        }
        router = router.route(route.path, handler);
    }
    router
        .layer(middleware::from_fn(within_time))
        .method_not_allowed_fallback(problem::method_not_allowed)
        .fallback(problem::not_found)
        .with_state(app)
}

/// Browser keys are sent from any page; no cookie is ever read, so no origin is trusted more than another.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([http::Method::POST])
        .allow_headers([
            http::header::AUTHORIZATION,
            http::header::CONTENT_TYPE,
            http::header::CONTENT_ENCODING,
        ])
        .max_age(Duration::from_secs(86_400))
}

/// Lets in who may come in, and tells the handler who it is.
async fn guard(State((app, access)): State<(App, Access)>, mut request: Request, next: Next) -> Response {
    let known = match access {
        Access::Open | Access::Signature | Access::Link => Ok(None),
        Access::Key(scope) | Access::WriteKey(scope) => {
            enter(&app, auth::key_in(request.headers()), scope).await
        }
    };
    match known {
        Err(problem) => return problem.into_response(),
        Ok(None) if matches!(access, Access::Key(_)) => {
            return Problem::new(Code::Unauthorized, "the Authorization header is missing").into_response();
        }
        Ok(Some(caller)) => {
            request.extensions_mut().insert(caller);
        }
        Ok(None) => {}
    }
    let mut response = in_our_words(next.run(request).await);
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ));
    headers.entry(HeaderName::from_static("cache-control")).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Counts the request and how long it took, refused or not.
async fn counted(
    State((app, method, path)): State<(App, &'static str, &'static str)>,
    request: Request,
    next: Next,
) -> Response {
    let began = std::time::Instant::now();
    let span = trace_span!(
        target: TRACES, "request", otel.kind = "server", http.request.method = method, http.route = path,
        http.response.status_code = Empty,
    );
    let response = next.run(request).instrument(span.clone()).await;
    span.record("http.response.status_code", response.status().as_u16());
    app.requests.answered(method, path, response.status(), began.elapsed());
    response
}

/// What the framework itself refuses (an address that is not UTF-8, a query that does not read) is a problem like others.
fn in_our_words(response: Response) -> Response {
    let plain =
        response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if response.status().is_client_error() && plain {
        return Problem::new(Code::InvalidRequest, "the address or the query cannot be read").into_response();
    }
    response
}

async fn enter(
    app: &App,
    key: Result<Option<String>, Problem>,
    scope: Scope,
) -> Result<Option<Caller>, Problem> {
    let Some(key) = key? else { return Ok(None) };
    let caller = auth::caller(app, &key).await?;
    caller.need(scope)?;
    Ok(Some(caller))
}

async fn within_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(REQUEST_MAX, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::new(Code::Timeout, "the request took longer than 30 seconds").into_response(),
    }
}
