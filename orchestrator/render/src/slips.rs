//! What is no mistake of grammar and still not what anybody wants a customer to read: tags that print themselves,
//! markup in plain words, a subject that no inbox shows.

use crate::flatten::Piece;
use crate::fold::Out;
use crate::names::translation;
use crate::problems::{Place, Problems};
use crate::scan::{self, Kind};
use crate::scope::Mode;
use crate::strings::{Bit, Strings};
use words::{Channel, Locale, Text};

/// Inboxes show 40 to 80 characters; this long a subject is a slip.
const SUBJECT_MAX: usize = 150;
/// Parts of an SMS that providers put together again, and bill one by one.
const SMS_PARTS_MAX: usize = 6;

/// `{ name }` and `{ t(key="…") }`: one brace too few, and the template prints it.
/// Whether there was one.
pub(crate) fn single_braces(pieces: &[Piece], known: &dyn Fn(&str) -> bool, problems: &mut Problems) -> bool {
    let mut found = false;
    for piece in pieces.iter().filter(|piece| piece.kind == Kind::Text) {
        for (at, _) in piece.text.match_indices('{') {
            let before = piece.text[..at].chars().next_back();
            let rest = piece.text[at + 1..].trim_start();
            let name: String =
                rest.chars().take_while(|c| c.is_ascii_alphanumeric() || "_.".contains(*c)).collect();
            let after = rest[name.len()..].trim_start();
            let root = name.split('.').next().unwrap_or_default();
            let call = matches!(name.as_str(), "t" | "t_html") && after.starts_with('(');
            let print = after.starts_with('}') && !after.starts_with("}}") && known(root);
            if before == Some('{') || !(call || print) {
                continue;
            }
            let end = piece.text[at..].find('}').map_or(at + 1, |close| at + close + 1);
            let written = piece.text[at..end].trim_matches(['{', '}', ' ']).to_owned();
            let start = piece.place.span.start;
            problems.error(
                "T049",
                &Place::new(&piece.place.file, start + at..start + end),
                Text::new("this prints itself, braces and all", "このままでは波かっこごと表示されます"),
                Text::new("one brace is only text", "波かっこが 1 つでは、ただの文字です"),
                Text::new(
                    format!("write two braces: {{{{ {written} }}}}"),
                    format!("波かっこを 2 つ書いてください：{{{{ {written} }}}}"),
                ),
            );
            found = true;
        }
    }
    found
}

/// Translations with markup, printed as plain words.
pub(crate) fn markup(
    pieces: &[Piece],
    mode: Mode,
    message: &str,
    locales: &[Locale],
    strings: &Strings,
    problems: &mut Problems,
) {
    for piece in pieces.iter().filter(|piece| piece.kind == Kind::Print) {
        let tokens = scan::tokens(&piece.text, 0..piece.text.len());
        let calls = (0..tokens.len()).filter_map(|at| translation(&tokens, at)).filter(|call| !call.html);
        for (key, _) in calls.filter_map(|call| call.key) {
            for locale in locales {
                let Some(entry) = strings.get(locale, message, &key) else { continue };
                let texts = entry.bits.iter().filter_map(|bit| match bit {
                    Bit::Text(text) => Some(text.as_str()),
                    _ => None,
                });
                let Some(tag) = texts.filter_map(tag_of).next() else { continue };
                let help = if mode == Mode::Html {
                    Text::new(
                        format!("print it with t_html(key=\"{key}\"), or take the markup away"),
                        format!("t_html(key=\"{key}\") で表示するか、タグを外してください"),
                    )
                } else {
                    Text::new(
                        "this part is plain text: take the markup away",
                        "この部品は書式のない文です。タグを外してください",
                    )
                };
                problems.warning(
                    "T050",
                    &entry.place,
                    Text::new(
                        format!("`{tag}` in the {locale} text of `{key}` is shown as it is written"),
                        format!("「{key}」の {locale} の文にある「{tag}」は、そのまま表示されます"),
                    ),
                    Text::new("markup in plain words", "書式のない文にタグがあります"),
                    help,
                );
            }
        }
    }
}

/// The first tag in a text: `<b>`, `</a>`, `<br/>`.
fn tag_of(text: &str) -> Option<&str> {
    text.match_indices('<').find_map(|(at, _)| {
        let end = text[at..].find('>')? + at + 1;
        let inner = text[at + 1..end - 1].trim_start_matches('/');
        let named = inner.starts_with(|c: char| c.is_ascii_alphabetic()) && !inner.contains(['<', '@']);
        named.then(|| &text[at..end])
    })
}

/// A subject or an SMS that is too long before anything is put in.
pub(crate) fn length(channel: &Channel, part: &str, locale: &Locale, outs: &[Out], problems: &mut Problems) {
    let Some(place) = outs.first().map(|out| Place::new(&out.place().file, 0..0)) else { return };
    let text: String = outs
        .iter()
        .filter_map(|out| match out {
            Out::Text { text, .. } => Some(text.as_str()),
            Out::Tag { .. } => None,
        })
        .collect();
    let text = text.trim();
    let count = text.chars().count();
    let (title, help) = match (channel.as_str(), part) {
        ("email", "subject") if count > SUBJECT_MAX => (
            Text::new(
                format!("the {locale} subject has {count} characters"),
                format!("{locale} の件名が {count} 文字あります"),
            ),
            Text::new(
                "inboxes show about 50; say the rest in the preheader",
                "受信箱に表示されるのは 30 文字ほどです。残りは本文の冒頭で伝えてください",
            ),
        ),
        ("sms", "body") if sms_parts(text) > SMS_PARTS_MAX => {
            let parts = sms_parts(text);
            (
                Text::new(
                    format!("the {locale} SMS has {count} characters: {parts} parts, each billed"),
                    format!("{locale} の SMS が {count} 文字あり、{parts} 通分の料金がかかります"),
                ),
                Text::new(
                    "say it shorter, and link to the rest",
                    "短くまとめ、続きはリンク先で伝えてください",
                ),
            )
        }
        _ => return,
    };
    problems.warning("T051", &place, title, Text::new("too long to be read", "長すぎます"), help);
}

/// How many parts an SMS takes: 153 characters each in the usual alphabet, 67 in any other (3GPP TS 23.040).
fn sms_parts(text: &str) -> usize {
    let plain = text.chars().all(|c| c.is_ascii() || "£¥èéùìòÇØøÅåÆæßÉÄÖÑÜ§äöñüà€".contains(c));
    let (one, each) = if plain { (160, 153) } else { (70, 67) };
    let count = text.chars().count();
    if count <= one { 1 } else { count.div_ceil(each) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_and_parts_are_told_from_plain_words() {
        for (text, tag) in
            [("a <b>c</b>", Some("<b>")), ("1 < 2 > 0", None), ("x</a>", Some("</a>")), ("<a@b.c>", None)]
        {
            assert_eq!(tag_of(text), tag, "{text}");
        }
        for (text, parts) in
            [("a".repeat(160), 1), ("a".repeat(161), 2), ("あ".repeat(70), 1), ("あ".repeat(71), 2)]
        {
            assert_eq!(sms_parts(&text), parts);
        }
    }
}
