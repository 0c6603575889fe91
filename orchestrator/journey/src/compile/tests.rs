#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use words::Language;

#[path = "../../tests/base/mod.rs"]
mod base;
pub(crate) use base::{SCHEMA, messages};

/// Compiles files beside the schema.
pub(crate) fn compile_with(files: &[(&str, &str)]) -> (Option<Project>, Vec<Diagnostic>) {
    let mut all = BTreeMap::from([("journeys/schema.yaml".to_owned(), SCHEMA.as_bytes().to_vec())]);
    all.extend(files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())));
    compile(&all, &messages())
}

/// `line:column code title`, one per line.
pub(crate) fn shown(diagnostics: &[Diagnostic], file: &str, source: &str) -> String {
    let line = |d: &Diagnostic| {
        if d.file != file {
            return format!("{}: {} {}", d.file, d.code, d.title.en);
        }
        let (line, column) = d.line_column(source);
        format!("{line}:{column} {} {}", d.code, d.title.en)
    };
    diagnostics.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn check(journey: &str, expected: &str) {
    let (project, diagnostics) = compile_with(&[("journeys/a.yaml", journey)]);
    let found = shown(&diagnostics, "journeys/a.yaml", journey);
    assert_eq!(
        found,
        expected,
        "\n{}",
        diagnostics.iter().map(|d| d.render(journey, Language::En, false)).collect::<Vec<_>>().join("\n")
    );
    assert_eq!(project.is_some(), diagnostics.is_empty());
}

/// The same for steps alone, in a journey that starts with an order. The first step is line 1.
#[track_caller]
fn check_steps(steps: &str, expected: &str) {
    let mut lines = vec![];
    for part in [
        "journey: a",
        "purpose: after_sales",
        "start:\n  event: order_placed\n  once_per: order_id",
        "stop_if: refund_requested",
        "first_of: [email]",
    ] {
        lines.push(part);
    }
    let head = lines.join("\n") + "\nsteps:\n";
    let skip = head.matches('\n').count();
    let journey = head + steps;
    let (_, diagnostics) = compile_with(&[("journeys/a.yaml", &journey)]);
    let found = diagnostics
        .iter()
        .map(|d| {
            let (line, column) = d.line_column(&journey);
            format!("{}:{column} {} {}", line as i64 - skip as i64, d.code, d.title.en)
        })
        .collect::<Vec<_>>()
        .join("\n");
    assert_eq!(
        found,
        expected,
        "\n{}",
        diagnostics.iter().map(|d| d.render(&journey, Language::En, false)).collect::<Vec<_>>().join("\n")
    );
}

#[test]
fn the_thank_you_of_the_design_compiles() {
    check(include_str!("tests/thank_you.yaml"), "");
}

#[test]
fn the_win_back_of_the_design_compiles() {
    check(include_str!("tests/win_back.yaml"), "");
}
