//! The sent-message log.

use super::Store;
use crate::*;
use words::*;

impl Store {
    /// A page of the log, newest first.
    pub async fn log_search(
        &self,
        _filter: &LogFilter,
        _after: Option<LogCursor>,
        _limit: usize,
    ) -> Result<LogPage, StoreError> {
        later!()
    }

    /// Everything about a message, but for its content.
    pub async fn log_entry(&self, _message: MessageId) -> Result<Option<LogEntry>, StoreError> {
        later!()
    }

    /// The content of a delivery as the customer got it. That `reader` looked is written down first. `None`: none was kept.
    pub async fn log_content(
        &self,
        _delivery: DeliveryId,
        _reader: &str,
        _reason: &str,
        _now: Timestamp,
    ) -> Result<Option<FinalContent>, StoreError> {
        later!()
    }

    /// Audit events, newest first; of one kind where asked.
    pub async fn audit_events(
        &self,
        _kind: Option<&str>,
        _after: Option<[u8; 16]>,
        _limit: usize,
    ) -> Result<AuditPage, StoreError> {
        later!()
    }
}
