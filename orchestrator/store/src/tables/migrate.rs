//! Our tables, brought up to date. The bookkeeping is our own: the job queue uses the usual table for its own.
//!
//! On a server nodes of the release before go on working while a newer one migrates. Each migration therefore says which
//! schema a release has to know that can live with it (`needs`), and that is written down beside it: a node of an older
//! release that starts afterwards looks whether it is one of those. It waits for no lock for longer than a second, since
//! whoever comes later waits behind it.

use super::base::Base;
use super::open::aside;
use crate::{Options, StoreError};
use db::{Conn, Kind, Rows, Server};
use std::time::Duration;

/// A migration: its number and name, what a release has to know to live with it, and how each database says it.
struct Migration {
    number: i64,
    name: &'static str,
    needs: i64,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! migrations {
    (@needs $number:literal) => { $number };
    (@needs $number:literal $needs:literal) => { $needs };
    ($($number:literal $name:literal $file:literal $(needs $needs:literal)?),* $(,)?) => {
        [$(Migration {
            number: $number,
            name: $name,
            needs: migrations!(@needs $number $($needs)?),
            sqlite: include_str!(concat!("../../../../migrations/sqlite/", $file, ".sql")),
            postgres: include_str!(concat!("../../../../migrations/postgres/", $file, ".sql")),
        }),*]
    };
}

/// All of them, in order. `needs`: the newest schema that the release before knew; left out where only a release that knows
/// this one can live with it.
const MIGRATIONS: [Migration; 6] = migrations! {
    1 "first" "0001_first",
    2 "compiled" "0002_compiled" needs 1,
    3 "notice_mail" "0003_notice_mail" needs 1,
    4 "in_order_of_time" "0004_in_order_of_time",
    5 "pace" "0005_pace" needs 4,
    6 "nodes" "0006_nodes" needs 4,
};

/// The newest schema that this release knows.
pub(crate) const NEWEST: i64 = MIGRATIONS[MIGRATIONS.len() - 1].number;

/// Of two nodes that start at once one migrates, and the other waits: PostgreSQL's lock of this number.
const TURN: i64 = 7_461_002;

/// The longest that a node waits for another that migrates.
const TURN_MAX: Duration = Duration::from_secs(600);

/// The longest that a migration waits for a lock at a time, in milliseconds: what comes later waits behind it.
const LOCK_MAX_MS: u32 = 1000;

/// How often it tries, and what it leaves to the others in between.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_secs(2);

/// What a migration did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migrated {
    /// The schema that was there; `None`: nothing was.
    pub from: Option<i64>,
    /// The schema that is there.
    pub to: i64,
}

/// Brings the tables up to date; who only reads looks whether they can be read. Refuses a database that a newer release
/// wrote, unless this one can live with it.
pub(crate) async fn bring_up(base: &Base, read_only: bool) -> Result<Migrated, StoreError> {
    let how = match base {
        Base::File { reads, .. } if read_only => How::File(reads.clone()),
        Base::File { writes, .. } => How::File(writes.clone()),
        Base::Server(server) => How::Server(server.clone()),
    };
    aside(move || match how {
        How::File(file) => {
            if !read_only {
                let made = std::fs::OpenOptions::new().create(true).append(true).open(&file.path);
                made.map_err(|error| StoreError::Unavailable(format!("{}: {error}", file.path.display())))?;
            }
            in_file(&Conn::file(&file, read_only)?, read_only)
        }
        How::Server(server) => on_server(&server, read_only),
    })
    .await
}

enum How {
    File(db::File),
    Server(Box<Server>),
}

impl Options {
    /// Whether there is anything yet: a file, or tables on the server.
    pub async fn is_there(&self) -> Result<bool, StoreError> {
        let Some(server) = self.server.clone() else {
            return Ok(self.path.as_ref().is_some_and(|path| path.is_file()));
        };
        aside(move || {
            let conn = Conn::server(&server, true)?;
            let mut there = false;
            let sql = "select to_regclass('tabi_migration') is not null";
            conn.ask_while(sql, &Rows::once(), |_, row| {
                there = db::cell(row, 0)?;
                Ok::<_, StoreError>(true)
            })?;
            Ok(there)
        })
        .await
    }

