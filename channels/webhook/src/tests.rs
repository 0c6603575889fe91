//! The adapter against a scripted receiver.
#![allow(clippy::unwrap_used, clippy::panic)]

use crate::{Key, WebhookAdapter, WebhookConfig, verify};
use channel::{
    Adapter, Content, Idempotency, Outcome, Parcel,
    conformance::{Script, exercise},
};
use egress::{
    Reach,
    scripted::{Act, Scripted, answer, http_faults, unreachable},
};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use words::{DeliveryId, MessageClass, MessageId};

const AMPLE: Duration = Duration::from_secs(10);
const ROOT: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn parcel(to: String) -> Parcel {
    Parcel {
        delivery: DeliveryId([1; 16]),
        message: MessageId([2; 16]),
        class: MessageClass::Service,
        to,
        content: Content {
            parts: [("body".to_owned(), r#"{"order": "K-1", "total": 1000}"#.to_owned())].into(),
            sender: [].into(),
            unsubscribe_url: None,
            locale: "ja".to_owned(),
            date: "2026-11-21T10:00:00Z".to_owned(),
        },
    }
}

fn adapter(reach: Reach) -> WebhookAdapter {
    let config = WebhookConfig { reach, ..WebhookConfig::new(Key::parse(ROOT).unwrap()) };
    WebhookAdapter::new(config).unwrap()
}

async fn outcome(act: Act) -> Outcome {
    let far = Scripted::new(move |_| act.clone()).await.unwrap();
    let (adapter, parcel) = (adapter(Reach::PublicOrLoopback), parcel(format!("{}/hook", far.base_url())));
    let bytes = adapter.compose(&parcel).unwrap().bytes;
    let outcome = adapter.hand_over(&parcel, &bytes, Duration::from_millis(800)).await;
    assert!(!outcome.answer().contains("127.0.0.1"), "{outcome:?}");
    outcome
}

#[tokio::test]
async fn it_keeps_the_contract_of_adapters() {
    let far = Scripted::provider(|script| {
        Some(match script {
            Script::Accept => answer(204, &[], ""),
            Script::AddressDead => answer(410, &[], ""),
            Script::Refuse => answer(422, &[], "no such order"),
            Script::Throttle => answer(429, &[("Retry-After", "5")], ""),
            Script::Unavailable => answer(408, &[], ""),
            // No answer of one customer's endpoint says anything about our settings.
            _ => return None,
        })
    });
    let far = far.await.unwrap();
    let parcel = parcel(format!("{}/hook", far.base_url()));
    let breaches = exercise(&adapter(Reach::PublicOrLoopback), &far, &parcel).await;
    assert_eq!(breaches, Vec::<String>::new());
}

#[tokio::test]
async fn a_call_is_signed_by_the_standard_with_the_endpoint_s_own_key() {
    let far = Scripted::new(|_| Act::Answer(answer(200, &[], "ok"))).await.unwrap();
    let (adapter, parcel) =
        (adapter(Reach::PublicOrLoopback), parcel(format!("{}/hook?a=1", far.base_url())));
    let bytes = adapter.compose(&parcel).unwrap().bytes;
    for _ in 0..2 {
        assert_eq!(adapter.hand_over(&parcel, &bytes, AMPLE).await.as_str(), "accepted");
    }
    let secret = Key::parse(&adapter.secret_of(&parcel.to).unwrap()).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().cast_signed();
    for seen in far.seen() {
        assert_eq!(seen.path, "/hook?a=1");
        assert_eq!(seen.headers["webhook-id"], parcel.delivery.to_string());
        let timestamp = seen.headers["webhook-timestamp"].parse().unwrap();
        let signature = &seen.headers["webhook-signature"];
        assert!(verify(&secret, &seen.headers["webhook-id"], timestamp, &seen.body, signature, now));
        let body: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
        assert_eq!(body["data"]["order"], "K-1");
        assert_eq!(body["timestamp"], "2026-11-21T10:00:00Z");
    }
}

#[tokio::test]
async fn every_answer_has_its_outcome() {
    let plain = |status| Act::Answer(answer(status, &[], "see http://127.0.0.1/x"));
    let later = Act::Answer(answer(503, &[("Retry-After", "60")], ""));
    for (what, act, expected) in [
        ("200", plain(200), "accepted"),
        ("202", plain(202), "accepted"),
        ("301", plain(301), "message_refused"),
        ("400", plain(400), "message_refused"),
        ("401", plain(401), "message_refused"),
        ("403", plain(403), "message_refused"),
        ("404", plain(404), "message_refused"),
        ("408", plain(408), "deferred"),
        ("409", plain(409), "message_refused"),
        ("410", plain(410), "address_dead"),
        ("413", plain(413), "message_refused"),
        ("422", plain(422), "message_refused"),
        ("429", plain(429), "deferred"),
        ("500", plain(500), "unknown"),
        ("502", plain(502), "unknown"),
        ("503", plain(503), "unknown"),
        ("503 with a time", later, "deferred"),
        ("504", plain(504), "unknown"),
        ("silence", Act::Hang(Vec::new()), "unknown"),
        ("a reset", Act::Reset, "unknown"),
        (
            "100 MB after 200",
            Act::Endless(b"HTTP/1.1 200 OK\r\ncontent-length: 104857600\r\n\r\n".to_vec()),
            "accepted",
        ),
    ] {
        let outcome = outcome(act).await;
        assert_eq!(outcome.as_str(), expected, "{what}: {outcome:?}");
    }
}

/// What an endpoint of a customer means by what would be somebody else's trouble with a provider of ours.
fn of_an_endpoint(what: &str, outcome: &'static str) -> &'static str {
    match outcome {
        // A 2xx is a yes, whatever comes behind it.
        _ if what.starts_with("200")
            || matches!(what, "silence within the body" | "100 MB" | "a gzip bomb") =>
        {
            "accepted"
        }
        "misconfigured" => "message_refused",
        "throttled" | "unavailable" => "deferred",
        other => other,
    }
}

#[tokio::test]
async fn every_fault_of_http_has_its_outcome() {
    for fault in http_faults() {
        let start = std::time::Instant::now();
        let got = outcome(fault.act).await;
        assert_eq!(got.as_str(), of_an_endpoint(fault.what, fault.outcome), "{}: {got:?}", fault.what);
        assert!(start.elapsed() < Duration::from_millis(1600), "{}: it hangs", fault.what);
    }
    for nowhere in unreachable().await.unwrap() {
        let adapter = adapter(Reach::Anywhere);
        let parcel = parcel(format!("{}/hook", nowhere.base_url));
        let start = std::time::Instant::now();
        let got = adapter.hand_over(&parcel, b"{}", nowhere.deadline).await;
        assert_eq!(got.as_str(), "deferred", "{}: {got:?}", nowhere.what);
        assert!(start.elapsed() < nowhere.deadline + Duration::from_millis(600), "{}", nowhere.what);
    }
}

#[tokio::test]
async fn nothing_is_called_inside_the_house() {
    let far = Scripted::new(|_| Act::Answer(answer(200, &[], "inside"))).await.unwrap();
    let adapter = adapter(Reach::Public);
    for to in [far.base_url(), "https://localhost/".to_owned(), "https://169.254.169.254/latest".to_owned()] {
        let parcel = parcel(to);
        // Bytes made by an earlier process, perhaps under other settings, do not help either.
        let outcome = adapter.hand_over(&parcel, b"{}", AMPLE).await;
        assert_eq!(outcome.as_str(), "message_refused", "{}: {outcome:?}", parcel.to);
    }
    assert!(adapter.compose(&parcel(far.base_url())).is_err());
    assert!(far.seen().is_empty());
}

#[test]
fn ids_are_keys_only_where_receivers_promised_to_remember_them() {
    assert_eq!(adapter(Reach::Public).capabilities().idempotency, Idempotency::None);
    let retention = Duration::from_secs(86_400);
    let config = WebhookConfig::new(Key::parse(ROOT).unwrap());
    let keyed = WebhookAdapter::new(WebhookConfig { ids_remembered: Some(retention), ..config }).unwrap();
    assert_eq!(keyed.capabilities().idempotency, Idempotency::Key { retention });
}

#[test]
fn a_body_that_is_no_object_is_refused() {
    let adapter = adapter(Reach::Public);
    for body in ["", "[]", "1", "{", "{\"a\": NaN}"] {
        let mut parcel = parcel("https://example.com/hook".to_owned());
        parcel.content.parts.insert("body".to_owned(), body.to_owned());
        assert!(adapter.compose(&parcel).unwrap_err().contains("JSON object"), "{body}");
    }
}

#[tokio::test]
async fn before_go_live_the_development_inbox_takes_every_call() {
    let folder = tempfile::tempdir().unwrap();
    let inbox = inbox::Inbox::open(&folder.path().join("inbox.db")).await.unwrap();
    let at = inbox.serve_http("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let config = WebhookConfig::new(Key::parse(ROOT).unwrap());
    let adapter =
        WebhookAdapter::new(WebhookConfig { inbox: Some(format!("http://{at}")), ..config }).unwrap();
    let parcel = parcel("https://crm.shop.example/hook?a=1&b=x y".to_owned());
    let bytes = adapter.compose(&parcel).unwrap().bytes;
    assert_eq!(adapter.hand_over(&parcel, &bytes, AMPLE).await.as_str(), "accepted");
    let listing = inbox.list(&inbox::Filter::default(), inbox::Page::default()).await.unwrap();
    assert_eq!(listing.items[0].to, parcel.to);
}
