//! Signed links: `v1.kid.payload.mac`, for unsubscribe, preferences, clicks, surveys.
//!
//! The purpose is inside the MAC and not in the text: a link made for one route is nothing on another. Payloads hold
//! opaque ids, never an address or a name.

use crate::Vault;
use data_encoding::BASE64URL_NOPAD as BASE64;
use ring::hmac;

/// Longer tokens are refused unread.
const TOKEN_MAX: usize = 2048;

/// Why a link is refused. Answer all of them alike: 404.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// It does not have the shape of a token.
    #[error("this is no link of ours")]
    Malformed,
    /// It was signed with a key that is not in use (any more).
    #[error("this link was signed with another key")]
    UnknownKey,
    /// It was changed, or was made for another purpose.
    #[error("this link was changed or was made for something else")]
    Forged,
}

impl Vault {
    /// Signs a link. `payload` must hold no personal data; `purpose` names the one route that takes it.
    pub fn sign_link(&self, purpose: &str, payload: &[u8]) -> String {
        let kid = self.link_kid();
        let mac = hmac::sign(&self.0.derived.link, &signed_bytes(purpose, &kid, payload));
        format!("v1.{kid}.{}.{}", BASE64.encode(payload), BASE64.encode(mac.as_ref()))
    }

    /// The payload of a link that was signed here for this purpose.
    pub fn verify_link(&self, purpose: &str, token: &str) -> Result<Vec<u8>, LinkError> {
        if token.len() > TOKEN_MAX {
            return Err(LinkError::Malformed);
        }
        let mut parts = token.split('.');
        let (Some("v1"), Some(kid), Some(payload), Some(tag), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(LinkError::Malformed);
        };
        let decode = |text: &str| BASE64.decode(text.as_bytes()).map_err(|_| LinkError::Malformed);
        let (payload, tag) = (decode(payload)?, decode(tag)?);
        if kid != self.link_kid() {
            return Err(LinkError::UnknownKey);
        }
        hmac::verify(&self.0.derived.link, &signed_bytes(purpose, kid, &payload), &tag)
            .map_err(|_| LinkError::Forged)
            .map(|()| payload)
    }

    fn link_kid(&self) -> String {
        let tag = hmac::sign(&self.0.derived.link, b"tabi/link/kid");
        BASE64.encode(&tag.as_ref()[..6])
    }
}

/// Length-prefixed, so that no two links sign the same bytes.
fn signed_bytes(purpose: &str, kid: &str, payload: &[u8]) -> Vec<u8> {
    let mut out = b"tabi/link/v1\0".to_vec();
    for part in [purpose.as_bytes(), kid.as_bytes(), payload] {
        out.extend_from_slice(&(part.len() as u64).to_be_bytes());
        out.extend_from_slice(part);
    }
    out
}
