//! A connection of one's own thread.
//!
//! The functions of [`Query`] are async in name only where a [`Conn`] is asked, so that those who write read as they would
//! with any driver; nothing is awaited.

use crate::postgres::Postgres;
use crate::sqlite::{File, Sqlite};
use crate::value::{Bound, Found, Row, Value};
use crate::{Error, Kind, Rows, Server};

/// A connection; whoever has it blocks the thread that it is on.
#[derive(Debug)]
pub struct Conn(Way);

#[derive(Debug)]
enum Way {
    Sqlite(Sqlite),
    Postgres(Box<Postgres>),
}

impl Conn {
    /// Opens a database file that is there.
    pub fn file(file: &File, read_only: bool) -> Result<Self, Error> {
        Ok(Self(Way::Sqlite(Sqlite::open(file, read_only)?)))
    }

    /// Opens a connection to a server. Not within an async function: it waits.
    pub fn server(server: &Server, read_only: bool) -> Result<Self, Error> {
        Ok(Self(Way::Postgres(Box::new(Postgres::open(server, read_only)?))))
    }

    /// Which database.
    pub fn kind(&self) -> Kind {
        match &self.0 {
            Way::Sqlite(_) => Kind::Sqlite,
            Way::Postgres(_) => Kind::Postgres,
        }
    }

    /// Whether this is PostgreSQL.
    pub fn is_postgres(&self) -> bool {
        self.kind() == Kind::Postgres
    }

    /// Whether the connection is gone for good, so that another one has to be opened.
    pub fn lost(&self) -> bool {
        matches!(&self.0, Way::Postgres(conn) if conn.lost())
    }

    /// Runs statements one after the other, as they are.
    pub fn batch(&self, sql: &str) -> Result<(), Error> {
        match &self.0 {
            Way::Sqlite(conn) => conn.batch(sql),
            Way::Postgres(conn) => conn.batch(sql),
        }
    }

    /// Runs a statement without parameters, as it is.
    pub fn run(&self, sql: &str) -> Result<(), Error> {
        match &self.0 {
            Way::Sqlite(conn) => conn.run(sql),
            Way::Postgres(conn) => conn.batch(sql),
        }
    }

    /// Makes a schema where it is missing, on a server. Where somebody made it for us, we need not be allowed to.
    pub fn make_schema(&self, schema: &str) -> Result<(), Error> {
        let mut row = Rows::new();
        row.row().text(&format!("\"{schema}\""));
        let mut there = false;
        self.ask_while("select to_regnamespace(?) is not null", &row, |_, row| {
            there = crate::cell(row, 0)?;
            Ok::<_, Error>(true)
        })?;
        if there { Ok(()) } else { self.batch(&format!("create schema if not exists \"{schema}\"")) }
    }

    /// Runs a statement for each row, with the row's cells as its parameters. Returns how many rows it changed. No two rows
    /// may be meant for the same row of a table, unless the statement leaves what is there as it is: PostgreSQL runs them
    /// all at once.
    pub fn each(&self, sql: &str, rows: &Rows) -> Result<u64, Error> {
        if rows.is_empty() {
            return Ok(0);
        }
        match &self.0 {
            Way::Sqlite(conn) => conn.each(sql, rows, |_, _| {}),
            Way::Postgres(conn) => conn.each(sql, rows),
        }
    }

