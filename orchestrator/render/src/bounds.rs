//! How deep and how long the pieces of a file may be. The parsers behind us walk into what they read and back out again:
//! what goes in too deep ends the process, not the file.

use crate::problems::{Place, Problems};
use crate::scan::{Kind, segments, tokens};
use std::ops::Range;
use words::Text;

/// Bytes of one `{{ … }}` or `{% … %}`.
const TAG_BYTES_MAX: usize = 4096;
/// Words and signs of one.
const TAG_TOKENS_MAX: usize = 300;
/// `{% elif %}` of one file.
const ELIF_MAX: usize = 100;
/// Braces in braces in translations.
const BRACES_MAX: usize = 16;
/// Elements of MJML in elements of MJML.
const ELEMENTS_MAX: usize = 64;

/// Whether a file may be shown to a parser; a problem says why not.
pub(crate) fn within(path: &str, text: &str, problems: &mut Problems) -> bool {
    let found = match path.rsplit('.').next() {
        Some("ftl") => braces(text),
        Some("mjml" | "html") => tags(text).or_else(|| elements(text)),
        Some("txt" | "json") => tags(text),
        _ => None,
    };
    let Some((span, title)) = found else { return true };
    problems.error(
        "T002",
        &Place::new(path, span),
        title,
        Text::new("not read", "読み込みません"),
        Text::new(
            "make several smaller ones of it, with {% set %} or a block of its own",
            "{% set %} やブロックを使って、いくつかに分けてください",
        ),
    );
    false
}

fn tags(text: &str) -> Option<(Range<usize>, Text)> {
    let mut elifs = 0;
    for segment in segments(text) {
        if !matches!(segment.kind, Kind::Print | Kind::Tag) {
            continue;
        }
        let start = segment.span.start..segment.span.start + 2;
        if segment.inner.len() > TAG_BYTES_MAX {
            let title = Text::new(
                format!("this is longer than {TAG_BYTES_MAX} bytes, or it is never closed"),
                format!("{TAG_BYTES_MAX} バイトを超えているか、閉じられていません"),
            );
            return Some((start, title));
        }
        let tokens = tokens(text, segment.inner.clone());
        if tokens.len() > TAG_TOKENS_MAX {
            let title = Text::new(
                format!("this has more than {TAG_TOKENS_MAX} words and signs"),
                format!("語と記号が {TAG_TOKENS_MAX} 個を超えています"),
            );
            return Some((start, title));
        }
        elifs += usize::from(tokens.first().and_then(crate::scan::Token::word) == Some("elif"));
        if elifs > ELIF_MAX {
            let title = Text::new(
                format!("a file may have {ELIF_MAX} `elif`, this is one more"),
                format!("elif は 1 ファイルに {ELIF_MAX} 個までです"),
            );
            return Some((start, title));
        }
    }
    None
}

fn braces(text: &str) -> Option<(Range<usize>, Text)> {
    let mut depth = 0usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > BRACES_MAX {
            let title = Text::new(
                format!("braces may be {BRACES_MAX} deep, this one is deeper"),
                format!("波かっこの入れ子は {BRACES_MAX} 段までです"),
            );
            return Some((at..at + 1, title));
        }
    }
    None
}

/// By the words of opening and closing alone: more is for the parser to say.
fn elements(text: &str) -> Option<(Range<usize>, Text)> {
    let mut depth = 0usize;
    let mut rest = 0;
    while let Some(open) = text[rest..].find('<').map(|at| rest + at) {
        let after = &text[open + 1..];
        let close = after.find('>').map_or(text.len(), |at| open + 1 + at);
        // HTML may leave its elements open; MJML may not.
        if after.starts_with("/mj") {
            depth = depth.saturating_sub(1);
        } else if after.starts_with("mj") && !text[..close].ends_with('/') {
            depth += 1;
        }
        if depth > ELEMENTS_MAX {
            let title = Text::new(
                format!("elements may be {ELEMENTS_MAX} deep, this one is deeper"),
                format!("要素の入れ子は {ELEMENTS_MAX} 段までです"),
            );
            return Some((open..open + 1, title));
        }
        rest = open + 1;
    }
    None
}
