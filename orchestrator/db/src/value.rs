//! Cells of rows: what can be bound, and what can be read.

use crate::Error;
use rusqlite::types::ValueRef;

/// A cell on its way into a statement. Nulls have a type: PostgreSQL wants to know it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Value {
    /// A number.
    Int(Option<i64>),
    /// A text.
    Text(Option<String>),
    /// Bytes.
    Blob(Option<Vec<u8>>),
}

/// A cell as read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ref<'r> {
    /// Nothing.
    Null,
    /// A number, or a truth: 0 and 1.
    Int(i64),
    /// A text.
    Text(&'r str),
    /// Bytes.
    Blob(&'r [u8]),
}

impl Value {
    /// The same, borrowed.
    pub fn as_ref(&self) -> Ref<'_> {
        match self {
            Self::Int(Some(value)) => Ref::Int(*value),
            Self::Text(Some(value)) => Ref::Text(value),
            Self::Blob(Some(value)) => Ref::Blob(value),
            _ => Ref::Null,
        }
    }
}

impl Ref<'_> {
    /// The same, owned.
    pub fn to_value(self) -> Value {
        match self {
            Self::Null => Value::Int(None),
            Self::Int(value) => Value::Int(Some(value)),
            Self::Text(value) => Value::Text(Some(value.to_owned())),
            Self::Blob(value) => Value::Blob(Some(value.to_vec())),
        }
    }
}

/// A row that lies with its connection: read it before the next.
#[derive(Clone, Copy)]
pub enum Found<'r> {
    /// SQLite's.
    Sqlite(&'r rusqlite::Row<'r>),
    /// PostgreSQL's; the first columns that are not the statement's own.
    Postgres(&'r sqlx::postgres::PgRow, usize),
}

/// A row, whichever it is.
pub trait Cells {
    /// The cell at `place`, counted from 0.
    fn at(&self, place: usize) -> Result<Ref<'_>, Error>;
}

impl Cells for Found<'_> {
    fn at(&self, place: usize) -> Result<Ref<'_>, Error> {
        match *self {
            Self::Sqlite(row) => of_sqlite(row.get_ref(place)?),
            Self::Postgres(row, own) => crate::postgres::cell(row, place + own),
        }
    }
}

impl Cells for Row {
    fn at(&self, place: usize) -> Result<Ref<'_>, Error> {
        self.0.get(place).map(Value::as_ref).ok_or_else(|| Error::corrupt("a column that is not there"))
    }
}

pub(crate) fn of_sqlite(value: ValueRef<'_>) -> Result<Ref<'_>, Error> {
    Ok(match value {
        ValueRef::Null => Ref::Null,
        ValueRef::Integer(value) => Ref::Int(value),
        ValueRef::Text(text) => Ref::Text(std::str::from_utf8(text).map_err(Error::corrupt)?),
        ValueRef::Blob(bytes) => Ref::Blob(bytes),
        ValueRef::Real(_) => return Err(Error::corrupt("a column with a fraction")),
    })
}

/// The cell at `place` of a row, counted from 0.
pub fn cell<'r, T: Cell<'r>>(row: &'r impl Cells, place: usize) -> Result<T, Error> {
    T::read(row.at(place)?).ok_or_else(|| {
        Error::Corrupt(format!("column {place}: {} is wanted there", std::any::type_name::<T>()))
    })
}

/// A blob of a row, not copied; empty for null.
pub fn bytes(row: &impl Cells, place: usize) -> Result<&[u8], Error> {
    match row.at(place)? {
        Ref::Blob(bytes) => Ok(bytes),
        Ref::Text(text) => Ok(text.as_bytes()),
        Ref::Null => Ok(&[]),
        Ref::Int(_) => Err(Error::corrupt("a column of another type")),
    }
}

/// A row as found, kept.
#[derive(Debug)]
pub struct Row(pub(crate) Vec<Value>);

impl Row {
    /// How many bytes its cells take.
    pub(crate) fn bytes(&self) -> usize {
        let of = |cell: &Value| match cell {
            Value::Int(_) => 8,
            Value::Text(text) => text.as_ref().map_or(0, String::len),
            Value::Blob(bytes) => bytes.as_ref().map_or(0, Vec::len),
        };
        self.0.iter().map(of).sum()
    }

    /// The cell at `place`, counted from 0.
    pub fn try_get<'r, T: Cell<'r>, I: Place>(&'r self, place: I) -> Result<T, Error> {
        cell(self, place.place())
    }
}

/// What counts columns.
pub trait Place {
    /// The column, counted from 0.
    fn place(self) -> usize;
}

impl Place for usize {
    fn place(self) -> usize {
        self
    }
}

/// What can be read from a cell.
pub trait Cell<'r>: Sized {
    /// `None`: it is of another type.
    fn read(cell: Ref<'r>) -> Option<Self>;
}

macro_rules! whole_numbers {
    ($($number:ty),*) => {
        $(impl Cell<'_> for $number {
            fn read(cell: Ref<'_>) -> Option<Self> {
                if let Ref::Int(value) = cell { Self::try_from(value).ok() } else { None }
            }
        })*
    };
}

whole_numbers!(i64, u16, i16, u8, u32, i32, u64);

impl Cell<'_> for bool {
    fn read(cell: Ref<'_>) -> Option<Self> {
        i64::read(cell).map(|value| value != 0)
    }
}

impl<'r> Cell<'r> for &'r [u8] {
    fn read(cell: Ref<'r>) -> Option<Self> {
        if let Ref::Blob(value) = cell { Some(value) } else { None }
    }
}

impl<'r> Cell<'r> for &'r str {
    fn read(cell: Ref<'r>) -> Option<Self> {
        if let Ref::Text(value) = cell { Some(value) } else { None }
    }
}

impl Cell<'_> for Vec<u8> {
    fn read(cell: Ref<'_>) -> Option<Self> {
        <&[u8]>::read(cell).map(<[u8]>::to_vec)
    }
}

impl<const N: usize> Cell<'_> for [u8; N] {
    fn read(cell: Ref<'_>) -> Option<Self> {
        <&[u8]>::read(cell).and_then(|bytes| bytes.try_into().ok())
    }
}

impl Cell<'_> for String {
    fn read(cell: Ref<'_>) -> Option<Self> {
        <&str>::read(cell).map(str::to_owned)
    }
}

impl<'r, T: Cell<'r>> Cell<'r> for Option<T> {
    fn read(cell: Ref<'r>) -> Option<Self> {
        if matches!(cell, Ref::Null) { Some(None) } else { T::read(cell).map(Some) }
    }
}

/// What can be bound.
pub trait Bound {
    /// As a cell; `None` as a null of the same type.
    fn value(this: Option<Self>) -> Value
    where
        Self: Sized;
}

macro_rules! bound {
    ($($from:ty => $kind:ident $into:expr),* $(,)?) => {
        $(impl Bound for $from {
            fn value(this: Option<Self>) -> Value {
                Value::$kind(this.map($into))
            }
        })*
    };
}

bound! {
    i64 => Int |value| value,
    u16 => Int |value| value.into(),
    u32 => Int |value| value.into(),
    i32 => Int |value| value.into(),
    bool => Int |value| value.into(),
    String => Text |value| value,
    &String => Text |value| value.clone(),
    &str => Text |value| value.to_owned(),
    Vec<u8> => Blob |value| value,
    &Vec<u8> => Blob |value| value.clone(),
    &[u8] => Blob |value| value.to_vec(),
}

impl<T: Bound> Bound for Option<T> {
    fn value(this: Option<Self>) -> Value {
        T::value(this.flatten())
    }
}
