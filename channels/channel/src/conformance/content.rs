//! What compose makes of honest and of hostile content.

use super::{FarSide, Script};
use crate::{Adapter, Outcome, Parcel};
use std::{collections::BTreeSet, time::Duration};

/// A header or a line that must never appear by itself.
const INJECTED: &str = "X-Injected";

/// Texts that templates, imports and attackers come up with.
fn hostile() -> Vec<(&'static str, String)> {
    vec![
        ("CR LF and a header", format!("a\r\n{INJECTED}: yes\r\n\r\nb")),
        ("a bare LF and a header", format!("a\n{INJECTED}: yes\n\nb")),
        ("a bare CR and a header", format!("a\r{INJECTED}: yes\r\rb")),
        ("NUL", "a\0b".to_owned()),
        ("the end of an SMTP message", "a\r\n.\r\nMAIL FROM:<evil@example.com>\r\n".to_owned()),
        ("the end of a message in bare LF", "a\n.\nMAIL FROM:<evil@example.com>\n.\r\n.\r".to_owned()),
        ("lines of dots", ".\r\n..\r\n...\r\n.".to_owned()),
        ("nothing", String::new()),
        ("white space", " \t ".to_owned()),
        ("emoji", "👩‍👩‍👧‍👦🎉".repeat(40)),
        ("right to left", "\u{202e}שלום\u{202c} مرحبا".to_owned()),
        ("Japanese", "株式会社〇〇より、山田太郎様へのお知らせです。".repeat(20)),
        ("quotes and brackets", "\"<>\\,;:@()[]{}%&=?'`".to_owned()),
        ("a line of 4,000 characters", "x".repeat(4000)),
        ("line separators of Unicode", "a\u{2028}b\u{2029}c\u{85}d\u{b}e\u{c}f".to_owned()),
        ("1 MB", "0123456789abcdef".repeat(65_536)),
    ]
}

/// Every parcel that `sample` becomes when one of its texts turns hostile, with a name for the report.
fn hostile_parcels(sample: &Parcel) -> Vec<(String, Parcel)> {
    let mut parcels = Vec::new();
    for (name, text) in hostile() {
        let mut put = |place: &str, change: &dyn Fn(&mut Parcel)| {
            let mut parcel = sample.clone();
            change(&mut parcel);
            parcels.push((format!("{name} in {place}"), parcel));
        };
        for part in sample.content.parts.keys() {
            put(&format!("part `{part}`"), &|p| {
                p.content.parts.insert(part.clone(), text.clone());
            });
        }
        for key in sample.content.sender.keys() {
            put(&format!("sender `{key}`"), &|p| {
                p.content.sender.insert(key.clone(), text.clone());
            });
        }
        put("`to`", &|p| p.to.clone_from(&text));
        put("`locale`", &|p| p.content.locale.clone_from(&text));
        put("`date`", &|p| p.content.date.clone_from(&text));
        put("`unsubscribe_url`", &|p| {
            p.content.unsubscribe_url = Some(format!("https://example.com/u/{text}"));
        });
    }
    parcels
}

pub(super) fn check(adapter: &dyn Adapter, sample: &Parcel, breaches: &mut Vec<String>) {
    capabilities(adapter, sample, breaches);
    for (name, parcel) in
        std::iter::once(("the sample".to_owned(), sample.clone())).chain(hostile_parcels(sample))
    {
        let first = adapter.compose(&parcel);
        if first != adapter.compose(&parcel) {
            breaches.push(format!("{name}: two compositions of one parcel differ"));
        }
        match first {
            Err(reason) if reason.trim().is_empty() => {
                breaches.push(format!("{name}: refused without a reason"))
            }
            Err(_) => {}
            Ok(composed) => {
                if composed.bytes.len() > adapter.capabilities().bytes_max {
                    breaches.push(format!("{name}: {} bytes composed, over bytes_max", composed.bytes.len()));
                }
                if let Some(breach) = smuggled(composed.media, &composed.bytes) {
                    breaches.push(format!("{name}: {breach}"));
                }
            }
        }
    }
}

