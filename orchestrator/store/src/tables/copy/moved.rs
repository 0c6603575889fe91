//! A database that was moved: it is kept as it was, and does not start again.
//!
//! It is sealed before the other place has anything, and the other place is committed after that: at no instant could both of
//! them send. Whatever ends a move on its way leaves one of two things: a database that goes on as before, or a sealed one and
//! an empty place, where the same command goes on.

use super::{Restored, commit, get, into_server, open_copy, put, remove};
use crate::tables::base::Base;
use crate::tables::open::aside;
use crate::{Options, StoreError};
use db::{Asked, Conn, Rows, Server};
use serde::{Deserialize, Serialize};
use vault::KeysCopy;
use words::Timestamp;

/// The setting that seals a database that was moved.
pub const SEAL: &str = "moved_to";

#[derive(Serialize, Deserialize)]
struct Seal {
    to: String,
    by: String,
    at: i64,
    /// What it was held for before.
    held: Option<String>,
}

impl Seal {
    fn of(conn: &Conn) -> Result<Option<Self>, StoreError> {
        get(conn, SEAL)?.map(|text| Self::read(&text)).transpose()
    }

    fn read(text: &str) -> Result<Self, StoreError> {
        serde_json::from_str(text).map_err(StoreError::corrupt)
    }

    fn refusal(self) -> StoreError {
        StoreError::Moved { to: self.to, by: self.by, at: Timestamp::from_micros(self.at) }
    }
}

/// What a move did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moved {
    /// Everything is there and was compared; what was left is sealed.
    Now(Restored),
    /// An earlier move had come to its end.
    Before,
}

/// Refuses a database that was moved elsewhere.
pub(crate) async fn refuse_moved(conn: &mut impl Asked) -> Result<(), StoreError> {
    match crate::tables::open::setting(conn, SEAL).await? {
        Some(text) => Err(Seal::read(&text)?.refusal()),
        None => Ok(()),
    }
}

/// Takes the seal off a copy, which then is what it was before.
pub(super) fn forget(conn: &Conn) -> Result<(), StoreError> {
    let Some(seal) = Seal::of(conn)? else { return Ok(()) };
    remove(conn, SEAL)?;
    match seal.held {
        Some(held) => put(conn, "held", &held),
        None => remove(conn, "held"),
    }
}

/// What begins elsewhere is not held, unless it was.
pub(super) fn begin_there(conn: &Conn) -> Result<(), StoreError> {
    remove(conn, "server")?;
    forget(conn)?;
    if get(conn, "held")?.is_none() { put(conn, "moved", "1") } else { Ok(()) }
}

/// Moves a database file, which nobody has open, with its keys into empty schemas of a server.
///
/// # Errors
/// [`StoreError::Moved`] where it was moved elsewhere before, [`StoreError::InUse`] where a process has it open,
/// [`StoreError::Conflict`] where the server's schemas are not empty. Unless [`StoreError::Unfinished`] says otherwise, the
/// database goes on as before.
pub async fn move_to(
    source: &Options,
    keys: &KeysCopy,
    (server, keys_schema): (Server, &str),
    by: &str,
    at: Timestamp,
) -> Result<Moved, StoreError> {
    let (source, keys, keys_schema, by) =
        (source.clone(), keys.clone(), keys_schema.to_owned(), by.to_owned());
    aside(move || {
        let base = Base::of(&source)?;
        let Base::File { writes, .. } = &base else {
            return Err(StoreError::Invalid("what is moved has to be a database file".to_owned()));
        };
        let there = Conn::server(&server.patient(), false)?;
        let here = Conn::file(writes, false)?;
        let to = server.shown();
        let sealed_before = match Seal::of(&here)? {
            Some(seal) if seal.to != to => return Err(seal.refusal()),
            Some(_) => true,
            None => false,
        };
        if sealed_before
            && instance_of(&there, &server)?
                .is_some_and(|of| get(&here, "instance").is_ok_and(|own| own == Some(of)))
        {
            return Ok(Moved::Before);
        }
        let copied = open_copy(&writes.path)?;
        if !sealed_before {
            let held = get(&here, "held")?;
            let seal = Seal { to: to.clone(), by, at: at.as_micros(), held };
            let text = serde_json::to_string(&seal).map_err(StoreError::corrupt)?;
            here.batch("begin immediate")?;
            put(&here, "held", &format!("this database was moved to {to}"))?;
            put(&here, SEAL, &text)?;
            here.batch("commit")?;
        }
        let restored = match into_server(&copied, &keys, &there, &server, &keys_schema, true) {
            Ok(restored) => restored,
            Err(error) => {
                let _ = there.batch("rollback");
                // An earlier run may have come further than it knew.
                if !sealed_before {
                    here.batch("begin immediate")?;
                    forget(&here)?;
                    remove(&here, "moved")?;
                    here.batch("commit")?;
                }
                return Err(error);
            }
        };
        commit(&there, &server).map_err(|error| {
            StoreError::Unfinished(format!(
                "{error}; this database stays sealed until the same `tabi move` has looked what became of it"
            ))
        })?;
        Ok(Moved::Now(restored))
    })
    .await
}

/// Which instance lies on the server, if any.
fn instance_of(conn: &Conn, server: &Server) -> Result<Option<String>, StoreError> {
    let mut row = Rows::new();
    row.row().text(&format!("\"{}\".setting", server.schema()));
    let mut there = false;
    conn.ask_while("select to_regclass(?) is not null", &row, |_, row| {
        there = db::cell(row, 0)?;
        Ok::<_, StoreError>(true)
    })?;
    if there { get(conn, "instance") } else { Ok(None) }
}

/// Takes the seal off a database file: for whoever has given the other place up for good. It is held until somebody lets
/// it go.
///
/// # Errors
/// [`StoreError::Conflict`] where it was not moved.
pub async fn take_back(source: &Options) -> Result<(), StoreError> {
    let source = source.clone();
    aside(move || {
        let base = Base::of(&source)?;
        let conn = base.writer()?;
        let Some(seal) = Seal::of(&conn)? else {
            return Err(StoreError::Conflict("this database was not moved: there is nothing to take back".to_owned()));
        };
        conn.batch("begin immediate")?;
        remove(&conn, SEAL)?;
        remove(&conn, "moved")?;
        let held = format!(
            "this database was taken back after it had been moved to {}: it knows nothing of what was sent there",
            seal.to
        );
        put(&conn, "held", &held)?;
        conn.batch("commit")?;
        Ok(())
    })
    .await
}
