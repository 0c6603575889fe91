//! The adapter against a scripted Twilio.
#![allow(clippy::unwrap_used, clippy::panic)]

use crate::{Provider, SmsAdapter, SmsConfig, form_pairs};
use channel::{
    Adapter, Call, CallRefused, Content, Keyword, Outcome, Parcel, ReceiptKind, Said, Stage,
    conformance::{Script, exercise},
};
use egress::scripted::{Act, Scripted, answer, http_faults, unreachable};
use std::time::{Duration, Instant};
use words::{DeliveryId, MessageClass, MessageId, Timestamp};

const AMPLE: Duration = Duration::from_secs(10);

fn parcel() -> Parcel {
    let one = |key: &str, value: &str| [(key.to_owned(), value.to_owned())].into();
    Parcel {
        delivery: DeliveryId([1; 16]),
        message: MessageId([2; 16]),
        class: MessageClass::Transactional,
        to: "+819012345678".to_owned(),
        content: Content {
            parts: one("body", "山田様、ご注文の品を発送しました。€5"),
            sender: one("from", "KumoCoffee"),
            unsubscribe_url: None,
            locale: "ja".to_owned(),
            date: "2026-11-21T10:00:00Z".to_owned(),
        },
    }
}

fn adapter(base_url: String) -> SmsAdapter {
    let config = SmsConfig::twilio("AC0123", "token");
    let callback_url = Some("https://tabi.example/callbacks/sms".to_owned());
    SmsAdapter::new(SmsConfig { base_url: Some(base_url), callback_url, receipts: true, ..config }).unwrap()
}

fn error(status: u16, code: u32) -> Vec<u8> {
    let body = format!(
        "{{\"code\": {code}, \"message\": \"About +819012345678\", \"more_info\": \"https://www.twilio.com\", \"status\": {status}}}"
    );
    answer(status, &[("content-type", "application/json")], &body)
}

