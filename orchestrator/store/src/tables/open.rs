//! Opening, and the parts that all methods share.

use super::base::Base;
use super::held::HeldState;
use super::hints::{NEVER, STEPS};
use super::symbols::Symbols;
use super::writer::{Tx, Wakeups, Writer};
use super::{folder, held, migrate};
use crate::{Options, StoreError};
use db::{Asked, Conn, Kind, Reader, Readers};
use futures::future::BoxFuture;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use vault::{DataKey, KeyRef};
use words::{Channel, CustomerId, IdSource, Timestamp};

/// Connections of a node that look something up at a time, on a server.
const ASIDE_MAX: usize = 8;

/// The store. Cheap to clone.
#[derive(Clone)]
pub struct Store(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) vault: vault::Vault,
    pub(crate) readers: Readers,
    /// `None`: opened for reading only.
    pub(crate) writer: Option<Writer>,
    pub(crate) wakeups: Arc<Wakeups>,
    pub(crate) symbols: Symbols,
    pub(crate) in_flight: Arc<Mutex<HashSet<CustomerId>>>,
    pub(crate) ids: IdSource,
    pub(crate) stop_epoch: AtomicU64,
    /// Whether a due delivery was seen that had a strike.
    pub(crate) struck: AtomicBool,
    pub(crate) held: RwLock<HeldState>,
    pub(crate) programs: RwLock<HashMap<i64, Arc<journey::Program>>>,
    pub(crate) likenesses: super::likeness::Likenesses,
    pub(crate) looking_up: super::together::Together<(i64, [u8; 16]), Option<CustomerId>>,
    pub(crate) finding_keys: super::together::Together<KeyRef, Option<DataKey>>,
    pub(crate) making_keys: super::together::Together<(KeyRef, Timestamp), Option<DataKey>>,
    pub(crate) settling: super::together::Together<(crate::Settle, Timestamp), bool>,
    pub(crate) api_keys: RwLock<HashMap<[u8; 32], crate::ApiKey>>,
    pub(crate) copies: std::sync::OnceLock<Arc<dyn crate::Copies>>,
    pub(crate) witness: Option<PathBuf>,
    /// Held as long as this process is at work in the folder of its witness, where the database lies on a server.
    folder: Mutex<Option<std::fs::File>>,
    /// What providers bear, and how they stand.
    pub(crate) paces: super::pace::Paces,
    /// How far the server's clock is ahead of ours, in microseconds; 0 without one.
    pub(crate) ahead: AtomicI64,
    pub(crate) closed: AtomicBool,
    pub(crate) base: Arc<Base>,
    /// Connections that write, of claims that nobody has now.
    pub(crate) claiming: Arc<Mutex<Vec<Conn>>>,
    /// So many connections of [`Store::aside`] at a time, on a server.
    slots: Arc<tokio::sync::Semaphore>,
    /// Connections of [`Store::aside`] that nobody uses now.
    pub(crate) spare: Arc<Mutex<Vec<Conn>>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

