//! The limits of SQLite: claimed steps and bulk inserts with nothing around them.
//!
//! WAL, `synchronous=FULL`, one writer, cached statements: what a careful person would write by hand.

use crate::{Measure, machine};
use anyhow::Result;
use rusqlite::{Connection, TransactionBehavior, params};
use std::path::Path;
use std::time::Instant;

/// What an enrollment carries beside its hot columns: about 190 bytes, as a real one does.
pub(crate) const CONTEXT: &str = r#"{"order":{"id":"o-102938","total":"4200 JPY","items":3},"delivery":{"carrier":"example","tracking":"https://example.com/t/102938"},"answers":{"score":9,"why":"fast"},"visits":{"remind":2}}"#;

fn open(path: &Path) -> Result<Connection> {
    let database = Connection::open(path)?;
    database.pragma_update(None, "journal_mode", "WAL")?;
    database.pragma_update(None, "synchronous", "FULL")?;
    database.pragma_update(None, "cache_size", -65_536)?;
    database.set_prepared_statement_cache_capacity(16);
    Ok(database)
}

/// Make the table of waiting enrollments, all due, in due order, where it is not there yet.
fn prepare(path: &Path, rows: u64) -> Result<Connection> {
    let new = !path.exists();
    let mut database = open(path)?;
    if new {
        database.execute_batch(
            "CREATE TABLE enrollment(id INTEGER PRIMARY KEY, step INTEGER NOT NULL, due INTEGER, context TEXT NOT NULL);
             CREATE INDEX enrollment_due ON enrollment(due) WHERE due IS NOT NULL;
             CREATE TABLE log(id INTEGER PRIMARY KEY, enrollment INTEGER NOT NULL, step INTEGER NOT NULL,
               at INTEGER NOT NULL, kind TEXT NOT NULL);",
        )?;
        let transaction = database.transaction()?;
        {
            let mut insert = transaction.prepare("INSERT INTO enrollment VALUES(?1, 0, ?1, ?2)")?;
            for id in 1..=rows {
                insert.execute(params![id, CONTEXT])?;
            }
        }
        transaction.commit()?;
        database.pragma_update(None, "wal_checkpoint", "TRUNCATE").ok();
    }
    Ok(database)
}

/// Claim due enrollments in due order, `batch` per commit: one UPDATE that moves the due time and one INSERT
/// into a log each. The table holds `rows` and is made on first use; later runs go on where the last one stopped.
///
/// # Errors
/// Those of SQLite.
pub fn claim(path: &Path, rows: u64, steps: u64, batch: u64) -> Result<Measure> {
    let mut database = prepare(path, rows)?;
    let (start, cpu) = (Instant::now(), machine::own_cpu_seconds());
    let mut done = 0;
    while done < steps {
        let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut due = transaction.prepare_cached(
                "SELECT id, step, due FROM enrollment WHERE due IS NOT NULL ORDER BY due LIMIT ?1",
            )?;
            let mut update =
                transaction.prepare_cached("UPDATE enrollment SET step = ?2, due = ?3 WHERE id = ?1")?;
            let mut log = transaction.prepare_cached(
                "INSERT INTO log(enrollment, step, at, kind) VALUES(?1, ?2, ?3, 'stepped')",
            )?;
            let claimed: Vec<(i64, i64, i64)> = due
                .query_map([batch.min(steps - done)], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
                .collect::<Result<_, _>>()?;
            for (id, step, at) in &claimed {
                // Due again a whole round later: the order stays that of the table.
                update.execute(params![id, step + 1, at + rows as i64])?;
                log.execute(params![id, step + 1, at])?;
            }
            done += claimed.len() as u64;
            if claimed.is_empty() {
                break;
            }
        }
        transaction.commit()?;
    }
    Ok(finish(done, start, cpu))
}

/// Insert events, `batch` rows per commit, each with its customer, name, instant and a small JSON body, at the end of
/// the table.
///
/// # Errors
/// Those of SQLite.
pub fn insert(path: &Path, rows: u64, batch: u64) -> Result<Measure> {
    let mut database = open(path)?;
    database.execute_batch(
        "CREATE TABLE IF NOT EXISTS event(id INTEGER PRIMARY KEY, customer INTEGER NOT NULL, name TEXT NOT NULL,
           at INTEGER NOT NULL, body TEXT NOT NULL);",
    )?;
    let (start, cpu) = (Instant::now(), machine::own_cpu_seconds());
    let mut done = 0;
    while done < rows {
        let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut insert = transaction.prepare_cached(
                "INSERT INTO event(customer, name, at, body) VALUES(?1, 'order_placed', ?2, ?3)",
            )?;
            for _ in 0..batch.min(rows - done) {
                insert.execute(params![done % 1000, done, CONTEXT])?;
                done += 1;
            }
        }
        transaction.commit()?;
    }
    Ok(finish(done, start, cpu))
}

/// What this process has done since `start`.
pub(crate) fn finish(work: u64, start: Instant, cpu: Option<f64>) -> Measure {
    let seconds = start.elapsed().as_secs_f64();
    let cpu_seconds = machine::own_cpu_seconds().zip(cpu).map(|(end, start)| end - start);
    let peak_rss = machine::memory(std::process::id(), "VmHWM");
    Measure { work: work as f64, seconds, cpu_seconds, peak_rss, ..Measure::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_claimed_step_is_written_once_and_the_next_run_goes_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("claim.db");
        assert_eq!(claim(&path, 1000, 700, 300).expect("claims").work, 700.0);
        assert_eq!(claim(&path, 1000, 700, 300).expect("claims").work, 700.0);
        let database = Connection::open(&path).expect("opens");
        let (steps, logged): (i64, i64) = database
            .query_row("SELECT (SELECT sum(step) FROM enrollment), (SELECT count(*) FROM log)", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .expect("counts");
        assert_eq!((steps, logged), (1400, 1400));
        let twice: i64 = database
            .query_row("SELECT count(*) FROM enrollment WHERE step = 2", [], |row| row.get(0))
            .expect("counts");
        assert_eq!(twice, 400, "in due order: nobody a second time before everybody once");
    }

    #[test]
    fn inserted_events_are_all_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("insert.db");
        assert_eq!(insert(&path, 2500, 500).expect("inserts").work, 2500.0);
        assert_eq!(insert(&path, 500, 500).expect("inserts").work, 500.0);
    }
}
