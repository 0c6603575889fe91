//! What was left behind by crashes.

use super::Store;
use crate::*;
use words::*;

impl Store {
    /// Gives leases back that are over: claimed ones are planned again, those handing over follow their delivery class.
    pub async fn sweep(&self, _now: Timestamp, _machine_now: Timestamp) -> Result<Swept, StoreError> {
        later!()
    }

    /// Everything claimed or handing over by any node is treated as if its lease were over: at start, when this process is the
    /// only one.
    pub async fn sweep_at_start(
        &self,
        _now: Timestamp,
        _machine_now: Timestamp,
    ) -> Result<Swept, StoreError> {
        later!()
    }
}
