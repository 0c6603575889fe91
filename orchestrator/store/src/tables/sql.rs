//! Statements on a connection of our own thread: prepared once, bound and stepped without a hop to another thread.
//!
//! The writer and the claims of steps work here. What the console and the command line read goes through sqlx, which
//! hands each statement to a thread of its own and every row back: ten microseconds a statement, one or two a row.
//!
//! The functions are async in name only, so that those who write read as they would with any driver; nothing is awaited.

use super::rows::Rows;
use crate::StoreError;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{CachedStatement, Connection, OpenFlags};
use std::path::Path;

/// Statements kept prepared on each connection.
const STATEMENTS: usize = 192;

/// A connection; whoever has it blocks the thread that it is on.
#[derive(Debug)]
pub(crate) struct Conn(Connection);

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error {
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::Utf8Error(..)
            | rusqlite::Error::InvalidColumnIndex(..) => Self::Corrupt(error.to_string()),
            other => Self::Unavailable(other.to_string()),
        }
    }
}

impl Conn {
    /// Opens a database that is there, and sets it up by these pragmas.
    pub(crate) fn open(path: &Path, read_only: bool, pragmas: &str) -> Result<Self, StoreError> {
        let access =
            if read_only { OpenFlags::SQLITE_OPEN_READ_ONLY } else { OpenFlags::SQLITE_OPEN_READ_WRITE };
        let conn = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        conn.set_prepared_statement_cache_capacity(STATEMENTS);
        conn.execute_batch(pragmas)?;
        Ok(Self(conn))
    }

    /// The statement, prepared now or before.
    pub(crate) fn prepared(&self, sql: &str) -> Result<CachedStatement<'_>, StoreError> {
        Ok(self.0.prepare_cached(sql)?)
    }

    /// Runs statements one after the other.
    pub(crate) fn batch(&self, sql: &str) -> Result<(), StoreError> {
        Ok(self.0.execute_batch(sql)?)
    }

    /// Runs a statement without parameters.
    pub(crate) fn run(&self, sql: &str) -> Result<(), StoreError> {
        let mut statement = self.prepared(sql)?;
        statement.raw_query().next()?;
        Ok(())
    }

    /// Runs a statement once for each row, with the row's cells as its parameters. Returns how many rows it changed.
    pub(crate) fn each(&self, sql: &str, rows: &Rows) -> Result<u64, StoreError> {
        if rows.is_empty() {
            return Ok(0);
        }
        let mut statement = self.prepared(sql)?;
        let mut changed = 0;
        for row in rows.iter() {
            bind(&mut statement, row)?;
            changed += statement.raw_execute()? as u64;
        }
        Ok(changed)
    }

    /// The same, telling of each row whether it changed anything.
    pub(crate) fn each_changed(&self, sql: &str, rows: &Rows) -> Result<Vec<bool>, StoreError> {
        let mut statement = self.prepared(sql)?;
        let mut changed = Vec::with_capacity(rows.len());
        for row in rows.iter() {
            bind(&mut statement, row)?;
            changed.push(statement.raw_execute()? > 0);
        }
        Ok(changed)
    }

    /// Runs a query once for each row, with the row's cells as its parameters; `found` gets the row's place and what it
    /// found.
    pub(crate) fn ask(
        &self,
        sql: &str,
        rows: &Rows,
        mut found: impl FnMut(usize, &rusqlite::Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut statement = self.prepared(sql)?;
        for (place, row) in rows.iter().enumerate() {
            bind(&mut statement, row)?;
            let mut answers = statement.raw_query();
            while let Some(answer) = answers.next()? {
                found(place, answer)?;
            }
        }
        Ok(())
    }

    /// The first `limit` answers that `kept` keeps, for all rows together; no more are looked for.
    pub(crate) fn some<T>(
        &self,
        sql: &str,
        rows: &Rows,
        limit: usize,
        mut kept: impl FnMut(&rusqlite::Row<'_>) -> Result<Option<T>, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut found = Vec::new();
        let mut statement = self.prepared(sql)?;
        for row in rows.iter() {
            bind(&mut statement, row)?;
            let mut answers = statement.raw_query();
            while found.len() < limit
                && let Some(answer) = answers.next()?
            {
                found.extend(kept(answer)?);
            }
        }
        Ok(found)
    }

    /// Closes the connection.
    pub(crate) fn close(self) {
        if let Err((_, error)) = self.0.close() {
            tracing::debug!("closing the database: {error}");
        }
    }
}

fn bind<'r>(
    statement: &mut CachedStatement<'_>,
    cells: impl Iterator<Item = ToSqlOutput<'r>>,
) -> Result<(), StoreError> {
    let mut bound = 0;
    for cell in cells {
        bound += 1;
        statement.raw_bind_parameter(bound, cell)?;
    }
    whole(bound, statement)
}

