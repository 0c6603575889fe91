//! Claims of due customers.

use super::Store;
use crate::*;
use words::*;

impl Store {
    /// Due customers, at most `limit`, with everything that deciding about them needs. Nobody else gets them until the batch
    /// is committed or dropped. Reads only.
    pub async fn claim_steps(
        &self,
        _now: Timestamp,
        _limit: usize,
        _deciding: Deciding,
    ) -> Result<StepBatch, StoreError> {
        later!()
    }

    /// The same for one customer, due or not; `None`: no such customer, or claimed just now.
    pub async fn claim_customer(
        &self,
        _id: CustomerId,
        _now: Timestamp,
        _deciding: Deciding,
    ) -> Result<Option<StepBatch>, StoreError> {
        later!()
    }
}
