//! Every example of `journeys/README.md` and of its Japanese twin compiles.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use words::{Channel, Currency, Language, MessageCatalog, MessageEntry, MessageInput, Type};

/// The reference, in each language.
const PAGES: [&str; 2] =
    [include_str!("../../../journeys/README.md"), include_str!("../../../journeys/README.ja.md")];

/// What follows "```yaml" on the fence, the line of the fence, and the block.
fn blocks(page: &str) -> Vec<(String, usize, String)> {
    let mut out = Vec::new();
    let mut lines = page.lines().enumerate();
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

/// The files that a page describes.
fn project(page: &str) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for (kind, line, block) in blocks(page) {
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
    let programs = PAGES.map(|page| {
        let files = project(page);
        let (project, diagnostics) = journey::compile(&files, &messages());
        none(&files, &diagnostics);
        project.unwrap().programs.len()
    });
    assert!(programs[0] > 25 && programs[0] == programs[1], "{programs:?}");
}

#[test]
fn the_rules_of_the_reference_read() {
    for page in PAGES {
        let files = project(page);
        let (rules, diagnostics) = journey::rules(&files);
        none(&files, &diagnostics);
        assert!(!rules.hours.is_empty() && rules.caps.is_some() && rules.rest.is_some());
    }
}

#[test]
fn every_story_of_the_reference_reads() {
    for page in PAGES {
        let files = project(page);
        let (project, _) = journey::compile(&files, &messages());
        let (stories, diagnostics) = journey::stories(&files, &project.unwrap());
        none(&files, &diagnostics);
        assert!(!stories.is_empty());
    }
}

/// Every way to start and every step has a heading of its own; what the documents count is what the page shows.
#[test]
fn every_way_to_start_and_every_step_is_on_the_page() {
    for page in PAGES {
        let blocks = blocks(page);
        let shows = |kind: &str, key: &str| {
            let line = format!("{key}:");
            blocks.iter().any(|(of, _, block)| {
                of == kind && block.lines().any(|l| l.trim_start_matches([' ', '-']).starts_with(&line))
            })
        };
        for way in ["event", "joins", "leaves", "schedule", "date", "at", "api", "item_changed"] {
            assert!(shows("start", way), "no example starts with {way}");
        }
        for step in [
            "send",
            "wait",
            "wait_until",
            "wait_for",
            "if",
            "choose",
            "experiment",
            "repeat",
            "set",
            "emit",
            "call",
            "enroll",
            "survey",
            "notify",
            "stop",
        ] {
            assert!(shows("steps", step), "no example of the step {step}");
            assert!(page.lines().any(|line| line == format!("### {step}")), "no heading for the step {step}");
        }
        assert_eq!(blocks.iter().filter(|(kind, ..)| kind == "start").count(), 8);
    }
}
