//! Copies of the keys: out of the database that runs into a file, and out of such a file into an empty place.
//!
//! Either way the cells are compared before anybody hears that it is done. A copy is worth nothing without the root key that
//! it was made under, and says so before anything is written.

use crate::keys::{SCHEMA, create_private};
use crate::root::RootKey;
use crate::server::SCHEMA as THERE;
use crate::{VaultError, root_check};
use db::copy::{Column, Table, begin_snapshot, columns, copy, key, sum};
use db::{Conn, File, Rows, bytes};
use std::path::{Path, PathBuf};

/// What a copy of the keys holds, besides the mark of their root key.
const TABLES: [&str; 2] = ["subject_key", "destroyed_subject"];

/// A copy of the keys in a file, known to belong to a root key.
#[derive(Debug, Clone)]
pub struct KeysCopy {
    path: PathBuf,
    check: Vec<u8>,
}

impl KeysCopy {
    /// Looks at a copy. [`VaultError::WrongRoot`] where another root key wrapped its keys.
    pub fn open(path: &Path, root: &RootKey) -> Result<Self, VaultError> {
        let io = |source| VaultError::Io { path: path.to_owned(), source };
        // SQLite would take a file that is not there for an empty database.
        std::fs::File::open(path).map_err(io)?;
        let this = Self { path: path.to_owned(), check: root_check(&root.derive()) };
        let conn = this.read()?;
        if columns(&conn, "vault_meta")?.is_empty() {
            let source = std::io::Error::new(std::io::ErrorKind::InvalidData, "it holds no keys of Tabi");
            return Err(io(source));
        }
        let mut found = Vec::new();
        conn.ask_while("select value from vault_meta where name = 'root_check'", &Rows::once(), |_, row| {
            found = bytes(row, 0)?.to_vec();
            Ok::<_, db::Error>(false)
        })?;
        if found == this.check { Ok(this) } else { Err(VaultError::WrongRoot) }
    }

    fn read(&self) -> Result<Conn, VaultError> {
        let pragmas = "pragma busy_timeout = 10000".to_owned();
        Ok(Conn::file(&File { path: self.path.clone(), pragmas }, true)?)
    }

    /// Writes the keys into `schema` of a server, in the transaction that stands open and whose search path it moves there,
    /// and compares them. Refuses a place where keys are. Returns how many there are.
    pub fn into_server(&self, conn: &Conn, schema: &str) -> Result<u64, VaultError> {
        let copied = self.read()?;
        conn.make_schema(schema)?;
        conn.batch(&format!("set local search_path to \"{schema}\""))?;
        conn.batch(THERE)?;
        for table in TABLES {
            let there = sum(conn, &format!("{schema}.{table}"), &columns(&copied, table)?)?;
            if there.rows > 0 {
                return Err(VaultError::NotEmpty(format!("the schema {schema}")));
            }
        }
        let mut row = Rows::new();
        row.row().blob(&self.check);
        // Where no keys are, a mark of another root key is what is left of an earlier attempt.
        let sql = "insert into vault_meta (name, value) values ('root_check', ?) on conflict (name) do update \
            set value = excluded.value";
        conn.each(sql, &row)?;
        across(&copied, conn, |table| format!("{schema}.{table}"))
    }

    /// Writes the keys into a file that is not there yet, and compares them. Returns how many there are.
    pub fn into_file(&self, path: &Path) -> Result<u64, VaultError> {
        if path.exists() {
            return Err(VaultError::NotEmpty(path.display().to_string()));
        }
        let copied = self.read()?;
        let fresh = fresh(path, &self.check)?;
        fresh.batch("begin")?;
        let count = across(&copied, &fresh, str::to_owned)?;
        fresh.batch("commit")?;
        fresh.close();
        Ok(count)
    }
}

/// The keys on a server, as they are at one instant, into a fresh file.
pub(crate) fn out_of_server(server: &Conn, path: &Path, check: &[u8]) -> Result<(), VaultError> {
    let fresh = fresh(path, check)?;
    begin_snapshot(server)?;
    fresh.batch("begin")?;
    across(server, &fresh, str::to_owned)?;
    fresh.batch("commit")?;
    server.batch("commit")?;
    fresh.close();
    Ok(())
}

/// An empty `keys.db`.
fn fresh(path: &Path, check: &[u8]) -> Result<Conn, VaultError> {
    create_private(path)?;
    let pragmas = "pragma synchronous = full".to_owned();
    let conn = Conn::file(&File { path: path.to_owned(), pragmas }, false)?;
    conn.batch(SCHEMA)?;
    let mut row = Rows::new();
    row.row().blob(check);
    conn.each("insert into vault_meta (name, value) values ('root_check', ?)", &row)?;
    Ok(conn)
}

fn across(from: &Conn, into: &Conn, there: impl Fn(&str) -> String) -> Result<u64, VaultError> {
    let mut keys = 0;
    for table in TABLES {
        // What a file has; a server numbers destructions besides.
        let file = if from.is_postgres() { into } else { from };
        let columns: Vec<Column> = columns(file, table)?;
        let order = key(file, table)?;
        let into_table = there(table);
        let one = Table { from: table, into: &into_table, columns: &columns, order: &order, and: None };
        let copied = copy(from, into, &one)?;
        if sum(into, &into_table, &columns)? != copied {
            return Err(VaultError::Differs(into_table));
        }
        if table == TABLES[0] {
            keys = copied.rows;
        }
    }
    Ok(keys)
}