impl Store {
    /// Opens a database and brings its tables up to date.
    ///
    /// # Errors
    /// [`StoreError::InUse`] where another process writes to this file, or, with a database on a server, keeps its witness in
    /// the same folder; [`StoreError::NewerSchema`] where a newer release wrote it.
    pub async fn open(options: Options, vault: vault::Vault) -> Result<Self, StoreError> {
        let base = Arc::new(Base::of(&options)?);
        let temporary = options.path.is_none() && options.server.is_none();
        let witness = options.witness.clone().filter(|_| !temporary);
        let folder = match &witness {
            // What lies there (witness, queue, inbox) is one node's.
            Some(witness) if options.server.is_some() && !options.read_only => {
                Some(folder::lock(witness, witness.parent().unwrap_or(witness))?)
            }
            _ => None,
        };
        migrate::bring_up(&base, options.read_only).await?;
        if let (Some(statement), false) = (crate::planted::forgotten(), options.read_only) {
            let at = base.clone();
            aside(move || Ok(at.writer()?.run(statement)?)).await?;
        }
        let readers = base.readers(options.readers);
        let mut first = readers.acquire().await?;
        if !options.read_only {
            super::copy::refuse_moved(&mut first).await?;
        }
        let symbols = Symbols::default();
        symbols.load(&mut first).await?;
        let wakeups = Arc::new(Wakeups::new());
        load_hints(&mut first, &wakeups).await?;
        let stop_epoch =
            setting(&mut first, "stop_epoch").await?.and_then(|text| text.parse().ok()).unwrap_or(0);
        let (held, writer) = if options.read_only {
            (held::as_read(&mut first).await?, None)
        } else {
            let (at, witness, of) = (base.clone(), witness.clone(), vault.clone());
            let started = aside(move || {
                let mut conns = (0..at.writers()).map(|_| at.writer()).collect::<Result<Vec<_>, _>>()?;
                let held = match conns.first_mut() {
                    Some(conn) => in_turn(held::at_start(conn, &at, witness.as_deref(), &of))?,
                    None => HeldState::default(),
                };
                Ok((held, conns))
            });
            let (held, conns) = started.await?;
            (held, Some(Writer::start(conns, &base, &wakeups)?))
        };
        // Different at every start, the same in every virtual run.
        let seed = held.starts.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ held.salt();
        let store = Self(Arc::new(Inner {
            vault,
            readers,
            writer,
            wakeups,
            symbols,
            in_flight: Arc::default(),
            ids: IdSource::seeded(seed),
            stop_epoch: AtomicU64::new(stop_epoch),
            struck: AtomicBool::new(false),
            held: RwLock::new(held),
            programs: RwLock::default(),
            likenesses: super::likeness::Likenesses::default(),
            looking_up: super::together::Together::default(),
            copies: std::sync::OnceLock::new(),
            finding_keys: super::together::Together::default(),
            making_keys: super::together::Together::default(),
            settling: super::together::Together::default(),
            api_keys: RwLock::default(),
            witness,
            folder: Mutex::new(folder),
            paces: super::pace::Paces::default(),
            ahead: AtomicI64::new(0),
            closed: AtomicBool::new(false),
            base,
            claiming: Arc::default(),
            slots: Arc::new(tokio::sync::Semaphore::new(ASIDE_MAX)),
            spare: Arc::default(),
        }));
        if store.0.base.kind() == Kind::Postgres {
            store.ask_the_time(&mut first).await?;
            store.listen();
        }
        Ok(store)
    }

    /// A database in memory.
    pub async fn memory(vault: vault::Vault) -> Result<Self, StoreError> {
        Self::open(Options::memory(), vault).await
    }

    /// Commits what is queued and closes.
    pub async fn close(&self) {
        self.0.closed.store(true, Ordering::Release);
        self.0.readers.close().await;
        self.0.spare.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.0.claiming.lock().unwrap_or_else(PoisonError::into_inner).clear();
        if let Some(writer) = &self.0.writer {
            writer.close().await;
        }
        drop(self.0.folder.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Names the place that keeps copies of what is sent. Said once, right after opening.
    pub fn keeps_copies_in(&self, copies: Arc<dyn crate::Copies>) {
        // A second one would be a slip of the wiring; the first holds.
        let _ = self.0.copies.set(copies);
    }

    /// The vault.
    pub fn vault(&self) -> &vault::Vault {
        &self.0.vault
    }

    /// When the next customer falls due, as far as known: never later than the truth.
    pub fn next_step_due(&self) -> Option<Timestamp> {
        self.0.wakeups.hints.least(STEPS).map(Timestamp::from_micros)
    }

    /// When the next delivery on one of these channels falls due, as far as known: never later than the truth.
    pub fn next_send_due(&self, channels: &[Channel]) -> Option<Timestamp> {
        channels
            .iter()
            .filter_map(|channel| self.0.symbols.id(channel.as_str()))
            .filter_map(|lane| self.0.wakeups.hints.least(lane))
            .min()
            .map(Timestamp::from_micros)
    }

    /// Changes whenever a customer falls due earlier than was known.
    pub fn watch_steps(&self) -> tokio::sync::watch::Receiver<u64> {
        self.0.wakeups.steps.subscribe()
    }

    /// Changes whenever a delivery falls due earlier than was known.
    pub fn watch_sends(&self) -> tokio::sync::watch::Receiver<u64> {
        self.0.wakeups.sends.subscribe()
    }

    /// Changes whenever another release became live, also by another node.
    pub fn watch_releases(&self) -> tokio::sync::watch::Receiver<u64> {
        self.0.wakeups.releases.subscribe()
    }

    /// Wakes everybody who sleeps until something falls due: what is due may have changed by more than commits, where
    /// business time was moved on.
    pub fn wake(&self) {
        self.0.wakeups.steps.send_modify(|n| *n += 1);
        self.0.wakeups.sends.send_modify(|n| *n += 1);
    }

    /// Rises with every stop and resume.
    pub fn stop_epoch(&self) -> u64 {
        self.0.stop_epoch.load(Ordering::Acquire)
    }

    pub(crate) fn writer(&self) -> Result<&Writer, StoreError> {
        self.0.writer.as_ref().ok_or(StoreError::ReadOnly)
    }

    /// Runs `command` in the writer.
    pub(crate) async fn write<T, F>(&self, command: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
    {
        self.writer()?.write(command).await
    }

    /// A connection that reads.
    pub(crate) async fn read(&self) -> Result<Box<Reader>, StoreError> {
        Ok(self.0.readers.acquire().await?)
    }

    /// Runs `work` on a thread that may block, with a connection that reads; such connections are kept for the next.
    pub(crate) async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self, &Conn) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        // A server has so many connections, and not more.
        let slot = match self.0.base.kind() {
            Kind::Sqlite => None,
            Kind::Postgres => Some(self.0.slots.clone().acquire_owned().await),
        };
        let store = self.clone();
        aside(move || {
            let _slot = slot;
            let spare = &store.0.spare;
            let kept = spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let conn = match kept {
                Some(conn) => conn,
                None => store.0.base.reader()?,
            };
            let done = work(&store, &conn);
            // One that failed may have a transaction open: it goes.
            if done.is_ok() {
                spare.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
            }
            done
        })
        .await
    }

    /// The blind index of an outside id or address, and the shard that it lies in.
    pub(crate) fn blind(&self, kind: &str, value: &str) -> (i64, [u8; 16]) {
        let bidx = self.0.vault.blind(kind, value);
        (bidx_shard(&bidx), bidx)
    }

    pub(crate) fn is_held(&self) -> bool {
        self.0.held.read().unwrap_or_else(PoisonError::into_inner).reason.is_some()
    }
}

/// Runs `work` on a thread that may block.
pub(crate) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(StoreError::Unavailable("the program is being stopped".to_owned())),
        },
    }
}

