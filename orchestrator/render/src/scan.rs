//! A template's source as segments, and the inside of a tag as tokens.
//!
//! The engine's own lexer is private, and its errors tell the top-level names alone; what is checked, put in place and
//! resolved ahead of time is found with this one. It accepts more than the engine does: the engine has already read the
//! file when this matters.

use std::ops::Range;

/// What a segment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text to print.
    Text,
    /// `{{ … }}`.
    Print,
    /// `{% … %}`.
    Tag,
    /// `{# … #}`.
    Comment,
    /// The inside of `{% raw %}…{% endraw %}`.
    Raw,
}

/// A piece of the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) kind: Kind,
    /// All of it, in bytes of the file.
    pub(crate) span: Range<usize>,
    /// Without the delimiters.
    pub(crate) inner: Range<usize>,
    /// `{%-`: the text before loses its white space.
    pub(crate) trim_before: bool,
    /// `-%}`: the text after does.
    pub(crate) trim_after: bool,
}

/// A token inside a tag.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) span: Range<usize>,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TokenKind {
    Word(String),
    Text(String),
    Number,
    Sign(char),
    /// `==`, `!=`, `<=`, `>=`, `//` …
    Signs,
    /// `?.`, the dot that takes an absent value.
    OptionalDot,
}

impl Token {
    /// Whether it is this sign.
    pub(crate) fn is(&self, sign: char) -> bool {
        self.kind == TokenKind::Sign(sign)
    }
    /// The word, where it is one.
    pub(crate) fn word(&self) -> Option<&str> {
        match &self.kind {
            TokenKind::Word(word) => Some(word),
            _ => None,
        }
    }
    /// The text of a quoted literal.
    pub(crate) fn literal(&self) -> Option<&str> {
        match &self.kind {
            TokenKind::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Cuts a source into segments. An unclosed delimiter makes the rest one segment: the engine reports it.
pub(crate) fn segments(source: &str) -> Vec<Segment> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < source.len() {
        let Some(found) = next_delimiter(source, at) else { break };
        if found > at {
            out.push(text(at..found));
        }
        let (kind, close) = match &source[found..found + 2] {
            "{{" => (Kind::Print, "}}"),
            "{%" => (Kind::Tag, "%}"),
            _ => (Kind::Comment, "#}"),
        };
        let (inner_end, end) = close_of(source, found + 2, kind, close);
        let mut inner = found + 2..inner_end;
        let trim_before = source[inner.clone()].starts_with('-');
        let trim_after = inner.len() > 1 && source[inner.clone()].ends_with('-');
        if trim_before {
            inner.start += 1;
        }
        if trim_after {
            inner.end -= 1;
        }
        let raw = kind == Kind::Tag && source[inner.clone()].trim() == "raw";
        if raw && let Some((body, after)) = end_of_raw(source, end) {
            out.push(Segment {
                kind: Kind::Raw,
                span: found..after,
                inner: body,
                trim_before: false,
                trim_after: false,
            });
            at = after;
            continue;
        }
        out.push(Segment { kind, span: found..end, inner, trim_before, trim_after });
        at = end;
    }
    if at < source.len() {
        out.push(text(at..source.len()));
    }
    out
}

fn text(span: Range<usize>) -> Segment {
    Segment { kind: Kind::Text, inner: span.clone(), span, trim_before: false, trim_after: false }
}

fn next_delimiter(source: &str, from: usize) -> Option<usize> {
    let bytes = source.as_bytes();
    (from..bytes.len().saturating_sub(1))
        .find(|i| bytes[*i] == b'{' && matches!(bytes[i + 1], b'{' | b'%' | b'#'))
}

/// The end of what is inside a tag, and of the tag; a delimiter inside quotes does not close it.
fn close_of(source: &str, from: usize, kind: Kind, close: &str) -> (usize, usize) {
    let bytes = source.as_bytes();
    let mut quote = None;
    let mut at = from;
    while at < bytes.len() {
        match (quote, bytes[at]) {
            (Some(_), b'\\') => at += 1,
            (Some(open), b) if b == open => quote = None,
            (Some(_), _) => {}
            (None, b @ (b'"' | b'\'' | b'`')) if kind != Kind::Comment => quote = Some(b),
            (None, _) if bytes[at..].starts_with(close.as_bytes()) => return (at, at + close.len()),
            (None, _) => {}
        }
        at += 1;
    }
    (source.len(), source.len())
}

fn end_of_raw(source: &str, from: usize) -> Option<(Range<usize>, usize)> {
    let mut at = from;
    while let Some(open) = source[at..].find("{%").map(|i| i + at) {
        let close = source[open..].find("%}").map(|i| i + open + 2)?;
        if source[open + 2..close - 2].trim_matches(['-', ' ', '\t', '\n', '\r']) == "endraw" {
            return Some((from..open, close));
        }
        at = open + 2;
    }
    None
}

/// The tokens of `source[inner]`, their places in the file.
pub(crate) fn tokens(source: &str, inner: Range<usize>) -> Vec<Token> {
    let bytes = source.as_bytes();
    let mut out = Vec::new();
    let mut at = inner.start;
    while at < inner.end {
        let start = at;
        let byte = bytes[at];
        let kind = if byte.is_ascii_whitespace() {
            at += 1;
            continue;
        } else if byte.is_ascii_alphabetic() || byte == b'_' {
            at +=
                bytes[at..inner.end].iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
            TokenKind::Word(source[start..at].to_owned())
        } else if byte.is_ascii_digit() {
            at += bytes[at..inner.end].iter().take_while(|b| b.is_ascii_digit() || **b == b'.').count();
            TokenKind::Number
        } else if matches!(byte, b'"' | b'\'' | b'`') {
            let (text, end) = quoted(source, at, inner.end);
            at = end;
            TokenKind::Text(text)
        } else {
            let pair = source.get(at..at + 2).unwrap_or("");
            if pair == "?." {
                at += 2;
                TokenKind::OptionalDot
            } else if matches!(pair, "==" | "!=" | "<=" | ">=" | "?[" | "//" | "**") {
                at += 2;
                TokenKind::Signs
            } else {
                let sign = source[at..].chars().next().unwrap_or(' ');
                at += sign.len_utf8();
                TokenKind::Sign(sign)
            }
        };
        out.push(Token { kind, span: start..at });
    }
    out
}

fn quoted(source: &str, from: usize, limit: usize) -> (String, usize) {
    let mut text = String::new();
    let mut chars = source[from..limit].char_indices();
    let quote = chars.next().map(|(_, c)| c);
    let mut escaped = false;
    for (offset, c) in chars {
        match c {
            _ if escaped => {
                escaped = false;
                text.push(match c {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    other => other,
                });
            }
            '\\' => escaped = true,
            c if Some(c) == quote => return (text, from + offset + c.len_utf8()),
            c => text.push(c),
        }
    }
    (text, limit)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_source_is_cut_at_its_tags() {
        let source = "a {{- x -}} b{# c {{ #}{% raw %}{{ y }}{% endraw %}{% if a == \"%}\" %}";
        let found: Vec<_> = segments(source).iter().map(|s| (s.kind, &source[s.inner.clone()])).collect();
        assert_eq!(
            found,
            [
                (Kind::Text, "a "),
                (Kind::Print, " x "),
                (Kind::Text, " b"),
                (Kind::Comment, " c {{ "),
                (Kind::Raw, "{{ y }}"),
                (Kind::Tag, " if a == \"%}\" "),
            ]
        );
        for odd in ["{{", "{% x", "{{ \"", "{%-%}", "{{-}}", "{% raw %}", "{", "{% if 👩", "{{ 旅}", "{# é"]
        {
            segments(odd);
        }
    }

    #[test]
    fn a_tag_is_cut_into_tokens() {
        let source = "t(key=\"a\\\"b\", n=x.y | length) >= 1.5";
        let found: Vec<_> =
            tokens(source, 0..source.len()).into_iter().map(|t| source[t.span].to_owned()).collect();
        assert_eq!(
            found,
            [
                "t",
                "(",
                "key",
                "=",
                "\"a\\\"b\"",
                ",",
                "n",
                "=",
                "x",
                ".",
                "y",
                "|",
                "length",
                ")",
                ">=",
                "1.5"
            ]
        );
    }
}
