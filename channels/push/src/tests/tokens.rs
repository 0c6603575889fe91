//! Access tokens: expired, refused, revoked, and wanted by many at once.

use super::{AMPLE, SHORT, accepted, adapter, parcel};
use crate::{Credentials, CredentialsError, PushAdapter, PushConfig, ServiceAccount};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use channel::{Adapter, Outcome};
use egress::scripted::{Act, Scripted, Seen, answer};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

/// Made for these tests, opens nothing.
const KEY: &str = include_str!("key.pem");

fn account_json(token_uri: &str) -> Value {
    json!({
        "type": "service_account",
        "project_id": "kumo-app",
        "private_key_id": "k1",
        "private_key": KEY,
        "client_email": "tabi@kumo-app.iam.gserviceaccount.com",
        "token_uri": token_uri,
    })
}

fn account(token_uri: &str) -> ServiceAccount {
    ServiceAccount::from_json(&account_json(token_uri).to_string()).unwrap()
}

fn granted(token: &str, expires_in: u64) -> Act {
    let body = json!({"access_token": token, "expires_in": expires_in, "token_type": "Bearer"});
    Act::Answer(answer(200, &[], &body.to_string()))
}

/// A platform whose token endpoint does `exchange` (told how often it was asked) and whose messages do `send` (told the
/// bearer token).
async fn platform(
    exchange: impl Fn(usize) -> Act + Send + Sync + 'static,
    send: impl Fn(&str) -> Act + Send + Sync + 'static,
) -> (Scripted, PushAdapter) {
    let asked = AtomicUsize::new(0);
    let far = Scripted::new(move |seen: &Seen| {
        if seen.path == "/token" {
            exchange(asked.fetch_add(1, SeqCst) + 1)
        } else {
            send(seen.headers["authorization"].trim_start_matches("Bearer "))
        }
    });
    let far = far.await.unwrap();
    let account = account(&format!("{}/token", far.base_url()));
    let adapter = adapter(far.base_url(), Credentials::Account(account));
    (far, adapter)
}

async fn hand_over(adapter: &PushAdapter, deadline: Duration) -> Outcome {
    let parcel = parcel();
    let bytes = adapter.compose(&parcel).unwrap().bytes;
    adapter.hand_over(&parcel, &bytes, deadline).await
}

fn count(far: &Scripted, path: &str) -> usize {
    far.seen().iter().filter(|seen| seen.path.ends_with(path)).count()
}

#[test]
fn an_assertion_is_what_the_token_endpoint_checks() {
    let account = account("https://oauth2.example/token");
    let assertion = account.assertion(1_800_000_000).unwrap();
    let parts: Vec<&str> = assertion.split('.').collect();
    let json =
        |part: &str| -> Value { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap() };
    assert_eq!(json(parts[0]), json!({"alg": "RS256", "typ": "JWT", "kid": "k1"}));
    assert_eq!(
        json(parts[1]),
        json!({
            "iss": "tabi@kumo-app.iam.gserviceaccount.com",
            "scope": "https://www.googleapis.com/auth/firebase.messaging",
            "aud": "https://oauth2.example/token",
            "iat": 1_800_000_000,
            "exp": 1_800_003_600,
        })
    );
    let signature = URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
    let message = format!("{}.{}", parts[0], parts[1]);
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, account.public_key());
    public.verify(message.as_bytes(), &signature).unwrap();
}

#[test]
fn another_file_is_named_for_what_it_is() {
    let mut file = account_json("https://oauth2.example/token");
    file["type"] = json!("authorized_user");
    let read = |file: &Value| ServiceAccount::from_json(&file.to_string()).unwrap_err();
    assert!(matches!(read(&file), CredentialsError::Kind(kind) if kind == "authorized_user"));
    file["type"] = json!("service_account");
    file["private_key"] = json!("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    assert!(matches!(read(&file), CredentialsError::Key(_)));
    assert!(matches!(read(&json!({})), CredentialsError::File(_)));
}

#[tokio::test]
async fn fifty_hand_overs_at_once_make_one_exchange() {
    let (far, adapter) = platform(|_| granted("t1", 3600), |_| Act::Answer(accepted())).await;
    let adapter = Arc::new(adapter);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let adapter = Arc::clone(&adapter);
        tasks.spawn(async move { hand_over(&adapter, AMPLE).await.as_str() });
    }
    while let Some(outcome) = tasks.join_next().await {
        assert_eq!(outcome.unwrap(), "accepted");
    }
    assert_eq!((count(&far, "/token"), count(&far, ":send")), (1, 50));
}

