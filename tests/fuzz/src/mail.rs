//! Mail: what is composed is a sound message that a parser of other people's making reads as it was meant, with exactly the
//! headers that were meant, whatever the brand, the template or the customer says.

use crate::parts::{lines, number, text};
use channel::{Adapter, Content, Parcel};
use email::{SmtpAdapter, SmtpConfig, Tls};
use mail_parser::{MessageParser, PartType};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use words::{DeliveryId, MessageClass, MessageId};

static SMTP: LazyLock<SmtpAdapter> = LazyLock::new(|| {
    let config = SmtpConfig { bytes_max: 256 * 1024, ..SmtpConfig::new("127.0.0.1", 25, Tls::None) };
    SmtpAdapter::new(config).expect("the settings are right")
});

/// Subject, sender's name, sender, recipient, address of unsubscribing, locale; then the text, and after a line of `--html`
/// the HTML.
pub(crate) fn run(bytes: &[u8]) {
    let [subject, name, from, to, unsubscribe, locale, body] = lines(bytes);
    let parcel = parcel([subject, name, from, to, unsubscribe, locale].map(text), &text(body), number(bytes));
    let Ok(composed) = SMTP.compose(&parcel) else { return };
    assert_eq!(SMTP.compose(&parcel).as_ref(), Ok(&composed), "not the same twice");
    sound(&composed.bytes);
    reads_as_meant(&parcel, &composed.bytes);
}

fn parcel([subject, name, from, to, unsubscribe, locale]: [String; 6], body: &str, chance: usize) -> Parcel {
    let or = |text: String, other: &str| if text.is_empty() { other.to_owned() } else { text };
    let (plain, html) = body.split_once("\n--html\n").unwrap_or((body, ""));
    let parts = [("subject", subject.as_str()), ("text", plain), ("html", html)];
    let mut sender = BTreeMap::from([("from".to_owned(), or(from, "shop@shop.example"))]);
    if !name.is_empty() {
        sender.insert("from_name".to_owned(), name);
    }
    Parcel {
        delivery: DeliveryId([4; 16]),
        message: MessageId([3; 16]),
        class: if chance.is_multiple_of(2) { MessageClass::Marketing } else { MessageClass::Transactional },
        to: or(to, "taro@example.jp"),
        content: Content {
            parts: parts.map(|(name, text)| (name.to_owned(), text.to_owned())).into(),
            sender,
            unsubscribe_url: (!unsubscribe.is_empty()).then_some(unsubscribe),
            locale: or(locale, "en"),
            date: "2026-11-21T09:30:00+09:00".to_owned(),
        },
    }
}

/// Lines of ASCII that end in CRLF and in nothing else, none too long (RFC 5322 section 2.1.1).
fn sound(bytes: &[u8]) {
    assert!(bytes.ends_with(b"\r\n"));
    for line in bytes.strip_suffix(b"\r\n").unwrap_or(bytes).split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        assert!(
            line.len() <= 998 && line.iter().all(|b| matches!(b, b' '..=b'~' | b'\t')),
            "{:?}",
            text(line)
        );
    }
    let bare = bytes.iter().enumerate().any(|(at, byte)| match byte {
        b'\n' => at == 0 || bytes[at - 1] != b'\r',
        b'\r' => bytes.get(at + 1) != Some(&b'\n'),
        _ => false,
    });
    assert!(!bare, "a bare line end");
}

fn reads_as_meant(parcel: &Parcel, bytes: &[u8]) {
    let message = MessageParser::default().parse(bytes).expect("a message");
    let content = &parcel.content;
    let names: Vec<String> = message.headers_raw().map(|(name, _)| name.to_ascii_lowercase()).collect();
    let unique: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(unique.len(), names.len(), "a header twice: {names:?}");
    let mut meant: BTreeSet<&str> =
        ["date", "from", "to", "subject", "message-id", "content-language", "mime-version", "content-type"]
            .into();
    if content.unsubscribe_url.is_some() {
        meant.extend(["list-unsubscribe", "list-unsubscribe-post"]);
    }
    if parcel.class != MessageClass::Marketing {
        meant.insert("auto-submitted");
    }
    let parts = ["text", "html"].map(|name| content.parts.get(name).filter(|text| !text.is_empty()));
    if parts.iter().flatten().count() == 1 {
        meant.insert("content-transfer-encoding");
    }
    assert_eq!(unique, meant);
    // A run of white space reads as one, or as none at the ends.
    let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let subject = content.parts.get("subject").map(|text| squeezed(text));
    assert_eq!(message.subject().map(squeezed), subject);
    for (list, name, meant) in
        [(message.to(), "To", &parcel.to), (message.from(), "From", &content.sender["from"])]
    {
        let list: Vec<_> = list.map(|list| list.iter().collect()).unwrap_or_default();
        assert_eq!(list.len(), 1, "one address and no other: {list:?}");
        let meant = words::EmailAddress::parse(meant).expect("it was composed");
        let (local, domain) = meant.as_str().rsplit_once('@').expect("an address");
        if local.starts_with('.') || local.ends_with('.') || local.contains("..") {
            // Quoted, which the parser does not read outside of angle brackets.
            let raw = message.header_raw(name).unwrap_or_default();
            assert!(raw.contains(&format!("\"{local}\"@{domain}")), "{raw}");
        } else {
            assert_eq!(list[0].address(), Some(meant.as_str()));
        }
    }
    let crlf = |text: &str| text.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n");
    let mut read: Vec<String> = message
        .parts
        .iter()
        .filter_map(|part| match &part.body {
            PartType::Text(text) | PartType::Html(text) => Some(text.to_string()),
            _ => None,
        })
        .collect();
    let meant: Vec<String> = parts.into_iter().flatten().map(|text| crlf(text)).collect();
    // A message that is one part ends with the end of a line, whether its text does or not.
    if let ([one], [wanted]) = (&mut read[..], &meant[..])
        && one.strip_suffix("\r\n") == Some(wanted)
    {
        one.clone_from(wanted);
    }
    assert_eq!(read, meant, "the parts read otherwise");
}
