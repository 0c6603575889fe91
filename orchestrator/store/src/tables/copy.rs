//! Copies of a database: into one file, and out of such a file into an empty database of either kind.
//!
//! A copy is a file of SQLite whatever it is of, with the schema that the original has. What is read is seen at one instant,
//! while others go on writing; what was written is read again and compared, cell by cell, before anybody hears that it is
//! there (only what SQLite itself copies is not). A copy sends nothing before a person says that it is meant, unless a move was announced.

mod list;
mod moved;

pub(crate) use moved::refuse_moved;
pub use moved::{Moved, SEAL, move_to, take_back};

use super::base::Base;
use super::open::{PUT_SETTING, aside};
use super::{Store, bits, migrate};
use crate::StoreError;
use db::copy::{Sum, Table, begin_snapshot, columns, copy, key, sum, tables};
use db::{Conn, File, Rows, Server};
use list::{NUMBERED, TABLES, Way};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use vault::KeysCopy;

/// What a copy of a file is held for.
const HELD: &str = "this database is a restored backup";

/// What a copy holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// The schema that it has.
    pub schema: i64,
    /// The rows of each table.
    pub rows: BTreeMap<String, u64>,
    /// Why it will send nothing before somebody lets it go; `None`: a move was announced.
    pub held: Option<String>,
}

impl Copied {
    /// All rows.
    pub fn total(&self) -> u64 {
        self.rows.values().sum()
    }
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The data.
    pub data: Copied,
    /// How many keys.
    pub keys: u64,
    /// Customers whose data nothing opens, because their keys are not in this copy of the keys: it is older than the data.
    pub without_keys: u64,
}

/// Where a database is restored to.
#[derive(Debug, Clone)]
pub enum RestoreInto {
    /// Files in a folder, made here: the data and the keys.
    Files {
        /// The data.
        data: PathBuf,
        /// The keys.
        keys: PathBuf,
    },
    /// Schemas of a PostgreSQL database.
    Server {
        /// The server, with the schema of the data.
        server: Box<Server>,
        /// The schema of the keys.
        keys: String,
    },
}

/// A copy of the database in one file, consistent while in use.
pub(crate) async fn copy_out(store: &Store, path: &Path) -> Result<Copied, StoreError> {
    let (base, path) = (store.0.base.clone(), path.to_owned());
    aside(move || {
        let made = match &*base {
            Base::File { reads, .. } => {
                let conn = Conn::file(reads, true)?;
                vacuum(&conn, &path)
            }
            Base::Server(server) => out_of_server(&Conn::server(&server.patient(), true)?, &path),
        };
        let finished = made.and_then(|()| finish(&path));
        if finished.is_err() {
            // Half a copy looks like a copy.
            let _ = std::fs::remove_file(&path);
        }
        finished
    })
    .await
}

/// Restores a copy into an empty place. Nothing is left there if it fails.
///
/// # Errors
/// [`StoreError::Conflict`] where the place is not empty or the copy no database of ours, [`StoreError::NewerSchema`] where a
/// newer release made it.
pub async fn restore(from: &Path, keys: &KeysCopy, into: RestoreInto) -> Result<Restored, StoreError> {
    let (from, keys) = (from.to_owned(), keys.clone());
    aside(move || {
        let copied = open_copy(&from)?;
        match into {
            RestoreInto::Files { data, keys: to } => into_files(&copied, &keys, &data, &to),
            RestoreInto::Server { server, keys: schema } => {
                let conn = Conn::server(&server.patient(), false)?;
                let restored = into_server(&copied, &keys, &conn, &server, &schema, false)?;
                commit(&conn, &server)?;
                Ok(restored)
            }
        }
    })
    .await
}

/// SQLite's own copy of a file.
fn vacuum(conn: &Conn, path: &Path) -> Result<(), StoreError> {
    let mut row = Rows::new();
    row.row().text(&path.display().to_string());
    conn.each("vacuum into ?", &row)?;
    Ok(())
}

