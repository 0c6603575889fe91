//! Who may do what, and whose form it is.

use super::story::{Stage, at};
use crate::console::{Needs, PAGES, Right, Role, guard};
use axum::body::Body;
use http::{Method, Request, StatusCode};

/// A path with its parameters filled in.
fn filled(path: &str, stage: &Stage) -> String {
    let id = if path.contains("customers") {
        stage.customer.to_string()
    } else if path.contains("messages") {
        stage.sent.to_string()
    } else {
        "1".to_owned()
    };
    path.replace("{id}", &id)
        .replace("{name}", "thank_you")
        .replace("{key}", "none")
        .replace("{part}", "html")
        .replace("{*rest}", "nothing/here")
}

#[tokio::test]
async fn every_page_is_open_to_exactly_the_roles_that_the_table_names() {
    let stage = Stage::with("Ann").await;
    for role in Role::ALL {
        let (cookie, csrf) = stage.visitor(role).await;
        for page in PAGES.iter().filter(|page| page.path != "/console/sign-out") {
            let path = filled(page.path, &stage);
            let answer = if page.method == Method::POST {
                stage.post(&path, &cookie, &[("csrf", &csrf)]).await
            } else {
                stage.get(&path, &cookie).await
            };
            let refused = answer.status == StatusCode::FORBIDDEN;
            assert_eq!(
                refused,
                !guard::allowed(page, role),
                "{} {path} as {} gave {}: {}",
                page.method,
                role.as_str(),
                answer.status,
                answer.body
            );
            assert!(!answer.status.is_server_error(), "{} {path}: {}", page.method, answer.body);
        }
    }
}

#[tokio::test]
async fn who_has_not_signed_in_sees_nothing_and_changes_nothing() {
    let stage = Stage::with("Ann").await;
    for page in PAGES.iter().filter(|page| page.needs != Needs::Nobody) {
        let path = filled(page.path, &stage);
        let answer = if page.method == Method::POST {
            stage.post(&path, "", &[("csrf", "x")]).await
        } else {
            stage.get(&path, "").await
        };
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}");
        assert!(answer.location.starts_with("/console/sign-in"), "{path}");
        assert!(!answer.body.contains("Ann"), "{path}");
    }
}

#[test]
fn a_reviewer_reads_and_exports_and_changes_nothing() {
    for page in PAGES.iter().filter(|page| page.method == Method::POST) {
        let Needs::Right(right) = page.needs else { continue };
        let harmless = matches!(right, Right::Own | Right::Content | Right::Export);
        assert_eq!(Role::Reviewer.may(right), harmless, "{}", page.path);
    }
    assert!(
        [Right::Look, Right::People, Right::Content, Right::Export, Right::Reads]
            .into_iter()
            .all(|r| Role::Reviewer.may(r))
    );
}

#[test]
fn whatever_changes_something_is_asked_for_by_post() {
    for page in PAGES.iter().filter(|page| page.method == Method::GET) {
        if let Needs::Right(right) = page.needs {
            let reads = [Right::Look, Right::People, Right::Content, Right::Export, Right::Reads];
            assert!(reads.contains(&right), "GET {} needs {right:?}", page.path);
        }
    }
}

#[tokio::test]
async fn a_form_of_somebody_else_is_refused() {
    let stage = Stage::with("Ann").await;
    let (cookie, csrf) = stage.visitor(Role::Admin).await;
    let (_, others) = stage.visitor(Role::Admin).await;
    let fields = |token: &'static str| [("csrf", token), ("name", "k"), ("kind", "server")];
    for token in ["", "x"] {
        let answer = stage.post("/console/settings/keys", &cookie, &fields(token)).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    let answer = stage
        .post("/console/settings/keys", &cookie, &[("csrf", &others), ("name", "k"), ("kind", "server")])
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "the token of another session");
    let right = format!("csrf={csrf}&name=k&kind=server");
    for (header, value) in
        [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")]
    {
        let request = Request::post("/console/settings/keys")
            .header("host", "localhost")
            .header("cookie", &cookie)
            .header(header, value)
            .body(Body::from(right.clone()))
            .unwrap();
        assert_eq!(stage.ask(request).await.status, StatusCode::FORBIDDEN, "{header}: {value}");
    }
    assert_eq!(stage.app.store.api_keys().await.unwrap().len(), 1, "nothing was made");
    let answer = stage
        .post("/console/settings/keys", &cookie, &[("csrf", &csrf), ("name", "k"), ("kind", "server")])
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.body.contains("tabi_sk_"), "the secret is shown, once");
    assert!(!stage.get("/console/settings", &cookie).await.body.contains("tabi_sk_"));
}

