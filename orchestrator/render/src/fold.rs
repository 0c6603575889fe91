//! Everything about a part that one locale fixes is written out ahead of time: the brand, translations without choices,
//! the locale's name. What is left for each customer is variables.

use crate::brand::Brand;
use crate::declare::Input;
use crate::flatten::{Piece, Source};
use crate::names::{Meaning, Names, Translation, translation};
use crate::problems::Place;
use crate::scan::{self, Kind, Token};
use crate::scope::{Mode, escape_for};
use crate::strings::{Bit, Strings};
use std::collections::BTreeMap;
use std::ops::Range;
use words::{Locale, Type};

/// A piece of a template that is ready for the engine.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Out {
    /// Text, escaped.
    Text { text: String, place: Place },
    /// A tag; `block` where it is `{% … %}`.
    Tag { text: String, place: Place, block: bool },
}

impl Out {
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Text { text, .. } | Self::Tag { text, .. } => text,
        }
    }
    pub(crate) fn place(&self) -> &Place {
        match self {
            Self::Text { place, .. } | Self::Tag { place, .. } => place,
        }
    }
}

/// What a message is folded with.
pub(crate) struct Folder<'a> {
    pub(crate) brand: &'a Brand,
    pub(crate) message: &'a str,
    pub(crate) inputs: &'a BTreeMap<String, Input>,
    pub(crate) strings: &'a Strings,
    pub(crate) sources: &'a BTreeMap<String, Source>,
    /// The translations that are left to fluent: `__i` is the index here.
    pub(crate) calls: Vec<(Locale, String)>,
}

impl Folder<'_> {
    /// Folds a flat part for one locale.
    pub(crate) fn fold(&mut self, pieces: &[Piece], locale: &Locale, mode: Mode) -> Vec<Out> {
        let mut names = Names::new(self.brand, self.inputs);
        let mut out = Vec::new();
        for piece in pieces {
            let sources = self.sources;
            let Some(source) = sources.get(&piece.place.file) else { continue };
            let mut part = Part { folder: self, source, piece, names: &names, locale, mode, out: &mut out };
            match piece.kind {
                Kind::Text => {
                    part.out.push(Out::Text { text: piece.text.clone(), place: piece.place.clone() })
                }
                Kind::Raw => part.literal(&source.text[piece.inner.clone()]),
                Kind::Print => part.print(),
                Kind::Tag => {
                    let tokens = scan::tokens(&source.text, piece.inner.clone());
                    part.tag(&tokens);
                    names.pass(&tokens);
                }
                Kind::Comment => {}
            }
        }
        out
    }
}

struct Part<'a, 'b> {
    folder: &'a mut Folder<'b>,
    source: &'a Source,
    piece: &'a Piece,
    names: &'a Names<'a>,
    locale: &'a Locale,
    mode: Mode,
    out: &'a mut Vec<Out>,
}

impl Part<'_, '_> {
    fn place(&self) -> Place {
        self.piece.place.clone()
    }

    /// Text that is fixed now. Braces that the engine would take for a tag are printed by one.
    fn literal(&mut self, escaped: &str) {
        let place = self.place();
        if escaped.contains("{{")
            || escaped.contains("{%")
            || escaped.contains("{#")
            || escaped.ends_with('{')
        {
            let text = format!("{{{{ {} | safe }}}}", quote(escaped));
            self.out.push(Out::Tag { text, place, block: false });
        } else {
            self.out.push(Out::Text { text: escaped.to_owned(), place });
        }
    }

    fn escaped(&self, text: &str) -> String {
        if self.mode == Mode::Html {
            return escape_fixed(text);
        }
        let mut out = Vec::new();
        // Writing into a Vec cannot fail.
        let _ = escape_for(self.mode, text, &mut out);
        String::from_utf8(out).unwrap_or_default()
    }

    fn print(&mut self) {
        let tokens = scan::tokens(&self.source.text, self.piece.inner.clone());
        if let Some(call) = translation(&tokens, 0).filter(|call| call.tokens.end == tokens.len())
            && self.translated(&call, &tokens)
        {
            return;
        }
        if let Some(fixed) = self.fixed(&tokens) {
            let text = self.escaped(&fixed);
            self.literal(&text);
            return;
        }
        let text = self.printed(&tokens, 0..tokens.len());
        let place = self.place();
        self.out.push(Out::Tag { text, place, block: false });
    }

    /// `{{ … }}` around some tokens, numbers grouped.
    fn printed(&mut self, tokens: &[Token], range: Range<usize>) -> String {
        let expression = self.rewritten(tokens, range.clone());
        match self.names.meaning(&tokens[range]) {
            Meaning::Value(Type::Int | Type::Float | Type::Any) | Meaning::Unknown => {
                format!("{{{{ ({expression}) | __show }}}}")
            }
            _ => format!("{{{{ {expression} }}}}"),
        }
    }

