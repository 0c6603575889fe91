//! Our own routes: who may use them, what they refuse, what they do once.
#![allow(clippy::unwrap_used, clippy::panic)]

use crate::App;
use crate::routes::{Access, table};
use crate::testing::{Answer, app, ask, customer, key, send, with_key};
use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::json;
use vault::ApiKeyKind;

#[tokio::test]
async fn every_route_with_a_key_refuses_whoever_has_none_or_the_wrong_one() {
    let app = app().await;
    let powerless = key(&app, ApiKeyKind::Server, &[]).await;
    for route in table() {
        let path = route
            .path
            .replace("{id}", "x")
            .replace("{journey}", "x")
            .replace("{catalog}", "x")
            .replace("{name}", "x");
        if !matches!(route.access, Access::Key(_) | Access::WriteKey(_)) {
            continue;
        }
        let request = Request::builder().method(route.method).uri(&path).body(Body::from("{}")).unwrap();
        assert_eq!(ask(&app, request).await.status, StatusCode::UNAUTHORIZED, "{route:?}");
        let answer = send(&app, route.method, &path, &powerless, "{}").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{route:?}");
    }
    for (method, path, status) in [
        ("GET", "/nowhere", StatusCode::NOT_FOUND),
        ("DELETE", "/v1/track", StatusCode::METHOD_NOT_ALLOWED),
        ("POST", "/v1/sources/%FF", StatusCode::BAD_REQUEST),
    ] {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let answer = ask(&app, request).await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.headers["content-type"], "application/problem+json");
    }
}

#[tokio::test]
async fn every_problem_has_its_page() {
    let app = app().await;
    let codes = crate::problem::Code::ALL.iter().map(|code| code.as_str());
    // What the `code` of a refused message says.
    let whys = crate::intake::Why::ALL.iter().map(|why| why.as_str());
    for code in codes.chain(whys) {
        let path = format!("/problems/{code}");
        let request = Request::builder().uri(path).body(Body::empty()).unwrap();
        let answer = ask(&app, request).await;
        assert_eq!(answer.status, StatusCode::OK, "{code}");
        assert!(answer.text.contains(&format!("<code>{code}</code>")), "{}", answer.text);
    }
}

async fn message(app: &App, key: &str, idempotency: Option<&str>, body: &serde_json::Value) -> Answer {
    let mut request = Request::builder()
        .method("POST")
        .uri("/v1/messages")
        .header("authorization", format!("Bearer {key}"));
    if let Some(idempotency) = idempotency {
        request = request.header("idempotency-key", idempotency);
    }
    ask(app, request.body(Body::from(body.to_string())).unwrap()).await
}

#[tokio::test]
async fn a_direct_message_is_planned_once_for_one_key_and_refused_where_it_may_not_be_sent() {
    let (app, key) = with_key().await;
    let body = json!({"userId": "u1", "traits": {"email": "hana@example.jp"}});
    assert_eq!(send(&app, "POST", "/v1/identify", &key, body.to_string()).await.status, StatusCode::OK);
    let good = json!({"message": "sign_in_code", "purpose": "codes", "userId": "u1", "channels": ["email"], "inputs": {}});
    let with = |field: &str, value: serde_json::Value| {
        let mut body = good.clone();
        body[field] = value;
        body
    };
    for (idempotency, body, status, code) in [
        (None, good.clone(), 400, "idempotency_missing"),
        (Some("unquoted"), good.clone(), 400, "idempotency_malformed"),
        (Some("\"k1\""), with("purpose", json!("offers")), 422, "class_not_allowed"),
        (Some("\"k1\""), with("purpose", json!("nothing")), 422, "invalid_value"),
        // Advertising under a purpose that asks nobody.
        (Some("\"k1\""), with("message", json!("welcome")), 422, "class_mismatch"),
        (Some("\"k1\""), with("message", json!("nothing")), 422, "invalid_value"),
        (Some("\"k1\""), with("inputs", json!({"nothing": 1})), 422, "invalid_inputs"),
        (Some("\"k1\""), with("channels", json!(["pigeon"])), 422, "invalid_value"),
        (Some("\"k1\""), with("userId", json!("nobody")), 404, "not_found"),
        (Some("\"k1\""), with("surprise", json!(1)), 400, "invalid_request"),
    ] {
        let answer = message(&app, &key, idempotency, &body).await;
        assert_eq!(answer.status.as_u16(), status, "{body}: {}", answer.text);
        assert!(answer.json()["type"].as_str().unwrap().ends_with(code), "{body}: {}", answer.text);
    }
    // What was refused has not used up its key.
    let first = message(&app, &key, Some("\"k1\""), &good).await;
    assert_eq!(first.status, StatusCode::ACCEPTED, "{}", first.text);
    let again = message(&app, &key, Some("\"k1\""), &good).await;
    assert_eq!((again.status, &again.text), (first.status, &first.text));
    let other = message(&app, &key, Some("\"k1\""), &with("expires_at", json!("2027-01-01T00:00:00Z"))).await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    let id = words::MessageId::parse(first.json()["message"].as_str().unwrap()).unwrap();
    let entry = app.store.log_entry(id).await.unwrap().unwrap();
    assert_eq!(
        (entry.row.origin, entry.row.purpose.as_str(), entry.deliveries.len()),
        (store::Origin::Api, "codes", 1)
    );
}

