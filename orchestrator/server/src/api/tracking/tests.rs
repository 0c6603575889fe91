//! Messages of the tracking API, one after another, and what is known afterwards.
#![allow(clippy::unwrap_used, clippy::panic)]

use crate::testing::{app, ask, customer, events, key, now, send, with_key};
use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use std::io::Write;
use vault::ApiKeyKind;
use words::{Channel, ConsentState, Currency, Money, Timestamp};

#[tokio::test]
async fn a_sign_up_and_an_order_are_stored_typed_and_under_their_own_names() {
    let (app, key) = with_key().await;
    let batch = json!({"sentAt": "2026-11-21T09:40:00Z", "batch": [
        {"type": "identify", "userId": "u1", "messageId": "m1", "traits": {
            "email": "Hana@Example.JP", "firstName": "Hana", "phone": "090-1234-5678", "address": {"country": "Japan"}},
         "context": {"timezone": "Asia/Tokyo", "locale": "ja-JP"}, "integrations": {"All": true}},
        {"type": "track", "userId": "u1", "messageId": "m2", "event": "Order Completed",
         "timestamp": "2026-11-21T09:39:00Z", "properties": {"orderId": "o1", "total": 27.98, "cds": 2, "colour": "red"}},
    ]});
    let answer = send(&app, "POST", "/v1/batch", &key, batch.to_string()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(answer.json(), json!({"success": true, "accepted": 2, "duplicates": 0, "rejected": 0}));
    let hana = customer(&app, "u1").await.unwrap();
    assert_eq!(hana.traits["given_name"], words::Value::Text("Hana".to_owned()));
    let address = |channel: &Channel| hana.reachable(channel).next().map(|a| a.value.clone());
    assert_eq!(address(&Channel::EMAIL).as_deref(), Some("Hana@example.jp"));
    assert_eq!(address(&Channel::SMS).as_deref(), Some("+819012345678"));
    assert_eq!(hana.zone.unwrap().0.name(), "Asia/Tokyo");
    let events = events(&app, "u1").await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].name, "order_placed");
    assert_eq!(events[0].properties["order_id"], words::Value::Text("o1".to_owned()));
    assert_eq!(events[0].properties["total"], words::Value::Money(Money::new(2798, Currency::USD)));
    assert_eq!(events[0].properties["colour"], words::Value::Text("red".to_owned()));
    // Sent ten minutes ahead of us: what happened a minute before the sending happened a minute before now.
    assert_eq!(events[0].occurred_at, Timestamp::parse("2026-11-21T09:29:00Z").unwrap());
}

#[tokio::test]
async fn the_same_message_ten_times_is_one_event() {
    let (app, key) = with_key().await;
    let body = json!({"userId": "u1", "event": "visited", "messageId": "m1"}).to_string();
    for nth in 0..10 {
        let answer = send(&app, "POST", "/v1/track", &key, body.clone()).await;
        assert_eq!(answer.json().get("duplicate").is_some(), nth > 0);
    }
    assert_eq!(events(&app, "u1").await.len(), 1);
}

