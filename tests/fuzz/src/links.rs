//! Links of messages, and the secrets of keys and forms: nothing is accepted that was not signed here for this very use, and
//! what a link leads to is a plain web address.

use crate::parts::{lines, number, text};
use std::sync::LazyLock;
use vault::{ApiKeyKind, Vault, parse_api_key, session_hash};
use words::TrackedLink;

const PURPOSES: [&str; 5] = ["unsubscribe", "preferences", "view", "survey", "click"];

static VAULT: LazyLock<Vault> = LazyLock::new(|| Vault::ephemeral(7));

/// The first line is a token as it comes in, the rest the payload of one that is made.
pub(crate) fn run(bytes: &[u8]) {
    let [token, payload] = lines(bytes);
    comes_in(&text(token));
    is_made(payload, number(token));
    leads(payload);
    secrets(&text(token));
}

/// Whatever is accepted is to the byte what is signed here.
fn comes_in(token: &str) {
    for purpose in PURPOSES {
        if let Ok(payload) = VAULT.verify_link(purpose, token) {
            assert_eq!(VAULT.sign_link(purpose, &payload), token, "accepted, and nobody signed it");
        }
    }
}

/// A link is good for its own purpose and for no other, and not at all once it was changed.
fn is_made(payload: &[u8], chance: usize) {
    let purpose = PURPOSES[chance % PURPOSES.len()];
    let token = VAULT.sign_link(purpose, payload);
    assert!(
        token.is_ascii() && !token.contains(['/', '?', '#', '%', '+', '=', ' ']),
        "not for a URL: {token}"
    );
    for other in PURPOSES {
        let read = VAULT.verify_link(other, &token);
        // Longer ones are refused unread.
        assert_eq!(read.is_ok(), other == purpose && token.len() <= 2048, "{other}: {token}");
        assert!(read.is_err() || read.as_deref() == Ok(payload));
    }
    let mut changed = token.clone().into_bytes();
    let at = chance / 7 % changed.len();
    changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
    let changed = text(&changed);
    assert!(VAULT.verify_link(purpose, &changed).is_err(), "changed and accepted: {changed}");
    assert!(VAULT.verify_link(purpose, &token[..at]).is_err(), "cut and accepted: {token}");
    assert!(Vault::ephemeral(8).verify_link(purpose, &token).is_err(), "another's key accepts it");
}

/// What a click leads to reads the same to us and to a browser's parser.
fn leads(payload: &[u8]) {
    let Some(link) = TrackedLink::from_bytes(payload) else { return };
    assert_eq!(link.to_bytes(), payload);
    plain(&link.url);
}

/// A web address without a user, a password or anything that two readers could read differently.
#[track_caller]
pub(crate) fn plain(address: &str) {
    assert!(address.is_ascii() && !address.contains(|c: char| c.is_control() || c == ' ' || c == '\\'));
    let Ok(url) = url::Url::parse(address) else { return };
    assert!(matches!(url.scheme(), "http" | "https"), "{address}");
    assert!(url.username().is_empty() && url.password().is_none(), "{address}");
    let written = address.split(['/', '?', '#']).nth(2).unwrap_or_default().to_ascii_lowercase();
    let host = url.host_str().unwrap_or_default();
    // A number may be written in several ways; a name may not become another.
    if matches!(url.host(), Some(url::Host::Domain(_))) {
        assert!(written.starts_with(host), "{address} leads to {host}");
    }
}

/// API keys, sessions and form tokens have one shape, and nobody guesses one.
fn secrets(text: &str) {
    if let Some((kind, _)) = parse_api_key(text) {
        assert_eq!(text.len(), kind.prefix().len() + 52, "{text}");
        assert!(text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'));
        assert!(matches!(kind, ApiKeyKind::Server | ApiKeyKind::Browser));
    }
    assert!(session_hash(text).is_none() || text.len() == 52);
    let session = [3; 32];
    if VAULT.verify_form_token(&session, text) {
        assert_eq!(VAULT.form_token(&session), text, "accepted, and nobody made it");
    }
}