#[tokio::test]
async fn a_message_that_asks_a_survey_is_not_sent_directly_with_a_link_to_nowhere() {
    let (app, key) = with_key().await;
    let body = json!({"userId": "u1", "traits": {"phone": "+819012345678"}});
    assert_eq!(send(&app, "POST", "/v1/identify", &key, body.to_string()).await.status, StatusCode::OK);
    let body = json!({"message": "how_was_it", "purpose": "codes", "userId": "u1"});
    let answer = message(&app, &key, Some("\"k1\""), &body).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text);
    assert!(answer.json()["type"].as_str().unwrap().ends_with("asks_survey"), "{}", answer.text);
}

#[tokio::test]
async fn consents_need_evidence_to_be_given_and_none_to_be_taken_back() {
    let (app, key) = with_key().await;
    let post =
        async |body: serde_json::Value| send(&app, "POST", "/v1/consents", &key, body.to_string()).await;
    for (wrong, status) in [
        (json!({"userId": "u1", "purpose": "offers", "state": "granted"}), 422),
        (json!({"userId": "u1", "state": "granted", "evidence": {"method": "web_form"}}), 422),
        (json!({"userId": "u1", "purpose": "nothing", "state": "revoked"}), 422),
        (json!({"userId": "u1", "purpose": "offers", "state": "revoked", "at": "2030-01-01T00:00:00Z"}), 422),
        (json!({"purpose": "offers", "state": "revoked"}), 400),
        (json!({"userId": " ", "purpose": "offers", "state": "revoked"}), 400),
        (json!({"userId": "u\u{7}", "purpose": "offers", "state": "revoked"}), 400),
        (json!({"userId": "u1", "purpose": "offers", "state": "maybe"}), 400),
    ] {
        assert_eq!(post(wrong.clone()).await.status, status, "{wrong}");
    }
    for (wrong, code) in [
        (
            json!({"userId": "u1", "purpose": "offers", "channel": "emial", "state": "revoked"}),
            "unknown_channel",
        ),
        (
            json!({"userId": "u1", "purpose": "offers", "state": "granted",
                "evidence": {"method": "web_form", "text": "a", "text_hash": "deadbeef"}}),
            "evidence_mismatch",
        ),
        (
            json!({"userId": "u1", "purpose": "offers", "state": "granted",
                "evidence": {"method": "web_form", "text": "a", "text_hash": "0".repeat(64)}}),
            "evidence_mismatch",
        ),
    ] {
        let answer = post(wrong.clone()).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        assert!(answer.json()["type"].as_str().unwrap().ends_with(code), "{wrong}: {}", answer.text);
        if code == "unknown_channel" {
            assert!(answer.text.contains("email, push, sms, webhook"), "{}", answer.text);
        }
    }
    assert!(customer(&app, "u1").await.is_none());
    let granted = json!({"userId": "u1", "purpose": "offers", "channel": "email", "state": "granted",
        "evidence": {"method": "web_form", "text": "Yes, write to me"}});
    assert_eq!(post(granted).await.status, StatusCode::OK);
    let word = customer(&app, "u1").await.unwrap().consents[0].clone();
    assert_eq!(word.evidence.text_hash.unwrap().len(), 64);
    assert_eq!(post(json!({"userId": "u1", "state": "revoked"})).await.json()["changed"], true);
}

#[tokio::test]
async fn journeys_start_and_catalogues_are_written_with_what_they_declare() {
    let (app, key) = with_key().await;
    for (journey, body, status) in [
        ("login", json!({"userId": "u1", "inputs": {"code": "123456"}}), 202),
        ("login", json!({"userId": "u1", "inputs": {}}), 422),
        ("login", json!({"userId": "u1", "inputs": {"code": "1", "more": 1}}), 422),
        ("win_back", json!({"userId": "u1"}), 422),
        ("nothing", json!({"userId": "u1"}), 404),
    ] {
        let answer =
            send(&app, "POST", &format!("/v1/journeys/{journey}/start"), &key, body.to_string()).await;
        assert_eq!(answer.status.as_u16(), status, "{journey} {body}: {}", answer.text);
    }
    for (body, status, changed) in [
        (json!({"items": [{"id": "p1", "price": "3.50 USD"}, {"id": "p2", "price": 4}]}), 200, 2),
        (json!({"items": [{"id": "p1", "price": "3.50 USD"}]}), 200, 0),
        (json!({"items": [{"id": "p1", "price": "cheap"}]}), 422, 0),
        (json!({"items": [{"price": 1}]}), 422, 0),
    ] {
        let answer = send(&app, "PUT", "/v1/catalogs/products/items", &key, body.to_string()).await;
        assert_eq!(answer.status.as_u16(), status, "{body}: {}", answer.text);
        if status == 200 {
            assert_eq!(answer.json()["changed"], changed, "{body}");
        }
    }
}

