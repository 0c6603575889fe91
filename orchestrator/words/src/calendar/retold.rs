//! Sentences that tell an instant in UTC, retold by other clocks: the record keeps one sentence, its readers have many.

use super::local_clock;
use crate::{Timestamp, Zone};
use std::borrow::Cow;

/// The length of `2026-11-21T09:30`.
const MINUTE: usize = 16;

/// The same text with every instant in UTC (`2026-11-21 09:30 UTC`, `2026-11-21T09:30:00Z`) told by the clocks of `zone`,
/// as `2026-11-21 18:30 Asia/Tokyo`. Everything else stays as it is.
pub fn retold<'t>(text: &'t str, zone: &Zone) -> Cow<'t, str> {
    if *zone == Zone::utc() {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    let (mut kept, mut at) = (0, 0);
    while let Some(found) = text.get(at..).and_then(|rest| rest.find(|c: char| c.is_ascii_digit())) {
        let start = at + found;
        // Past the digits that begin here: "12026-…" is no year.
        let digits = text[start..].bytes().take_while(u8::is_ascii_digit).count();
        at = start + digits;
        if let Some((instant, len)) = instant(&text[start..]) {
            let local = local_clock(zone, instant);
            out.push_str(&text[kept..start]);
            out.push_str(&format!(
                "{} {:02}:{:02} {}",
                local.date(),
                local.hour(),
                local.minute(),
                zone.name()
            ));
            (kept, at) = (start + len, start + len);
        }
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[kept..]);
    Cow::Owned(out)
}

/// The instant in UTC that a text begins with, and its length.
fn instant(text: &str) -> Option<(Timestamp, usize)> {
    let minute = text.get(..MINUTE)?;
    let shape = minute.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        10 => matches!(byte, b' ' | b'T'),
        13 => byte == b':',
        _ => byte.is_ascii_digit(),
    });
    if !shape {
        return None;
    }
    let rest = &text[MINUTE..];
    let (seconds, end) = if rest.starts_with(" UTC") {
        ("", " UTC".len())
    } else {
        let seconds =
            rest.bytes().take_while(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.')).count();
        (&rest[..seconds], seconds + rest[seconds..].strip_prefix('Z').map(|_| 1)?)
    };
    let seconds = if seconds.is_empty() { ":00" } else { seconds };
    let at = Timestamp::parse(&format!("{}{seconds}Z", minute.replace(' ', "T"))).ok()?;
    Some((at, MINUTE + end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_in_utc_are_told_by_the_readers_clocks_and_nothing_else_is_touched() {
        let tokyo = Zone::parse("Asia/Tokyo").unwrap_or_else(|_| Zone::utc());
        for (text, told) in [
            ("waits until 2026-11-21 15:30 UTC", "waits until 2026-11-22 00:30 Asia/Tokyo"),
            ("2026-11-21 15:30 UTC まで待ちます", "2026-11-22 00:30 Asia/Tokyo まで待ちます"),
            ("event.at = 2026-11-21T15:30:05.5Z, then", "event.at = 2026-11-22 00:30 Asia/Tokyo, then"),
            (
                "a 2026-01-01 00:00 UTC b 2026-01-02T00:00Z",
                "a 2026-01-01 09:00 Asia/Tokyo b 2026-01-02 09:00 Asia/Tokyo",
            ),
            ("by 2026-11-21 09:30 (Asia/Tokyo)", "by 2026-11-21 09:30 (Asia/Tokyo)"),
            (
                "order 12026-11-21 09:30 UTC, 2026-99-99 09:30 UTC",
                "order 12026-11-21 09:30 UTC, 2026-99-99 09:30 UTC",
            ),
            ("注文2026", "注文2026"),
        ] {
            assert_eq!(retold(text, &tokyo), told);
            assert_eq!(retold(text, &Zone::utc()), text);
        }
    }
}
