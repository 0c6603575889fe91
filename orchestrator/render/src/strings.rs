//! The words of every language: fluent files, who may use them, what they need.

use crate::problems::{Place, Problems};
use fluent_syntax::ast;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use words::{Locale, Text};

/// One fluent file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) locale: Locale,
    /// The message that alone may use it; `None`: every message may.
    pub(crate) message: Option<String>,
    pub(crate) source: String,
}

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Bit {
    Text(String),
    /// `{ $name }`.
    Argument(String),
    /// `{ other }` or `{ -term }`.
    Reference(String),
    /// A choice or a function: only fluent itself can write it.
    Choice,
}

/// A translation.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) place: Place,
    pub(crate) bits: Vec<Bit>,
    /// Arguments that it names itself.
    arguments: BTreeSet<String>,
    /// Messages and terms that it names.
    references: BTreeSet<String>,
}

/// All translations of a project.
#[derive(Debug, Default)]
pub(crate) struct Strings {
    pub(crate) files: Vec<File>,
    /// Locales with a file that cannot be read: what seems untranslated may stand there.
    pub(crate) broken: BTreeSet<Locale>,
    /// By locale, owner (a message, or `None` for all) and key; terms with their `-`.
    entries: BTreeMap<Locale, BTreeMap<(Option<String>, String), Entry>>,
}

impl Strings {
    /// Reads one file into the rest.
    pub(crate) fn add(&mut self, file: File, problems: &mut Problems) {
        let (resource, errors) = match fluent_syntax::parser::parse(file.source.as_str()) {
            Ok(resource) => (resource, Vec::new()),
            Err((resource, errors)) => (resource, errors),
        };
        if !errors.is_empty() {
            self.broken.insert(file.locale.clone());
        }
        for error in errors {
            // The parser counts bytes, also within a letter.
            let at = file.source.floor_char_boundary(error.pos.start);
            let span = at..file.source.ceil_char_boundary(error.pos.end.max(at));
            problems.error(
                "T022",
                &Place::new(&file.path, span),
                crate::japanese::because("this is not fluent", "Fluent の文法に合いません", &error.kind.to_string()),
                Text::new("here", "ここ"),
                Text::new(
                    "a translation is written `key = text`, further lines start with a space, a literal brace is `{\"{\"}`",
                    "翻訳は「キー = 文」と書き、続く行は字下げします。波かっこそのものは {\"{\"} と書きます",
                ),
            );
        }
        let table = self.entries.entry(file.locale.clone()).or_default();
        for item in &resource.body {
            let (key, id, pattern) = match item {
                ast::Entry::Message(ast::Message { id, value: Some(value), .. }) => {
                    (id.name.to_owned(), id.name, value)
                }
                ast::Entry::Term(term) => (format!("-{}", term.id.name), term.id.name, &term.value),
                _ => continue,
            };
            let span = span_of(&file.source, id);
            let mut entry = Entry {
                place: Place::new(&file.path, span),
                bits: Vec::new(),
                arguments: BTreeSet::new(),
                references: BTreeSet::new(),
            };
            entry.read(pattern);
            let place = entry.place.clone();
            if table.insert((file.message.clone(), key.clone()), entry).is_some() {
                problems.error(
                    "T023",
                    &place,
                    Text::new(
                        format!("`{key}` is translated twice"),
                        format!("「{key}」の翻訳が二つあります"),
                    ),
                    Text::new("the second one", "二つ目"),
                    Text::new(
                        "keep one of them, or rename one",
                        "どちらかを削除するか、名前を変えてください",
                    ),
                );
            }
        }
        self.files.push(file);
    }

    /// The translation that `message` gets for `key`: its own, else the shared one.
    pub(crate) fn get(&self, locale: &Locale, message: &str, key: &str) -> Option<&Entry> {
        let table = self.entries.get(locale)?;
        table.get(&(Some(message.to_owned()), key.to_owned())).or_else(|| table.get(&(None, key.to_owned())))
    }

    /// Every argument that a translation needs, also through what it refers to. A term sees what it is given alone.
    pub(crate) fn arguments(&self, locale: &Locale, message: &str, key: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut open = vec![key.to_owned()];
        let mut seen = BTreeSet::new();
        while let Some(key) = open.pop() {
            if key.starts_with('-') || !seen.insert(key.clone()) {
                continue;
            }
            if let Some(entry) = self.get(locale, message, &key) {
                found.extend(entry.arguments.iter().cloned());
                open.extend(entry.references.iter().cloned());
            }
        }
        found
    }

    /// The translation as text and arguments alone, where it has no choices.
    pub(crate) fn plain(&self, locale: &Locale, message: &str, key: &str, depth: usize) -> Option<Vec<Bit>> {
        if depth > 8 {
            return None;
        }
        let mut out = Vec::new();
        for bit in &self.get(locale, message, key)?.bits {
            match bit {
                Bit::Choice => return None,
                Bit::Reference(other) => {
                    let inner = self.plain(locale, message, other, depth + 1)?;
                    if other.starts_with('-') && inner.iter().any(|b| matches!(b, Bit::Argument(_))) {
                        return None;
                    }
                    out.extend(inner);
                }
                other => out.push(other.clone()),
            }
        }
        Some(out)
    }

