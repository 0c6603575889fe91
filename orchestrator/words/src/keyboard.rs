//! Signs that keyboards and word processors put where YAML wants plain ones, and what to type instead.
//!
//! Pure. YAML's own word on them points at the line before or behind, and names none of them.

use crate::Text;
use std::ops::Range;

/// Quotes as word processors and Japanese keyboards write them.
pub const CURLY: [char; 8] = ['“', '”', '„', '‘', '’', '‚', '＂', '＇'];

/// A sign that is none to YAML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sign {
    /// A tab in the indentation.
    Tab,
    /// A full-width space in the indentation.
    Space,
    /// A full-width colon behind this key.
    Colon(String),
    /// A dash that is no `-`, before an item of a list.
    Dash(char),
}

impl Sign {
    /// What is wrong.
    pub fn title(&self) -> Text {
        match self {
            Self::Tab => {
                Text::new("a tab stands where YAML wants spaces", "YAML では字下げにタブを使えません")
            }
            Self::Space => Text::new(
                "a full-width space stands where YAML wants spaces",
                "YAML では字下げに全角スペースを使えません",
            ),
            Self::Colon(_) => Text::new(
                "a full-width colon ends no key in YAML",
                "YAML では全角のコロンでキーを終えられません",
            ),
            Self::Dash(sign) => Text::new(
                format!("`{sign}` begins no item of a list in YAML"),
                format!("YAML では「{sign}」でリストの項目を始められません"),
            ),
        }
    }

    /// What the place is.
    pub fn label(&self) -> Text {
        match self {
            Self::Tab => Text::new("a tab is in here", "ここにタブがあります"),
            Self::Space => Text::new("a full-width space is in here", "ここに全角スペースがあります"),
            Self::Colon(_) => Text::new("this colon is full-width", "このコロンが全角です"),
            Self::Dash(_) => Text::new("this is no plain hyphen", "半角のハイフンではありません"),
        }
    }

    /// What to type.
    pub fn help(&self) -> Text {
        match self {
            Self::Tab | Self::Space => Text::new(
                "indent with two spaces per level",
                "1 段につき半角スペース 2 個で字下げしてください",
            ),
            Self::Colon(key) => Text::new(
                format!("write `{key}: ` with a colon of your plain keyboard and a space"),
                format!("半角のコロンと空白で「{key}: 」と書いてください"),
            ),
            Self::Dash(_) => Text::new(
                "write `- `: the hyphen of your plain keyboard and a space",
                "半角のハイフンと空白で「- 」と書いてください",
            ),
        }
    }
}

/// The sign in the line around `at`, or in a line next to it: the parser stops before or behind it.
pub fn near(source: &str, at: usize) -> Option<(Range<usize>, Sign)> {
    let here = line_at(source, at);
    let mut lines = vec![here.clone()];
    if here.end < source.len() {
        lines.push(line_at(source, here.end + 1));
    }
    let mut start = here.start;
    for _ in 0..3 {
        if start > 0 {
            let line = line_at(source, start - 1);
            start = line.start;
            lines.push(line);
        }
    }
    lines.into_iter().find_map(|line| {
        let (place, sign) = in_line(&source[line.clone()])?;
        Some((line.start + place.start..line.start + place.end, sign))
    })
}

/// The sign in one line, at bytes of it.
pub fn in_line(line: &str) -> Option<(Range<usize>, Sign)> {
    let rest = line.trim_start_matches([' ', '\t', '\u{3000}']);
    let lead = line.len() - rest.len();
    if rest.is_empty() || rest.starts_with('#') {
        return None;
    }
    if let Some(at) = line[..lead].find(['\t', '\u{3000}']) {
        let sign = if line[at..].starts_with('\t') { Sign::Tab } else { Sign::Space };
        return Some((at..lead, sign));
    }
    let first = rest.chars().next()?;
    let behind = &rest[first.len_utf8()..];
    if matches!(first, '－' | 'ー' | '‐' | '‑' | '–' | '—' | '−' | '・')
        && behind.starts_with([' ', '\u{3000}'])
    {
        return Some((lead..lead + first.len_utf8(), Sign::Dash(first)));
    }
    let item = rest.trim_start_matches("- ");
    let (key, colon) = colon_of(item)?;
    let at = line.len() - item.len() + key.len();
    Some((at..at + colon.len_utf8(), Sign::Colon(key.to_owned())))
}

/// The key that a full-width colon ends: `wait：1 day`.
pub fn colon_of(text: &str) -> Option<(&str, char)> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))?;
    (end > 0 && text[end..].starts_with('：')).then(|| (&text[..end], '：'))
}

/// The line around `at`, without its end.
fn line_at(source: &str, at: usize) -> Range<usize> {
    let mut at = at.min(source.len());
    while !source.is_char_boundary(at) {
        at -= 1;
    }
    let start = source[..at].rfind('\n').map_or(0, |n| n + 1);
    let end = source[at..].find('\n').map_or(source.len(), |n| at + n);
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_sign_is_found_where_it_stands_and_plain_yaml_has_none() {
        for (line, place, sign) in [
            ("\t- wait: 1 day", 0..1, Sign::Tab),
            ("  　wait: 1 day", 2..5, Sign::Space),
            ("  - wait：1 day", 8..11, Sign::Colon("wait".to_owned())),
            ("  － wait: 1 day", 2..5, Sign::Dash('－')),
        ] {
            assert_eq!(in_line(line), Some((place, sign)), "{line}");
        }
        for line in ["", "# ：", "- wait: 1 day", "title: 件名：お礼", "お知らせ：本日", "-3", "ーと言う"]
        {
            assert_eq!(in_line(line), None, "{line}");
        }
        assert_eq!(near("a: 1\nzone：b\nc: 2\n", 16).map(|(place, _)| place), Some(9..12));
    }
}
