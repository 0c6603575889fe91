//! The lock of a data folder, or of a database file: one process at a time is at work there.
//!
//! The system frees it when the process ends, however it does. What stands in its file is for people: who has it. Whoever only
//! reads does not ask for it.

use crate::StoreError;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

/// The most of a lock's file that is read.
const TOLD_MAX: u64 = 300;

/// Takes the lock that lies beside `path`, as `tabi.lock` beside `tabi.db`.
///
/// # Errors
/// [`StoreError::InUse`] where another process has it, with `place` and who has it.
pub(crate) fn lock(path: &Path, place: &Path) -> Result<File, StoreError> {
    // Whatever name leads there: one file, one lock.
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let path = path.with_extension("lock");
    let failed = |error: std::io::Error| StoreError::Unavailable(format!("{}: {error}", path.display()));
    let mut file =
        OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {
            if let Err(error) = tell(&mut file) {
                tracing::debug!("The lock does not say who has it: {error}");
            }
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => {
            Err(StoreError::InUse { place: place.display().to_string(), by: told(&mut file) })
        }
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// Writes down who has it.
fn tell(file: &mut File) -> std::io::Result<()> {
    let (process, host) = (std::process::id(), host());
    let named = format!("process {process} on {host}");
    let who = if host.is_empty() { format!("process {process}") } else { named };
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{who}")
}

/// Who has it, as they wrote it down.
fn told(file: &mut File) -> String {
    let mut text = String::new();
    // Where a locked file cannot be read, nobody is named.
    let _ = file.take(TOLD_MAX).read_to_string(&mut text);
    let text = text.trim();
    if text.starts_with("process ") { text.to_owned() } else { "it does not say which".to_owned() }
}

/// This machine's name; empty: it has none.
pub(crate) fn host() -> String {
    #[cfg(unix)]
    if let Ok(name) = nix::unistd::gethostname() {
        return name.to_string_lossy().into_owned();
    }
    String::new()
}
