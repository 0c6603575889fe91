//! Which names a template may use at a place, and what they are.

use crate::brand::Brand;
use crate::declare::Input;
use crate::scan::{Token, TokenKind};
use std::collections::BTreeMap;
use std::ops::Range;
use words::Type;

/// What a name stands for, as far as it can be known without running the template.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Meaning {
    Value(Type),
    /// `brand`, or a group of it.
    Brand(String),
    Links,
    Customer,
    /// Text that we wrote ourselves.
    Shown,
    /// Anything.
    Unknown,
}

/// A path that leads nowhere.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lost {
    /// The name that is not there.
    pub(crate) name: String,
    pub(crate) span: Range<usize>,
    /// `None`: it is the first name of the path; else what the path was before it.
    pub(crate) under: Option<String>,
    /// What is there instead.
    pub(crate) known: Vec<String>,
}

/// The fields of `links`.
pub(crate) const LINKS: [&str; 4] = ["unsubscribe_url", "preferences_url", "view_url", "survey_url"];
const KEYWORDS: [&str; 16] = [
    "and",
    "or",
    "not",
    "in",
    "is",
    "if",
    "else",
    "true",
    "false",
    "True",
    "False",
    "none",
    "None",
    "null",
    "for",
    "__tera_context",
];

/// The names at a place: what the message declares, and what loops and `set` have added.
pub(crate) struct Names<'a> {
    brand: &'a Brand,
    inputs: &'a BTreeMap<String, Input>,
    frames: Vec<BTreeMap<String, Meaning>>,
}

impl<'a> Names<'a> {
    pub(crate) fn new(brand: &'a Brand, inputs: &'a BTreeMap<String, Input>) -> Self {
        Self { brand, inputs, frames: vec![BTreeMap::new()] }
    }

    /// How many loops are open here.
    pub(crate) fn loops(&self) -> usize {
        self.frames.len() - 1
    }

    /// Takes note of a tag: loops and `set`. Called after the tag's own expressions were looked at.
    pub(crate) fn pass(&mut self, tokens: &[Token]) {
        match tokens.first().and_then(Token::word) {
            Some("for") => {
                let into = tokens.iter().position(|t| t.word() == Some("in")).unwrap_or(tokens.len());
                let iterated = self.meaning(tokens.get(into + 1..).unwrap_or(&[]));
                let variables: Vec<&str> = tokens[1..into].iter().filter_map(Token::word).collect();
                let mut frame = BTreeMap::from([("loop".to_owned(), Meaning::Unknown)]);
                let item = match iterated {
                    Meaning::Value(Type::List(inner)) => Meaning::Value(*inner),
                    _ => Meaning::Unknown,
                };
                match variables[..] {
                    [one] => frame.insert(one.to_owned(), item),
                    [key, value] => {
                        frame.insert(key.to_owned(), Meaning::Unknown);
                        frame.insert(value.to_owned(), Meaning::Unknown)
                    }
                    _ => None,
                };
                self.frames.push(frame);
            }
            Some("endfor") if self.frames.len() > 1 => {
                self.frames.pop();
            }
            Some("set" | "set_global") => {
                let Some(name) = tokens.get(1).and_then(Token::word) else { return };
                let meaning = match tokens.get(2) {
                    Some(sign) if sign.is('=') => self.meaning(&tokens[3..]),
                    _ => Meaning::Unknown,
                };
                if let Some(frame) = self.frames.last_mut() {
                    frame.insert(name.to_owned(), meaning);
                }
            }
            _ => {}
        }
    }

    /// What the first name of a path stands for.
    fn root(&self, name: &str) -> Option<Meaning> {
        if let Some(found) = self.frames.iter().rev().find_map(|frame| frame.get(name)) {
            return Some(found.clone());
        }
        Some(match name {
            "brand" => Meaning::Brand(String::new()),
            "links" => Meaning::Links,
            "customer" => Meaning::Customer,
            "locale" => Meaning::Shown,
            "now" => Meaning::Value(Type::Time),
            _ => Meaning::Value(self.inputs.get(name)?.ty.clone()),
        })
    }

