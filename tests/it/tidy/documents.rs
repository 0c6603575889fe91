//! Documents: every path they mention exists, and every command of the README is run by a test.

use super::{none, read, top, walk};
use std::collections::BTreeSet;

/// The documents that speak about the source.
const DOCUMENTS: &[&str] = &[
    "ARCHITECTURE.md",
    "README.md",
    "README.ja.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "journeys/README.md",
    "journeys/README.ja.md",
    "templates/README.md",
    "templates/README.ja.md",
];

/// Folders at the top: a word in backticks that starts with one of these is a path.
const FOLDERS: &[&str] = &["orchestrator", "channels", "templates", "journeys", "migrations", "tests", ".ci"];

/// Commands of README.md, each with the test of `tests/it` that runs it, or the reason why none does.
///
/// A new command in a `sh` block of the README needs a line here.
const COMMANDS: &[(&str, Proof)] = &[
    (
        "cargo run --release -- demo",
        Proof::Because("it plays for minutes; `tabi demo --once` is what the figures of the demo come from"),
    ),
    ("tests/run", Proof::Because("it is the command that runs this test")),
    (
        r#"export PATH="$PWD/target/release:$PATH""#,
        Proof::Because("it only sets a variable of the reader's shell"),
    ),
    (
        r#"export KEY="$(tabi key create me --replace --data data/demo)""#,
        Proof::Because("it asks a server that runs; keys are tested in orchestrator/server"),
    ),
    (
        r#"curl -u "$KEY:" http://127.0.0.1:7117/v1/identify -H "Content-Type: application/json" -d '{"userId": "you", "traits": {"email": "you@example.com", "given_name": "Hana", "locale": "en-US", "timezone": "America/Los_Angeles", "country": "US"}}'"#,
        Proof::Because("it asks a server that runs; the call is tested in orchestrator/server"),
    ),
    (
        r#"curl -u "$KEY:" http://127.0.0.1:7117/v1/track -H "Content-Type: application/json" -d '{"userId": "you", "event": "Order Completed", "properties": {"order_id": "A-1", "total": "48.00 USD", "cds": 3}}'"#,
        Proof::Because("it asks a server that runs; the call is tested in orchestrator/server"),
    ),
    (
        r#"curl -u "$KEY:" http://127.0.0.1:7117/v1/track -H "Content-Type: application/json" -d '{"userId": "you", "event": "order_delivered", "properties": {"order_id": "A-1"}}'"#,
        Proof::Because("it asks a server that runs; the call is tested in orchestrator/server"),
    ),
    (
        "tabi why you --data data/demo",
        Proof::Because("it speaks about a server that runs and what was sent to it"),
    ),
    (
        r#"tabi init ../my-shop --yes --brand "Kumo Coffee" --countries JP,US --languages en,ja"#,
        Proof::Test("the_five_minutes_of_the_readme_end_with_a_welcome_in_the_log"),
    ),
    ("cd ../my-shop", Proof::Test("the_five_minutes_of_the_readme_end_with_a_welcome_in_the_log")),
    ("tabi check", Proof::Test("the_five_minutes_of_the_readme_end_with_a_welcome_in_the_log")),
    ("tabi test", Proof::Test("the_five_minutes_of_the_readme_end_with_a_welcome_in_the_log")),
    ("tabi preview", Proof::Because("it serves until it is ended; its pages are tested in orchestrator/cli")),
    ("tabi serve", Proof::Test("the_five_minutes_of_the_readme_end_with_a_welcome_in_the_log")),
    (
        r#"export KEY="$(tabi key create shop --replace)""#,
        Proof::Test("the_five_minutes_of_the_readme_end_with_a_welcome_in_the_log"),
    ),
    (
        r#"curl -u "$KEY:" http://127.0.0.1:8080/v1/identify -H "Content-Type: application/json" -d '{"userId": "hana", "traits": {"email": "hana@example.com", "locale": "ja-JP", "timezone": "Asia/Tokyo", "country": "JP"}}'"#,
        Proof::Test("the_five_minutes_of_the_readme_end_with_a_welcome_in_the_log"),
    ),
    (
        r#"curl -u "$KEY:" http://127.0.0.1:8080/v1/track -H "Content-Type: application/json" -d '{"userId": "hana", "event": "signed_up"}'"#,
        Proof::Test("the_five_minutes_of_the_readme_end_with_a_welcome_in_the_log"),
    ),
    ("tabi log search", Proof::Test("the_five_minutes_of_the_readme_end_with_a_welcome_in_the_log")),
    ("tabi log acts", Proof::Test("the_record_tells_the_inbox_from_a_provider_and_who_read_it")),
    ("tabi doctor", Proof::Test("the_five_minutes_of_the_readme_end_with_a_welcome_in_the_log")),
    (r#"tabi go-live --by "Hana Mori""#, Proof::Because("it needs a provider to send through")),
    (
        r#"tabi stop --reason "wrong price""#,
        Proof::Test("the_five_minutes_of_the_readme_end_with_a_welcome_in_the_log"),
    ),
];

/// Why a command of the README is known to work.
enum Proof {
    /// The test function that runs it.
    Test(&'static str),
    /// Nothing runs it, for this reason.
    Because(&'static str),
}

/// Words in backticks outside of code blocks that look like paths of the repository.
fn paths(text: &str) -> BTreeSet<String> {
    let prose: String = text.split("```").step_by(2).collect();
    prose
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|word| !word.contains(|c: char| c.is_whitespace() || "<>*{}…$".contains(c)))
        .filter(|word| {
            let first = word.split('/').next().unwrap_or("");
            (word.contains('/') && FOLDERS.contains(&first))
                || (!word.contains('/') && (word.ends_with(".md") || word.ends_with(".toml")))
        })
        .map(|word| word.split(':').next().unwrap_or(word).trim_end_matches('/').to_owned())
        .collect()
}

#[test]
fn every_path_in_the_documents_exists() {
    let mut problems = Vec::new();
    for document in DOCUMENTS {
        for path in paths(&read(&top().join(document))) {
            if !top().join(&path).exists() {
                problems.push(format!("{document}: `{path}` does not exist; mend the sentence or bring it"));
            }
        }
    }
    none(&problems);
}

/// The command lines of the `sh` blocks, continued lines joined, comments and prompts left out.
fn commands(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for block in text.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next()) {
        for line in block.replace("\\\n", " ").lines() {
            let words: Vec<&str> =
                line.split_whitespace().take_while(|word| !word.starts_with('#')).collect();
            if !words.is_empty() {
                found.push(words.join(" "));
            }
        }
    }
    found
}

#[test]
fn every_command_of_the_readme_is_run_by_a_test() {
    let tests: String = walk(&top().join("tests/it"), &|path| path.extension().is_some_and(|e| e == "rs"))
        .iter()
        .map(|path| read(path))
        .collect();
    let mut problems = Vec::new();
    for command in commands(&read(&top().join("README.md"))) {
        match COMMANDS.iter().find(|(known, _)| *known == command) {
            None => problems.push(format!(
                "README.md: `{command}` is run by no test; add it to COMMANDS in tests/it/tidy/documents.rs"
            )),
            Some((_, Proof::Test(name))) if !tests.contains(&format!("fn {name}(")) => {
                problems.push(format!("COMMANDS: there is no test `{name}` for `{command}`"));
            }
            Some((_, Proof::Because(""))) => {
                problems.push(format!("COMMANDS: say why no test runs `{command}`"));
            }
            Some(_) => {}
        }
    }
    none(&problems);
}

#[test]
fn both_readmes_have_the_same_commands() {
    let japanese = top().join("README.ja.md");
    if japanese.exists() {
        assert_eq!(commands(&read(&top().join("README.md"))), commands(&read(&japanese)));
    }
}
