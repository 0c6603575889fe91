//! What people's keyboards and editors do to YAML, each told once, at its place, with what to write instead.
#![allow(clippy::unwrap_used, clippy::panic)]

mod base;

use std::collections::BTreeMap;

const HEAD: &str = "journey: example\npurpose: after_sales\nstart: {event: order_placed, once_per: order_id}\nfirst_of: [email]\nsteps:\n";

/// `code line:column help` of every problem of the journey with these steps.
fn told(steps: &str) -> Vec<String> {
    told_of(&[("journeys/example.yaml", &format!("{HEAD}{steps}"))])
}

fn told_of(given: &[(&str, &str)]) -> Vec<String> {
    let mut files = BTreeMap::from([("journeys/schema.yaml".to_owned(), base::SCHEMA.as_bytes().to_vec())]);
    for (path, text) in given {
        files.insert((*path).to_owned(), text.as_bytes().to_vec());
    }
    let (_, problems) = journey::compile(&files, &base::messages());
    problems
        .iter()
        .map(|problem| {
            let source = String::from_utf8_lossy(&files[&problem.file]).into_owned();
            let (line, column) = problem.line_column(&source);
            let help = problem.help.as_ref().map(|help| help.en.clone()).unwrap_or_default();
            format!("{} {line}:{column} {help}", problem.code)
        })
        .collect()
}

#[test]
fn white_space_and_colons_of_other_keyboards_are_named_where_they_stand() {
    let indent = "indent with two spaces per level";
    assert_eq!(told("  - send: tips\n\t- wait: 1 day\n"), [format!("J007 7:1 {indent}")]);
    assert_eq!(told("  - send: tips\n　- wait: 1 day\n"), [format!("J007 7:1 {indent}")]);
    let colon = "with a colon of your plain keyboard and a space";
    assert_eq!(told("  - wait：1 day\n  - send: tips\n"), [format!("J008 6:9 write `wait: ` {colon}")]);
    assert_eq!(
        told("  － wait: 1 day\n  - send: tips\n"),
        ["J008 6:3 write `- `: the hyphen of your plain keyboard and a space"]
    );
    let facts = told_of(&[
        ("journeys/example.yaml", &format!("{HEAD}  - send: tips\n")),
        ("journeys/more.yaml", "facts: bought：count(order_placed)\n"),
    ]);
    assert_eq!(facts, [format!("J008 1:14 write `bought: ` {colon}")]);
}

#[test]
fn a_brace_or_bracket_that_is_never_closed_is_told_where_it_opens() {
    let head = |line: &str| {
        format!(
            "journey: example\n{line}\npurpose: after_sales\nstart: {{event: order_placed, once_per: order_id}}\nfirst_of: [email]\nsteps:\n  - send: tips\n"
        )
    };
    for (line, told) in [
        ("title: {en: Tips, ja: ヒント", "2:8 close it with `}`: `title: {en: Tips, ja: ヒント}`"),
        ("title: {en: Tips, # in English", "2:8 close it with `}`: `title: {en: Tips}`"),
    ] {
        assert_eq!(told_of(&[("journeys/example.yaml", &head(line))]), [format!("J022 {told}")], "{line}");
    }
    for (step, help) in [
        ("  - {send: tips\n  - wait: 1 day\n", "6:5 close it with `}`: `- {send: tips}`"),
        ("  - send: tips\n    first_of: [email\n", "7:15 close it with `]`: `first_of: [email]`"),
    ] {
        let found = told(step);
        assert_eq!(found.first(), Some(&format!("J022 {help}")), "{step}: {found:?}");
    }
    let several = "title: {en: Tips,\n  ja: ヒント";
    assert_eq!(
        told_of(&[("journeys/example.yaml", &head(several))]),
        ["J022 2:8 close it with `}`, and put commas between the parts"]
    );
    let closed = "title: {en: Tips,\n  ja: ヒント}";
    assert_eq!(told_of(&[("journeys/example.yaml", &head(closed))]), [""; 0]);
}

