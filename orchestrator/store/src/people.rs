//! Operators, their sessions, API keys and nodes.

use words::Timestamp;

/// A person at the console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// Name.
    pub name: String,
    /// `admin`, `marketer`, `operator`, `reviewer`.
    pub role: String,
    /// Password as `vault::hash_password` wrote it.
    pub password: String,
    /// Since when.
    pub created_at: Timestamp,
    /// Locked out since.
    pub disabled_at: Option<Timestamp>,
}

/// A session at the console (machine clock).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    /// Whose.
    pub operator: String,
    /// Since when.
    pub created_at: Timestamp,
    /// Last seen.
    pub seen_at: Timestamp,
    /// Token of its forms.
    pub csrf: String,
}

/// An API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// SHA-256 of the key.
    pub hash: [u8; 32],
    /// What it is for.
    pub name: String,
    /// `server`, `browser`.
    pub kind: String,
    /// Scopes.
    pub scopes: Vec<String>,
    /// Since when.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// Until when.
    pub expires_at: Option<Timestamp>,
    /// Withdrawn when.
    pub revoked_at: Option<Timestamp>,
    /// Last used (written at most once a minute).
    pub last_used_at: Option<Timestamp>,
}

impl ApiKey {
    /// Whether its time is over, by the machine's clock.
    pub fn expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}

/// What `Idempotency-Key` says about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Idempotency {
    /// The first: do it, then `idempotency_finish`.
    First,
    /// Done before: give this answer again.
    Done {
        /// Status.
        status: u16,
        /// Body.
        answer: String,
    },
    /// The first is still running: 409.
    Running,
    /// The same key with another body: 422.
    Other,
}
