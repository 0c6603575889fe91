//! How late timers are: a crowd that falls due at a steady rate, seen from outside through the database.
//!
//! What is sampled is the age of the oldest customer who is due and not yet stepped and committed: nobody waits longer
//! than that. It therefore counts the claim, the step and the durable commit.

use crate::Measure;
use crate::measure::Spread;
use anyhow::{Context as _, Result, ensure};
use rusqlite::{Connection, OpenFlags, params};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(2);

fn now_us() -> Result<i64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH).context("after 1970")?.as_micros() as i64)
}

/// Let everybody who waits fall due at random instants, `rate` a second, from `after` now on. Nothing may run on the
/// database.
///
/// # Errors
/// Those of SQLite; where nobody waits.
pub fn spread(path: &Path, rate: u64, after: Duration) -> Result<()> {
    let mut database = Connection::open(path)?;
    database.pragma_update(None, "cache_size", -262_144)?;
    database.pragma_update(None, "synchronous", "OFF")?;
    let transaction = database.transaction()?;
    let waiting: i64 =
        transaction
            .query_row("select count(*) from customer where due_at is not null", [], |row| row.get(0))?;
    ensure!(waiting > 0, "nobody waits in {}", path.display());
    let span = (waiting as u64 * 1_000_000 / rate).max(1) as i64;
    let from = now_us()? + after.as_micros() as i64;
    transaction.execute(
        "update customer set due_at = ?1 + abs(random() % ?2) where due_at is not null",
        params![from, span],
    )?;
    transaction.execute(
        "update enrollment set due_at = (select c.due_at from customer c where c.shard = enrollment.shard \
         and c.id = enrollment.customer) where status = 0 and due_at is not null",
        [],
    )?;
    transaction.commit()?;
    Ok(())
}

/// Look for `duration`: half of the looks found nobody overdue by more than p50, all but one in a hundred by more than
/// p99. Work is counted in customers stepped.
///
/// # Errors
/// Those of the database.
pub fn watch(database: &mut dyn Looked, duration: Duration) -> Result<Measure> {
    // Whoever was stepped waits for a day again.
    let soon = now_us()? + 3_600_000_000;
    let before = database.due_before(soon)?;
    let (start, mut late) = (Instant::now(), Vec::new());
    while start.elapsed() < duration {
        let due = database.oldest_due()?;
        late.push(due.map_or(0.0, |due| (now_us().unwrap_or(due) - due).max(0) as f64 / 1e3));
        std::thread::sleep(LOOK);
    }
    let seconds = start.elapsed().as_secs_f64();
    let after = database.due_before(soon)?;
    let spread = Spread::of(late);
    Ok(Measure {
        work: (before - after) as f64,
        seconds,
        p50_ms: spread.as_ref().map(Spread::median),
        p99_ms: spread.as_ref().map(|spread| spread.at(0.99)),
        ..Measure::default()
    })
}

/// An installation's database, as it is looked at from outside.
pub trait Looked {
    /// When the customer fell due who waits longest, in microseconds.
    ///
    /// # Errors
    /// Those of the database.
    fn oldest_due(&mut self) -> Result<Option<i64>>;

    /// How many fall due before this.
    ///
    /// # Errors
    /// Those of the database.
    fn due_before(&mut self, until: i64) -> Result<i64>;
}

/// A file.
#[derive(Debug)]
pub struct File(Connection);

impl File {
    /// Opens it to read.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn open(path: &Path) -> Result<Self> {
        let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        database.busy_timeout(Duration::from_secs(5))?;
        Ok(Self(database))
    }
}

impl Looked for File {
    fn oldest_due(&mut self) -> Result<Option<i64>> {
        let mut oldest = self.0.prepare_cached(
            "with recursive s (n) as (select 0 union all select n + 1 from s where n < 255) \
             select min((select min(due_at) from customer where shard = n and due_at is not null)) from s",
        )?;
        Ok(oldest.query_row([], |row| row.get(0))?)
    }

    fn due_before(&mut self, until: i64) -> Result<i64> {
        let sql = "select count(*) from customer where due_at is not null and due_at < ?1";
        Ok(self.0.query_row(sql, [until], |row| row.get(0))?)
    }
}
