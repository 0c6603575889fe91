//! Exit codes, and the errors that carry one.

use std::{fmt, process::ExitCode};

/// What a command tells the shell. `tabi help` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, nothing to complain of.
    Fine = 0,
    /// Problems were found, or what was asked failed.
    Problems = 1,
    /// The command line makes no sense (clap's own code).
    Usage = 2,
    /// A file, database or server cannot be reached.
    Unreachable = 3,
    /// Refused: held, not confirmed, in use by another, not allowed.
    Refused = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error that knows its exit code and the way out.
#[derive(Debug)]
pub(crate) struct Fault {
    /// What the shell is told.
    pub(crate) exit: Exit,
    /// What is wrong, and what to do next.
    pub(crate) text: String,
}

impl Fault {
    /// Something that failed or was not found.
    pub(crate) fn problem(text: impl Into<String>) -> Self {
        Self { exit: Exit::Problems, text: text.into() }
    }

    /// A request that makes no sense.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, text: text.into() }
    }

    /// Something that cannot be reached.
    pub(crate) fn unreachable(text: impl Into<String>) -> Self {
        Self { exit: Exit::Unreachable, text: text.into() }
    }

    /// Something that is refused.
    pub(crate) fn refused(text: impl Into<String>) -> Self {
        Self { exit: Exit::Refused, text: text.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Fault {}

/// The code of any error: its own where one of its causes has one.
pub(crate) fn code(error: &anyhow::Error) -> Exit {
    for cause in error.chain() {
        if let Some(fault) = cause.downcast_ref::<Fault>() {
            return fault.exit;
        }
        if let Some(error) = cause.downcast_ref::<store::StoreError>() {
            return match error {
                store::StoreError::Vault(vault::VaultError::NotEmpty(_)) => Exit::Refused,
                store::StoreError::Unavailable(_)
                | store::StoreError::Unfinished(_)
                | store::StoreError::Corrupt(_)
                | store::StoreError::NewerSchema { .. }
                | store::StoreError::Vault(_) => Exit::Unreachable,
                store::StoreError::InUse { .. }
                | store::StoreError::ReadOnly
                | store::StoreError::Moved { .. } => Exit::Refused,
                store::StoreError::Invalid(_) => Exit::Usage,
                store::StoreError::NotFound(_)
                | store::StoreError::Conflict(_)
                | store::StoreError::Erased => Exit::Problems,
            };
        }
        if cause.is::<std::io::Error>()
            || cause.is::<vault::VaultError>()
            || cause.is::<vault::RootKeyError>()
        {
            return Exit::Unreachable;
        }
    }
    Exit::Problems
}
