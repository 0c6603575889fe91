//! The sandbox as stories and tests use it.
#![allow(clippy::unwrap_used, clippy::panic)]

use crate::{FileLog, Log, Rule, Sandbox, Script};
use channel::{Adapter, Content, Outcome, Parcel, Stage, conformance};
use std::{
    io::Write,
    time::{Duration, Instant},
};
use words::{Channel, DeliveryId, MessageClass, MessageId};

const AMPLE: Duration = Duration::from_secs(5);

fn parcel(to: &str) -> Parcel {
    Parcel {
        delivery: DeliveryId([1; 16]),
        message: MessageId([2; 16]),
        class: MessageClass::Marketing,
        to: to.to_owned(),
        content: Content {
            parts: [("body".to_owned(), "こんにちは".to_owned())].into(),
            sender: [("from".to_owned(), "Kumo".to_owned())].into(),
            unsubscribe_url: None,
            locale: "ja".to_owned(),
            date: "2026-11-21T10:00:00Z".to_owned(),
        },
    }
}

async fn hand_over(sandbox: &Sandbox, to: &str) -> Outcome {
    let parcel = parcel(to);
    let bytes = sandbox.compose(&parcel).unwrap().bytes;
    sandbox.hand_over(&parcel, &bytes, AMPLE).await
}

fn refused(answer: &str) -> Outcome {
    Outcome::MessageRefused { answer: answer.to_owned() }
}

/// The far side of an adapter without one: it is told what the script of the suite means, and reads the log.
struct Inside {
    sandbox: Sandbox,
    log: Log,
    start: Instant,
}

impl conformance::FarSide for Inside {
    fn script<'a>(&'a self, script: conformance::Script) -> conformance::Soon<'a, bool> {
        use conformance::Script as S;
        let answer = "scripted".to_owned();
        let unknown = || Outcome::Unknown { stage: Stage::Answer, answer: "scripted".to_owned() };
        let (outcome, delay) = match script {
            S::Accept => (None, Duration::ZERO),
            S::AddressDead => (Some(Outcome::AddressDead { answer }), Duration::ZERO),
            S::Refuse => (Some(Outcome::MessageRefused { answer }), Duration::ZERO),
            S::Misconfigured => (Some(Outcome::Misconfigured { answer }), Duration::ZERO),
            S::Throttle => {
                (Some(Outcome::Throttled { after: Duration::from_secs(1), answer }), Duration::ZERO)
            }
            S::Unavailable | S::Gone => (Some(Outcome::Unavailable { answer }), Duration::ZERO),
            S::SilentAfterContent | S::SlowAfterContent => (Some(unknown()), Duration::from_secs(60)),
            S::ResetAfterContent | S::GarbageAfterContent => (Some(unknown()), Duration::ZERO),
            S::SilentBeforeContent | S::EndlessAfterContent => return Box::pin(async { false }),
        };
        let rule = |outcome| Rule { to: "*".to_owned(), outcome, delay, times: None };
        let rules = outcome.map(rule).into_iter().collect();
        self.sandbox.set_script(Script { rules, ..Script::accepting() });
        self.log.drain();
        Box::pin(async { true })
    }

    fn taken<'a>(&'a self) -> conformance::Soon<'a, Vec<Vec<u8>>> {
        let taken = self.log.entries().into_iter().map(|entry| entry.bytes.into_bytes()).collect();
        Box::pin(async { taken })
    }

    fn sleep<'a>(&'a self, time: Duration) -> conformance::Soon<'a, ()> {
        Box::pin(tokio::time::sleep(time))
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}

#[tokio::test]
async fn it_keeps_the_contract_of_adapters() {
    let log = Log::new();
    let sandbox = Sandbox::new(Channel::SMS, &log);
    let far = Inside { sandbox: sandbox.clone(), log, start: Instant::now() };
    let breaches = conformance::exercise(&sandbox, &far, &parcel("+819012345678")).await;
    assert_eq!(breaches, Vec::<String>::new());
}

#[tokio::test]
async fn it_serves_any_channel_and_keeps_what_it_was_handed() {
    let log = Log::new();
    let fax = Sandbox::new(Channel::new("fax"), &log);
    let outcome = hand_over(&fax, "+81312345678").await;
    assert!(
        matches!(&outcome, Outcome::Accepted { provider_id: Some(id), .. } if id.starts_with("sandbox-dlv_"))
    );
    let entry = &log.entries()[0];
    assert_eq!((entry.channel.as_str(), entry.parcel.to.as_str()), ("fax", "+81312345678"));
    assert!(entry.bytes.contains("こんにちは"));
    assert_eq!(entry.outcome, outcome);
    assert_eq!(log.drain().len(), 1);
    assert!(log.is_empty());
}

