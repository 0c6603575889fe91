//! Claims of deliveries, and hand-overs.

use super::Store;
use crate::*;
use words::*;

impl Store {
    /// Claims planned deliveries that are due. Fence, attempt and strike are counted and committed before this returns. The
    /// third strike in a row quarantines instead. Nothing while held.
    pub async fn claim_sends(
        &self,
        _now: Timestamp,
        _limit: usize,
        _channels: &[Channel],
        _claim: ClaimFor,
    ) -> Result<Vec<SendWork>, StoreError> {
        later!()
    }

    /// Opens hand-overs in one commit. Those refused are planned again at once, uncounted.
    pub async fn hand_over(
        &self,
        _items: Vec<HandOver>,
        _now: Timestamp,
    ) -> Result<Vec<Result<(), HandOverRefused>>, StoreError> {
        later!()
    }

    /// Keeps final bytes without opening the hand-over (API messages that are shown before they go). Rarely needed.
    pub async fn keep_content(
        &self,
        _key: DeliveryKey,
        _fence: u64,
        _content: FinalContent,
        _now: Timestamp,
    ) -> Result<(), StoreError> {
        later!()
    }

    /// Plans messages that no journey means: API and system messages.
    pub async fn plan_messages(
        &self,
        _customer: CustomerId,
        _messages: Vec<NewMessage>,
        _audit: Vec<AuditEvent>,
        _now: Timestamp,
    ) -> Result<(), StoreError> {
        later!()
    }
}
