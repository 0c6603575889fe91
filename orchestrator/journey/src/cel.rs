//! The text of expressions: CEL, with `and`, `or` and `not` as words, read into a tree that knows its places.

#[allow(clippy::result_large_err, reason = "mistakes are rare and read by people")]
mod lexer;
#[allow(clippy::result_large_err, reason = "mistakes are rare and read by people")]
mod parser;

pub(crate) use parser::parse;

use crate::expr::{BinaryOp, UnaryOp};
use crate::yaml::{Kind, Node, Style};
use std::ops::Range;
use words::Text;

/// The longest expression, in bytes.
pub(crate) const EXPRESSION_BYTES_MAX: usize = 4096;
/// The deepest nesting of parentheses and operators.
pub(crate) const EXPRESSION_DEPTH_MAX: usize = 48;

/// An expression as written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ast {
    pub(crate) span: Range<usize>,
    pub(crate) kind: AstKind,
}

/// What was written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum AstKind {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Name(String),
    Field(Box<Ast>, String, Range<usize>),
    Index(Box<Ast>, Box<Ast>),
    List(Vec<Ast>),
    Unary(UnaryOp, Box<Ast>),
    Binary(BinaryOp, Box<Ast>, Box<Ast>),
    Conditional(Box<Ast>, Box<Ast>, Box<Ast>),
    Call(Call),
}

/// A call: `count(x)`, or `receiver.contains(x)`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) name_span: Range<usize>,
    pub(crate) receiver: Option<Box<Ast>>,
    pub(crate) args: Vec<Ast>,
}

/// Why a text is no expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mistake {
    pub(crate) span: Range<usize>,
    pub(crate) title: Text,
    pub(crate) label: Text,
    pub(crate) help: Option<Text>,
}

/// The text of an expression, and where each byte of it stands in the file.
pub(crate) struct Origin<'n> {
    pub(crate) text: &'n str,
    start: usize,
    /// Only where the file says it differently: folded lines, escapes.
    places: Option<Vec<usize>>,
    end: usize,
}

impl<'n> Origin<'n> {
    /// The text of a scalar.
    pub(crate) fn of(node: &'n Node, source: &str) -> Option<Self> {
        let Kind::Scalar { text, style } = &node.kind else { return None };
        let raw = source.get(node.span.clone()).unwrap_or("");
        let skip = match style {
            Style::Plain => 0,
            Style::Quoted => 1,
            Style::Block => block_header(raw),
        };
        let exact = raw.get(skip..).is_some_and(|raw| raw.starts_with(text.as_str()));
        let places = (!exact).then(|| align(text, raw, skip, node.span.start));
        Some(Self { text, start: node.span.start + skip, places, end: node.span.end })
    }

    /// A part of another text.
    pub(crate) fn part(&self, range: Range<usize>) -> Self {
        let places = self.places.as_ref().map(|p| p[range.start..=range.end].to_vec());
        Self { text: &self.text[range.clone()], start: self.start + range.start, places, end: self.end }
    }

    /// Where a byte of the text stands in the file.
    pub(crate) fn place(&self, local: usize) -> usize {
        match &self.places {
            None => self.start + local,
            Some(places) => places.get(local).copied().unwrap_or(self.end),
        }
    }

    /// Where a range of the text stands in the file.
    pub(crate) fn range(&self, local: Range<usize>) -> Range<usize> {
        let start = self.place(local.start);
        let end = if local.end > local.start { self.place(local.end - 1) + 1 } else { start };
        start..end.max(start)
    }
}

/// The length of the header of a block (`>-` and the line break), where the span includes it.
fn block_header(raw: &str) -> usize {
    let Some(end) = raw.find('\n') else { return 0 };
    let header = raw[..end].split('#').next().unwrap_or("").trim();
    let is_header = header.starts_with(['>', '|'])
        && header.chars().skip(1).all(|c| matches!(c, '+' | '-') || c.is_ascii_digit());
    if is_header { end + 1 } else { 0 }
}

/// For each byte of `text` its place in `raw`, which says the same with line breaks, escapes and indentation.
fn align(text: &str, raw: &str, skip: usize, start: usize) -> Vec<usize> {
    let mut places = Vec::with_capacity(text.len() + 1);
    let mut at = skip.min(raw.len());
    for c in text.chars() {
        if !c.is_whitespace()
            && let Some(found) = raw[at..].find(c)
        {
            at += found;
        }
        for byte in 0..c.len_utf8() {
            places.push(start + (at + byte).min(raw.len()));
        }
        if !c.is_whitespace() {
            at = (at + c.len_utf8()).min(raw.len());
        }
    }
    places.push(start + at);
    places
}

#[cfg(test)]
mod tests;
