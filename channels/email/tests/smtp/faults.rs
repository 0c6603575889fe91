//! Every stage of the conversation × every fault, each with its outcome.

use crate::{
    parcel,
    relay::{Fault, Place, Plan, Relay, certs},
};
use channel::{Adapter, Outcome, Stage};
use email::{Deadlines, SmtpAdapter, SmtpConfig, Tls};
use std::time::Duration;
use tokio::{task::JoinSet, time::Instant};

const STEP: Duration = Duration::from_millis(300);
/// Longer than anything here takes, however busy the machine is.
const AMPLE: Duration = Duration::from_secs(30);

/// In the order of the table's columns.
fn faults() -> [(&'static str, Fault); 8] {
    [
        ("silence", Fault::Silence),
        ("1 byte/s", Fault::Slow),
        ("reset", Fault::Reset),
        ("FIN", Fault::Fin),
        ("4yz", Fault::Says("451 4.3.0 later")),
        ("5yz", Fault::Says("550 no")),
        ("garbage", Fault::Garbage),
        ("endless", Fault::Endless),
    ]
}

const UNAV: &str = "unavailable";
const MISC: &str = "misconfigured";
const REFU: &str = "message_refused";
const DEAD: &str = "address_dead";
const CONT: &str = "unknown at content";
const ANSW: &str = "unknown at answer";
const OK: &str = "accepted";

/// What comes of each cell. A kept connection that fails at RSET is replaced while nothing of the message is out, unless
/// the relay has begun to answer; what happens at QUIT concerns nobody any more.
#[rustfmt::skip]
const TABLE: [(Place, [&str; 8]); 13] = [
    //                   silence slow  reset FIN   4yz   5yz   garbage endless
    (Place::Banner,    [UNAV,   UNAV, UNAV, UNAV, UNAV, MISC, UNAV,   UNAV]),
    (Place::Ehlo,      [UNAV,   UNAV, UNAV, UNAV, UNAV, MISC, UNAV,   UNAV]),
    (Place::StartTls,  [UNAV,   UNAV, UNAV, UNAV, UNAV, MISC, UNAV,   UNAV]),
    (Place::Handshake, [UNAV,   MISC, UNAV, UNAV, MISC, MISC, MISC,   MISC]),
    (Place::EhloAgain, [UNAV,   UNAV, UNAV, UNAV, UNAV, MISC, UNAV,   UNAV]),
    (Place::Auth,      [UNAV,   UNAV, UNAV, UNAV, UNAV, MISC, UNAV,   UNAV]),
    (Place::Mail,      [UNAV,   UNAV, UNAV, UNAV, UNAV, MISC, UNAV,   UNAV]),
    (Place::Rcpt,      [UNAV,   UNAV, UNAV, UNAV, UNAV, DEAD, UNAV,   UNAV]),
    (Place::Data,      [UNAV,   UNAV, UNAV, UNAV, UNAV, REFU, UNAV,   UNAV]),
    (Place::Body,      [CONT,   CONT, CONT, CONT, UNAV, REFU, ANSW,   CONT]),
    (Place::Dot,       [ANSW,   ANSW, ANSW, ANSW, UNAV, REFU, ANSW,   ANSW]),
    (Place::Rset,      [OK,     UNAV, OK,   OK,   OK,   OK,   UNAV,   UNAV]),
    (Place::Quit,      [OK,     OK,   OK,   OK,   OK,   OK,   OK,     OK]),
];

fn name(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Unknown { stage: Stage::Content, .. } => CONT.to_owned(),
        Outcome::Unknown { stage: Stage::Answer, .. } => ANSW.to_owned(),
        other => other.as_str().to_owned(),
    }
}

/// One cell: the outcome, and how long it took.
async fn cell(place: Place, fault: Fault, pipelining: bool) -> (Outcome, Duration) {
    let tls = matches!(place, Place::StartTls | Place::Handshake | Place::EhloAgain);
    let relay = Relay::start(Plan {
        fault: None,
        pipelining,
        starttls: tls,
        auth: (place == Place::Auth).then_some("PLAIN"),
        ..Plan::default()
    })
    .await;
    let login = (place == Place::Auth).then(|| "someone".to_owned());
    // Whoever speaks too early and reads on gets all of the content, however busy the machine is.
    let reads_on = place == Place::Body && matches!(fault, Fault::Says(_) | Fault::Garbage);
    let adapter = SmtpAdapter::new(SmtpConfig {
        deadlines: Deadlines {
            connect: STEP,
            greeting: STEP,
            command: STEP,
            data: STEP,
            content: if reads_on { AMPLE } else { STEP },
            answer: STEP,
        },
        username: login.clone(),
        password: login,
        ca_file: Some(certs().join("ca.pem")),
        messages_per_connection: if place == Place::Quit { 1 } else { 100 },
        ..SmtpConfig::new("127.0.0.1", relay.address.port(), if tls { Tls::StartTls } else { Tls::None })
    })
    .unwrap();
    let parcel = parcel();
    let bytes = if place == Place::Body {
        // More than the sockets hold: the relay can fail while we still write.
        format!("From: a@b.example\r\n\r\n{}", "0123456789abcdef\r\n".repeat(450_000)).into_bytes()
    } else {
        adapter.compose(&parcel).unwrap().bytes
    };
    if place == Place::Rset {
        assert_eq!(adapter.hand_over(&parcel, &bytes, AMPLE).await.as_str(), OK);
    }
    relay.plan.lock().unwrap().fault = Some((place, fault));
    let start = Instant::now();
    let outcome = adapter.hand_over(&parcel, &bytes, AMPLE).await;
    (outcome, start.elapsed())
}

