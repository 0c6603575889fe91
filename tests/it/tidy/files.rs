//! Files: where they may lie, how they open and how long they get.

use super::{crates, none, read, short, top, walk};
use std::path::Path;

/// What may lie at the top, beside dotfiles and what `.gitignore` names.
const TOP: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    "rustfmt.toml",
    "clippy.toml",
    "deny.toml",
    "orchestrator",
    "channels",
    "templates",
    "journeys",
    "migrations",
    "tests",
    "README.md",
    "README.ja.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "LICENSE-MIT",
    "LICENSE-APACHE",
];

/// No source file is longer than this many lines.
const LINES_MAX: usize = 700;

/// Longer files, each with its reason. Empty is the goal.
const LONG: &[(&str, &str)] = &[];

fn is_rust(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "rs")
}

/// `tests.rs` or a file of a `tests` folder.
fn is_test(path: &Path) -> bool {
    path.file_stem().is_some_and(|stem| stem == "tests")
        || path.components().any(|part| part.as_os_str() == "tests") && !path.starts_with(top().join("tests"))
}

#[test]
fn nothing_new_lies_at_the_top() {
    let ignored = read(&top().join(".gitignore"));
    let mut problems = Vec::new();
    for entry in std::fs::read_dir(top()).expect("the top can be read") {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        let known = name.starts_with('.')
            || TOP.contains(&name.as_str())
            || ignored.lines().any(|line| line.trim_matches('/') == name);
        if !known {
            problems.push(format!(
                "{name}: does not belong at the top; see \"Where things live\" in ARCHITECTURE.md"
            ));
        }
    }
    none(&problems);
}

#[test]
fn no_source_file_is_two_nouns() {
    let mut problems = Vec::new();
    for path in walk(&top(), &is_rust) {
        let lines = read(&path).lines().count();
        let allowed = LONG.iter().any(|(known, _)| *known == short(&path));
        if lines > LINES_MAX && !allowed {
            problems.push(format!("{}: {lines} lines, at most {LINES_MAX}; split it by noun", short(&path)));
        }
        if lines <= LINES_MAX && allowed {
            problems.push(format!("{}: short again; take it off the list LONG", short(&path)));
        }
    }
    none(&problems);
}

#[test]
fn every_source_file_opens_with_what_it_is_for() {
    let mut problems = Vec::new();
    for folder in crates() {
        for path in walk(&folder.join("src"), &is_rust) {
            if is_test(&path) {
                // Tests are sentences and say what they are for themselves.
                continue;
            }
            let text = read(&path);
            // A crate may open with its README instead, which is then also its page in the documentation.
            let opened = text
                .lines()
                .find(|line| !line.is_empty() && !line.starts_with("#![allow"))
                .is_some_and(|line| line.starts_with("//!") || line.starts_with("#![doc = include_str!"));
            if !opened {
                problems.push(format!("{}: open it with `//!` and what it is for", short(&path)));
            }
        }
    }
    none(&problems);
}