    /// The schema that is there, and the newest that this release knows.
    ///
    /// # Errors
    /// [`StoreError::NewerSchema`] where this release cannot live with what is there.
    pub async fn schema(&self) -> Result<(i64, i64), StoreError> {
        let options = self.clone().read_only();
        Ok((bring_up(&Base::of(&options)?, true).await?.to, NEWEST))
    }

    /// Brings the tables up to date without opening them otherwise. On a server nodes may be at work meanwhile, also those of
    /// the release before.
    ///
    /// # Errors
    /// [`StoreError::InUse`] where a process has the file, [`StoreError::NewerSchema`] where a newer release was here,
    /// [`StoreError::Unavailable`] where others are too busy to be interrupted: nothing was changed then.
    pub async fn migrate(&self) -> Result<Migrated, StoreError> {
        bring_up(&Base::of(self)?, false).await
    }
}

/// What was done last.
pub(crate) fn found(conn: &Conn) -> Result<Option<i64>, StoreError> {
    let mut found = None;
    conn.ask_while("select max(number) from tabi_migration", &Rows::once(), |_, row| {
        found = db::cell(row, 0)?;
        Ok::<_, StoreError>(false)
    })?;
    Ok(found)
}

/// The same. Refuses what a newer release wrote that this one cannot live with.
fn known(conn: &Conn) -> Result<Option<i64>, StoreError> {
    let found = found(conn)?;
    if found.is_none_or(|found| found <= NEWEST) {
        return Ok(found);
    }
    // What says nothing needs the release that made it.
    let needs = if says_what_it_needs(conn)? { "coalesce(needs, number)" } else { "number" };
    let mut needed: Option<i64> = None;
    conn.ask_while(&format!("select max({needs}) from tabi_migration"), &Rows::once(), |_, row| {
        needed = db::cell(row, 0)?;
        Ok::<_, StoreError>(false)
    })?;
    match (found, needed) {
        (Some(found), Some(needed)) if needed > NEWEST => {
            Err(StoreError::NewerSchema { found, known: NEWEST })
        }
        _ => Ok(found),
    }
}

fn says_what_it_needs(conn: &Conn) -> Result<bool, StoreError> {
    Ok(db::copy::columns(conn, "tabi_migration")?.iter().any(|column| column.name == "needs"))
}

/// The table that says which migrations were run.
fn keep_books(conn: &Conn) -> Result<(), StoreError> {
    conn.batch(match conn.kind() {
        Kind::Postgres => {
            "create table if not exists tabi_migration (number bigint primary key, name text not null, needs bigint)"
        }
        Kind::Sqlite => {
            "create table if not exists tabi_migration (number integer primary key, name text not null, needs integer) \
             without rowid"
        }
    })?;
    if !says_what_it_needs(conn)? {
        conn.batch("alter table tabi_migration add column needs bigint")?;
    }
    Ok(())
}

impl Migration {
    /// Runs it, in a transaction that stands open.
    fn run(&self, conn: &Conn) -> Result<(), db::Error> {
        let Self { number, name, needs, .. } = self;
        conn.batch(match conn.kind() {
            Kind::Postgres => self.postgres,
            Kind::Sqlite => self.sqlite,
        })?;
        conn.batch(&format!(
            "insert into tabi_migration (number, name, needs) values ({number}, '{name}', {needs})"
        ))
    }

    fn failed(&self, why: &db::Error) -> StoreError {
        StoreError::Unavailable(format!("migration {} ({}): {why}", self.number, self.name))
    }
}

/// Those that come after `done`.
fn missing(done: Option<i64>) -> impl Iterator<Item = &'static Migration> {
    MIGRATIONS.iter().filter(move |one| done.is_none_or(|done| one.number > done))
}

