//! Read back by a parser of other people's making.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::compose;
use channel::{Content, Parcel};
use mail_parser::{Message, MessageParser};
use std::collections::BTreeMap;
use words::{DeliveryId, MessageClass, MessageId};

const MAX: usize = 10 << 20;

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn parcel() -> Parcel {
    let message = MessageId([3; 16]);
    Parcel {
        delivery: DeliveryId([4; 16]),
        message,
        class: MessageClass::Marketing,
        to: "taro@example.jp".to_owned(),
        content: Content {
            parts: map(&[
                ("subject", "ご購入ありがとうございます"),
                ("text", "山田様\n本文"),
                ("html", "<p>山田様</p>"),
            ]),
            sender: map(&[
                ("from", "shop@shop.example"),
                ("from_name", "株式会社旅の店"),
                ("reply_to", "help@shop.example"),
            ]),
            unsubscribe_url: Some("https://shop.example/u/abc".to_owned()),
            locale: "ja".to_owned(),
            date: "2026-11-21T09:30:00+09:00".to_owned(),
        },
    }
}

#[track_caller]
fn parsed(bytes: &[u8]) -> Message<'_> {
    MessageParser::default().parse(bytes).expect("a message")
}

/// The subject comes back as it went in.
#[track_caller]
fn subject_survives(subject: &str) {
    let mut parcel = parcel();
    parcel.content.parts.insert("subject".to_owned(), subject.to_owned());
    let bytes = compose(&parcel, MAX).unwrap();
    assert_eq!(parsed(&bytes).subject(), Some(subject));
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    for line in bytes[..head].split(|byte| *byte == b'\n') {
        assert!(line.len() <= 79, "{}", String::from_utf8_lossy(line));
    }
}

#[test]
fn a_message_is_whole_multipart_mime() {
    let bytes = compose(&parcel(), MAX).unwrap();
    let message = parsed(&bytes);
    assert_eq!(message.message_id(), Some(format!("{}@shop.example", MessageId([3; 16])).as_str()));
    let from = message.from().unwrap().first().unwrap();
    assert_eq!((from.name(), from.address()), (Some("株式会社旅の店"), Some("shop@shop.example")));
    assert_eq!(message.to().unwrap().first().unwrap().address(), Some("taro@example.jp"));
    assert_eq!(message.reply_to().unwrap().first().unwrap().address(), Some("help@shop.example"));
    assert_eq!(message.date().unwrap().to_timestamp(), 1_795_221_000);
    assert_eq!(message.body_text(0).unwrap(), "山田様\r\n本文");
    assert_eq!(message.body_html(0).unwrap(), "<p>山田様</p>");
    assert_eq!(message.parts.len(), 3, "one multipart with two parts");
    let header =
        |name: &str| message.header_raw(name).map(|value| value.replace("\r\n", "").trim().to_owned());
    assert_eq!(header("Content-Language").as_deref(), Some("ja"));
    assert_eq!(header("List-Unsubscribe").as_deref(), Some("<https://shop.example/u/abc>"));
    assert_eq!(header("List-Unsubscribe-Post").as_deref(), Some("List-Unsubscribe=One-Click"));
    assert_eq!(header("Auto-Submitted"), None);
    assert_eq!(header("MIME-Version").as_deref(), Some("1.0"));
    let names: Vec<&str> = message.headers_raw().map(|(name, _)| name).collect();
    let mut unique = names.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(names.len(), unique.len(), "{names:?}");
}

#[test]
fn subjects_survive_encoding_and_folding() {
    subject_survives("Hello");
    subject_survives("ご購入ありがとうございます");
    subject_survives(&"【重要】発送のお知らせ：ご注文の商品を本日発送いたしました。".repeat(6));
    subject_survives("🎉👩‍👩‍👧‍👦 Ｔａｂｉ ｽﾀｰﾄ");
    subject_survives("שלום مرحبا");
    subject_survives(
        "A rather long subject of plain words that has to be folded since it goes far over one line of a header",
    );
    subject_survives(
        "mixed 日本語 and English, ünd Umlaute, in one rather long line that is folded somewhere 途中で",
    );
    subject_survives("2 + 2 =? 5");
}

