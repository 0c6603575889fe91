//! YAML as a tree in which everything knows where it stands, in bytes.

mod accident;
mod load;

pub(crate) use accident::{as_block, key_value, star};
pub(crate) use load::{load, text};

use std::ops::Range;

/// The largest file, in bytes.
pub(crate) const FILE_BYTES_MAX: usize = 1 << 20;
/// The deepest nesting of lists and maps.
pub(crate) const DEPTH_MAX: usize = 64;
/// The most nodes of one file, those that aliases repeat included.
pub(crate) const NODES_MAX: usize = 20_000;
/// How often aliases may be used in one file.
pub(crate) const ALIASES_MAX: usize = 64;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) span: Range<usize>,
    pub(crate) kind: Kind,
    /// Stands between `{}` or `[]`.
    pub(crate) flow: bool,
    /// What stood here could not be read and was reported; whoever meets it says nothing more.
    pub(crate) broken: bool,
}

/// What a node is.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Scalar { text: String, style: Style },
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Quoted,
    Block,
}

/// One line of a map.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_span: Range<usize>,
    pub(crate) value: Node,
}

impl Node {
    /// The text of a scalar.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// Nothing written, `~` or `null`.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar { text, style: Style::Plain } if matches!(text.as_str(), "" | "~" | "null"))
    }

    /// The entries of a map; none for anything else.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The value of a key of a map.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// Where the key of a map stands, else where the node does.
    pub(crate) fn key_span(&self, key: &str) -> Range<usize> {
        self.entries().iter().find(|e| e.key == key).map_or_else(|| self.span.clone(), |e| e.key_span.clone())
    }
}
