//! Imports under way and of late: how far each is. In memory: what is stored is stored, and another life of the process
//! knows nothing of an import that ended with the one before.

use super::{Done, ImportError, Kind, Options, Progress};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use words::Timestamp;

/// So many are remembered; those under way always.
const KEPT: usize = 50;

/// How an import stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Under way.
    Running,
    /// Read to its end.
    Done,
    /// Ended early; what was stored stays.
    Failed,
}

/// One import.
#[derive(Debug, Clone)]
pub struct Import {
    /// Names it.
    pub id: String,
    /// The file's name.
    pub name: String,
    /// What its rows are about.
    pub kind: Kind,
    /// Whether it only says what would happen.
    pub dry_run: bool,
    /// How it stands.
    pub state: State,
    /// How far it is.
    pub progress: Progress,
    /// Business time.
    pub began_at: Timestamp,
    /// Business time.
    pub ended_at: Option<Timestamp>,
    /// Why it failed.
    pub reason: Option<String>,
}

/// All of them. Every clone is the same.
#[derive(Debug, Clone, Default)]
pub struct Imports(Arc<Mutex<VecDeque<Import>>>);

/// One that is under way. Dropped without an end it counts as failed.
#[derive(Debug)]
pub struct Running {
    imports: Imports,
    id: String,
    ended: bool,
}

impl Imports {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Import>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One begins.
    pub fn begin(&self, id: String, options: &Options, now: Timestamp) -> Running {
        let import = Import {
            id: id.clone(),
            name: options.name.clone(),
            kind: options.kind,
            dry_run: options.dry_run,
            state: State::Running,
            progress: Progress { line: options.done_to_line, ..Progress::default() },
            began_at: now,
            ended_at: None,
            reason: None,
        };
        let mut all = self.lock();
        all.push_front(import);
        while all.len() > KEPT {
            let Some(oldest) = all.iter().rposition(|import| import.state != State::Running) else { break };
            all.remove(oldest);
        }
        Running { imports: self.clone(), id, ended: false }
    }

    /// Newest first.
    pub fn list(&self) -> Vec<Import> {
        self.lock().iter().cloned().collect()
    }

    /// One of them.
    pub fn get(&self, id: &str) -> Option<Import> {
        self.lock().iter().find(|import| import.id == id).cloned()
    }

    fn change(&self, id: &str, change: impl FnOnce(&mut Import)) {
        if let Some(import) = self.lock().iter_mut().find(|import| import.id == id) {
            change(import);
        }
    }
}

impl Running {
    /// It came so far.
    pub fn progress(&self, progress: Progress) {
        self.imports.change(&self.id, |import| import.progress = progress);
    }

    /// It ended.
    pub fn end(mut self, done: &Result<Done, ImportError>, now: Timestamp) {
        self.ended = true;
        self.imports.change(&self.id, |import| {
            import.ended_at = Some(now);
            match done {
                Ok(done) => (import.state, import.progress) = (State::Done, done.progress),
                Err(error) => (import.state, import.reason) = (State::Failed, Some(error.to_string())),
            }
        });
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            self.imports.change(&self.id, |import| {
                import.state = State::Failed;
                import.reason = Some("it was broken off".to_owned());
            });
        }
    }
}
