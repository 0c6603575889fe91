//! The wrapped keys of the subjects on a PostgreSQL server, in a schema of their own: what `keys.db` is on SQLite.
//!
//! Invariants as there: a key is committed before it is used anywhere; a destroyed subject gets no new key. A copy of the
//! data that leaves this schema out holds no keys.

use crate::chance::Chance;
use crate::keys::{make_key, missing, shard, unwrap_key};
use crate::{DataKey, KeyRef, VaultError};
use db::{Conn, Rows, Server, bytes, cell};
use ring::aead::LessSafeKey;
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use words::Timestamp;

pub(crate) const SCHEMA: &str = "
create table if not exists vault_meta (name text primary key, value bytea not null);
create table if not exists subject_key (
    shard bigint not null, subject bytea not null, class bigint not null, year bigint not null,
    wrapped bytea not null, created_at bigint not null,
    primary key (shard, subject, class, year)
);
create table if not exists destroyed_subject (
    subject bytea primary key, at bigint not null, n bigint generated always as identity
);
create index if not exists destroyed_n on destroyed_subject (n);
";

/// Of two nodes that start at once one makes the tables: PostgreSQL's lock of this number.
const TURN: i64 = 7_461_003;

/// Destructions are numbered in the order of their commits: PostgreSQL's lock of this number.
const DESTROYING: i64 = 7_461_004;

/// Every method blocks its thread for as long as the server takes.
pub(crate) struct KeysServer {
    server: Server,
    spare: Mutex<Vec<Conn>>,
    /// The last destroyed subject that this process has heard of.
    heard: AtomicI64,
}

impl KeysServer {
    pub(crate) fn open(server: Server, check: &[u8]) -> Result<Self, VaultError> {
        let this = Self { server, spare: Mutex::default(), heard: AtomicI64::new(0) };
        let schema = this.server.schema().to_owned();
        let stored = this.with(|conn| {
            conn.batch(&format!("select pg_advisory_lock({TURN})"))?;
            conn.make_schema(&schema)?;
            conn.batch(SCHEMA)?;
            let mut rows = Rows::new();
            rows.row().blob(check);
            conn.each(
                "insert into vault_meta (name, value) values ('root_check', ?) on conflict do nothing",
                &rows,
            )?;
            let mut stored = Vec::new();
            conn.ask_while(
                "select value from vault_meta where name = 'root_check'",
                &Rows::once(),
                |_, row| {
                    stored = bytes(row, 0)?.to_vec();
                    Ok::<_, db::Error>(true)
                },
            )?;
            conn.batch(&format!("select pg_advisory_unlock({TURN})"))?;
            Ok(stored)
        })?;
        if stored != check {
            return Err(VaultError::WrongRoot);
        }
        Ok(this)
    }

    fn with<T>(&self, work: impl FnOnce(&Conn) -> Result<T, VaultError>) -> Result<T, VaultError> {
        let spare = || self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = spare().pop();
        let conn = match kept {
            Some(conn) => conn,
            None => Conn::server(&self.server, false)?,
        };
        let done = work(&conn);
        // One that failed may have a transaction open: it goes.
        if done.is_ok() {
            spare().push(conn);
        }
        done
    }

    /// The keys that exist, in the order asked for.
    pub(crate) fn find(
        &self,
        wrap: &LessSafeKey,
        wanted: &[KeyRef],
    ) -> Result<Vec<Option<DataKey>>, VaultError> {
        self.with(|conn| select(conn, wrap, wanted))
    }

