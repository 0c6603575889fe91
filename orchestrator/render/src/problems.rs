//! The problems found so far: each once, in the order of files and places.

use std::ops::Range;
use words::{Diagnostic, Severity, Text};

/// Collects diagnostics and keeps each once.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    list: Vec<Diagnostic>,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// Relative to the project's root.
    pub(crate) file: String,
    /// In bytes.
    pub(crate) span: Range<usize>,
}

impl Place {
    pub(crate) fn new(file: impl Into<String>, span: Range<usize>) -> Self {
        Self { file: file.into(), span }
    }
}

impl Problems {
    /// Adds one, unless the same is known already.
    pub(crate) fn add(&mut self, found: Diagnostic) {
        let same = |d: &Diagnostic| {
            d.code == found.code && d.file == found.file && d.span == found.span && d.title == found.title
        };
        if !self.list.iter().any(same) {
            self.list.push(found);
        }
    }

    /// Adds an error.
    pub(crate) fn error(&mut self, code: &str, place: &Place, title: Text, label: Text, help: Text) {
        self.add(Diagnostic::error(code, &place.file, place.span.clone(), title, label).help(help));
    }

    /// Adds a warning.
    pub(crate) fn warning(&mut self, code: &str, place: &Place, title: Text, label: Text, help: Text) {
        self.add(Diagnostic::error(code, &place.file, place.span.clone(), title, label).help(help).warning());
    }

    /// Whether a release can be built.
    pub(crate) fn no_errors(&self) -> bool {
        self.list.iter().all(|d| d.severity == Severity::Warning)
    }

    /// Whether this very place has an error of any code already.
    pub(crate) fn has_error_within(&self, place: &Place) -> bool {
        self.list.iter().any(|d| {
            d.severity == Severity::Error
                && d.file == place.file
                && d.span.start < place.span.end
                && d.span.end > place.span.start
        })
    }

    /// Whether this file, as a whole or in part, has an error already.
    pub(crate) fn has_error_in(&self, file: &str) -> bool {
        self.list.iter().any(|d| d.severity == Severity::Error && d.file == file)
    }

    /// The files that have an error.
    pub(crate) fn files_with_errors(&self) -> impl Iterator<Item = &str> {
        self.list.iter().filter(|d| d.severity == Severity::Error).map(|d| d.file.as_str())
    }

    /// All of them, by file and place.
    pub(crate) fn finish(mut self) -> Vec<Diagnostic> {
        self.list.sort_by(|a, b| {
            (&a.file, a.span.start, &a.code, a.span.end).cmp(&(&b.file, b.span.start, &b.code, b.span.end))
        });
        self.list
    }
}

/// The name among `known` that `wrong` was probably meant to be.
pub(crate) fn did_you_mean<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (distance(wrong, name), name))
        .filter(|(d, name)| *d <= 2.max(name.chars().count() / 4) && *d < name.chars().count().max(2))
        .min()
        .map(|(_, name)| name)
}

/// Edits between two short names (Damerau–Levenshtein, adjacent swaps count one).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(40).collect(), b.chars().take(40).collect());
    let mut rows: Vec<Vec<usize>> = (0..=a.len()).map(|i| vec![i; b.len() + 1]).collect();
    rows[0] = (0..=b.len()).collect();
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}
