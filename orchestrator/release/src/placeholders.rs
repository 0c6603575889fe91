//! What stands in the brand so that a project begins whole, and must not reach a customer: addresses at domains that are
//! reserved for examples (RFC 2606, RFC 6761), and the postal address that `tabi init` writes.

use crate::Files;
use render::Brand;

const FILE: &str = "templates/brand.yaml";

/// Parts of postal addresses that nobody lives at, as new projects begin with them.
const INVENTED: [&str; 4] = ["Example Street", "Example City", "〒000-0000", "○○"];

/// A value that somebody has to fill in before messages reach customers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Placeholder {
    /// The file, from the project's root.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What the line says there.
    pub value: String,
}

impl std::fmt::Display for Placeholder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{} {}", self.file, self.line, self.value)
    }
}

/// Every placeholder of the brand, by line.
pub fn placeholders(files: &Files, brand: &Brand) -> Vec<Placeholder> {
    let senders = brand
        .senders
        .values()
        .flat_map(|sender| [&sender.from, &sender.reply_to, &sender.name])
        .map(|text| (text, false));
    let fields = brand.fields.iter().map(|(path, text)| (text, path == "legal.postal_address"));
    let mut values: Vec<&str> = senders
        .chain(fields)
        .flat_map(|(text, postal)| {
            text.all.iter().chain(text.by_locale.values()).map(move |value| (value, postal))
        })
        .filter(|(value, postal)| {
            is_reserved(value) || (*postal && INVENTED.iter().any(|part| value.contains(part)))
        })
        .map(|(value, _)| value.as_str())
        .collect();
    values.sort_unstable();
    values.dedup();
    let source = files.get(FILE).map(|bytes| String::from_utf8_lossy(bytes)).unwrap_or_default();
    let mut found: Vec<Placeholder> =
        values.into_iter().flat_map(|value| placed(FILE, &source, value)).collect();
    found.extend(untranslated(files));
    found.sort();
    found.dedup();
    found
}

/// Files of translations that begin, as `tabi init` writes them, by saying that they are none yet.
fn untranslated(files: &Files) -> impl Iterator<Item = Placeholder> {
    let locales = "templates/locales/";
    files.range(locales.to_owned()..).take_while(move |(path, _)| path.starts_with(locales)).filter_map(
        |(path, content)| {
            let first = std::str::from_utf8(content).ok()?.lines().next()?;
            let said = first.strip_prefix("# ").filter(|text| text.starts_with("To be translated"))?;
            Some(Placeholder { file: path.clone(), line: 1, value: said.to_owned() })
        },
    )
}

/// The lines of a file that say this value.
pub fn placed(file: &str, source: &str, value: &str) -> Vec<Placeholder> {
    let at = |line| Placeholder { file: file.to_owned(), line, value: value.to_owned() };
    let lines = source.lines().enumerate();
    let said = lines.filter(|(_, line)| !line.trim_start().starts_with('#') && says(line, value));
    let found: Vec<Placeholder> = said.map(|(n, _)| at(n + 1)).collect();
    // A text that YAML puts together from several lines is said somewhere.
    if found.is_empty() { vec![at(1)] } else { found }
}

/// Whether the line has the value as a whole, not as the beginning of a longer one.
fn says(line: &str, value: &str) -> bool {
    line.match_indices(value).any(|(at, _)| {
        let after = line[at + value.len()..].chars().next();
        after.is_none_or(|next| next.is_whitespace() || "\"',}#".contains(next))
    })
}

/// Whether a web address or an e-mail address lies at a domain that can belong to nobody.
pub fn is_reserved(value: &str) -> bool {
    let host = match (value.split_once("://"), value.rsplit_once('@')) {
        (Some((_, rest)), _) => rest.split(['/', ':', '?', '#']).next().unwrap_or_default(),
        (_, Some((_, domain))) => domain,
        _ => return false,
    };
    is_reserved_host(host)
}

/// The same of a host alone.
pub fn is_reserved_host(host: &str) -> bool {
    let host = host.trim().trim_end_matches('.').to_ascii_lowercase();
    let within =
        |domain: &str| host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
    ["example", "test", "invalid", "localhost", "example.com", "example.net", "example.org"]
        .into_iter()
        .any(within)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_domains_are_known_and_real_ones_left_alone() {
        for reserved in [
            "hello@shop.example",
            "https://shop.example/",
            "a@example.com",
            "http://www.EXAMPLE.org/x",
            "x@localhost",
        ] {
            assert!(is_reserved(reserved), "{reserved}");
        }
        for real in [
            "hello@kumo.jp",
            "https://example.jp/",
            "KUMO",
            "a@myexample.com",
            "https://kumo.jp/?u=a@b.example",
        ] {
            assert!(!is_reserved(real), "{real}");
        }
    }

    #[test]
    fn a_value_is_found_where_it_stands_alone() {
        let source = "# hello@shop.example\nsite: \"https://shop.example/\"\nurl: https://shop.example/help\nfrom: hello@shop.example\n";
        let lines = |value| placed(FILE, source, value).iter().map(|p| p.line).collect::<Vec<_>>();
        assert_eq!(lines("https://shop.example/"), [2]);
        assert_eq!(lines("hello@shop.example"), [4]);
    }
}
