//! A connection to SQLite: prepared once, bound and stepped without a hop to another thread.

use crate::rows::Rows;
use crate::value::{Found, Row, Value, of_sqlite};
use crate::{Error, Ref};
use rusqlite::types::ToSqlOutput;
use rusqlite::{CachedStatement, Connection, OpenFlags};
use std::path::PathBuf;

/// Statements kept prepared on each connection.
const STATEMENTS: usize = 192;

/// A database file, and how a connection to it is set up.
#[derive(Debug, Clone)]
pub struct File {
    /// Where it lies.
    pub path: PathBuf,
    /// What is said first on every connection.
    pub pragmas: String,
}

#[derive(Debug)]
pub(crate) struct Sqlite(Connection);

impl Sqlite {
    pub(crate) fn open(file: &File, read_only: bool) -> Result<Self, Error> {
        let access =
            if read_only { OpenFlags::SQLITE_OPEN_READ_ONLY } else { OpenFlags::SQLITE_OPEN_READ_WRITE };
        let conn = Connection::open_with_flags(&file.path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        conn.set_prepared_statement_cache_capacity(STATEMENTS);
        conn.execute_batch(&file.pragmas)?;
        Ok(Self(conn))
    }

    pub(crate) fn batch(&self, sql: &str) -> Result<(), Error> {
        Ok(self.0.execute_batch(sql)?)
    }

    pub(crate) fn run(&self, sql: &str) -> Result<(), Error> {
        let mut statement = self.0.prepare_cached(sql)?;
        statement.raw_query().next()?;
        Ok(())
    }

    pub(crate) fn each(
        &self,
        sql: &str,
        rows: &Rows,
        mut changed: impl FnMut(usize, bool),
    ) -> Result<u64, Error> {
        let mut statement = self.0.prepare_cached(sql)?;
        let mut all = 0;
        for (place, row) in rows.iter().enumerate() {
            bind(&mut statement, row)?;
            let done = statement.raw_execute()? as u64;
            changed(place, done > 0);
            all += done;
        }
        Ok(all)
    }

    /// `found` says whether to go on.
    pub(crate) fn ask<E: From<Error>>(
        &self,
        sql: &str,
        rows: &Rows,
        mut found: impl FnMut(usize, &Found<'_>) -> Result<bool, E>,
    ) -> Result<(), E> {
        let mut statement = self.0.prepare_cached(sql).map_err(Error::from)?;
        for (place, row) in rows.iter().enumerate() {
            bind(&mut statement, row)?;
            let mut answers = statement.raw_query();
            while let Some(answer) = answers.next().map_err(Error::from)? {
                if !found(place, &Found::Sqlite(answer))? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn bound(&self, sql: &str, values: &[Value]) -> Result<CachedStatement<'_>, Error> {
        let mut statement = self.0.prepare_cached(sql)?;
        // What the statement does not ask for is left out.
        let wanted = statement.parameter_count();
        let given = values.len().min(wanted);
        bind(&mut statement, values.iter().take(given).map(Value::as_ref))?;
        Ok(statement)
    }

    pub(crate) fn execute(&self, sql: &str, values: &[Value]) -> Result<u64, Error> {
        let mut statement = self.bound(sql, values)?;
        let mut answers = statement.raw_query();
        while answers.next()?.is_some() {}
        drop(answers);
        drop(statement);
        Ok(self.0.changes())
    }

    pub(crate) fn all(&self, sql: &str, values: &[Value]) -> Result<Vec<Row>, Error> {
        let mut statement = self.bound(sql, values)?;
        let columns = statement.column_count();
        let mut answers = statement.raw_query();
        let mut rows = Vec::new();
        while let Some(answer) = answers.next()? {
            let mut row = Vec::with_capacity(columns);
            for place in 0..columns {
                row.push(of_sqlite(answer.get_ref(place)?)?.to_value());
            }
            rows.push(Row(row));
        }
        Ok(rows)
    }

    pub(crate) fn close(self) {
        if let Err((_, error)) = self.0.close() {
            tracing::debug!("closing the database: {error}");
        }
    }
}

fn output(cell: Ref<'_>) -> ToSqlOutput<'_> {
    use rusqlite::types::{Value, ValueRef};
    match cell {
        Ref::Null => ToSqlOutput::Owned(Value::Null),
        Ref::Int(value) => ToSqlOutput::Owned(Value::Integer(value)),
        Ref::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        Ref::Blob(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
    }
}

/// A parameter nobody bound would be null, and the statement would quietly find nothing.
fn bind<'r>(statement: &mut CachedStatement<'_>, cells: impl Iterator<Item = Ref<'r>>) -> Result<(), Error> {
    let mut bound = 0;
    for cell in cells {
        bound += 1;
        statement.raw_bind_parameter(bound, output(cell))?;
    }
    let wanted = statement.parameter_count();
    if bound < wanted {
        return Err(Error::Corrupt(format!("a statement of {wanted} parameters was given {bound}")));
    }
    Ok(())
}