#[test]
fn equal_parcels_give_equal_bytes_and_other_messages_other_boundaries() {
    assert_eq!(compose(&parcel(), MAX), compose(&parcel(), MAX));
    let mut other = parcel();
    other.message = MessageId([9; 16]);
    let text = String::from_utf8(compose(&other, MAX).unwrap()).unwrap();
    assert!(text.contains(&format!("boundary=\"=_{}\"", MessageId([9; 16]))), "{text}");
}

#[test]
fn every_part_is_encoded() {
    for text in [
        "plain ascii",
        "日本語",
        "mostly ascii é",
        ".\r\nMAIL FROM:<x>",
        &"x".repeat(5000),
        "a\rb\nc\r\nd",
        "--=_msg\r\n--",
    ] {
        let mut parcel = parcel();
        parcel.content.parts.insert("text".to_owned(), text.to_owned());
        let bytes = compose(&parcel, MAX).unwrap();
        let message = parsed(&bytes);
        let expected = text.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n");
        assert_eq!(message.body_text(0).unwrap(), expected);
        for part in &message.parts[1..] {
            let encoding = part.headers.iter().find(|h| h.name() == "Content-Transfer-Encoding").unwrap();
            let encoding = encoding.value().as_text().unwrap();
            assert!(matches!(encoding, "quoted-printable" | "base64"), "{encoding}");
        }
    }
}

#[test]
fn one_part_alone_is_no_multipart() {
    for (gone, content_type) in [("html", "text/plain; charset=utf-8"), ("text", "text/html; charset=utf-8")]
    {
        let mut parcel = parcel();
        parcel.content.parts.remove(gone);
        let bytes = compose(&parcel, MAX).unwrap();
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert!(text.contains(&format!("Content-Type: {content_type}\r\n")), "{text}");
        assert_eq!(parsed(&bytes).parts.len(), 1);
    }
}

#[test]
fn mailboxes_that_break_the_dot_rules_are_quoted() {
    for (to, quoted) in
        [("a..b@docomo.ne.jp", "\"a..b\"@docomo.ne.jp"), ("ab.@ezweb.ne.jp", "\"ab.\"@ezweb.ne.jp")]
    {
        let mut parcel = parcel();
        parcel.to = to.to_owned();
        let text = String::from_utf8(compose(&parcel, MAX).unwrap()).unwrap();
        assert!(text.contains(&format!("To: {quoted}\r\n")), "{text}");
        assert_eq!(crate::address::Envelope::of(&parcel).unwrap().to, quoted);
    }
}

#[test]
fn what_is_not_marketing_says_that_a_machine_wrote_it() {
    let mut parcel = parcel();
    parcel.class = MessageClass::Transactional;
    parcel.content.unsubscribe_url = None;
    let text = String::from_utf8(compose(&parcel, MAX).unwrap()).unwrap();
    assert!(text.contains("Auto-Submitted: auto-generated\r\n"));
    assert!(!text.contains("List-Unsubscribe"));
}

#[test]
fn a_mailto_stands_beside_the_url() {
    let mut parcel = parcel();
    parcel.content.sender.insert("unsubscribe_mailto".to_owned(), "out@shop.example".to_owned());
    let bytes = compose(&parcel, MAX).unwrap();
    let value = parsed(&bytes).header_raw("List-Unsubscribe").unwrap().replace("\r\n", "");
    assert_eq!(value.trim(), "<https://shop.example/u/abc>, <mailto:out@shop.example?subject=unsubscribe>");
}