fn accepted() -> Vec<u8> {
    answer(201, &[], r#"{"sid": "SM0123456789abcdef", "status": "queued"}"#)
}

async fn outcome(act: Act, deadline: Duration) -> Outcome {
    let far = Scripted::new(move |_| act.clone()).await.unwrap();
    let (adapter, parcel) = (adapter(far.base_url()), parcel());
    let bytes = adapter.compose(&parcel).unwrap().bytes;
    let start = Instant::now();
    let outcome = adapter.hand_over(&parcel, &bytes, deadline).await;
    assert!(start.elapsed() < deadline + Duration::from_millis(600));
    assert!(!outcome.answer().contains("9012345678"), "{outcome:?}");
    outcome
}

#[tokio::test]
async fn it_keeps_the_contract_of_adapters() {
    let far = Scripted::provider(|script| {
        Some(match script {
            Script::Accept => accepted(),
            Script::AddressDead => error(400, 21211),
            Script::Refuse => error(400, 21617),
            Script::Misconfigured => error(401, 20003),
            Script::Throttle => error(429, 20429),
            Script::Unavailable => error(503, 20503),
            _ => return None,
        })
    });
    let far = far.await.unwrap();
    let breaches = exercise(&adapter(far.base_url()), &far, &parcel()).await;
    assert_eq!(breaches, Vec::<String>::new());
}

#[tokio::test]
async fn a_request_is_what_the_protocol_asks_for() {
    let far = Scripted::new(|_| Act::Answer(accepted())).await.unwrap();
    let (adapter, mut parcel) = (adapter(format!("{}/", far.base_url())), parcel());
    let composed = adapter.compose(&parcel).unwrap();
    let outcome = adapter.hand_over(&parcel, &composed.bytes, AMPLE).await;
    assert!(
        matches!(&outcome, Outcome::Accepted { provider_id: Some(id), .. } if id == "SM0123456789abcdef"),
        "{outcome:?}"
    );
    let seen = &far.seen()[0];
    assert_eq!(seen.path, "/2010-04-01/Accounts/AC0123/Messages.json");
    assert_eq!(seen.headers["authorization"], "Basic QUMwMTIzOnRva2Vu");
    assert_eq!(seen.headers["content-type"], composed.media);
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let callback = format!("https://tabi.example/callbacks/sms?delivery={}", parcel.delivery);
    assert_eq!(
        form_pairs(&seen.body),
        [
            pair("To", "+819012345678"),
            pair("From", "KumoCoffee"),
            pair("Body", "山田様、ご注文の品を発送しました。€5"),
            pair("StatusCallback", &callback),
        ]
    );
    parcel.content.sender.insert("from".to_owned(), format!("MG{:032}", 7));
    let pairs = form_pairs(&adapter.compose(&parcel).unwrap().bytes);
    assert_eq!(pairs[1], pair("MessagingServiceSid", &format!("MG{:032}", 7)));
}

#[tokio::test]
async fn every_documented_code_has_its_outcome() {
    for (status, code, expected) in [
        (400, 21211, "address_dead"),
        (400, 21614, "address_dead"),
        (400, 21635, "address_dead"),
        (400, 21610, "message_refused"),
        (400, 21408, "message_refused"),
        (400, 21612, "message_refused"),
        (400, 21617, "message_refused"),
        (400, 21606, "misconfigured"),
        (400, 21659, "misconfigured"),
        (401, 20003, "misconfigured"),
        (403, 20003, "misconfigured"),
        (404, 20404, "misconfigured"),
        (400, 21611, "throttled"),
        (429, 20429, "throttled"),
        (503, 20503, "unavailable"),
        // One that nobody has listed: by its status.
        (400, 29999, "message_refused"),
        (500, 29999, "unknown"),
    ] {
        let outcome = outcome(Act::Answer(error(status, code)), AMPLE).await;
        assert_eq!(outcome.as_str(), expected, "{code}: {outcome:?}");
        assert!(outcome.answer().contains(&code.to_string()), "{outcome:?}");
        assert_eq!(outcome.revokes_consent(), code == 21610, "{outcome:?}");
    }
}

#[tokio::test]
async fn every_fault_of_http_has_its_outcome() {
    for fault in http_faults() {
        let outcome = outcome(fault.act, fault.deadline).await;
        assert_eq!(outcome.as_str(), fault.outcome, "{}: {outcome:?}", fault.what);
        if let Outcome::Unknown { stage, .. } = outcome {
            assert_eq!(stage, Stage::Answer, "{}", fault.what);
        }
    }
}

#[tokio::test]
async fn a_provider_that_cannot_be_reached_is_unavailable() {
    for nowhere in unreachable().await.unwrap() {
        let (adapter, parcel) = (adapter(nowhere.base_url.clone()), parcel());
        let bytes = adapter.compose(&parcel).unwrap().bytes;
        let start = Instant::now();
        let outcome = adapter.hand_over(&parcel, &bytes, nowhere.deadline).await;
        assert_eq!(outcome.as_str(), "unavailable", "{}: {outcome:?}", nowhere.what);
        assert!(start.elapsed() < nowhere.deadline + Duration::from_millis(600), "{}", nowhere.what);
    }
}

#[tokio::test]
async fn a_pause_is_obeyed_within_its_limits() {
    for (header, expected_secs) in [
        (Some("7"), 7),
        (Some("Sat, 21 Nov 2026 10:01:00 GMT"), 60),
        (None, 30),
        (Some("-5"), 1),
        (Some("315360000"), 3600),
        (Some("Fri, 21 Nov 2036 10:00:00 GMT"), 3600),
        (Some("later"), 30),
    ] {
        let mut headers = vec![("Date", "Sat, 21 Nov 2026 10:00:00 GMT")];
        headers.extend(header.map(|text| ("Retry-After", text)));
        let outcome = outcome(Act::Answer(answer(429, &headers, "{\"code\": 20429}")), AMPLE).await;
        let after = match outcome {
            Outcome::Throttled { after, .. } => after,
            other => panic!("{header:?}: {other:?}"),
        };
        assert_eq!(after, Duration::from_secs(expected_secs), "{header:?}");
    }
}

#[test]
fn compose_refuses_what_no_provider_takes() {
    let adapter = adapter("http://127.0.0.1:1".to_owned());
    let refused = |change: &dyn Fn(&mut Parcel)| {
        let mut parcel = parcel();
        change(&mut parcel);
        adapter.compose(&parcel).unwrap_err()
    };
    let part =
        |text: String| move |p: &mut Parcel| drop(p.content.parts.insert("body".to_owned(), text.clone()));
    assert!(refused(&|p| p.to = "090-1234-5678".to_owned()).contains("country code"));
    assert!(refused(&part("  ".to_owned())).contains("`body`"));
    assert!(refused(&part("a".repeat(1601))).contains("1601 characters (11 parts)"));
    assert!(refused(&|p| p.content.sender.clear()).contains("sender"));
    assert!(
        adapter
            .compose(&{
                let mut parcel = parcel();
                part("旅".repeat(1600))(&mut parcel);
                parcel
            })
            .is_ok()
    );
}

/// A second provider, as an operator would describe it: JSON and a bearer token.
const SECOND: &str = r#"{
  "provider": "second", "source": "its documentation",
  "base_url": "https://sms.example", "path": "/v2/messages", "body": "json", "auth": "bearer",
  "fields": {"to": "to", "from": "from", "text": "text", "callback": "webhook_url"},
  "chars_max": 1530, "accepted": {"id": "/data/id"},
  "code": "/errors/0/code", "message": "/errors/0/title",
  "codes": {"40300": ["opted_out", "the customer has replied STOP"], "40310": ["address_dead", "not a number"]}
}"#;

