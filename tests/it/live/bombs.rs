//! Messages that are meant to bring the renderer down: none goes out, and the neighbours' mail does, meanwhile.

use super::{
    PATIENCE,
    http::Answer,
    shop::{HANAKO, Shop, identify},
    sink::Sink,
    until,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};

#[path = "../../../orchestrator/render/tests/bombs/corpus.rs"]
#[allow(dead_code)]
mod corpus;

const DECLARED: &str = "events:\n  exploded:\n  noted:\n\
    purposes:\n  papers: {title: {en: Papers, ja: 書類}, class: transactional}\n";
const NEIGHBOURS: usize = 20;

/// A project whose journey `bombs` sends every bomb at once; `notes` sends a harmless mail.
fn files(bombs: &[(&'static str, String)]) -> BTreeMap<String, String> {
    let journey = |name: &str, event: &str, steps: &str| {
        format!(
            "journey: {name}\npurpose: papers\nstart: {{event: {event}}}\nfirst_of: [email]\nsteps:\n{steps}"
        )
    };
    let steps: String =
        (0..bombs.len()).map(|n| format!("  - send: b{n}\n    with: {{n: 4711}}\n")).collect();
    let mut files = BTreeMap::from([
        ("journeys/declared.yaml".to_owned(), DECLARED.to_owned()),
        ("journeys/bombs.yaml".to_owned(), journey("bombs", "exploded", &steps)),
        ("journeys/notes.yaml".to_owned(), journey("notes", "noted", "  - send: note\n    with: {n: 1}\n")),
        (
            "templates/brand.yaml".to_owned(),
            "name: Kumo\ndefault_locale: en\nlocales: [en]\ncountries: [US]\nzone: UTC\ncurrency: USD\n\
             senders: {email: {from: hello@kumo.example}}\n"
                .to_owned(),
        ),
        (
            "templates/locales/en/common.ftl".to_owned(),
            "count = { $n ->\n    [one] one thing\n   *[other] { $n } things\n }\n".to_owned(),
        ),
    ]);
    let all = bombs.iter().enumerate().map(|(n, (_, bomb))| (format!("b{n}"), bomb.clone()));
    for (name, bomb) in all.chain([("note".to_owned(), String::new())]) {
        let mut add = |file: &str, text: String| files.insert(format!("templates/{name}/{file}"), text);
        add("message.yaml", "use: transactional\ninputs: {n: int}\n".to_owned());
        add("sample.yaml", "one: {inputs: {n: 1}}\n".to_owned());
        add("email/subject.txt", format!("{name} says hello\n"));
        add("email/body.html", "<p>Hello</p>\n".to_owned());
        add("email/body.txt", format!("{{% if n == 4711 %}}{bomb}{{% endif %}}Hello {{{{ n }}}}\n"));
    }
    files
}

#[test]
fn fifty_bombs_are_set_aside_and_the_mail_of_their_neighbours_goes_out_meanwhile() {
    let bombs = corpus::stopped();
    assert!(bombs.len() >= 50, "{} kinds", bombs.len());
    let shop = Shop::open(Sink::listen(Duration::ZERO).address);
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files(&bombs) {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let said = shop.tabi_on(root.path(), &["deploy", "--by", HANAKO]);
    assert_eq!(said.code, 0, "{said:?}");
    let track = |user: &str, event: &str| -> Answer {
        assert_eq!(shop.posted("/v1/identify", &identify(user, "en")).status, 200);
        let body = json!({"event": event, "userId": user, "messageId": format!("{event}-{user}")});
        shop.posted("/v1/track", &body)
    };
    assert_eq!(track("bomber", "exploded").status, 200);
    let of = |journey: &str| shop.messages(&["--journey", journey]);
    until(PATIENCE, "the bombs are planned", || (of("bombs").len() == bombs.len()).then_some(()));
    for n in 0..NEIGHBOURS {
        assert_eq!(track(&format!("neighbour{n}"), "noted").status, 200);
    }
    // What is kept in the development inbox counts as accepted, as by a provider.
    let ended = |journey: &str, outcomes: &[&str]| {
        let ended = |message: &Value| outcomes.iter().any(|outcome| message["outcome"] == *outcome);
        of(journey).iter().filter(|message| ended(message)).count()
    };
    let out = ["accepted", "delivered"];
    until(PATIENCE, "the neighbours' mail is out", || (ended("notes", &out) == NEIGHBOURS).then_some(()));
    let undecided = ended("bombs", &["planned", "handed_over"]);
    eprintln!("{undecided} of {} bombs were undecided when the last neighbour's mail was out", bombs.len());
    let aside = ["not_sent", "rejected", "quarantined"];
    until(PATIENCE, "every bomb is set aside", || (ended("bombs", &aside) == bombs.len()).then_some(()));
}
