//! Merge of two customers who turned out to be one.

use super::Store;
use crate::*;
use words::*;

impl Store {
    /// Merges `loser` into `survivor`. The loser becomes a redirect; of two live enrollments with one key the older stays; a
    /// revocation on either side wins; cap uses and facts unite; planned messages keep their ids.
    pub async fn merge(
        &self,
        _loser: CustomerId,
        _survivor: CustomerId,
        _schema: &journey::Schema,
        _now: Timestamp,
        _audit: Vec<AuditEvent>,
    ) -> Result<Merged, StoreError> {
        later!()
    }
}
