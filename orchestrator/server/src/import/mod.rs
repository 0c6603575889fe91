//! Import of customers and of history from CSV and JSON Lines.
//!
//! A row becomes the same call that the tracking API makes, so the same rules hold. Rows that are refused go to the caller
//! with their line and reason and do not stop the others. History feeds facts and starts nothing. Doing it again, or from a
//! line on, changes nothing that is there: events carry the file's name and their line as message id.
//!
//! A refused row can be imported again as it is, once mended: beside its own columns it says from which line of which file it
//! is, and why it was refused ([`RejectedRow::again`]), and counts as that line of that file.

mod again;
pub(crate) mod fuzz;
mod row;
mod rows;
mod status;
#[cfg(test)]
mod tests;

pub use row::{ColumnError, Columns};
pub use status::{Import, Imports, Running, State};

use crate::App;
use crate::intake::{Door, Fate, Item, World, check, take};
use crate::problem::Problem;
use rows::Rows;
use std::collections::BTreeSet;
use std::io::BufRead;
use std::sync::Arc;

/// Rows that are stored together.
const BATCH: usize = 1_000;

/// How the file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values with a header line, UTF-8, with or without a byte order mark.
    Csv,
    /// One JSON object a line: a row by column names, or a message of the tracking API (with `type`).
    Jsonl,
}

/// What the rows are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One customer a row.
    Customers,
    /// One event of a customer a row.
    Events,
}

/// What to import, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// How the file is written.
    pub format: Format,
    /// What its rows are about.
    pub kind: Kind,
    /// What its columns mean.
    pub columns: Columns,
    /// Only say what would happen.
    pub dry_run: bool,
    /// Rows up to this line (counted from 1, the header is one) are done already.
    pub done_to_line: u64,
    /// The file's name: evidence of consents, and what makes message ids.
    pub name: String,
}

/// A row that was not taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRow {
    /// Its line in the file, counted from 1.
    pub line: u64,
    /// Stable.
    pub code: String,
    /// Why, in words, free of personal data.
    pub reason: String,
    /// The row as a line of a file to be mended and imported again, without its end.
    pub again: String,
    /// The first line of such a file; empty: it has none.
    pub head: Arc<str>,
}

/// What an import that read to its end says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Done {
    /// How far it came.
    pub progress: Progress,
    /// Columns that neither their name, nor [`Options::columns`], nor the schema knows: each became a trait, or a property.
    pub undeclared: BTreeSet<String>,
}

/// How far it came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Rows read.
    pub rows: u64,
    /// Stored, or, in a dry run, good.
    pub taken: u64,
    /// Known before.
    pub duplicates: u64,
    /// Not taken.
    pub rejected: u64,
    /// Everything up to this line is durable: give it as [`Options::done_to_line`] to go on from here.
    pub line: u64,
}

/// Why an import ended early. What [`Progress`] said is durable stays.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read on.
    #[error("line {line}: the file cannot be read: {reason}")]
    Read {
        /// Where.
        line: u64,
        /// Why.
        reason: String,
    },
    /// The header does not say what is needed.
    #[error(transparent)]
    Columns(#[from] ColumnError),
    /// The store.
    #[error("line {line}: {reason}")]
    Store {
        /// Behind which line.
        line: u64,
        /// Why.
        reason: String,
    },
}

/// Imports what `reader` gives. `rejected` and `progress` are called as it goes on.
///
/// # Errors
/// Where the file or the store fails; rows that are wrong are no error.
pub async fn run<R: BufRead + Send>(
    app: &App,
    reader: R,
    options: &Options,
    mut rejected: impl FnMut(RejectedRow) + Send,
    mut progress: impl FnMut(Progress) + Send,
) -> Result<Done, ImportError> {
    let world = World(app.current.live());
    let door = Door { source: "import".to_owned(), browser: false, history: true, keep: false };
    let mut rows = Rows::open(reader, options)?;
    let head: Arc<str> = rows.head().into();
    let mut so_far = Progress { line: options.done_to_line, ..Progress::default() };
    loop {
        let batch = rows.next_batch(BATCH, app.now())?;
        if batch.is_empty() {
            progress(so_far);
            let undeclared = rows.undeclared(world.schema());
            return Ok(Done { progress: so_far, undeclared });
        }
        let lines: Vec<u64> = batch.iter().map(|(line, _)| *line).collect();
        let items: Vec<Item> = batch.into_iter().map(|(_, item)| item).collect();
        let bodies: Vec<Vec<u8>> = items.iter().map(|item| item.body.clone()).collect();
        let fates = if options.dry_run {
            check(app, &world, &door, items)
        } else {
            let stored = take(app, &world, &door, items).await;
            stored.map_err(|problem: Problem| ImportError::Store {
                line: so_far.line,
                reason: problem.detail().to_owned(),
            })?
        };
        for ((line, fate), body) in lines.into_iter().zip(fates).zip(bodies) {
            so_far.rows += 1;
            so_far.line = line;
            match fate {
                Fate::Taken => so_far.taken += 1,
                Fate::Duplicate => so_far.duplicates += 1,
                Fate::Refused(refusal) => {
                    so_far.rejected += 1;
                    rejected(RejectedRow {
                        line,
                        code: refusal.code.as_str().to_owned(),
                        again: again::line(options, line, &refusal, &body),
                        head: Arc::clone(&head),
                        reason: refusal.reason,
                    });
                }
            }
        }
        progress(so_far);
    }
}
