#![allow(clippy::unwrap_used, clippy::panic)]
use super::{dress, fold, mistake, words_of};
use crate::args::Args;
use clap::{Command, CommandFactory as _};
use fluent_bundle::FluentResource;
use std::collections::BTreeSet;
use unicode_width::UnicodeWidthStr as _;

/// The messages and attributes of the Japanese, `command` or `command.argument`.
fn written() -> BTreeSet<String> {
    let resource = FluentResource::try_new(words_of::TEXT.to_owned()).map_err(|(_, wrong)| wrong).unwrap();
    let mut out = BTreeSet::new();
    for entry in resource.entries() {
        if let fluent_syntax::ast::Entry::Message(message) = entry {
            let id = message.id.name;
            if message.value.is_some() {
                assert!(out.insert(id.to_owned()), "{id} stands there twice");
            }
            for attribute in &message.attributes {
                let name = format!("{id}.{}", attribute.id.name);
                assert!(out.insert(name.clone()), "{name} stands there twice");
            }
        }
    }
    out
}

/// Everything of a command and of those below it that needs words, each with the places that may hold them.
fn needed(command: &Command, path: &mut Vec<String>, out: &mut Vec<Vec<String>>) {
    if command.is_hide_set() {
        return;
    }
    let key = dress::key(path);
    out.push(vec![key.clone()]);
    if command.get_after_help().is_some() {
        out.push(vec![format!("{key}.after")]);
    }
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let long = command.get_long_about().map(ToString::to_string).unwrap_or_default();
    let more = long.strip_prefix(about.as_str()).unwrap_or(&long);
    if more.lines().any(|line| !line.trim().is_empty() && !line.starts_with("Example: ")) {
        out.push(vec![format!("{key}.more")]);
    }
    for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
        let place = |name: &str| vec![format!("{key}.{name}"), format!("common.{name}")];
        out.push(place(arg.get_id().as_str()));
        for value in arg.get_possible_values().iter().filter(|value| value.get_help().is_some()) {
            out.push(place(&format!("{}-{}", arg.get_id(), value.get_name())));
        }
        if arg.get_action().takes_values() {
            let names = arg.get_value_names().map(|names| names.iter().map(ToString::to_string).collect());
            let names: Vec<String> = names.unwrap_or_else(|| vec![arg.get_id().as_str().to_uppercase()]);
            out.extend(
                names.iter().flat_map(|name| name.split('=')).map(|name| vec![format!("names.{name}")]),
            );
        }
    }
    for below in command.get_subcommands() {
        path.push(below.get_name().to_owned());
        needed(below, path, out);
        path.pop();
    }
}

#[test]
fn every_command_argument_and_value_has_japanese_and_no_japanese_is_left_over() {
    let written = written();
    let mut all = Vec::new();
    needed(&Args::command(), &mut Vec::new(), &mut all);
    let (mut used, mut missing) = (BTreeSet::new(), Vec::new());
    for places in all {
        match places.iter().find(|place| written.contains(*place)) {
            Some(place) => {
                used.insert(place.clone());
            }
            None => missing.push(places),
        }
    }
    assert!(missing.is_empty(), "help/ja.ftl has no words for (one of the places each): {missing:#?}");
    let ours =
        |key: &str| key.starts_with("frame.") || key.ends_with(".examples") || key.starts_with("names.");
    let gone: Vec<&String> = written.iter().filter(|key| !used.contains(*key) && !ours(key)).collect();
    assert!(gone.is_empty(), "help/ja.ftl has words for what does not exist: {gone:#?}");
    for key in written.iter().filter(|key| key.starts_with("names.") && !used.contains(*key)) {
        assert!(matches!(key.as_str(), "names.COMMAND" | "names.OPTIONS"), "nothing is called {key}");
    }
}

/// The help of a command and of all below it, short and long.
fn helps(said: &[&str], command: &Command, out: &mut Vec<(String, String)>) {
    for flag in ["-h", "--help"] {
        let line: Vec<&str> = said.iter().copied().chain([flag]).collect();
        let error = dress::japanese(Args::command()).try_get_matches_from(&line).unwrap_err();
        assert_eq!(error.kind(), clap::error::ErrorKind::DisplayHelp, "{line:?}: {error}");
        out.push((line.join(" "), error.render().to_string()));
    }
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        let said: Vec<&str> = said.iter().copied().chain([below.get_name()]).collect();
        helps(&said, below, out);
    }
}

