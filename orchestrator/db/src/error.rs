//! What can go wrong between us and a database.

/// Why a statement did not do what it says.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The database cannot be reached, or could not do it now.
    #[error("{0}")]
    Unavailable(String),
    /// Others had the same rows: nothing was changed, and it may be tried again as it is.
    #[error("others are changing the same rows: {0}")]
    Busy(String),
    /// The database answers what cannot be.
    #[error("{0}")]
    Corrupt(String),
}

impl Error {
    /// The database answers what cannot be.
    pub fn corrupt(what: impl std::fmt::Display) -> Self {
        Self::Corrupt(what.to_string())
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error {
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::Utf8Error(..)
            | rusqlite::Error::InvalidColumnIndex(..) => Self::Corrupt(error.to_string()),
            other => Self::Unavailable(other.to_string()),
        }
    }
}

/// Serialization failures and deadlocks (PostgreSQL, appendix A, class 40), and a lock that was not had in time.
const BUSY: [&str; 3] = ["40001", "40P01", "55P03"];

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::ColumnIndexOutOfBounds { .. }
            | sqlx::Error::Decode(_)
            | sqlx::Error::RowNotFound => Self::Corrupt(error.to_string()),
            sqlx::Error::Database(told) if told.code().is_some_and(|code| BUSY.contains(&code.as_ref())) => {
                Self::Busy(told.message().to_owned())
            }
            // In the server's own words, without the line of its source.
            sqlx::Error::Database(told) => Self::Unavailable(told.message().to_owned()),
            _ => Self::Unavailable(error.to_string()),
        }
    }
}
