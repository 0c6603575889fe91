//! Releases, programs, stops.

use super::Store;
use crate::*;
use words::*;

impl Store {
    /// Stores a release and its programs. Storing it again changes nothing.
    pub async fn put_release(&self, _release: NewRelease) -> Result<(), StoreError> {
        later!()
    }

    /// Makes a release the live one (`action`: deploy, rollback).
    pub async fn go_live(
        &self,
        _release: ReleaseId,
        _by: &str,
        _action: &str,
        _at: Timestamp,
    ) -> Result<(), StoreError> {
        later!()
    }

    /// The live release.
    pub async fn live_release(&self) -> Result<Option<LiveRelease>, StoreError> {
        later!()
    }

    /// Which releases were live, newest first.
    pub async fn release_history(&self, _limit: usize) -> Result<Vec<LiveRelease>, StoreError> {
        later!()
    }

    /// Releases, newest first.
    pub async fn releases(&self, _limit: usize) -> Result<Vec<Release>, StoreError> {
        later!()
    }

    /// One release.
    pub async fn release(&self, _id: ReleaseId) -> Result<Option<Release>, StoreError> {
        later!()
    }

    /// Its files.
    pub async fn release_files(&self, _id: ReleaseId) -> Result<Option<Vec<u8>>, StoreError> {
        later!()
    }

    /// A program by number, cached.
    pub async fn program(&self, _no: i64) -> Result<Option<std::sync::Arc<journey::Program>>, StoreError> {
        later!()
    }

    /// A program's number by hash.
    pub async fn program_no(&self, _hash: &str) -> Result<Option<i64>, StoreError> {
        later!()
    }

    /// The programs of the live release.
    pub async fn programs_live(&self) -> Result<Vec<StoredProgram>, StoreError> {
        later!()
    }

    /// Programs that live enrollments stand in, with how many.
    pub async fn programs_in_use(&self) -> Result<Vec<(i64, u64)>, StoreError> {
        later!()
    }

    /// Moves live enrollments of a program to another: (node there, node here). Nodes not named stay where they are.
    pub async fn map_enrollments(
        &self,
        _from: i64,
        _to: i64,
        _places: &std::collections::BTreeMap<u32, u32>,
        _now: Timestamp,
        _audit: Vec<AuditEvent>,
    ) -> Result<u64, StoreError> {
        later!()
    }

    /// Stops everything, or one journey, channel or purpose. Raises the stop epoch.
    pub async fn stop(
        &self,
        _scope: StopScope,
        _by: &str,
        _reason: &str,
        _at: Timestamp,
    ) -> Result<(), StoreError> {
        later!()
    }

    /// Takes a stop back. Raises the stop epoch; parked deliveries fall due. `false`: there was none.
    pub async fn resume(&self, _scope: &StopScope, _by: &str, _at: Timestamp) -> Result<bool, StoreError> {
        later!()
    }

    /// Stops in force.
    pub async fn stops(&self) -> Result<Vec<Stop>, StoreError> {
        later!()
    }

    /// Releases sending, by a named person.
    pub async fn go_live_sending(&self, _by: &str, _at: Timestamp) -> Result<(), StoreError> {
        later!()
    }

    /// Takes that back.
    pub async fn end_live_sending(&self, _by: &str, _at: Timestamp) -> Result<(), StoreError> {
        later!()
    }

    /// Whether, and by whom, sending was released.
    pub async fn sending_live(&self) -> Result<Option<GoLive>, StoreError> {
        later!()
    }

    /// A setting.
    pub async fn setting(&self, _name: &str) -> Result<Option<String>, StoreError> {
        later!()
    }

    /// Writes a setting; `None` removes it.
    pub async fn put_setting(&self, _name: &str, _value: Option<&str>) -> Result<(), StoreError> {
        later!()
    }

    /// Where business time stood when last written; virtual clocks go on from there.
    pub async fn business_clock(&self) -> Result<Option<Timestamp>, StoreError> {
        later!()
    }

    /// Writes it.
    pub async fn put_business_clock(&self, _at: Timestamp) -> Result<(), StoreError> {
        later!()
    }
}
