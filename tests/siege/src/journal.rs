//! An append-only file of JSON lines, synced to the disk before anybody hears that a line was written.
//!
//! Lines that arrive while a sync is under way share the next one.

use anyhow::{Context as _, Result};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    fs::File,
    io::Write as _,
    path::Path,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

/// A file that only grows.
#[derive(Debug)]
pub struct Journal {
    file: File,
    state: Mutex<State>,
    synced: Condvar,
}

#[derive(Debug, Default)]
struct State {
    written: u64,
    synced: u64,
    syncing: bool,
}

impl Journal {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::options().create(true).append(true).open(path);
        let file = file.with_context(|| format!("opening {}", path.display()))?;
        Ok(Self { file, state: Mutex::default(), synced: Condvar::new() })
    }

    /// Appends lines and returns when they are on the disk.
    ///
    /// # Errors
    /// Those of the file system; the lines then count as not written.
    pub fn append<T: Serialize>(&self, lines: &[T]) -> Result<()> {
        let mut text = Vec::new();
        for line in lines {
            serde_json::to_writer(&mut text, line)?;
            text.push(b'\n');
        }
        let mut state = self.lock();
        (&self.file).write_all(&text)?;
        state.written += 1;
        let mine = state.written;
        while state.synced < mine {
            if state.syncing {
                state = self.synced.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            state.syncing = true;
            let until = state.written;
            drop(state);
            let done = self.file.sync_data();
            state = self.lock();
            state.syncing = false;
            if done.is_ok() {
                state.synced = state.synced.max(until);
            }
            self.synced.notify_all();
            done?;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Every whole line of a journal; what follows the last line break was not finished and does not count.
///
/// # Errors
/// When there is no such file or a line is none of ours.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let parse = |line: &str| {
        serde_json::from_str(line).with_context(|| format!("{}: no line of ours: {line}", path.display()))
    };
    whole.lines().map(parse).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_many_threads_append_is_all_there_and_half_a_line_does_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        let journal = Journal::open(&path).unwrap();
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let journal = &journal;
                scope.spawn(move || {
                    for n in 0..20 {
                        journal.append(&[thread * 100 + n]).unwrap();
                    }
                });
            }
        });
        std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"12").unwrap();
        let mut all: Vec<u32> = read(&path).unwrap();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 160);
    }
}