/// What is wrong with composed bytes, whatever went in.
fn smuggled(media: &str, bytes: &[u8]) -> Option<String> {
    let has_line = |text: &[u8]| {
        text.split(|byte| matches!(byte, b'\r' | b'\n')).any(|line| {
            line.len() >= INJECTED.len() && line[..INJECTED.len()].eq_ignore_ascii_case(INJECTED.as_bytes())
        })
    };
    if bytes.contains(&0) {
        return Some("a NUL byte got through".to_owned());
    }
    match media {
        "message/rfc822" => {
            let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(bytes.len());
            if has_line(&bytes[..end]) {
                return Some("a header was injected".to_owned());
            }
            let mut before = 0;
            for (at, &byte) in bytes.iter().enumerate() {
                let next = bytes.get(at + 1).copied();
                if (byte == b'\n' && before != b'\r') || (byte == b'\r' && next != Some(b'\n')) {
                    return Some(format!("a bare CR or LF at byte {at}"));
                }
                if byte >= 0x80 {
                    return Some(format!("an unencoded byte at {at}"));
                }
                before = byte;
            }
            let longest = bytes.split(|byte| *byte == b'\n').map(<[u8]>::len).max().unwrap_or(0);
            (longest > 999).then(|| format!("a line of {longest} octets; RFC 5322 section 2.1.1 allows 998"))
        }
        "application/x-www-form-urlencoded" => bytes
            .iter()
            .any(|byte| matches!(byte, b'\r' | b'\n' | b' ') || *byte >= 0x80)
            .then(|| "a form body has characters that are not encoded".to_owned()),
        _ => None,
    }
}

fn capabilities(adapter: &dyn Adapter, sample: &Parcel, breaches: &mut Vec<String>) {
    let capabilities = adapter.capabilities();
    if adapter.provider().is_empty() || adapter.channel().as_str().is_empty() {
        breaches.push("the adapter has no provider or channel name".to_owned());
    }
    if capabilities.concurrency_max == 0 || capabilities.bytes_max == 0 {
        breaches.push("capabilities: a limit of 0 lets nothing through".to_owned());
    }
    let names: BTreeSet<&str> = capabilities.parts.iter().map(|part| part.name.as_str()).collect();
    if names.len() != capabilities.parts.len() {
        breaches.push("capabilities: a part is named twice".to_owned());
    }
    for part in capabilities.parts.iter().filter(|part| part.required) {
        let mut parcel = sample.clone();
        parcel.content.parts.remove(&part.name);
        if adapter.compose(&parcel).is_ok() {
            breaches.push(format!("capabilities call part `{}` required, compose does without", part.name));
        }
    }
    for name in sample.content.parts.keys().filter(|name| !names.contains(name.as_str())) {
        breaches.push(format!("the sample has a part `{name}` that the capabilities do not name"));
    }
    if let Some(part) = capabilities.parts.iter().find(|part| part.required)
        && capabilities.bytes_max <= 64 << 20
    {
        let mut parcel = sample.clone();
        parcel.content.parts.insert(part.name.clone(), "x".repeat(capabilities.bytes_max + 1));
        // A channel may cut or fold a part on purpose; what it may not do is exceed its own limit.
        if let Ok(composed) = adapter.compose(&parcel)
            && composed.bytes.len() > capabilities.bytes_max
        {
            breaches.push("capabilities: compose exceeds bytes_max".to_owned());
        }
    }
}

/// Hostile content that compose lets through arrives as exactly one message, unchanged.
pub(super) async fn check_over_the_wire(
    adapter: &dyn Adapter,
    far: &dyn FarSide,
    sample: &Parcel,
    breaches: &mut Vec<String>,
) {
    for (name, parcel) in hostile_parcels(sample) {
        let Ok(composed) = adapter.compose(&parcel) else { continue };
        if !far.script(Script::Accept).await {
            return;
        }
        let outcome = adapter.hand_over(&parcel, &composed.bytes, Duration::from_secs(20)).await;
        let taken = far.taken().await;
        let whole = taken.len() == 1 && taken[0] == composed.bytes;
        match outcome {
            Outcome::Accepted { .. } if whole => {}
            // What is left of a hostile address or token may be refused before any content goes out.
            Outcome::MessageRefused { .. } | Outcome::AddressDead { .. } if taken.is_empty() => {}
            other => breaches.push(format!(
                "{name}: outcome {}, {} contents arrived, {}",
                other.as_str(),
                taken.len(),
                if whole { "whole" } else { "not as composed" }
            )),
        }
    }
}
