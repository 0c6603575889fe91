//! What became of a delivery.

use super::Store;
use crate::*;
use words::*;

impl Store {
    /// Closes claims, each under its fence. `false`: somebody else has a newer fence, nothing was written.
    pub async fn settle(&self, _items: Vec<Settle>, _now: Timestamp) -> Result<Vec<bool>, StoreError> {
        later!()
    }

    /// Takes receipts in. `false`: known already, or no such delivery.
    pub async fn receipts(&self, _items: Vec<NewReceipt>, _now: Timestamp) -> Result<Vec<bool>, StoreError> {
        later!()
    }

    /// The delivery that a provider calls by this id.
    pub async fn delivery_by_provider_id(
        &self,
        _provider: &str,
        _id: &str,
    ) -> Result<Option<DeliveryKey>, StoreError> {
        later!()
    }

    /// A person settles what is unknown or quarantined, by name.
    pub async fn settle_by_hand(
        &self,
        _key: DeliveryKey,
        _how: SettleByHand,
        _by: &str,
        _reason: &str,
        _now: Timestamp,
    ) -> Result<(), StoreError> {
        later!()
    }
}
