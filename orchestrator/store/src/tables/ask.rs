//! Questions for many rows, answered in the store's own errors.

use crate::StoreError;
use db::{Conn, Found, Rows};

pub(crate) trait Ask {
    /// Runs a query for each row, with the row's cells as its parameters; `found` gets the row's place and what it found.
    fn ask(
        &self,
        sql: &str,
        rows: &Rows,
        found: impl FnMut(usize, &Found<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError>;

    /// The first `limit` answers that `kept` keeps, for all rows together; no more are looked for.
    fn some<T>(
        &self,
        sql: &str,
        rows: &Rows,
        limit: usize,
        kept: impl FnMut(&Found<'_>) -> Result<Option<T>, StoreError>,
    ) -> Result<Vec<T>, StoreError>;
}

impl Ask for Conn {
    fn ask(
        &self,
        sql: &str,
        rows: &Rows,
        mut found: impl FnMut(usize, &Found<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.ask_while(sql, rows, |place, row| found(place, row).map(|()| true))
    }

    fn some<T>(
        &self,
        sql: &str,
        rows: &Rows,
        limit: usize,
        mut kept: impl FnMut(&Found<'_>) -> Result<Option<T>, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut some = Vec::new();
        if limit == 0 {
            return Ok(some);
        }
        self.ask_while(sql, rows, |_, row| {
            some.extend(kept(row)?);
            Ok::<_, StoreError>(some.len() < limit)
        })?;
        Ok(some)
    }
}
