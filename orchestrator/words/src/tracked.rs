//! Links that count clicks: what a signed link holds, and which addresses may be in one.
//!
//! Invariant: an address is one that a redirect may lead to: http or https, a plain host, no name or password before it,
//! nothing that a browser or a proxy could read in two ways.

use crate::{DeliveryId, MessageId};

/// What a link of a message is signed over: which one it is, and where it leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackedLink {
    /// In which message.
    pub message: MessageId,
    /// In which delivery of it.
    pub delivery: DeliveryId,
    /// The link's place among the different links of the message, from 1.
    pub number: u16,
    /// Where it leads, as it stands in the message.
    pub url: String,
}

/// The longest address that counts, in bytes; longer ones stay as they are.
const URL_BYTES_MAX: usize = 1_300;

impl TrackedLink {
    /// As the payload of a signed link.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(34 + self.url.len());
        out.extend(self.message.0);
        out.extend(self.delivery.0);
        out.extend(self.number.to_be_bytes());
        out.extend(self.url.as_bytes());
        out
    }

    /// From the payload of a signed link; `None` where it is no such payload or its address is not to be led to.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (ids, rest) = bytes.split_at_checked(32)?;
        let (number, url) = rest.split_at_checked(2)?;
        let url = std::str::from_utf8(url).ok()?;
        Some(Self {
            message: MessageId::from_slice(&ids[..16])?,
            delivery: DeliveryId::from_slice(&ids[16..])?,
            number: u16::from_be_bytes(number.try_into().ok()?),
            url: trackable(url).filter(|same| same == url)?,
        })
    }

    /// The host, for people: `shop.example`.
    pub fn host(&self) -> &str {
        authority(&self.url).unwrap_or_default()
    }
}

/// The address as a redirect writes it: what is outside ASCII percent-encoded, everything else as it stands. `None` where
/// no redirect may lead there.
pub fn trackable(url: &str) -> Option<String> {
    let odd = |c: char| c.is_control() || c.is_whitespace() || "\\\"<>^`{|}".contains(c);
    let authority = authority(url)?;
    let host_only = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    if authority.is_empty() || !authority.chars().all(host_only) || url.chars().any(odd) {
        return None;
    }
    let mut out = String::with_capacity(url.len());
    for byte in url.bytes() {
        if byte.is_ascii() {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    (out.len() <= URL_BYTES_MAX).then_some(out)
}

/// What stands between the scheme and the path.
fn authority(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    rest.split(['/', '?', '#']).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(url: &str) -> TrackedLink {
        TrackedLink {
            message: MessageId([2; 16]),
            delivery: DeliveryId([3; 16]),
            number: 7,
            url: url.to_owned(),
        }
    }

    #[test]
    fn a_link_reads_as_it_was_written() {
        let one = link("https://shop.example/a?b=c&d=%20#e");
        assert_eq!(TrackedLink::from_bytes(&one.to_bytes()), Some(one.clone()));
        assert_eq!(one.host(), "shop.example");
        for cut in 0..34 {
            assert_eq!(TrackedLink::from_bytes(&one.to_bytes()[..cut]), None, "{cut}");
        }
    }

    #[test]
    fn an_address_that_two_readers_could_read_differently_is_not_led_to() {
        for url in [
            "",
            "https://",
            "https:///x",
            "//evil.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "ftp://shop.example/",
            "https://shop.example@evil.example/",
            "https://shop.example:pass@evil.example/",
            "https://shop.example\\@evil.example/",
            "https://evil.example\\.shop.example/",
            "https://shop.example/\r\nSet-Cookie: x=1",
            "https://shop.example/a b",
            "https://shop.example/\u{0}",
            "https://例え.jp/",
            "https://shop.example/\"onclick",
            " https://shop.example/",
            "HTTPS://shop.example/",
        ] {
            assert_eq!(trackable(url), None, "{url:?}");
            assert_eq!(TrackedLink::from_bytes(&link(url).to_bytes()), None, "{url:?}");
        }
        assert_eq!(trackable(&format!("https://shop.example/{}", "a".repeat(2_000))), None);
    }

    #[test]
    fn what_is_outside_ascii_is_written_as_a_browser_would() {
        assert_eq!(trackable("https://shop.example/音").as_deref(), Some("https://shop.example/%E9%9F%B3"));
        assert_eq!(trackable("http://[::1]:8080/?q=[1]").as_deref(), Some("http://[::1]:8080/?q=[1]"));
    }
}
