//! The client against a far side that does everything a far side can do wrong.
#![allow(clippy::unwrap_used, clippy::panic)]

use crate::gate::{Gate, Progress};
use crate::{
    ANSWER_BYTES_MAX, AnswerBody, Client, Reach, Reply, Request, Settings,
    scripted::{Act, Scripted, answer},
};
use channel::Stage;
use std::time::{Duration, Instant};

const SHORT: Duration = Duration::from_millis(300);
const AMPLE: Duration = Duration::from_secs(10);

fn client(reach: Reach) -> Client {
    Client::new(&Settings::reaching(reach)).unwrap()
}

async fn post(act: Act, body: &[u8], deadline: Duration) -> Reply {
    let far = Scripted::new(move |_| act.clone()).await.unwrap();
    let url = format!("{}/hook", far.base_url());
    let request = Request { url: &url, headers: vec![("x-test", "1".to_owned())], body };
    let reply = client(Reach::Anywhere).post(request, deadline).await;
    for seen in far.seen() {
        assert_eq!((seen.body.as_slice(), seen.headers["x-test"].as_str()), (body, "1"));
        assert_eq!(seen.headers["content-length"], body.len().to_string());
    }
    reply
}

fn answered(reply: Reply) -> crate::Answer {
    match reply {
        Reply::Answered(answer) => answer,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn assert_lost(reply: &Reply) {
    assert!(matches!(reply, Reply::Lost { stage: Stage::Content | Stage::Answer, .. }), "{reply:?}");
}

#[tokio::test]
async fn an_answer_comes_back_with_its_status_pause_and_body() {
    let act = Act::Answer(answer(429, &[("Retry-After", "7")], "slow down"));
    let got = answered(post(act, b"{}", AMPLE).await);
    assert_eq!((got.status, got.retry_after), (429, Some(Duration::from_secs(7))));
    assert_eq!(got.body.whole(), Some(&b"slow down"[..]));
}

#[tokio::test]
async fn a_large_body_arrives_whole_and_in_order() {
    let body: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
    let got = answered(post(Act::Answer(answer(200, &[], "ok")), &body, AMPLE).await);
    assert_eq!(got.status, 200);
}

#[tokio::test]
async fn a_refused_connection_sent_nothing() {
    let far = Scripted::new(|_| Act::Reset).await.unwrap();
    far.leave().await;
    let request = Request { url: &far.base_url(), headers: vec![], body: b"{}" };
    let reply = client(Reach::Anywhere).post(request, AMPLE).await;
    assert!(matches!(&reply, Reply::NotSent { why } if why.contains("refused")), "{reply:?}");
}

#[tokio::test]
async fn an_unknown_name_sent_nothing() {
    let request = Request { url: "https://nowhere.invalid/", headers: vec![], body: b"{}" };
    let reply = client(Reach::Public).post(request, AMPLE).await;
    assert!(matches!(reply, Reply::NotSent { .. }), "{reply:?}");
}

#[tokio::test]
async fn a_failed_tls_handshake_sent_nothing() {
    // A far side that speaks HTTP where TLS is expected: the client's first bytes are no request to it.
    let far = Scripted::new(|_| Act::Reset).await.unwrap();
    let url = far.base_url().replace("http:", "https:");
    let request = Request { url: &url, headers: vec![], body: b"{}" };
    let start = Instant::now();
    let reply = client(Reach::Anywhere).post(request, SHORT).await;
    assert!(matches!(reply, Reply::NotSent { .. }), "{reply:?}");
    assert!(start.elapsed() < SHORT * 3);
    assert!(far.seen().is_empty());
}

#[tokio::test]
async fn a_name_that_resolves_inward_is_refused_before_any_connection() {
    let far = Scripted::new(|_| Act::Answer(answer(200, &[], "secret"))).await.unwrap();
    for url in ["https://localhost/", "https://LOCALHOST/hook"] {
        let request = Request { url, headers: vec![], body: b"{}" };
        let reply = client(Reach::Public).post(request, AMPLE).await;
        assert!(matches!(reply, Reply::Refused { .. }), "{url}: {reply:?}");
    }
    assert!(far.seen().is_empty());
}

#[tokio::test]
async fn silence_in_every_place_ends_at_the_deadline() {
    for (place, bytes) in [
        ("before the status", &b""[..]),
        ("in the status line", b"HTTP/1.1 20"),
        ("in the headers", b"HTTP/1.1 200 OK\r\ncontent-le"),
    ] {
        let start = Instant::now();
        let reply = post(Act::Hang(bytes.to_vec()), b"{}", SHORT).await;
        assert_lost(&reply);
        assert!(start.elapsed() < SHORT * 3, "{place}");
    }
    let start = Instant::now();
    let within = b"HTTP/1.1 201 Created\r\ncontent-length: 10\r\n\r\n{\"s".to_vec();
    let got = answered(post(Act::Hang(within), b"{}", SHORT).await);
    assert_eq!(got.status, 201);
    assert!(matches!(got.body, AnswerBody::Broken(_)), "{:?}", got.body);
    assert!(start.elapsed() < SHORT * 3);
}

#[tokio::test]
async fn one_byte_a_second_ends_at_the_deadline() {
    let start = Instant::now();
    let reply = post(Act::Slow(answer(200, &[], "{}")), b"{}", SHORT).await;
    assert_lost(&reply);
    assert!(start.elapsed() < SHORT * 3);
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_request_leaves_it_unknown() {
    assert_lost(&post(Act::Reset, b"{}", AMPLE).await);
    assert_lost(&post(Act::Close(Vec::new()), b"{}", AMPLE).await);
    assert_lost(&post(Act::Close(b"\x00\xffgarbage\r\n\r\n".to_vec()), b"{}", AMPLE).await);
    let broken = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{\"s".to_vec();
    let got = answered(post(Act::Close(broken), b"{}", AMPLE).await);
    assert!(matches!(got.body, AnswerBody::Broken(_)), "{:?}", got.body);
}

#[tokio::test]
async fn a_huge_answer_is_cut_off() {
    for head in [
        &b"HTTP/1.1 200 OK\r\ncontent-length: 104857600\r\n\r\n"[..],
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 104857600\r\n\r\n",
    ] {
        let got = answered(post(Act::Endless(head.to_vec()), b"{}", AMPLE).await);
        assert_eq!(got.body, AnswerBody::TooLong);
    }
    let full = "x".repeat(ANSWER_BYTES_MAX);
    let got = answered(post(Act::Answer(answer(200, &[], &full)), b"{}", AMPLE).await);
    assert_eq!(got.body.whole().map(<[u8]>::len), Some(ANSWER_BYTES_MAX));
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let inner = Scripted::new(|_| Act::Answer(answer(200, &[], "inside"))).await.unwrap();
    let to = inner.base_url();
    for status in [301, 302, 303, 307, 308] {
        let act = Act::Answer(answer(status, &[("Location", &to)], ""));
        assert_eq!(answered(post(act, b"{}", AMPLE).await).status, status);
    }
    assert!(inner.seen().is_empty());
}

#[tokio::test]
async fn a_header_cannot_be_smuggled_in() {
    let far = Scripted::new(|_| Act::Answer(answer(200, &[], ""))).await.unwrap();
    let headers = vec![("x-id", "a\r\nx-evil: 1".to_owned())];
    let request = Request { url: &far.base_url(), headers, body: b"{}" };
    let reply = client(Reach::Anywhere).post(request, AMPLE).await;
    assert!(matches!(reply, Reply::Refused { .. }), "{reply:?}");
    assert!(far.seen().is_empty());
}

#[tokio::test]
async fn a_request_called_not_sent_never_arrives() {
    // The deadline ends somewhere around the sending of the body, and nobody can say where on a busy machine; whatever is
    // called "not sent" must not be seen later.
    for round in 0..60_u64 {
        let far = Scripted::new(|_| Act::Hang(Vec::new())).await.unwrap();
        let request = Request { url: &far.base_url(), headers: vec![], body: b"{\"n\":1}" };
        let reply = client(Reach::Anywhere).post(request, Duration::from_micros(round * 40)).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
        if let Reply::NotSent { .. } = reply {
            assert!(far.seen().is_empty(), "round {round}");
        }
    }
}

#[tokio::test]
async fn a_body_that_was_given_up_before_its_first_byte_never_leaves() {
    let far = Scripted::new(|_| Act::Answer(answer(200, &[], "{}"))).await.unwrap();
    let (gate, body) = Gate::around(bytes::Bytes::from_static(b"{\"n\":1}"));
    assert_eq!(gate.shut(), Progress::Nothing);
    let client = client(Reach::Anywhere);
    let http = client.shared.http().unwrap();
    let sending = http.post(far.base_url()).body(reqwest::Body::wrap(body)).send();
    assert!(tokio::time::timeout(AMPLE, sending).await.unwrap().is_err());
    assert!(far.seen().is_empty());
}
