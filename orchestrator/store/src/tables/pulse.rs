//! What a node hears of the others: on a server nobody else tells it.
//!
//! Asked by the node itself, ten times a second what falls due, once a second what else has changed: no statement waits for a
//! notification, and there is nothing that a pooler between us and the server, or a distributed server, does not know.

use super::Store;
use super::open::{Inner, load_hints, setting};
use crate::{Clock as _, StoreError, SystemClock};
use db::{Kind, Reader};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;
use words::{Elapsed, Timestamp};

/// What falls due is asked for so often.
const BEAT: Duration = Duration::from_millis(100);
/// Everything else, in beats.
const SECOND: u32 = 10;

impl Store {
    /// Begins to listen, where there may be others. Ends with the store.
    pub(crate) fn listen(&self) {
        if self.0.base.kind() != Kind::Postgres || self.0.writer.is_none() {
            return;
        }
        tokio::spawn(beats(Arc::downgrade(&self.0)));
    }

    async fn beat(&self, all: bool) -> Result<(), StoreError> {
        let mut conn = self.read().await?;
        // Names that others have made since: also those of channels, whose lanes are asked for next.
        let there = db::query("select count(*) from symbol").fetch_one(&mut conn).await?;
        if there.try_get::<i64, _>(0)? > i64::try_from(self.0.symbols.count()).unwrap_or(i64::MAX) {
            self.0.symbols.load(&mut conn).await?;
        }
        if load_hints(&mut conn, &self.0.wakeups).await? {
            self.wake();
        }
        if !all {
            return Ok(());
        }
        let number = |text: Option<String>| text.and_then(|text| text.parse().ok()).unwrap_or(0);
        let epoch: u64 = number(setting(&mut conn, "stop_epoch").await?);
        if self.0.stop_epoch.fetch_max(epoch, Ordering::AcqRel) < epoch {
            self.wake();
        }
        let held = setting(&mut conn, "held").await?;
        self.0.held.write().unwrap_or_else(PoisonError::into_inner).reason = held;
        let live = db::query("select coalesce(max(n), 0) from release_live").fetch_one(&mut conn).await?;
        let live: u64 = live.try_get(0)?;
        self.0.wakeups.releases.send_if_modified(|known| std::mem::replace(known, live) != live);
        self.ask_the_time(&mut conn).await?;
        self.hear_of_paces(&mut conn).await?;
        drop(conn);
        // Keys of the API are looked up again; whoever was revoked elsewhere is refused here.
        self.0.api_keys.write().unwrap_or_else(PoisonError::into_inner).clear();
        Ok(self.0.vault.hear_of_destroyed().await?)
    }

    /// How far the server's clock is from ours: leases are by the server's, so that nodes need not agree on the time.
    pub(crate) async fn ask_the_time(&self, conn: &mut Reader) -> Result<(), StoreError> {
        let here = SystemClock.machine_now();
        let row = db::query("select (extract(epoch from clock_timestamp()) * 1000000)::bigint")
            .fetch_one(conn)
            .await?;
        let there: i64 = row.try_get(0)?;
        self.0.ahead.store(there.saturating_sub(here.as_micros()), Ordering::Release);
        Ok(())
    }

    /// This instant of the machine clock, by the server's clock where there is one.
    pub(crate) fn by_the_server(&self, machine_now: Timestamp) -> Timestamp {
        machine_now.plus(Elapsed::from_micros(self.0.ahead.load(Ordering::Acquire)))
    }
}

async fn beats(inner: Weak<Inner>) {
    let mut count = 0_u32;
    let mut failing = false;
    loop {
        tokio::time::sleep(BEAT).await;
        let Some(inner) = inner.upgrade() else { return };
        let store = Store(inner);
        if store.0.closed.load(Ordering::Acquire) {
            return;
        }
        count = count.wrapping_add(1);
        match store.beat(count.is_multiple_of(SECOND)).await {
            Ok(()) => failing = false,
            Err(error) => {
                if !failing {
                    tracing::warn!("The database cannot be asked; it is tried again: {error}");
                }
                failing = true;
            }
        }
    }
}
