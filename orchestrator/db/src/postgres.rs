//! A connection to PostgreSQL that blocks its thread: the socket is waited for right here, by a runtime of its own.
//!
//! Each statement is a round trip, so what SQLite runs once for each row runs here once for all rows (see `dialect`).

use crate::Error;
use crate::dialect::{self, Many};
use crate::rows::{Holds, Rows, signed};
use crate::server::{CONNECT_MAX, Server};
use crate::value::{Found, Ref, Row, Value};
use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::{Arguments, AssertSqlSafe, ConnectOptions, Connection, Executor, Row as _, TypeInfo, ValueRef};
use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;

/// Whoever listens to this target at the level trace hears each statement that a thread of the store says to the server, in the
/// server's words and without what is bound to it. What people read by the pool of [`crate::Reader`] is not among them.
pub const STATEMENTS: &str = "db::statements";

/// Statements for many rows, as they were said, by text and columns.
type Texts = HashMap<(String, Vec<Holds>), Arc<Many>>;

pub(crate) struct Postgres {
    /// `None` only while it is being dropped.
    runtime: Option<Runtime>,
    /// `None`: lost.
    conn: RefCell<Option<PgConnection>>,
    texts: RefCell<Texts>,
    plain: RefCell<HashMap<String, Arc<str>>>,
    answer_max: Duration,
}

