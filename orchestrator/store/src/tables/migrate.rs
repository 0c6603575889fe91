//! Our tables, brought up to date. The bookkeeping is our own: the job queue uses the usual table for its own.

use crate::StoreError;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, Row};

/// (number, name, SQL), in order.
const MIGRATIONS: [(i64, &str, &str); 4] = [
    (1, "first", include_str!("../../../../migrations/sqlite/0001_first.sql")),
    (2, "compiled", include_str!("../../../../migrations/sqlite/0002_compiled.sql")),
    (3, "notice_mail", include_str!("../../../../migrations/sqlite/0003_notice_mail.sql")),
    (4, "in_order_of_time", include_str!("../../../../migrations/sqlite/0004_in_order_of_time.sql")),
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
        for (_, _, sql) in &MIGRATIONS[..3] {
            sqlx::raw_sql(*sql).execute(&mut conn).await.unwrap();
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
