//! What the links of messages do, and what they never do.
#![allow(clippy::unwrap_used, clippy::panic)]

use crate::App;
use crate::testing::{Answer, ask, customer, events, now, send, with_key};
use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::json;
use store::{MessageOutcome, NewDelivery, NewMessage, Origin};
use words::{
    Channel, ConsentState, CustomerId, DeliveryClass, DeliveryId, MessageClass, MessageId, TrackedLink,
};

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
            id: delivery(),
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

fn delivery() -> DeliveryId {
    DeliveryId::derive(MESSAGE, 1, "email", 0)
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
    let again = request(&app, "GET", &path, FORM, "").await;
    assert!(!again.text.contains("<form"), "{}", again.text);
    assert!(again.text.contains("<strong>9</strong>") && again.text.contains("&lt;b&gt;"), "{}", again.text);
}

const SHOP: &str = "https://shop.example/songs?tag=9#top";

fn click(app: &App, number: u16, url: &str) -> String {
    let link = TrackedLink { message: MESSAGE, delivery: delivery(), number, url: url.to_owned() };
    format!("/c/{}", app.store.vault().sign_link("click", &link.to_bytes()))
}

async fn follow(app: &App, method: &str, path: &str, agent: &str) -> Answer {
    let request = Request::builder().method(method).uri(path).header("user-agent", agent);
    ask(app, request.body(Body::empty()).unwrap()).await
}

/// What is written beside the delivery: kind and detail.
async fn receipts(app: &App) -> Vec<(String, String)> {
    let entry = app.store.log_entry(MESSAGE).await.unwrap().unwrap();
    entry.deliveries[0].receipts.iter().map(|r| (r.kind.clone(), r.detail.clone())).collect()
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(kind, detail)| ((*kind).to_owned(), (*detail).to_owned())).collect()
}

const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

#[tokio::test]
async fn a_link_leads_to_where_it_was_written_to_and_counts_once() {
    let (app, _) = written_to().await;
    let (first, second) = (click(&app, 1, SHOP), click(&app, 2, "https://shop.example/ja/%E9%9F%B3"));
    for (path, url) in [(&first, SHOP), (&first, SHOP), (&second, "https://shop.example/ja/%E9%9F%B3")] {
        for (method, agent) in [("GET", BROWSER), ("HEAD", BROWSER), ("GET", "Googlebot/2.1")] {
            let answer = follow(&app, method, path, agent).await;
            assert_eq!(answer.status, StatusCode::FOUND, "{method} {agent}");
            assert_eq!(answer.headers["location"], url);
            assert_eq!(answer.headers["referrer-policy"], "no-referrer");
            assert_eq!(answer.headers["cache-control"], "no-store");
            assert!(!answer.headers.contains_key("set-cookie"));
        }
    }
    let expected = [("clicked", "link 1 shop.example"), ("clicked", "link 2 shop.example")];
    assert_eq!(receipts(&app).await, pairs(&expected));
}

#[tokio::test]
async fn what_a_machine_follows_is_told_apart_and_does_not_stand_in_the_way_of_a_person() {
    let (app, _) = written_to().await;
    let path = click(&app, 1, SHOP);
    for (method, agent) in [("HEAD", BROWSER), ("GET", "Mozilla/5.0 (compatible; bingbot/2.0)"), ("GET", "")]
    {
        assert_eq!(follow(&app, method, &path, agent).await.headers["location"], SHOP);
    }
    assert_eq!(receipts(&app).await, pairs(&[("scanned", "link 1 shop.example")]));
    follow(&app, "GET", &path, BROWSER).await;
    let expected = [("scanned", "link 1 shop.example"), ("clicked", "link 1 shop.example")];
    assert_eq!(receipts(&app).await, pairs(&expected));
}

#[tokio::test]
async fn nobody_makes_a_link_lead_elsewhere() {
    let (app, id) = written_to().await;
    let good = click(&app, 1, SHOP);
    let mut wrong: Vec<String> = (4..good.len())
        .map(|at| {
            let mut changed = good.clone();
            let other = if &good[at..=at] == "A" { "B" } else { "A" };
            changed.replace_range(at..=at, other);
            changed
        })
        // The last character of a group of base 64 has bits that nobody reads; such a token is no token.
        .collect();
    wrong.push(format!("{good}A"));
    wrong.push(format!("/c/{}", token(&app, "unsubscribe", id, SHOP)));
    wrong.push(format!("/c/{}", token(&app, "click", id, "")));
    for evil in
        ["//evil.example", "javascript:alert(1)", "https://shop.example@evil.example/", "https://a\\b/", "x"]
    {
        wrong.push(click(&app, 1, evil));
    }
    for path in wrong.into_iter().filter(|path| *path != good) {
        let answer = follow(&app, "GET", &path, BROWSER).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(!answer.headers.contains_key("location"), "{path}");
        assert!(answer.text.contains("This link does not work"), "{}", answer.text);
    }
    assert_eq!(receipts(&app).await, []);
}

#[tokio::test]
async fn a_link_of_somebody_who_was_erased_still_leads_on() {
    let (app, id) = written_to().await;
    let path = click(&app, 1, SHOP);
    app.store.erase(id, now(), Vec::new()).await.unwrap();
    assert_eq!(follow(&app, "GET", &path, BROWSER).await.headers["location"], SHOP);
}
