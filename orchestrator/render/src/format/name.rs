//! How people are addressed.

use super::{Formats, Tongue};

/// What is known of a customer's name; empty texts count as unknown.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Name<'a> {
    pub(crate) whole: &'a str,
    pub(crate) family: &'a str,
    pub(crate) given: &'a str,
}

/// The name in a greeting: the given name in English, the family name and 様 in Japanese.
pub(crate) fn greeting(name: Name<'_>, formats: &Formats) -> String {
    let Name { whole, family, given } = trimmed(name);
    let polite = |text: &str| match formats.tongue {
        Tongue::Japanese if is_latin(text) => format!("{text} 様"),
        Tongue::Japanese => format!("{text}様"),
        Tongue::Korean => format!("{text}님"),
        _ => text.to_owned(),
    };
    match formats.tongue {
        Tongue::Japanese => {
            let known = [family, whole, given].into_iter().find(|text| !text.is_empty());
            known.map_or_else(|| formats.greeting.clone(), polite)
        }
        Tongue::Chinese | Tongue::Korean => match full_text(name, formats) {
            text if text.is_empty() => formats.greeting.clone(),
            text => polite(&text),
        },
        _ => {
            // Of a name written as one, the first word is the given one only where names are written in Latin letters.
            let first = if is_latin(whole) { whole.split_whitespace().next().unwrap_or("") } else { whole };
            let known = [given, first, family].into_iter().find(|text| !text.is_empty());
            known.map_or_else(|| formats.greeting.clone(), str::to_owned)
        }
    }
}

/// The whole name, in the order of the language; in Japanese with 様.
pub(crate) fn full(name: Name<'_>, formats: &Formats) -> String {
    let text = full_text(name, formats);
    match formats.tongue {
        _ if text.is_empty() => formats.greeting.clone(),
        Tongue::Japanese if is_latin(&text) => format!("{text} 様"),
        Tongue::Japanese => format!("{text}様"),
        Tongue::Korean => format!("{text}님"),
        _ => text,
    }
}

fn full_text(name: Name<'_>, formats: &Formats) -> String {
    let Name { whole, family, given } = trimmed(name);
    match (family.is_empty(), given.is_empty()) {
        (true, true) => whole.to_owned(),
        (false, true) => family.to_owned(),
        (true, false) => if whole.is_empty() { given } else { whole }.to_owned(),
        (false, false) if !is_latin(family) && !is_latin(given) => format!("{family}{given}"),
        (false, false) => match formats.tongue {
            Tongue::Japanese | Tongue::Chinese | Tongue::Korean => format!("{family} {given}"),
            _ => format!("{given} {family}"),
        },
    }
}

fn trimmed(name: Name<'_>) -> Name<'_> {
    Name { whole: name.whole.trim(), family: name.family.trim(), given: name.given.trim() }
}

/// Whether a name is written in Latin, Greek or Cyrillic letters: everything below the first East Asian block.
fn is_latin(text: &str) -> bool {
    text.chars().all(|c| u32::from(c) < 0x1100)
}
