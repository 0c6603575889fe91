//! Signatures: HMAC-SHA256 over the body as it arrived, compared in constant time.

use super::mapping::Signature;
use http::HeaderMap;
use ring::hmac;

/// Whether whoever sent `body` knows the secret.
pub(crate) fn verified(signature: &Signature, secret: &[u8], headers: &HeaderMap, body: &[u8]) -> bool {
    let Some(given) = headers.get(signature.header.as_str()).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let decoded = if signature.hex {
        data_encoding::HEXLOWER_PERMISSIVE.decode(given.trim().as_bytes()).ok()
    } else {
        data_encoding::BASE64.decode(given.trim().as_bytes()).ok()
    };
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    decoded.is_some_and(|tag| hmac::verify(&key, body, &tag).is_ok())
}
