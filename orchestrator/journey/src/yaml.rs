//! YAML as a tree in which everything knows where it stands, in bytes.

mod accident;
mod flow;
mod load;

pub(crate) use accident::{as_block, foreign, key_value, star};
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
pub struct Node {
    /// Where it stands, in bytes.
    pub span: Range<usize>,
    /// What it is.
    pub kind: Kind,
    /// Stands between `{}` or `[]`.
    pub flow: bool,
    /// What stood here could not be read and was reported; whoever meets it says nothing more.
    pub broken: bool,
}

/// What a node is.
#[derive(Debug, Clone)]
pub enum Kind {
    /// A text, a number, a word.
    Scalar {
        /// As written, without quotes.
        text: String,
        /// How it is written.
        style: Style,
    },
    /// Lines that begin with a dash.
    List(Vec<Node>),
    /// Keys and values, in order.
    Map(Vec<Entry>),
}

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Bare.
    Plain,
    /// In quotes.
    Quoted,
    /// Below `|` or `>`.
    Block,
}

/// One line of a map.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands, in bytes.
    pub key_span: Range<usize>,
    /// Its value.
    pub value: Node,
}

/// Reads one file of a project that is no journey and no declaration: its tree, and everything that is wrong with its YAML.
pub fn read(file: &str, bytes: &[u8]) -> (Option<Node>, Vec<words::Diagnostic>) {
    let list = std::cell::RefCell::new(Vec::new());
    let root =
        text(file, bytes, &list).and_then(|source| load(crate::report::Report { file, source, list: &list }));
    (root, list.into_inner())
}

impl Node {
    /// The text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// Nothing written, `~` or `null`.
    pub fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar { text, style: Style::Plain } if matches!(text.as_str(), "" | "~" | "null"))
    }

    /// The entries of a map; none for anything else.
    pub fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The value of a key of a map.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// Where the key of a map stands, else where the node does.
    pub fn key_span(&self, key: &str) -> Range<usize> {
        self.entries().iter().find(|e| e.key == key).map_or_else(|| self.span.clone(), |e| e.key_span.clone())
    }
}
