//! Whether a callback is genuine.
//!
//! Source: Twilio documentation, «Security: validating requests»: Base64 of HMAC-SHA1 (key: the auth token) over the full
//! URL as the provider was given it, then each POST parameter's name and value, sorted by name, with nothing between.

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::hmac;

fn message(url: &str, params: &[(String, String)]) -> Vec<u8> {
    let mut sorted: Vec<_> = params.iter().collect();
    sorted.sort();
    // The provider's own libraries sign a repeated pair once.
    sorted.dedup();
    let mut message = url.as_bytes().to_vec();
    for (name, value) in sorted {
        message.extend_from_slice(name.as_bytes());
        message.extend_from_slice(value.as_bytes());
    }
    message
}

/// The `X-Twilio-Signature` of a POST of `params` to `url`: what a far side in a test or the development inbox sends.
pub fn sign(auth_token: &str, url: &str, params: &[(String, String)]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, auth_token.as_bytes());
    STANDARD.encode(hmac::sign(&key, &message(url, params)))
}

/// Whether `signature` (the header `X-Twilio-Signature`) is right, in constant time. `url` is the public URL, query
/// included, as configured: behind a proxy it is not the one that the server sees. An empty token verifies nothing.
pub fn verify_signature(auth_token: &str, url: &str, params: &[(String, String)], signature: &str) -> bool {
    let Ok(signature) = STANDARD.decode(signature) else { return false };
    if auth_token.is_empty() {
        return false;
    }
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, auth_token.as_bytes());
    hmac::verify(&key, &message(url, params), &signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked example of the documentation page named above.
    const TOKEN: &str = "12345";
    const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
    const SIGNATURE: &str = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";

    fn params() -> Vec<(String, String)> {
        [
            ("CallSid", "CA1234567890ABCDE"),
            ("Caller", "+14158675309"),
            ("Digits", "1234"),
            ("From", "+14158675309"),
            ("To", "+18005551212"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    #[test]
    fn the_published_example_verifies_in_any_order() {
        assert_eq!(sign(TOKEN, URL, &params()), SIGNATURE);
        let mut shuffled = params();
        shuffled.reverse();
        assert!(verify_signature(TOKEN, URL, &shuffled, SIGNATURE));
    }

    #[test]
    fn any_change_is_noticed() {
        let mut changed = params();
        changed[2].1 = "1235".to_owned();
        assert!(!verify_signature(TOKEN, URL, &changed, SIGNATURE));
        assert!(!verify_signature("12346", URL, &params(), SIGNATURE));
        assert!(!verify_signature("", URL, &params(), &sign("", URL, &params())));
        assert!(!verify_signature(TOKEN, "https://mycompany.com/myapp.php", &params(), SIGNATURE));
        for wrong in ["", "RSOYDt4T1cUTdK1PDd93/VVr8B9=", "not base64", "RSOYDt4T1cUTdK1PDd93"] {
            assert!(!verify_signature(TOKEN, URL, &params(), wrong), "{wrong}");
        }
    }
}