#[test]
fn no_help_has_english_of_clap_or_a_line_that_is_too_wide() {
    let mut all = Vec::new();
    helps(&["tabi"], &Args::command(), &mut all);
    assert!(all.len() > 70, "{}", all.len());
    for said in ["tabi help help", "tabi help log", "tabi"] {
        let error = dress::japanese(Args::command()).try_get_matches_from(said.split(' ')).unwrap_err();
        all.push((said.to_owned(), error.render().to_string()));
    }
    for (said, help) in &all {
        for english in [
            "Usage",
            "Options",
            "OPTIONS",
            "Arguments",
            "Commands",
            "COMMAND",
            "default",
            "ossible",
            "Print",
            "env:",
            "Example",
        ] {
            assert!(!help.contains(english), "`{said}` says {english}:\n{help}");
        }
        for width in [60, 80, 100] {
            for line in fold::fold(help, width).lines().filter(|line| line.width() > width) {
                let word = line.split_whitespace().any(|word| word.is_ascii() && word.len() + 12 > width);
                assert!(word, "`{said}` at {width}: {line}");
            }
        }
    }
}

#[test]
fn an_own_example_stands_for_each_of_the_english() {
    fn walk(command: &Command, path: &mut Vec<String>) {
        let own = words_of::Words::japanese().of(&dress::key(path), "examples");
        if let Some(own) = own {
            let english = dress::examples(command);
            assert_eq!(own.lines().count(), english.len(), "{path:?}");
            for (own, english) in own.lines().zip(&english) {
                let start = |line: &str| line.split(" --").next().unwrap().to_owned();
                assert_eq!(start(own), start(english), "{path:?}");
            }
        }
        for below in command.get_subcommands() {
            path.push(below.get_name().to_owned());
            walk(below, path);
            path.pop();
        }
    }
    walk(&Args::command(), &mut Vec::new());
}

#[test]
fn a_command_line_without_sense_is_refused_in_japanese_with_a_way_out() {
    for (said, wanted) in [
        (
            "chek",
            vec![
                "「chek」というコマンドはありません",
                "「check」のことでしょうか？",
                "使い方: tabi [オプション] <コマンド>",
            ],
        ),
        (
            "check --strikt",
            vec!["「--strikt」というオプションはありません", "「--strict」のことでしょうか？"],
        ),
        ("check more", vec!["「more」は余分な引数です"]),
        (
            "check --format xml",
            vec!["「--format <形式>」に「xml」は指定できません", "指定できる値: human, json"],
        ),
        ("check --format", vec!["「--format <形式>」に値がありません"]),
        (
            "go-live",
            vec!["次の指定が必要です:\n  --by <名前>", "使い方: tabi go-live [オプション] --by <名前>"],
        ),
        ("go-live --by a --by b", vec!["「--by <名前>」は一度しか指定できません"]),
        ("log search --sent --not-sent", vec!["「--sent」は「--not-sent」と一緒には指定できません"]),
        (
            "log acts --limit many",
            vec!["「--limit <件数>」に「many」は指定できません（数字で書いてください）"],
        ),
        ("preview --listen here", vec!["「here」は指定できません（127.0.0.1:8080 の形"]),
    ] {
        let line = ["tabi"].into_iter().chain(said.split(' '));
        let error = dress::japanese(Args::command()).try_get_matches_from(line).unwrap_err();
        let told = mistake::japanese(&error);
        for wanted in wanted {
            assert!(told.contains(wanted), "tabi {said}: {wanted} is not in:\n{told}");
        }
        assert_eq!(error.exit_code(), 2);
        assert!(told.ends_with("詳しくは --help をご覧ください。"), "{told}");
    }
}

#[test]
fn the_same_is_understood_in_both_languages() {
    use clap::FromArgMatches as _;
    for said in [
        "check --strict --data x",
        "--lang ja log search --customer hana --not-sent",
        "import customers a.csv --column A=email --dry-run",
        "go-live --by Hana -y",
        "operator add hana --role reviewer",
    ] {
        let read = |command: Command| {
            let found = command.try_get_matches_from(["tabi"].into_iter().chain(said.split(' '))).unwrap();
            format!("{:?}", Args::from_arg_matches(&found).unwrap())
        };
        assert_eq!(read(Args::command()), read(dress::japanese(Args::command())), "{said}");
    }
}

#[test]
fn the_language_is_known_before_anything_is_parsed() {
    for (said, ja) in [
        ("tabi --lang ja --help", true),
        ("tabi check --lang=ja --strikt", true),
        ("tabi --lang en", false),
        ("tabi test --lang en -- --lang ja", false),
    ] {
        let said: Vec<_> = said.split(' ').map(std::ffi::OsString::from).collect();
        assert_eq!(super::language(&said) == words::Language::Ja, ja, "{said:?}");
    }
}
