//! Connections out of a pool, for what people read.

use crate::conn::Asked;
use crate::value::{Row, Value};
use crate::{Error, Kind, Server, dialect, postgres};
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, PgPool, Postgres, Sqlite, SqlitePool};

/// A few connections that read.
#[derive(Debug, Clone)]
pub enum Readers {
    /// SQLite's.
    Sqlite(SqlitePool),
    /// PostgreSQL's.
    Postgres(PgPool),
}

/// One of them, as long as it is needed.
#[derive(Debug)]
pub enum Reader {
    /// SQLite's.
    Sqlite(PoolConnection<Sqlite>),
    /// PostgreSQL's.
    Postgres(PoolConnection<Postgres>),
}

impl Readers {
    /// At most `connections` to a database file, each opened when it is first needed.
    pub fn file(options: SqliteConnectOptions, connections: u32) -> Self {
        Self::Sqlite(
            SqlitePoolOptions::new()
                .max_connections(connections.max(1))
                .min_connections(0)
                .test_before_acquire(false)
                .max_lifetime(None)
                .idle_timeout(None)
                .connect_lazy_with(options.read_only(true)),
        )
    }

    /// At most `connections` to a server, each opened when it is first needed.
    pub fn server(server: &Server, connections: u32) -> Self {
        Self::Postgres(server.pool(connections))
    }

    /// One of them.
    pub async fn acquire(&self) -> Result<Box<Reader>, Error> {
        Ok(Box::new(match self {
            Self::Sqlite(pool) => Reader::Sqlite(pool.acquire().await?),
            Self::Postgres(pool) => Reader::Postgres(pool.acquire().await?),
        }))
    }

    /// Closes them all.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl Asked for Reader {
    fn kind(&self) -> Kind {
        match self {
            Self::Sqlite(_) => Kind::Sqlite,
            Self::Postgres(_) => Kind::Postgres,
        }
    }

    async fn all(&mut self, sql: &str, values: Vec<Value>) -> Result<Vec<Row>, Error> {
        match self {
            Self::Sqlite(conn) => {
                let found = bound(sql, values).fetch_all(&mut **conn).await?;
                found.iter().map(kept).collect()
            }
            Self::Postgres(conn) => {
                let text = dialect::one(sql);
                let arguments = postgres::arguments(&text, &values)?;
                let found = sqlx::query_with(AssertSqlSafe(text), arguments).fetch_all(&mut **conn).await?;
                found.iter().map(postgres::kept).collect()
            }
        }
    }

    async fn execute(&mut self, sql: &str, values: Vec<Value>) -> Result<u64, Error> {
        match self {
            Self::Sqlite(conn) => Ok(bound(sql, values).execute(&mut **conn).await?.rows_affected()),
            Self::Postgres(conn) => {
                let text = dialect::one(sql);
                let arguments = postgres::arguments(&text, &values)?;
                let done = sqlx::query_with(AssertSqlSafe(text), arguments).execute(&mut **conn).await?;
                Ok(done.rows_affected())
            }
        }
    }
}

fn bound(
    sql: &str,
    values: Vec<Value>,
) -> sqlx::query::Query<'_, Sqlite, <Sqlite as sqlx::Database>::Arguments> {
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for value in values {
        query = match value {
            Value::Int(value) => query.bind(value),
            Value::Text(value) => query.bind(value),
            Value::Blob(value) => query.bind(value),
        };
    }
    query
}

fn kept(found: &sqlx::sqlite::SqliteRow) -> Result<Row, Error> {
    use sqlx::{Row as _, TypeInfo as _, ValueRef as _};
    let mut row = Vec::with_capacity(found.len());
    for place in 0..found.len() {
        let raw = found.try_get_raw(place)?;
        row.push(match raw.type_info().name() {
            _ if raw.is_null() => Value::Int(None),
            "INTEGER" => Value::Int(Some(found.try_get(place)?)),
            "TEXT" => Value::Text(Some(found.try_get(place)?)),
            _ => Value::Blob(Some(found.try_get(place)?)),
        });
    }
    Ok(Row(row))
}