    /// References to what does not exist, and translations that nobody asks for.
    /// `all_read`: whether `used` is all that is used.
    pub(crate) fn check(
        &self,
        used: &BTreeSet<(Option<String>, String)>,
        all_read: bool,
        problems: &mut Problems,
    ) {
        for (locale, table) in &self.entries {
            let mut reached: BTreeSet<(Option<String>, String)> = BTreeSet::new();
            let mut open: Vec<_> = used.iter().cloned().collect();
            while let Some((owner, key)) = open.pop() {
                let own = (owner.clone(), key.clone());
                let shared = (None, key);
                let found = if table.contains_key(&own) { own } else { shared };
                if let Some(entry) = table.get(&found)
                    && reached.insert(found)
                {
                    open.extend(entry.references.iter().map(|r| (owner.clone(), r.clone())));
                }
            }
            for ((owner, key), entry) in table {
                for reference in &entry.references {
                    let known = table.contains_key(&(owner.clone(), reference.clone()))
                        || table.contains_key(&(None, reference.clone()));
                    if !known && !self.broken.contains(locale) {
                        problems.error(
                            "T020",
                            &entry.place,
                            Text::new(
                                format!("`{key}` refers to `{reference}`, which {locale} does not have"),
                                format!("「{key}」が参照する「{reference}」の翻訳が {locale} にありません"),
                            ),
                            Text::new("the reference is in here", "この翻訳の中で参照しています"),
                            Text::new(
                                format!("add `{reference}` to a file in templates/locales/{locale}/"),
                                format!("templates/locales/{locale}/ のファイルに「{reference}」を追加してください"),
                            ),
                        );
                    }
                }
                if all_read && !reached.contains(&(owner.clone(), key.clone())) {
                    problems.warning(
                        "T024",
                        &entry.place,
                        Text::new(
                            format!("nothing uses `{key}`"),
                            format!("「{key}」はどこからも使われていません"),
                        ),
                        Text::new("no template asks for it", "どのテンプレートも使っていません"),
                        Text::new(
                            "remove it, or use it with t(key=…)",
                            "削除するか、t(key=…) で使ってください",
                        ),
                    );
                }
            }
        }
    }

    /// All keys that `message` can ask for in `locale`.
    pub(crate) fn keys<'a>(&'a self, locale: &Locale, message: &'a str) -> impl Iterator<Item = &'a str> {
        self.entries
            .get(locale)
            .into_iter()
            .flat_map(|table| table.keys())
            .filter(move |(owner, _)| owner.as_deref().is_none_or(|owner| owner == message))
            .map(|(_, key)| key.as_str())
    }

    /// The files that `message` reads in `locale`: the shared ones, then its own.
    pub(crate) fn files_of<'a>(
        files: &'a [File],
        locale: &'a Locale,
        message: &'a str,
    ) -> impl Iterator<Item = &'a File> {
        let shared = files.iter().filter(move |f| f.locale == *locale && f.message.is_none());
        shared
            .chain(files.iter().filter(move |f| f.locale == *locale && f.message.as_deref() == Some(message)))
    }
}

impl Entry {
    fn read(&mut self, pattern: &ast::Pattern<&str>) {
        for element in &pattern.elements {
            match element {
                ast::PatternElement::TextElement { value } => self.bits.push(Bit::Text((*value).to_owned())),
                ast::PatternElement::Placeable { expression } => {
                    let bit = self.expression(expression);
                    self.bits.push(bit);
                }
            }
        }
    }

    fn expression(&mut self, expression: &ast::Expression<&str>) -> Bit {
        match expression {
            ast::Expression::Inline(inline) => self.inline(inline),
            ast::Expression::Select { selector, variants } => {
                self.inline(selector);
                for variant in variants {
                    for element in &variant.value.elements {
                        if let ast::PatternElement::Placeable { expression } = element {
                            self.expression(expression);
                        }
                    }
                }
                Bit::Choice
            }
        }
    }

    fn inline(&mut self, inline: &ast::InlineExpression<&str>) -> Bit {
        use ast::InlineExpression as Inline;
        match inline {
            Inline::StringLiteral { value } => {
                let mut text = String::new();
                // Writing into a String cannot fail.
                let _ = fluent_syntax::unicode::unescape_unicode(&mut text, value);
                Bit::Text(text)
            }
            Inline::NumberLiteral { value } => Bit::Text((*value).to_owned()),
            Inline::VariableReference { id } => {
                self.arguments.insert(id.name.to_owned());
                Bit::Argument(id.name.to_owned())
            }
            Inline::MessageReference { id, attribute: None } => {
                self.references.insert(id.name.to_owned());
                Bit::Reference(id.name.to_owned())
            }
            Inline::TermReference { id, attribute: None, arguments } => {
                let name = format!("-{}", id.name);
                self.references.insert(name.clone());
                if let Some(arguments) = arguments {
                    self.call(arguments);
                    return Bit::Choice;
                }
                Bit::Reference(name)
            }
            Inline::FunctionReference { arguments, .. } => {
                self.call(arguments);
                Bit::Choice
            }
            Inline::Placeable { expression } => self.expression(expression),
            Inline::MessageReference { .. } | Inline::TermReference { .. } => Bit::Choice,
        }
    }

    fn call(&mut self, arguments: &ast::CallArguments<&str>) {
        for positional in &arguments.positional {
            self.inline(positional);
        }
        for named in &arguments.named {
            self.inline(&named.value);
        }
    }
}

/// Where `part`, a slice of `source`, stands in it.
fn span_of(source: &str, part: &str) -> Range<usize> {
    let start = (part.as_ptr() as usize).saturating_sub(source.as_ptr() as usize).min(source.len());
    start..(start + part.len()).min(source.len())
}
