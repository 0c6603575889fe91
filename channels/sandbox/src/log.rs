//! What the sandbox was handed.

use channel::{Outcome, Parcel};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use words::Channel;

/// One hand-over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// On which channel.
    pub channel: Channel,
    /// What, to whom.
    pub parcel: Parcel,
    /// The bytes, Base64 where they are not UTF-8.
    pub bytes: String,
    /// What came of it.
    pub outcome: Outcome,
}

/// The log: clones share one list.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Mutex<Vec<Entry>>>);

impl Log {
    /// An empty log.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, entry: Entry) {
        self.lock().push(entry);
    }

    /// All hand-overs so far, in their order.
    pub fn entries(&self) -> Vec<Entry> {
        self.lock().clone()
    }

    /// The accepted ones alone: what would have reached people.
    pub fn accepted(&self) -> Vec<Entry> {
        self.lock().iter().filter(|e| matches!(e.outcome, Outcome::Accepted { .. })).cloned().collect()
    }

    /// How many hand-overs so far.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether there was none.
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Takes everything out, so that a long run does not grow.
    pub fn drain(&self) -> Vec<Entry> {
        std::mem::take(&mut self.lock())
    }
}