    /// The text of an expression that the locale fixes.
    fn fixed(&self, tokens: &[Token]) -> Option<String> {
        if let [token] = tokens {
            if let Some(text) = token.literal() {
                return Some(text.to_owned());
            }
            if token.word() == Some("locale") && self.names.meaning(tokens) == Meaning::Shown {
                return Some(self.locale.as_str().to_owned());
            }
        }
        let (path, end) = Names::path(tokens, 0);
        if end == tokens.len() { self.fixed_path(&path) } else { None }
    }

    fn fixed_path(&self, path: &[(String, Range<usize>)]) -> Option<String> {
        let ((root, _), rest) = path.split_first()?;
        if root != "brand"
            || rest.is_empty()
            || self.names.follow(&path[..1]) != Ok(Meaning::Brand(String::new()))
        {
            return None;
        }
        let dotted: Vec<&str> = rest.iter().map(|(name, _)| name.as_str()).collect();
        self.folder.brand.field(&dotted.join("."), self.locale).map(str::to_owned)
    }

    /// A call of `t()` as text and variables, where its translation has no choices.
    fn translated(&mut self, call: &Translation, tokens: &[Token]) -> bool {
        let Some((key, _)) = &call.key else { return false };
        let folder = &*self.folder;
        let Some(bits) = folder.strings.plain(self.locale, folder.message, key, 0) else { return false };
        for bit in bits {
            match bit {
                Bit::Text(text) => {
                    let text = if call.html { text } else { self.escaped(&text) };
                    let text = if self.mode == Mode::Html { text.replace('\n', "<br />") } else { text };
                    self.literal(&text);
                }
                Bit::Argument(name) => {
                    let Some((_, range)) = call.arguments.iter().find(|(given, _)| *given == name) else {
                        return true;
                    };
                    let fixed = self.fixed(&tokens[range.clone()]);
                    if let Some(fixed) = fixed {
                        let text = self.escaped(&fixed);
                        self.literal(&text);
                        continue;
                    }
                    let text = self.printed(tokens, range.clone());
                    let span = tokens[range.start].span.start..tokens[range.end - 1].span.end;
                    let place = Place::new(&self.piece.place.file, span);
                    self.out.push(Out::Tag { text, place, block: false });
                }
                Bit::Reference(_) | Bit::Choice => {}
            }
        }
        true
    }

    fn tag(&mut self, tokens: &[Token]) {
        let text = &self.piece.text;
        let (open, close) = (
            if text.starts_with("{%-") { "{%-" } else { "{%" },
            if text.ends_with("-%}") { "-%}" } else { "%}" },
        );
        let body = self.rewritten(tokens, 0..tokens.len());
        let place = self.place();
        self.out.push(Out::Tag { text: format!("{open} {body} {close}"), place, block: true });
    }

    /// The source of some tokens, with fixed paths and translations in place.
    fn rewritten(&mut self, tokens: &[Token], range: Range<usize>) -> String {
        let mut out = String::new();
        let mut index = range.start;
        let mut last = tokens.get(range.start).map_or(0, |t| t.span.start);
        while index < range.end {
            let token = &tokens[index];
            out.push_str(&self.source.text[last..token.span.start]);
            last = token.span.end;
            if let Some(call) = translation(tokens, index) {
                out.push_str(&self.call(&call, tokens));
                last = tokens[call.tokens.end - 1].span.end;
                index = call.tokens.end;
                continue;
            }
            if Names::begins_path(tokens, index) {
                let (path, end) = Names::path(tokens, index);
                let fixed = match &path[..] {
                    [(name, _)] if name == "locale" => Some(self.locale.as_str().to_owned()),
                    path => self.fixed_path(path),
                };
                if let Some(fixed) = fixed {
                    out.push_str(&quote(&fixed));
                } else {
                    out.push_str(&self.source.text[token.span.start..tokens[end - 1].span.end]);
                }
                last = tokens[end - 1].span.end;
                index = end;
                continue;
            }
            out.push_str(&self.source.text[token.span.clone()]);
            index += 1;
        }
        out
    }

    fn call(&mut self, call: &Translation, tokens: &[Token]) -> String {
        let Some((key, _)) = &call.key else { return "\"\"".to_owned() };
        let bits = self.folder.strings.plain(self.locale, self.folder.message, key, 0);
        if let Some([Bit::Text(text)]) = bits.as_deref()
            && !call.html
        {
            return quote(text);
        }
        let wanted = (self.locale.clone(), key.clone());
        let index = match self.folder.calls.iter().position(|known| *known == wanted) {
            Some(index) => index,
            None => {
                self.folder.calls.push(wanted);
                self.folder.calls.len() - 1
            }
        };
        let mut out = format!("{}(__i={index}", if call.html { "__t_html" } else { "__t" });
        for (name, range) in &call.arguments {
            let value = self.rewritten(tokens, range.clone());
            out.push_str(&format!(", {name}={value}"));
        }
        out.push(')');
        out
    }
}

/// Text of our own in HTML. Quotes of one kind stay, since they also stand in style sheets; attributes use the other.
fn escape_fixed(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A text as a literal of the template language.
fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
