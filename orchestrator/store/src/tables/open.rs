//! Opening, and the parts that all methods share.

use super::bits;
use super::held::HeldState;
use super::hints::{NEVER, STEPS};
use super::sql::{self, Conn};
use super::symbols::Symbols;
use super::writer::{Tx, Wakeups, Writer};
use super::{held, migrate};
use crate::planted::{Bug, planted};
use crate::{Durability, Options, StoreError};
use futures::future::BoxFuture;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, Row};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use vault::{DataKey, KeyRef};
use words::{Channel, CustomerId, IdSource, Timestamp};

/// The store. Cheap to clone.
#[derive(Clone)]
pub struct Store(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) vault: vault::Vault,
    pub(crate) readers: SqlitePool,
    /// `None`: opened for reading only.
    writer: Option<Writer>,
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
    /// Where the database lies, and how a connection to it is set up.
    pub(crate) path: PathBuf,
    pragmas: String,
    /// Connections of [`Store::aside`] that nobody uses now.
    spare: Mutex<Vec<Conn>>,
    /// Held as long as this process writes.
    _lock: Option<std::fs::File>,
    /// A database in memory lies here until it is dropped.
    _temporary: Option<Temporary>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

/// A checkpoint after so many pages.
const CHECKPOINT: u32 = 4000;

/// The writer's cache, in caches of a reader: what a batch changes fits in, so that nothing is written twice.
const WRITER_CACHE: u32 = 4;

/// What the log is cut back to, in bytes.
const LOG_MAX: u64 = 64 << 20;

/// Set-up of a connection, for the writer and the readers alike.
fn connect_options(options: &Options, path: &Path, durability: SqliteSynchronous) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(Duration::from_secs(10))
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(durability)
        .statement_cache_capacity(256)
        .pragma("cache_size", format!("-{}", options.cache_kib))
        .pragma("temp_store", "memory")
        .pragma("wal_autocheckpoint", CHECKPOINT.to_string())
        .pragma("journal_size_limit", LOG_MAX.to_string())
        .log_statements(tracing::log::LevelFilter::Off)
        .log_slow_statements(tracing::log::LevelFilter::Off, Duration::MAX)
}

/// The same for a connection of our own.
fn pragmas(cache_kib: u32, synchronous: i64) -> String {
    format!(
        "pragma busy_timeout = 10000; pragma journal_mode = wal; pragma synchronous = {synchronous}; \
         pragma cache_size = -{cache_kib}; pragma temp_store = memory; \
         pragma wal_autocheckpoint = {CHECKPOINT}; pragma journal_size_limit = {LOG_MAX}; pragma foreign_keys = on;"
    )
}

