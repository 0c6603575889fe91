//! What came of it: for the screen, and for the page of results.

use crate::reconcile::{Difference, Judgement};
use anyhow::{Context as _, Result};
use std::{collections::BTreeMap, fmt::Write as _, path::Path};

/// A run and its judgement.
#[derive(Debug)]
pub struct Report {
    /// One line: store, nodes, faults.
    pub title: String,
    /// The seed.
    pub seed: u64,
    /// The command that repeats it.
    pub command: String,
    /// Which build of Tabi.
    pub build: String,
    /// Seconds it took.
    pub seconds: u64,
    /// What was done to it.
    pub faults: BTreeMap<String, usize>,
    /// What else was measured: name and value.
    pub measured: Vec<(String, String)>,
    /// What could not be done here, and why.
    pub left_out: Vec<String>,
    /// What the records say.
    pub judgement: Judgement,
}

/// Differences that are printed one by one.
const SHOWN: usize = 25;

impl Report {
    /// As Markdown.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        let now = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC");
        writeln!(text, "## {now}: {}\n", self.title).ok();
        writeln!(text, "`{}`\n", self.command).ok();
        writeln!(text, "{}; {}; seed {}; {} s.\n", machine(), self.build, self.seed, self.seconds).ok();
        let faults: Vec<String> =
            self.faults.iter().map(|(what, count)| format!("{count} × {what}")).collect();
        writeln!(text, "Done to it: {}.\n", faults.join(", ")).ok();
        writeln!(text, "| figure | |\n|---|---|").ok();
        for (name, count) in &self.judgement.figures {
            writeln!(text, "| {name} | {count} |").ok();
        }
        for (name, value) in &self.measured {
            writeln!(text, "| {name} | {value} |").ok();
        }
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        for difference in &self.judgement.differences {
            *kinds.entry(difference.kind()).or_default() += 1;
        }
        let looked_for = Difference::KINDS.len();
        if kinds.is_empty() {
            writeln!(text, "\nDifferences, of {looked_for} kinds that are looked for: **none**.").ok();
        } else {
            writeln!(text, "\n| difference, of {looked_for} kinds that are looked for | found |\n|---|---|")
                .ok();
            for (kind, found) in kinds {
                writeln!(text, "| {kind} | {found} |").ok();
            }
        }
        for what in &self.left_out {
            writeln!(text, "\nLeft out: {what}").ok();
        }
        for difference in self.judgement.differences.iter().take(SHOWN) {
            writeln!(text, "\n- {difference}").ok();
        }
        text
    }

    /// Writes it into the page, above those of earlier runs.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn keep(&self, page: &Path) -> Result<()> {
        let old = std::fs::read_to_string(page).unwrap_or_default();
        let (head, earlier) = match old.find("\n## ") {
            Some(at) => (&old[..=at], &old[at + 1..]),
            None if old.is_empty() => (HEAD, ""),
            None => (old.as_str(), ""),
        };
        let text = format!("{}\n\n{}\n{earlier}", head.trim_end(), self.markdown());
        std::fs::write(page, format!("{}\n", text.trim_end())).with_context(|| page.display().to_string())
    }
}

const HEAD: &str = "# Results of the siege\n\nWritten by `tests/run siege`, the newest first. What the words mean stands in [README.md](README.md).\n";

/// Processor, cores, memory and kernel in one line.
fn machine() -> String {
    let field = |file: &str, name: &str| {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(name)).map(str::to_owned);
        line.and_then(|line| Some(line.split(':').nth(1)?.trim().to_owned()))
            .unwrap_or_else(|| "unknown".to_owned())
    };
    let memory = field("/proc/meminfo", "MemTotal").replace(" kB", "").parse::<u64>().unwrap_or(0) >> 20;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{cores} × {}, {memory} GiB, Linux {}", field("/proc/cpuinfo", "model name"), kernel.trim())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_newest_run_stands_first_and_says_what_was_found() {
        let folder = tempfile::tempdir().unwrap();
        let page = folder.path().join("RESULTS.md");
        let mut report = Report {
            title: "the first".to_owned(),
            seed: 1,
            command: "siege".to_owned(),
            build: "dev".to_owned(),
            seconds: 1,
            faults: BTreeMap::from([("kill".to_owned(), 3)]),
            measured: Vec::new(),
            left_out: vec!["the clock".to_owned()],
            judgement: Judgement {
                figures: Vec::new(),
                differences: vec![Difference::Lost { mark: "order 1".to_owned() }],
            },
        };
        report.keep(&page).unwrap();
        report.title = "the second".to_owned();
        report.judgement.differences.clear();
        report.keep(&page).unwrap();
        let text = std::fs::read_to_string(&page).unwrap();
        let (first, second) = (text.find("the first").unwrap(), text.find("the second").unwrap());
        assert!(second < first && text.starts_with("# Results"), "{text}");
        assert_eq!(text.matches("**none**").count(), 1);
        assert!(text.contains("| lost | 1 |") && text.contains("- lost: order 1"), "{text}");
    }
}
