//! `keys.db`: the wrapped keys of the subjects, in a database of their own.
//!
//! Invariant: a key is committed here before it is used anywhere, so a crash can lose data that nobody has a key for,
//! but never the key of data that is there. Destroying is final: a destroyed subject gets no new key.

use crate::chance::Chance;
use crate::{DataKey, KeyClass, KeyRef, VaultError};
use ring::aead::{Aad, LessSafeKey, NONCE_LEN, Nonce};
use rusqlite::{Connection, TransactionBehavior, params};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use words::Timestamp;
use zeroize::Zeroizing;

/// `shard` is the last byte of the subject, as with the customers' own tables: those who fall due together have their
/// keys together.
pub(crate) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS vault_meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS subject_key (
    shard INTEGER NOT NULL, subject BLOB NOT NULL, class INTEGER NOT NULL, year INTEGER NOT NULL,
    wrapped BLOB NOT NULL, created_at INTEGER NOT NULL,
    PRIMARY KEY (shard, subject, class, year)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS destroyed_subject (
    subject BLOB PRIMARY KEY, at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

/// Every method blocks its thread for as long as the disk takes.
pub(crate) struct KeysDb {
    reading: Mutex<Connection>,
    /// One creator at a time: the second finds what the first has committed.
    writing: Mutex<Connection>,
}

impl KeysDb {
    pub(crate) fn open(path: &Path, check: &[u8]) -> Result<Self, VaultError> {
        create_private(path)?;
        let connect = || {
            let connection = Connection::open(path)?;
            connection.busy_timeout(Duration::from_secs(10))?;
            connection.execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; \
                 PRAGMA cache_size = -512;",
            )?;
            Ok::<_, rusqlite::Error>(connection)
        };
        let writing = connect()?;
        writing.execute_batch(SCHEMA)?;
        let stored: Vec<u8> = writing.query_row(
            "INSERT INTO vault_meta (name, value) VALUES ('root_check', ?) \
             ON CONFLICT (name) DO UPDATE SET value = value RETURNING value",
            [check],
            |row| row.get(0),
        )?;
        if stored != check {
            return Err(VaultError::WrongRoot);
        }
        Ok(Self { reading: Mutex::new(connect()?), writing: Mutex::new(writing) })
    }

    /// The keys that exist, in the order asked for.
    pub(crate) fn find(
        &self,
        wrap: &LessSafeKey,
        wanted: &[KeyRef],
    ) -> Result<Vec<Option<DataKey>>, VaultError> {
        select(&lock(&self.reading), wrap, wanted)
    }

    /// The keys, making those that are missing. `None`: the subject was destroyed.
    pub(crate) fn find_or_create(
        &self,
        wrap: &LessSafeKey,
        chance: &Chance,
        wanted: &[KeyRef],
        now: Timestamp,
    ) -> Result<Vec<Option<DataKey>>, VaultError> {
        let mut connection = lock(&self.writing);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut found = select(&transaction, wrap, wanted)?;
        let missing = missing(wanted, &found);
        if missing.is_empty() {
            return Ok(found);
        }
        let mut fresh = Vec::with_capacity(missing.len());
        {
            let mut gone = transaction.prepare_cached("SELECT 1 FROM destroyed_subject WHERE subject = ?")?;
            let mut insert = transaction.prepare_cached(
                "INSERT INTO subject_key (shard, subject, class, year, wrapped, created_at) \
                 VALUES (?, ?, ?, ?, ?, ?)",
            )?;
            for key in missing {
                if gone.exists([key.subject.as_slice()])? {
                    continue;
                }
                let (data, wrapped) = make_key(wrap, chance, key)?;
                let class = key.class as u8;
                insert.execute(params![
                    shard(&key.subject),
                    key.subject.as_slice(),
                    class,
                    key.year,
                    wrapped,
                    now.as_micros()
                ])?;
                fresh.push((key, data));
            }
        }
        transaction.commit()?;
        for (slot, key) in found.iter_mut().zip(wanted) {
            if slot.is_none() {
                let at = fresh.binary_search_by(|(fresh, _)| fresh.cmp(key));
                *slot = at.ok().map(|index| fresh[index].1.clone());
            }
        }
        Ok(found)
    }

    /// Deletes every key of the subject, for good. Returns how many there were.
    pub(crate) fn destroy(&self, subject: &[u8; 16], now: Timestamp) -> Result<u64, VaultError> {
        let mut connection = lock(&self.writing);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute(
            "INSERT INTO destroyed_subject (subject, at) VALUES (?, ?) ON CONFLICT DO NOTHING",
            params![subject.as_slice(), now.as_micros()],
        )?;
        let gone = transaction.execute(
            "DELETE FROM subject_key WHERE shard = ? AND subject = ?",
            params![shard(subject), subject.as_slice()],
        )?;
        transaction.commit()?;
        // The log still holds the old pages until it is emptied; a busy reader only postpones that.
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(gone as u64)
    }

    pub(crate) fn backup(&self, path: &Path) -> Result<(), VaultError> {
        create_private(path)?;
        lock(&self.reading).execute("VACUUM INTO ?", [path.display().to_string()])?;
        Ok(())
    }

    #[cfg(test)]
    pub(crate) fn wrapped_for_tests(&self, subject: &[u8; 16]) -> Vec<u8> {
        lock(&self.reading)
            .query_row("SELECT wrapped FROM subject_key WHERE subject = ?", [subject.as_slice()], |row| {
                row.get(0)
            })
            .unwrap_or_default()
    }

    /// Empties the log; the connections close with the vault.
    pub(crate) fn close(&self) {
        let connection = lock(&self.writing);
        if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
            tracing::debug!("closing keys.db: {error}");
        }
    }
}

fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn shard(subject: &[u8; 16]) -> u8 {
    subject[15]
}

fn select(
    connection: &Connection,
    wrap: &LessSafeKey,
    wanted: &[KeyRef],
) -> Result<Vec<Option<DataKey>>, VaultError> {
    // One snapshot for all of them, unless somebody has begun one already: each statement would lock and unlock.
    let own = connection.is_autocommit();
    if own {
        connection.prepare_cached("BEGIN")?.execute([])?;
    }
    let found = select_all(connection, wrap, wanted);
    if own {
        connection.prepare_cached("COMMIT")?.execute([])?;
    }
    found
}

fn select_all(
    connection: &Connection,
    wrap: &LessSafeKey,
    wanted: &[KeyRef],
) -> Result<Vec<Option<DataKey>>, VaultError> {
    let mut statement = connection.prepare_cached(
        "SELECT wrapped FROM subject_key WHERE shard = ? AND subject = ? AND class = ? AND year = ?",
    )?;
    let mut found = Vec::with_capacity(wanted.len());
    for key in wanted {
        let of_key = params![shard(&key.subject), key.subject.as_slice(), key.class as u8, key.year];
        let mut rows = statement.query(of_key)?;
        found.push(match rows.next()? {
            Some(row) => {
                let wrapped = row.get_ref(0)?.as_blob().map_err(|_| VaultError::Tampered)?;
                Some(unwrap_key(wrap, *key, wrapped)?)
            }
            None => None,
        });
    }
    Ok(found)
}

/// Those that were not found, each once, in order.
pub(crate) fn missing(wanted: &[KeyRef], found: &[Option<DataKey>]) -> Vec<KeyRef> {
    let mut missing: Vec<KeyRef> =
        wanted.iter().zip(found).filter(|(_, key)| key.is_none()).map(|(wanted, _)| *wanted).collect();
    missing.sort_unstable();
    missing.dedup();
    missing
}

/// A new key, and the same wrapped.
pub(crate) fn make_key(
    wrap: &LessSafeKey,
    chance: &Chance,
    key: KeyRef,
) -> Result<(DataKey, Vec<u8>), VaultError> {
    let mut material = Zeroizing::new([0; 32]);
    chance.fill(&mut *material)?;
    let data = DataKey(material);
    let wrapped = wrap_key(wrap, chance, key, &data)?;
    Ok((data, wrapped))
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

pub(crate) fn unwrap_key(wrap: &LessSafeKey, key: KeyRef, wrapped: &[u8]) -> Result<DataKey, VaultError> {
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
pub(crate) fn create_private(path: &Path) -> Result<(), VaultError> {
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