#[tokio::test]
async fn a_bad_item_of_a_batch_is_kept_with_its_reason_and_its_neighbours_are_stored() {
    let (app, key) = with_key().await;
    let deep = format!("{}1{}", "[".repeat(60), "]".repeat(60));
    let good = r#"{"type":"track","userId":"u1","event":"visited"}"#;
    for (bad, code, says) in [
        (
            r#"{"type":"track","userId":"u1","event":"order_placed","properties":{"order_id":"o","total":"zq-much","cds":1}}"#,
            "property_type",
            "`total`",
        ),
        (
            r#"{"type":"track","userId":"u1","event":"order_placed","properties":{"order_id":"o","total":1}}"#,
            "property_type",
            "`cds` is missing",
        ),
        (r#"{"type":"track","event":"visited"}"#, "missing_identity", "userId"),
        (r#"{"type":"track","userId":"u1","event":"message_sent"}"#, "reserved_name", "Tabi itself"),
        (r#"{"type":"track","userId":"u1"}"#, "not_a_message", "`event`"),
        (r#"{"type":"track","userId":"u1","event":5}"#, "not_a_message", "`event` is not a text"),
        (r#"{"type":"identify","userId":"u1","traits":{"country":"ZZ"}}"#, "trait_type", "no country"),
        (r#"{"type":"dance","userId":"u1"}"#, "not_a_message", "`type`"),
        (r#"{"type":"identify","userId":"u1","traits":{"email":"zq-nobody"}}"#, "trait_type", "`email`"),
        (r#"{"type":"track","userId":"u1","event":"a\u0000b"}"#, "not_a_message", "control character"),
        (
            r#"{"type":"track","userId":"u1","event":"a","properties":{"x":"\ud800"}}"#,
            "invalid_json",
            "hex escape",
        ),
        (
            r#"{"type":"track","userId":"u1","event":"a","properties":{"x":1e999}}"#,
            "invalid_json",
            "out of range",
        ),
        ("17", "not_a_message", "map"),
        ("null", "not_a_message", "map"),
        (deep.as_str(), "invalid_json", "deep"),
    ] {
        let before = events(&app, "u1").await.len();
        let batch = format!(r#"{{"batch":[{good},{bad},{good}]}}"#);
        let answer = send(&app, "POST", "/v1/batch", &key, batch).await;
        assert_eq!(answer.status, StatusCode::OK, "{bad}: {}", answer.text);
        let json = answer.json();
        assert_eq!((&json["accepted"], &json["rejected"]), (&json!(2), &json!(1)), "{bad}");
        assert_eq!(json["problems"][0]["code"], code, "{bad}: {json}");
        assert!(json["problems"][0]["reason"].as_str().unwrap().contains(says), "{bad}: {json}");
        assert_eq!(events(&app, "u1").await.len(), before + 2, "{bad}");
        let kept = app.store.rejected(100).await.unwrap();
        assert!(
            kept.iter().any(|row| row.code == code && json["problems"][0]["reason"] == row.reason),
            "{bad}"
        );
        assert!(kept.iter().all(|row| !row.reason.contains("zq-")), "no value");
    }
}

#[tokio::test]
async fn what_cannot_be_read_at_all_is_refused_and_changes_nothing() {
    let (app, key) = with_key().await;
    let huge = format!(r#"{{"batch":[{}]}}"#, vec!["1"; 3_000].join(","));
    let large = format!(r#"{{"batch":["{}"]}}"#, "x".repeat(600_000));
    let bomb = {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        out.write_all(&vec![b' '; 100_000_000]).unwrap();
        out.finish().unwrap()
    };
    for (path, body, gzip, status) in [
        ("/v1/batch", b"".to_vec(), false, StatusCode::BAD_REQUEST),
        ("/v1/batch", b"{".to_vec(), false, StatusCode::BAD_REQUEST),
        ("/v1/batch", b"[]".to_vec(), false, StatusCode::BAD_REQUEST),
        ("/v1/batch", b"{\"batch\":{}}".to_vec(), false, StatusCode::BAD_REQUEST),
        ("/v1/batch", b"\xff\xfe".to_vec(), false, StatusCode::BAD_REQUEST),
        ("/v1/batch", huge.into_bytes(), false, StatusCode::PAYLOAD_TOO_LARGE),
        ("/v1/batch", large.into_bytes(), false, StatusCode::PAYLOAD_TOO_LARGE),
        ("/v1/batch", bomb, true, StatusCode::PAYLOAD_TOO_LARGE),
        ("/v1/batch", b"no gzip".to_vec(), true, StatusCode::BAD_REQUEST),
        (
            "/v1/track",
            format!("\"{}\"", "x".repeat(40_000)).into_bytes(),
            false,
            StatusCode::PAYLOAD_TOO_LARGE,
        ),
        ("/v1/track", "[".repeat(10_000).into_bytes(), false, StatusCode::BAD_REQUEST),
        ("/v1/track", b"{\"userId\":\"u1\"}".to_vec(), false, StatusCode::BAD_REQUEST),
    ] {
        let mut request =
            Request::builder().method("POST").uri(path).header("authorization", format!("Bearer {key}"));
        if gzip {
            request = request.header("content-encoding", "gzip");
        }
        let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
        let answer = ask(&app, request.body(Body::from(body)).unwrap()).await;
        assert_eq!(answer.status, status, "{path} {shown}: {}", answer.text);
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        assert!(answer.json()["type"].as_str().unwrap().starts_with("/problems/"));
        assert!(!answer.json()["detail"].as_str().unwrap().is_empty());
    }
    assert!(customer(&app, "u1").await.is_none());
}

#[tokio::test]
async fn gzip_basic_authentication_and_a_key_in_the_body_are_as_the_clients_have_them() {
    let (app, key) = with_key().await;
    let body = json!({"userId": "u1", "event": "visited"});
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(body.to_string().as_bytes()).unwrap();
    let basic = data_encoding::BASE64.encode(format!("{key}:").as_bytes());
    let post = || Request::builder().method("POST").uri("/v1/track");
    let gzip = post().header("authorization", format!("Basic {basic}")).header("content-encoding", "gzip");
    assert_eq!(ask(&app, gzip.body(packed.finish().unwrap().into()).unwrap()).await.status, StatusCode::OK);
    let mut with_key = body.clone();
    with_key["writeKey"] = Value::String(key);
    let answer = ask(&app, post().body(with_key.to_string().into()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    for request in [
        post().body(Body::from(body.to_string())),
        post().header("authorization", "Bearer nonsense").body(Body::from(body.to_string())),
        post().header("authorization", "Basic ***").body(Body::from(body.to_string())),
        post().header("authorization", "Digest x").body(Body::from(body.to_string())),
    ] {
        let answer = ask(&app, request.unwrap()).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert!(answer.headers.contains_key("www-authenticate"));
    }
    assert_eq!(events(&app, "u1").await.len(), 2);
}

#[tokio::test]
async fn a_browser_may_tell_what_is_marked_for_it_and_nothing_about_consent_or_about_others() {
    let app = app().await;
    let server = key(&app, ApiKeyKind::Server, &["*"]).await;
    let browser = key(&app, ApiKeyKind::Browser, &["*"]).await;
    let known = json!({"userId": "victim", "traits": {"email": "victim@example.com", "name": "V"}});
    assert_eq!(send(&app, "POST", "/v1/identify", &server, known.to_string()).await.status, StatusCode::OK);
    let attack = json!({"userId": "victim", "traits": {"email": "evil@example.com", "name": "E", "given_name": "G"},
        "context": {"device": {"token": "evil-token"}, "consent": {"categoryPreferences": {"offers": true}}}});
    assert_eq!(send(&app, "POST", "/v1/identify", &browser, attack.to_string()).await.status, StatusCode::OK);
    let victim = customer(&app, "victim").await.unwrap();
    assert_eq!(victim.addresses.len(), 1);
    assert_eq!(victim.addresses[0].value, "victim@example.com");
    assert_eq!(victim.traits["name"], words::Value::Text("V".to_owned()));
    assert_eq!(
        victim.traits["given_name"],
        words::Value::Text("G".to_owned()),
        "what was empty may be filled in"
    );
    assert!(victim.consents.is_empty());
    // A customer of the browser's own making may say who they are; an anonymous visitor becomes them.
    let visit = json!({"anonymousId": "a1", "event": "visited"});
    assert_eq!(send(&app, "POST", "/v1/track", &browser, visit.to_string()).await.status, StatusCode::OK);
    let me = json!({"anonymousId": "a1", "userId": "me", "traits": {"email": "me@example.com"}});
    assert_eq!(send(&app, "POST", "/v1/identify", &browser, me.to_string()).await.status, StatusCode::OK);
    let me = customer(&app, "me").await.unwrap();
    assert_eq!(me.addresses.len(), 1);
    assert_eq!(events(&app, "me").await.len(), 1);
    // An address of one's own does not come to others by a claim.
    let claim = json!({"anonymousId": "a1", "userId": "victim"});
    send(&app, "POST", "/v1/identify", &browser, claim.to_string()).await;
    assert_eq!(customer(&app, "victim").await.unwrap().addresses.len(), 1);
    for (path, body) in [
        (
            "/v1/track",
            json!({"userId": "me", "event": "order_placed", "properties": {"order_id": "x", "total": 1, "cds": 1}}),
        ),
        ("/v1/track", json!({"userId": "me", "event": "never declared"})),
        ("/v1/alias", json!({"userId": "me", "previousId": "victim"})),
        ("/v1/group", json!({"userId": "me", "groupId": "g"})),
    ] {
        let answer = send(&app, "POST", path, &browser, body.to_string()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path} {body}: {}", answer.text);
        assert_eq!(answer.json()["code"], "not_from_browser");
    }
    for (method, path) in [
        ("POST", "/v1/consents"),
        ("GET", "/v1/customers/me"),
        ("POST", "/v1/messages"),
        ("POST", "/v1/import"),
    ] {
        assert_eq!(send(&app, method, path, &browser, "{}").await.status, StatusCode::FORBIDDEN, "{path}");
    }
    let preflight = Request::builder()
        .method("OPTIONS")
        .uri("/v1/track")
        .header("origin", "https://shop.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type");
    let answer = ask(&app, preflight.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.headers["access-control-allow-origin"], "*");
    assert!(!answer.headers.contains_key("access-control-allow-credentials"));
}

#[tokio::test]
async fn a_banner_that_repeats_itself_never_lifts_a_refusal_given_elsewhere() {
    let (app, key) = with_key().await;
    let stamp = |agreed: bool, minute: u8| {
        json!({"userId": "u1", "event": "visited", "timestamp": format!("2026-11-21T09:{minute:02}:00Z"),
            "context": {"consent": {"categoryPreferences": {"Offers": agreed, "Analytics": true}}}})
        .to_string()
    };
    let word = async |app: &crate::App| {
        let consents = customer(app, "u1").await.unwrap().consents;
        assert!(consents.len() <= 1, "a category that is no purpose says nothing: {consents:?}");
        consents.first().map(|c| c.state)
    };
    send(&app, "POST", "/v1/track", &key, stamp(true, 1)).await;
    assert_eq!(word(&app).await, Some(ConsentState::Granted));
    send(&app, "POST", "/v1/track", &key, stamp(false, 2)).await;
    assert_eq!(word(&app).await, Some(ConsentState::Revoked));
    send(&app, "POST", "/v1/track", &key, stamp(true, 3)).await;
    assert_eq!(word(&app).await, Some(ConsentState::Granted), "who refused there may agree there");
    let refusal = json!({"userId": "u1", "purpose": "offers", "state": "revoked"});
    assert_eq!(send(&app, "POST", "/v1/consents", &key, refusal.to_string()).await.status, StatusCode::OK);
    send(&app, "POST", "/v1/track", &key, stamp(true, 29)).await;
    assert_eq!(word(&app).await, Some(ConsentState::Revoked));
}

#[tokio::test]
async fn alias_and_history_do_what_they_say() {
    let (app, key) = with_key().await;
    for id in ["old", "new"] {
        let body = json!({"userId": id, "event": "visited"});
        send(&app, "POST", "/v1/track", &key, body.to_string()).await;
    }
    let body = json!({"userId": "new", "previousId": "old"});
    assert_eq!(send(&app, "POST", "/v1/alias", &key, body.to_string()).await.status, StatusCode::OK);
    assert_eq!(customer(&app, "old").await.unwrap().id, customer(&app, "new").await.unwrap().id);
    let body = json!({"batch": [{"type": "track", "userId": "past", "event": "visited", "timestamp": "2020-01-01T00:00:00Z"}],
        "sentAt": "2026-11-21T09:30:00Z"});
    assert_eq!(send(&app, "POST", "/v1/import", &key, body.to_string()).await.status, StatusCode::OK);
    let past = events(&app, "past").await;
    assert_eq!(past[0].kind, words::EventKind::History);
    assert_eq!(past[0].occurred_at, Timestamp::parse("2020-01-01T00:00:00Z").unwrap());
    assert_eq!(past[0].received_at, now());
}

#[tokio::test]
async fn an_event_nobody_declared_is_stored_and_its_schema_is_offered() {
    let (app, key) = with_key().await;
    let body = json!({"userId": "u1", "event": "Cart Shared", "properties": {"cartId": "c", "total": 3, "public": true}});
    assert_eq!(send(&app, "POST", "/v1/track", &key, body.to_string()).await.status, StatusCode::OK);
    let listed = send(&app, "GET", "/v1/unknown-events", &key, Body::empty()).await.json();
    assert_eq!(listed["items"][0]["name"], "Cart Shared");
    let draft = send(&app, "GET", "/v1/unknown-events/Cart%20Shared/schema", &key, Body::empty()).await;
    let expected = "events:\n  cart_shared:\n    also: [\"Cart Shared\"]\n    properties:\n      cart_id: text?\n      public: bool?\n      total: money?\n";
    assert!(draft.text.ends_with(expected), "{}", draft.text);
}

#[tokio::test]
async fn a_refused_message_can_be_replayed_when_the_reason_is_gone() {
    let (app, key) = with_key().await;
    let body = json!({"userId": "u1", "event": "order_placed",
        "properties": {"order_id": "o", "total": 1, "cds": 1, "coupon": {"code": "x"}}});
    let answer = send(&app, "POST", "/v1/track", &key, body.to_string()).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let rejected = send(&app, "GET", "/v1/rejected", &key, Body::empty()).await.json();
    let id = rejected["items"][0]["id"].as_str().unwrap().to_owned();
    let replay = json!({"ids": [id]}).to_string();
    let still = send(&app, "POST", "/v1/replay", &key, replay.clone()).await.json();
    assert_eq!(still["results"][0]["replayed"], false);
    assert_eq!(
        send(&app, "GET", "/v1/rejected", &key, Body::empty()).await.json()["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    // The schema is mended.
    let mut files = (*app.current.release().unwrap().files).clone();
    let schema = String::from_utf8(files["journeys/events.yaml"].clone()).unwrap();
    files.insert(
        "journeys/events.yaml".to_owned(),
        schema.replace("coupon: text?", "coupon: any?").into_bytes(),
    );
    let (release, problems) = release::Release::build(files);
    app.current.set(std::sync::Arc::new(release.unwrap_or_else(|| panic!("{problems:#?}"))));
    let done = send(&app, "POST", "/v1/replay", &key, replay).await.json();
    assert_eq!(done["results"][0]["replayed"], true, "{done}");
    assert_eq!(events(&app, "u1").await.len(), 1);
}

#[tokio::test]
async fn a_user_id_is_known_of_a_visitor_also_where_the_call_that_said_it_first_broke_off() {
    use store::Identity;
    let (app, key) = with_key().await;
    let visit = json!({"anonymousId": "a1", "event": "visited"});
    send(&app, "POST", "/v1/track", &key, visit.to_string()).await;
    // Linked, and then the process was killed: the customer does not know it yet.
    let both = [Identity::user_id("u1".to_owned()), Identity::anonymous_id("a1".to_owned())];
    let linked = app.store.get_or_create(&both, now(), &app.ids).await.unwrap();
    assert!(!linked.created);
    assert_eq!(customer(&app, "u1").await.unwrap().user_id, None);
    let again = json!({"userId": "u1", "event": "visited"});
    for _ in 0..2 {
        send(&app, "POST", "/v1/track", &key, again.to_string()).await;
        assert_eq!(customer(&app, "u1").await.unwrap().user_id.as_deref(), Some("u1"));
    }
    assert_eq!(events(&app, "u1").await.len(), 3);
}
