//! How parts stand in a mail: quoted-printable and base64, as our composer writes them (RFC 2045 section 6).
//!
//! These are part of the stored form: they never change. What a composer writes in another way is kept as it is.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

/// The longest encoded line, without its end.
const LINE: usize = 76;

/// How a text was encoded. Line ends are CRLF in all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Encoding {
    /// Not at all.
    Lines,
    QuotedPrintable,
    Base64,
}

impl Encoding {
    /// What a composer may have chosen, the likeliest first.
    pub(super) fn likely(text: &str) -> [Self; 3] {
        let foreign = text.bytes().filter(|byte| !byte.is_ascii()).count();
        if foreign > text.len() / 6 {
            [Self::Base64, Self::QuotedPrintable, Self::Lines]
        } else {
            [Self::QuotedPrintable, Self::Base64, Self::Lines]
        }
    }

    pub(super) fn encode(self, text: &str) -> Vec<u8> {
        let text = crlf(text);
        match self {
            Self::Lines => text,
            Self::QuotedPrintable => quoted_printable(&text),
            Self::Base64 => base64(&text),
        }
    }
}

/// Every line end, of whatever kind, as CRLF.
fn crlf(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 32);
    let mut rest = bytes;
    while let Some(at) = memchr::memchr2(b'\r', b'\n', rest) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(b"\r\n");
        let end = if rest[at..].starts_with(b"\r\n") { 2 } else { 1 };
        rest = &rest[at + end..];
    }
    out.extend_from_slice(rest);
    out
}

fn base64(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() / 57 * 78 + 80);
    let mut line = String::with_capacity(LINE);
    for chunk in bytes.chunks(LINE / 4 * 3) {
        if !out.is_empty() {
            out.extend_from_slice(b"\r\n");
        }
        line.clear();
        STANDARD.encode_string(chunk, &mut line);
        out.extend_from_slice(line.as_bytes());
    }
    out
}

/// A line being written.
struct Line {
    out: Vec<u8>,
    /// How many bytes stand on it.
    used: usize,
    /// Where its last token begins.
    last: usize,
}

impl Line {
    fn token(&mut self, token: &[u8]) {
        if self.used + token.len() > LINE {
            if self.used == LINE {
                // No room for the `=` of the break: the last token goes down with it.
                self.used = self.out.len() - self.last;
                let moved = self.out.split_off(self.last);
                self.out.extend_from_slice(b"=\r\n");
                self.out.extend_from_slice(&moved);
            } else {
                self.out.extend_from_slice(b"=\r\n");
                self.used = 0;
            }
        }
        self.last = self.out.len();
        self.out.extend_from_slice(token);
        self.used += token.len();
    }

    fn escaped(&mut self, byte: u8) {
        const HEX: &[u8; 16] = b"0123456789ABCDEF";
        self.token(&[b'=', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
    }

    /// A space at the end of a line does not survive the way; it is written as what it is.
    fn close(&mut self) {
        if let Some(byte @ (b' ' | b'\t')) = self.out.last().copied() {
            self.out.pop();
            self.used = self.used.saturating_sub(1);
            self.escaped(byte);
        }
    }
}

fn plain(byte: u8) -> bool {
    byte == b'\t' || (b' '..=b'~').contains(&byte) && byte != b'='
}

fn quoted_printable(bytes: &[u8]) -> Vec<u8> {
    let mut line = Line { out: Vec::with_capacity(bytes.len() + bytes.len() / 8), used: 0, last: 0 };
    let mut rest = bytes;
    while let Some(&byte) = rest.first() {
        if rest.starts_with(b"\r\n") {
            line.close();
            line.out.extend_from_slice(b"\r\n");
            line.used = 0;
            rest = &rest[2..];
            continue;
        }
        // What surely fits goes in one piece.
        let room = LINE.saturating_sub(line.used + 2);
        let run = rest.iter().take(room).take_while(|byte| plain(**byte)).count();
        if run > 0 {
            line.out.extend_from_slice(&rest[..run]);
            line.used += run;
            line.last = line.out.len();
            rest = &rest[run..];
            continue;
        }
        if plain(byte) {
            line.token(&[byte]);
        } else {
            line.escaped(byte);
        }
        rest = &rest[1..];
    }
    line.close();
    line.out
}
