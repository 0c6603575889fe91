//! What the server asks of whoever wires it: the things it must not know how to do.

use futures::future::BoxFuture;
use release::{Files, Release};
use std::sync::Arc;
use store::StopScope;
use words::{Channel, Diagnostic, Elapsed, Timestamp};

/// Why a hook did not do it.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// This instance cannot do that.
    #[error("this instance cannot do that: {0}")]
    Unsupported(&'static str),
    /// It refuses, and says why.
    #[error("{0}")]
    Refused(String),
    /// The project has errors; nothing was deployed.
    #[error("the project has errors; nothing was deployed")]
    Project(Vec<Diagnostic>),
    /// It failed.
    #[error(transparent)]
    Store(#[from] store::StoreError),
}

/// What a deployment did.
#[derive(Debug, Clone)]
pub struct Deployed {
    /// The release that is live now.
    pub release: Arc<Release>,
    /// What is worth a look in it.
    pub warnings: Vec<Diagnostic>,
}

/// What the wiring provides.
pub trait Hooks: Send + Sync {
    /// The development inbox, where there is one.
    fn inbox(&self) -> Option<&inbox::Inbox> {
        None
    }

    /// The adapter that sends on this channel now: it reads what its provider calls back with.
    fn adapter(&self, _channel: &Channel) -> Option<Arc<dyn channel::Adapter>> {
        None
    }

    /// What the machine counts and measures, in the OpenMetrics text format without its last line.
    fn metrics(&self) -> BoxFuture<'_, Result<String, HookError>> {
        Box::pin(async { Ok(String::new()) })
    }

    /// Whether business time can be moved ([`Hooks::advance`]).
    fn can_advance(&self) -> bool {
        false
    }

    /// Lets messages leave the machine from now on, by this person's word.
    fn go_live<'a>(&'a self, _by: &'a str) -> BoxFuture<'a, Result<(), HookError>> {
        unsupported("it has nothing to send with")
    }

    /// Takes that back: messages go to the development inbox again.
    fn end_live<'a>(&'a self, _by: &'a str) -> BoxFuture<'a, Result<(), HookError>> {
        unsupported("it has nothing to send with")
    }

    /// Stops sending.
    fn stop<'a>(
        &'a self,
        _scope: StopScope,
        _by: &'a str,
        _reason: &'a str,
    ) -> BoxFuture<'a, Result<(), HookError>> {
        unsupported("it has nothing to send with")
    }

    /// Takes a stop back. `false`: there was none.
    fn resume<'a>(&'a self, _scope: StopScope, _by: &'a str) -> BoxFuture<'a, Result<bool, HookError>> {
        unsupported("it has nothing to send with")
    }

    /// Checks, stores and makes live these files of a project.
    fn deploy<'a>(
        &'a self,
        _files: Files,
        _by: &'a str,
        _note: &'a str,
    ) -> BoxFuture<'a, Result<Deployed, HookError>> {
        unsupported("it takes no releases")
    }

    /// Moves business time on, and answers with where it stands then. The demo's clock alone.
    fn advance(&self, _by: Elapsed) -> BoxFuture<'_, Result<Timestamp, HookError>> {
        unsupported("its clock is the machine's")
    }

    /// Looks at the store again and takes up what is live there.
    fn reload(&self) -> BoxFuture<'_, Result<(), HookError>> {
        unsupported("it has one release alone")
    }

    /// Makes an earlier release live again: in the tables and in what runs, or not at all.
    fn rollback<'a>(&'a self, _to: words::ReleaseId, _by: &'a str) -> BoxFuture<'a, Result<(), HookError>> {
        unsupported("it has one release alone")
    }
}

fn unsupported<'a, T: Send + 'a>(why: &'static str) -> BoxFuture<'a, Result<T, HookError>> {
    Box::pin(std::future::ready(Err(HookError::Unsupported(why))))
}

/// Nothing behind the server but the store: for tests and for reading.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoHooks;

impl Hooks for NoHooks {}
