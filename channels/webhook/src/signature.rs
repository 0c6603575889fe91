//! Signatures by Standard Webhooks 1.0, symmetric (`v1`).
//!
//! Source: the Standard Webhooks specification: HMAC-SHA256 over `id.timestamp.body`, Base64, prefixed by `v1,`; several
//! signatures are separated by a space, which is how keys are rotated; receivers allow five minutes between the
//! timestamp and their clock. The timestamp is therefore that of the attempt, the id that of the delivery: equal over
//! all attempts, so that a receiver can tell a second attempt from a second message.

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::hmac;

/// A secret: the key of one endpoint, or the root that the keys of all endpoints are made from.
#[derive(Clone)]
pub struct Key(Vec<u8>);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

/// Why a text is no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not Base64.
    #[error("the webhook secret is not Base64, with or without `whsec_` before it")]
    Base64,
    /// Too short or too long.
    #[error("the webhook secret has {0} bytes; the standard asks for 24 to 64")]
    Length(usize),
}

impl Key {
    /// Reads `whsec_` and Base64 of 24 to 64 bytes.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        let bytes =
            STANDARD.decode(text.strip_prefix("whsec_").unwrap_or(text)).map_err(|_| KeyError::Base64)?;
        if !(24..=64).contains(&bytes.len()) {
            return Err(KeyError::Length(bytes.len()));
        }
        Ok(Self(bytes))
    }

    /// The key of the endpoint at `url`, made from this root: one customer's secret says nothing about another's.
    pub fn of_endpoint(&self, url: &str) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        Self(hmac::sign(&root, format!("tabi/webhook/v1\0{url}").as_bytes()).as_ref().to_vec())
    }

    /// As the receiver enters it: `whsec_…`.
    pub fn to_text(&self) -> String {
        format!("whsec_{}", STANDARD.encode(&self.0))
    }
}

fn message(id: &str, timestamp: i64, body: &[u8]) -> Vec<u8> {
    [format!("{id}.{timestamp}.").as_bytes(), body].concat()
}

/// The value of `webhook-signature`: one signature per key, so that a receiver who knows the old or the new one agrees.
pub fn sign(keys: &[Key], id: &str, timestamp: i64, body: &[u8]) -> String {
    let message = message(id, timestamp, body);
    let one = |key: &Key| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key.0);
        format!("v1,{}", STANDARD.encode(hmac::sign(&key, &message)))
    };
    keys.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// Whether one of the signatures in `header` fits, in constant time, and `timestamp` (seconds) lies within five minutes
/// of `now`.
pub fn verify(key: &Key, id: &str, timestamp: i64, body: &[u8], header: &str, now: i64) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key.0);
    let message = message(id, timestamp, body);
    let fits = |signature: &str| {
        let tag = signature.strip_prefix("v1,").and_then(|text| STANDARD.decode(text).ok());
        tag.is_some_and(|tag| hmac::verify(&key, &message, &tag).is_ok())
    };
    timestamp.abs_diff(now) <= 300 && header.split(' ').any(fits)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The worked example of the specification's own libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const TIME: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    #[test]
    fn the_published_example_is_signed_alike() {
        assert_eq!(sign(&[Key::parse(SECRET).unwrap()], ID, TIME, BODY), SIGNATURE);
    }

    #[test]
    fn any_change_and_any_late_call_is_noticed() {
        let key = Key::parse(SECRET).unwrap();
        assert!(verify(&key, ID, TIME, BODY, SIGNATURE, TIME + 300));
        assert!(!verify(&key, ID, TIME, BODY, SIGNATURE, TIME + 301));
        assert!(!verify(&key, ID, TIME, BODY, SIGNATURE, TIME - 301));
        assert!(!verify(&key, ID, TIME + 1, BODY, SIGNATURE, TIME));
        assert!(!verify(&key, "msg_other", TIME, BODY, SIGNATURE, TIME));
        assert!(!verify(&key, ID, TIME, b"{}", SIGNATURE, TIME));
        assert!(!verify(&key, ID, TIME, BODY, "", TIME));
    }

    #[test]
    fn while_keys_rotate_both_fit() {
        let old = Key::parse(SECRET).unwrap();
        let new = old.of_endpoint("https://example.com/hook");
        let header = sign(&[new.clone(), old.clone()], ID, TIME, BODY);
        assert!(verify(&old, ID, TIME, BODY, &header, TIME));
        assert!(verify(&new, ID, TIME, BODY, &header, TIME));
    }

    #[test]
    fn every_endpoint_has_a_key_of_its_own() {
        let root = Key::parse(SECRET).unwrap();
        let texts = ["https://a.example/", "https://b.example/"].map(|url| root.of_endpoint(url).to_text());
        assert_ne!(texts[0], texts[1]);
        assert!(Key::parse(&texts[0]).is_ok());
        assert_eq!(format!("{root:?}"), "Key(…)");
    }

    #[test]
    fn a_weak_or_garbled_secret_is_refused() {
        assert_eq!(Key::parse("whsec_AAAA").unwrap_err(), KeyError::Length(3));
        assert_eq!(Key::parse("whsec_ä").unwrap_err(), KeyError::Base64);
    }
}
