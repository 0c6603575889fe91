//! The page of results: what was measured last of every gate, under the day and the machine of that run.
//!
//! A run of a few gates replaces these alone. Why one falls short is kept by hand in a page of its own and laid beside
//! the figures whenever this one is written.

use crate::judge::MISSED;
use crate::report;
use std::fmt::Write as _;

const HEAD: &str = "# Results\n\nWritten by `tests/run bench`; how to read them is in the README beside it. Each gate says when it \
                    was measured, on what.\n\nThe ratio is that of the medians; the spread is the largest round by the \
                    smallest, of the one and the other.\n\n";
const REASONS: &str = "\nWhat holds it back: ";

/// What is told of one gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The gate.
    pub number: u8,
    /// Its lines of the overview.
    pub rows: String,
    /// Its section, without reasons.
    pub section: String,
}

/// The page, gate by gate.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Page(Vec<Told>);

impl Page {
    /// The page as it was written; what is not understood is left out.
    pub fn read(text: &str) -> Self {
        let mut page = Self::default();
        for section in text.split("\n### Gate ").skip(1) {
            let Some(number) = section.split(':').next().and_then(|number| number.parse().ok()) else {
                continue;
            };
            let figures = section.split(REASONS).next().unwrap_or(section).trim_end();
            let section = format!("### Gate {figures}\n");
            match page.0.last_mut().filter(|told| told.number == number) {
                // Two sections of one gate are one.
                Some(told) => told.section += &format!("\n{section}"),
                None => {
                    let begin = format!("| {number} |");
                    let rows = text.lines().filter(|line| line.starts_with(&begin));
                    let rows = rows.fold(String::new(), |rows, row| rows + row + "\n");
                    page.0.push(Told { number, rows, section });
                }
            }
        }
        page
    }

    /// Takes in what a run tells; what was told of these gates before goes.
    pub fn take(&mut self, told: Vec<Told>) {
        self.0.retain(|old| told.iter().all(|new| new.number != old.number));
        for new in told {
            match self.0.iter_mut().find(|told| told.number == new.number) {
                Some(one) => {
                    one.rows += &new.rows;
                    one.section += &format!("\n{}", new.section);
                }
                None => self.0.push(new),
            }
        }
        self.0.sort_by_key(|told| told.number);
    }

    /// As it is written, with the reasons of this page beside what was missed.
    pub fn text(&self, held_back: &str) -> String {
        let mut text = format!("{HEAD}{}", report::OVERVIEW);
        for told in &self.0 {
            text.push_str(&told.rows);
        }
        for told in &self.0 {
            write!(text, "\n{}", told.section).ok();
            if let Some(why) = report::section(held_back, told.number).filter(|_| told.rows.contains(MISSED))
            {
                writeln!(text, "{REASONS}{}", why.trim()).ok();
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(number: u8, figure: &str) -> Told {
        Told {
            number,
            rows: format!("| {number} | {figure} |\n"),
            section: format!("### Gate {number}: work\n\nOn a day.\n\n- {figure}\n"),
        }
    }

    const REASONS: &str = "# Page\n\n## 3\n\nThe disk.\n\n## 12\n\nThe code.\n";

    #[test]
    fn a_run_of_one_gate_replaces_that_one_alone() {
        let mut page = Page::default();
        page.take(vec![told(12, "22 **missed**"), told(3, "former **missed**")]);
        let written = page.text(REASONS);
        let mut again = Page::read(&written);
        assert_eq!(again, page);
        again.take(vec![told(3, "new")]);
        let text = again.text(REASONS);
        assert!(
            text.contains("22 **missed**") && text.contains("- new") && !text.contains("former"),
            "{text}"
        );
        assert!(text.find("| 3 | new").is_some_and(|at| Some(at) < text.find("| 12 | 22")), "{text}");
        assert!(text.contains("What holds it back: The code.") && !text.contains("The disk"), "{text}");
    }

    #[test]
    fn a_gate_of_two_tables_stays_one() {
        let mut page = Page::default();
        page.take(vec![told(11, "pages"), told(11, "searches")]);
        let text = page.text("");
        assert!(text.contains("- pages") && text.contains("- searches"), "{text}");
        let mut again = Page::read(&text);
        assert_eq!(again, page);
        again.take(vec![told(11, "anew")]);
        assert!(!again.text("").contains("pages"));
    }
}
