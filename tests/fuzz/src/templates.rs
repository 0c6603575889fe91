//! Templates and what lies beside them: an answer soon, and every problem with its place.
//!
//! Only what is compiled: what templates do when they are rendered is bounded in a child, see `orchestrator/render/tests`.

use crate::parts::{lines, number, text, told_well, within};
use std::collections::BTreeMap;
use std::time::Duration;

const BRAND: &str = "name: Kumo\ndefault_locale: en\nlocales: [en]\ncountries: [US]\nzone: UTC\ncurrency: USD\n\
    senders: {sms: {from: KUMO}, email: {from: hello@kumo.example}}\n";
const FILES: [&str; 8] = [
    "templates/m/sms/body.txt",
    "templates/m/email/body.html",
    "templates/m/email/body.mjml",
    "templates/m/email/subject.txt",
    "templates/m/message.yaml",
    "templates/m/sample.yaml",
    "templates/locales/en/m.ftl",
    "templates/blocks/b.txt",
];

/// The first line names the file, the rest is in it.
pub(crate) fn run(bytes: &[u8]) {
    let [name, content] = lines(bytes);
    if content.len() > 16_384 {
        return;
    }
    let said = text(name);
    let file = FILES.iter().find(|file| **file == said).unwrap_or(&FILES[number(name) % FILES.len()]);
    let body = "Hello {{ name }}, {{ t(key=\"hello\") }}{% include \"blocks/b.txt\" %}\n";
    let mut files: BTreeMap<String, Vec<u8>> = [
        ("templates/brand.yaml", BRAND),
        ("templates/m/message.yaml", "use: service\ninputs: {n: int, name: text}\n"),
        ("templates/m/sms/body.txt", body),
        ("templates/blocks/b.txt", "-- \nKumo\n"),
        ("templates/locales/en/common.ftl", "hello = Hello\n"),
    ]
    .map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()))
    .into();
    if file.contains("/email/") {
        files.insert("templates/m/email/subject.txt".to_owned(), b"Hello\n".to_vec());
        files.insert("templates/m/email/body.html".to_owned(), b"<p>Hello</p>\n".to_vec());
        if file.ends_with(".mjml") {
            files.remove("templates/m/email/body.html");
        }
    }
    files.insert((*file).to_owned(), content.to_vec());
    let (templates, problems) =
        within(Duration::from_millis(500), "compiling", || render::compile_untried(&files));
    told_well(&files, &problems);
    assert!(templates.is_some() || !problems.is_empty(), "refused without a word");
}