impl std::fmt::Debug for Postgres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Postgres")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Waits for nothing, wherever it is dropped; the server notices that the socket is closed.
        self.conn.replace(None);
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Postgres {
    pub(crate) fn open(server: &Server, read_only: bool) -> Result<Self, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::Unavailable(error.to_string()))?;
        let mut options = server.options.clone();
        if read_only {
            options = options.options([("default_transaction_read_only", "on")]);
        }
        let conn = runtime
            .block_on(async { tokio::time::timeout(CONNECT_MAX, options.connect()).await })
            .map_err(|_| Error::Unavailable(format!("{} does not answer", server.shown())))?
            .map_err(|error| {
                let why = Error::from(error);
                Error::Unavailable(format!("{} cannot be reached: {why}", server.shown()))
            })?;
        Ok(Self {
            runtime: Some(runtime),
            conn: RefCell::new(Some(conn)),
            texts: RefCell::default(),
            plain: RefCell::default(),
            answer_max: server.answer_max,
        })
    }

    /// Whether the connection is gone; whoever has it opens another.
    pub(crate) fn lost(&self) -> bool {
        self.conn.borrow().is_none()
    }

    /// Waits for what is asked of the connection. One that fails in itself is not used again.
    fn wait<'c, T, F>(
        &self,
        conn: &'c mut Option<PgConnection>,
        work: impl FnOnce(&'c mut PgConnection) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, sqlx::Error>>,
    {
        let (Some(runtime), Some(open)) = (&self.runtime, conn.as_mut()) else {
            return Err(Error::Unavailable("the connection to the database was lost".to_owned()));
        };
        let work = work(open);
        match runtime.block_on(async { tokio::time::timeout(self.answer_max, work).await }) {
            Ok(done) => Ok(done?),
            Err(_) => Err(Error::Unavailable("the database does not answer".to_owned())),
        }
    }

    /// Runs `work`, and lets go of a connection that failed in itself.
    fn with<T>(&self, work: impl FnOnce(&mut Option<PgConnection>) -> Result<T, Error>) -> Result<T, Error> {
        let mut conn = self.conn.borrow_mut();
        let done = work(&mut conn);
        if matches!(done, Err(Error::Unavailable(_))) {
            // Was it the statement, or the connection?
            let alive = self.wait(&mut conn, |conn| async move {
                tokio::time::timeout(Duration::from_secs(2), conn.ping())
                    .await
                    .unwrap_or_else(|_| Err(sqlx::Error::PoolTimedOut))
            });
            if alive.is_err() {
                *conn = None;
            }
        }
        done
    }

    pub(crate) fn batch(&self, sql: &str) -> Result<(), Error> {
        self.with(|conn| {
            self.wait(
                conn,
                |conn| async move { conn.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await.map(drop) },
            )
        })
    }

    fn plain(&self, sql: &str) -> Arc<str> {
        if let Some(text) = self.plain.borrow().get(sql) {
            return Arc::clone(text);
        }
        let text: Arc<str> = Arc::from(dialect::one(sql));
        self.plain.borrow_mut().insert(sql.to_owned(), Arc::clone(&text));
        text
    }

    fn many(&self, sql: &str, rows: &Rows) -> Result<Arc<Many>, Error> {
        let key = (sql.to_owned(), rows.columns());
        if let Some(text) = self.texts.borrow().get(&key) {
            return Ok(Arc::clone(text));
        }
        let many = Arc::new(dialect::many(sql, &key.1)?);
        self.texts.borrow_mut().insert(key, Arc::clone(&many));
        Ok(many)
    }

    fn fetch(&self, sql: &str, arguments: PgArguments) -> Result<Vec<PgRow>, Error> {
        tracing::trace!(target: STATEMENTS, sql);
        self.with(|conn| {
            self.wait(conn, |conn| sqlx::query_with(AssertSqlSafe(sql), arguments).fetch_all(conn))
                .map_err(|error| told(error, sql))
        })
    }

    fn change(&self, sql: &str, arguments: PgArguments) -> Result<u64, Error> {
        tracing::trace!(target: STATEMENTS, sql);
        self.with(|conn| {
            self.wait(conn, |conn| sqlx::query_with(AssertSqlSafe(sql), arguments).execute(conn))
                .map(|done| done.rows_affected())
                .map_err(|error| told(error, sql))
        })
    }

    pub(crate) fn each(&self, sql: &str, rows: &Rows) -> Result<u64, Error> {
        let many = self.many(sql, rows)?;
        self.change(&many.text, columns(rows)?)
    }

    /// Which rows changed anything.
    pub(crate) fn each_changed(&self, sql: &str, rows: &Rows) -> Result<Vec<bool>, Error> {
        let many = self.many(sql, rows)?;
        let mut changed = vec![false; rows.len()];
        let found = self.fetch(&many.telling, columns(rows)?)?;
        let Some(keys) = &many.keys else {
            for row in &found {
                if let Some(slot) = nth(row)?.and_then(|nth| changed.get_mut(nth)) {
                    *slot = true;
                }
            }
            return Ok(changed);
        };
        // What was inserted is told by its cells; of two equal rows the first one was.
        let mut places: HashMap<Vec<Value>, VecDeque<usize>> = HashMap::new();
        for place in 0..rows.len() {
            let key = keys.iter().map(|column| rows.at_place(place, *column).to_value()).collect();
            places.entry(key).or_default().push_back(place);
        }
        for row in &found {
            let mut key = Vec::with_capacity(keys.len());
            for place in 0..keys.len() {
                key.push(cell(row, place)?.to_value());
            }
            if let Some(place) = places.get_mut(&key).and_then(VecDeque::pop_front)
                && let Some(slot) = changed.get_mut(place)
            {
                *slot = true;
            }
        }
        Ok(changed)
    }

    /// `found` says whether to go on.
    pub(crate) fn ask<E: From<Error>>(
        &self,
        sql: &str,
        rows: &Rows,
        most: Option<usize>,
        mut found: impl FnMut(usize, &Found<'_>) -> Result<bool, E>,
    ) -> Result<(), E> {
        let many = self.many(sql, rows)?;
        let mut arguments = columns(rows)?;
        let found_all = match most {
            // A parameter as well: the text stays the same, and prepared.
            Some(most) => {
                let text = format!("{} limit ${}", many.telling, rows.columns().len() + 1);
                arguments.add(signed(most as u64)).map_err(Error::corrupt)?;
                self.fetch(&text, arguments)?
            }
            None => self.fetch(&many.telling, arguments)?,
        };
        // The planner may have turned the question round.
        let mut placed = Vec::with_capacity(found_all.len());
        for row in &found_all {
            placed.push((nth(row)?.unwrap_or(0), row));
        }
        placed.sort_by_key(|(place, _)| *place);
        for (place, row) in placed {
            if !found(place, &Found::Postgres(row, 1))? {
                return Ok(());
            }
        }
        Ok(())
    }

    pub(crate) fn execute(&self, sql: &str, values: &[Value]) -> Result<u64, Error> {
        let text = self.plain(sql);
        self.change(&text, arguments(&text, values)?)
    }

    pub(crate) fn all(&self, sql: &str, values: &[Value]) -> Result<Vec<Row>, Error> {
        let text = self.plain(sql);
        self.fetch(&text, arguments(&text, values)?)?.iter().map(kept).collect()
    }
}

/// An error that names the statement.
fn told(error: Error, sql: &str) -> Error {
    match error {
        Error::Unavailable(why) => Error::Unavailable(format!("{why}, in: {sql}")),
        other => other,
    }
}

fn nth(row: &PgRow) -> Result<Option<usize>, Error> {
    // Counted from 1.
    match cell(row, 0)? {
        Ref::Int(nth) => Ok(usize::try_from(nth - 1).ok()),
        _ => Ok(None),
    }
}

/// A whole row, owned.
pub(crate) fn kept(row: &PgRow) -> Result<Row, Error> {
    let mut cells = Vec::with_capacity(row.len());
    for place in 0..row.len() {
        cells.push(cell(row, place)?.to_value());
    }
    Ok(Row(cells))
}

/// A cell of an answer in binary form.
pub(crate) fn cell(row: &PgRow, place: usize) -> Result<Ref<'_>, Error> {
    let raw = row.try_get_raw(place).map_err(Error::corrupt)?;
    if raw.is_null() {
        return Ok(Ref::Null);
    }
    let kind = raw.type_info();
    let name = kind.name().to_owned();
    let bytes = raw.as_bytes().map_err(Error::corrupt)?;
    let wrong = || Error::Corrupt(format!("a column of type {name}"));
    Ok(match name.as_str() {
        "INT8" => Ref::Int(i64::from_be_bytes(bytes.try_into().map_err(|_| wrong())?)),
        "INT4" => Ref::Int(i32::from_be_bytes(bytes.try_into().map_err(|_| wrong())?).into()),
        "INT2" => Ref::Int(i16::from_be_bytes(bytes.try_into().map_err(|_| wrong())?).into()),
        "BOOL" => Ref::Int(i64::from(bytes != [0])),
        "BYTEA" => Ref::Blob(bytes),
        "TEXT" | "VARCHAR" | "NAME" | "UNKNOWN" | "JSON" => {
            Ref::Text(std::str::from_utf8(bytes).map_err(Error::corrupt)?)
        }
        _ => return Err(wrong()),
    })
}

