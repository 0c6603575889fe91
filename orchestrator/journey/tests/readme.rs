//! Every example of `journeys/README.md` compiles.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use words::{Channel, Currency, Language, MessageCatalog, MessageEntry, MessageInput, Type};

const README: &str = include_str!("../../../journeys/README.md");

/// What follows "```yaml" on the fence, the line of the fence, and the block.
fn blocks() -> Vec<(String, usize, String)> {
    let mut out = Vec::new();
    let mut lines = README.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let Some(kind) = line.strip_prefix("```yaml") else { continue };
        let block: Vec<&str> =
            lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
        out.push((kind.trim().to_owned(), number + 1, block.join("\n") + "\n"));
    }
    out
}

fn indented(text: &str, by: usize) -> String {
    text.lines().map(|line| format!("{}{line}\n", " ".repeat(by))).collect()
}

fn messages() -> MessageCatalog {
    let all = ["email", "push", "sms"];
    let money = Type::Money(Some(Currency::JPY));
    #[allow(clippy::type_complexity)]
    let list: [(&str, &[&str], &[(&str, Type)]); 12] = [
        ("thank_you", &all, &[("order_id", Type::Text), ("total", money.clone())]),
        ("thanks_again", &all, &[]),
        ("how_to_use", &["email"], &[("tracking", Type::Text)]),
        ("review_request", &["email"], &[]),
        ("come_back_offer", &all, &[]),
        ("welcome", &all, &[]),
        ("tips", &all, &[]),
        ("reminder", &all, &[]),
        ("ask_nps", &["email"], &[]),
        ("price_drop", &all, &[("title", Type::Text), ("price", money)]),
        ("reset", &["email"], &[("code", Type::Text)]),
        ("newsletter", &all, &[]),
    ];
    let mut catalog = MessageCatalog::default();
    for (name, channels, inputs) in list {
        let channels: std::collections::BTreeSet<Channel> =
            channels.iter().map(|c| Channel::new(*c)).collect();
        let input =
            |(name, ty): &(&str, Type)| ((*name).to_owned(), MessageInput { ty: ty.clone(), required: true });
        let entry = MessageEntry {
            marketing: channels.clone(),
            asks: if name == "ask_nps" { channels.clone() } else { Default::default() },
            channels,
            inputs: inputs.iter().map(input).collect(),
            ..MessageEntry::default()
        };
        catalog.messages.insert(name.to_owned(), entry);
    }
    catalog
}

/// The files that the page describes.
fn project() -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for (kind, line, block) in blocks() {
        let frame = |start: &str, steps: &str| {
            format!(
                "journey: line_{line}\npurpose: after_sales\nstart:\n{start}stop_if: refund_requested\nfirst_of: [email]\nsteps:\n{steps}"
            )
        };
        let order = "  event: order_placed\n  once_per: order_id\n";
        let text = match kind.as_str() {
            "" => block,
            "start" => frame(&indented(&block, 2), "  - send: newsletter\n"),
            "steps" => frame(order, &indented(&block, 2)),
            "conditions" => {
                let ifs: String = block
                    .lines()
                    .map(|line| format!("  - if: {}\n    then:\n      - send: thank_you\n", &line[2..]))
                    .collect();
                frame(order, &format!("  - send: thank_you\n{ifs}"))
            }
            "rules" => {
                files.insert(journey::rules::FILE.to_owned(), block.into_bytes());
                continue;
            }
            "story" => {
                files.insert(format!("journeys/line_{line}.test.yaml"), block.into_bytes());
                continue;
            }
            other => panic!("line {line}: no such kind of example: {other}"),
        };
        files.insert(format!("journeys/line_{line}.yaml"), text.into_bytes());
    }
    files
}

#[track_caller]
fn none(files: &BTreeMap<String, Vec<u8>>, diagnostics: &[words::Diagnostic]) {
    let shown: Vec<String> = diagnostics
        .iter()
        .map(|d| d.render(std::str::from_utf8(&files[&d.file]).unwrap(), Language::En, false))
        .collect();
    assert!(shown.is_empty(), "{}", shown.join("\n\n"));
}

#[test]
fn every_example_of_the_reference_compiles() {
    let files = project();
    let (project, diagnostics) = journey::compile(&files, &messages());
    none(&files, &diagnostics);
    assert!(project.unwrap().programs.len() > 25);
}

#[test]
fn the_rules_of_the_reference_read() {
    let files = project();
    let (rules, diagnostics) = journey::rules(&files);
    none(&files, &diagnostics);
    assert!(!rules.hours.is_empty() && rules.caps.is_some() && rules.rest.is_some());
}

#[test]
fn every_story_of_the_reference_reads() {
    let files = project();
    let (project, _) = journey::compile(&files, &messages());
    let (stories, diagnostics) = journey::stories(&files, &project.unwrap());
    none(&files, &diagnostics);
    assert!(!stories.is_empty());
}