/// Runs what is async in name only, on a thread that may block.
pub(crate) fn in_turn<T>(work: impl Future<Output = T>) -> T {
    futures::executor::block_on(work)
}

/// The shard of a row that is found by blind index.
pub(crate) fn bidx_shard(bidx: &[u8; 16]) -> i64 {
    i64::from(bidx[15])
}

/// The shard of a row that is found by text.
pub(crate) fn text_shard(text: &str) -> i64 {
    use sha2::{Digest, Sha256};
    i64::from(Sha256::digest(text.as_bytes())[0])
}

/// The shard of a customer, as stored.
pub(crate) fn shard(customer: CustomerId) -> i64 {
    i64::from(words::shard_of(customer))
}

/// One setting.
pub(crate) async fn setting(conn: &mut impl Asked, name: &str) -> Result<Option<String>, StoreError> {
    let row = db::query("select value from setting where name = ?").bind(name).fetch_optional(conn).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

/// Writes one setting; `None` removes it.
pub(crate) async fn put_setting(conn: &mut Conn, name: &str, value: Option<&str>) -> Result<(), StoreError> {
    match value {
        Some(value) => {
            db::query(PUT_SETTING).bind(name).bind(value).execute(conn).await?;
        }
        None => {
            db::query("delete from setting where name = ?").bind(name).execute(conn).await?;
        }
    }
    Ok(())
}

/// Writes one setting: name, value.
pub(crate) const PUT_SETTING: &str =
    "insert into setting (name, value) values (?, ?) on conflict (name) do update set value = excluded.value";

/// One seek per shard and lane. Whether anything falls due earlier than was known.
pub(crate) async fn load_hints(conn: &mut Reader, wakeups: &Wakeups) -> Result<bool, StoreError> {
    let mut lower = false;
    let rows = db::query(
        "with recursive s (n) as (select 0 union all select n + 1 from s where n < 255) \
         select n, (select min(due_at) from customer where shard = n and due_at is not null) from s",
    )
    .fetch_all(&mut *conn)
    .await?;
    for row in rows {
        let due: Option<i64> = row.try_get(1)?;
        lower |= wakeups.lower(STEPS, row.try_get(0)?, due.unwrap_or(NEVER));
    }
    // The channels that ever had a delivery: by skips through the index, not by a scan.
    let rows = db::query(
        "with recursive s (n) as (select 0 union all select n + 1 from s where n < 255), \
         c (shard, channel) as ( \
            select n, (select min(channel) from delivery indexed by delivery_due \
                       where shard = n and due_at is not null) from s \
            union all \
            select shard, (select min(d.channel) from delivery d indexed by delivery_due \
                           where d.shard = c.shard and d.channel > c.channel and d.due_at is not null) \
            from c where channel is not null) \
         select shard, channel, (select min(due_at) from delivery d indexed by delivery_due \
             where d.shard = c.shard and d.channel = c.channel and d.due_at is not null) from c where channel is not null",
    )
    .fetch_all(&mut *conn)
    .await?;
    for row in rows {
        let due: Option<i64> = row.try_get(2)?;
        lower |= wakeups.lower(row.try_get(1)?, row.try_get(0)?, due.unwrap_or(NEVER));
    }
    Ok(lower)
}
