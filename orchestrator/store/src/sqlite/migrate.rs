//! Our tables, brought up to date. The bookkeeping is our own: the job queue uses the usual table for its own.

use crate::StoreError;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, Row};

/// (number, name, SQL), in order.
const MIGRATIONS: [(i64, &str, &str); 3] = [
    (1, "first", include_str!("../../../../migrations/sqlite/0001_first.sql")),
    (2, "compiled", include_str!("../../../../migrations/sqlite/0002_compiled.sql")),
    (3, "notice_mail", include_str!("../../../../migrations/sqlite/0003_notice_mail.sql")),
];

/// The newest schema that this release knows.
pub(crate) const NEWEST: i64 = MIGRATIONS[MIGRATIONS.len() - 1].0;

/// Runs what is missing. Refuses a database that a newer release wrote.
pub(crate) async fn migrate(conn: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::query(
        "create table if not exists tabi_migration (number integer primary key, name text not null) without rowid",
    )
    .execute(&mut *conn)
    .await?;
    check(conn).await?;
    let done: Option<i64> =
        sqlx::query("select max(number) from tabi_migration").fetch_one(&mut *conn).await?.try_get(0)?;
    for (number, name, sql) in MIGRATIONS {
        if done.is_some_and(|done| number <= done) {
            continue;
        }
        let mut tx = conn.begin().await?;
        sqlx::raw_sql(sql).execute(&mut *tx).await?;
        sqlx::query("insert into tabi_migration (number, name) values (?, ?)")
            .bind(number)
            .bind(name)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Refuses a database that a newer release wrote.
pub(crate) async fn check(conn: &mut SqliteConnection) -> Result<(), StoreError> {
    let found: Option<i64> =
        sqlx::query("select max(number) from tabi_migration").fetch_one(conn).await?.try_get(0)?;
    match found {
        Some(found) if found > NEWEST => Err(StoreError::NewerSchema { found, known: NEWEST }),
        _ => Ok(()),
    }
}