#[test]
fn a_colon_in_a_text_between_braces_wants_quotes() {
    let text = format!("title: {{en: Tea: hot, ja: お茶}}\n{HEAD}  - send: tips\n");
    assert_eq!(
        told_of(&[("journeys/example.yaml", &text)]),
        ["J023 1:16 put it in quotes: `en: \"Tea: hot\"`"]
    );
}

#[test]
fn a_bracket_too_many_in_an_expression_is_named() {
    let found = told("  - if: customer.orders > 0)\n    then:\n      - send: tips\n");
    assert!(found[0].ends_with("no `(` is open here: take `)` away, or open it before"), "{found:?}");
}

#[test]
fn curly_quotes_around_hours_are_told_apart_from_missing_ones() {
    assert_eq!(
        told("  - wait: 1 day\n    between: “09:00-20:00”\n  - send: tips\n"),
        ["J026 7:14 use straight quotes: \"09:00-20:00\""]
    );
}

#[test]
fn a_length_of_time_keeps_its_meaning_in_the_way_out() {
    for (text, help) in [
        ("3 days 2 hours", "one number and one unit: write `74 hours`"),
        ("1 week and 2 days", "one number and one unit: write `9 days`"),
        ("-3 days", "time does not run backwards: write how long to wait, like `3 days`"),
        ("3 dayz", "write `3 days`"),
    ] {
        assert_eq!(
            told(&format!("  - wait: {text}\n  - send: tips\n")),
            [format!("J035 6:11 {help}")],
            "{text}"
        );
    }
}

#[test]
fn hours_that_can_be_guessed_are_written_out() {
    const EXAMPLE: &str = "write when it begins and when it ends, in quotes: \"09:00-20:00\"";
    for (text, help) in [
        ("9-20", "write \"09:00-20:00\""),
        ("9:00〜20時", "write \"09:00-20:00\""),
        ("morning", EXAMPLE),
        ("25:00-26:00", EXAMPLE),
    ] {
        let steps = format!("  - wait: 1 day\n    between: \"{text}\"\n  - send: tips\n");
        assert_eq!(told(&steps), [format!("J036 7:14 {help}")], "{text}");
        // Without quotes too: quotes alone would not mend it.
        assert_eq!(told(&steps.replace('"', "")), [format!("J036 7:14 {help}")], "{text}");
    }
}

#[test]
fn what_is_wrong_in_a_declaration_does_not_also_make_it_unknown() {
    let surveys = "surveys:\n  liking:\n    title: {en: How was it?, ja: いかがでしたか？}\n    scale: ten\n";
    let journey = format!("{HEAD}  - survey: liking\n    send: tips\n    up_to: 3 days\n");
    let found = told_of(&[("journeys/surveys.yaml", surveys), ("journeys/example.yaml", &journey)]);
    assert!(found.iter().all(|told| !told.starts_with("J056")), "{found:?}");
    assert!(found.iter().any(|told| told.starts_with("J042 4:12")), "{found:?}");
    let purposes = "purposes:\n  parties: {title: Parties, class: markting}\n";
    let journey = format!("{HEAD}  - send: tips\n").replace("after_sales", "parties");
    let found = told_of(&[("journeys/purposes.yaml", purposes), ("journeys/example.yaml", &journey)]);
    assert_eq!(found, ["J033 2:36 did you mean `marketing`?"]);
}

#[test]
fn titles_are_wanted_in_each_language_of_the_brand_and_hurt_most_where_customers_read_them() {
    let purposes = "purposes:\n  parties: {title: {en: Parties}, class: marketing}\n  tea: {title: お茶会, class: service}\n";
    let titled = format!("title: {{ja: 例}}\n{HEAD}  - send: tips\n");
    let found = told_of(&[("journeys/purposes.yaml", purposes), ("journeys/example.yaml", &titled)]);
    assert_eq!(
        found,
        [
            "J107 1:8 add `en: …`, or write one text for all languages",
            "J107 2:20 add `ja: …`, or write one text for all languages",
        ]
    );
}