/// Lays the tables of a schema, in a transaction that stands open.
pub(crate) fn lay(conn: &Conn, schema: i64) -> Result<(), StoreError> {
    keep_books(conn)?;
    for migration in missing(None).filter(|one| one.number <= schema) {
        migration.run(conn).map_err(|why| migration.failed(&why))?;
    }
    Ok(())
}

/// Brings them from there up to date, in the same transaction.
pub(crate) fn go_on(conn: &Conn) -> Result<(), StoreError> {
    for migration in missing(found(conn)?) {
        migration.run(conn).map_err(|why| migration.failed(&why))?;
    }
    Ok(())
}

/// Nobody else lays tables until the transaction ends.
pub(crate) fn take_turn(conn: &Conn) -> Result<(), StoreError> {
    Ok(conn.lock_numbers([TURN])?)
}

fn on_server(server: &Server, read_only: bool) -> Result<Migrated, StoreError> {
    if read_only {
        let from = known(&Conn::server(server, true)?)?;
        return Ok(Migrated { from, to: from.unwrap_or_default() });
    }
    let conn = Conn::server(&server.patient(), false)?;
    wait_for_turn(&conn)?;
    conn.make_schema(server.schema())?;
    keep_books(&conn)?;
    let from = known(&conn)?;
    for migration in missing(from) {
        among_others(&conn, migration)?;
    }
    let to = found(&conn)?.unwrap_or_default();
    conn.batch(&format!("select pg_advisory_unlock({TURN})"))?;
    Ok(Migrated { from, to })
}

