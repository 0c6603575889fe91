//! Rows of a table out of one database into another, and the sum over all cells by which the two are compared.
//!
//! In bounded memory: a few megabytes of rows at a time, whatever lies in the table. The sum is that of a hash of each row, so
//! that the order in which a database gives its rows does not matter.

use crate::rows::Holds;
use crate::value::{Cells, Ref};
use crate::{Conn, Error, Rows, cell};
use sha2::{Digest, Sha256};

/// Bytes of rows on their way at a time, as far as rows are smaller than that.
const BYTES_AT_A_TIME: usize = 2 << 20;

/// Rows fetched at a time; the next batch is as large as the last one's rows allow.
const BATCHES: [usize; 3] = [4, 64, 1024];

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What its cells are, where they are not null.
    pub holds: Holds,
}

/// How many rows, and a sum over all of their cells. Two tables with one sum hold the same rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many rows.
    pub rows: u64,
    cells: u128,
}

/// A table on its way.
#[derive(Debug, Clone, Copy)]
pub struct Table<'t> {
    /// What is read.
    pub from: &'t str,
    /// What is written.
    pub into: &'t str,
    /// The columns, which have the same names on both sides.
    pub columns: &'t [Column],
    /// What rows are ordered by on their way, if anything: columns with commas.
    pub order: &'t str,
    /// A column that only the written side has, and the number that it gets.
    pub and: Option<(&'t str, i64)>,
}

/// The columns of a table or view, by name; none where there is no such table. On PostgreSQL it may be named with its schema.
pub fn columns(conn: &Conn, table: &str) -> Result<Vec<Column>, Error> {
    let sql = if conn.is_postgres() {
        "select attname, format_type(atttypid, null) from pg_attribute \
         where attrelid = to_regclass(?) and attnum > 0 and not attisdropped"
    } else {
        "select name, lower(type) from pragma_table_info(?)"
    };
    let mut row = Rows::new();
    row.row().text(table);
    let mut found = Vec::new();
    conn.ask_while(sql, &row, |_, row| {
        let (name, kind): (String, &str) = (cell(row, 0)?, cell(row, 1)?);
        let holds = match kind {
            "integer" | "bigint" => Holds::Int,
            "text" => Holds::Text,
            "blob" | "bytea" => Holds::Blob,
            _ => return Err(Error::Corrupt(format!("{table}.{name} is of the type {kind}"))),
        };
        found.push(Column { name, holds });
        Ok(true)
    })?;
    found.sort_unstable();
    Ok(found)
}

/// The columns of a table's primary key with commas, on SQLite: the order in which its rows are best written.
pub fn key(conn: &Conn, table: &str) -> Result<String, Error> {
    let mut row = Rows::new();
    row.row().text(table);
    let mut found: Vec<String> = Vec::new();
    conn.ask_while("select name from pragma_table_info(?) where pk > 0 order by pk", &row, |_, row| {
        found.push(cell(row, 0)?);
        Ok::<_, Error>(true)
    })?;
    Ok(found.join(", "))
}

/// The tables and views of a database, in the order of their names; on PostgreSQL those of `schema`.
pub fn tables(conn: &Conn, schema: &str) -> Result<Vec<String>, Error> {
    let mut row = Rows::new();
    let sql = if conn.is_postgres() {
        row.row().text(schema);
        "select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace \
         where n.nspname = ? and c.relkind in ('r', 'p', 'v', 'm', 'f')"
    } else {
        row.row();
        "select name from sqlite_schema where type in ('table', 'view') and name not like 'sqlite_%'"
    };
    let mut found: Vec<String> = Vec::new();
    conn.ask_while(sql, &row, |_, row| {
        found.push(cell(row, 0)?);
        Ok::<_, Error>(true)
    })?;
    found.sort_unstable();
    Ok(found)
}

/// Begins a transaction that sees one instant, however long it takes.
pub fn begin_snapshot(conn: &Conn) -> Result<(), Error> {
    if conn.is_postgres() {
        // Whole tables are read: the planner is told so.
        conn.batch(
            "begin isolation level repeatable read read only; set local cursor_tuple_fraction = 1; set local jit = off",
        )
    } else {
        conn.batch("begin")
    }
}