impl Store {
    /// Opens a database and brings its tables up to date. Refuses one that another process writes to, or that a newer
    /// release wrote.
    pub async fn open(options: Options, vault: vault::Vault) -> Result<Self, StoreError> {
        let temporary = match &options.path {
            Some(_) => None,
            None => Some(Temporary::new()?),
        };
        let path = match (&options.path, &temporary) {
            (Some(path), _) => path.clone(),
            (None, Some(temporary)) => temporary.0.join("tabi.db"),
            (None, None) => return Err(StoreError::Invalid("no path".to_owned())),
        };
        let synchronous = match (&temporary, options.durability) {
            (Some(_), _) => SqliteSynchronous::Off,
            (None, Durability::Full) => SqliteSynchronous::Full,
            (None, Durability::Normal) => SqliteSynchronous::Normal,
        };
        let wanted = match synchronous {
            SqliteSynchronous::Off => 0,
            SqliteSynchronous::Normal => 1,
            _ => 2,
        };
        let base = connect_options(&options, &path, synchronous);
        let lock = if options.read_only { None } else { Some(lock(&path)?) };
        let mut writing = None;
        if options.read_only {
            let mut conn = base.clone().read_only(true).connect().await?;
            migrate::check(&mut conn).await?;
            conn.close().await?;
        } else {
            let mut conn = base.clone().create_if_missing(true).connect().await?;
            migrate::migrate(&mut conn).await?;
            conn.close().await?;
            let mut conn =
                Conn::open(&path, false, &pragmas(options.cache_kib.saturating_mul(WRITER_CACHE), wanted))?;
            assert_durable(&mut conn, wanted).await?;
            bits::watch(&conn)?;
            forget_what_was_in_memory(&conn)?;
            writing = Some(conn);
        }
        let readers = SqlitePoolOptions::new()
            .max_connections(options.readers.max(1))
            .min_connections(0)
            .test_before_acquire(false)
            .max_lifetime(None)
            .idle_timeout(None)
            .connect_lazy_with(base.read_only(true));
        let mut first = readers.acquire().await?;
        let symbols = Symbols::default();
        symbols.load(&mut first).await?;
        let wakeups = Arc::new(Wakeups::new());
        load_hints(&mut first, &wakeups).await?;
        let stop_epoch =
            setting(&mut first, "stop_epoch").await?.and_then(|text| text.parse().ok()).unwrap_or(0);
        let witness = options.witness.clone().filter(|_| temporary.is_none());
        let held = match &mut writing {
            Some(conn) => held::at_start(conn, &path, witness.as_deref(), &vault).await?,
            None => held::as_read(&mut first).await?,
        };
        drop(first);
        // Different at every start, the same in every virtual run.
        let seed = held.starts.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ held.salt();
        let writer = match writing {
            Some(conn) => Some(Writer::start(conn, wakeups.clone())?),
            None => None,
        };
        Ok(Self(Arc::new(Inner {
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
            pragmas: pragmas(options.cache_kib, wanted),
            path,
            spare: Mutex::default(),
            _lock: lock,
            _temporary: temporary,
        })))
    }

    /// A database in memory.
    pub async fn memory(vault: vault::Vault) -> Result<Self, StoreError> {
        Self::open(Options::memory(), vault).await
    }

