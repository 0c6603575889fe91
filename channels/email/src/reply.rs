//! Replies of the relay (RFC 5321 section 4.2), read from bytes with limits.
//!
//! Invariant: whatever arrives, parsing ends, in time and memory linear in [`BYTES_MAX`].

/// The longest line we read; RFC 5321 section 4.5.3.1.5 allows 512.
const LINE_MAX: usize = 2048;
/// The most bytes of one reply.
pub(crate) const BYTES_MAX: usize = 32 * 1024;

/// A whole reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    /// Three digits, 200 to 599.
    pub(crate) code: u16,
    /// The text of its lines, without codes.
    pub(crate) lines: Vec<String>,
}

/// Why bytes are no reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// Not of the form of a reply.
    Garbage,
    /// Longer than any reply.
    Endless,
}

impl Unreadable {
    pub(crate) fn what(self) -> &'static str {
        match self {
            Self::Garbage => "the relay answered with something that is no SMTP reply",
            Self::Endless => "the relay's reply did not end",
        }
    }
}

impl Reply {
    /// Reads a reply from the start of `bytes`: the reply and its length, or `None` while more bytes are needed. A line
    /// may end in a bare LF, as some relays have it.
    pub(crate) fn read(bytes: &[u8]) -> Result<Option<(Self, usize)>, Unreadable> {
        let mut code = None;
        let mut lines = Vec::new();
        let mut at = 0;
        loop {
            let rest = &bytes[at..];
            let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
                // Garbage is told at once: who greets in HTTP or TLS need not be waited for.
                if !plausible(rest) {
                    return Err(Unreadable::Garbage);
                }
                return if rest.len() > LINE_MAX || at > BYTES_MAX {
                    Err(Unreadable::Endless)
                } else {
                    Ok(None)
                };
            };
            if end > LINE_MAX || at + end > BYTES_MAX {
                return Err(Unreadable::Endless);
            }
            let line = &rest[..end];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let (this, last, text) = parse_line(line).ok_or(Unreadable::Garbage)?;
            if *code.get_or_insert(this) != this {
                return Err(Unreadable::Garbage);
            }
            lines.push(text);
            at += end + 1;
            if last {
                return Ok(Some((Self { code: this, lines }, at)));
            }
        }
    }

    /// The first digit.
    pub(crate) fn class(&self) -> u16 {
        self.code / 100
    }

    /// The enhanced status code (RFC 3463, RFC 2034) where the reply has one that agrees with its code.
    pub(crate) fn enhanced(&self) -> Option<(u16, u16, u16)> {
        let word = self.lines.last()?.split_whitespace().next()?;
        let mut parts = word.split('.').map(|part| {
            let digits = (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| part.parse::<u16>().ok()).flatten()
        });
        let code = (parts.next()??, parts.next()??, parts.next()??);
        (parts.next().is_none() && code.0 == self.class()).then_some(code)
    }

    /// The reply in a line, fit for records: no addresses, no control characters, at most 300 characters.
    pub(crate) fn answer(&self) -> String {
        let enhanced = self
            .lines
            .last()
            .and_then(|line| line.split_whitespace().next())
            .filter(|_| self.enhanced().is_some());
        let mut answer = self.code.to_string();
        for (at, line) in self.lines.iter().enumerate() {
            let line = match enhanced {
                // Relays repeat the enhanced code on every line.
                Some(code) if at > 0 => line.strip_prefix(code).unwrap_or(line),
                _ => line,
            };
            for word in line.split_whitespace() {
                answer.push(' ');
                answer.push_str(if word.contains('@') { "<…>" } else { word });
            }
        }
        crate::line::clean(&answer)
    }
}

/// Whether `start` may still become a line of a reply.
fn plausible(start: &[u8]) -> bool {
    start.iter().take(4).enumerate().all(|(at, byte)| match at {
        0 => (b'2'..=b'5').contains(byte),
        1 | 2 => byte.is_ascii_digit(),
        _ => matches!(byte, b' ' | b'-' | b'\r' | b'\n'),
    })
}

fn parse_line(line: &[u8]) -> Option<(u16, bool, String)> {
    if line.len() < 3 || !plausible(line) {
        return None;
    }
    let code = line[..3].iter().fold(0, |code, byte| code * 10 + u16::from(byte - b'0'));
    let last = line.get(3) != Some(&b'-');
    Some((code, last, String::from_utf8_lossy(line.get(4..).unwrap_or_default()).into_owned()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[track_caller]
    fn read(text: &str) -> Result<Option<(Reply, usize)>, Unreadable> {
        Reply::read(text.as_bytes())
    }

    #[test]
    fn a_reply_of_several_lines_is_one_reply() {
        let (reply, len) =
            read("250-relay.example\r\n250-PIPELINING\r\n250 SIZE 100\r\n354 next").unwrap().unwrap();
        assert_eq!((reply.code, reply.lines.len(), len), (250, 3, 49));
        assert_eq!(read("250-relay.example\r\n25").unwrap(), None);
    }

    #[test]
    fn what_is_no_reply_is_told_at_once() {
        for text in [
            "HTTP/1.1 400 Bad Request\r\n",
            "\u{16}\u{3}",
            "650 x\r\n",
            "25x\r\n",
            "250-a\r\n251 b\r\n",
            "2500\r\n",
            "\r\n",
            "25\r\n",
        ] {
            assert_eq!(read(text), Err(Unreadable::Garbage), "{text:?}");
        }
    }

    #[test]
    fn an_endless_reply_ends() {
        assert_eq!(read(&"250-more\r\n".repeat(10_000)), Err(Unreadable::Endless));
        assert_eq!(read(&format!("250 {}", "x".repeat(5000))), Err(Unreadable::Endless));
    }

    #[test]
    fn enhanced_codes_count_only_where_they_agree() {
        let enhanced = |text: &str| read(text).unwrap().unwrap().0.enhanced();
        assert_eq!(enhanced("550 5.1.1 no such user\r\n"), Some((5, 1, 1)));
        assert_eq!(enhanced("550-5.7.26 a\r\n550 5.7.26 b\r\n"), Some((5, 7, 26)));
        assert_eq!(enhanced("550 4.1.1 no\r\n"), None);
        assert_eq!(enhanced("550 5.1 no\r\n"), None);
        assert_eq!(enhanced("550\r\n"), None);
    }

    #[test]
    fn an_answer_has_no_addresses_and_no_control_characters() {
        let (reply, _) =
            read("550-5.1.1 <ann@example.com>: no\u{1b}[31m\r\n550 5.1.1 such user\n").unwrap().unwrap();
        assert_eq!(reply.answer(), "550 5.1.1 <…> no [31m such user");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_end_in_a_reply_or_an_error_however_they_are_cut(bytes: Vec<u8>, head in "[2-5][0-9]{2}[- ]?", at: usize) {
            let bytes = [head.as_bytes(), &bytes].concat();
            let cut = at % (bytes.len() + 1);
            let whole = Reply::read(&bytes);
            // What the first part already tells stays true when the rest arrives.
            match Reply::read(&bytes[..cut]) {
                Ok(None) => {}
                told => proptest::prop_assert_eq!(told, whole),
            }
            if let Ok(Some((reply, len))) = Reply::read(&bytes) {
                proptest::prop_assert!(len <= bytes.len() && (200..600).contains(&reply.code));
                proptest::prop_assert!(!reply.answer().contains(['\r', '\n', '@']));
            }
        }
    }
}
