//! What the tests of this crate share: an app over a store in memory and the shipped project, keys, requests.
#![allow(clippy::unwrap_used, clippy::panic)]

use crate::app::Secrets;
use crate::{App, Current, Settings, router};
use axum::body::Body;
use http::{HeaderMap, Request, StatusCode};
use release::Release;
use serde_json::Value;
use std::sync::{Arc, LazyLock};
use store::{Clock, Identity, Store, VirtualClock};
use tower::ServiceExt;
use vault::{ApiKeyKind, Secret, Vault};
use words::{Customer, IdSource, Timestamp};

/// Beside what the project ships.
const MORE: &str = "
events:
  code_requested: {properties: {code: text}}
purposes:
  codes: {title: {en: Codes, ja: 認証コード}, class: security}
catalogs:
  products: {price: money USD, name: text?}
surveys:
  nps: {title: {en: How likely are you to recommend us?, ja: おすすめ度は？}, scale: 0..10}
";

const LOGIN: &str = "
journey: login
purpose: codes
start:
  again: always
  api:
    code: text
steps:
  - stop: done
";

/// A message that leads to a survey's page.
const ASKS: &[(&str, &str)] = &[
    (
        "templates/how_was_it/message.yaml",
        "title: {en: How was it?, ja: いかがでしたか？}\nuse: security\ninputs: {}\n",
    ),
    ("templates/how_was_it/sample.yaml", "plain:\n  inputs: {}\n"),
    ("templates/how_was_it/sms/body.txt", "{{ links.survey_url }}\n"),
];

pub(crate) fn now() -> Timestamp {
    Timestamp::parse("2026-11-21T09:30:00Z").unwrap()
}

static RELEASE: LazyLock<Arc<Release>> = LazyLock::new(|| {
    let mut files = release::files::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../..").as_ref()).unwrap();
    files.insert("journeys/more.yaml".to_owned(), MORE.as_bytes().to_vec());
    files.insert("journeys/login.yaml".to_owned(), LOGIN.as_bytes().to_vec());
    for (path, text) in ASKS {
        files.insert((*path).to_owned(), text.as_bytes().to_vec());
    }
    for (file, text) in [
        ("message.yaml", "title: {en: Code, ja: 認証コード}\nuse: security\n"),
        ("sample.yaml", "one:\n  inputs: {}\n"),
        ("email/subject.txt", "Tabi"),
        (
            "email/body.html",
            "<!doctype html><html lang=\"{{ locale }}\"><title>Tabi</title><body><p>Tabi</p></body></html>",
        ),
    ] {
        files.insert(format!("templates/sign_in_code/{file}"), text.as_bytes().to_vec());
    }
    let (release, problems) = Release::build(files);
    Arc::new(release.unwrap_or_else(|| panic!("{problems:#?}")))
});

/// An app at [`now`].
pub(crate) async fn app() -> App {
    let store = Store::memory(Vault::ephemeral(7)).await.unwrap();
    let clock: Arc<dyn Clock> = Arc::new(VirtualClock::at(now()));
    let current = Current::of(RELEASE.clone());
    let secrets = Secrets::new(|name| name.ends_with("_SECRET").then(|| Secret::new("shh".to_owned())));
    App::new(store, clock, Arc::new(IdSource::seeded(7)), current, "https://tabi.example")
        .with_settings(Settings { secrets, ..Settings::default() })
}

/// A new key with these scopes.
pub(crate) async fn key(app: &App, kind: ApiKeyKind, scopes: &[&str]) -> String {
    let issued = app.store.vault().issue_api_key(kind).unwrap();
    let key = store::ApiKey {
        hash: issued.hash,
        name: "test".to_owned(),
        kind: if kind == ApiKeyKind::Browser { "browser" } else { "server" }.to_owned(),
        scopes: scopes.iter().map(|s| (*s).to_owned()).collect(),
        created_at: now(),
        created_by: "test".to_owned(),
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
    };
    app.store.put_api_key(key).await.unwrap();
    issued.secret.expose().to_owned()
}

