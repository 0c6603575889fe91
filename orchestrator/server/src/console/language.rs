//! The console's words, from fluent, and which language a visitor reads.

use super::assets;
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use std::sync::LazyLock;
use tera::{Kwargs, State, TeraResult, Value};
use words::Language;

/// The words of one language.
pub(crate) struct Words(FluentBundle<FluentResource>);

impl Words {
    /// From the file inside the binary.
    pub(crate) fn of(language: Language) -> Self {
        let name = tag(language);
        let text = assets::text(&format!("{name}.ftl"));
        // What does not parse is left out here; a test holds that nothing is.
        let resource = FluentResource::try_new(text).unwrap_or_else(|(resource, _)| resource);
        let mut bundle = FluentBundle::new_concurrent(name.parse().into_iter().collect());
        bundle.set_use_isolating(false);
        let _ = bundle.add_resource(resource);
        Self(bundle)
    }

    /// Whether there is such a message.
    #[cfg(test)]
    pub(crate) fn has(&self, key: &str) -> bool {
        self.0.has_message(key)
    }

    /// The message `key`; the key itself where there is none, so that a page never fails for want of a word.
    pub(crate) fn get(&self, key: &str, args: &FluentArgs<'_>) -> String {
        let Some(pattern) = self.0.get_message(key).and_then(|message| message.value()) else {
            return key.to_owned();
        };
        self.0.format_pattern(pattern, Some(args), &mut Vec::new()).into_owned()
    }

    /// A message without arguments.
    pub(crate) fn plain(&self, key: &str) -> String {
        self.get(key, &FluentArgs::new())
    }

    /// A message where there is one under `prefix-name`, else the name as it is: for names that anybody may coin.
    pub(crate) fn named(&self, prefix: &str, name: &str) -> String {
        let key = format!("{prefix}-{}", name.replace(['_', '.'], "-"));
        if self.0.has_message(&key) { self.plain(&key) } else { name.to_owned() }
    }
}

/// The filter `t` of templates: `{{ "key" | t(n=3) }}`. Its output is escaped like any text.
pub(crate) fn filter(words: &Words, key: &str, kwargs: &Kwargs, _: &State<'_>) -> TeraResult<String> {
    let mut args = FluentArgs::new();
    for (name, value) in kwargs.iter() {
        if let Some(name) = name.as_str() {
            args.set(name.to_owned(), argument(value));
        }
    }
    Ok(words.get(key, &args))
}

fn argument(value: &Value) -> FluentValue<'static> {
    match value.as_i128() {
        #[allow(clippy::cast_precision_loss, reason = "counts of a console stay far below 2^53")]
        Some(number) => FluentValue::from(number as f64),
        None => FluentValue::from(value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
    }
}

/// What the console calls the name `name` of a group of names (`outcome`, `channel`, `receipt` …), for whatever else speaks
/// to people: the name itself where nothing else is known for it.
pub fn label(language: Language, group: &str, name: &str) -> String {
    spoken(language).named(group, name)
}

/// The words of an outcome; what the development inbox took is said to be kept there, and nowhere else.
pub(crate) fn outcome_words(words: &Words, name: &str, in_inbox: bool) -> String {
    match (in_inbox, name) {
        (false, _) => words.named("outcome", name),
        (true, "accepted") => words.plain("outcome-in-inbox"),
        (true, _) => {
            let mut args = FluentArgs::new();
            args.set("outcome", words.named("outcome", name));
            words.get("outcome-by-inbox", &args)
        }
    }
}

/// The same, for whatever else speaks to people.
pub fn outcome(language: Language, name: &str, in_inbox: bool) -> String {
    outcome_words(spoken(language), name, in_inbox)
}

/// The particulars of an act in a line, for whatever else speaks to people.
pub fn particulars(language: Language, titles: &super::Titles, act: &store::Act) -> String {
    super::acts::particulars(spoken(language), titles, act)
}

/// A word of the console by its key.
pub fn word(language: Language, key: &str) -> String {
    spoken(language).plain(key)
}

pub(super) fn spoken(language: Language) -> &'static Words {
    static EN: LazyLock<Words> = LazyLock::new(|| Words::of(Language::En));
    static JA: LazyLock<Words> = LazyLock::new(|| Words::of(Language::Ja));
    match language {
        Language::En => &EN,
        Language::Ja => &JA,
    }
}

/// The language's tag.
pub(crate) fn tag(language: Language) -> &'static str {
    match language {
        Language::En => "en",
        Language::Ja => "ja",
    }
}

/// What was asked for by name; `None` for anything but the two.
pub(crate) fn parse(text: &str) -> Option<Language> {
    match text {
        "en" => Some(Language::En),
        "ja" => Some(Language::Ja),
        _ => None,
    }
}

/// The first of the two languages by the weights of `Accept-Language` (RFC 9110 section 12.5.4); English where none is.
pub(crate) fn accepted(header: &str) -> Language {
    let mut best = (0, Language::En);
    for range in header.split(',') {
        let (name, weight) = range.split_once(';').unwrap_or((range, ""));
        let language = match name.trim().to_ascii_lowercase().split('-').next() {
            Some("ja") => Language::Ja,
            Some("en") => Language::En,
            _ => continue,
        };
        let weight = weight.trim().strip_prefix("q=").map_or(1.0, |q| q.parse::<f32>().unwrap_or(0.0));
        #[allow(clippy::cast_possible_truncation, reason = "a weight is between 0 and 1")]
        let weight = (weight.clamp(0.0, 1.0) * 1000.0) as i32;
        if weight > best.0 {
            best = (weight, language);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_the_one_the_browser_would_rather_have() {
        for (header, language) in [
            ("", Language::En),
            ("ja", Language::Ja),
            ("ja-JP,ja;q=0.9,en-US;q=0.8", Language::Ja),
            ("en-GB,en;q=0.9,ja;q=0.8", Language::En),
            ("fr,de;q=0.7,ja;q=0.3", Language::Ja),
            ("fr", Language::En),
            ("ja;q=0,en;q=0.1", Language::En),
            ("ja;q=abc", Language::En),
        ] {
            assert_eq!(accepted(header), language, "{header}");
        }
    }
}
