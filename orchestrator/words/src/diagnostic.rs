//! Diagnostics: what is wrong in a project's file, where, and the way out. Data first, rendered late.

use crate::Language;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The same sentence in the two languages that Tabi speaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// English.
    pub en: String,
    /// Japanese.
    pub ja: String,
}

impl Text {
    /// Both languages at once.
    pub fn new(en: impl Into<String>, ja: impl Into<String>) -> Self {
        Self { en: en.into(), ja: ja.into() }
    }

    /// In one language.
    pub fn get(&self, language: Language) -> &str {
        match language {
            Language::En => &self.en,
            Language::Ja => &self.ja,
        }
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth a look; a release can be built.
    Warning,
    /// No release can be built.
    Error,
}

/// One problem, at one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// Stable: `J012`. Its page is `codes/J012.md` of the crate that raises it.
    pub code: String,
    /// How bad it is.
    pub severity: Severity,
    /// The file, relative to the project's root, with `/`.
    pub file: String,
    /// The bytes of the file that it is about. Empty at 0: the file as a whole.
    pub span: Range<usize>,
    /// What is wrong, as a sentence without a full stop.
    pub title: Text,
    /// What the underlined place is.
    pub label: Text,
    /// The way out.
    pub help: Option<Text>,
}

impl Diagnostic {
    /// An error without help.
    pub fn error(code: &str, file: &str, span: Range<usize>, title: Text, label: Text) -> Self {
        Self {
            code: code.to_owned(),
            severity: Severity::Error,
            file: file.to_owned(),
            span,
            title,
            label,
            help: None,
        }
    }

    /// The same with a way out.
    #[must_use]
    pub fn help(mut self, help: Text) -> Self {
        self.help = Some(help);
        self
    }

    /// The same as a warning.
    #[must_use]
    pub fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// Line and column, both from 1, the column in characters, of the span's start in `source`.
    pub fn line_column(&self, source: &str) -> (usize, usize) {
        let start = floor_boundary(source, self.span.start);
        let before = &source[..start];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        (line, column)
    }

    /// As text for a terminal: code, file:line:column, the source excerpt, the way out.
    pub fn render(&self, source: &str, language: Language, colour: bool) -> String {
        use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
        let (level, way_out) = match (self.severity, language) {
            (Severity::Error, Language::En) => (Level::ERROR, Level::HELP),
            (Severity::Warning, Language::En) => (Level::WARNING, Level::HELP),
            (Severity::Error, Language::Ja) => {
                (Level::ERROR.with_name("エラー"), Level::HELP.with_name("ヒント"))
            }
            (Severity::Warning, Language::Ja) => {
                (Level::WARNING.with_name("警告"), Level::HELP.with_name("ヒント"))
            }
        };
        let end = floor_boundary(source, self.span.end.max(self.span.start));
        let span = floor_boundary(source, self.span.start)..end;
        let mut group = level.primary_title(self.title.get(language)).id(self.code.as_str()).element(
            Snippet::source(source)
                .path(self.file.as_str())
                .annotation(AnnotationKind::Primary.span(span).label(self.label.get(language))),
        );
        if let Some(help) = &self.help {
            group = group.element(way_out.message(help.get(language)));
        }
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        renderer.render(&[group])
    }

    /// As one JSON object with line and column, for `--format json` and editors.
    pub fn to_json(&self, source: &str) -> serde_json::Value {
        let (line, column) = self.line_column(source);
        serde_json::json!({
            "code": self.code, "severity": self.severity, "file": self.file, "line": line, "column": column,
            "span": [self.span.start, self.span.end], "title": self.title, "label": self.label, "help": self.help,
        })
    }
}

/// The nearest character boundary at or before `index`.
fn floor_boundary(source: &str, index: usize) -> usize {
    let mut index = index.min(source.len());
    while !source.is_char_boundary(index) {
        index -= 1;
    }
    index
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnostic_shows_place_and_way_out_in_both_languages() {
        let source = "steps:\n  - send: 挨拶 # ここ\n";
        let start = source.find('挨').expect("it is there");
        let found = Diagnostic::error(
            "J001",
            "journeys/a.yaml",
            start..start + "挨拶".len(),
            Text::new("there is no message `挨拶`", "メッセージ「挨拶」はありません"),
            Text::new("no message has this name", "この名前のメッセージはありません"),
        )
        .help(Text::new("make the folder templates/挨拶", "templates/挨拶 フォルダーを作ってください"));
        assert_eq!(found.line_column(source), (2, 11));
        let english = found.render(source, Language::En, false);
        assert!(english.contains("error[J001]: there is no message `挨拶`"), "{english}");
        assert!(english.contains("journeys/a.yaml:2:11"), "{english}");
        assert!(english.contains("help: make the folder"), "{english}");
        let japanese = found.render(source, Language::Ja, false);
        assert!(japanese.contains("エラー[J001]: メッセージ「挨拶」はありません"), "{japanese}");
        assert!(japanese.contains("ヒント: templates/挨拶"), "{japanese}");
        let warning = found.warning().render(source, Language::Ja, false);
        assert!(warning.contains("警告[J001]") && !warning.contains("エラー"), "{warning}");
    }
}
