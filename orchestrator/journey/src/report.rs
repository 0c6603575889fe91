//! Reporting: every problem of a file is collected, none is thrown.

use std::cell::RefCell;
use std::ops::Range;
use words::{Diagnostic, Text};

/// Both languages at once.
pub(crate) fn t(en: impl Into<String>, ja: impl Into<String>) -> Text {
    Text::new(en, ja)
}

/// The most problems that are told at once.
pub(crate) const PROBLEMS_MAX: usize = 1000;

/// Collects the problems of one file.
#[derive(Clone, Copy)]
pub(crate) struct Report<'a> {
    /// The file, relative to the project's root.
    pub(crate) file: &'a str,
    /// Its text.
    pub(crate) source: &'a str,
    /// Where problems go.
    pub(crate) list: &'a RefCell<Vec<Diagnostic>>,
}

impl Report<'_> {
    /// Whether there are so many problems that nobody reads more of them.
    pub(crate) fn is_full(&self) -> bool {
        self.list.borrow().len() >= PROBLEMS_MAX
    }

    /// The line of a byte, from 1.
    pub(crate) fn line(&self, at: usize) -> usize {
        if self.is_full() { 0 } else { self.source[..at.min(self.source.len())].matches('\n').count() + 1 }
    }

    /// An error: title, what the place is.
    pub(crate) fn error(&self, code: &str, span: Range<usize>, title: Text, label: Text) {
        if self.is_full() {
            return;
        }
        self.list.borrow_mut().push(Diagnostic::error(code, self.file, span, title, label));
    }

    /// An error with a way out.
    pub(crate) fn help(&self, code: &str, span: Range<usize>, title: Text, label: Text, help: Text) {
        if self.is_full() {
            return;
        }
        self.list.borrow_mut().push(Diagnostic::error(code, self.file, span, title, label).help(help));
    }

    /// A warning with a way out: a release can be built.
    pub(crate) fn warning(&self, code: &str, span: Range<usize>, title: Text, label: Text, help: Text) {
        if self.is_full() {
            return;
        }
        let found = Diagnostic::error(code, self.file, span, title, label).help(help).warning();
        self.list.borrow_mut().push(found);
    }

    /// An error with a way out, where there is one.
    pub(crate) fn maybe_help(
        &self,
        code: &str,
        span: Range<usize>,
        title: Text,
        label: Text,
        help: Option<Text>,
    ) {
        match help {
            Some(help) => self.help(code, span, title, label, help),
            None => self.error(code, span, title, label),
        }
    }
}

/// The nearest of `known` to `name`, if it is near enough to have been meant.
pub fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let wanted: Vec<char> = name.to_lowercase().chars().take(64).collect();
    let allowed = (wanted.len() / 3).clamp(1, 3);
    known
        .into_iter()
        .filter(|candidate| *candidate != name)
        .map(|candidate| {
            (distance(&wanted, &candidate.to_lowercase().chars().collect::<Vec<_>>()), candidate)
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Edits from one to the other: insert, delete, replace, swap two neighbours.
fn distance(a: &[char], b: &[char]) -> usize {
    if a.len().abs_diff(b.len()) > 3 {
        return usize::MAX;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut best = (last[j] + usize::from(x != y)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

/// `did you mean …?`, or the names there are, where they are few, or nothing.
pub(crate) fn suggest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<Text> {
    let known: Vec<&str> = known.into_iter().collect();
    if let Some(near) = nearest(name, known.iter().copied()) {
        return Some(t(format!("did you mean `{near}`?"), format!("「{near}」のことでしょうか？")));
    }
    match known.len() {
        0 => None,
        1..=12 => {
            Some(t(format!("there is: {}", known.join(", ")), format!("使えるもの：{}", known.join("、"))))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_understood_and_another_word_is_not() {
        let known = ["order_placed", "order_delivered", "refund_requested"];
        for (typed, meant) in [
            ("order_plcaed", Some("order_placed")),
            ("orderplaced", Some("order_placed")),
            ("refund_request", Some("refund_requested")),
            ("newsletter", None),
        ] {
            assert_eq!(nearest(typed, known), meant, "{typed}");
        }
    }
}
