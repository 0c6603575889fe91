//! Many rows on their way into one statement: one buffer for all of them, no allocation per cell.
//!
//! The writer's connection runs a cached statement once per row (`Conn::each`, `Conn::ask`): about a microsecond each.
//! Where a statement has to see all rows at once they go in as one JSON value, read by `json_each` (`Rows::json`).

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use words::Timestamp;

/// One cell; texts and blobs are ranges of the buffer.
#[derive(Debug, Clone, Copy)]
enum Cell {
    Null,
    Int(i64),
    Text(u32, u32),
    Blob(u32, u32),
}

/// Rows on their way into one statement.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    cells: Vec<Cell>,
    bytes: Vec<u8>,
    /// Where each row begins.
    starts: Vec<u32>,
}

/// Lengths within a batch; a buffer never comes near four gigabytes.
fn short(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

impl Rows {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// How many rows.
    pub(crate) fn len(&self) -> usize {
        self.starts.len()
    }

    /// Begins a row.
    pub(crate) fn row(&mut self) -> &mut Self {
        self.starts.push(short(self.cells.len()));
        self
    }

    pub(crate) fn int(&mut self, value: impl Into<i64>) -> &mut Self {
        self.cells.push(Cell::Int(value.into()));
        self
    }

    pub(crate) fn opt_int(&mut self, value: Option<i64>) -> &mut Self {
        match value {
            Some(value) => self.int(value),
            None => self.null(),
        }
    }

    pub(crate) fn at(&mut self, value: Timestamp) -> &mut Self {
        self.int(value.as_micros())
    }

    pub(crate) fn opt_at(&mut self, value: Option<Timestamp>) -> &mut Self {
        self.opt_int(value.map(Timestamp::as_micros))
    }

    pub(crate) fn null(&mut self) -> &mut Self {
        self.cells.push(Cell::Null);
        self
    }

    pub(crate) fn blob(&mut self, value: &[u8]) -> &mut Self {
        let from = short(self.bytes.len());
        self.bytes.extend_from_slice(value);
        self.cells.push(Cell::Blob(from, short(self.bytes.len())));
        self
    }

    pub(crate) fn opt_blob(&mut self, value: Option<&[u8]>) -> &mut Self {
        match value {
            Some(value) => self.blob(value),
            None => self.null(),
        }
    }

    pub(crate) fn text(&mut self, value: &str) -> &mut Self {
        let from = short(self.bytes.len());
        self.bytes.extend_from_slice(value.as_bytes());
        self.cells.push(Cell::Text(from, short(self.bytes.len())));
        self
    }

    pub(crate) fn opt_text(&mut self, value: Option<&str>) -> &mut Self {
        match value {
            Some(value) => self.text(value),
            None => self.null(),
        }
    }

    /// The rows, each as its cells in order, ready to be bound.
    pub(crate) fn iter(&self) -> impl Iterator<Item = impl Iterator<Item = ToSqlOutput<'_>>> {
        self.starts.iter().enumerate().map(|(nth, from)| {
            let to = self.starts.get(nth + 1).map_or(self.cells.len(), |next| *next as usize);
            self.cells.get(*from as usize..to).unwrap_or_default().iter().map(|cell| self.borrowed(*cell))
        })
    }

    fn borrowed(&self, cell: Cell) -> ToSqlOutput<'_> {
        let range = |from: u32, to: u32| self.bytes.get(from as usize..to as usize).unwrap_or_default();
        match cell {
            Cell::Null => ToSqlOutput::Owned(Value::Null),
            Cell::Int(value) => ToSqlOutput::Owned(Value::Integer(value)),
            Cell::Text(from, to) => ToSqlOutput::Borrowed(ValueRef::Text(range(from, to))),
            Cell::Blob(from, to) => ToSqlOutput::Borrowed(ValueRef::Blob(range(from, to))),
        }
    }

    /// All rows as one value, `[[1,"00ff",null], …]`, for `json_each`. Blobs travel as hex and come out by `unhex`.
    pub(crate) fn json(self) -> String {
        use std::fmt::Write as _;
        let mut out = String::with_capacity(2 * self.bytes.len() + 8 * self.cells.len() + 2);
        out.push('[');
        for (nth, row) in self.iter().enumerate() {
            out.push_str(if nth == 0 { "[" } else { ",[" });
            for (place, cell) in row.enumerate() {
                if place > 0 {
                    out.push(',');
                }
                match cell {
                    ToSqlOutput::Owned(Value::Integer(value)) => {
                        let _ = write!(out, "{value}");
                    }
                    ToSqlOutput::Borrowed(ValueRef::Blob(bytes)) => {
                        out.push('"');
                        data_encoding::HEXLOWER.encode_append(bytes, &mut out);
                        out.push('"');
                    }
                    ToSqlOutput::Borrowed(ValueRef::Text(text)) => {
                        // What went in as text is text, and has a JSON form.
                        let text = std::str::from_utf8(text).unwrap_or_default();
                        out.push_str(&serde_json::to_string(text).unwrap_or_default());
                    }
                    _ => out.push_str("null"),
                }
            }
            out.push(']');
        }
        out.push(']');
        out
    }
}

/// An unsigned number as stored.
pub(crate) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A stored number that is never negative.
pub(crate) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_out_as_they_went_in() {
        let mut rows = Rows::new();
        assert!(rows.is_empty());
        rows.row().int(7).text("a\"b").null();
        rows.row().blob(&[0, 255]).opt_int(None).text("");
        assert_eq!(rows.len(), 2);
        assert_eq!(rows.iter().map(Iterator::count).collect::<Vec<_>>(), [3, 3]);
        assert_eq!(rows.json(), r#"[[7,"a\"b",null],["00ff",null,""]]"#);
        assert_eq!(Rows::new().json(), "[]");
    }
}