    /// Commits what is queued and closes.
    pub async fn close(&self) {
        self.0.readers.close().await;
        self.0.spare.lock().unwrap_or_else(PoisonError::into_inner).clear();
        if let Some(writer) = &self.0.writer {
            writer.close().await;
        }
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
    pub(crate) async fn read(&self) -> Result<sqlx::pool::PoolConnection<sqlx::Sqlite>, StoreError> {
        Ok(self.0.readers.acquire().await?)
    }

    /// A connection of one's own that reads.
    pub(crate) fn another_reader(&self) -> Result<Conn, StoreError> {
        Conn::open(&self.0.path, true, &self.0.pragmas)
    }

    /// Runs `work` on a thread that may block, with a connection that reads; such connections are kept for the next.
    pub(crate) async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self, &Conn) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = self.clone();
        let done = tokio::task::spawn_blocking(move || {
            let spare = &store.0.spare;
            let kept = spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let conn = match kept {
                Some(conn) => conn,
                None => Conn::open(&store.0.path, true, &store.0.pragmas)?,
            };
            let done = work(&store, &conn);
            // One that failed may have a transaction open: it goes.
            if done.is_ok() {
                spare.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
            }
            done
        });
        match done.await {
            Ok(done) => done,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(StoreError::Unavailable("the program is being stopped".to_owned())),
            },
        }
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
pub(crate) async fn setting(conn: &mut SqliteConnection, name: &str) -> Result<Option<String>, StoreError> {
    let row = sqlx::query("select value from setting where name = ?").bind(name).fetch_optional(conn).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

/// One setting, inside the writer.
pub(crate) async fn setting_in(conn: &mut Conn, name: &str) -> Result<Option<String>, StoreError> {
    let row = sql::query("select value from setting where name = ?").bind(name).fetch_optional(conn).await?;
    row.map(|row| row.try_get(0)).transpose()
}

/// Writes one setting; `None` removes it.
pub(crate) async fn put_setting(conn: &mut Conn, name: &str, value: Option<&str>) -> Result<(), StoreError> {
    match value {
        Some(value) => {
            sql::query(PUT_SETTING).bind(name).bind(value).execute(conn).await?;
        }
        None => {
            sql::query("delete from setting where name = ?").bind(name).execute(conn).await?;
        }
    }
    Ok(())
}

/// Writes one setting: name, value.
pub(crate) const PUT_SETTING: &str =
    "insert into setting (name, value) values (?, ?) on conflict do update set value = excluded.value";

async fn assert_durable(conn: &mut Conn, wanted: i64) -> Result<(), StoreError> {
    let found: i64 = sql::query("pragma synchronous").fetch_one(conn).await?.try_get(0)?;
    if found == wanted {
        Ok(())
    } else {
        Err(StoreError::Invalid(format!("the database connection has synchronous={found}, wanted {wanted}")))
    }
}

/// Mistakes that show at a start: what a planted one did not write is gone.
fn forget_what_was_in_memory(conn: &Conn) -> Result<(), StoreError> {
    for (bug, sql) in [
        (Bug::DedupeInMemoryOnly, "delete from event_seen"),
        (
            Bug::EventAppliedTwice,
            "update customer set applied_seq = applied_seq - 1, due_at = 0 where applied_seq > 0 and flags = 0",
        ),
        (Bug::WakeUpNotCommitted, "update customer set due_at = null where next_seq > applied_seq + 1"),
    ] {
        if planted(bug) {
            conn.run(sql)?;
        }
    }
    Ok(())
}

/// One seek per shard and lane.
async fn load_hints(conn: &mut SqliteConnection, wakeups: &Wakeups) -> Result<(), StoreError> {
    let rows = sqlx::query(
        "with recursive s (n) as (select 0 union all select n + 1 from s where n < 255) \
         select n, (select min(due_at) from customer where shard = n and due_at is not null) from s",
    )
    .fetch_all(&mut *conn)
    .await?;
    for row in rows {
        let due: Option<i64> = row.try_get(1)?;
        wakeups.lower(STEPS, row.try_get(0)?, due.unwrap_or(NEVER));
    }
    // The channels that ever had a delivery: by skips through the index, not by a scan.
    let rows = sqlx::query(
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
        wakeups.lower(row.try_get(1)?, row.try_get(0)?, due.unwrap_or(NEVER));
    }
    Ok(())
}

/// The lock that keeps a second writer out; freed by the system when the process ends, however it does.
fn lock(path: &Path) -> Result<std::fs::File, StoreError> {
    let lock_path = path.with_extension("lock");
    let file = std::fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&lock_path)
        .map_err(|e| StoreError::Unavailable(format!("{}: {e}", lock_path.display())))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(StoreError::InUse(path.display().to_string())),
        Err(std::fs::TryLockError::Error(e)) => {
            Err(StoreError::Unavailable(format!("{}: {e}", lock_path.display())))
        }
    }
}

/// A folder that goes with its owner.
struct Temporary(PathBuf);

impl Temporary {
    fn new() -> Result<Self, StoreError> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let base = Path::new("/dev/shm");
        let base = if base.is_dir() { base.to_owned() } else { std::env::temp_dir() };
        loop {
            let n = COUNT.fetch_add(1, Ordering::Relaxed);
            let path = base.join(format!("tabi-{}-{n}", std::process::id()));
            match std::fs::create_dir(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(StoreError::Unavailable(format!("{}: {e}", path.display()))),
            }
        }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What is left behind in memory is gone with the next start of the machine.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A copy is held when it is opened, unless a move was announced before it was made.
pub(crate) async fn mark_copy(path: &Path) -> Result<(), StoreError> {
    let mut conn = SqliteConnectOptions::new().filename(path).connect().await?;
    if setting(&mut conn, "moved").await?.is_none() {
        sqlx::query(PUT_SETTING)
            .bind("held")
            .bind("this database is a restored backup")
            .execute(&mut conn)
            .await?;
    }
    conn.close().await?;
    Ok(())
}
