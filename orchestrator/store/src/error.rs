//! What went wrong, by what the caller does next.

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database did not take it now (full disk, lock, closing). Nothing was written: try again.
    #[error("the database did not take it, nothing was written: {0}")]
    Unavailable(String),
    /// It was written and is not done to its end; the next start goes on with it.
    #[error("begun, and not finished: {0}. The next start of `tabi serve` goes on with it")]
    Unfinished(String),
    /// There is no such thing.
    #[error("there is no {0}")]
    NotFound(String),
    /// It collides with what is there already. Nothing was written.
    #[error("{0}")]
    Conflict(String),
    /// The request makes no sense. Nothing was written.
    #[error("{0}")]
    Invalid(String),
    /// The person was erased: their keys are gone for good.
    #[error("this customer was erased: what was sealed can no longer be read")]
    Erased,
    /// A newer release of Tabi wrote this database.
    #[error(
        "the database has schema {found}, this release knows {known}: install the newer release, or restore a backup from before the upgrade"
    )]
    NewerSchema {
        /// What is there.
        found: i64,
        /// The newest that we know.
        known: i64,
    },
    /// The database was moved to another one, and stays as it was.
    #[error(
        "this database was moved to {to} by {by} ({at}): it is kept as it was and does not start, so that nothing is sent twice. \
         Start with --database; or, if that one is given up for good, run `tabi move --take-back`"
    )]
    Moved {
        /// Where to.
        to: String,
        /// By whom.
        by: String,
        /// When.
        at: words::Timestamp,
    },
    /// Another process is at work on this database file, or in this data folder.
    #[error("another Tabi ({by}) is at work in {place}: use that one or stop it first")]
    InUse {
        /// The file or folder.
        place: String,
        /// Who it is, as far as is known.
        by: String,
    },
    /// Opened for reading only.
    #[error("the database was opened for reading only")]
    ReadOnly,
    /// A stored row cannot be understood.
    #[error("a stored row cannot be understood ({0}): run `tabi doctor`")]
    Corrupt(String),
    /// The vault did not open or seal.
    #[error(transparent)]
    Vault(#[from] vault::VaultError),
}

impl From<db::Error> for StoreError {
    fn from(error: db::Error) -> Self {
        match error {
            db::Error::Corrupt(what) => Self::Corrupt(what),
            other => Self::Unavailable(other.to_string()),
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::ColumnNotFound(_) => {
                Self::Corrupt(error.to_string())
            }
            other => Self::Unavailable(other.to_string()),
        }
    }
}

impl StoreError {
    pub(crate) fn corrupt(what: impl std::fmt::Display) -> Self {
        Self::Corrupt(what.to_string())
    }

    /// The same error again, for the neighbours in a group whose commit failed.
    pub(crate) fn again(&self) -> Self {
        Self::Unavailable(self.to_string())
    }
}
