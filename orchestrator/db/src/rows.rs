//! Many rows on their way into one statement: one buffer for all of them, no allocation per cell.

use crate::Ref;
use words::Timestamp;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holds {
    /// Numbers.
    Int,
    /// Texts.
    Text,
    /// Bytes.
    Blob,
}

/// One cell; texts and blobs are ranges of the buffer.
#[derive(Debug, Clone, Copy)]
enum Slot {
    Null(Holds),
    Int(i64),
    Text(u32, u32),
    Blob(u32, u32),
}

/// Rows on their way into one statement. All have the same columns.
#[derive(Debug, Default)]
pub struct Rows {
    cells: Vec<Slot>,
    bytes: Vec<u8>,
    /// Where each row begins.
    starts: Vec<u32>,
}

/// Lengths within a batch; a buffer never comes near four gigabytes.
fn short(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

impl Rows {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// One row without cells: the statement runs once.
    pub fn once() -> Self {
        let mut rows = Self::new();
        rows.row();
        rows
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Begins a row.
    pub fn row(&mut self) -> &mut Self {
        self.starts.push(short(self.cells.len()));
        self
    }

    /// A number.
    pub fn int(&mut self, value: impl Into<i64>) -> &mut Self {
        self.cells.push(Slot::Int(value.into()));
        self
    }

    /// A number or null.
    pub fn opt_int(&mut self, value: Option<i64>) -> &mut Self {
        self.cells.push(value.map_or(Slot::Null(Holds::Int), Slot::Int));
        self
    }

    /// An instant.
    pub fn at(&mut self, value: Timestamp) -> &mut Self {
        self.int(value.as_micros())
    }

    /// An instant or null.
    pub fn opt_at(&mut self, value: Option<Timestamp>) -> &mut Self {
        self.opt_int(value.map(Timestamp::as_micros))
    }

    /// Bytes.
    pub fn blob(&mut self, value: &[u8]) -> &mut Self {
        let from = short(self.bytes.len());
        self.bytes.extend_from_slice(value);
        self.cells.push(Slot::Blob(from, short(self.bytes.len())));
        self
    }

    /// Bytes or null.
    pub fn opt_blob(&mut self, value: Option<&[u8]>) -> &mut Self {
        match value {
            Some(value) => self.blob(value),
            None => {
                self.cells.push(Slot::Null(Holds::Blob));
                self
            }
        }
    }

    /// A text.
    pub fn text(&mut self, value: &str) -> &mut Self {
        let from = short(self.bytes.len());
        self.bytes.extend_from_slice(value.as_bytes());
        self.cells.push(Slot::Text(from, short(self.bytes.len())));
        self
    }

    /// A text or null.
    pub fn opt_text(&mut self, value: Option<&str>) -> &mut Self {
        match value {
            Some(value) => self.text(value),
            None => {
                self.cells.push(Slot::Null(Holds::Text));
                self
            }
        }
    }

    /// The rows, each as its cells in order.
    pub fn iter(&self) -> impl Iterator<Item = impl Iterator<Item = Ref<'_>>> {
        (0..self.starts.len()).map(|nth| self.slots(nth).iter().map(|slot| self.borrowed(*slot)))
    }

    /// The cell of a row.
    pub(crate) fn at_place(&self, nth: usize, column: usize) -> Ref<'_> {
        self.slots(nth).get(column).map_or(Ref::Null, |slot| self.borrowed(*slot))
    }

    /// What each column holds.
    pub(crate) fn columns(&self) -> Vec<Holds> {
        let of = |slot: &Slot| match slot {
            Slot::Null(holds) => *holds,
            Slot::Int(_) => Holds::Int,
            Slot::Text(..) => Holds::Text,
            Slot::Blob(..) => Holds::Blob,
        };
        self.slots(0).iter().map(of).collect()
    }

    fn slots(&self, nth: usize) -> &[Slot] {
        let from = self.starts.get(nth).map_or(self.cells.len(), |from| *from as usize);
        let to = self.starts.get(nth + 1).map_or(self.cells.len(), |next| *next as usize);
        self.cells.get(from..to).unwrap_or_default()
    }

    fn borrowed(&self, slot: Slot) -> Ref<'_> {
        let range = |from: u32, to: u32| self.bytes.get(from as usize..to as usize).unwrap_or_default();
        match slot {
            Slot::Null(_) => Ref::Null,
            Slot::Int(value) => Ref::Int(value),
            // What went in as text is text.
            Slot::Text(from, to) => Ref::Text(std::str::from_utf8(range(from, to)).unwrap_or_default()),
            Slot::Blob(from, to) => Ref::Blob(range(from, to)),
        }
    }
}

/// An unsigned number as stored.
pub fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A stored number that is never negative.
pub fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_out_as_they_went_in() {
        let mut rows = Rows::new();
        assert!(rows.is_empty());
        rows.row().int(7).text("a\"b").opt_blob(None);
        rows.row().opt_int(None).text("").blob(&[0, 255]);
        assert_eq!(rows.len(), 2);
        let cells: Vec<Vec<Ref<'_>>> = rows.iter().map(Iterator::collect).collect();
        assert_eq!(
            cells,
            [[Ref::Int(7), Ref::Text("a\"b"), Ref::Null], [Ref::Null, Ref::Text(""), Ref::Blob(&[0, 255])]]
        );
        assert_eq!(rows.columns(), [Holds::Int, Holds::Text, Holds::Blob]);
        assert_eq!(rows.at_place(1, 2), Ref::Blob(&[0, 255]));
    }
}
