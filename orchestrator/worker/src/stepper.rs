//! Step batches in a row: while one is being written, the next is claimed and decided.
//!
//! Customers of a batch are kept apart from other claims until it is written, so two batches never meet. Virtual runs step
//! without looking ahead (`Machine::step_batch`): there the order of everything is the same each time.

use crate::machine::DecidedBatch;
use crate::{Machine, StepReport};
use std::sync::Arc;
use store::StoreError;
use tokio::task::JoinHandle;

/// Steps, one batch ahead of the disk.
#[derive(Debug)]
pub struct Stepper {
    machine: Arc<Machine>,
    /// Dropped before it was written, its customers are due as before.
    ahead: Option<JoinHandle<Result<Option<DecidedBatch>, StoreError>>>,
}

impl Stepper {
    /// At rest.
    pub fn new(machine: Arc<Machine>) -> Self {
        Self { machine, ahead: None }
    }

    /// One batch, as [`Machine::step_batch`].
    pub async fn step(&mut self) -> Result<StepReport, StoreError> {
        let ahead = match self.ahead.take() {
            Some(task) => match task.await {
                Ok(decided) => decided?,
                Err(error) => match error.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    Err(_) => None,
                },
            },
            None => None,
        };
        let decided = match ahead {
            Some(decided) => decided,
            None => match self.machine.decide_batch().await? {
                Some(decided) => decided,
                None => return Ok(StepReport::default()),
            },
        };
        if decided.more {
            let machine = Arc::clone(&self.machine);
            self.ahead = Some(tokio::spawn(async move { machine.decide_batch().await }));
        }
        self.machine.commit_batch(decided).await
    }
}
