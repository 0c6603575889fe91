//! A copy of the database in one file.

use super::Store;
use super::open::PUT_SETTING;
use crate::StoreError;
use std::path::Path;

/// SQLite's own copy of a database file, consistent while in use.
pub(crate) async fn copy_file(store: &Store, path: &Path) -> Result<(), StoreError> {
    use sqlx::{ConnectOptions, Connection, Row};
    let Some(options) = store.0.base.file_options() else {
        return Err(StoreError::Invalid("a database on a server is backed up by pg_dump".to_owned()));
    };
    let mut conn = options.clone().read_only(true).connect().await?;
    sqlx::query("vacuum into ?").bind(path.display().to_string()).execute(&mut conn).await?;
    conn.close().await?;
    // A copy is held when it is opened, unless a move was announced before it was made.
    let mut copy = sqlx::sqlite::SqliteConnectOptions::new().filename(path).connect().await?;
    let moved =
        sqlx::query("select value from setting where name = 'moved'").fetch_optional(&mut copy).await?;
    if moved.map(|row| row.try_get::<String, _>(0)).transpose()?.is_none() {
        sqlx::query(PUT_SETTING)
            .bind("held")
            .bind("this database is a restored backup")
            .execute(&mut copy)
            .await?;
    }
    copy.close().await?;
    Ok(())
}