/// Until nobody else migrates. Asked again and again: waiting would hold up nobody, but end with the patience for locks.
fn wait_for_turn(conn: &Conn) -> Result<(), StoreError> {
    let mut left = TURN_MAX.as_millis() / 100;
    loop {
        let mut ours = false;
        conn.ask_while(&format!("select pg_try_advisory_lock({TURN})"), &Rows::once(), |_, row| {
            ours = db::cell(row, 0)?;
            Ok::<_, StoreError>(true)
        })?;
        if ours {
            return Ok(());
        }
        if left == 0 {
            return Err(StoreError::Unavailable(
                "another process has been at these tables for ten minutes (a migration, or a restore): wait for it, then try \
                 again"
                    .to_owned(),
            ));
        }
        left -= 1;
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Runs a migration while others work: it gives way to whoever has its tables, and tries again.
fn among_others(conn: &Conn, migration: &Migration) -> Result<(), StoreError> {
    let attempt = || {
        conn.batch(&format!("begin; set local lock_timeout = {LOCK_MAX_MS}"))?;
        migration.run(conn)?;
        conn.batch("commit")
    };
    for _ in 0..TRIES {
        match attempt() {
            Ok(()) => return Ok(()),
            Err(db::Error::Busy(why)) => {
                conn.batch("rollback")?;
                tracing::info!("Migration {} waits: {why}", migration.name);
                std::thread::sleep(PAUSE);
            }
            Err(why) => {
                let _ = conn.batch("rollback");
                return Err(migration.failed(&why));
            }
        }
    }
    Err(StoreError::Unavailable(format!(
        "migration {} ({}): the tables were too busy for minutes; nothing was changed. Try again when less is going on",
        migration.number, migration.name
    )))
}

fn in_file(conn: &Conn, read_only: bool) -> Result<Migrated, StoreError> {
    if read_only {
        let from = known(conn)?;
        return Ok(Migrated { from, to: from.unwrap_or_default() });
    }
    keep_books(conn)?;
    let from = known(conn)?;
    for migration in missing(from) {
        conn.batch("begin immediate")?;
        if let Err(why) = migration.run(conn).and_then(|()| conn.batch("commit")) {
            let _ = conn.batch("rollback");
            return Err(migration.failed(&why));
        }
    }
    Ok(Migrated { from, to: found(conn)?.unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn no_migration_needs_a_release_newer_than_its_own_or_older_than_the_one_before_did() {
        for (nth, migration) in (1..).zip(&MIGRATIONS) {
            assert_eq!(migration.number, nth);
            assert!((1..=migration.number).contains(&migration.needs), "{}", migration.name);
        }
    }

    fn dump(conn: &Conn) -> Vec<String> {
        let sql = "select 'm' || shard || hex(customer) || hex(id) || n || journey || outcome || planned_at || coalesce(why, '-') \
                || hex(coalesce(inputs, x'')) from message \
             union all select 'd' || shard || hex(customer) || hex(message) || hex(id) || channel || hex(address_bidx) || state \
                || coalesce(due_at, '-') || fence || coalesce(lease_until, '-') || coalesce(why, '-') from delivery order by 1";
        let mut found = Vec::new();
        conn.ask_while(sql, &Rows::once(), |_, row| {
            found.push(db::cell(row, 0)?);
            Ok::<_, StoreError>(true)
        })
        .unwrap();
        found
    }

    #[test]
    fn messages_and_deliveries_come_along_into_the_order_of_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tabi.db");
        std::fs::File::create(&path).unwrap();
        let conn = Conn::file(&db::File { path, pragmas: String::new() }, false).unwrap();
        for one in &MIGRATIONS[..3] {
            conn.batch(one.sqlite).unwrap();
        }
        conn.batch(
            "create table tabi_migration (number integer primary key, name text not null) without rowid; \
             insert into tabi_migration values (1, 'first'), (2, 'compiled'), (3, 'notice_mail'); \
             with recursive number(n) as (select 1 union all select n + 1 from number where n < 50) \
             insert into message (shard, customer, id, n, origin, journey, step, visit, name, purpose, class, priority, \
                cause_seq, planned_at, outcome, why, inputs) \
                select n % 7, randomblob(16), randomblob(16), n, 0, n, 2, 3, 4, 5, 1, 3, 0, 1000 + n, n % 4, \
                    iif(n % 3, null, '{}'), randomblob(9) from number; \
             insert into delivery (shard, customer, message, id, ordinal, channel, address_bidx, state, due_at, fence, \
                lease_until, attempts, strikes, planned_at, delivery_class) \
                select shard, customer, id, randomblob(16), 0, 9, randomblob(16), n % 12, iif(n % 2, n, null), n, \
                    iif(n % 5, null, n), 1, 0, planned_at, 0 from message;",
        )
        .unwrap();
        let before = dump(&conn);
        assert_eq!(in_file(&conn, false).unwrap(), Migrated { from: Some(3), to: NEWEST });
        assert_eq!(before.len(), 100);
        assert_eq!(dump(&conn), before);
    }

    /// Somebody has a table for a while, as a node does that stands still: a migration gives way, and gets its turn later.
    #[test]
    fn a_migration_waits_for_nobody_with_others_behind_it() {
        let url = std::env::var("TABI_TEST_POSTGRES").expect(
            "TABI_TEST_POSTGRES names a PostgreSQL for tests: `tests/run` brings one, `tests/postgres start DIR` makes one",
        );
        let server = Server::parse(&url, &format!("busy_{}", std::process::id())).unwrap();
        let node = Conn::server(&server, false).unwrap();
        node.make_schema(server.schema()).unwrap();
        node.batch("begin").unwrap();
        lay(&node, 3).unwrap();
        node.batch("commit; begin; lock table delivery in row exclusive mode").unwrap();
        let migrating = std::thread::spawn({
            let server = server.clone();
            move || on_server(&server, false)
        });
        std::thread::sleep(Duration::from_millis(500));
        // Behind it, for a second at most.
        let other = Conn::server(&server, false).unwrap();
        let waited = std::time::Instant::now();
        other.batch("select count(*) from message").unwrap();
        assert!(waited.elapsed() < Duration::from_secs(3), "{:?}", waited.elapsed());
        assert!(!migrating.is_finished());
        node.batch("commit").unwrap();
        assert_eq!(migrating.join().unwrap().unwrap(), Migrated { from: Some(3), to: NEWEST });
    }
}
