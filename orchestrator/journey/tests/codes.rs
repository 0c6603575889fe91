//! Every page in `codes/`: its failing example gives exactly the diagnostic shown, in English and in Japanese, and its
//! fixed one none. `UPDATE_PAGES=1 cargo test -p journey --test codes` writes the diagnostics into the pages.
#![allow(clippy::unwrap_used, clippy::panic)]

mod base;

use std::collections::BTreeMap;
use words::{Diagnostic, Language};

/// The fenced blocks of a page: what stands on the fence, and the text.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(kind) = line.strip_prefix("```") {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            out.push((kind.to_owned(), block.join("\n") + "\n"));
        }
    }
    out
}

/// The bytes of an example: as they stand, or made by a line such as `20001 times "- x"`.
fn bytes(kind: &str, block: &str) -> Vec<u8> {
    if kind != "made" {
        return block.as_bytes().to_vec();
    }
    let mut out = Vec::new();
    for line in block.lines() {
        if let Some(hex) = line.strip_prefix("bytes ") {
            out.extend(hex.split(' ').map(|byte| u8::from_str_radix(byte, 16).unwrap()));
        } else if let Some((times, text)) = line.split_once(" times ") {
            out.extend(text.trim_matches('"').replace("\\n", "\n").repeat(times.parse().unwrap()).bytes());
        }
    }
    out
}

fn run(kind: &str, bytes: Vec<u8>) -> Vec<Diagnostic> {
    let schema = "journeys/schema.yaml".to_owned();
    let mut files = BTreeMap::from([(schema, base::SCHEMA.as_bytes().to_vec())]);
    if kind == "yaml story" {
        let journey = include_str!("../src/compile/tests/thank_you.yaml").as_bytes().to_vec();
        files.insert("journeys/thank_you.yaml".to_owned(), journey);
        let (project, diagnostics) = journey::compile(&files, &base::messages());
        assert_eq!(diagnostics, []);
        files.insert("journeys/example.test.yaml".to_owned(), bytes);
        return journey::stories(&files, &project.unwrap()).1;
    }
    // Two journeys of one example are told apart by a line of dashes and dots.
    let text = String::from_utf8_lossy(&bytes).into_owned();
    match text.split_once("# --- other.yaml\n") {
        Some((one, other)) => {
            files.insert("journeys/example.yaml".to_owned(), one.as_bytes().to_vec());
            files.insert("journeys/other.yaml".to_owned(), other.as_bytes().to_vec());
        }
        None => {
            files.insert("journeys/example.yaml".to_owned(), bytes);
        }
    }
    journey::compile(&files, &base::messages()).1
}

fn rendered(diagnostics: &[Diagnostic], source: &str, language: Language) -> String {
    let one = |d: &Diagnostic| {
        d.render(source, language, false).lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    };
    diagnostics.iter().map(one).collect::<Vec<_>>().join("\n\n") + "\n"
}

#[test]
fn every_page_shows_what_happens() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("codes");
    let update = std::env::var_os("UPDATE_PAGES").is_some();
    let mut pages: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.sort();
    let mut wrong = Vec::new();
    for path in pages.into_iter().filter(|path| path.extension().is_some_and(|e| e == "md")) {
        let code = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let page = std::fs::read_to_string(&path).unwrap();
        let blocks = blocks(&page);
        let examples: Vec<_> = blocks.iter().filter(|(kind, _)| kind != "text").collect();
        let [(kind, failing), (fixed_kind, fixed)] = examples.as_slice() else {
            wrong.push(format!("{code}: two examples are wanted, one failing and one fixed"));
            continue;
        };
        let source = bytes(kind, failing);
        let text = if kind == "made" { String::new() } else { failing.clone() };
        let diagnostics = run(kind, source);
        if diagnostics.is_empty() || diagnostics.iter().any(|d| d.code != code) {
            wrong.push(format!(
                "{code}: the failing example gives\n{}",
                rendered(&diagnostics, &text, Language::En)
            ));
        }
        let fixed = run(fixed_kind, bytes(fixed_kind, fixed));
        if !fixed.is_empty() {
            wrong.push(format!("{code}: the fixed example gives\n{}", rendered(&fixed, "", Language::En)));
        }
        let texts: Vec<_> = blocks.iter().filter(|(kind, _)| kind == "text").map(|(_, text)| text).collect();
        let now = [Language::En, Language::Ja].map(|language| rendered(&diagnostics, &text, language));
        if texts != now.iter().collect::<Vec<_>>() {
            if update {
                let mut parts = page.split("```text\n");
                let mut out = parts.next().unwrap().to_owned();
                for (part, now) in parts.zip(&now) {
                    let (_, rest) = part.split_once("```").unwrap();
                    out += &format!("```text\n{now}```{rest}");
                }
                std::fs::write(&path, out).unwrap();
            } else {
                wrong.push(format!("{code}: the page shows something else than\n{}\n{}", now[0], now[1]));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