/// Copies a table; the sum over what was read. Both sides have a transaction open.
pub fn copy(from: &Conn, into: &Conn, table: &Table<'_>) -> Result<Sum, Error> {
    let mut names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    names.extend(table.and.map(|(name, _)| name));
    let insert = format!(
        "insert into {} ({}) values ({})",
        table.into,
        names.join(", "),
        vec!["?"; names.len()].join(", ")
    );
    let (mut rows, mut bytes) = (Rows::new(), 0);
    let sum = each_row(from, table, |cells| {
        let row = rows.row();
        for (column, cell) in table.columns.iter().zip(cells) {
            bytes += match (column.holds, cell) {
                (_, Cell::Int(value)) => {
                    row.int(*value);
                    8
                }
                (_, Cell::Text(value)) => {
                    row.text(value);
                    value.len()
                }
                (_, Cell::Blob(value)) => {
                    row.blob(value);
                    value.len()
                }
                (Holds::Int, Cell::Null) => {
                    row.opt_int(None);
                    1
                }
                (Holds::Text, Cell::Null) => {
                    row.opt_text(None);
                    1
                }
                (Holds::Blob, Cell::Null) => {
                    row.opt_blob(None);
                    1
                }
            };
        }
        if let Some((_, number)) = table.and {
            row.int(number);
        }
        if bytes > BYTES_AT_A_TIME || rows.len() >= BATCHES[2] {
            into.each(&insert, &rows)?;
            (rows, bytes) = (Rows::new(), 0);
        }
        Ok(())
    })?;
    into.each(&insert, &rows)?;
    Ok(sum)
}

/// The sum over a table. PostgreSQL needs a transaction that is open.
pub fn sum(conn: &Conn, table: &str, columns: &[Column]) -> Result<Sum, Error> {
    each_row(conn, &Table { from: table, into: "", columns, order: "", and: None }, |_| Ok(()))
}