    /// The keys, making those that are missing. `None`: the subject was destroyed.
    pub(crate) fn find_or_create(
        &self,
        wrap: &LessSafeKey,
        chance: &Chance,
        wanted: &[KeyRef],
        now: Timestamp,
    ) -> Result<Vec<Option<DataKey>>, VaultError> {
        self.with(|conn| {
            conn.run("begin")?;
            lock_subjects(conn, wanted.iter().map(|key| &key.subject))?;
            let found = select(conn, wrap, wanted)?;
            let missing = missing(wanted, &found);
            let mut subjects = Rows::new();
            for key in &missing {
                subjects.row().blob(&key.subject);
            }
            let mut gone = vec![false; missing.len()];
            conn.ask_while("select 1 from destroyed_subject where subject = ?", &subjects, |nth, _| {
                if let Some(slot) = gone.get_mut(nth) {
                    *slot = true;
                }
                Ok::<_, VaultError>(true)
            })?;
            let (mut rows, mut fresh) = (Rows::new(), HashMap::new());
            for (key, _) in missing.into_iter().zip(gone).filter(|(_, gone)| !gone) {
                let (data, wrapped) = make_key(wrap, chance, key)?;
                rows.row().int(shard(&key.subject)).blob(&key.subject).int(key.class as u8).int(key.year);
                rows.blob(&wrapped).at(now);
                fresh.insert(key, data);
            }
            conn.each(
                "insert into subject_key (shard, subject, class, year, wrapped, created_at) values (?, ?, ?, ?, ?, ?)",
                &rows,
            )?;
            conn.run("commit")?;
            Ok(found.into_iter().zip(wanted).map(|(key, of)| key.or_else(|| fresh.get(of).cloned())).collect())
        })
    }

    /// Deletes every key of the subject, for good. Returns how many there were.
    pub(crate) fn destroy(&self, subject: &[u8; 16], now: Timestamp) -> Result<u64, VaultError> {
        self.with(|conn| {
            conn.run("begin")?;
            lock_subjects(conn, std::iter::once(subject))?;
            // One after the other: whoever has heard of one has heard of all with a smaller number.
            conn.lock_numbers([DESTROYING])?;
            let mut row = Rows::new();
            row.row().blob(subject).at(now);
            conn.each(
                "insert into destroyed_subject (subject, at) values (?, ?) on conflict do nothing",
                &row,
            )?;
            let mut row = Rows::new();
            row.row().int(shard(subject)).blob(subject);
            let gone = conn.each("delete from subject_key where shard = ? and subject = ?", &row)?;
            conn.run("commit")?;
            Ok(gone)
        })
    }

    /// Subjects that other nodes have destroyed since this was asked last.
    pub(crate) fn destroyed_since(&self) -> Result<Vec<[u8; 16]>, VaultError> {
        let mut row = Rows::new();
        row.row().int(self.heard.load(Ordering::Acquire));
        let mut found = Vec::new();
        self.with(|conn| {
            conn.ask_while(
                "select n, subject from destroyed_subject where n > ? order by n",
                &row,
                |_, row| {
                    self.heard.fetch_max(cell(row, 0)?, Ordering::AcqRel);
                    found.push(cell(row, 1)?);
                    Ok::<_, VaultError>(true)
                },
            )
        })?;
        Ok(found)
    }

    /// Copies the keys to a new file, as they are at one instant.
    pub(crate) fn backup(&self, path: &std::path::Path, check: &[u8]) -> Result<(), VaultError> {
        crate::copies::out_of_server(&Conn::server(&self.server.patient(), true)?, path, check)
    }

    pub(crate) fn close(&self) {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// Nobody makes or destroys keys of these subjects until the transaction ends.
fn lock_subjects<'a>(conn: &Conn, subjects: impl Iterator<Item = &'a [u8; 16]>) -> Result<(), VaultError> {
    let names =
        subjects.filter_map(|subject| subject.last_chunk::<8>()).map(|last| i64::from_be_bytes(*last));
    Ok(conn.lock_numbers(names)?)
}

fn select(conn: &Conn, wrap: &LessSafeKey, wanted: &[KeyRef]) -> Result<Vec<Option<DataKey>>, VaultError> {
    let mut rows = Rows::new();
    for key in wanted {
        rows.row().int(shard(&key.subject)).blob(&key.subject).int(key.class as u8).int(key.year);
    }
    let mut found = vec![None; wanted.len()];
    conn.ask_while(
        "select wrapped from subject_key where shard = ? and subject = ? and class = ? and year = ?",
        &rows,
        |nth, row| {
            if let (Some(slot), Some(key)) = (found.get_mut(nth), wanted.get(nth)) {
                *slot = Some(unwrap_key(wrap, *key, bytes(row, 0)?)?);
            }
            Ok::<_, VaultError>(true)
        },
    )?;
    Ok(found)
}
