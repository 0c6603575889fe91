//! Where the tables lie, and how one gets there.

use super::{bits, folder};
use crate::{Durability, Options, StoreError};
use db::{Conn, File, Kind, Readers, Rows, Server};
use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A checkpoint after so many pages.
const CHECKPOINT: u32 = 4000;

/// The writer's cache, in caches of a reader: what a batch changes fits in, so that nothing is written twice.
const WRITER_CACHE: u32 = 4;

/// What the log is cut back to, in bytes.
const LOG_MAX: u64 = 64 << 20;

/// So many transactions of a node are on their way at once, on a server.
const WRITERS: usize = 4;

/// A database.
pub(crate) enum Base {
    /// A file, and how its connections are set up: those that read, and the one that writes.
    File {
        reads: File,
        writes: File,
        options: Box<SqliteConnectOptions>,
        synchronous: i64,
        /// Held as long as this process writes.
        _lock: Option<std::fs::File>,
        /// A database in memory lies here until it is dropped.
        _temporary: Option<Temporary>,
    },
    Server(Box<Server>),
}

impl Base {
    /// Names the database; takes the lock of a file.
    pub(crate) fn of(options: &Options) -> Result<Self, StoreError> {
        if let Some(server) = &options.server {
            return Ok(Self::Server(Box::new(server.clone())));
        }
        let temporary = match &options.path {
            Some(_) => None,
            None => Some(Temporary::new()?),
        };
        let path = match (&options.path, &temporary) {
            (Some(path), _) => path.clone(),
            (None, Some(temporary)) => temporary.0.join("tabi.db"),
            (None, None) => return Err(StoreError::Invalid("no path".to_owned())),
        };
        let durability = match (&temporary, options.durability) {
            (Some(_), _) => SqliteSynchronous::Off,
            (None, Durability::Full) => SqliteSynchronous::Full,
            (None, Durability::Normal) => SqliteSynchronous::Normal,
        };
        let synchronous = match durability {
            SqliteSynchronous::Off => 0,
            SqliteSynchronous::Normal => 1,
            _ => 2,
        };
        let file = |pragmas| File { path: path.clone(), pragmas };
        let reads = pragmas(options.cache_kib, synchronous);
        // The mode stays with the file. Who only reads cannot set it, and a copy that nobody has opened yet does not have it.
        let writes = pragmas(options.cache_kib.saturating_mul(WRITER_CACHE), synchronous)
            + "pragma journal_mode = wal;";
        Ok(Self::File {
            reads: file(reads),
            writes: file(writes),
            options: Box::new(connect_options(options, &path, durability)),
            synchronous,
            _lock: if options.read_only { None } else { Some(folder::lock(&path, &path)?) },
            _temporary: temporary,
        })
    }

    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::File { .. } => Kind::Sqlite,
            Self::Server(_) => Kind::Postgres,
        }
    }

    /// The file, if it is one.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::File { reads, .. } => Some(&reads.path),
            Self::Server(_) => None,
        }
    }

    /// How many write at once.
    pub(crate) fn writers(&self) -> usize {
        match self {
            Self::File { .. } => 1,
            Self::Server(_) => WRITERS,
        }
    }

    /// A connection of one's own that reads. Not within an async function: it waits.
    pub(crate) fn reader(&self) -> Result<Conn, StoreError> {
        Ok(match self {
            Self::File { reads, .. } => Conn::file(reads, true)?,
            Self::Server(server) => Conn::server(server, true)?,
        })
    }

    /// A connection of one's own that writes. Not within an async function: it waits.
    pub(crate) fn writer(&self) -> Result<Conn, StoreError> {
        let conn = match self {
            Self::File { writes, synchronous, .. } => {
                let conn = Conn::file(writes, false)?;
                assert_durable(&conn, *synchronous)?;
                conn
            }
            Self::Server(server) => Conn::server(server, false)?,
        };
        bits::watch(&conn)?;
        Ok(conn)
    }

    /// Connections for what people read.
    pub(crate) fn readers(&self, connections: u32) -> Readers {
        match self {
            Self::File { options, .. } => Readers::file((**options).clone(), connections),
            Self::Server(server) => Readers::server(server, connections),
        }
    }
}

/// Set-up of a connection that reads.
fn connect_options(options: &Options, path: &Path, durability: SqliteSynchronous) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(Duration::from_secs(10))
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
        "pragma busy_timeout = 10000; pragma synchronous = {synchronous}; \
         pragma cache_size = -{cache_kib}; pragma temp_store = memory; \
         pragma wal_autocheckpoint = {CHECKPOINT}; pragma journal_size_limit = {LOG_MAX}; pragma foreign_keys = on;"
    )
}

fn assert_durable(conn: &Conn, wanted: i64) -> Result<(), StoreError> {
    let mut found = -1;
    conn.ask_while("pragma synchronous", &Rows::once(), |_, row| {
        found = db::cell(row, 0)?;
        Ok::<_, StoreError>(true)
    })?;
    if found == wanted {
        Ok(())
    } else {
        Err(StoreError::Invalid(format!("the database connection has synchronous={found}, wanted {wanted}")))
    }
}

/// A folder that goes with its owner.
pub(crate) struct Temporary(PathBuf);

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
