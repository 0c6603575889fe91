//! One cause is one error: what could not be read is not also missing, unused or unknown.

use super::project::{BRAND, codes, files, shown};
use crate::compile;

const MESSAGE: (&str, &str) = ("hello/message.yaml", "use: service\ninputs: {}\n");
const SAMPLE: (&str, &str) = ("hello/sample.yaml", "ann: {inputs: {}}\n");
const SUBJECT: (&str, &str) = ("hello/email/subject.txt", "{{ t(key=\"subject\") }}");
const EN: (&str, &str) = ("locales/en/hello.ftl", "subject = Hello\nbody = Welcome\n");
const JA: (&str, &str) = ("locales/ja/hello.ftl", "subject = こんにちは\nbody = ようこそ\n");

#[track_caller]
fn one(body: (&str, &str), en: (&str, &str), code: &str) {
    let found = codes(&[MESSAGE, SAMPLE, SUBJECT, body, en, JA]);
    assert!(found.len() == 1 && found[0].contains(code), "{found:#?}");
}

#[test]
fn a_part_that_cannot_be_read_is_the_only_error() {
    let body = |text: &'static str| ("hello/email/body.html", text);
    one(body("<p>{{ t(key=“body”) }}</p>"), EN, "T010");
    one(body("{% include \"blocks/fooder.mjml\" %}"), EN, "T017");
    let large = "x".repeat(300_000);
    one(("hello/email/body.html", &large), EN, "T002");
    one(
        body("<p>{{ t(key=\"body\") }}</p>"),
        ("locales/en/hello.ftl", "subject = Hello\nbody Welcome\n"),
        "T022",
    );
}

#[test]
fn a_curly_quote_is_named_with_what_to_write() {
    let files =
        files(&[MESSAGE, SAMPLE, SUBJECT, EN, JA, ("hello/email/body.html", "<p>{{ t(key=“body”) }}</p>")]);
    let (_, problems) = compile(&files);
    let said = shown(&files, &problems);
    assert!(said.contains("body.html:1:13") && said.contains("{{ t(key=\"body\") }}"), "{said}");
}

#[test]
fn an_sms_may_say_how_to_stop_it_in_its_translations() {
    let message = ("hello/message.yaml", "use: marketing\ninputs: {}\n");
    let body = ("hello/sms/body.txt", "{{ t(key=\"body\") }}");
    let (en, ja) = (("locales/en/hello.ftl", "body = Sale. Reply STOP to stop\n"), "locales/ja/hello.ftl");
    assert_eq!(
        codes(&[message, SAMPLE, body, en, (ja, "body = セール。配信停止は「停止」と返信\n")]),
        Vec::<String>::new()
    );
    let found = codes(&[message, SAMPLE, body, en, (ja, "body = セール\n")]);
    assert!(found.len() == 1 && found[0].contains("T042"), "{found:#?}");
}

#[test]
fn a_slip_in_the_brand_is_told_in_the_brand_alone() {
    let body =
        ("hello/email/body.html", "<p style=\"color: {{ brand.colours.primary }}\">{{ brand.footer }}</p>");
    let subject = ("hello/email/subject.txt", "Hello");
    for (from, to, told) in [
        ("greeting:", "foter: x\ngreeting:", "T004"),
        ("primary: green", "primary: grren", "T006"),
        ("[US, JP]", "[US, XX]", "T006"),
    ] {
        let mut files = files(&[MESSAGE, SAMPLE, subject, body]);
        let brand = BRAND.replacen(from, to, 1);
        let brand = if told == "T004" { brand } else { format!("{brand}footer: Kumo\n") };
        files.insert("templates/brand.yaml".to_owned(), brand.into_bytes());
        let (_, problems) = compile(&files);
        let said = shown(&files, &problems);
        assert!(problems.len() == 1 && problems[0].code == told, "{said}");
    }
}
