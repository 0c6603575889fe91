//! `keys.db`: the wrapped keys of the subjects, in a database of their own.
//!
//! Invariant: a key is committed here before it is used anywhere, so a crash can lose data that nobody has a key for,
//! but never the key of data that is there. Destroying is final: a destroyed subject gets no new key.

use crate::chance::Chance;
use crate::{DataKey, KeyClass, KeyRef, VaultError};
use data_encoding::HEXLOWER;
use ring::aead::{Aad, LessSafeKey, NONCE_LEN, Nonce};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Connection, Row};
use std::path::Path;
use std::time::Duration;
use words::Timestamp;
use zeroize::Zeroizing;

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS vault_meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS subject_key (
    subject BLOB NOT NULL, class INTEGER NOT NULL, year INTEGER NOT NULL,
    wrapped BLOB NOT NULL, created_at INTEGER NOT NULL,
    PRIMARY KEY (subject, class, year)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS destroyed_subject (
    subject BLOB PRIMARY KEY, at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

pub(crate) struct KeysDb {
    pool: SqlitePool,
    /// One creator at a time: the second finds what the first has committed.
    creating: tokio::sync::Mutex<()>,
}

impl KeysDb {
    pub(crate) async fn open(path: &Path, check: &[u8]) -> Result<Self, VaultError> {
        create_private(path)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10))
            .pragma("secure_delete", "ON")
            .pragma("cache_size", "-512");
        let pool = SqlitePoolOptions::new().max_connections(2).connect_with(options).await?;
        sqlx::raw_sql(SCHEMA).execute(&pool).await?;
        let stored: Vec<u8> = sqlx::query_scalar(
            "INSERT INTO vault_meta (name, value) VALUES ('root_check', ?) \
             ON CONFLICT (name) DO UPDATE SET value = value RETURNING value",
        )
        .bind(check)
        .fetch_one(&pool)
        .await?;
        if stored != check {
            return Err(VaultError::WrongRoot);
        }
        Ok(Self { pool, creating: tokio::sync::Mutex::new(()) })
    }

    /// The keys that exist, in the order asked for.
    pub(crate) async fn find(
        &self,
        wrap: &LessSafeKey,
        wanted: &[KeyRef],
    ) -> Result<Vec<Option<DataKey>>, VaultError> {
        let mut connection = self.pool.acquire().await?;
        select(&mut connection, wrap, wanted).await
    }

    /// The keys, making those that are missing. `None`: the subject was destroyed.
    pub(crate) async fn find_or_create(
        &self,
        wrap: &LessSafeKey,
        chance: &Chance,
        wanted: &[KeyRef],
        now: Timestamp,
    ) -> Result<Vec<Option<DataKey>>, VaultError> {
        let _one_at_a_time = self.creating.lock().await;
        let mut connection = self.pool.acquire().await?;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        let mut found = select(&mut transaction, wrap, wanted).await?;
        let mut missing: Vec<KeyRef> =
            wanted.iter().zip(&found).filter(|(_, key)| key.is_none()).map(|(wanted, _)| *wanted).collect();
        missing.sort_unstable();
        missing.dedup();
        if missing.is_empty() {
            return Ok(found);
        }
        let gone: Vec<Vec<u8>> = sqlx::query_scalar(
            "SELECT d.subject FROM json_each(?) j JOIN destroyed_subject d ON d.subject = unhex(j.value ->> 0)",
        )
        .bind(json(missing.iter().map(|key| (key, None))))
        .fetch_all(&mut *transaction)
        .await?;
        missing.retain(|key| !gone.iter().any(|subject| subject == &key.subject));
        let mut fresh = Vec::with_capacity(missing.len());
        for key in missing {
            let mut material = Zeroizing::new([0; 32]);
            chance.fill(&mut *material)?;
            let data = DataKey(material);
            let wrapped = wrap_key(wrap, chance, key, &data)?;
            fresh.push((key, data, wrapped));
        }
        sqlx::query(
            "INSERT INTO subject_key (subject, class, year, wrapped, created_at) \
             SELECT unhex(value ->> 0), value ->> 1, value ->> 2, unhex(value ->> 3), ? FROM json_each(?)",
        )
        .bind(now.as_micros())
        .bind(json(fresh.iter().map(|(key, _, wrapped)| (key, Some(wrapped.as_slice())))))
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        for (slot, key) in found.iter_mut().zip(wanted) {
            if slot.is_none() {
                let at = fresh.binary_search_by(|(fresh, _, _)| fresh.cmp(key));
                *slot = at.ok().map(|index| fresh[index].1.clone());
            }
        }
        Ok(found)
    }

    /// Deletes every key of the subject, for good. Returns how many there were.
    pub(crate) async fn destroy(&self, subject: &[u8; 16], now: Timestamp) -> Result<u64, VaultError> {
        let _one_at_a_time = self.creating.lock().await;
        let mut connection = self.pool.acquire().await?;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query("INSERT INTO destroyed_subject (subject, at) VALUES (?, ?) ON CONFLICT DO NOTHING")
            .bind(subject.as_slice())
            .bind(now.as_micros())
            .execute(&mut *transaction)
            .await?;
        let gone = sqlx::query("DELETE FROM subject_key WHERE subject = ?")
            .bind(subject.as_slice())
            .execute(&mut *transaction)
            .await?
            .rows_affected();
        transaction.commit().await?;
        // The log still holds the old pages until it is emptied; a busy reader only postpones that.
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut *connection).await?;
        Ok(gone)
    }

    pub(crate) async fn backup(&self, path: &Path) -> Result<(), VaultError> {
        create_private(path)?;
        sqlx::query("VACUUM INTO ?").bind(path.display().to_string()).execute(&self.pool).await?;
        Ok(())
    }

    #[cfg(test)]
    pub(crate) async fn wrapped_for_tests(&self, subject: &[u8; 16]) -> Vec<u8> {
        sqlx::query_scalar("SELECT wrapped FROM subject_key WHERE subject = ?")
            .bind(subject.as_slice())
            .fetch_one(&self.pool)
            .await
            .unwrap_or_default()
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

async fn select(
    connection: &mut sqlx::SqliteConnection,
    wrap: &LessSafeKey,
    wanted: &[KeyRef],
) -> Result<Vec<Option<DataKey>>, VaultError> {
    let rows = sqlx::query(
        "SELECT j.key, k.wrapped FROM json_each(?) j CROSS JOIN subject_key k \
         ON k.subject = unhex(j.value ->> 0) AND k.class = j.value ->> 1 AND k.year = j.value ->> 2",
    )
    .bind(json(wanted.iter().map(|key| (key, None))))
    .fetch_all(connection)
    .await?;
    let mut found = vec![None; wanted.len()];
    for row in rows {
        let index = usize::try_from(row.try_get::<i64, _>(0)?).unwrap_or(usize::MAX);
        let wrapped: &[u8] = row.try_get(1)?;
        if let (Some(slot), Some(key)) = (found.get_mut(index), wanted.get(index)) {
            *slot = Some(unwrap_key(wrap, *key, wrapped)?);
        }
    }
    Ok(found)
}

/// `[["<subject in hex>", class, year, "<wrapped in hex>"], …]`: one bound value for a whole batch.
fn json<'a>(keys: impl Iterator<Item = (&'a KeyRef, Option<&'a [u8]>)>) -> String {
    use std::fmt::Write as _;
    let mut out = String::from("[");
    for (key, wrapped) in keys {
        if out.len() > 1 {
            out.push(',');
        }
        out.push_str("[\"");
        HEXLOWER.encode_append(&key.subject, &mut out);
        let _ = write!(out, "\",{},{}", key.class as u8, key.year);
        if let Some(wrapped) = wrapped {
            out.push_str(",\"");
            HEXLOWER.encode_append(wrapped, &mut out);
            out.push('"');
        }
        out.push(']');
    }
    out.push(']');
    out
}

