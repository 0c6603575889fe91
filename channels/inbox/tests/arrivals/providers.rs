//! The provider endpoints, by the providers' documentation.

use crate::fresh;
use axum::{
    body::{Body, to_bytes},
    http::Request,
};
use base64::{Engine, engine::general_purpose};
use inbox::Inbox;
use serde_json::{Value, json};
use tower::ServiceExt;

async fn ask(inbox: &Inbox, request: Request<Body>) -> (u16, Value) {
    let response = inbox.router().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

fn sms(account: &str, login: &str, form: &str) -> Request<Body> {
    Request::post(format!("/2010-04-01/Accounts/{account}/Messages.json"))
        .header("authorization", format!("Basic {}", general_purpose::STANDARD.encode(login)))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(form.to_owned()))
        .unwrap()
}

#[tokio::test]
async fn a_text_message_is_queued_and_can_be_read() {
    let (_folder, inbox) = fresh().await;
    let form = "To=%2B819012345678&From=TABI&Body=%E3%81%94%E6%B3%A8%E6%96%87+ok";
    let (status, answer) = ask(&inbox, sms("AC1", "AC1:secret", form)).await;
    assert_eq!((status, answer["status"].as_str()), (201, Some("queued")), "{answer}");
    assert_eq!(answer["num_segments"], "1");
    let sid = answer["sid"].as_str().unwrap();
    assert!(sid.starts_with("SM") && sid.len() == 34);
    let item = inbox.get(1).await.unwrap().unwrap();
    assert_eq!((item.to.as_str(), item.from.as_str()), ("+819012345678", "TABI"));
    assert_eq!((item.text.as_deref(), item.provider_id.as_str()), (Some("ご注文 ok"), sid));
}

#[tokio::test]
async fn wrong_text_messages_get_the_documented_codes() {
    let (_folder, inbox) = fresh().await;
    let long = format!("To=%2B819012345678&From=%2B15005550006&Body={}", "x".repeat(1601));
    for (form, code) in [
        ("From=%2B15005550006&Body=x", 21604),
        ("To=%2B819012345678&From=%2B15005550006", 21602),
        ("To=%2B819012345678&Body=x", 21603),
        ("To=09012345678&From=%2B15005550006&Body=x", 21211),
        ("To=%2B15005550001&From=%2B15005550006&Body=x", 21211),
        ("To=%2B15005550004&From=%2B15005550006&Body=x", 21610),
        ("To=%2B15005550009&From=%2B15005550006&Body=x", 21614),
        ("To=%2B819012345678&From=%2B15005550001&Body=x", 21212),
        ("To=%2B819012345678&From=%2B15005550008&Body=x", 21611),
        ("To=%2B819012345678&From=%2B819012345678&Body=x", 21266),
        ("To=%2B819012345678&From=%2B15005550006&Body=x&StatusCallback=ftp%3A%2F%2Fx", 21609),
        (long.as_str(), 21617),
    ] {
        let (status, answer) = ask(&inbox, sms("AC1", "AC1:secret", form)).await;
        assert_eq!((status, answer["code"].as_u64()), (400, Some(code)), "{form}: {answer}");
    }
    let (status, answer) = ask(&inbox, sms("AC1", "AC2:secret", "To=%2B819012345678&From=TABI&Body=x")).await;
    assert_eq!((status, answer["code"].as_u64()), (401, Some(20003)));
    assert_eq!(inbox.count(&inbox::Filter::default()).await.unwrap(), 0);
}

/// An assertion with claims that hold, but for `change`.
fn assertion(change: impl FnOnce(&mut Value)) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let mut claims = json!({
        "iss": "tabi@project.iam.gserviceaccount.com",
        "scope": "https://www.googleapis.com/auth/firebase.messaging",
        "aud": "http://127.0.0.1/token",
        "iat": now,
        "exp": now + 3600,
    });
    change(&mut claims);
    let encode = |bytes: &[u8]| general_purpose::URL_SAFE_NO_PAD.encode(bytes);
    let header = encode(br#"{"alg":"RS256","typ":"JWT"}"#);
    format!("{header}.{}.{}", encode(claims.to_string().as_bytes()), encode(&[1; 256]))
}

fn grant(assertion: &str) -> Request<Body> {
    let form =
        format!("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion={assertion}");
    Request::post("/token")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(form))
        .unwrap()
}

fn push(token: &str, body: &Value) -> Request<Body> {
    Request::post("/v1/projects/shop/messages:send")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()))
        .unwrap()
}

