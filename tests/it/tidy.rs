//! Tidy: what the documents say about the source is true, and the source keeps its own rules.
//!
//! Reads files only. A failure names the file, the rule and the way out; all failures of a rule at once.

mod codes;
mod documents;
mod files;
mod layers;
mod migrations;
mod twins;

use std::path::{Path, PathBuf};

/// The top of the repository.
pub(crate) fn top() -> PathBuf {
    let here = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    Path::new(&here).parent().expect("the package lies in a folder of the repository").to_owned()
}

/// A document or source file as text; empty where it is not there.
fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// Every file below `folder` that `wanted` likes, in order; build output and node packages left out.
fn walk(folder: &Path, wanted: &dyn Fn(&Path) -> bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return found };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "target" && name != "node_modules" && !name.starts_with('.') {
                found.extend(walk(&path, wanted));
            }
        } else if wanted(&path) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The crates: every folder of `orchestrator` and `channels`.
fn crates() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = ["orchestrator", "channels"]
        .iter()
        .filter_map(|folder| std::fs::read_dir(top().join(folder)).ok())
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.join("Cargo.toml").is_file())
        .collect();
    found.sort();
    found
}

/// The source of a crate that reaches the product: files of tests, what follows `#[cfg(test)]`, and comments left out.
fn product_source(folder: &Path) -> Vec<(PathBuf, String)> {
    let files = walk(&folder.join("src"), &|path| {
        path.extension().is_some_and(|e| e == "rs")
            && path.file_stem().is_some_and(|s| s != "tests")
            && !path.components().any(|part| part.as_os_str() == "tests")
    });
    let strip = |text: String| {
        let product = text.split("\n#[cfg(test)]\nmod tests").next().unwrap_or_default().to_owned();
        product.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
    };
    files
        .into_iter()
        .filter(|path| path.starts_with(top()))
        .map(|path| (path.clone(), strip(read(&path))))
        .collect()
}

/// The path as the documents write it.
fn short(path: &Path) -> String {
    path.strip_prefix(top()).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

/// Fail with every problem at once.
#[track_caller]
fn none(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}
