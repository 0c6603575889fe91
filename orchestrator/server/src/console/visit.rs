//! One request to the console, as its handler sees it, and what may go wrong in it.

use super::Console;
use super::page;
use super::role::{Right, Role};
use super::view::View;
use crate::HookError;
use axum::response::{IntoResponse, Response};
use http::header::{HeaderValue, LOCATION};
use http::{Method, StatusCode};
use std::collections::BTreeMap;
use std::sync::Arc;
use store::StoreError;
use words::{Language, Timestamp};

/// A person who has signed in.
#[derive(Debug, Clone)]
pub(crate) struct Who {
    pub(crate) name: String,
    pub(crate) role: Role,
    /// The hash of the session.
    pub(crate) session: [u8; 32],
}

/// Fields of a query or a form, in order; a name may repeat.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads `application/x-www-form-urlencoded`.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        Self(form_urlencoded::parse(bytes).into_owned().collect())
    }

    /// The first field of this name that is not blank, trimmed.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let named = self.0.iter().filter(|(key, _)| key == name);
        named.map(|(_, value)| value.trim()).find(|value| !value.is_empty())
    }

    /// All fields of this name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The same as a query, without the fields named and without blank ones.
    pub(crate) fn query_without(&self, names: &[&str]) -> String {
        let mut out = form_urlencoded::Serializer::new(String::new());
        for (key, value) in &self.0 {
            if !names.contains(&key.as_str()) && !value.trim().is_empty() {
                out.append_pair(key, value);
            }
        }
        out.finish()
    }
}

/// A request that has passed the guard.
pub(crate) struct Visit {
    pub(crate) console: Arc<Console>,
    pub(crate) language: Language,
    pub(crate) who: Option<Who>,
    pub(crate) path_params: BTreeMap<String, String>,
    /// The path as asked for.
    pub(crate) uri_path: String,
    pub(crate) query: Fields,
    pub(crate) form: Fields,
    pub(crate) method: Method,
    /// The token that forms without a session carry.
    pub(crate) form_token: String,
    /// Where the connection comes from, to count wrong passwords by.
    pub(crate) from: String,
    /// Where a browser says it comes from, for telling loopback from elsewhere.
    pub(crate) host: String,
    /// Whether the browser came over TLS, so that cookies may be bound to it.
    pub(crate) secure: bool,
}

impl Visit {
    /// A parameter of the path; empty where the route has none of that name.
    pub(crate) fn path(&self, name: &str) -> &str {
        self.path_params.get(name).map_or("", String::as_str)
    }

    /// The store.
    pub(crate) fn store(&self) -> &store::Store {
        &self.console.app.store
    }

    /// Business time.
    pub(crate) fn now(&self) -> Timestamp {
        self.console.app.clock.now()
    }

    /// How values are written for this visitor.
    pub(crate) fn view(&self) -> View<'_> {
        View::new(self)
    }

    /// The name that acts are recorded under.
    pub(crate) fn name(&self) -> &str {
        self.who.as_ref().map_or("", |who| who.name.as_str())
    }

    /// Whether the visitor may.
    pub(crate) fn may(&self, right: Right) -> bool {
        self.who.as_ref().is_some_and(|who| who.role.may(right))
    }

    /// A field of the form that has to be there: `field` is the message key of its label.
    pub(crate) fn need(&self, name: &str) -> Result<&str, Failure> {
        self.form.get(name).ok_or(Failure::Missing(name.to_owned()))
    }

    /// A page from a template and what it shows.
    pub(crate) async fn page(&self, template: &str, context: serde_json::Value) -> Result<Response, Failure> {
        page::render(self, StatusCode::OK, template, context).await
    }
}

/// Why there is no such page, or why it did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// There is no such thing.
    #[error("not found")]
    NotFound,
    /// The role does not allow it.
    #[error("not allowed")]
    Forbidden,
    /// The form did not come from this session.
    #[error("the form has expired")]
    Forged,
    /// A field of the form is missing.
    #[error("the field {0} is missing")]
    Missing(String),
    /// Something else about the request: the key of a message.
    #[error("{0}")]
    Bad(&'static str),
    /// It was not done, for a reason that somebody else words.
    #[error("{0}")]
    Told(String),
    /// Too many tries: to be tried again after so many seconds.
    #[error("too many tries")]
    TooMany(i64),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The wiring.
    #[error(transparent)]
    Hook(#[from] HookError),
    /// The inbox.
    #[error(transparent)]
    Inbox(#[from] inbox::InboxError),
    /// A template of ours; a defect.
    #[error("a page could not be written: {0}")]
    Page(String),
}

impl Failure {
    /// Status, key of the message, and words that come from elsewhere.
    pub(crate) fn shown(&self) -> (StatusCode, &str, Option<String>) {
        match self {
            Self::NotFound => (StatusCode::NOT_FOUND, "fail-not-found", None),
            Self::Forbidden => (StatusCode::FORBIDDEN, "fail-forbidden", None),
            Self::Forged => (StatusCode::FORBIDDEN, "fail-forged", None),
            Self::Missing(field) => (StatusCode::UNPROCESSABLE_ENTITY, "fail-missing", Some(field.clone())),
            Self::Bad(key) => (StatusCode::UNPROCESSABLE_ENTITY, key, None),
            Self::Told(why) => (StatusCode::CONFLICT, "fail-refused", Some(why.clone())),
            Self::TooMany(_) => (StatusCode::TOO_MANY_REQUESTS, "fail-too-many", None),
            Self::Store(StoreError::NotFound(what)) => {
                (StatusCode::NOT_FOUND, "fail-not-found", Some(what.clone()))
            }
            Self::Store(StoreError::Unavailable(_)) => {
                (StatusCode::SERVICE_UNAVAILABLE, "fail-unavailable", None)
            }
            Self::Store(error @ (StoreError::Conflict(_) | StoreError::Invalid(_))) => {
                (StatusCode::CONFLICT, "fail-refused", Some(error.to_string()))
            }
            Self::Store(error) => (StatusCode::INTERNAL_SERVER_ERROR, "fail-store", Some(error.to_string())),
            Self::Hook(error) => (StatusCode::CONFLICT, "fail-refused", Some(error.to_string())),
            Self::Inbox(error) => {
                (StatusCode::INTERNAL_SERVER_ERROR, "fail-refused", Some(error.to_string()))
            }
            Self::Page(_) => (StatusCode::INTERNAL_SERVER_ERROR, "fail-page", None),
        }
    }
}

/// 303 to another page of the console, which shows the message `note`.
pub(crate) fn go(path: &str, note: Option<&str>) -> Response {
    let mut to = path.to_owned();
    if let Some(note) = note {
        to.push(if to.contains('?') { '&' } else { '?' });
        to.push_str("note=");
        to.push_str(note);
    }
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(value) = HeaderValue::from_str(&to) {
        response.headers_mut().insert(LOCATION, value);
    }
    response
}