#[test]
fn injection_is_refused_in_every_place() {
    for evil in [
        "a\r\nBcc: evil@example.com",
        "a\nBcc: evil@example.com",
        "a\rBcc: x",
        "a\0b",
        "a\u{2028}b",
        "a\u{85}b",
    ] {
        for key in ["from", "from_name", "reply_to", "sender", "unsubscribe_mailto"] {
            let mut parcel = parcel();
            parcel.content.sender.insert(key.to_owned(), evil.to_owned());
            assert!(compose(&parcel, MAX).is_err(), "{key}: {evil:?}");
        }
        let changes: [&dyn Fn(&mut Parcel); 5] = [
            &|p| p.to = evil.to_owned(),
            &|p| p.content.locale = evil.to_owned(),
            &|p| p.content.date = evil.to_owned(),
            &|p| p.content.unsubscribe_url = Some(format!("https://x.example/{evil}")),
            &|p| {
                p.content.parts.insert("subject".to_owned(), evil.to_owned());
            },
        ];
        for change in changes {
            let mut parcel = parcel();
            change(&mut parcel);
            let refused = compose(&parcel, MAX).unwrap_err();
            assert!(!refused.contains("evil"), "a reason keeps the data to itself: {refused}");
        }
    }
    for url in ["http://shop.example/u", "javascript:alert(1)", "https://a.example/>,<mailto:x@y.example", ""]
    {
        let mut parcel = parcel();
        parcel.content.unsubscribe_url = Some(url.to_owned());
        assert!(compose(&parcel, MAX).is_err(), "{url}");
    }
    let mut parcel = parcel();
    parcel.content.parts.insert("subject".to_owned(), "=?utf-8?q?other=20text?=".to_owned());
    assert!(compose(&parcel, MAX).is_err());
}

#[test]
fn a_name_with_quotes_and_brackets_stays_a_name() {
    for name in ["Ann \"The Shop\" <x@evil.example>", "a, b; c: d", "back\\slash", "O'Brien & Söhne (Köln)"]
    {
        let mut parcel = parcel();
        parcel.content.sender.insert("from_name".to_owned(), name.to_owned());
        let bytes = compose(&parcel, MAX).unwrap();
        let message = parsed(&bytes);
        let from: Vec<_> = message.from().unwrap().iter().map(|a| (a.name(), a.address())).collect();
        assert_eq!(from, [(Some(name), Some("shop@shop.example"))]);
    }
}

#[test]
fn runs_of_white_space_in_a_header_are_one() {
    for (given, expected) in [
        ("  two  words  ", "two words"),
        ("ご購入  ありがとう", "ご購入 ありがとう"),
        ("ご購入\u{3000}\u{3000}ありがとう ", "ご購入\u{3000}ありがとう"),
        ("a \u{a0} é   b", "a é b"),
        ("日本 ascii 日本  ascii  ascii", "日本 ascii 日本 ascii ascii"),
    ] {
        let mut parcel = parcel();
        parcel.content.parts.insert("subject".to_owned(), given.to_owned());
        parcel.content.sender.insert("from_name".to_owned(), given.to_owned());
        let bytes = compose(&parcel, MAX).unwrap();
        let message = parsed(&bytes);
        assert_eq!(message.subject(), Some(expected), "{given:?}");
        let name = message.from().and_then(|from| from.first()).and_then(|one| one.name());
        assert_eq!(name, Some(expected), "{given:?}");
    }
}

proptest::proptest! {
    // Spaces beside letters of every script, so that runs of them touch encoded words.
    #[test]
    fn a_subject_is_read_as_it_was_approved(subject in "[ \u{3000}a-zé旅の=?_.,;:()\u{1f5fe}]{1,120}") {
        let mut parcel = parcel();
        parcel.content.parts = map(&[("subject", &subject), ("text", "x")]);
        if let Ok(bytes) = compose(&parcel, MAX) {
            let message = parsed(&bytes);
            proptest::prop_assert_eq!(message.subject().unwrap(), super::squeezed(&subject));
        }
    }

    #[test]
    fn whatever_goes_in_the_headers_are_those_that_were_meant(subject: String, name: String, text: String, html: String) {
        let mut parcel = parcel();
        parcel.content.parts = map(&[("subject", &subject), ("text", &text), ("html", &html)]);
        parcel.content.sender.insert("from_name".to_owned(), name);
        if let Ok(bytes) = compose(&parcel, MAX) {
            let message = parsed(&bytes);
            let mut names: Vec<&str> = message.headers_raw().map(|(name, _)| name).collect();
            names.sort_unstable();
            names.retain(|name| !matches!(*name, "Content-Transfer-Encoding" | "Content-Type"));
            proptest::prop_assert_eq!(names, [
                "Content-Language", "Date", "From", "List-Unsubscribe", "List-Unsubscribe-Post", "MIME-Version",
                "Message-ID", "Reply-To", "Subject", "To",
            ]);
            proptest::prop_assert_eq!(message.from().unwrap().iter().count(), 1);
            proptest::prop_assert_eq!(message.subject().unwrap(), super::squeezed(&subject));
        }
    }
}