fn wrap_aad(key: KeyRef) -> [u8; 24] {
    let mut aad = *b"key/1\0..................";
    aad[5] = key.class as u8;
    aad[6..22].copy_from_slice(&key.subject);
    aad[22..].copy_from_slice(&key.year.to_be_bytes());
    aad
}

fn wrap_key(wrap: &LessSafeKey, chance: &Chance, key: KeyRef, data: &DataKey) -> Result<Vec<u8>, VaultError> {
    let mut nonce = [0; NONCE_LEN];
    chance.fill(&mut nonce)?;
    let mut body = Zeroizing::new(data.0.to_vec());
    let tag = wrap
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(wrap_aad(key)),
            body.as_mut_slice(),
        )
        .map_err(|_| VaultError::TooLong)?;
    Ok([&nonce, body.as_slice(), tag.as_ref()].concat())
}

fn unwrap_key(wrap: &LessSafeKey, key: KeyRef, wrapped: &[u8]) -> Result<DataKey, VaultError> {
    let (nonce, body) = wrapped.split_at_checked(NONCE_LEN).ok_or(VaultError::Tampered)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| VaultError::Tampered)?;
    let mut body = Zeroizing::new(body.to_vec());
    let plain =
        wrap.open_in_place(nonce, Aad::from(wrap_aad(key)), &mut body).map_err(|_| VaultError::Tampered)?;
    let mut material = Zeroizing::new([0; 32]);
    if plain.len() != material.len() {
        return Err(VaultError::Tampered);
    }
    material.copy_from_slice(plain);
    Ok(DataKey(material))
}

/// Makes the file first, readable by its owner alone; SQLite gives the log beside it the same mode.
fn create_private(path: &Path) -> Result<(), VaultError> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(|_| ()).map_err(|source| VaultError::Io { path: path.to_owned(), source })
}

impl KeyClass {
    /// Every class.
    pub const ALL: [Self; 3] = [Self::Profile, Self::Events, Self::Content];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Events => "events",
            Self::Content => "content",
        }
    }

    /// Reads that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == text)
    }
}