/// An app and a server key that may do everything.
pub(crate) async fn with_key() -> (App, String) {
    let app = app().await;
    let key = key(&app, ApiKeyKind::Server, &["*"]).await;
    (app, key)
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{} {}", self.status, self.text))
    }
}

/// Asks the whole router. Whatever comes back must be told of in the OpenAPI document.
pub(crate) async fn ask(app: &App, request: Request<Body>) -> Answer {
    let (method, path) = (request.method().as_str().to_ascii_lowercase(), request.uri().path().to_owned());
    let response = router(app.clone()).oneshot(request).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = axum::body::to_bytes(response.into_body(), 10_000_000).await.unwrap();
    let answer = Answer { status, headers, text: String::from_utf8_lossy(&bytes).into_owned() };
    documented(&method, &path, &answer);
    answer
}

/// Panics where a route answers with a status, a type or fields that the OpenAPI document does not have.
fn documented(method: &str, path: &str, answer: &Answer) {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(|| crate::api::document("https://tabi.example"));
    let same = |route: &str| {
        let (route, path): (Vec<&str>, Vec<&str>) = (route.split('/').collect(), path.split('/').collect());
        route.len() == path.len()
            && route.iter().zip(&path).all(|(wanted, has)| wanted.starts_with('{') || wanted == has)
    };
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let Some(operation) = paths.iter().filter(|(route, _)| same(route)).find_map(|(_, it)| it.get(method))
    else {
        return;
    };
    let by_status = &operation["responses"][answer.status.as_str()];
    let told = if by_status.is_object() || !answer.status.is_server_error() {
        by_status
    } else {
        &operation["responses"]["5XX"]
    };
    let who = format!("{method} {path}: {} {}", answer.status, answer.text);
    assert!(told.is_object(), "not in the document: {who}");
    let told =
        if told.get("$ref").is_some() { &DOCUMENT["components"]["responses"]["Problem"] } else { told };
    let Some(content) = told["content"].as_object() else { return };
    let kind = answer.headers["content-type"].to_str().unwrap();
    let kind = kind.split(';').next().unwrap();
    assert!(content.contains_key(kind), "{kind} is not in the document: {who}");
    let Some(name) = content[kind]["schema"]["$ref"].as_str() else { return };
    let schema = &DOCUMENT["components"]["schemas"][name.rsplit('/').next().unwrap()];
    let body: Value = serde_json::from_str(&answer.text).unwrap();
    let fields = body.as_object().unwrap();
    for wanted in schema["required"].as_array().into_iter().flatten() {
        assert!(fields.contains_key(wanted.as_str().unwrap()), "{wanted} is missing: {who}");
    }
    if let Some(known) = schema["properties"].as_object() {
        for field in fields.keys() {
            assert!(known.contains_key(field), "`{field}` is not in the document: {who}");
        }
    }
}

/// `POST` (or another method) with a bearer key; the body is sent as it is.
pub(crate) async fn send(app: &App, method: &str, path: &str, key: &str, body: impl Into<Body>) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/json")
        .body(body.into())
        .unwrap();
    ask(app, request).await
}

/// The customer whom the shop calls so.
pub(crate) async fn customer(app: &App, user_id: &str) -> Option<Customer> {
    let id = app.store.resolve(&[Identity::user_id(user_id)]).await.unwrap()?;
    app.store.customer(id).await.unwrap()
}

/// The names of a customer's events, oldest first, without what Tabi tells itself.
pub(crate) async fn events(app: &App, user_id: &str) -> Vec<words::Event> {
    let Some(customer) = customer(app, user_id).await else { return Vec::new() };
    let all = app.store.events_of(customer.id, 0, 1_000).await.unwrap();
    let own = words::internal::ALL;
    all.into_iter().map(|(_, event)| event).filter(|event| !own.contains(&event.name.as_str())).collect()
}
