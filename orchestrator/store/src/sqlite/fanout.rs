//! Schedules, scans, calls, notices, items.

use super::Store;
use crate::*;
use std::collections::BTreeMap;
use words::*;

impl Store {
    /// Begins a scan. `false`: it was begun before.
    pub async fn begin_fanout(&self, _fanout: NewFanout) -> Result<bool, StoreError> {
        later!()
    }

    /// Scans not finished.
    pub async fn open_fanouts(&self) -> Result<Vec<Fanout>, StoreError> {
        later!()
    }

    /// The next customers of a scan.
    pub async fn fanout_page(&self, _id: [u8; 16], _limit: usize) -> Result<Vec<CustomerId>, StoreError> {
        later!()
    }

    /// Writes what a page did and where the scan goes on, in one commit. An empty page finishes it.
    pub async fn fanout_step(
        &self,
        _id: [u8; 16],
        _page: &[CustomerId],
        _step: FanoutStep,
        _now: Timestamp,
    ) -> Result<(), StoreError> {
        later!()
    }

    /// Makes customers due.
    pub async fn make_due(&self, _customers: &[CustomerId], _at: Timestamp) -> Result<(), StoreError> {
        later!()
    }

    /// Claims calls that are due.
    pub async fn claim_calls(
        &self,
        _now: Timestamp,
        _machine_now: Timestamp,
        _limit: usize,
        _lease: Elapsed,
    ) -> Result<Vec<CallWork>, StoreError> {
        later!()
    }

    /// Records what became of calls. `false`: another claim has a newer fence.
    pub async fn settle_calls(
        &self,
        _items: Vec<CallSettle>,
        _now: Timestamp,
    ) -> Result<Vec<bool>, StoreError> {
        later!()
    }

    /// Notices, newest first.
    pub async fn notices(&self, _unseen_only: bool, _limit: usize) -> Result<Vec<Notice>, StoreError> {
        later!()
    }

    /// Marks a notice as seen.
    pub async fn see_notice(&self, _id: [u8; 16], _by: &str, _at: Timestamp) -> Result<(), StoreError> {
        later!()
    }

    /// Writes items of a catalogue; answers with each as it was before.
    pub async fn put_items(
        &self,
        _catalog: &str,
        _items: Vec<(String, BTreeMap<String, Value>)>,
        _at: Timestamp,
    ) -> Result<Vec<Option<BTreeMap<String, Value>>>, StoreError> {
        later!()
    }

    /// One item.
    pub async fn item(
        &self,
        _catalog: &str,
        _key: &str,
    ) -> Result<Option<BTreeMap<String, Value>>, StoreError> {
        later!()
    }

    /// All items of a catalogue.
    pub async fn items(
        &self,
        _catalog: &str,
    ) -> Result<BTreeMap<String, BTreeMap<String, Value>>, StoreError> {
        later!()
    }

    /// Writes down audit events that stand alone.
    pub async fn write_down(&self, _audit: Vec<AuditEvent>) -> Result<(), StoreError> {
        later!()
    }
}
