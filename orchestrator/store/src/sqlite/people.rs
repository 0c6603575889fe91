//! Operators, sessions, API keys, nodes.

use super::Store;
use crate::*;
use words::*;

impl Store {
    /// Creates or changes an operator.
    pub async fn put_operator(
        &self,
        _operator: Operator,
        _by: &str,
        _at: Timestamp,
    ) -> Result<(), StoreError> {
        later!()
    }

    /// An operator.
    pub async fn operator(&self, _name: &str) -> Result<Option<Operator>, StoreError> {
        later!()
    }

    /// All operators.
    pub async fn operators(&self) -> Result<Vec<Operator>, StoreError> {
        later!()
    }

    /// Opens a session.
    pub async fn open_session(&self, _session: Session) -> Result<(), StoreError> {
        later!()
    }

    /// A session; moves its `seen_at`, at most once a minute.
    pub async fn session(
        &self,
        _hash: [u8; 32],
        _machine_now: Timestamp,
    ) -> Result<Option<Session>, StoreError> {
        later!()
    }

    /// Ends a session.
    pub async fn close_session(&self, _hash: [u8; 32]) -> Result<(), StoreError> {
        later!()
    }

    /// Ends all sessions of an operator.
    pub async fn close_sessions(&self, _operator: &str) -> Result<u64, StoreError> {
        later!()
    }

    /// Stores an API key.
    pub async fn put_api_key(&self, _key: ApiKey) -> Result<(), StoreError> {
        later!()
    }

    /// An API key by hash, cached; marks it as used at most once a minute.
    pub async fn api_key(&self, _hash: [u8; 32], _now: Timestamp) -> Result<Option<ApiKey>, StoreError> {
        later!()
    }

    /// All API keys.
    pub async fn api_keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        later!()
    }

    /// Withdraws an API key. `false`: no such key.
    pub async fn revoke_api_key(
        &self,
        _hash: [u8; 32],
        _by: &str,
        _at: Timestamp,
    ) -> Result<bool, StoreError> {
        later!()
    }

    /// A node's sign of life.
    pub async fn heartbeat(&self, _node: &str, _machine_now: Timestamp) -> Result<(), StoreError> {
        later!()
    }
}
