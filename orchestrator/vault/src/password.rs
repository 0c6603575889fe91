//! Operators' passwords: argon2id, 19 MiB and two passes (OWASP's first choice), as PHC text.

use crate::Secret;
use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};

/// Shortest password, in characters (NIST SP 800-63B asks for at least 8 beside a second factor).
const CHARS_MIN: usize = 12;
/// Longest, in bytes: hashing must stay bounded.
const BYTES_MAX: usize = 1024;

/// Why a password is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too short.
    #[error("the password is too short: use at least 12 characters; a few words are easiest to remember")]
    TooShort,
    /// Too long.
    #[error("the password is too long: use at most 1024 bytes")]
    TooLong,
    /// No memory or no random bytes.
    #[error("the password could not be hashed: the machine lacks memory or random bytes")]
    Failed,
}

/// Hashes a new password. Takes tens of milliseconds and 19 MiB: call it on a blocking thread.
pub fn hash_password(password: &Secret) -> Result<String, PasswordError> {
    let text = password.expose();
    if text.chars().count() < CHARS_MIN {
        return Err(PasswordError::TooShort);
    }
    if text.len() > BYTES_MAX {
        return Err(PasswordError::TooLong);
    }
    let hash = Argon2::default().hash_password(text.as_bytes()).map_err(|_| PasswordError::Failed)?;
    Ok(hash.to_string())
}

/// Whether the password is the one that was hashed. Give `None` for an unknown operator: the same work is done, so
/// that nobody learns from the time who exists.
pub fn verify_password(password: &Secret, hash: Option<&str>) -> bool {
    /// No password has this hash.
    const NOBODY: &str =
        "$argon2id$v=19$m=19456,t=2,p=1$dGFiaS1ub2JvZHktc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let text = password.expose();
    let fits = text.len() <= BYTES_MAX;
    let bytes = if fits { text.as_bytes() } else { b"" };
    let matches = Argon2::default().verify_password(bytes, hash.unwrap_or(NOBODY)).is_ok();
    matches && fits && hash.is_some()
}