async fn check_the_table(pipelining: bool) {
    let mut wrong = Vec::new();
    for (place, expected) in TABLE {
        let mut cells = JoinSet::new();
        for (at, (label, fault)) in faults().into_iter().enumerate() {
            cells.spawn(async move {
                let hung = AMPLE * 2;
                (at, label, tokio::time::timeout(hung, cell(place, fault, pipelining)).await)
            });
        }
        while let Some(done) = cells.join_next().await {
            let (at, label, done) = done.unwrap();
            let Ok((outcome, took)) = done else {
                wrong.push(format!("{place:?} × {label}: hangs"));
                continue;
            };
            if name(&outcome) != expected[at] {
                wrong.push(format!("{place:?} × {label}: expected {}, got {outcome:?}", expected[at]));
            }
            // At most two steps wait out their deadline: a stale connection, then a fresh one. What the machine takes for
            // eight megabytes beside it is no part of that; waiting for a longer deadline would be.
            if took > STEP * 2 + AMPLE / 3 {
                wrong.push(format!("{place:?} × {label}: took {took:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_stage_times_every_fault_with_pipelining() {
    check_the_table(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_stage_times_every_fault_without_pipelining() {
    check_the_table(false).await;
}

#[tokio::test]
async fn a_relay_that_is_not_there_is_unavailable() {
    let relay = Relay::start(Plan::default()).await;
    relay.set_open(false).await;
    let adapter = SmtpAdapter::new(SmtpConfig::new("127.0.0.1", relay.address.port(), Tls::None)).unwrap();
    let parcel = parcel();
    let bytes = adapter.compose(&parcel).unwrap().bytes;
    let outcome = adapter.hand_over(&parcel, &bytes, Duration::from_secs(5)).await;
    assert!(matches!(outcome, Outcome::Unavailable { .. }), "{outcome:?}");
    let nowhere = SmtpAdapter::new(SmtpConfig::new("relay.invalid", 25, Tls::StartTls)).unwrap();
    let outcome = nowhere.hand_over(&parcel, &bytes, Duration::from_secs(5)).await;
    assert!(matches!(outcome, Outcome::Unavailable { .. }), "{outcome:?}");
}

/// With the table above every stage is met by every fault: where there is no connection yet, silence is a queue that nobody
/// takes from, a reset and a FIN are those before the banner, and nothing can be said.
#[tokio::test]
async fn a_relay_that_takes_no_connection_is_unavailable_at_the_deadline() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queue = Vec::new();
    // Those who stand in the queue, until nobody more is let in.
    while let Ok(Ok(stream)) = tokio::time::timeout(STEP, tokio::net::TcpStream::connect(address)).await {
        queue.push(stream);
    }
    let deadlines = Deadlines { connect: STEP, ..Deadlines::default() };
    let config = SmtpConfig { deadlines, ..SmtpConfig::new("127.0.0.1", address.port(), Tls::None) };
    let adapter = SmtpAdapter::new(config).unwrap();
    let parcel = parcel();
    let bytes = adapter.compose(&parcel).unwrap().bytes;
    let start = Instant::now();
    let outcome = adapter.hand_over(&parcel, &bytes, AMPLE).await;
    assert!(matches!(outcome, Outcome::Unavailable { .. }), "{outcome:?}");
    assert!(start.elapsed() < AMPLE / 3, "{:?}", start.elapsed());
}

#[tokio::test]
async fn the_whole_hand_over_ends_at_its_deadline() {
    for place in [Place::Banner, Place::Rcpt, Place::Dot] {
        let relay = Relay::start(Plan { fault: Some((place, Fault::Silence)), ..Plan::default() }).await;
        let adapter =
            SmtpAdapter::new(SmtpConfig::new("127.0.0.1", relay.address.port(), Tls::None)).unwrap();
        let parcel = parcel();
        let bytes = adapter.compose(&parcel).unwrap().bytes;
        let start = Instant::now();
        adapter.hand_over(&parcel, &bytes, Duration::from_millis(200)).await;
        assert!(start.elapsed() < Duration::from_millis(900), "{place:?}: {:?}", start.elapsed());
    }
}
