//! A node: a machine that does one thing at a time, and may be made to stand still in the middle of it.

use crate::gate::{Gate, Place};
use std::sync::Arc;
use store::StoreError;
use tokio::task::JoinHandle;
use worker::Machine;

/// What a node is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Steps, and what is to be sent.
    Round,
    /// Leases that are over.
    Sweep,
}

/// How far it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// To its end; whether anything was done.
    Done(bool),
    /// It stands still.
    Stands(Place),
    /// The process ended.
    Ended,
    /// It failed.
    Failed,
}

/// One node.
pub struct Node {
    /// Its machine.
    pub machine: Arc<Machine>,
    /// Its gates.
    pub gate: Arc<Gate>,
    /// Why it failed, where it did.
    pub failed: Option<String>,
    task: Option<JoinHandle<Result<bool, StoreError>>>,
}

impl Node {
    /// At rest.
    pub fn new(machine: Arc<Machine>, gate: Arc<Gate>) -> Self {
        Self { machine, gate, failed: None, task: None }
    }

    /// Whether it is in the middle of something.
    pub fn busy(&self) -> bool {
        self.task.is_some()
    }

    /// Begins something.
    pub fn begin(&mut self, work: Work, stop_at: Option<Place>) {
        self.gate.stop_at(stop_at);
        let (machine, gate) = (Arc::clone(&self.machine), Arc::clone(&self.gate));
        self.task = Some(tokio::spawn(async move {
            match work {
                Work::Round => round(&machine, &gate).await,
                Work::Sweep => Ok(machine.sweep().await? != store::Swept::default()),
            }
        }));
    }

    /// Goes on until it is done or stands still.
    pub async fn advance(&mut self) -> Came {
        let Some(task) = &mut self.task else { return Came::Done(false) };
        if self.gate.standing().is_some() {
            self.gate.go();
        }
        let done = tokio::select! {
            biased;
            done = task => done,
            () = self.gate.stands() => {
                return if self.gate.poisoned() {
                    Came::Ended
                } else {
                    self.gate.standing().map_or(Came::Failed, Came::Stands)
                };
            }
        };
        self.task = None;
        self.gate.stop_at(None);
        match done {
            Ok(Ok(did)) => Came::Done(did),
            Ok(Err(error)) => {
                self.failed = Some(error.to_string());
                Came::Failed
            }
            Err(error) => {
                self.failed = Some(error.to_string());
                Came::Failed
            }
        }
    }

    /// Lends out what it is doing.
    pub fn take(&mut self) -> Self {
        Self {
            machine: Arc::clone(&self.machine),
            gate: Arc::clone(&self.gate),
            failed: None,
            task: self.task.take(),
        }
    }

    /// Gives it back.
    pub fn put_back(&mut self, node: Self) {
        self.task = node.task;
        self.failed = node.failed;
    }

    /// Gives up whatever it does.
    pub async fn abort(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            let _ = task.await;
        }
    }
}

async fn round(machine: &Machine, gate: &Gate) -> Result<bool, StoreError> {
    while machine.scan().await? {}
    let mut did = false;
    if let Some(decided) = machine.decide_batch().await? {
        gate.pass(Place::Decided).await;
        let report = machine.commit_batch(decided).await?;
        did |= report.customers > 0;
        did |= machine.send(report.claimed).await?.claimed > 0;
    }
    did |= machine.send_batch().await?.claimed > 0;
    Ok(did)
}