/// A file that may be written, of which nothing has to survive a crash before it is whole.
fn scratch(path: &Path) -> Result<Conn, StoreError> {
    let pragmas = "pragma journal_mode = off; pragma synchronous = off; pragma temp_store = file; \
        pragma cache_size = -16384";
    Ok(Conn::file(&File { path: path.to_owned(), pragmas: pragmas.to_owned() }, false)?)
}

/// What lies on a server, as it is at one instant, in a file.
fn out_of_server(from: &Conn, path: &Path) -> Result<(), StoreError> {
    begin_snapshot(from)?;
    let schema = migrate::found(from)?.ok_or_else(nothing_there)?;
    if schema > migrate::NEWEST {
        // What a newer release added has no words here.
        return Err(StoreError::NewerSchema { found: schema, known: migrate::NEWEST });
    }
    std::fs::File::create_new(path)
        .map_err(|error| StoreError::Unavailable(format!("{}: {error}", path.display())))?;
    let into = scratch(path)?;
    into.batch("begin")?;
    migrate::lay(&into, schema)?;
    for (table, way) in TABLES.into_iter().filter(|(_, way)| *way != Way::Left) {
        if let Some(sum) = across(from, &into, table, way)? {
            compare(&into, table, sum)?;
        }
    }
    bits::make_anew(&into)?;
    into.batch("commit")?;
    from.batch("commit")?;
    into.close();
    Ok(())
}

fn nothing_there() -> StoreError {
    StoreError::NotFound("installation in this database".to_owned())
}

/// One table from one database into the other; `None` where the schema does not have it yet.
fn across(from: &Conn, into: &Conn, table: &str, way: Way) -> Result<Option<Sum>, StoreError> {
    let (read, written) = (columns(from, table)?, columns(into, table)?);
    if read.is_empty() && written.is_empty() {
        return Ok(None);
    }
    if read != written {
        return Err(StoreError::Corrupt(format!("the table {table} has other columns than it should")));
    }
    let lanes = format!("{table}_lane");
    let lane = (way == Way::Lanes && into.is_postgres()).then_some(("lane", 0));
    let order = key(if from.is_postgres() { into } else { from }, table)?;
    let table = Table {
        from: table,
        into: if lane.is_some() { &lanes } else { table },
        columns: &read,
        order: if from.is_postgres() { &order } else { "" },
        and: lane,
    };
    Ok(Some(copy(from, into, &table)?))
}

/// Reads a table again.
fn compare(conn: &Conn, table: &str, wanted: Sum) -> Result<(), StoreError> {
    let found = sum(conn, table, &columns(conn, table)?)?;
    if found == wanted {
        return Ok(());
    }
    Err(StoreError::Corrupt(format!(
        "the copy of {table} is not what it is a copy of ({} rows, {} wanted)",
        found.rows, wanted.rows
    )))
}

/// Says that it is a copy, makes it durable, and counts what it holds.
fn finish(path: &Path) -> Result<Copied, StoreError> {
    let io = |error| StoreError::Unavailable(format!("{}: {error}", path.display()));
    let pragmas = "pragma synchronous = full".to_owned();
    let conn = Conn::file(&File { path: path.to_owned(), pragmas }, false)?;
    mark(&conn, HELD)?;
    let copied = counted(&conn)?;
    conn.close();
    std::fs::File::open(path).and_then(|file| file.sync_all()).map_err(io)?;
    #[cfg(unix)]
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)?;
    }
    Ok(copied)
}

fn put(conn: &Conn, name: &str, value: &str) -> Result<(), StoreError> {
    let mut row = Rows::new();
    row.row().text(name).text(value);
    conn.each(PUT_SETTING, &row)?;
    Ok(())
}

fn remove(conn: &Conn, name: &str) -> Result<(), StoreError> {
    let mut row = Rows::new();
    row.row().text(name);
    conn.each("delete from setting where name = ?", &row)?;
    Ok(())
}

