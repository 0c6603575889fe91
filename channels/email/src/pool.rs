//! Kept connections: at most so many at once, the one used last first.

use crate::session::Session;
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, timeout_at},
};

/// The kept connections to one relay.
pub(crate) struct Pool {
    places: Semaphore,
    resting: Mutex<Vec<Session>>,
    idle_max: Duration,
}

impl Pool {
    pub(crate) fn new(places: usize, idle_max: Duration) -> Self {
        let places = Semaphore::new(places.min(Semaphore::MAX_PERMITS));
        Self { places, resting: Mutex::new(Vec::new()), idle_max }
    }

    /// A place among the connections in use, or `None` where none falls free by `end`.
    pub(crate) async fn place(&self, end: Instant) -> Option<SemaphorePermit<'_>> {
        timeout_at(end, self.places.acquire()).await.ok()?.ok()
    }

    /// A kept connection that has not rested too long.
    pub(crate) fn take(&self) -> Option<Session> {
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        // The newest is at the end, so the first one too old means that all are.
        let session = resting.pop()?;
        if session.rested_at.elapsed() <= self.idle_max {
            return Some(session);
        }
        resting.clear();
        None
    }

    /// Keeps a connection for the next message.
    pub(crate) fn put(&self, mut session: Session) {
        session.rested_at = Instant::now();
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        resting.push(session);
    }
}
