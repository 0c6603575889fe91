//! Opening, and the parts that all methods share.

use crate::*;
use std::sync::Arc;
use words::*;

/// The store. Cheap to clone.
#[derive(Clone)]
pub struct Store(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) vault: vault::Vault,
    pub(crate) wakeups: Wakeups,
}

pub(crate) struct Wakeups {
    pub(crate) steps: tokio::sync::watch::Sender<u64>,
    pub(crate) sends: tokio::sync::watch::Sender<u64>,
}

impl Store {
    /// Opens a database and brings its tables up to date.
    pub async fn open(_options: Options, _vault: vault::Vault) -> Result<Self, StoreError> {
        later!()
    }

    /// A database in memory.
    pub async fn memory(_vault: vault::Vault) -> Result<Self, StoreError> {
        later!()
    }

    /// Commits what is queued and closes.
    pub async fn close(&self) {}

    /// The vault.
    pub fn vault(&self) -> &vault::Vault {
        &self.0.vault
    }

    /// When the next customer falls due, as far as known: never later than the truth.
    pub fn next_step_due(&self) -> Option<Timestamp> {
        None
    }

    /// When the next delivery on one of these channels falls due, as far as known: never later than the truth.
    pub fn next_send_due(&self, _channels: &[Channel]) -> Option<Timestamp> {
        None
    }

    /// Changes whenever a customer may have fallen due earlier than was known.
    pub fn watch_steps(&self) -> tokio::sync::watch::Receiver<u64> {
        self.0.wakeups.steps.subscribe()
    }

    /// Changes whenever a delivery may have fallen due earlier than was known.
    pub fn watch_sends(&self) -> tokio::sync::watch::Receiver<u64> {
        self.0.wakeups.sends.subscribe()
    }

    /// Rises with every stop and resume.
    pub fn stop_epoch(&self) -> u64 {
        0
    }
}
