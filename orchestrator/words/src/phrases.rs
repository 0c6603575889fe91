//! Sentences that exist in English alone (engines, APIs, errors between processes), said in Japanese at the edge where a
//! person reads them.
//!
//! A phrase is a pattern: `{}` stands for what was put in, in the order of the English. In Japanese `「{}」` is a name, said as
//! it is; a bare `{}` is said in Japanese where it has one.

/// A book of phrases.
#[derive(Debug, Clone, Copy)]
pub struct Phrases {
    /// English pattern and Japanese; the first that fits is taken.
    sentences: &'static [(&'static str, &'static str)],
    /// What may be put in and has a Japanese of its own.
    words: &'static [(&'static str, &'static str)],
}

impl Phrases {
    /// From its sentences and words.
    pub const fn new(
        sentences: &'static [(&'static str, &'static str)],
        words: &'static [(&'static str, &'static str)],
    ) -> Self {
        Self { sentences, words }
    }

    /// The Japanese of a sentence; `None`: nobody wrote it down.
    pub fn japanese(&self, english: &str) -> Option<String> {
        self.sentences.iter().find_map(|(pattern, japanese)| {
            let mut found = taken(pattern, english)?.into_iter();
            let mut out = String::new();
            for (n, part) in japanese.split("{}").enumerate() {
                if n > 0 {
                    let put_in = found.next().unwrap_or_default();
                    if out.ends_with('「') {
                        out.push_str(put_in.trim_matches('`'));
                    } else {
                        out.push_str(&self.word(put_in));
                    }
                }
                out.push_str(part);
            }
            Some(out)
        })
    }

    /// Several sentences, parted by `; `: each in Japanese where it has one.
    pub fn each(&self, english: &str) -> String {
        let parts: Vec<&str> = english.split("; ").collect();
        let told: Vec<Option<String>> = parts.iter().map(|part| self.japanese(part)).collect();
        if told.iter().all(Option::is_some) {
            return told.into_iter().flatten().collect::<Vec<_>>().join("。");
        }
        // A sentence may hold such a sign itself.
        self.japanese(english).unwrap_or_else(|| {
            let mixed =
                told.into_iter().zip(parts).map(|(told, part)| told.unwrap_or_else(|| part.to_owned()));
            mixed.collect::<Vec<_>>().join("。")
        })
    }

    /// The English patterns, for tests that look whether anybody still says them.
    pub fn patterns(&self) -> impl Iterator<Item = &'static str> {
        self.sentences.iter().map(|(pattern, _)| *pattern)
    }

    /// The first pattern that no sentence reaches, because an earlier one fits everything that it fits and says something
    /// else, or whose Japanese asks for more than it has.
    pub fn unreachable(&self) -> Option<&'static str> {
        self.sentences.iter().enumerate().find_map(|(at, (pattern, japanese))| {
            let filled = pattern.replace("{}", "x");
            let first = self.sentences.iter().position(|(other, _)| taken(other, &filled).is_some());
            let same = first.is_some_and(|first| first == at || self.sentences[first].1 == *japanese);
            let fits = japanese.matches("{}").count() <= pattern.matches("{}").count();
            (!same || !fits).then_some(*pattern)
        })
    }

    /// What was put in: a name or a sign stays as it is, without the marks of the English around it.
    fn word(&self, found: &str) -> String {
        let found = found.trim();
        if let Some((_, japanese)) = self.words.iter().find(|(english, _)| *english == found) {
            return (*japanese).to_owned();
        }
        match self.japanese(found) {
            Some(japanese) => japanese,
            None => found.split(", ").map(|part| part.trim_matches('`')).collect::<Vec<_>>().join("、"),
        }
    }
}

/// What stands at each `{}` of the pattern, where the text is of it.
fn taken<'t>(pattern: &str, text: &'t str) -> Option<Vec<&'t str>> {
    let mut parts = pattern.split("{}");
    let mut rest = text.strip_prefix(parts.next()?)?;
    let mut out = Vec::new();
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        // The last part ends the text: what was put in may hold it as well.
        let at = match parts.peek() {
            None => rest.len().checked_sub(part.len()).filter(|at| rest.get(*at..) == Some(part))?,
            Some(_) => rest.find(part)?,
        };
        out.push(&rest[..at]);
        rest = &rest[at + part.len()..];
    }
    rest.is_empty().then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOK: Phrases = Phrases::new(
        &[
            ("no file", "ファイルがありません"),
            ("{} cannot be read: {}", "{}を読めません（{}）"),
            ("wants {}, not {}.", "必要なのは{}です（{}でした）"),
            ("no column {}", "列「{}」がありません"),
            ("wants {}, not {}.", "never"),
        ],
        &[("a number", "数値")],
    );

    #[test]
    fn what_was_put_in_is_said_again_and_a_sentence_within_one_as_well() {
        for (english, japanese) in [
            ("no file", Some("ファイルがありません")),
            ("a: b.csv cannot be read: no file", Some("a: b.csvを読めません（ファイルがありません）")),
            ("wants a number, not `x`.", Some("必要なのは数値です（xでした）")),
            ("wants a, b, not c. d..", Some("必要なのはa、bです（c. d.でした）")),
            ("no column `a number`", Some("列「a number」がありません")),
            ("something else", None),
        ] {
            assert_eq!(BOOK.japanese(english).as_deref(), japanese, "{english}");
        }
        assert_eq!(BOOK.each("no file; who knows"), "ファイルがありません。who knows");
        assert_eq!(BOOK.unreachable(), Some("wants {}, not {}."));
    }
}
