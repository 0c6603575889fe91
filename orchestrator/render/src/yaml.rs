//! YAML as a tree with the place of every node, within limits.

use granit_parser::{Event, Parser, ScalarStyle, Span};
use std::ops::Range;

/// Nodes of one file; a brand or a message needs a few hundred.
const NODES_MAX: usize = 20_000;
/// Depth of nesting.
const DEPTH_MAX: usize = 32;

/// One node and where it stands, in bytes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) span: Range<usize>,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    /// Nothing, `~` or `null`.
    Null,
    /// A text, a number, a truth: what was written, and whether it was quoted.
    Scalar { text: String, quoted: bool },
    /// A list.
    List(Vec<Node>),
    /// Keys and values, in the order of the file.
    Map(Vec<(Key, Node)>),
}

/// A key and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) span: Range<usize>,
}

/// Why a text is no YAML that we take.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct YamlError {
    pub(crate) reason: Reason,
    pub(crate) span: Range<usize>,
}

/// The kinds of refusal.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reason {
    Syntax(String),
    TooLarge,
    Alias,
    DuplicateKey(String),
    KeyNotText,
    SecondDocument,
}

impl Node {
    /// The value of `key`, where this is a map that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|(k, _)| k.text == key).map(|(_, v)| v)
    }

    /// The entries of a map; none of anything else.
    pub(crate) fn entries(&self) -> &[(Key, Self)] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The text of a scalar.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The items of a list.
    pub(crate) fn items(&self) -> Option<&[Self]> {
        match &self.kind {
            Kind::List(items) => Some(items),
            _ => None,
        }
    }
}

/// Reads one document. An empty one is `Null`.
pub(crate) fn parse(source: &str) -> Result<Node, YamlError> {
    let mut reader = Reader { parser: Parser::new_from_str(source), len: source.len(), nodes: 0 };
    let mut root = None;
    while let Some((event, span)) = reader.next()? {
        match event {
            Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
            Event::StreamEnd => break,
            _ if root.is_some() => return Err(YamlError { reason: Reason::SecondDocument, span }),
            event => root = Some(reader.node(event, span, 0)?),
        }
    }
    Ok(root.unwrap_or(Node { kind: Kind::Null, span: 0..0 }))
}

struct Reader<'a> {
    parser: Parser<'a, granit_parser::StrInput<'a>>,
    len: usize,
    nodes: usize,
}

impl<'a> Reader<'a> {
    /// The next event that is data.
    fn next(&mut self) -> Result<Option<(Event<'a>, Range<usize>)>, YamlError> {
        loop {
            match self.parser.next_event() {
                None => return Ok(None),
                Some(Err(error)) => {
                    let at = error.marker().byte_offset().unwrap_or(0).min(self.len);
                    let span = at..(at + 1).min(self.len);
                    return Err(YamlError { reason: Reason::Syntax(error.info()), span });
                }
                Some(Ok((Event::Comment(..), _))) => {}
                Some(Ok((event, span))) => return Ok(Some((event, bytes(span)))),
            }
        }
    }

    fn node(&mut self, event: Event<'a>, span: Range<usize>, depth: usize) -> Result<Node, YamlError> {
        self.nodes += 1;
        if self.nodes > NODES_MAX || depth > DEPTH_MAX {
            return Err(YamlError { reason: Reason::TooLarge, span });
        }
        match event {
            Event::Scalar(text, style, ..) => {
                let quoted = !matches!(style, ScalarStyle::Plain);
                let null = !quoted && matches!(&*text, "" | "~" | "null");
                let kind = if null { Kind::Null } else { Kind::Scalar { text: text.into_owned(), quoted } };
                Ok(Node { kind, span })
            }
            Event::SequenceStart(..) => {
                let mut items = Vec::new();
                let mut end = span.end;
                while let Some((event, at)) = self.next()? {
                    if matches!(event, Event::SequenceEnd) {
                        end = end.max(at.end);
                        break;
                    }
                    let item = self.node(event, at, depth + 1)?;
                    end = end.max(item.span.end);
                    items.push(item);
                }
                Ok(Node { kind: Kind::List(items), span: span.start..end })
            }
            Event::MappingStart(..) => self.map(span, depth),
            _ => Err(YamlError { reason: Reason::Alias, span }),
        }
    }

    fn map(&mut self, span: Range<usize>, depth: usize) -> Result<Node, YamlError> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        let mut end = span.end;
        while let Some((event, at)) = self.next()? {
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let key = match event {
                Event::Scalar(text, ..) => Key { text: text.into_owned(), span: at },
                _ => return Err(YamlError { reason: Reason::KeyNotText, span: at }),
            };
            if entries.iter().any(|(other, _)| other.text == key.text) {
                return Err(YamlError { reason: Reason::DuplicateKey(key.text), span: key.span });
            }
            let Some((event, at)) = self.next()? else { break };
            let value = self.node(event, at, depth + 1)?;
            end = end.max(value.span.end);
            entries.push((key, value));
        }
        Ok(Node { kind: Kind::Map(entries), span: span.start..end })
    }
}

fn bytes(span: Span) -> Range<usize> {
    span.byte_range().unwrap_or(0..0)
}
