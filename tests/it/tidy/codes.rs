//! Diagnostic codes: each has a page that explains it, and no page outlives its code.

use super::{crates, none, product_source, short, walk};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Is it a code: one capital letter and three digits?
fn is_code(word: &str) -> bool {
    let bytes = word.as_bytes();
    bytes.len() == 4 && bytes[0].is_ascii_uppercase() && bytes[1..].iter().all(u8::is_ascii_digit)
}

/// Every string literal of the product source that is a code.
fn raised(folder: &Path) -> BTreeSet<String> {
    product_source(folder)
        .iter()
        .flat_map(|(_, text)| {
            text.split('"').filter(|word| is_code(word)).map(str::to_owned).collect::<Vec<_>>()
        })
        .collect()
}

/// The pages of a crate: `codes/J012.md` explains J012.
fn pages(folder: &Path) -> BTreeSet<String> {
    walk(&folder.join("codes"), &|path| path.extension().is_some_and(|e| e == "md"))
        .iter()
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .filter(|stem| is_code(stem))
        .collect()
}

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let mut homes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for folder in crates() {
        for code in pages(&folder) {
            homes.entry(code).or_default().push(short(&folder));
        }
    }
    let mut problems = Vec::new();
    for (code, folders) in homes.iter().filter(|(_, folders)| folders.len() > 1) {
        problems.push(format!("{code}: has pages in {}; one code has one crate", folders.join(" and ")));
    }
    for folder in crates() {
        let raised = raised(&folder);
        for code in raised.iter().filter(|code| !homes.contains_key(*code)) {
            problems.push(format!(
                "{}: raises {code}, which has no page; write codes/{code}.md with a failing and a fixed example",
                short(&folder)
            ));
        }
        for code in pages(&folder).difference(&raised) {
            problems.push(format!(
                "{}/codes/{code}.md: nothing there raises {code}; remove the page",
                short(&folder)
            ));
        }
    }
    none(&problems);
}
