//! What Tabi says: its list of messages, as `tabi log export` writes it.

use crate::{node::Node, record::Said, sink};
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::{collections::BTreeMap, path::Path};

/// Who asks, and why: every export is recorded with both.
const WHY: [&str; 4] = ["--by", "The siege", "--reason", "reconciliation"];

/// Exports the list into `file` and reads it.
///
/// # Errors
/// When the export fails or says something that is no list.
pub fn export(node: &Node, file: &Path) -> Result<Vec<Said>> {
    let into = file.to_str().context("a path in UTF-8")?;
    let arguments: Vec<&str> =
        ["log", "export", "--as", "jsonl", "--into", into].into_iter().chain(WHY).collect();
    node.run(&arguments)?;
    let text = std::fs::read_to_string(file)?;
    text.lines().map(|line| Ok(said(&serde_json::from_str(line)?))).collect()
}

/// How many messages have no end yet.
///
/// # Errors
/// When the search fails.
pub fn open(node: &Node) -> Result<usize> {
    let mut open = 0;
    for outcome in ["planned", "handed_over"] {
        let found =
            node.run(&["--format", "json", "log", "search", "--outcome", outcome, "--limit", "100000"])?;
        open += found.lines().count();
    }
    Ok(open)
}

/// The contents that Tabi keeps of one customer's mails: message id to hash.
///
/// # Errors
/// When the export fails.
pub fn kept(node: &Node, customer: &str, folder: &Path) -> Result<BTreeMap<String, String>> {
    let into = folder.to_str().context("a path in UTF-8")?;
    let arguments: Vec<&str> = ["log", "export", "--as", "eml", "--into", into, "--customer", customer]
        .into_iter()
        .chain(WHY)
        .collect();
    node.run(&arguments)?;
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        if path.extension().is_some_and(|end| end == "eml")
            && let Some((message, _)) = name.rsplit_once('-')
        {
            found.insert(message.to_owned(), sink::hash(&std::fs::read(&path)?));
        }
    }
    Ok(found)
}

fn said(line: &Value) -> Said {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let none = Vec::new();
    let deliveries = line["deliveries"].as_array().unwrap_or(&none);
    let attempts = || deliveries.iter().flat_map(|one| one["attempts"].as_array().unwrap_or(&none));
    let address =
        |one: &Value| one["address"].as_str().filter(|address| !address.is_empty()).map(str::to_owned);
    Said {
        message: text(&line["message"]),
        journey: text(&line["journey"]),
        to: deliveries.iter().find_map(address).unwrap_or_default(),
        customer: text(&line["customer"]),
        outcome: text(&line["outcome"]),
        deliveries: deliveries.iter().map(|one| text(&one["delivery"])).collect(),
        receipts: attempts().filter_map(|one| one["provider_id"].as_str()).map(str::to_owned).collect(),
        unanswered: attempts()
            .filter(|one| {
                one["outcome"].is_null() || one["outcome"] == "no_answer" || one["outcome"] == "unknown"
            })
            .count(),
        why: line["verdict"].to_string().chars().take(120).collect(),
    }
}
