//! Who we are to the platform.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{rand::SystemRandom, rsa::KeyPair, signature::RSA_PKCS1_SHA256};
use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

/// What the adapter may do with FCM.
const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
/// Seconds that an assertion holds; Google allows an hour.
const ASSERTION_SECS: i64 = 3600;

/// Who we are to the platform.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// A service account: assertions are exchanged for short-lived tokens.
    Account(ServiceAccount),
    /// A token as it is, never refreshed: for gateways that speak FCM's protocol under a key of their own.
    Token(String),
}

/// A service account, from the JSON file that the Firebase console hands out.
#[derive(Clone)]
pub struct ServiceAccount {
    /// Its project.
    pub project_id: String,
    /// Its name.
    pub client_email: String,
    /// Where assertions are exchanged.
    pub token_uri: String,
    key_id: Option<String>,
    /// `None`: assertions carry a signature of zeros, which nobody but the development inbox takes.
    key: Option<Arc<KeyPair>>,
}

impl std::fmt::Debug for ServiceAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceAccount").field("project_id", &self.project_id).finish_non_exhaustive()
    }
}

/// Why a service account cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// Not the file.
    #[error("this is not the JSON file of a service account: {0}")]
    File(#[from] serde_json::Error),
    /// Another kind of file, such as one of an OAuth client.
    #[error("this is a file of the kind `{0}`; a service account's says `service_account`")]
    Kind(String),
    /// The key in it cannot be read.
    #[error("the private key in the service account's file cannot be read: {0}")]
    Key(String),
    /// Signing failed.
    #[error("the assertion could not be signed")]
    Sign,
}

#[derive(Deserialize)]
struct AccountFile {
    #[serde(rename = "type")]
    kind: String,
    project_id: String,
    private_key_id: Option<String>,
    private_key: String,
    client_email: String,
    token_uri: String,
}

impl ServiceAccount {
    /// Reads the JSON file.
    pub fn from_json(text: &str) -> Result<Self, CredentialsError> {
        let file: AccountFile = serde_json::from_str(text)?;
        if file.kind != "service_account" {
            return Err(CredentialsError::Kind(file.kind.chars().take(40).collect()));
        }
        let der = PrivatePkcs8KeyDer::from_pem_slice(file.private_key.as_bytes())
            .map_err(|why| CredentialsError::Key(why.to_string()))?;
        let key = KeyPair::from_pkcs8(der.secret_pkcs8_der())
            .map_err(|why| CredentialsError::Key(why.to_string()))?;
        Ok(Self {
            project_id: file.project_id,
            client_email: file.client_email,
            token_uri: file.token_uri,
            key_id: file.private_key_id,
            key: Some(Arc::new(key)),
        })
    }

    /// An account without a key, for the development inbox alone.
    pub(crate) fn unsigned(token_uri: &str) -> Self {
        Self {
            project_id: "tabi-inbox".to_owned(),
            client_email: "tabi@localhost".to_owned(),
            token_uri: token_uri.to_owned(),
            key_id: None,
            key: None,
        }
    }

    /// A signed assertion (RFC 7523, RS256), good for an hour from `now_secs`.
    ///
    /// Signed by ring: the pure-Rust RSA that the usual JWT crate brings leaks timing (RUSTSEC-2023-0071).
    pub fn assertion(&self, now_secs: i64) -> Result<String, CredentialsError> {
        let mut header = json!({"alg": "RS256", "typ": "JWT"});
        if let Some(id) = &self.key_id {
            header["kid"] = json!(id);
        }
        let claims = json!({
            "iss": self.client_email,
            "scope": SCOPE,
            "aud": self.token_uri,
            "iat": now_secs,
            "exp": now_secs + ASSERTION_SECS,
        });
        let encode = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", encode(header), encode(claims));
        let mut signature = vec![0; self.key.as_ref().map_or(256, |key| key.public().modulus_len())];
        if let Some(key) = &self.key {
            key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature)
                .map_err(|_| CredentialsError::Sign)?;
        }
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The public key, DER of PKCS #1: what the token endpoint checks assertions with.
    /// Empty where there is no key.
    pub fn public_key(&self) -> &[u8] {
        self.key.as_ref().map_or(&[], |key| key.public().as_ref())
    }
}
