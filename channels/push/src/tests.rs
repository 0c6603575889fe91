//! The adapter against a scripted platform.
#![allow(clippy::unwrap_used, clippy::panic)]

mod payload;
mod tokens;

use crate::{Credentials, PushAdapter, PushConfig};
use channel::{
    Adapter, Content, Outcome, Parcel,
    conformance::{Script, exercise},
};
use egress::scripted::{Act, Scripted, answer, http_faults, unreachable};
use serde_json::json;
use std::time::Duration;
use words::{DeliveryId, MessageClass, MessageId};

const AMPLE: Duration = Duration::from_secs(10);
const SHORT: Duration = Duration::from_millis(300);
const DEVICE: &str = "dQw4w9WgXcQ:APA91bHun4MxP5egoKMwt2KZFBaFUH-1RYqx";

fn parcel() -> Parcel {
    let parts = [
        ("title", "発送しました"),
        ("body", "ご注文の品は明日届きます"),
        ("data", r#"{"open": "/orders/1"}"#),
    ];
    Parcel {
        delivery: DeliveryId([1; 16]),
        message: MessageId([2; 16]),
        class: MessageClass::Transactional,
        to: DEVICE.to_owned(),
        content: Content {
            parts: parts.map(|(name, text)| (name.to_owned(), text.to_owned())).into(),
            sender: [].into(),
            unsubscribe_url: None,
            locale: "ja".to_owned(),
            date: "2026-11-21T10:00:00Z".to_owned(),
        },
    }
}

fn adapter(base_url: String, credentials: Credentials) -> PushAdapter {
    let config = PushConfig::new(credentials);
    PushAdapter::new(PushConfig { base_url: Some(base_url), project: Some("kumo-app".to_owned()), ..config })
        .unwrap()
}

fn accepted() -> Vec<u8> {
    answer(200, &[], r#"{"name": "projects/kumo-app/messages/0:1500415314455276%31bd1c9631bd1c96"}"#)
}

/// An error as FCM writes it: `google.rpc.Status` with the code of FCM in the details.
fn error(status: u16, rpc: &str, fcm: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let details = json!([{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": fcm}]);
    let message = format!("About {DEVICE}");
    let body = json!({"error": {"code": status, "message": message, "status": rpc, "details": details}});
    answer(status, headers, &body.to_string())
}

fn invalid_field(field: &str) -> Vec<u8> {
    let details = json!([
        {"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": "INVALID_ARGUMENT"},
        {"@type": "type.googleapis.com/google.rpc.BadRequest",
         "fieldViolations": [{"field": field, "description": "Invalid value"}]},
    ]);
    let body = json!({"error": {"code": 400, "message": "Invalid", "status": "INVALID_ARGUMENT", "details": details}});
    answer(400, &[], &body.to_string())
}

async fn outcome(act: Act, deadline: Duration) -> Outcome {
    let far = Scripted::new(move |_| act.clone()).await.unwrap();
    let adapter = adapter(far.base_url(), Credentials::Token("ya29.token".to_owned()));
    let parcel = parcel();
    let bytes = adapter.compose(&parcel).unwrap().bytes;
    let outcome = adapter.hand_over(&parcel, &bytes, deadline).await;
    assert!(!outcome.answer().contains(DEVICE), "{outcome:?}");
    outcome
}

#[tokio::test]
async fn it_keeps_the_contract_of_adapters() {
    let far = Scripted::provider(|script| {
        Some(match script {
            Script::Accept => accepted(),
            Script::AddressDead => error(404, "NOT_FOUND", "UNREGISTERED", &[]),
            Script::Refuse => invalid_field("message.notification"),
            Script::Misconfigured => error(403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH", &[]),
            Script::Throttle => error(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", &[("Retry-After", "60")]),
            Script::Unavailable => error(503, "UNAVAILABLE", "UNAVAILABLE", &[]),
            _ => return None,
        })
    });
    let far = far.await.unwrap();
    let adapter = adapter(far.base_url(), Credentials::Token("ya29.token".to_owned()));
    assert_eq!(exercise(&adapter, &far, &parcel()).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_request_goes_to_the_project_with_the_token() {
    let far = Scripted::new(|_| Act::Answer(accepted())).await.unwrap();
    let adapter = adapter(far.base_url(), Credentials::Token("ya29.token".to_owned()));
    let parcel = parcel();
    let bytes = adapter.compose(&parcel).unwrap().bytes;
    let outcome = adapter.hand_over(&parcel, &bytes, AMPLE).await;
    assert!(
        matches!(&outcome, Outcome::Accepted { provider_id: Some(id), .. } if id.starts_with("projects/"))
    );
    let seen = &far.seen()[0];
    assert_eq!(seen.path, "/v1/projects/kumo-app/messages:send");
    assert_eq!(seen.headers["authorization"], "Bearer ya29.token");
}

#[tokio::test]
async fn every_documented_code_has_its_outcome() {
    let later: &[(&str, &str)] = &[("Retry-After", "60")];
    for (bytes, expected) in [
        (error(404, "NOT_FOUND", "UNREGISTERED", &[]), "address_dead"),
        (invalid_field("message.token"), "address_dead"),
        (invalid_field("message.data[0].value"), "message_refused"),
        (error(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", &[]), "message_refused"),
        (error(403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH", &[]), "misconfigured"),
        (error(403, "PERMISSION_DENIED", "PERMISSION_DENIED", &[]), "misconfigured"),
        (error(401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR", &[]), "misconfigured"),
        (error(404, "NOT_FOUND", "NOT_FOUND", &[]), "misconfigured"),
        (error(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", &[]), "throttled"),
        (error(503, "UNAVAILABLE", "UNAVAILABLE", later), "throttled"),
        (error(503, "UNAVAILABLE", "UNAVAILABLE", &[]), "unavailable"),
        (error(500, "INTERNAL", "INTERNAL", &[]), "unknown"),
        (error(500, "INTERNAL", "INTERNAL", later), "unknown"),
    ] {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert_eq!(outcome(Act::Answer(bytes), AMPLE).await.as_str(), expected, "{text}");
    }
}

#[tokio::test]
async fn an_invalid_argument_among_others_spares_the_token() {
    let details = json!([{"fieldViolations": [{"field": "message.token"}, {"field": "message.data"}]}]);
    let body = json!({"error": {"status": "INVALID_ARGUMENT", "message": "", "details": details}});
    let act = Act::Answer(answer(400, &[], &body.to_string()));
    assert_eq!(outcome(act, AMPLE).await.as_str(), "message_refused");
}

#[tokio::test]
async fn every_fault_of_http_has_its_outcome() {
    for fault in http_faults() {
        let outcome = outcome(fault.act, fault.deadline).await;
        assert_eq!(outcome.as_str(), fault.outcome, "{}: {outcome:?}", fault.what);
    }
    let act = Act::Answer(answer(200, &[], "{\"name\": \"x\"}"));
    assert_eq!(outcome(act, AMPLE).await.as_str(), "unknown", "the name of something else");
}

#[tokio::test]
async fn a_platform_that_cannot_be_reached_is_unavailable() {
    for nowhere in unreachable().await.unwrap() {
        let adapter = adapter(nowhere.base_url.clone(), Credentials::Token("t".to_owned()));
        let parcel = parcel();
        let bytes = adapter.compose(&parcel).unwrap().bytes;
        let start = std::time::Instant::now();
        let outcome = adapter.hand_over(&parcel, &bytes, nowhere.deadline).await;
        assert_eq!(outcome.as_str(), "unavailable", "{}: {outcome:?}", nowhere.what);
        assert!(start.elapsed() < nowhere.deadline + Duration::from_millis(600), "{}", nowhere.what);
    }
}

#[test]
fn a_project_that_does_not_fit_is_refused_at_the_start() {
    for project in ["", "../other", "a b", "A"] {
        let config = PushConfig::new(Credentials::Token("t".to_owned()));
        assert!(PushAdapter::new(PushConfig { project: Some(project.to_owned()), ..config }).is_err());
    }
    assert!(PushAdapter::new(PushConfig::new(Credentials::Token("t".to_owned()))).is_err());
}
