//! How a database is opened.

use crate::StoreError;
use std::path::PathBuf;

/// The schema that tables lie in on a server.
pub const SCHEMA: &str = "tabi";

/// How to open.
#[derive(Debug, Clone)]
pub struct Options {
    /// The database file; `None`: in memory, gone with the process, unless there is a server.
    pub path: Option<PathBuf>,
    /// The PostgreSQL database, instead of a file.
    pub server: Option<db::Server>,
    /// Reading only: leaves the lock alone, so a running instance goes on. Nothing can be written.
    pub read_only: bool,
    /// How much a commit promises.
    pub durability: Durability,
    /// Connections that read.
    pub readers: u32,
    /// The witness beside the database, see [`crate::Held`]; `None`: none is kept, never held.
    pub witness: Option<PathBuf>,
    /// Cache of each connection in KiB.
    pub cache_kib: u32,
}

/// How much a commit promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Survives power loss (`synchronous=FULL`).
    #[default]
    Full,
    /// Survives a crash of the process, not of the machine. For the fast-forward of the demo and virtual runs.
    Normal,
}

impl Options {
    /// A database file with its witness beside it.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let witness = path.with_extension("witness");
        Self {
            path: Some(path),
            server: None,
            read_only: false,
            durability: Durability::Full,
            readers: 2,
            witness: Some(witness),
            cache_kib: 2048,
        }
    }

    /// A PostgreSQL database: `postgres://user:password@host:port/database`. Its tables lie in the schema `tabi`.
    pub fn server(url: &str) -> Result<Self, StoreError> {
        Self::server_in(url, SCHEMA)
    }

    /// The same with the tables in another schema.
    pub fn server_in(url: &str, schema: &str) -> Result<Self, StoreError> {
        let server = db::Server::parse(url, schema)?;
        Ok(Self { server: Some(server), readers: 4, ..Self::memory() })
    }

    /// A database in memory.
    pub fn memory() -> Self {
        Self {
            path: None,
            server: None,
            read_only: false,
            durability: Durability::Normal,
            readers: 1,
            witness: None,
            cache_kib: 2048,
        }
    }

    /// The same, for reading only.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// The same, with this durability.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }
}
