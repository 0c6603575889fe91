//! What can never start any more is told by the clock, on the page of its code too.
#![allow(clippy::unwrap_used, clippy::panic)]

use release::{Files, Release};
use words::{Language, Timestamp};

const PAGE: &str = include_str!("../codes/R002.md");

/// The files of a section of the page, over a small project: a line with a path in backticks, then a fenced block.
fn section(title: &str) -> Files {
    let mut files = Files::new();
    for (path, text) in [
        (
            "templates/brand.yaml",
            "name: Kumo\ndefault_locale: en\nlocales: [en]\ncountries: [JP]\nzone: Asia/Tokyo\ncurrency: JPY\nsenders:\n  \
             email: {from: hello@shop.example}\nlegal: {postal_address: \"1 Example Street, Example City\"}\n",
        ),
        ("templates/thanks/message.yaml", "use: service\ninputs: {}\n"),
        ("templates/thanks/sample.yaml", "plain:\n  inputs: {}\n"),
        ("templates/thanks/email/subject.txt", "Thanks\n"),
        ("templates/thanks/email/body.html", "<p>Thanks</p>\n"),
        (
            "journeys/declarations.yaml",
            "events: {order_placed: {properties: {order_id: text}}}\nfacts: {orders: count(order_placed)}\npurposes: \
             {after_sales: {class: service}}\n",
        ),
    ] {
        files.insert(path.to_owned(), text.as_bytes().to_vec());
    }
    let rest = PAGE.split_once(&format!("## {title}\n")).unwrap().1;
    let mut lines = rest.split("\n## ").next().unwrap().lines();
    while let Some(line) = lines.next() {
        if let Some(path) = line.strip_prefix('`').and_then(|line| line.strip_suffix('`')) {
            let content: Vec<&str> = lines.by_ref().skip(1).take_while(|line| *line != "```").collect();
            files.insert(path.to_owned(), (content.join("\n") + "\n").into_bytes());
        }
    }
    files
}

fn built(files: &Files) -> Release {
    let (release, problems) = Release::build(files.clone());
    release.unwrap_or_else(|| panic!("{problems:#?}"))
}

#[test]
fn the_page_of_a_time_that_has_passed_shows_what_is_said() {
    let now = Timestamp::parse("2026-11-22T03:00:00Z").unwrap();
    let files = section("Fails");
    let release = built(&files);
    let found = release.over(now);
    assert_eq!(found.len(), 1, "{found:#?}");
    for language in [Language::En, Language::Ja] {
        let said = found[0].render(&String::from_utf8_lossy(&files[&found[0].file]), language, false);
        let said: Vec<&str> = said.lines().map(str::trim_end).collect();
        assert!(PAGE.contains(&format!("```text\n{}\n```", said.join("\n"))), "{}", said.join("\n"));
    }
    assert_eq!(built(&section("Fixed")).over(now), []);
}

#[test]
fn a_broadcast_is_over_when_its_time_is_past_for_everybody_and_was_not_live_before() {
    let at = |text: &str| Timestamp::parse(text).unwrap();
    let mut files = section("Fails");
    // 09:00 on New Year's Day in Tokyo is midnight UTC.
    let release = built(&files);
    assert_eq!(release.over(at("2025-12-31T23:59:00Z")), []);
    assert_eq!(release.over(at("2026-01-01T00:00:00Z")).len(), 1);
    let again = at("2026-01-05T00:00:00Z");
    assert_eq!(release.over_but_for(Some(&release), again), [], "it ran");
    assert_eq!(release.over_but_for(None, again).len(), 1);

    let text = String::from_utf8(files["journeys/new_year.yaml"].clone()).unwrap();
    let own = text.replace("  zone: Asia/Tokyo\n", "");
    files.insert("journeys/new_year.yaml".to_owned(), own.into_bytes());
    let release = built(&files);
    assert_eq!(release.over(at("2026-01-01T20:59:00Z")), [], "the last of them have 08:59");
    assert_eq!(release.over(at("2026-01-01T21:00:00Z")).len(), 1);

    for (cron, over) in [("0 8 30 2 *", 1), ("0 8 29 2 *", 0)] {
        let schedule = text.replace("  at: \"2026-01-01T09:00\"", &format!("  schedule: \"{cron}\""));
        files.insert("journeys/new_year.yaml".to_owned(), schedule.into_bytes());
        assert_eq!(built(&files).over(again).len(), over, "{cron}");
    }
}

#[test]
fn what_init_leaves_to_be_filled_in_is_named_with_its_line() {
    let release = built(&section("Fixed"));
    let found = release::placeholders(&release.files, release.templates.brand());
    let said: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "templates/brand.yaml:8 hello@shop.example",
            "templates/brand.yaml:9 1 Example Street, Example City"
        ]
    );
}
