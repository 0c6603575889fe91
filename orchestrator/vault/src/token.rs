//! Bearer secrets that are stored as hashes alone: API keys and console sessions.
//!
//! Both are 256 random bits, so one SHA-256 is enough: there is nothing to guess. The hash is what a table looks up.

use crate::{Secret, Vault, VaultError};
use data_encoding::{Encoding, HEXLOWER, Specification};
use ring::{digest, hmac};
use std::sync::LazyLock;
use zeroize::Zeroizing;

static BASE32: LazyLock<Encoding> = LazyLock::new(|| {
    let mut spec = Specification::new();
    spec.symbols.push_str("0123456789abcdefghjkmnpqrstvwxyz");
    spec.encoding().expect("the alphabet has 32 distinct symbols")
});
/// 32 bytes in base 32.
const BODY_LEN: usize = 52;

/// Who may hold an API key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiKeyKind {
    /// A shop's server: `tabi_sk_…`.
    Server,
    /// A browser; may only send declared events and never consent: `tabi_pk_…`.
    Browser,
}

impl ApiKeyKind {
    /// What its keys start with.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Server => "tabi_sk_",
            Self::Browser => "tabi_pk_",
        }
    }
}

/// A new API key. The secret is shown once and never stored.
#[derive(Debug)]
pub struct IssuedApiKey {
    /// What the holder gets.
    pub secret: Secret,
    /// What is stored and looked up.
    pub hash: [u8; 32],
    /// What may be shown later: `tabi_sk_…w7x2`.
    pub masked: String,
}

/// A new session of an operator. The secret goes into the cookie and is never stored.
#[derive(Debug)]
pub struct IssuedSession {
    /// What the browser gets.
    pub secret: Secret,
    /// What is stored and looked up.
    pub hash: [u8; 32],
}

/// The kind and the hash of an API key as it comes in; `None` where it does not have the shape of one.
pub fn parse_api_key(text: &str) -> Option<(ApiKeyKind, [u8; 32])> {
    let kind =
        [ApiKeyKind::Server, ApiKeyKind::Browser].into_iter().find(|kind| text.starts_with(kind.prefix()))?;
    well_formed(&text[kind.prefix().len()..]).then(|| (kind, sha256(text)))
}

/// The hash of a session secret as it comes in; `None` where it does not have the shape of one.
pub fn session_hash(text: &str) -> Option<[u8; 32]> {
    well_formed(text).then(|| sha256(text))
}

impl Vault {
    /// Makes an API key.
    pub fn issue_api_key(&self, kind: ApiKeyKind) -> Result<IssuedApiKey, VaultError> {
        let secret = format!("{}{}", kind.prefix(), self.random_text()?.expose());
        let masked = format!("{}…{}", kind.prefix(), &secret[secret.len() - 4..]);
        Ok(IssuedApiKey { hash: sha256(&secret), masked, secret: Secret::new(secret) })
    }

    /// Makes a session.
    pub fn issue_session(&self) -> Result<IssuedSession, VaultError> {
        let secret = self.random_text()?;
        Ok(IssuedSession { hash: sha256(secret.expose()), secret })
    }

    /// The token that every form of this session carries against requests forged by other sites.
    pub fn form_token(&self, session: &[u8; 32]) -> String {
        HEXLOWER.encode(hmac::sign(&self.0.derived.csrf, session).as_ref())
    }

    /// Whether a form came from this session. Takes the same time wherever the tokens differ.
    pub fn verify_form_token(&self, session: &[u8; 32], token: &str) -> bool {
        HEXLOWER
            .decode(token.as_bytes())
            .is_ok_and(|tag| hmac::verify(&self.0.derived.csrf, session, &tag).is_ok())
    }

    fn random_text(&self) -> Result<Secret, VaultError> {
        let mut bytes = Zeroizing::new([0; 32]);
        self.0.chance.fill(&mut *bytes)?;
        Ok(Secret::new(BASE32.encode(&*bytes)))
    }
}

fn well_formed(body: &str) -> bool {
    body.len() == BODY_LEN && BASE32.decode(body.as_bytes()).is_ok()
}

fn sha256(text: &str) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
    out
}
