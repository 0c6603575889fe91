//! The store on SQLite: one writer that commits in groups, a few readers.

mod acts;
mod audit;
mod bits;
mod claim;
mod commit;
mod console;
mod customer;
mod decided;
mod door;
mod entry;
mod erased;
mod fanout;
mod hand_over;
mod held;
mod hints;
mod history;
mod identity;
mod ingest;
mod keys;
mod ledger;
mod likeness;
mod log;
mod merge;
mod migrate;
mod notice;
mod open;
mod packed;
mod people;
mod plan;
#[cfg(test)]
mod plans;
mod reads;
mod release;
mod rows;
mod settle;
mod sql;
mod sweep;
mod symbols;
mod tally;
mod together;
mod troubles;
mod writer;

pub use commit::PreparedSteps;
pub use open::Store;
