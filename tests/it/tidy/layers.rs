//! Dependencies run one way, down the table of ARCHITECTURE.md, and the lowest layers are pure.

use super::{crates, none, product_source, read, short, top};
use std::collections::BTreeMap;
use std::process::Command;

/// The table between the markers of ARCHITECTURE.md: crate to height, the highest number on top.
fn table() -> BTreeMap<String, usize> {
    let text = read(&top().join("ARCHITECTURE.md"));
    let between = text.split("<!-- layers -->").nth(1).and_then(|t| t.split("<!-- /layers -->").next());
    let rows: Vec<&str> = between
        .expect("ARCHITECTURE.md has its table between <!-- layers --> and <!-- /layers -->")
        .lines()
        .filter(|line| line.starts_with('|') && line.contains('`'))
        .collect();
    let height = rows.len();
    let names = |row: &str| -> Vec<String> {
        row.split('|').nth(2).unwrap_or("").split('`').skip(1).step_by(2).map(str::to_owned).collect()
    };
    rows.iter()
        .enumerate()
        .flat_map(|(down, row)| names(row).into_iter().map(move |name| (name, height - down)))
        .collect()
}

/// Our packages and their dependencies among ourselves: (package, dependency, for tests only).
fn arrows() -> Vec<(String, String, bool)> {
    let output = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(top())
        .output()
        .expect("cargo runs");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let mut found = Vec::new();
    for package in metadata["packages"].as_array().expect("a list of packages") {
        let name = package["name"].as_str().expect("a name").to_owned();
        found.push((name.clone(), String::new(), false));
        for dependency in package["dependencies"].as_array().expect("a list of dependencies") {
            if dependency["path"].is_string() {
                let on = dependency["name"].as_str().expect("a name").to_owned();
                found.push((name.clone(), on, dependency["kind"] == "dev"));
            }
        }
    }
    found
}

#[test]
fn dependencies_run_one_way_down_the_layers() {
    let table = table();
    let mut problems = Vec::new();
    for (package, on, for_tests) in arrows() {
        let Some(from) = table.get(&package) else {
            problems.push(format!("{package}: not in the layer table of ARCHITECTURE.md; give it a row"));
            continue;
        };
        let Some(to) = table.get(&on) else { continue };
        // Tests of a crate may use a neighbour on the same line, never one above.
        if to > from || (to == from && !for_tests) {
            problems.push(format!(
                "{package} depends on {on}, which is not below it; move the code down, or pass it in as an argument"
            ));
        }
    }
    none(&problems);
}

#[test]
fn the_judge_of_the_product_shares_no_code_with_it() {
    let shared: Vec<String> = arrows()
        .into_iter()
        .filter(|(package, on, _)| package == "siege" && !on.is_empty())
        .map(|(_, on, _)| {
            format!("siege depends on {on}: what it finds would then agree with the product by construction")
        })
        .collect();
    none(&shared);
}

#[test]
fn every_crate_of_the_table_is_there() {
    let packages: Vec<String> = arrows().into_iter().map(|(package, ..)| package).collect();
    let problems: Vec<String> = table()
        .into_keys()
        .filter(|name| !packages.contains(name))
        .map(|name| format!("{name}: in the layer table of ARCHITECTURE.md, but there is no such crate"))
        .collect();
    none(&problems);
}

/// What a pure crate cannot contain, and what to do instead.
const IMPURE: &[(&str, &str)] = &[
    ("SystemTime::now", "take the instant as an argument"),
    ("Instant::now", "take the instant as an argument"),
    ("Timestamp::now", "take the instant as an argument"),
    ("Zoned::now", "take the instant as an argument"),
    ("Uuid::now_v7", "take an IdSource as an argument"),
    ("Uuid::new_v4", "take an IdSource as an argument"),
    ("rand::", "take the seed as an argument"),
    ("getrandom", "take the bytes as an argument"),
    ("RandomState", "use an ordered collection"),
    ("tokio", "declare the future; the worker runs it"),
    ("std::fs", "take the text as an argument"),
    ("std::net", "leave the network to layer 2 and above"),
    ("std::env", "take the setting as an argument"),
    ("std::process", "leave processes to layer 2 and above"),
    ("std::thread", "leave threads to layer 2 and above"),
];

/// Is it there as a word of its own? `brand::` is not `rand::`.
fn mentions(text: &str, what: &str) -> bool {
    text.match_indices(what).any(|(at, _)| {
        !text[..at].chars().next_back().is_some_and(|before| before.is_alphanumeric() || before == '_')
    })
}

#[test]
fn the_lowest_layers_have_no_clock_chance_or_io() {
    let table = table();
    let pure_below = table.get("engine").expect("engine is in the table");
    let mut problems = Vec::new();
    for folder in crates() {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if table.get(&name).is_none_or(|height| height > pure_below) {
            continue;
        }
        for (path, text) in product_source(&folder) {
            for (what, instead) in IMPURE {
                if mentions(&text, what) {
                    problems.push(format!("{}: contains `{what}`; {instead}", short(&path)));
                }
            }
        }
    }
    none(&problems);
}

#[test]
fn a_crate_is_named_like_its_folder_and_takes_the_lints_of_the_workspace() {
    let mut problems = Vec::new();
    for folder in crates() {
        let manifest = read(&folder.join("Cargo.toml"));
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !manifest.contains(&format!("name = \"{name}\"\n")) {
            problems.push(format!("{}: the crate must be named `{name}` like its folder", short(&folder)));
        }
        if !manifest.contains("[lints]\nworkspace = true") {
            problems.push(format!("{}/Cargo.toml: add `[lints]` with `workspace = true`", short(&folder)));
        }
    }
    none(&problems);
}