#[tokio::test]
async fn a_second_provider_is_data() {
    let far = Scripted::new(|seen| {
        let body: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
        Act::Answer(match body["to"].as_str() {
            Some("+819012345678") => answer(200, &[], r#"{"data": {"id": "m-1"}}"#),
            _ => answer(403, &[], r#"{"errors": [{"code": "40300", "title": "Blocked"}]}"#),
        })
    });
    let far = far.await.unwrap();
    let provider = Provider::from_json(SECOND).unwrap();
    let config =
        SmsConfig { provider, base_url: Some(far.base_url()), ..SmsConfig::twilio("unused", "secret") };
    let adapter = SmsAdapter::new(config).unwrap();
    let mut parcel = parcel();
    let composed = adapter.compose(&parcel).unwrap();
    assert_eq!(composed.media, "application/json");
    let outcome = adapter.hand_over(&parcel, &composed.bytes, AMPLE).await;
    assert!(
        matches!(&outcome, Outcome::Accepted { provider_id: Some(id), .. } if id == "m-1"),
        "{outcome:?}"
    );
    assert_eq!(far.seen()[0].headers["authorization"], "Bearer secret");
    parcel.to = "+12025550123".to_owned();
    let bytes = adapter.compose(&parcel).unwrap().bytes;
    assert!(adapter.hand_over(&parcel, &bytes, AMPLE).await.revokes_consent());
}

#[tokio::test]
async fn before_go_live_the_development_inbox_takes_it_and_nobody_else_can() {
    let folder = tempfile::tempdir().unwrap();
    let inbox = inbox::Inbox::open(&folder.path().join("inbox.db")).await.unwrap();
    let at = inbox.serve_http("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let config = SmsConfig { reach: egress::Reach::Loopback, ..SmsConfig::twilio("AC0123", "inbox") };
    let here = SmsConfig { base_url: Some(format!("http://{at}")), ..config.clone() };
    let adapter = SmsAdapter::new(here).unwrap();
    let mut parcel = parcel();
    for (to, expected) in [
        ("+819012345678", "accepted"),
        ("+15005550001", "address_dead"),
        ("+15005550009", "address_dead"),
        ("+15005550003", "message_refused"),
        ("+15005550004", "message_refused"),
    ] {
        parcel.to = to.to_owned();
        let bytes = adapter.compose(&parcel).unwrap().bytes;
        let outcome = adapter.hand_over(&parcel, &bytes, AMPLE).await;
        assert_eq!(outcome.as_str(), expected, "{to}: {outcome:?}");
        assert_eq!(outcome.revokes_consent(), to == "+15005550004");
    }
    assert_eq!(inbox.count(&inbox::Filter::default()).await.unwrap(), 1);
    let outside = SmsAdapter::new(config).unwrap();
    let outcome = outside.hand_over(&parcel, b"To=x", AMPLE).await;
    assert!(
        matches!(&outcome, Outcome::Misconfigured { answer } if answer.contains("go-live")),
        "{outcome:?}"
    );
}

/// A call signed with `secret` for the address that the adapter gives the provider.
fn called(query: &str, form: &str, secret: &str) -> Result<Vec<Said>, CallRefused> {
    let mark = if query.is_empty() { "" } else { "?" };
    let url = format!("https://tabi.example/callbacks/sms{mark}{query}");
    let signature = crate::sign(secret, &url, &form_pairs(form.as_bytes()));
    let headers = [("x-twilio-signature".to_owned(), signature)];
    let call = Call { query, headers: &headers, body: form.as_bytes(), at: Timestamp::from_secs(5) };
    adapter("https://unused.example".to_owned()).callback(&call)
}

#[test]
fn a_call_of_the_provider_is_a_report_or_a_message_of_a_person() {
    let query = format!("delivery={}", DeliveryId([1; 16]));
    let said = called(&query, "MessageStatus=undelivered&ErrorCode=30007", "token").unwrap();
    let [Said::Receipt(receipt)] = &said[..] else { panic!("{said:?}") };
    assert_eq!((receipt.delivery, receipt.kind), (DeliveryId([1; 16]), ReceiptKind::Bounced));
    assert_eq!(receipt.detail, "30007 filtered by the carrier");
    assert_eq!(
        called(&query, "MessageStatus=sent", "token"),
        Ok(Vec::new()),
        "a state on the way says nothing"
    );
    let said =
        called("", "From=%2B819012345678&To=%2B1&Body=%E5%81%9C%E6%AD%A2&MessageSid=SM1", "token").unwrap();
    let [Said::Reply(reply)] = &said[..] else { panic!("{said:?}") };
    assert_eq!((reply.from.as_str(), reply.text.as_str()), ("+819012345678", "停止"));
    let adapter = adapter("https://unused.example".to_owned());
    assert_eq!(adapter.keyword(&reply.text, "ja"), Some(Keyword::Stop));
}

#[test]
fn a_call_that_is_not_the_providers_is_not_believed() {
    let form = "From=%2B819012345678&To=%2B1&Body=STOP&MessageSid=SM1";
    assert_eq!(called("", form, "other"), Err(CallRefused::Forged));
    let call = Call { query: "", headers: &[], body: form.as_bytes(), at: Timestamp::from_secs(5) };
    let far = "https://unused.example".to_owned();
    assert_eq!(adapter(far.clone()).callback(&call), Err(CallRefused::Forged));
    let nowhere = SmsConfig { base_url: Some(far), ..SmsConfig::twilio("AC0123", "token") };
    assert_eq!(SmsAdapter::new(nowhere).unwrap().callback(&call), Err(CallRefused::NotTaken));
    assert!(matches!(called("delivery=x", "MessageStatus=sent", "token"), Err(CallRefused::Unreadable(_))));
}

fn judged(status: u16, body: &str) -> Outcome {
    let body = egress::AnswerBody::Whole(body.as_bytes().to_vec());
    let answer = egress::Answer { status, retry_after: None, body };
    adapter("http://127.0.0.1:9".to_owned()).judge(&answer, "+819012345678")
}

#[test]
fn a_code_that_nobody_knows_is_recorded_without_the_number_that_it_may_hold() {
    let outcome = judged(400, r#"{"code":"12\n+819012345678","message":"to 819012345678"}"#);
    assert_eq!(outcome.answer(), "HTTP 400: 12 … to …");
}

#[test]
fn a_number_is_dead_by_a_refusal_alone() {
    let dead = r#"{"code":21614,"message":"not a mobile number"}"#;
    assert!(matches!(judged(400, dead), Outcome::AddressDead { .. }));
    assert!(matches!(judged(500, dead), Outcome::Unknown { .. }));
    assert!(matches!(judged(301, dead), Outcome::Misconfigured { .. }));
}

#[test]
fn an_id_that_is_none_proves_no_acceptance() {
    assert!(matches!(judged(201, r#"{"sid":"SM1"}"#), Outcome::Accepted { .. }));
    for sid in ["".to_owned(), "x".repeat(257), "SM 1".to_owned(), "SM\\n1".to_owned()] {
        let outcome = judged(201, &format!("{{\"sid\":\"{sid}\"}}"));
        assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
    }
}
