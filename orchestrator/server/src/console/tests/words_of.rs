//! Both languages say everything that pages ask for.

use crate::console::assets;
use crate::console::language::Words;
use fluent_bundle::FluentResource;
use std::collections::BTreeSet;
use words::Language;

fn keys(name: &str) -> BTreeSet<String> {
    let text = assets::text(name);
    if let Err((_, errors)) = FluentResource::try_new(text.clone()) {
        panic!("{name}: {errors:?}");
    }
    let mut keys = BTreeSet::new();
    for line in text.lines() {
        let Some((key, _)) = line.split_once(" = ") else { continue };
        if key.starts_with(|c: char| c.is_ascii_lowercase()) {
            assert!(keys.insert(key.to_owned()), "{name} says {key} twice");
        }
    }
    keys
}

#[test]
fn english_and_japanese_have_the_same_words() {
    let (en, ja) = (keys("en.ftl"), keys("ja.ftl"));
    assert_eq!(en.difference(&ja).collect::<Vec<_>>(), Vec::<&String>::new(), "missing in Japanese");
    assert_eq!(ja.difference(&en).collect::<Vec<_>>(), Vec::<&String>::new(), "missing in English");
}

#[test]
fn every_word_that_a_template_asks_for_is_there() {
    let words = [Words::of(Language::En), Words::of(Language::Ja)];
    let mut asked = 0;
    for (name, text) in assets::templates() {
        for piece in text.split("\"|t").collect::<Vec<_>>().iter().rev().skip(1) {
            let key = piece.rsplit('"').next().unwrap_or_default();
            assert!(words.iter().all(|w| w.has(key)), "{name} asks for {key:?}");
            asked += 1;
        }
    }
    assert!(asked > 200, "only {asked} words found: has the way of asking changed?");
}

#[test]
fn every_failure_and_note_has_words() {
    let en = Words::of(Language::En);
    for source in [
        include_str!("../visit.rs"),
        include_str!("../session.rs"),
        include_str!("../sending.rs"),
        include_str!("../settings.rs"),
        include_str!("../troubles.rs"),
        include_str!("../messages.rs"),
        include_str!("../content.rs"),
        include_str!("../inbox.rs"),
        include_str!("../guard.rs"),
    ] {
        for piece in source.split('"').skip(1).step_by(2) {
            if piece.starts_with("fail-") || (piece.starts_with("note-") && piece.len() > 5) {
                assert!(en.has(piece), "nothing says {piece:?}");
            }
        }
    }
}
