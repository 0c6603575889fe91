//! The pages of the codes: each failing example fails with what its page shows, each fixed one has no problem.
//!
//! `TABI_WRITE_PAGES=1 cargo test -p render` writes what the compiler says into the pages, to be read before committing.

use super::pages::{example, section};
use super::project::{BRAND, shown};
use crate::compile;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("codes")
}

fn pages() -> BTreeMap<String, String> {
    std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
        .map(|path| {
            (path.file_stem().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(path).unwrap())
        })
        .collect()
}

/// The project that every example changes: one message with one input.
fn base() -> BTreeMap<String, Vec<u8>> {
    [
        ("templates/brand.yaml", BRAND),
        ("templates/hello/message.yaml", "use: service\ninputs: {name: text}\n"),
        ("templates/hello/sample.yaml", "ann: {inputs: {name: Ann}}\n"),
        ("templates/hello/sms/body.txt", "Hello {{ name }}\n"),
    ]
    .into_iter()
    .map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()))
    .collect()
}

/// What the compiler says; of a file that is not shown, its first lines would be noise.
fn said(files: &BTreeMap<String, Vec<u8>>, problems: &[words::Diagnostic]) -> String {
    let text = shown(files, problems);
    text.lines()
        .map(|line| line.trim_end().chars().take(200).collect::<String>())
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn every_page_fails_as_it_says_and_its_fix_is_right() {
    let write = std::env::var_os("TABI_WRITE_PAGES").is_some();
    let mut wrong = Vec::new();
    for (code, page) in pages() {
        // What never ends is for a test that is its own child: tests/bombs.rs.
        if code == "T048" {
            continue;
        }
        let files = example(section(&page, "Fails"), base());
        let (_, problems) = compile(&files);
        let said = said(&files, &problems);
        if !problems.iter().any(|p| p.code == code) {
            wrong.push(format!("{code} is not raised by its page:\n{said}"));
        }
        for problem in &problems {
            for text in
                [Some(&problem.title), Some(&problem.label), problem.help.as_ref()].into_iter().flatten()
            {
                assert!(!text.ja.is_empty() && text.ja != text.en, "{code}: {text:?}");
            }
        }
        let block = format!("```text\n{said}\n```");
        if write {
            let start = page.find("```text\n").unwrap();
            let end = page[start + 7..].find("\n```").map_or(start + 7, |e| e + start + 11);
            let new = format!("{}{block}{}", &page[..start], &page[end..]);
            std::fs::write(folder().join(format!("{code}.md")), new).unwrap();
        } else if !page.contains(&block) {
            wrong.push(format!("{code} shows something else than:\n{block}"));
        }
        let fixed = example(section(&page, "Fixed"), base());
        let (_, left) = compile(&fixed);
        if !left.is_empty() {
            wrong.push(format!("{code}: the fixed example:\n{}", shown(&fixed, &left)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut raised = BTreeSet::new();
    for entry in std::fs::read_dir(source).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "rs") {
            let text = std::fs::read_to_string(path).unwrap();
            for (at, _) in text.match_indices("\"T0") {
                let code: String = text[at + 1..].chars().take_while(|c| *c != '"').collect();
                if code.len() == 4 && code[1..].bytes().all(|b| b.is_ascii_digit()) {
                    raised.insert(code);
                }
            }
        }
    }
    let pages: BTreeSet<String> = pages().into_keys().collect();
    assert_eq!(raised, pages);
}
