//! What the server asks of the wiring.

use crate::{control::Desk, exit};
use futures::future::BoxFuture;
use release::Files;
use server::{Deployed, HookError, Hooks};
use std::sync::Arc;
use store::{StopScope, StoreError};

/// The server's way to everything that it must not know.
pub(crate) struct Wiring {
    /// Does it.
    pub(crate) desk: Arc<Desk>,
    /// Shows what would have been sent.
    pub(crate) inbox: inbox::Inbox,
}

impl Hooks for Wiring {
    fn inbox(&self) -> Option<&inbox::Inbox> {
        Some(&self.inbox)
    }

    fn adapter(&self, channel: &words::Channel) -> Option<Arc<dyn channel::Adapter>> {
        self.desk.running.as_ref()?.machine.adapters().get(channel).cloned()
    }

    fn metrics(&self) -> BoxFuture<'_, Result<String, HookError>> {
        Box::pin(async move {
            match &self.desk.running {
                Some(running) => Ok(running.machine.metrics_text().await?),
                None => Ok(String::new()),
            }
        })
    }

    fn can_advance(&self) -> bool {
        self.desk.instance.advances.is_some()
    }

    fn advance(&self, by: words::Elapsed) -> BoxFuture<'_, Result<words::Timestamp, HookError>> {
        Box::pin(async move {
            let (Some(clock), Some(running)) = (&self.desk.instance.advances, &self.desk.running) else {
                return Err(HookError::Refused("business time passes by itself here".to_owned()));
            };
            let until = store::Clock::now(clock.as_ref()).plus(by);
            let done = running.machine.run_to(clock, until).await;
            // Whoever sleeps until something is due measured that by the clock as it stood.
            self.desk.instance.store.wake();
            done.map_err(HookError::Store)?;
            self.desk.instance.store.put_business_clock(until).await.map_err(HookError::Store)?;
            Ok(until)
        })
    }

    fn go_live<'a>(&'a self, by: &'a str) -> BoxFuture<'a, Result<(), HookError>> {
        Box::pin(async move { self.desk.go_live(by).await.map(drop).map_err(refused) })
    }

    fn end_live<'a>(&'a self, by: &'a str) -> BoxFuture<'a, Result<(), HookError>> {
        Box::pin(async move { self.desk.end_live(by).await.map(drop).map_err(refused) })
    }

    fn stop<'a>(
        &'a self,
        scope: StopScope,
        by: &'a str,
        reason: &'a str,
    ) -> BoxFuture<'a, Result<(), HookError>> {
        Box::pin(async move { self.desk.stop(scope, by, reason).await.map(drop).map_err(refused) })
    }

    fn resume<'a>(&'a self, scope: StopScope, by: &'a str) -> BoxFuture<'a, Result<bool, HookError>> {
        Box::pin(async move {
            let done = self.desk.resume(&scope, by).await.map_err(refused)?;
            Ok(done["resumed"].as_bool().unwrap_or(false))
        })
    }

    fn deploy<'a>(
        &'a self,
        files: Files,
        by: &'a str,
        note: &'a str,
    ) -> BoxFuture<'a, Result<Deployed, HookError>> {
        Box::pin(async move {
            match self.desk.deploy(files, by, note).await.map_err(refused)? {
                Ok((release, warnings, _)) => Ok(Deployed { release: Arc::new(release), warnings }),
                Err(problems) => Err(HookError::Project(problems)),
            }
        })
    }

    fn reload(&self) -> BoxFuture<'_, Result<(), HookError>> {
        Box::pin(async move { self.desk.reload().await.map_err(refused) })
    }

    fn rollback<'a>(&'a self, to: words::ReleaseId, by: &'a str) -> BoxFuture<'a, Result<(), HookError>> {
        Box::pin(async move { self.desk.rollback(Some(to), by).await.map(drop).map_err(refused) })
    }
}

/// A failure of the store stays one; everything else is refused in its own words.
fn refused(error: anyhow::Error) -> HookError {
    match error.downcast::<StoreError>() {
        Ok(error) => HookError::Store(error),
        Err(error) => {
            tracing::debug!("Refused with exit code {}: {error}", exit::code(&error) as u8);
            HookError::Refused(error.to_string())
        }
    }
}