    /// The path that starts at `tokens[at]`: its names, and the index after it.
    pub(crate) fn path(tokens: &[Token], at: usize) -> (Vec<(String, Range<usize>)>, usize) {
        let mut names = Vec::new();
        let mut index = at;
        while let Some(name) = tokens.get(index).and_then(Token::word) {
            names.push((name.to_owned(), tokens[index].span.clone()));
            let dot = index + 1 < tokens.len() && is_dot(tokens, index + 1);
            let word = tokens.get(index + 2).and_then(Token::word).is_some();
            if !(dot && word) {
                return (names, index + 1);
            }
            index += 2;
        }
        (names, index)
    }

    /// Whether the word at `at` begins a path: no keyword, no filter, no function, no named argument, no field.
    pub(crate) fn begins_path(tokens: &[Token], at: usize) -> bool {
        let Some(word) = tokens[at].word() else { return false };
        let before = at.checked_sub(1).map(|i| &tokens[i]);
        let before2 = at.checked_sub(2).and_then(|i| tokens[i].word());
        let is_test = before.and_then(Token::word) == Some("is")
            || (before.and_then(Token::word) == Some("not") && before2 == Some("is"));
        let after = tokens.get(at + 1);
        let is_field = at > 0 && is_dot(tokens, at - 1);
        let is_filter = before.is_some_and(|t| t.is('|'));
        let is_called = after.is_some_and(|t| t.is('(') || t.is('='));
        !(KEYWORDS.contains(&word) || is_test || is_filter || is_field || is_called)
    }

    /// Follows a path.
    pub(crate) fn follow(&self, names: &[(String, Range<usize>)]) -> Result<Meaning, Lost> {
        let Some(((first, span), rest)) = names.split_first() else { return Ok(Meaning::Unknown) };
        let mut meaning = self.root(first).ok_or_else(|| Lost {
            name: first.clone(),
            span: span.clone(),
            under: None,
            known: self.known(),
        })?;
        let mut walked = first.clone();
        for (name, span) in rest {
            meaning = self.field(&meaning, name).map_err(|known| Lost {
                name: name.clone(),
                span: span.clone(),
                under: Some(walked.clone()),
                known,
            })?;
            walked = format!("{walked}.{name}");
        }
        Ok(meaning)
    }

    fn known(&self) -> Vec<String> {
        let fixed = ["brand", "customer", "links", "locale", "now"].into_iter().map(str::to_owned);
        let frames = self.frames.iter().flat_map(|frame| frame.keys().cloned());
        self.inputs.keys().cloned().chain(fixed).chain(frames).collect()
    }

    fn field(&self, of: &Meaning, name: &str) -> Result<Meaning, Vec<String>> {
        match of {
            Meaning::Value(Type::Map(fields)) => match fields.get(name) {
                Some((ty, _)) => Ok(Meaning::Value(ty.clone())),
                None => Err(fields.keys().cloned().collect()),
            },
            Meaning::Value(Type::Any) | Meaning::Unknown => Ok(Meaning::Unknown),
            Meaning::Value(_) | Meaning::Shown => Err(Vec::new()),
            Meaning::Brand(group) => {
                let path = if group.is_empty() { name.to_owned() } else { format!("{group}.{name}") };
                if self.brand.paths().any(|known| known == path) {
                    return Ok(Meaning::Shown);
                }
                let prefix = if group.is_empty() { String::new() } else { format!("{group}.") };
                if group.is_empty() && self.brand.paths().any(|known| known.starts_with(&format!("{path}.")))
                {
                    return Ok(Meaning::Brand(path));
                }
                let below = self.brand.paths().filter_map(|known| known.strip_prefix(&prefix));
                let mut below: Vec<String> =
                    below.map(|rest| rest.split('.').next().unwrap_or(rest).to_owned()).collect();
                // A group has many fields, and one name.
                below.dedup();
                Err(below)
            }
            Meaning::Links if LINKS.contains(&name) => Ok(Meaning::Value(Type::Text)),
            Meaning::Links => Err(LINKS.map(str::to_owned).to_vec()),
            Meaning::Customer if self.brand.customer.contains_key(name) => Ok(Meaning::Value(Type::Text)),
            Meaning::Customer => Err(self.brand.customer.keys().cloned().collect()),
        }
    }

