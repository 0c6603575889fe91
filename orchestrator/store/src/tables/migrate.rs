//! Our tables, brought up to date. The bookkeeping is our own: the job queue uses the usual table for its own.

use super::base::Base;
use super::open::aside;
use crate::{Options, StoreError};
use db::{Conn, Rows, Server};
use sqlx::sqlite::SqliteConnection;
use sqlx::{ConnectOptions, Connection, Row};

/// A migration: its number and name, and how each database says it.
struct Migration {
    number: i64,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! migrations {
    ($($number:literal $name:literal $file:literal),* $(,)?) => {
        [$(Migration {
            number: $number,
            name: $name,
            sqlite: include_str!(concat!("../../../../migrations/sqlite/", $file, ".sql")),
            postgres: include_str!(concat!("../../../../migrations/postgres/", $file, ".sql")),
        }),*]
    };
}

/// All of them, in order.
const MIGRATIONS: [Migration; 5] = migrations! {
    1 "first" "0001_first",
    2 "compiled" "0002_compiled",
    3 "notice_mail" "0003_notice_mail",
    4 "in_order_of_time" "0004_in_order_of_time",
    5 "pace" "0005_pace",
};

/// The newest schema that this release knows.
pub(crate) const NEWEST: i64 = MIGRATIONS[MIGRATIONS.len() - 1].number;

/// Of two nodes that start at once one migrates, and the other waits: PostgreSQL's lock of this number.
const TURN: i64 = 7_461_002;

/// Brings the tables up to date; who only reads looks whether they can be read. Refuses a database that a newer release
/// wrote.
pub(crate) async fn bring_up(base: &Base, read_only: bool) -> Result<(), StoreError> {
    match base {
        Base::File { options, .. } if read_only => {
            let mut conn = (**options).clone().read_only(true).connect().await?;
            check(&mut conn).await?;
            conn.close().await?;
        }
        Base::File { options, .. } => {
            let mut conn = (**options).clone().create_if_missing(true).connect().await?;
            migrate(&mut conn).await?;
            conn.close().await?;
        }
        Base::Server(server) => {
            let server = server.clone();
            aside(move || on_server(&server, read_only)).await?;
        }
    }
    Ok(())
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
}

/// What was done last, by the server.
fn done_there(conn: &Conn) -> Result<Option<i64>, StoreError> {
    let mut found = None;
    conn.ask_while("select max(number) from tabi_migration", &Rows::once(), |_, row| {
        found = db::cell(row, 0)?;
        Ok::<_, StoreError>(false)
    })?;
    known(found)
}

/// Refuses what a newer release wrote.
fn known(found: Option<i64>) -> Result<Option<i64>, StoreError> {
    match found {
        Some(found) if found > NEWEST => Err(StoreError::NewerSchema { found, known: NEWEST }),
        found => Ok(found),
    }
}

fn on_server(server: &Server, read_only: bool) -> Result<(), StoreError> {
    let conn = Conn::server(server, read_only)?;
    if read_only {
        return done_there(&conn).map(drop);
    }
    let schema = server.schema();
    conn.batch(&format!("select pg_advisory_lock({TURN})"))?;
    conn.batch(&format!("create schema if not exists \"{schema}\""))?;
    conn.batch("create table if not exists tabi_migration (number bigint primary key, name text not null)")?;
    let done = done_there(&conn)?;
    for migration in MIGRATIONS.iter().filter(|one| done.is_none_or(|done| one.number > done)) {
        let Migration { number, name, postgres, .. } = migration;
        conn.batch("begin")?;
        let written = conn
            .batch("set local statement_timeout = 0")
            .and_then(|()| conn.batch(postgres))
            .and_then(|()| {
                conn.batch(&format!(
                    "insert into tabi_migration (number, name) values ({number}, '{name}'); commit"
                ))
            });
        if let Err(error) = written {
            let _ = conn.batch("rollback");
            return Err(StoreError::Unavailable(format!("migration {number} ({name}): {error}")));
        }
    }
    conn.batch(&format!("select pg_advisory_unlock({TURN})"))?;
    Ok(())
}

/// Runs what is missing. Refuses a database that a newer release wrote.
async fn migrate(conn: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::query(
        "create table if not exists tabi_migration (number integer primary key, name text not null) without rowid",
    )
    .execute(&mut *conn)
    .await?;
    let done = check(conn).await?;
    for migration in MIGRATIONS.iter().filter(|one| done.is_none_or(|done| one.number > done)) {
        let mut tx = conn.begin().await?;
        sqlx::raw_sql(migration.sqlite).execute(&mut *tx).await?;
        sqlx::query("insert into tabi_migration (number, name) values (?, ?)")
            .bind(migration.number)
            .bind(migration.name)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
    }
    Ok(())
}

/// What was done last. Refuses a database that a newer release wrote.
async fn check(conn: &mut SqliteConnection) -> Result<Option<i64>, StoreError> {
    let found: Option<i64> =
        sqlx::query("select max(number) from tabi_migration").fetch_one(conn).await?.try_get(0)?;
    known(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    async fn dump(conn: &mut SqliteConnection) -> Vec<String> {
        let rows = sqlx::query(
            "select 'm' || shard || hex(customer) || hex(id) || n || journey || outcome || planned_at || coalesce(why, '-') \
                || hex(coalesce(inputs, x'')) from message \
             union all select 'd' || shard || hex(customer) || hex(message) || hex(id) || channel || hex(address_bidx) || state \
                || coalesce(due_at, '-') || fence || coalesce(lease_until, '-') || coalesce(why, '-') from delivery order by 1",
        );
        rows.fetch_all(conn).await.unwrap().iter().map(|row| row.get(0)).collect()
    }

    #[tokio::test]
    async fn messages_and_deliveries_come_along_into_the_order_of_time() {
        let mut conn = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        for one in &MIGRATIONS[..3] {
            sqlx::raw_sql(one.sqlite).execute(&mut conn).await.unwrap();
        }
        sqlx::raw_sql(
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
        .execute(&mut conn)
        .await
        .unwrap();
        let before = dump(&mut conn).await;
        migrate(&mut conn).await.unwrap();
        assert_eq!(before.len(), 100);
        assert_eq!(dump(&mut conn).await, before);
    }
}