fn get(conn: &Conn, name: &str) -> Result<Option<String>, StoreError> {
    let mut row = Rows::new();
    row.row().text(name);
    let mut found = None;
    conn.ask_while("select value from setting where name = ?", &row, |_, row| {
        found = Some(db::cell(row, 0)?);
        Ok::<_, StoreError>(false)
    })?;
    Ok(found)
}

/// A copy is held when it is opened, unless a move was announced before it was made.
fn mark(conn: &Conn, reason: &str) -> Result<(), StoreError> {
    // Where it lay means nothing where it will lie.
    remove(conn, "server")?;
    moved::forget(conn)?;
    if get(conn, "moved")?.is_none() && get(conn, "held")?.is_none() {
        put(conn, "held", reason)?;
    }
    Ok(())
}

fn counted(conn: &Conn) -> Result<Copied, StoreError> {
    let mut rows = BTreeMap::new();
    for (table, _) in TABLES.into_iter().filter(|(_, way)| *way == Way::Rows) {
        if columns(conn, table)?.is_empty() {
            continue;
        }
        conn.ask_while(&format!("select count(*) from {table}"), &Rows::once(), |_, row| {
            rows.insert(table.to_owned(), db::cell(row, 0)?);
            Ok::<_, StoreError>(true)
        })?;
    }
    let schema = migrate::found(conn)?.ok_or_else(nothing_there)?;
    Ok(Copied { schema, rows, held: get(conn, "held")? })
}

/// A copy that is to be restored: whole, and of a release that is not newer.
fn open_copy(path: &Path) -> Result<Conn, StoreError> {
    let shown = path.display();
    if !path.is_file() {
        return Err(StoreError::NotFound(format!("backup at {shown}")));
    }
    let pragmas = "pragma busy_timeout = 10000; pragma cache_size = -16384".to_owned();
    let no_copy = |why: &dyn std::fmt::Display| {
        StoreError::Conflict(format!("{shown} is no backup that can be restored: {why}"))
    };
    let conn = Conn::file(&File { path: path.to_owned(), pragmas }, true).map_err(|error| no_copy(&error))?;
    let mut wrong = Vec::new();
    conn.ask_while("pragma integrity_check(3)", &Rows::once(), |_, row| {
        wrong.push(db::cell::<String>(row, 0)?);
        Ok::<_, db::Error>(true)
    })
    .map_err(|error| no_copy(&error))?;
    if wrong != ["ok"] {
        return Err(no_copy(&format_args!("it is damaged ({})", wrong.join("; "))));
    }
    if columns(&conn, "tabi_migration")?.is_empty() {
        return Err(no_copy(&"it is not a database of Tabi"));
    }
    let schema = migrate::found(&conn)?.ok_or_else(nothing_there)?;
    if schema > migrate::NEWEST {
        return Err(StoreError::NewerSchema { found: schema, known: migrate::NEWEST });
    }
    Ok(conn)
}

/// Into two files. They get their names when they are whole, the data last: without it there is no installation.
fn into_files(copied: &Conn, keys: &KeysCopy, data: &Path, to: &Path) -> Result<Restored, StoreError> {
    for path in [data, to] {
        if path.exists() {
            return Err(StoreError::Conflict(format!(
                "{} is there already: a backup is restored into an empty folder, and nothing is overwritten; move it away, or \
                 name another folder with --data",
                path.display()
            )));
        }
    }
    let (new_data, new_keys) = (data.with_extension("restoring"), to.with_extension("restoring"));
    let clear = || {
        for path in [&new_data, &new_keys] {
            let _ = std::fs::remove_file(path);
        }
    };
    clear();
    let made = || {
        vacuum(copied, &new_data)?;
        let key_count = keys.into_file(&new_keys)?;
        let made = Conn::file(&File { path: new_data.clone(), pragmas: String::new() }, true)?;
        for (table, _) in TABLES {
            let columns = columns(copied, table)?;
            if !columns.is_empty() {
                compare(&made, table, sum(copied, table, &columns)?)?;
            }
        }
        let without_keys = without_keys(&made, &new_keys)?;
        made.close();
        let data = finish(&new_data)?;
        Ok(Restored { data, keys: key_count, without_keys })
    };
    let done = made().and_then(|restored| {
        let rename = |from: &Path, to: &Path| {
            std::fs::rename(from, to)
                .map_err(|error| StoreError::Unavailable(format!("{}: {error}", to.display())))
        };
        rename(&new_keys, to)?;
        rename(&new_data, data)?;
        Ok(restored)
    });
    if done.is_err() {
        clear();
    }
    done
}