    /// What an expression yields: a path with filters, a literal; else unknown.
    pub(crate) fn meaning(&self, tokens: &[Token]) -> Meaning {
        let (mut meaning, mut index) = match tokens.first().map(|t| &t.kind) {
            Some(TokenKind::Text(_)) => (Meaning::Shown, 1),
            Some(TokenKind::Number) => (Meaning::Value(Type::Float), 1),
            Some(TokenKind::Word(word)) if matches!(word.as_str(), "t" | "t_html" | "__t" | "__t_html") => {
                (Meaning::Shown, after_call(tokens, 1))
            }
            Some(TokenKind::Word(_)) if Self::begins_path(tokens, 0) => {
                let (names, index) = Self::path(tokens, 0);
                (self.follow(&names).unwrap_or(Meaning::Unknown), index)
            }
            _ => return Meaning::Unknown,
        };
        while let Some(token) = tokens.get(index) {
            let filter = tokens.get(index + 1).and_then(Token::word);
            let (true, Some(filter)) = (token.is('|'), filter) else { return Meaning::Unknown };
            index = after_call(tokens, index + 2);
            meaning = match filter {
                "length" | "wordcount" | "int" => Meaning::Value(Type::Int),
                "float" | "amount" | "round" | "abs" => Meaning::Value(Type::Float),
                "sort" | "reverse" | "unique" | "default" => meaning,
                "first" | "last" | "nth" => match meaning {
                    Meaning::Value(Type::List(inner)) => Meaning::Value(*inner),
                    _ => Meaning::Unknown,
                },
                "money" | "date" | "time" | "datetime" | "number" | "percent" | "name" | "urlencode"
                | "upper" | "lower" | "trim" | "capitalize" | "title" | "truncate" | "replace" | "str"
                | "join" => Meaning::Shown,
                _ => Meaning::Unknown,
            };
        }
        meaning
    }
}

/// Whether `tokens[at]` is `.` or `?.`.
fn is_dot(tokens: &[Token], at: usize) -> bool {
    tokens[at].is('.') || tokens[at].kind == TokenKind::OptionalDot
}

/// The index after a call's closing parenthesis, where one opens at `at`; else `at`.
pub(crate) fn after_call(tokens: &[Token], at: usize) -> usize {
    if !tokens.get(at).is_some_and(|t| t.is('(')) {
        return at;
    }
    let mut depth = 0usize;
    for (index, token) in tokens.iter().enumerate().skip(at) {
        if token.is('(') {
            depth += 1;
        } else if token.is(')') {
            depth -= 1;
            if depth == 0 {
                return index + 1;
            }
        }
    }
    tokens.len()
}

/// A call of `t()` or `t_html()`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Translation {
    pub(crate) html: bool,
    /// The key and where it stands; `None`: it is not a plain text.
    pub(crate) key: Option<(String, Range<usize>)>,
    /// The other arguments: name and the tokens of the value.
    pub(crate) arguments: Vec<(String, Range<usize>)>,
    /// The tokens of the whole call.
    pub(crate) tokens: Range<usize>,
}

/// The call of `t` that begins at `tokens[at]`.
pub(crate) fn translation(tokens: &[Token], at: usize) -> Option<Translation> {
    let word = tokens.get(at)?.word()?;
    if !matches!(word, "t" | "t_html") || !tokens.get(at + 1)?.is('(') {
        return None;
    }
    let end = after_call(tokens, at + 1);
    let mut call = Translation { html: word == "t_html", key: None, arguments: Vec::new(), tokens: at..end };
    let close = end.saturating_sub(1);
    let mut index = at + 2;
    while index < close {
        let Some(name) = tokens[index].word() else { break };
        if !tokens.get(index + 1).is_some_and(|t| t.is('=')) {
            break;
        }
        let start = index + 2;
        let mut depth = 0i32;
        let mut stop = start;
        while stop < close {
            match &tokens[stop].kind {
                TokenKind::Sign('(' | '[' | '{') => depth += 1,
                TokenKind::Sign(')' | ']' | '}') => depth -= 1,
                TokenKind::Sign(',') if depth == 0 => break,
                _ => {}
            }
            stop += 1;
        }
        if name == "key" {
            if stop == start + 1
                && let Some(text) = tokens[start].literal()
            {
                call.key = Some((text.to_owned(), tokens[start].span.clone()));
            }
        } else {
            call.arguments.push((name.to_owned(), start..stop));
        }
        index = stop + 1;
    }
    Some(call)
}
