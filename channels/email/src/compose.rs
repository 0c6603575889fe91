//! From a parcel to a complete message: RFC 5322, MIME, one-click unsubscribe.
//!
//! Pure, and equal parcels give equal bytes. Invariant: no byte of a parcel reaches the message unencoded but what was
//! checked to be printable ASCII; the finished bytes are checked once more as a whole.

use crate::address::mailbox;
use channel::Parcel;
use lettre::{
    Address, Message,
    message::{
        Body, Mailbox, MultiPart, SinglePart,
        header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue},
    },
};
use std::time::{Duration, UNIX_EPOCH};
use words::{MessageClass, Timestamp};

/// 9999-01-01: later dates have no place in a header.
const SECONDS_MAX: i64 = 253_370_764_800;
/// The longest text of a header, in bytes.
const HEADER_MAX: usize = 2000;

/// The message of `parcel`. The error is a refusal, in words, free of the customer's data.
pub(crate) fn compose(parcel: &Parcel, bytes_max: usize) -> Result<Vec<u8>, String> {
    let content = &parcel.content;
    let total: usize = content.parts.values().map(String::len).sum();
    if total > bytes_max {
        return Err(format!("the message has {total} bytes before encoding, the limit is {bytes_max}"));
    }
    let sender = |key: &str| content.sender.get(key).map(String::as_str);
    let from =
        sender("from").ok_or("the sender has no `from`: give the brand a sender identity for e-mail")?;
    let (_, domain) = mailbox(from).map_err(|reason| format!("sender `from`: {reason}"))?;
    let subject = content.parts.get("subject").ok_or("an e-mail needs a subject")?;

    let mut message = Message::builder()
        .date(date(&content.date)?)
        .from(named("from", sender("from_name"), from)?)
        .to(named("to", None, &parcel.to)?)
        .envelope(placeholder()?);
    if let Some(address) = sender("sender") {
        message = message.sender(named("sender", sender("from_name"), address)?);
    }
    if let Some(address) = sender("reply_to") {
        message = message.reply_to(named("reply_to", None, address)?);
    }
    message = message
        .subject(header_text("the subject", subject)?)
        .message_id(Some(format!("<{}@{domain}>", parcel.message)))
        .raw_header(raw("Content-Language", language(&content.locale)?));
    if parcel.class != MessageClass::Marketing {
        message = message.raw_header(raw("Auto-Submitted", "auto-generated".to_owned()));
    }
    if let Some(url) = &content.unsubscribe_url {
        let mut list = format!("<{}>", unsubscribe_url(url)?);
        if let Some(address) = sender("unsubscribe_mailto") {
            let (local, domain) =
                mailbox(address).map_err(|reason| format!("sender `unsubscribe_mailto`: {reason}"))?;
            if local.contains(['"', '%', '?', '&', '#', '/']) {
                return Err("sender `unsubscribe_mailto`: use letters, digits, dots and hyphens".to_owned());
            }
            list.push_str(&format!(", <mailto:{local}@{domain}?subject=unsubscribe>"));
        }
        message = message
            .raw_header(raw("List-Unsubscribe", list))
            .raw_header(raw("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()));
    }

    let text = content.parts.get("text").filter(|text| !text.is_empty());
    let html = content.parts.get("html").filter(|html| !html.is_empty());
    let message = match (text, html) {
        (Some(text), Some(html)) => message.multipart(
            // `=_` occurs in no quoted-printable and no base64 text (RFC 2045 section 6.7), so no part can end early.
            MultiPart::alternative()
                .boundary(format!("=_{}", parcel.message))
                .singlepart(part("text", text, ContentType::TEXT_PLAIN)?)
                .singlepart(part("html", html, ContentType::TEXT_HTML)?),
        ),
        (Some(text), None) => message.singlepart(part("text", text, ContentType::TEXT_PLAIN)?),
        (None, Some(html)) => message.singlepart(part("html", html, ContentType::TEXT_HTML)?),
        (None, None) => return Err("an e-mail needs a `text` or an `html` part".to_owned()),
    };
    let bytes = message.map_err(|error| format!("the message cannot be built: {error}"))?.formatted();
    if bytes.len() > bytes_max {
        return Err(format!("the message has {} bytes, the limit is {bytes_max}", bytes.len()));
    }
    sound(&bytes)?;
    Ok(bytes)
}

/// lettre derives an envelope where none is given; ours is made at hand-over, so this one is never used.
fn placeholder() -> Result<lettre::address::Envelope, String> {
    let nobody = Address::new("nobody", "example.invalid").map_err(|error| error.to_string())?;
    lettre::address::Envelope::new(None, vec![nobody]).map_err(|error| error.to_string())
}

fn date(text: &str) -> Result<std::time::SystemTime, String> {
    let instant = Timestamp::parse(text).map_err(|_| "the date is not an RFC 3339 instant".to_owned())?;
    let seconds = instant.as_micros().div_euclid(1_000_000);
    match u64::try_from(seconds) {
        Ok(from_epoch) if seconds < SECONDS_MAX => Ok(UNIX_EPOCH + Duration::from_secs(from_epoch)),
        _ => Err("the date is outside 1970 to 9998".to_owned()),
    }
}

fn named(key: &str, name: Option<&str>, address: &str) -> Result<Mailbox, String> {
    let (local, domain) = mailbox(address).map_err(|reason| format!("`{key}`: {reason}"))?;
    let address = Address::new(local, domain).map_err(|error| format!("`{key}`: {error}"))?;
    let name = match name {
        Some(name) if !name.trim().is_empty() => Some(header_text("the sender's name", name.trim())?),
        _ => None,
    };
    Ok(Mailbox::new(name, address))
}

/// A text fit for a header: one line, nothing invisible that ends one, no ready-made encoded word.
fn header_text(what: &str, text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err(format!("{what} is empty"));
    }
    if text.len() > HEADER_MAX {
        return Err(format!("{what} has {} bytes, the limit is {HEADER_MAX}", text.len()));
    }
    if text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
        return Err(format!("{what} has a line break or another control character"));
    }
    // A mail program would decode it (RFC 2047): the reader would see other text than was approved.
    if text.split_once("=?").is_some_and(|(_, rest)| rest.contains("?=")) {
        return Err(format!("{what} has an RFC 2047 encoded word: give plain text"));
    }
    Ok(squeezed(text))
}