/// Customers who are neither merged away nor erased and have no key.
fn without_keys(conn: &Conn, keys: &Path) -> Result<u64, StoreError> {
    let mut row = Rows::new();
    row.row().text(&keys.display().to_string());
    conn.each("attach ? as keys", &row)?;
    let mut count = 0;
    conn.ask_while(&customers_without("keys"), &Rows::once(), |_, row| {
        count = db::cell(row, 0)?;
        Ok::<_, StoreError>(true)
    })?;
    Ok(count)
}

fn customers_without(keys: &str) -> String {
    format!(
        "select count(*) from customer c where c.flags = 0 and not exists \
         (select 1 from {keys}.subject_key k where k.shard = c.shard and k.subject = c.id and k.class = 1)"
    )
}

/// Into empty schemas of a server, in a transaction that is left open: everything is in it, and was compared.
fn into_server(
    copied: &Conn,
    keys: &KeysCopy,
    conn: &Conn,
    server: &Server,
    keys_schema: &str,
    moved: bool,
) -> Result<Restored, StoreError> {
    let data_schema = server.schema();
    conn.batch("begin")?;
    // Nodes that start meanwhile wait until it is there.
    migrate::take_turn(conn)?;
    if !tables(conn, data_schema)?.is_empty() {
        return Err(StoreError::Conflict(format!(
            "there are tables in the schema {data_schema} of {} already: a backup is restored into an empty database, and \
             nothing is overwritten; name another with --database",
            server.shown()
        )));
    }
    let key_count = keys.into_server(conn, keys_schema)?;
    conn.make_schema(data_schema)?;
    conn.batch(&format!("set local search_path to \"{data_schema}\""))?;
    begin_snapshot(copied)?;
    let schema = migrate::found(copied)?.ok_or_else(nothing_there)?;
    migrate::lay(conn, schema)?;
    // What becomes of messages was counted when it did.
    conn.batch("alter table message disable trigger user")?;
    for (table, way) in TABLES.into_iter().filter(|(_, way)| *way != Way::Left) {
        if let Some(sum) = across(copied, conn, table, way)? {
            compare(conn, table, sum)?;
        }
    }
    copied.batch("commit")?;
    conn.batch("alter table message enable trigger user")?;
    for (table, column) in NUMBERED {
        conn.batch(&format!(
            "select setval(pg_get_serial_sequence('{table}', '{column}'), coalesce(max({column}), 1), max({column}) is not null) \
             from {table}"
        ))?;
    }
    conn.batch("select setval('message_n', coalesce(max(n), 1), max(n) is not null) from message")?;
    migrate::go_on(conn)?;
    if moved {
        moved::begin_there(conn)?;
    } else {
        mark(conn, HELD)?;
    }
    let mut without_keys = 0;
    conn.ask_while(&customers_without(keys_schema), &Rows::once(), |_, row| {
        without_keys = db::cell(row, 0)?;
        Ok::<_, StoreError>(true)
    })?;
    Ok(Restored { data: counted(conn)?, keys: key_count, without_keys })
}

/// Commits, and tells the planner what it has before it.
fn commit(conn: &Conn, server: &Server) -> Result<(), StoreError> {
    conn.batch("commit").map_err(|error| {
        StoreError::Unavailable(format!(
            "whether it was committed is not known: look with `tabi doctor` into {} ({error})",
            server.shown()
        ))
    })?;
    for (table, way) in TABLES {
        let table = if way == Way::Lanes { format!("{table}_lane") } else { table.to_owned() };
        // It does so by itself, a little later.
        let _ = conn.batch(&format!("analyze {table}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
