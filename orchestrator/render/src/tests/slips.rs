//! One cause is one error: what could not be read is not also missing, unused or unknown.

use super::project::{BRAND, codes, files, shown};
use crate::compile;

const MESSAGE: (&str, &str) = ("hello/message.yaml", "use: service\ninputs: {}\n");
const SAMPLE: (&str, &str) = ("hello/sample.yaml", "ann: {inputs: {}}\n");
const SUBJECT: (&str, &str) = ("hello/email/subject.txt", "{{ t(key=\"subject\") }}");
const EN: (&str, &str) = ("locales/en/hello.ftl", "subject = Hello\nbody = Welcome\n");
const JA: (&str, &str) = ("locales/ja/hello.ftl", "subject = こんにちは\nbody = ようこそ\n");

/// `code line:column help` of every problem of the message with these files.
fn told_of(given: &[(&str, &str)]) -> Vec<String> {
    let mut all = vec![MESSAGE, SAMPLE];
    if !given.iter().any(|(path, _)| path.ends_with("subject.txt")) {
        all.push(("hello/email/subject.txt", "Hello"));
    }
    all.extend(given);
    let files = files(&all);
    let (_, problems) = compile(&files);
    let told = |problem: &words::Diagnostic| {
        let source = String::from_utf8_lossy(&files[&problem.file]).into_owned();
        let (line, column) = problem.line_column(&source);
        let help = problem.help.as_ref().map(|help| help.en.clone()).unwrap_or_default();
        format!("{} {line}:{column} {help}", problem.code)
    };
    problems.iter().map(told).collect()
}

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
fn what_stays_open_is_told_where_it_opens_and_what_closes_nothing_where_it_stands() {
    let mjml = |text: &str| {
        format!("<mjml>\n<mj-body>\n<mj-section>\n<mj-column>\n{text}</mj-section>\n</mj-body>\n</mjml>\n")
    };
    for (body, told) in [
        ("{% if customer.name %}\nHello\n", "T010 1:1 write {% endif %}"),
        (
            "{% for x in [1] %}\n{% if x %}a\n{% endfor %}\n",
            "T010 2:1 write {% endif %} before {% endfor %} in line 3",
        ),
        ("Hello\n{% endif %}\n", "T010 2:1 take it away, or write {% if … %} before it"),
    ] {
        assert_eq!(told_of(&[("hello/email/body.html", body)]), [told], "{body}");
    }
    for (body, told) in [
        ("<mj-text>Hello</mj-text>\n", "T040 4:1 close it with `</mj-column>` before `</mj-section>`"),
        ("<mj-text>Hello</mj-txt>\n</mj-column>\n", "T040 5:15 write `</mj-text>`"),
        ("</mj-image></mj-column>\n", "T040 5:1 take it away, or open `<mj-image>` before it"),
    ] {
        assert_eq!(told_of(&[("hello/email/body.mjml", &mjml(body))]), [told], "{body}");
    }
}

#[test]
fn an_argument_that_one_text_alone_asks_for_is_told_in_that_text() {
    let body = ("hello/email/body.html", "{{ t(key=\"body\", amount=1) }}");
    let (subject, ja) =
        (("hello/email/subject.txt", "Hello"), ("locales/ja/hello.ftl", "body = { $amount }円\n"));
    let pass = "pass it in templates/hello/email/body.html: t(key=\"body\", ";
    for (text, told) in [
        ("body = { $amont }\n", format!("T019 1:1 did you mean `{{ $amount }}`? If not, {pass}amont=…)")),
        (
            "body = { $amount } { $who }\n",
            format!("T019 1:1 {pass}who=…), or take `{{ $who }}` out of the text"),
        ),
    ] {
        assert_eq!(told_of(&[subject, body, ja, ("locales/en/hello.ftl", text)]), [told], "{text}");
    }
    let asked = told_of(&[
        subject,
        body,
        ("locales/ja/hello.ftl", "body = { $who }\n"),
        ("locales/en/hello.ftl", "body = { $who }\n"),
    ]);
    let template: Vec<_> = asked.iter().filter(|told| told.starts_with("T019 1:10")).collect();
    assert_eq!(template, ["T019 1:10 write t(key=\"body\", who=…)"; 2], "{asked:?}");
}

#[test]
fn signs_of_other_keyboards_are_named_in_the_brand_too() {
    for (from, to, told) in [
        ("zone: ", "zone：", "a full-width colon ends no key in YAML"),
        ("  email: ", "\temail: ", "a tab stands where YAML wants spaces"),
        ("  email: ", "　email: ", "a full-width space stands where YAML wants spaces"),
    ] {
        let mut files = files(&[MESSAGE, SAMPLE, SUBJECT, EN, JA]);
        files.insert("templates/brand.yaml".to_owned(), BRAND.replacen(from, to, 1).into_bytes());
        let (_, problems) = compile(&files);
        assert_eq!(problems.iter().map(|p| p.title.en.as_str()).collect::<Vec<_>>(), [told]);
        assert_eq!(problems[0].code, "T003");
    }
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
