//! The examples of `templates/README.md` and of its Japanese twin make one message, and it says what they promise.

use super::project::{BRAND, files, shown};
use crate::{Content, compile};

/// The example of a page: what follows its first fence of this kind.
#[track_caller]
fn block<'p>(page: &'p str, fence: &str, number: usize) -> &'p str {
    let begin = format!("\n```{fence}\n");
    let rest = page.split(&begin).nth(number).unwrap_or_else(|| panic!("no example {number} in {fence}"));
    &rest[..=rest.find("\n```").unwrap()]
}

/// What the message of a page's examples says, by locale.
#[track_caller]
fn said(page: &str) -> Vec<(String, String)> {
    let brand = format!("{BRAND}customer: [family_name, given_name]\n");
    let files = files(&[
        ("brand.yaml", &brand),
        ("example/message.yaml", block(page, "yaml", 1)),
        ("example/sample.yaml", block(page, "yaml", 2)),
        ("locales/en/example.ftl", block(page, "ftl", 1)),
        ("locales/ja/example.ftl", block(page, "ftl", 1)),
        ("example/sms/body.txt", block(page, "jinja", 1)),
    ]);
    let (templates, problems) = compile(&files);
    let Some(templates) = templates else { panic!("{}", shown(&files, &problems)) };
    let text = |content| match content {
        Content::Sms(sms) => sms.text,
        other => panic!("{other:?}"),
    };
    let previews = templates.preview("example").into_iter();
    previews.map(|one| (one.locale.to_string(), text(one.result.unwrap().content))).collect()
}

#[track_caller]
fn check(page: &str, locale: &str, expected: &str) {
    let said = said(page);
    let found = said.iter().find(|(of, _)| of == locale).unwrap_or_else(|| panic!("{said:?}"));
    assert_eq!(found.1, expected);
}

#[test]
fn the_examples_of_the_reference_make_a_message() {
    let page = include_str!("../../../../templates/README.md");
    check(page, "en", "Thank you for your order K-1024\nYou ordered one item on November 20, 2026.");
}

#[test]
fn the_examples_of_the_japanese_reference_make_a_message() {
    let page = include_str!("../../../../templates/README.ja.md");
    check(page, "ja", "ご注文 K-1024 ありがとうございます\n2026年11月20日に、1 点のご注文を承りました。");
}
