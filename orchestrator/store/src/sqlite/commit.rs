//! The commit of a step batch.

use super::Store;
use crate::*;
use words::*;

impl Store {
    /// Writes what was decided, one change for each entry of `batch.work`, in one transaction. A customer with newer events
    /// stays due; one whom somebody else changed meanwhile is skipped, stays due and is named in the answer. Planned
    /// deliveries that are due at `now` are claimed in the same commit where `claim` asks for it.
    pub async fn commit_steps(
        &self,
        _batch: StepBatch,
        _changes: Vec<CustomerChange>,
        _now: Timestamp,
        _claim: Option<ClaimFor>,
    ) -> Result<StepCommit, StoreError> {
        later!()
    }
}