/// The parameters of a statement that runs once.
pub(crate) fn arguments(text: &str, values: &[Value]) -> Result<PgArguments, Error> {
    let wanted = dialect::parameters(text);
    if values.len() < wanted {
        return Err(Error::Corrupt(format!("a statement of {wanted} parameters was given {}", values.len())));
    }
    let mut arguments = PgArguments::default();
    // What the statement does not ask for is left out.
    for value in values.iter().take(wanted) {
        match value {
            Value::Int(value) => arguments.add(*value),
            Value::Text(value) => arguments.add(value.as_deref()),
            Value::Blob(value) => arguments.add(value.as_deref()),
        }
        .map_err(Error::corrupt)?;
    }
    Ok(arguments)
}

/// The parameters of a statement that runs for all rows: a list for each column.
fn columns(rows: &Rows) -> Result<PgArguments, Error> {
    let mut arguments = PgArguments::default();
    for (place, holds) in rows.columns().into_iter().enumerate() {
        let cells = (0..rows.len()).map(|nth| rows.at_place(nth, place));
        let mixed = || Error::Corrupt(format!("column {} of many rows holds two types", place + 1));
        match holds {
            Holds::Int => {
                let list = cells.map(|cell| match cell {
                    Ref::Int(value) => Ok(Some(value)),
                    Ref::Null => Ok(None),
                    _ => Err(mixed()),
                });
                arguments.add(list.collect::<Result<Vec<Option<i64>>, Error>>()?)
            }
            Holds::Text => {
                let list = cells.map(|cell| match cell {
                    Ref::Text(value) => Ok(Some(value)),
                    Ref::Null => Ok(None),
                    _ => Err(mixed()),
                });
                arguments.add(list.collect::<Result<Vec<Option<&str>>, Error>>()?)
            }
            Holds::Blob => {
                let list = cells.map(|cell| match cell {
                    Ref::Blob(value) => Ok(Some(value)),
                    Ref::Null => Ok(None),
                    _ => Err(mixed()),
                });
                arguments.add(list.collect::<Result<Vec<Option<&[u8]>>, Error>>()?)
            }
        }
        .map_err(Error::corrupt)?;
    }
    Ok(arguments)
}