#[tokio::test]
async fn the_queue_comes_first_then_addresses_then_rules_then_the_address_itself() {
    let log = Log::new();
    let sandbox = Sandbox::new(Channel::EMAIL, &log)
        .capable(Sandbox::silent(Channel::new("any")).capabilities().clone());
    sandbox.set_script(Script {
        next: [refused("queue")].into(),
        by_address: [("a@b.example".to_owned(), [refused("first"), refused("then")].into())].into(),
        rules: vec![Rule {
            to: "*@b.example".to_owned(),
            outcome: refused("rule"),
            delay: Duration::ZERO,
            times: Some(1),
        }],
        built_in: true,
    });
    let mut said = Vec::new();
    for to in [
        "a@b.example",
        "a@b.example",
        "a@b.example",
        "a@b.example",
        "c@b.example",
        "c@b.example",
        "bounce-7@b.example",
    ] {
        let outcome = hand_over(&sandbox, to).await;
        said.push(format!("{} {}", outcome.as_str(), outcome.answer()));
    }
    assert_eq!(
        said,
        [
            "message_refused queue",
            "message_refused first",
            "message_refused then",
            "message_refused then",
            "message_refused rule",
            "accepted kept in the sandbox",
            "address_dead sandbox: the address asks for this",
        ]
    );
    assert_eq!(log.accepted().len(), 1);
}

#[tokio::test]
async fn every_speaking_address_says_its_outcome() {
    let sandbox = Sandbox::silent(Channel::new("any")).scripted(Script::speaking_addresses());
    for (local, expected) in [
        ("bounce", "address_dead"),
        ("refuse", "message_refused"),
        ("optout", "message_refused"),
        ("misconfigured", "misconfigured"),
        ("throttle", "throttled"),
        ("unavailable", "unavailable"),
        ("unknown", "unknown"),
        ("ann", "accepted"),
    ] {
        let outcome = hand_over(&sandbox, &format!("{local}@example.com")).await;
        assert_eq!(outcome.as_str(), expected, "{local}");
        assert_eq!(outcome.revokes_consent(), local == "optout");
    }
}

#[tokio::test(start_paused = true)]
async fn a_delay_takes_its_time_and_past_the_deadline_nobody_knows() {
    let slow = |delay| Script {
        rules: vec![Rule { to: "*".to_owned(), outcome: refused("slow"), delay, times: None }],
        ..Script::accepting()
    };
    let sandbox = Sandbox::silent(Channel::SMS).scripted(slow(Duration::from_secs(3)));
    let start = tokio::time::Instant::now();
    assert_eq!(hand_over(&sandbox, "+81").await, refused("slow"));
    assert_eq!(start.elapsed(), Duration::from_secs(3));
    sandbox.set_script(slow(Duration::from_secs(60)));
    assert_eq!(hand_over(&sandbox, "+81").await.as_str(), "unknown");
    assert_eq!(start.elapsed(), Duration::from_secs(3) + AMPLE);
}

#[tokio::test]
async fn a_file_keeps_every_hand_over_and_heals_a_torn_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sent.jsonl");
    let send = async |to: &str| {
        let sandbox = Sandbox::silent(Channel::SMS).and_file(&FileLog::open(&path).unwrap());
        hand_over(&sandbox, to).await.as_str()
    };
    assert_eq!(send("+811").await, "accepted");
    std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"channel\": \"sm").unwrap();
    assert_eq!(send("+812").await, "accepted");
    let entries = FileLog::read(&path).unwrap();
    let to: Vec<&str> = entries.iter().map(|entry| entry.parcel.to.as_str()).collect();
    assert_eq!(to, ["+811", "+812"]);
}

#[test]
fn a_script_can_be_written_as_data() {
    let script = r#"{"rules": [{"to": "bounce@*", "outcome": {"outcome": "address_dead", "answer": "550"}, "times": 2}]}"#;
    let script: Script = serde_json::from_str(script).unwrap();
    assert_eq!(script.rules[0].times, Some(2));
}
