//! What the links of messages do, and what they never do.
#![allow(clippy::unwrap_used, clippy::panic)]

use crate::App;
use crate::testing::{Answer, ask, customer, events, now, send, with_key};
use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::json;
use store::{MessageOutcome, NewDelivery, NewMessage, Origin};
use words::{Channel, ConsentState, CustomerId, DeliveryClass, DeliveryId, MessageClass, MessageId};

const MESSAGE: MessageId = MessageId([9; 16]);

/// A customer who was sent an offer by mail.
async fn written_to() -> (App, CustomerId) {
    let (app, key) = with_key().await;
    let body = json!({"userId": "u1", "traits": {"email": "hana@example.jp", "locale": "ja"}});
    assert_eq!(send(&app, "POST", "/v1/identify", &key, body.to_string()).await.status, StatusCode::OK);
    for purpose in ["offers", "news"] {
        let body = json!({"userId": "u1", "purpose": purpose, "state": "granted", "evidence": {"method": "web_form"}});
        assert_eq!(send(&app, "POST", "/v1/consents", &key, body.to_string()).await.status, StatusCode::OK);
    }
    let id = customer(&app, "u1").await.unwrap().id;
    let message = NewMessage {
        id: MESSAGE,
        origin: Origin::Journey,
        enrollment: None,
        journey: "win_back".to_owned(),
        step: "send:whats_new".to_owned(),
        visit: 1,
        name: "whats_new".to_owned(),
        purpose: "offers".to_owned(),
        class: MessageClass::Marketing,
        priority: 0,
        program: None,
        release: None,
        cause_seq: 0,
        planned_at: now(),
        expires_at: None,
        outcome: MessageOutcome::Planned,
        why: "{}".to_owned(),
        inputs: Default::default(),
        deliveries: vec![NewDelivery {
            id: DeliveryId::derive(MESSAGE, 1, "email", 0),
            ordinal: 1,
            channel: Channel::EMAIL,
            address: "hana@example.jp".to_owned(),
            due_at: now(),
            class: DeliveryClass::NeverTwice,
        }],
    };
    app.store.plan_messages(id, vec![message], Vec::new(), now()).await.unwrap();
    (app, id)
}

fn token(app: &App, purpose: &str, id: CustomerId, more: &str) -> String {
    let mut payload = id.0.to_vec();
    payload.extend(MESSAGE.0);
    payload.extend(more.as_bytes());
    app.store.vault().sign_link(purpose, &payload)
}

async fn request(app: &App, method: &str, path: &str, kind: &str, body: &'static str) -> Answer {
    let request = Request::builder().method(method).uri(path).header("content-type", kind);
    ask(app, request.body(Body::from(body)).unwrap()).await
}

/// The newest word on offers by mail.
async fn offers(app: &App) -> ConsentState {
    customer(app, "u1").await.unwrap().consent("offers", &Channel::EMAIL).unwrap().state
}

const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn looking_changes_nothing_and_one_click_ends_it_however_the_mail_program_writes_it() {
    for (kind, body, method) in [
        (FORM, "List-Unsubscribe=One-Click", "one_click"),
        (
            "multipart/form-data; boundary=x",
            "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n",
            "one_click",
        ),
        (FORM, "", "one_click"),
        (FORM, "via=page", "page"),
    ] {
        let (app, id) = written_to().await;
        let path = format!("/u/{}", token(&app, "unsubscribe", id, ""));
        for look in ["GET", "HEAD"] {
            let page = request(&app, look, &path, FORM, "").await;
            assert_eq!(page.status, StatusCode::OK);
            let policy = page.headers["content-security-policy"].to_str().unwrap();
            assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
            assert_eq!(offers(&app).await, ConsentState::Granted);
        }
        for _ in 0..2 {
            let done = request(&app, "POST", &path, kind, body).await;
            assert_eq!(done.status, StatusCode::OK, "no redirect");
            assert!(!done.headers.contains_key("set-cookie"));
            assert!(
                done.text.contains("lang=\"ja\"") && done.text.contains("配信を停止しました"),
                "{}",
                done.text
            );
            assert_eq!(offers(&app).await, ConsentState::Revoked);
        }
        let customer = customer(&app, "u1").await.unwrap();
        let word = customer.consent("offers", &Channel::EMAIL).unwrap();
        assert_eq!((word.evidence.method.as_str(), word.at), (method, now()));
        assert_eq!(customer.consent("news", &Channel::EMAIL).unwrap().state, ConsentState::Granted);
        let told: Vec<String> = events(&app, "u1").await.into_iter().map(|e| e.name).collect();
        assert_eq!(told, ["message_unsubscribed"], "journeys hear of it once");
    }
}

#[tokio::test]
async fn a_link_that_was_changed_or_made_for_another_page_is_nothing() {
    let (app, id) = written_to().await;
    let good = token(&app, "unsubscribe", id, "");
    let cut = &good[..good.len() - 2];
    let swapped = token(&app, "preferences", id, "");
    for token in [cut, swapped.as_str(), "x", "v1.a.b.c", "%00", "%F0%9F%98%80"] {
        for page in ["u", "v", "s"] {
            for method in ["GET", "POST"] {
                if (page, method) == ("v", "POST") {
                    continue;
                }
                let answer = request(&app, method, &format!("/{page}/{token}"), FORM, "a=9").await;
                assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} /{page}/{token}");
            }
        }
    }
    assert_eq!(offers(&app).await, ConsentState::Granted);
}

#[tokio::test]
async fn preferences_change_what_was_shown_and_nothing_else() {
    let (app, id) = written_to().await;
    let path = format!("/p/{}", token(&app, "preferences", id, ""));
    let page = request(&app, "GET", &path, FORM, "").await;
    assert!(page.text.contains("name=\"offers/email\" value=\"on\" checked"), "{}", page.text);
    assert!(!page.text.contains("codes/"), "what one cannot choose is not shown");
    request(&app, "POST", &path, FORM, "do=save&shown:offers/email=1").await;
    assert_eq!(offers(&app).await, ConsentState::Revoked);
    let all = customer(&app, "u1").await.unwrap();
    assert_eq!(all.consent("news", &Channel::EMAIL).unwrap().state, ConsentState::Granted);
    request(&app, "POST", &path, FORM, "offers/email=on").await;
    assert_eq!(offers(&app).await, ConsentState::Revoked, "a form that saves nothing says nothing");
    request(&app, "POST", &path, FORM, "do=stop_all").await;
    let all = customer(&app, "u1").await.unwrap();
    assert_eq!(all.consent("news", &Channel::EMAIL).unwrap().state, ConsentState::Revoked);
}

#[tokio::test]
async fn a_survey_is_answered_by_post_once_and_only_with_what_it_asks_for() {
    let (app, id) = written_to().await;
    let path = format!("/s/{}?a=9", token(&app, "survey", id, "nps"));
    let page = request(&app, "GET", &path, FORM, "").await;
    assert!(page.text.contains("value=\"9\" required checked"), "{}", page.text);
    assert_eq!(events(&app, "u1").await, []);
    for wrong in ["", "a=11", "a=x", "a=%00", "b=9"] {
        let answer = request(&app, "POST", &path, FORM, wrong).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
    for answer in ["a=9&comment=%3Cb%3E", "a=1"] {
        assert_eq!(request(&app, "POST", &path, FORM, answer).await.status, StatusCode::OK);
    }
    let told = events(&app, "u1").await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].properties["score"], words::Value::Int(9));
    assert_eq!(told[0].properties["survey"], words::Value::Text("nps".to_owned()));
}
