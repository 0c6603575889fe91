//! What needs a person.

use super::Store;
use crate::*;
use words::*;

impl Store {
    /// Everything that needs a person; at most `limit` of each.
    pub async fn troubles(&self, _limit: usize) -> Result<Troubles, StoreError> {
        later!()
    }
}