/// A parameter nobody bound would be null, and the statement would quietly find nothing.
fn whole(bound: usize, statement: &CachedStatement<'_>) -> Result<(), StoreError> {
    let wanted = statement.parameter_count();
    if bound < wanted {
        return Err(StoreError::Corrupt(format!("a statement of {wanted} parameters was given {bound}")));
    }
    Ok(())
}

/// A statement and what is bound to it.
pub(crate) struct Query<'q> {
    sql: &'q str,
    values: Vec<Value>,
}

/// A statement on its way to a connection.
pub(crate) fn query(sql: &str) -> Query<'_> {
    Query { sql, values: Vec::new() }
}

/// What a statement did.
pub(crate) struct Done(u64);

impl Done {
    pub(crate) fn rows_affected(&self) -> u64 {
        self.0
    }
}

impl Query<'_> {
    /// Binds the next parameter.
    pub(crate) fn bind(mut self, value: impl Bound) -> Self {
        self.values.push(value.value());
        self
    }

    fn bound<'c>(&mut self, conn: &'c Conn) -> Result<CachedStatement<'c>, StoreError> {
        let mut statement = conn.prepared(self.sql)?;
        // What the statement does not ask for is left out, as sqlx does.
        let wanted = statement.parameter_count();
        let given = self.values.len().min(wanted);
        for (place, value) in self.values.drain(..).take(wanted).enumerate() {
            statement.raw_bind_parameter(place + 1, value)?;
        }
        whole(given, &statement)?;
        Ok(statement)
    }

    pub(crate) async fn execute(mut self, conn: &mut Conn) -> Result<Done, StoreError> {
        let mut statement = self.bound(conn)?;
        let mut answers = statement.raw_query();
        while answers.next()?.is_some() {}
        drop(answers);
        drop(statement);
        Ok(Done(conn.0.changes()))
    }

    pub(crate) async fn fetch_all(mut self, conn: &mut Conn) -> Result<Vec<Row>, StoreError> {
        let mut statement = self.bound(conn)?;
        let columns = statement.column_count();
        let mut answers = statement.raw_query();
        let mut rows = Vec::new();
        while let Some(answer) = answers.next()? {
            let cells = (0..columns).map(|place| answer.get_ref(place).map(Value::try_from));
            let mut row = Vec::with_capacity(columns);
            for cell in cells {
                row.push(cell?.map_err(StoreError::corrupt)?);
            }
            rows.push(Row(row));
        }
        Ok(rows)
    }

    pub(crate) async fn fetch_optional(self, conn: &mut Conn) -> Result<Option<Row>, StoreError> {
        Ok(self.fetch_all(conn).await?.into_iter().next())
    }

    pub(crate) async fn fetch_one(self, conn: &mut Conn) -> Result<Row, StoreError> {
        self.fetch_optional(conn).await?.ok_or_else(|| StoreError::corrupt("no row where one must be"))
    }
}

/// A connection that can be asked: the writer's, or one of those that read.
pub(crate) trait Asked {
    /// All rows that the query finds.
    fn all(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> impl Future<Output = Result<Vec<Row>, StoreError>> + Send;
}

impl Asked for Conn {
    async fn all(&mut self, sql: &'static str, values: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        Query { sql, values }.fetch_all(self).await
    }
}

impl Asked for sqlx::SqliteConnection {
    async fn all(&mut self, sql: &'static str, values: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        use sqlx::{Row as _, TypeInfo as _, ValueRef as _};
        let mut query = sqlx::query(sql);
        for value in values {
            query = match value {
                Value::Null => query.bind(None::<i64>),
                Value::Integer(value) => query.bind(value),
                Value::Real(value) => query.bind(value),
                Value::Text(value) => query.bind(value),
                Value::Blob(value) => query.bind(value),
            };
        }
        let mut rows = Vec::new();
        for found in query.fetch_all(self).await? {
            let mut row = Vec::with_capacity(found.len());
            for place in 0..found.len() {
                let raw = found.try_get_raw(place)?;
                row.push(match raw.type_info().name() {
                    _ if raw.is_null() => Value::Null,
                    "INTEGER" => Value::Integer(found.try_get(place)?),
                    "TEXT" => Value::Text(found.try_get(place)?),
                    _ => Value::Blob(found.try_get(place)?),
                });
            }
            rows.push(Row(row));
        }
        Ok(rows)
    }
}

/// A row as found.
#[derive(Debug)]
pub(crate) struct Row(Vec<Value>);

impl Row {
    /// The cell at `place`, counted from 0.
    pub(crate) fn try_get<'r, T: Cell<'r>, I: Place>(&'r self, place: I) -> Result<T, StoreError> {
        let cell =
            self.0.get(place.place()).ok_or_else(|| StoreError::corrupt("a column that is not there"))?;
        T::read(cell).ok_or_else(|| StoreError::corrupt("a column of another type"))
    }
}

/// A row of either driver, for what is read from both.
pub(crate) trait Blobs {
    /// The blob at `place`.
    fn blob(&self, place: usize) -> Result<&[u8], StoreError>;
}

impl Blobs for Row {
    fn blob(&self, place: usize) -> Result<&[u8], StoreError> {
        self.try_get(place)
    }
}

impl Blobs for sqlx::sqlite::SqliteRow {
    fn blob(&self, place: usize) -> Result<&[u8], StoreError> {
        Ok(sqlx::Row::try_get(self, place)?)
    }
}

/// What counts columns.
pub(crate) trait Place {
    fn place(self) -> usize;
}

impl Place for usize {
    fn place(self) -> usize {
        self
    }
}

/// What can be read from a cell.
pub(crate) trait Cell<'r>: Sized {
    fn read(cell: &'r Value) -> Option<Self>;
}

impl Cell<'_> for i64 {
    fn read(cell: &Value) -> Option<Self> {
        if let Value::Integer(value) = cell { Some(*value) } else { None }
    }
}