#[tokio::test]
async fn a_revoked_token_is_renewed_once_and_the_message_goes() {
    let send = |token: &str| match token {
        "t1" => Act::Answer(answer(401, &[], r#"{"error": {"status": "UNAUTHENTICATED"}}"#)),
        _ => Act::Answer(accepted()),
    };
    let (far, adapter) = platform(|n| granted(&format!("t{n}"), 3600), send).await;
    let adapter = Arc::new(adapter);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let adapter = Arc::clone(&adapter);
        tasks.spawn(async move { hand_over(&adapter, AMPLE).await.as_str() });
    }
    while let Some(outcome) = tasks.join_next().await {
        assert_eq!(outcome.unwrap(), "accepted");
    }
    assert_eq!(count(&far, "/token"), 2);
}

#[tokio::test]
async fn a_second_401_is_a_matter_for_the_operator() {
    let send = |_: &str| Act::Answer(answer(401, &[], r#"{"error": {"status": "UNAUTHENTICATED"}}"#));
    let (far, adapter) = platform(|n| granted(&format!("t{n}"), 3600), send).await;
    assert_eq!(hand_over(&adapter, AMPLE).await.as_str(), "misconfigured");
    assert_eq!((count(&far, "/token"), count(&far, ":send")), (2, 2));
}

#[tokio::test]
async fn a_short_life_is_renewed_before_its_end() {
    let (far, adapter) = platform(|n| granted(&format!("t{n}"), 1), |_| Act::Answer(accepted())).await;
    for _ in 0..2 {
        assert_eq!(hand_over(&adapter, AMPLE).await.as_str(), "accepted");
    }
    assert_eq!(count(&far, "/token"), 1);
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(hand_over(&adapter, AMPLE).await.as_str(), "accepted");
    assert_eq!(count(&far, "/token"), 2);
}

#[tokio::test]
async fn a_failed_exchange_never_leaves_a_message_unknown() {
    let denied = r#"{"error": "invalid_grant", "error_description": "Invalid JWT for tabi@kumo-app.iam.gserviceaccount.com"}"#;
    let plain = |status, body| Act::Answer(answer(status, &[], body));
    for (what, exchange, expected) in [
        ("invalid_grant", plain(400, denied), "misconfigured"),
        ("invalid_client", plain(401, r#"{"error": "invalid_client"}"#), "misconfigured"),
        ("400 with garbage", plain(400, "<html>"), "unavailable"),
        ("404", plain(404, ""), "misconfigured"),
        ("429", plain(429, ""), "throttled"),
        ("500", plain(500, ""), "unavailable"),
        ("200 with garbage", plain(200, "{}"), "unavailable"),
        ("a token that is no header", granted("a\nb", 3600), "unavailable"),
        ("silence", Act::Hang(Vec::new()), "unavailable"),
        ("a reset", Act::Reset, "unavailable"),
    ] {
        let (far, adapter) = platform(move |_| exchange.clone(), |_| Act::Answer(accepted())).await;
        let outcome = hand_over(&adapter, SHORT * 2).await;
        assert_eq!(outcome.as_str(), expected, "{what}: {outcome:?}");
        assert!(!outcome.answer().contains("tabi@"), "{what}: {outcome:?}");
        assert_eq!(count(&far, ":send"), 0, "{what}");
    }
}

#[tokio::test]
async fn a_failed_exchange_is_tried_again_by_the_next_hand_over() {
    let exchange = |n| if n == 1 { Act::Reset } else { granted("t2", 3600) };
    let (_far, adapter) = platform(exchange, |_| Act::Answer(accepted())).await;
    assert_eq!(hand_over(&adapter, AMPLE).await.as_str(), "unavailable");
    assert_eq!(hand_over(&adapter, AMPLE).await.as_str(), "accepted");
}

#[tokio::test]
async fn before_go_live_the_development_inbox_takes_it_and_nobody_else_can() {
    let folder = tempfile::tempdir().unwrap();
    let inbox = inbox::Inbox::open(&folder.path().join("inbox.db")).await.unwrap();
    let at = inbox.serve_http("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let config = PushConfig::inbox(&format!("http://{at}"));
    let adapter = PushAdapter::new(config.clone()).unwrap();
    let mut parcel = parcel();
    for (to, expected) in [
        ("a-device", "accepted"),
        ("unregistered-1", "address_dead"),
        ("quota-1", "throttled"),
        ("mismatch-1", "misconfigured"),
    ] {
        parcel.to = to.to_owned();
        let bytes = adapter.compose(&parcel).unwrap().bytes;
        let outcome = adapter.hand_over(&parcel, &bytes, AMPLE).await;
        assert_eq!(outcome.as_str(), expected, "{to}: {outcome:?}");
    }
    assert_eq!(inbox.count(&inbox::Filter::default()).await.unwrap(), 1);
    let outside = PushAdapter::new(PushConfig { base_url: None, ..config }).unwrap();
    assert_eq!(hand_over(&outside, AMPLE).await.as_str(), "misconfigured");
}