/// A cell as its column wants it.
enum Cell<'r> {
    Null,
    Int(i64),
    Text(std::borrow::Cow<'r, str>),
    Blob(&'r [u8]),
}

fn each_row(
    conn: &Conn,
    table: &Table<'_>,
    mut found: impl FnMut(&[Cell<'_>]) -> Result<(), Error>,
) -> Result<Sum, Error> {
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    let order = if table.order.is_empty() { String::new() } else { format!(" order by {}", table.order) };
    let select = format!("select {} from {}{order}", names.join(", "), table.from);
    let mut sum = Sum::default();
    let mut text = Vec::new();
    let mut one = |row: &dyn Cells| {
        let mut cells = Vec::with_capacity(table.columns.len());
        for (place, column) in table.columns.iter().enumerate() {
            cells.push(fit(row.at(place)?, column, table.from)?);
        }
        sum.add(&cells, &mut text);
        found(&cells)
    };
    if !conn.is_postgres() {
        conn.ask_while(&select, &Rows::once(), |_, row| one(row).map(|()| true))?;
        return Ok(sum);
    }
    // A cursor of its own for each table: what is prepared for one does not fit another.
    let cursor = format!("of_{}", table.from.replace('.', "_"));
    conn.batch(&format!("declare {cursor} no scroll cursor for {select}"))?;
    let mut batch = BATCHES[0];
    loop {
        let rows = conn.all(&format!("fetch {batch} from {cursor}"), &[])?;
        let mut bytes = 0;
        for row in &rows {
            one(row)?;
            bytes += row.bytes();
        }
        if rows.len() < batch {
            break;
        }
        let fits = |rows: usize| bytes / batch * rows <= BYTES_AT_A_TIME;
        batch = BATCHES.into_iter().rev().find(|rows| fits(*rows)).unwrap_or(BATCHES[0]);
    }
    conn.batch(&format!("close {cursor}"))?;
    Ok(sum)
}

/// SQLite lets a cell be of another type than its column, and a text hold a zero, which PostgreSQL has no room for.
fn fit<'r>(found: Ref<'r>, column: &Column, table: &str) -> Result<Cell<'r>, Error> {
    Ok(match (column.holds, found) {
        (_, Ref::Null) => Cell::Null,
        (Holds::Int, Ref::Int(value)) => Cell::Int(value),
        (Holds::Text, Ref::Text(value)) if value.contains('\0') => {
            Cell::Text(value.replace('\0', "\u{fffd}").into())
        }
        (Holds::Text, Ref::Text(value)) => Cell::Text(value.into()),
        (Holds::Blob, Ref::Blob(value)) => Cell::Blob(value),
        (Holds::Blob, Ref::Text(value)) => Cell::Blob(value.as_bytes()),
        _ => {
            return Err(Error::Corrupt(format!(
                "a cell of {table}.{} is not of its column's type",
                column.name
            )));
        }
    })
}

impl Sum {
    fn add(&mut self, cells: &[Cell<'_>], text: &mut Vec<u8>) {
        text.clear();
        for cell in cells {
            let (kind, bytes): (u8, &[u8]) = match cell {
                Cell::Null => (0, &[]),
                Cell::Int(value) => (1, &value.to_be_bytes()),
                Cell::Text(value) => (2, value.as_bytes()),
                Cell::Blob(value) => (3, value),
            };
            text.push(kind);
            text.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
            text.extend_from_slice(bytes);
        }
        let hash: [u8; 32] = Sha256::digest(&text).into();
        let first = hash.first_chunk::<16>().map_or(0, |first| u128::from_be_bytes(*first));
        self.cells = self.cells.wrapping_add(first);
        self.rows += 1;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::File;

    fn database(folder: &std::path::Path, name: &str) -> Conn {
        let path = folder.join(name);
        std::fs::File::create(&path).unwrap();
        let conn = Conn::file(&File { path, pragmas: String::new() }, false).unwrap();
        conn.batch("create table t (a integer primary key, b text, c blob)").unwrap();
        conn
    }

    fn numbers(conn: &Conn, sql: &str) {
        conn.batch(&format!(
            "with recursive n(i) as (select 1 union all select i + 1 from n where i < 3000) {sql}"
        ))
        .unwrap();
    }

    #[test]
    fn a_copy_has_the_sum_of_what_it_is_of_in_whatever_order() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (database(folder.path(), "one"), database(folder.path(), "two"));
        numbers(
            &one,
            "insert into t select i, case when i % 3 then 'text' || i end, case when i % 5 then randomblob(i) end from n",
        );
        let columns = columns(&one, "t").unwrap();
        assert_eq!(key(&one, "t").unwrap(), "a");
        assert_eq!(tables(&one, "").unwrap(), ["t"]);
        let table = Table { from: "t", into: "t", columns: &columns, order: "b, a", and: None };
        let copied = copy(&one, &two, &table).unwrap();
        assert_eq!(copied.rows, 3000);
        assert_eq!(sum(&one, "t", &columns).unwrap(), copied);
        assert_eq!(sum(&two, "t", &columns).unwrap(), copied);
        two.batch("update t set b = c, c = b where a = 7").unwrap();
        assert!(sum(&two, "t", &columns).is_err(), "a blob in a column of texts");
        two.batch("update t set b = null, c = null where a = 7").unwrap();
        assert_ne!(sum(&two, "t", &columns).unwrap(), copied);
    }

    #[test]
    fn cells_of_one_row_do_not_run_into_each_other() {
        let (mut one, mut two, mut text) = (Sum::default(), Sum::default(), Vec::new());
        one.add(&[Cell::Text("ab".into()), Cell::Text("c".into())], &mut text);
        two.add(&[Cell::Text("a".into()), Cell::Text("bc".into())], &mut text);
        assert_ne!(one, two);
        assert_ne!(fit_null(), fit_empty());
    }

    fn fit_null() -> Sum {
        let mut sum = Sum::default();
        sum.add(&[Cell::Null], &mut Vec::new());
        sum
    }

    fn fit_empty() -> Sum {
        let mut sum = Sum::default();
        sum.add(&[Cell::Text("".into())], &mut Vec::new());
        sum
    }
}