#[tokio::test]
async fn a_notification_needs_a_token_that_was_given_out() {
    let (_folder, inbox) = fresh().await;
    let (status, answer) = ask(&inbox, grant(&assertion(|_| {}))).await;
    assert_eq!((status, answer["token_type"].as_str()), (200, Some("Bearer")), "{answer}");
    let token = answer["access_token"].as_str().unwrap();
    let body = json!({"message": {"token": "device", "notification": {"title": "発送", "body": "しました"}, "data": {"order": "7"}}});

    let (status, answer) = ask(&inbox, push("made-up", &body)).await;
    assert_eq!((status, answer["error"]["status"].as_str()), (401, Some("UNAUTHENTICATED")));
    let (status, answer) = ask(&inbox, push(token, &body)).await;
    assert_eq!((status, answer["name"].as_str()), (200, Some("projects/shop/messages/0:1")), "{answer}");
    let item = inbox.get(1).await.unwrap().unwrap();
    assert_eq!((item.subject.as_deref(), item.text.as_deref()), (Some("発送"), Some("しました")));
    assert!(item.headers.contains(&("data.order".to_owned(), "7".to_owned())));

    for (message, status, code) in [
        (json!({"token": "unregistered-1"}), 404, "UNREGISTERED"),
        (json!({"token": "quota-1"}), 429, "QUOTA_EXCEEDED"),
        (json!({"token": "mismatch-1"}), 403, "SENDER_ID_MISMATCH"),
        (json!({"token": "a", "topic": "b"}), 400, "INVALID_ARGUMENT"),
        (json!({"notification": {"title": "x"}}), 400, "INVALID_ARGUMENT"),
        (json!({"token": "a", "data": {"n": 1}}), 400, "INVALID_ARGUMENT"),
        (json!({"token": "a", "data": {"from": "x"}}), 400, "INVALID_ARGUMENT"),
        (json!({"token": "a", "titel": "x"}), 400, "INVALID_ARGUMENT"),
        (json!({"token": "a", "notification": {"body": "x".repeat(4096)}}), 400, "INVALID_ARGUMENT"),
    ] {
        let (got, answer) = ask(&inbox, push(token, &json!({"message": message}))).await;
        assert_eq!(
            (got, answer["error"]["details"][0]["errorCode"].as_str()),
            (status, Some(code)),
            "{answer}"
        );
    }
    let (status, answer) =
        ask(&inbox, push(token, &json!({"message": {"token": "a"}, "validate_only": true}))).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(inbox.count(&inbox::Filter::default()).await.unwrap(), 1);
}

#[tokio::test]
async fn assertions_that_do_not_hold_get_no_token() {
    let (_folder, inbox) = fresh().await;
    for assertion in [
        assertion(|claims| claims["exp"] = json!(1)),
        assertion(|claims| claims["exp"] = json!(claims["iat"].as_u64().unwrap() + 7200)),
        assertion(|claims| claims["aud"] = json!("https://elsewhere.example")),
        assertion(|claims| claims["scope"] = json!("profile")),
        assertion(|claims| claims["iss"] = json!("nobody")),
        "not.a-jwt".to_owned(),
    ] {
        let (status, answer) = ask(&inbox, grant(&assertion)).await;
        assert_eq!(status, 400, "{answer}");
        assert!(answer["error"].is_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_callback_on_this_machine_is_called_and_signed() {
    let (_folder, inbox) = fresh().await;
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let router = axum::Router::new().route(
        "/receipts",
        axum::routing::post(
            async move |headers: axum::http::HeaderMap,
                        axum::Form(form): axum::Form<Vec<(String, String)>>| {
                let signature = headers["x-twilio-signature"].to_str().unwrap().to_owned();
                tell.send((signature, form)).unwrap();
            },
        ),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/receipts?delivery=7", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });

    let encoded: String = url.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let form = format!("To=%2B819012345678&From=TABI&Body=x&StatusCallback={encoded}");
    let (status, answer) = ask(&inbox, sms("AC1", "AC1:secret", &form)).await;
    assert_eq!(status, 201, "{answer}");
    for expected in ["sent", "delivered"] {
        let (signature, form) = told.recv().await.unwrap();
        assert!(sms::verify_signature("secret", &url, &form, &signature));
        let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        assert_eq!((field("MessageStatus"), field("MessageSid")), (Some(expected), answer["sid"].as_str()));
    }
}
