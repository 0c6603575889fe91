//! What comes in.

use super::Store;
use crate::*;
use words::*;

impl Store {
    /// Stores events durably, in the order given, each once. Answers in the same order when the commit is durable.
    pub async fn ingest(&self, _events: Vec<Incoming>) -> Result<Vec<Ingested>, StoreError> {
        later!()
    }

    /// Keeps what could not be taken in, with its reason.
    pub async fn reject(&self, _items: Vec<NewRejected>, _ids: &IdSource) -> Result<(), StoreError> {
        later!()
    }

    /// Begins a request under an idempotency key. `key_hash` is over API key and idempotency key, `request_hash` over the body.
    pub async fn idempotency_begin(
        &self,
        _key_hash: [u8; 32],
        _request_hash: [u8; 32],
        _now: Timestamp,
    ) -> Result<Idempotency, StoreError> {
        later!()
    }

    /// Keeps the answer for 7 days.
    pub async fn idempotency_finish(
        &self,
        _key_hash: [u8; 32],
        _status: u16,
        _answer: &str,
    ) -> Result<(), StoreError> {
        later!()
    }

    /// Gives a begun key back, where the request came to nothing: it may be tried again.
    pub async fn idempotency_forget(&self, _key_hash: [u8; 32]) -> Result<(), StoreError> {
        later!()
    }

    /// What could not be taken in, newest first.
    pub async fn rejected(&self, _limit: usize) -> Result<Vec<RejectedRow>, StoreError> {
        later!()
    }

    /// One of them as received.
    pub async fn rejected_body(&self, _id: [u8; 16]) -> Result<Option<(RejectedRow, Vec<u8>)>, StoreError> {
        later!()
    }

    /// Marks one as replayed.
    pub async fn rejected_replayed(&self, _id: [u8; 16], _at: Timestamp) -> Result<(), StoreError> {
        later!()
    }

    /// Event names that nobody declared.
    pub async fn unknown_events(&self) -> Result<Vec<UnknownEvent>, StoreError> {
        later!()
    }

    /// Forgets one: it is declared now.
    pub async fn forget_unknown_event(&self, _name: &str) -> Result<(), StoreError> {
        later!()
    }

    /// Names and times of the properties of unknown events may be given along; see [`Incoming::declared`]. Removes
    /// deduplication and idempotency rows that are past their time. Returns how many.
    pub async fn prune(&self, _now: Timestamp) -> Result<u64, StoreError> {
        later!()
    }
}