#[tokio::test]
async fn the_first_operator_is_made_once_and_signs_in_and_out() {
    let store = store::Store::memory(vault::Vault::ephemeral(2)).await.unwrap();
    let ids = std::sync::Arc::new(words::IdSource::seeded(1));
    let clock = std::sync::Arc::new(store::VirtualClock::at(at(0)));
    let app = crate::App::new(store, clock, ids, crate::Current::default(), "http://localhost");
    let link = super::super::setup_link(&app, "http://localhost").await.unwrap().unwrap();
    let path = link.strip_prefix("http://localhost").unwrap();
    let zero = Stage {
        router: crate::console::router(app.clone()),
        app: app.clone(),
        customer: words::CustomerId([0; 16]),
        sent: words::MessageId([0; 16]),
        delivery: words::DeliveryId([0; 16]),
        held_back: words::MessageId([0; 16]),
    };
    let form = zero.get(path, "").await;
    assert_eq!(form.status, StatusCode::OK, "{}", form.body);
    let cookie = form
        .cookies
        .iter()
        .find(|c| c.starts_with("tabi_form="))
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let csrf =
        form.body.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let token = path.split("token=").nth(1).unwrap();
    let short = [("csrf", csrf.as_str()), ("token", token), ("name", "mika"), ("password", "short")];
    assert_eq!(zero.post("/console/setup", &cookie, &short).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let good =
        [("csrf", csrf.as_str()), ("token", token), ("name", "mika"), ("password", "four plain old words")];
    let made = zero.post("/console/setup", &cookie, &good).await;
    assert_eq!((made.status, made.location.as_str()), (StatusCode::SEE_OTHER, "/console?note=note-welcome"));
    let session = made.cookies.iter().find(|c| c.starts_with("tabi_session=")).unwrap();
    assert!(session.contains("HttpOnly") && session.contains("SameSite=Lax"), "{session}");
    assert_ne!(
        zero.post("/console/setup", &cookie, &good).await.status,
        StatusCode::SEE_OTHER,
        "the link works once"
    );
    assert_eq!(super::super::setup_link(&app, "http://localhost").await.unwrap(), None);
    let session = session.split(';').next().unwrap();
    assert_eq!(zero.get("/console", session).await.status, StatusCode::OK);
    for password in ["wrong", "wrong", "wrong", "wrong", "wrong", "four plain old words"] {
        let fields = [("csrf", csrf.as_str()), ("name", "mika"), ("password", password)];
        let answer = zero.post("/console/sign-in", &cookie, &fields).await;
        let locked = password != "wrong";
        let expected = if locked { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::FORBIDDEN };
        assert_eq!(answer.status, expected, "{password}: {}", answer.body);
    }
    // Whoever knows the name has shut out nobody but themselves.
    let elsewhere = Request::post("/console/sign-in")
        .header("host", "localhost")
        .header("x-forwarded-for", "192.0.2.7")
        .header("cookie", &cookie)
        .body(Body::from(format!("csrf={csrf}&name=mika&password=four+plain+old+words")))
        .unwrap();
    assert_eq!(zero.ask(elsewhere).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn behind_tls_cookies_are_bound_to_it_and_on_this_machine_signing_in_works_without() {
    let stage = Stage::with("Ann").await;
    let operator = store::Operator {
        name: "mika".into(),
        role: "admin".into(),
        password: vault::hash_password(&vault::Secret::new("four plain old words".to_owned())).unwrap(),
        created_at: at(0),
        disabled_at: None,
    };
    stage.app.store.put_operator(operator, "test", at(0)).await.unwrap();
    let app = crate::App { base_url: "https://tabi.example".into(), ..stage.app.clone() };
    let stage = Stage { router: crate::console::router(app.clone()), app, ..stage };
    for (scheme, host, name, secure) in [
        ("https", "tabi.example", "__Host-tabi_session=", true),
        ("http", "127.0.0.1:8080", "tabi_session_8080=", false),
        ("http", "localhost:8091", "tabi_session_8091=", false),
    ] {
        let form = Request::get("/console/sign-in").header("host", host).body(Body::empty()).unwrap();
        let form = stage.ask(form).await;
        assert!(!form.body.contains("https://tabi.example/console"), "nothing is wrong with {host}");
        let csrf = form.body.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let cookie = form.cookies.iter().find(|c| c.starts_with("tabi_form=")).unwrap();
        assert_eq!(cookie.contains("Secure"), secure, "{host}: {cookie}");
        let request = Request::post("/console/sign-in")
            .header("host", host)
            .header("origin", format!("{scheme}://{host}"))
            .header("cookie", cookie.split(';').next().unwrap())
            .body(Body::from(format!("csrf={csrf}&name=mika&password=four+plain+old+words")))
            .unwrap();
        let answer = stage.ask(request).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{host}: {}", answer.body);
        let session = answer.cookies.iter().find(|c| c.starts_with(name)).unwrap();
        assert_eq!(session.contains("; Secure"), secure, "{host}: {session}");
        let page = Request::get("/console")
            .header("host", host)
            .header("cookie", session.split(';').next().unwrap())
            .body(Body::empty())
            .unwrap();
        assert_eq!(stage.ask(page).await.status, StatusCode::OK, "{host}");
    }
    // Anywhere else a browser would keep no session: the form says so, and where to go.
    let form = Request::get("/console/sign-in").header("host", "10.0.0.5:8080").body(Body::empty()).unwrap();
    assert!(stage.ask(form).await.body.contains("https://tabi.example/console"));
}

#[tokio::test]
async fn the_demo_lets_in_whoever_comes_from_this_machine_and_nobody_else() {
    let stage = Stage::with("Ann").await;
    let settings = crate::Settings { demo: true, ..crate::Settings::default() };
    let app = stage.app.clone().with_settings(settings);
    let stage = Stage { router: crate::console::router(app.clone()), app, ..stage };
    for (host, status) in [
        ("localhost:8080", StatusCode::OK),
        ("127.0.0.1:8080", StatusCode::OK),
        ("[::1]:8080", StatusCode::OK),
        ("evil.example", StatusCode::SEE_OTHER),
        ("localhost.evil.example", StatusCode::SEE_OTHER),
    ] {
        let request = Request::get("/console").header("host", host).body(Body::empty()).unwrap();
        assert_eq!(stage.ask(request).await.status, status, "{host}");
    }
}
