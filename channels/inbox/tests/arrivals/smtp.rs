//! The listener by the letter of RFC 5321, and with our own adapter.

use crate::fresh;
use channel::{Adapter, Content, Outcome, Parcel};
use email::{SmtpAdapter, SmtpConfig, Tls};
use inbox::{Filter, Inbox, InboxError, Page};
use std::{collections::BTreeMap, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use words::{Channel, DeliveryId, MessageClass, MessageId};

fn local() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

fn parcel(number: u32) -> Parcel {
    let map = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    let message = MessageId::derive(&[7; 16], "hello", number);
    Parcel {
        delivery: DeliveryId::derive(message, 1, "email", 0),
        message,
        class: MessageClass::Marketing,
        to: "a..b@docomo.ne.jp".to_owned(),
        content: Content {
            parts: map(&[
                ("subject", &format!("ご購入ありがとうございます {number}")),
                ("text", ".先頭の点\n本文\n"),
                ("html", "<p>本文</p>"),
            ]),
            sender: map(&[("from", "shop@shop.example"), ("from_name", "旅の店")]),
            unsubscribe_url: Some("http://127.0.0.1:8080/u/abc".to_owned()),
            locale: "ja".to_owned(),
            date: "2026-11-21T09:30:00Z".to_owned(),
        },
    }
}

async fn relay(inbox: &Inbox) -> SmtpAdapter {
    let address = inbox.serve_smtp(local()).await.unwrap();
    SmtpAdapter::new(SmtpConfig {
        username: Some("anybody".to_owned()),
        password: Some("anything".to_owned()),
        ..SmtpConfig::new("127.0.0.1", address.port(), Tls::None)
    })
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_mail_arrives_and_can_be_read() {
    let (_folder, inbox) = fresh().await;
    let mut live = inbox.subscribe();
    let adapter = relay(&inbox).await;
    let parcel = parcel(1);
    let bytes = adapter.compose(&parcel).unwrap().bytes;
    let outcome = adapter.hand_over(&parcel, &bytes, Duration::from_secs(10)).await;
    assert!(matches!(&outcome, Outcome::Accepted { provider_id: Some(id), .. } if id == "1"), "{outcome:?}");

    let arrived = live.recv().await.unwrap();
    let item = inbox.get(arrived.id).await.unwrap().unwrap();
    assert_eq!(item.raw, bytes);
    assert_eq!((item.from.as_str(), item.to.as_str()), ("旅の店 <shop@shop.example>", "a..b@docomo.ne.jp"));
    assert_eq!(item.subject.as_deref(), Some("ご購入ありがとうございます 1"));
    assert_eq!(item.text.as_deref(), Some(".先頭の点\r\n本文\r\n"));
    assert_eq!(item.html.as_deref(), Some("<p>本文</p>"));
    let header =
        |name: &str| item.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    assert_eq!(header("List-Unsubscribe"), Some("<http://127.0.0.1:8080/u/abc>"));
    assert_eq!(header("List-Unsubscribe-Post"), Some("List-Unsubscribe=One-Click"));
    assert_eq!(header("Message-ID"), Some(format!("<{}@shop.example>", parcel.message).as_str()));
    assert_eq!(inbox.get(99).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_mails_at_once_all_arrive_once() {
    let (_folder, inbox) = fresh().await;
    let adapter = std::sync::Arc::new(relay(&inbox).await);
    let tasks: Vec<_> = (0..1000)
        .map(|number| {
            let adapter = adapter.clone();
            tokio::spawn(async move {
                let parcel = parcel(number);
                let bytes = adapter.compose(&parcel).unwrap().bytes;
                adapter.hand_over(&parcel, &bytes, Duration::from_secs(60)).await.as_str() == "accepted"
            })
        })
        .collect();
    for task in tasks {
        assert!(task.await.unwrap());
    }
    let filter =
        Filter { channel: Some(Channel::EMAIL), to: Some("A..B@docomo.ne.jp".to_owned()), text: None };
    assert_eq!(inbox.count(&filter).await.unwrap(), 1000);
    let mut subjects = std::collections::BTreeSet::new();
    let mut page = Page { before: None, limit: 300 };
    loop {
        let listing = inbox.list(&filter, page).await.unwrap();
        subjects.extend(listing.items.into_iter().map(|item| item.subject));
        let Some(next) = listing.next else { break };
        page.before = Some(next);
    }
    assert_eq!(subjects.len(), 1000);
}

/// Says all of `input` at once and returns the first word of every final reply line.
async fn codes(inbox: &Inbox, input: &str) -> Vec<String> {
    let address = inbox.serve_smtp(local()).await.unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(input.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut output = String::new();
    stream.read_to_string(&mut output).await.unwrap();
    assert!(!output.replace("\r\n", "").contains(['\r', '\n']), "{output:?}");
    output
        .lines()
        .filter(|line| line.as_bytes().get(3) == Some(&b' '))
        .map(|line| line[..3].to_owned())
        .collect()
}

const HEAD: &str = "From: a@b.example\r\nDate: Sat, 21 Nov 2026 09:30:00 +0000\r\nSubject: x\r\n\r\n";

fn message(body: &str) -> String {
    format!("EHLO me\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n{body}.\r\nQUIT\r\n")
}

#[tokio::test]
async fn a_pipelined_conversation_is_answered_in_order() {
    let (_folder, inbox) = fresh().await;
    let text = message(&format!("{HEAD}..dot\r\n"));
    assert_eq!(codes(&inbox, &text).await, ["220", "250", "250", "250", "354", "250", "221"]);
    let item = inbox.get(1).await.unwrap().unwrap();
    assert_eq!(item.raw, format!("{HEAD}.dot\r\n").into_bytes());
}

#[tokio::test]
async fn commands_out_of_order_and_malformed_ones_are_refused() {
    let (_folder, inbox) = fresh().await;
    for (input, expected) in [
        ("MAIL FROM:<a@b.example>\r\nQUIT\r\n", &["220", "503", "221"][..]),
        ("EHLO me\r\nRCPT TO:<a@b.example>\r\nDATA\r\nQUIT\r\n", &["220", "250", "503", "503", "221"]),
        ("EHLO me\r\nMAIL FROM:<a@b.example>\r\nDATA\r\nQUIT\r\n", &["220", "250", "250", "554", "221"]),
        ("EHLO me\r\nMAIL FROM:<a@b.example>\r\nMAIL FROM:<a@b.example>\r\n", &["220", "250", "250", "503"]),
        ("EHLO me\r\nMAIL FROM:<a@b.example> SIZE=99999999999\r\n", &["220", "250", "552"]),
        ("EHLO me\r\nMAIL FROM: <a@b.example>\r\n", &["220", "250", "501"]),
        ("EHLO me\nQUIT\r\n", &["220", "500", "221"]),
        ("EHLO\r\nSTARTTLS\r\nWHAT\r\nQUIT\r\n", &["220", "501", "502", "500", "221"]),
    ] {
        assert_eq!(codes(&inbox, input).await, expected, "{input:?}");
    }
    assert_eq!(inbox.count(&Filter::default()).await.unwrap(), 0);
}

#[tokio::test]
async fn content_that_would_smuggle_or_break_is_refused_whole() {
    let (_folder, inbox) = fresh().await;
    for body in [
        format!("{HEAD}a\n.\nMAIL FROM:<evil@example.com>\r\n"),
        format!("{HEAD}a\r.\rb\r\n"),
        format!("{HEAD}a\0b\r\n"),
        format!("{HEAD}{}\r\n", "x".repeat(999)),
        format!("{HEAD}é\r\n"),
        format!("From: a@b.example\r\n{HEAD}two senders\r\n"),
        "Subject: no sender\r\n\r\nx\r\n".to_owned(),
    ] {
        let codes = codes(&inbox, &message(&body)).await;
        assert!(codes[5].starts_with('5'), "{body:?}: {codes:?}");
        assert_eq!(codes.len(), 7, "one message, one answer: {codes:?}");
    }
    // A message that breaks off is no message.
    let half = message(HEAD).replace("\r\n.\r\nQUIT\r\n", "");
    assert_eq!(codes(&inbox, &half).await, ["220", "250", "250", "250", "354"]);
    assert_eq!(inbox.count(&Filter::default()).await.unwrap(), 0);
}

#[tokio::test]
async fn only_this_machine_may_deliver() {
    let (_folder, inbox) = fresh().await;
    let everywhere = inbox.serve_smtp(([0, 0, 0, 0], 0).into()).await;
    assert!(matches!(everywhere, Err(InboxError::NotLoopback(_))));
}
