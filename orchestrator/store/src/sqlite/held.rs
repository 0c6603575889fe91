//! Held: a database that seems to be a copy sends nothing.

use super::Store;
use crate::*;
use words::*;

impl Store {
    /// Whether it is held, and why.
    pub fn held(&self) -> Option<Held> {
        None
    }

    /// Releases it, by name.
    pub async fn release_held(&self, _by: &str, _reason: &str, _at: Timestamp) -> Result<(), StoreError> {
        later!()
    }

    /// Announces a planned move: the next start, elsewhere, is not held.
    pub async fn announce_move(&self, _by: &str, _at: Timestamp) -> Result<(), StoreError> {
        later!()
    }

    /// The instance's id, in hex.
    pub fn instance_id(&self) -> &str {
        ""
    }
}