#[tokio::test]
async fn whoever_is_erased_is_gone() {
    let (app, key) = with_key().await;
    let body = json!({"userId": "u1", "traits": {"email": "hana@example.jp"}});
    send(&app, "POST", "/v1/identify", &key, body.to_string()).await;
    let shown = send(&app, "GET", "/v1/customers/email:hana@example.jp", &key, Body::empty()).await;
    assert_eq!(shown.json()["userId"], "u1");
    let read = app.store.reads(&store::ReadFilter::default(), None, 10).await.unwrap().rows;
    assert_eq!((read.len(), read[0].reader.as_str()), (1, "key test"), "who asked is written down");
    let erased =
        send(&app, "DELETE", "/v1/customers/u1?reason=request%20of%20today", &key, Body::empty()).await;
    assert_eq!(erased.status, StatusCode::OK);
    let id = words::CustomerId::parse(erased.json()["customer"].as_str().unwrap()).unwrap();
    let act = app.store.erasure(id).await.unwrap().unwrap();
    assert_eq!((act.by.as_str(), act.reason.as_str()), ("key test", "request of today"));
    let gone = send(&app, "GET", "/v1/customers/u1", &key, Body::empty()).await.status;
    assert!(gone == StatusCode::NOT_FOUND || gone == StatusCode::GONE);
}

#[tokio::test]
async fn an_import_says_how_far_it_is_also_to_whoever_does_not_wait_for_it() {
    let (app, key) = with_key().await;
    let rows: String = (0..2_500).map(|n| format!("u{n},u{n}@example.jp\n")).collect();
    let file = format!("user_id,email\n{rows}nobody,no address\n");
    let path = "/v1/imports?kind=customers&format=csv&name=people.csv&wait=false";
    let begun = send(&app, "POST", path, &key, file.clone()).await;
    assert_eq!(begun.status, StatusCode::ACCEPTED, "{}", begun.text);
    let status = begun.json()["status"].as_str().unwrap().to_owned();
    let mut seen = Vec::new();
    let ended = loop {
        let answer = send(&app, "GET", &status, &key, "").await.json();
        seen.push(answer["rows"].as_u64().unwrap());
        if answer["state"] != "running" {
            break answer;
        }
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    };
    assert!(seen.is_sorted(), "{seen:?}");
    assert_eq!((ended["state"].as_str(), ended["rows"].as_u64()), (Some("done"), Some(2_501)));
    assert_eq!((ended["taken"].as_u64(), ended["rejected"].as_u64()), (Some(2_500), Some(1)));
    let again = send(&app, "POST", &path.replace("false", "true"), &key, file.clone()).await;
    assert_eq!((again.status, again.json()["rows"].as_u64()), (StatusCode::OK, Some(2_501)));
    let all = send(&app, "GET", "/v1/imports", &key, "").await.json();
    assert_eq!(all["imports"].as_array().unwrap().len(), 2);
    assert_eq!(all["imports"][0]["import"], again.json()["import"], "the newest first");
    // Refused at its header: told at once, or by its status.
    send(&app, "POST", path, &key, "a,b\n1,2\n").await;
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    let failed = send(&app, "GET", "/v1/imports", &key, "").await.json()["imports"][0].clone();
    assert_eq!((failed["state"].as_str(), failed["reason"].is_string()), (Some("failed"), true), "{failed}");
    assert_eq!(send(&app, "GET", "/v1/imports/imp_0", &key, "").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn requests_are_counted_by_route_and_never_by_address() {
    let app = app().await;
    let reader = key(&app, ApiKeyKind::Server, &["metrics"]).await;
    let request = Request::builder().uri("/problems/unauthorized").body(Body::empty()).unwrap();
    assert_eq!(ask(&app, request).await.status, StatusCode::OK);
    assert_eq!(send(&app, "GET", "/v1/rejected", &reader, "").await.status, StatusCode::FORBIDDEN);
    let answer = send(&app, "GET", "/metrics", &reader, "").await;
    assert_eq!(answer.status, StatusCode::OK);
    for line in [
        r#"tabi_http_requests_total{method="GET",route="/problems/{code}",status="200"} 1"#,
        r#"tabi_http_requests_total{method="GET",route="/v1/rejected",status="403"} 1"#,
        r#"tabi_http_request_seconds_count{method="GET",route="/problems/{code}"} 1"#,
    ] {
        assert!(answer.text.lines().any(|found| found == line), "{line}\n{}", answer.text);
    }
    assert!(answer.text.ends_with("# EOF\n"), "{}", answer.text);
}
