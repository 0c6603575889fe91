//! Releases, programs, stops and what is in force.

use words::{ReleaseId, Timestamp};

/// A release on its way in.
#[derive(Debug, Clone)]
pub struct NewRelease {
    /// Its content's hash.
    pub id: ReleaseId,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// In their words.
    pub note: String,
    /// JSON: programs, messages, locales, brand, packs with their hashes.
    pub manifest: String,
    /// The project's files, as one archive.
    pub files: Vec<u8>,
    /// Its programs.
    pub programs: Vec<std::sync::Arc<journey::Program>>,
}

/// A release as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Its id.
    pub id: ReleaseId,
    /// When it came in.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// In their words.
    pub note: String,
    /// JSON.
    pub manifest: String,
}

/// Which release is, or was, live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveRelease {
    /// Which.
    pub release: ReleaseId,
    /// Since when.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// `deploy`, `rollback`.
    pub action: String,
}

/// A program as stored.
#[derive(Debug, Clone)]
pub struct StoredProgram {
    /// Its number.
    pub no: i64,
    /// The program.
    pub program: std::sync::Arc<journey::Program>,
}

/// What a stop concerns.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopScope {
    /// Everything.
    All,
    /// One journey.
    Journey(String),
    /// One channel.
    Channel(String),
    /// One purpose.
    Purpose(String),
}

/// A stop in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// What.
    pub scope: StopScope,
    /// Since when.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// When sending was released, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoLive {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
}

/// The instance seems to be a copy or a restored backup: everything works, nothing is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Why, in words.
    pub reason: String,
}
