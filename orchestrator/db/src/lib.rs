//! One way to say a statement to SQLite and to PostgreSQL.
//!
//! Statements are written once, in the words that both understand or that `dialect` knows how to say in PostgreSQL's.
//! Two ways lead to a database:
//!
//! - [`Conn`] is a connection of one's own thread: statements block, are prepared once, and may be run for many rows at
//!   once ([`Rows`]). On SQLite a statement runs once for each row, about a microsecond each; on PostgreSQL it runs once
//!   for all of them, over `unnest`, since there each statement is a round trip.
//! - [`Reader`] is a connection out of a pool, for what people read.

mod conn;
pub mod copy;
mod dialect;
mod error;
mod postgres;
mod reader;
mod rows;
mod server;
mod sqlite;
mod value;

pub use conn::{Asked, Conn, Done, Query, query};
pub use error::Error;
pub use postgres::STATEMENTS;
pub use reader::{Reader, Readers};
pub use rows::{Holds, Rows, signed, unsigned};
pub use server::Server;
pub use sqlite::File;
pub use value::{Bound, Cell, Cells, Found, Place, Ref, Row, Value, bytes, cell};

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// SQLite, in this process.
    Sqlite,
    /// PostgreSQL 14 and up.
    Postgres,
}