    /// The same, telling of each row whether it changed anything.
    pub fn each_changed(&self, sql: &str, rows: &Rows) -> Result<Vec<bool>, Error> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        match &self.0 {
            Way::Sqlite(conn) => {
                let mut changed = Vec::with_capacity(rows.len());
                conn.each(sql, rows, |_, did| changed.push(did))?;
                Ok(changed)
            }
            Way::Postgres(conn) => conn.each_changed(sql, rows),
        }
    }

    /// Nobody else has these numbers until the transaction ends: all of them are locked in one order. On SQLite whoever
    /// writes is alone.
    pub fn lock_numbers(&self, numbers: impl IntoIterator<Item = i64>) -> Result<(), Error> {
        if !self.is_postgres() {
            return Ok(());
        }
        let mut numbers: Vec<i64> = numbers.into_iter().collect();
        numbers.sort_unstable();
        numbers.dedup();
        let mut rows = Rows::new();
        for number in numbers {
            rows.row().int(number);
        }
        self.ask_while("select pg_advisory_xact_lock(?)::text", &rows, |_, _| Ok(true))
    }

    /// Runs a query for each row, with the row's cells as its parameters; `found` gets the row's place and what it found,
    /// and says whether to go on.
    pub fn ask_while<E: From<Error>>(
        &self,
        sql: &str,
        rows: &Rows,
        found: impl FnMut(usize, &Found<'_>) -> Result<bool, E>,
    ) -> Result<(), E> {
        if rows.is_empty() {
            return Ok(());
        }
        match &self.0 {
            Way::Sqlite(conn) => conn.ask(sql, rows, found),
            Way::Postgres(conn) => conn.ask(sql, rows, None, found),
        }
    }

    /// The same for `most` answers in all, of whichever rows come first.
    pub fn ask_most<E: From<Error>>(
        &self,
        sql: &str,
        rows: &Rows,
        most: usize,
        mut found: impl FnMut(usize, &Found<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if rows.is_empty() || most == 0 {
            return Ok(());
        }
        let mut left = most;
        let counted = |place: usize, row: &Found<'_>| {
            found(place, row)?;
            left -= 1;
            Ok(left > 0)
        };
        match &self.0 {
            Way::Sqlite(conn) => conn.ask(sql, rows, counted),
            Way::Postgres(conn) => conn.ask(sql, rows, Some(most), counted),
        }
    }

    fn execute(&self, sql: &str, values: &[Value]) -> Result<u64, Error> {
        match &self.0 {
            Way::Sqlite(conn) => conn.execute(sql, values),
            Way::Postgres(conn) => conn.execute(sql, values),
        }
    }

    pub(crate) fn all(&self, sql: &str, values: &[Value]) -> Result<Vec<Row>, Error> {
        match &self.0 {
            Way::Sqlite(conn) => conn.all(sql, values),
            Way::Postgres(conn) => conn.all(sql, values),
        }
    }

    /// Closes the connection.
    pub fn close(self) {
        if let Way::Sqlite(conn) = self.0 {
            conn.close();
        }
    }
}

/// A statement and what is bound to it.
#[derive(Debug)]
pub struct Query<'q> {
    sql: &'q str,
    values: Vec<Value>,
}

/// A statement on its way to a connection.
pub fn query(sql: &str) -> Query<'_> {
    Query { sql, values: Vec::new() }
}

/// What a statement did.
#[derive(Debug, Clone, Copy)]
pub struct Done(u64);

impl Done {
    /// How many rows it changed.
    pub fn rows_affected(&self) -> u64 {
        self.0
    }
}

/// A connection that can be asked: one's own, or one of those that read.
pub trait Asked {
    /// Which database.
    fn kind(&self) -> Kind;

    /// All rows that the query finds.
    fn all(&mut self, sql: &str, values: Vec<Value>) -> impl Future<Output = Result<Vec<Row>, Error>> + Send;

    /// Runs a statement; how many rows it changed.
    fn execute(&mut self, sql: &str, values: Vec<Value>) -> impl Future<Output = Result<u64, Error>> + Send;
}

impl Asked for Conn {
    fn kind(&self) -> Kind {
        Self::kind(self)
    }

    fn all(&mut self, sql: &str, values: Vec<Value>) -> impl Future<Output = Result<Vec<Row>, Error>> + Send {
        std::future::ready(Self::all(self, sql, &values))
    }

    fn execute(&mut self, sql: &str, values: Vec<Value>) -> impl Future<Output = Result<u64, Error>> + Send {
        std::future::ready(Self::execute(self, sql, &values))
    }
}

impl<A: Asked + Send> Asked for Box<A> {
    fn kind(&self) -> Kind {
        (**self).kind()
    }

    fn all(&mut self, sql: &str, values: Vec<Value>) -> impl Future<Output = Result<Vec<Row>, Error>> + Send {
        (**self).all(sql, values)
    }

    fn execute(&mut self, sql: &str, values: Vec<Value>) -> impl Future<Output = Result<u64, Error>> + Send {
        (**self).execute(sql, values)
    }
}

impl Query<'_> {
    /// Binds the next parameter.
    #[must_use]
    pub fn bind(mut self, value: impl Bound) -> Self {
        self.values.push(Bound::value(Some(value)));
        self
    }

    /// Runs it.
    pub async fn execute(self, conn: &mut impl Asked) -> Result<Done, Error> {
        conn.execute(self.sql, self.values).await.map(Done)
    }

    /// All rows that it finds.
    pub async fn fetch_all(self, conn: &mut impl Asked) -> Result<Vec<Row>, Error> {
        conn.all(self.sql, self.values).await
    }

    /// The first row that it finds.
    pub async fn fetch_optional(self, conn: &mut impl Asked) -> Result<Option<Row>, Error> {
        Ok(self.fetch_all(conn).await?.into_iter().next())
    }

    /// The row that must be there.
    pub async fn fetch_one(self, conn: &mut impl Asked) -> Result<Row, Error> {
        self.fetch_optional(conn).await?.ok_or_else(|| Error::corrupt("no row where one must be"))
    }
}
