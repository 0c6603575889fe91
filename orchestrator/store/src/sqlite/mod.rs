//! The store on SQLite: one writer that commits in groups, a few readers.

mod claim;
mod commit;
mod console;
mod fanout;
mod held;
mod hints;
mod identity;
mod ingest;
mod ledger;
mod log;
mod merge;
mod migrate;
mod open;
mod people;
mod release;
mod rows;
mod settle;
mod sweep;
mod symbols;
mod troubles;
mod writer;

pub use open::Store;