/// Without white space at its ends, and a run of it within as its first character: mail programs read a run that touches an
/// encoded word as one, or as none at the ends, and the reader shall see what was approved.
fn squeezed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut within = false;
    for c in text.trim().chars() {
        let space = c.is_whitespace();
        if !(space && within) {
            out.push(c);
        }
        within = space;
    }
    out
}

fn language(locale: &str) -> Result<String, String> {
    let tag = !locale.is_empty()
        && locale.len() <= 35
        && locale
            .split('-')
            .all(|sub| (1..=8).contains(&sub.len()) && sub.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    if tag {
        Ok(locale.to_owned())
    } else {
        Err("the locale is not a language tag such as `ja` or `en-GB`".to_owned())
    }
}

/// RFC 8058 section 3.1 asks for HTTPS; plain HTTP is for this machine alone, where the development inbox reads it.
fn unsubscribe_url(url: &str) -> Result<&str, String> {
    let local = ["http://127.0.0.1", "http://localhost", "http://[::1]"]
        .iter()
        .any(|start| url.strip_prefix(start).is_some_and(|rest| rest.starts_with([':', '/'])));
    if !local && !url.starts_with("https://") {
        return Err("the unsubscribe address is not an https URL".to_owned());
    }
    if url.len() > 900 || !url.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\",\\".contains(&byte)) {
        return Err(
            "the unsubscribe address is too long or has characters that a URL does not have".to_owned()
        );
    }
    Ok(url)
}

fn raw(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value)
}

/// A part, always encoded: quoted-printable, or base64 where that is shorter (most Japanese).
fn part(name: &str, text: &str, kind: ContentType) -> Result<SinglePart, String> {
    if text.contains('\0') {
        return Err(format!("the part `{name}` has a NUL character"));
    }
    let text = crlf(text);
    let foreign = text.bytes().filter(|byte| !byte.is_ascii()).count();
    let encoding = if foreign > text.len() / 6 {
        ContentTransferEncoding::Base64
    } else {
        ContentTransferEncoding::QuotedPrintable
    };
    let body = Body::new_with_encoding(text, encoding)
        .map_err(|_| format!("the part `{name}` cannot be encoded"))?;
    Ok(SinglePart::builder().content_type(kind).body(body))
}

/// Every line end, of whatever kind, as CRLF.
fn crlf(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 32);
    let mut rest = text;
    while let Some(at) = rest.find(['\r', '\n']) {
        out.push_str(&rest[..at]);
        out.push_str("\r\n");
        rest = &rest[at..];
        rest = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix(['\r', '\n'])).unwrap_or(rest);
    }
    out.push_str(rest);
    out
}

/// The last check, on the finished bytes, whoever made them: ASCII without NUL, CRLF alone, no line over 998 octets.
pub(crate) fn sound(bytes: &[u8]) -> Result<(), String> {
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let Some(line) = line.strip_suffix(b"\r\n") else {
            let what =
                if line.ends_with(b"\n") { "has a bare line feed" } else { "does not end with a line" };
            return Err(format!("the message {what}"));
        };
        if line.len() > 998 {
            return Err("the message has a line over 998 octets".to_owned());
        }
        if !line.is_ascii() || line.contains(&0) {
            return Err("the message has a byte that was not encoded".to_owned());
        }
        if line.contains(&b'\r') {
            return Err("the message has a bare carriage return".to_owned());
        }
    }
    if bytes.is_empty() { Err("the message does not end with a line".to_owned()) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
