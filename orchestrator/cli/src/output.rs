//! What the reader sees: text for people, JSON for programs; colours and progress for terminals alone.

use crate::exit;
use std::io::{IsTerminal, Write};
use words::Language;

/// The form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum Format {
    /// Text for people.
    #[default]
    Human,
    /// One JSON document (lists that may be long: one object per line).
    Json,
}

/// Where answers go, and how they look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    /// Human or JSON.
    pub(crate) format: Format,
    /// The language of sentences.
    pub(crate) language: Language,
    /// Whether the answer may be coloured.
    pub(crate) colour: bool,
    /// Whether somebody watches: hints and progress go to standard error only then.
    pub(crate) watched: bool,
}

impl Output {
    /// As the command line and the environment ask for.
    pub(crate) fn new(format: Format, language: Option<Language>) -> Self {
        Self {
            format,
            language: language.unwrap_or_else(from_environment),
            colour: format == Format::Human && !is_plain() && std::io::stdout().is_terminal(),
            watched: format == Format::Human && std::io::stderr().is_terminal(),
        }
    }

    /// Whether the answer is JSON.
    pub(crate) fn is_json(self) -> bool {
        self.format == Format::Json
    }

    /// One of two sentences, by language.
    pub(crate) fn either<'t>(self, en: &'t str, ja: &'t str) -> &'t str {
        match self.language {
            Language::En => en,
            Language::Ja => ja,
        }
    }

    /// A line of the answer, where it is for people.
    pub(crate) fn line(self, line: impl AsRef<str>) {
        if !self.is_json() {
            put(std::io::stdout().lock(), line.as_ref());
        }
    }

    /// The answer, where it is for programs.
    pub(crate) fn json(self, value: &serde_json::Value) {
        if self.is_json() {
            put(std::io::stdout().lock(), &value.to_string());
        }
    }

    /// A hint or a confirmation: on standard error, and only where somebody watches.
    pub(crate) fn hint(self, line: impl AsRef<str>) {
        if self.watched {
            put(std::io::stderr().lock(), line.as_ref());
        }
    }

    /// A line that matters whoever reads: on standard error.
    pub(crate) fn say(self, line: impl AsRef<str>) {
        put(std::io::stderr().lock(), line.as_ref());
    }

    /// Bytes as they are, to standard output.
    pub(crate) fn bytes(self, bytes: &[u8]) -> std::io::Result<()> {
        let mut out = std::io::stdout().lock();
        out.write_all(bytes)?;
        out.flush()
    }

    /// Bold where colours are allowed.
    pub(crate) fn bold(self, text: &str) -> String {
        self.styled("1", text)
    }

    /// Dim where colours are allowed.
    pub(crate) fn dim(self, text: &str) -> String {
        self.styled("2", text)
    }

    /// Red where colours are allowed.
    pub(crate) fn red(self, text: &str) -> String {
        self.styled("31", text)
    }

    /// Green where colours are allowed.
    pub(crate) fn green(self, text: &str) -> String {
        self.styled("32", text)
    }

    fn styled(self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// What is wrong, in the reader's language.
    pub(crate) fn error_words(self, english: String) -> String {
        match self.language {
            Language::En => once(english),
            Language::Ja => crate::japanese::told(&english).unwrap_or(english),
        }
    }

    /// An error in one line, in the reader's language.
    pub(crate) fn told(self, error: &anyhow::Error) -> String {
        let causes: Vec<String> = causes(error).into_iter().map(|cause| self.error_words(cause)).collect();
        causes.join(self.either(": ", "："))
    }

    /// An error on its way to the shell: one line per cause.
    pub(crate) fn error(self, error: &anyhow::Error) {
        let mut causes = causes(error);
        let mut out = std::io::stderr().lock();
        if self.is_json() {
            let value = serde_json::json!({"error": causes, "exit": exit::code(error) as u8});
            put(out, &value.to_string());
            return;
        }
        let head = self.either("error", "エラー");
        for cause in &mut causes {
            *cause = self.error_words(std::mem::take(cause));
        }
        for (index, cause) in causes.iter().enumerate() {
            let _ = match index {
                0 => writeln!(out, "{head}: {cause}"),
                _ => writeln!(out, "  {}: {cause}", self.either("because", "原因")),
            };
        }
    }
}

/// An error and what brought it about. A cause that its effect quotes already says nothing new.
fn causes(error: &anyhow::Error) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    for cause in error.chain().map(ToString::to_string) {
        if !causes.iter().any(|known| known.contains(&cause)) {
            causes.push(cause);
        }
    }
    causes
}

/// The reader of YAML says a place twice: before its sentence, and above the excerpt that follows. The second is kept.
fn once(text: String) -> String {
    let head = text.split_once('\n').and_then(|(head, _)| head.strip_prefix("error: line "));
    match head.and_then(|head| head.split_once(": ")) {
        Some((place, _)) => text["error: line ".len() + place.len() + 2..].to_owned(),
        None => text,
    }
}

/// A reader that has gone away (`| head`) is no error.
fn put(mut out: impl Write, line: &str) {
    let _ = writeln!(out, "{line}");
}

/// A line that matters, before there is an [`Output`].
pub(crate) fn warn(line: &str) {
    put(std::io::stderr().lock(), line);
}

/// An answer, before there is an [`Output`].
pub(crate) fn answer(text: &str) {
    put(std::io::stdout().lock(), text);
}

/// Whether whoever reads wants no colours.
pub(crate) fn is_plain() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
        || std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// Japanese where the environment asks for it, else English.
pub(crate) fn from_environment() -> Language {
    let asked = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    match asked {
        Some(value) if value.starts_with("ja") => Language::Ja,
        _ => Language::En,
    }
}

/// A table for people: columns by display width, two spaces apart.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let mut widths: Vec<usize> = head.iter().map(|cell| width(cell)).collect();
    for row in rows {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = (*widest).max(width(cell));
        }
    }
    let line = |cells: Vec<&str>| {
        let mut out = String::new();
        for (cell, widest) in cells.iter().zip(&widths) {
            out.push_str(cell);
            out.extend(std::iter::repeat_n(' ', widest.saturating_sub(width(cell)) + 2));
        }
        out.trim_end().to_owned()
    };
    let first = line(head.to_vec());
    std::iter::once(first)
        .chain(rows.iter().map(|row| line(row.iter().map(String::as_str).collect())))
        .collect()
}

fn width(text: &str) -> usize {
    unicode_width::UnicodeWidthStr::width(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_lines_up_where_letters_are_wide() {
        let rows = vec![vec!["雲".to_owned(), "1".to_owned()], vec!["abc".to_owned(), "22".to_owned()]];
        assert_eq!(table(&["name", "n"], &rows), ["name  n", "雲    1", "abc   22"]);
    }

    #[test]
    fn a_place_in_a_file_is_said_once() {
        let told = once("error: line 1 column 8: unclosed bracket '{'\n --> tabi.yaml:1:8\n".to_owned());
        assert_eq!(told, "unclosed bracket '{'\n --> tabi.yaml:1:8\n");
        assert_eq!(once("error: line 1 column 8: alone".to_owned()), "error: line 1 column 8: alone");
    }
}