impl Cell<'_> for u16 {
    fn read(cell: &Value) -> Option<Self> {
        i64::read(cell).and_then(|value| Self::try_from(value).ok())
    }
}

impl Cell<'_> for bool {
    fn read(cell: &Value) -> Option<Self> {
        i64::read(cell).map(|value| value != 0)
    }
}

impl<'r> Cell<'r> for &'r [u8] {
    fn read(cell: &'r Value) -> Option<Self> {
        if let Value::Blob(value) = cell { Some(value) } else { None }
    }
}

impl<'r> Cell<'r> for &'r str {
    fn read(cell: &'r Value) -> Option<Self> {
        if let Value::Text(value) = cell { Some(value) } else { None }
    }
}

impl Cell<'_> for Vec<u8> {
    fn read(cell: &Value) -> Option<Self> {
        <&[u8]>::read(cell).map(<[u8]>::to_vec)
    }
}

impl Cell<'_> for String {
    fn read(cell: &Value) -> Option<Self> {
        <&str>::read(cell).map(str::to_owned)
    }
}

impl<'r, T: Cell<'r>> Cell<'r> for Option<T> {
    fn read(cell: &'r Value) -> Option<Self> {
        if matches!(cell, Value::Null) { Some(None) } else { T::read(cell).map(Some) }
    }
}

/// What can be bound.
pub(crate) trait Bound {
    fn value(self) -> Value;
}

macro_rules! bound {
    ($($from:ty => $into:expr),* $(,)?) => {
        $(impl Bound for $from {
            fn value(self) -> Value {
                let into: fn($from) -> Value = $into;
                into(self)
            }
        })*
    };
}

bound! {
    i64 => Value::Integer,
    u16 => |value| Value::Integer(value.into()),
    u32 => |value| Value::Integer(value.into()),
    i32 => |value| Value::Integer(value.into()),
    bool => |value| Value::Integer(value.into()),
    String => Value::Text,
    &String => |value| Value::Text(value.clone()),
    &str => |value| Value::Text(value.to_owned()),
    Vec<u8> => Value::Blob,
    &Vec<u8> => |value| Value::Blob(value.clone()),
    &[u8] => |value| Value::Blob(value.to_vec()),
}

impl<T: Bound> Bound for Option<T> {
    fn value(self) -> Value {
        self.map_or(Value::Null, Bound::value)
    }
}

/// A cell of a row of rusqlite's, borrowed.
pub(crate) fn cell<T: rusqlite::types::FromSql>(
    row: &rusqlite::Row<'_>,
    place: usize,
) -> Result<T, StoreError> {
    Ok(row.get(place)?)
}

/// A blob of a row of rusqlite's, not copied; empty for null.
pub(crate) fn bytes<'r>(row: &'r rusqlite::Row<'_>, place: usize) -> Result<&'r [u8], StoreError> {
    match row.get_ref(place)? {
        ValueRef::Blob(bytes) | ValueRef::Text(bytes) => Ok(bytes),
        ValueRef::Null => Ok(&[]),
        ValueRef::Integer(_) | ValueRef::Real(_) => Err(StoreError::corrupt("a column of another type")),
    }
}
