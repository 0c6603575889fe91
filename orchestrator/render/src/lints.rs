//! What a mail must carry by law, and what it needs to be readable by everybody.

use crate::brand::Brand;
use crate::flatten::Piece;
use crate::names::translation;
use crate::problems::{Place, Problems};
use crate::scan::{self, Kind};
use crate::strings::{Bit, Strings};
use words::{Channel, Country, Locale, MessageClass, Text};

/// Replies that stop SMS in every language, as a text would name them.
const STOP_WORDS: [&str; 3] = ["STOP", "停止", "解除"];

/// Whether the parts of a channel carry what advertising must; where the message says that it is advertising, a problem
/// for each thing that is not there.
///
/// Sources: 特定電子メール法 (Act No. 26 of 2002) art. 4 and its ordinance: sender's name, address, contact for complaints,
/// the way to refuse; US CAN-SPAM Act 15 U.S.C. 7704(a)(5): a valid physical postal address and a way to opt out.
pub(crate) fn fit_for_marketing(
    message: &str,
    channel: &Channel,
    parts: &[(&str, &[Piece])],
    brand: &Brand,
    strings: &Strings,
    class: MessageClass,
    problems: &mut Problems,
) -> bool {
    let mut fit = true;
    let complain = class == MessageClass::Marketing;
    for (part, pieces) in parts {
        let reads = |path: &str| reads(pieces, path);
        let Some(place) = pieces.first().map(|p| Place::new(&p.place.file, 0..0)) else { continue };
        match (channel.as_str(), *part) {
            ("email", "html" | "text") => {
                if !reads("links.unsubscribe_url") {
                    fit = false;
                    if complain {
                        no_way_out(message, channel, &place, problems);
                    }
                }
                let mut wanted = vec!["legal.postal_address"];
                if brand.countries.contains(&Country::JP) {
                    wanted.extend(["legal.sender", "legal.complaints"]);
                }
                for path in wanted {
                    let there = brand.paths().any(|known| known == path);
                    if !there || !reads(&format!("brand.{path}")) {
                        fit = false;
                        if complain {
                            no_sender_block(message, path, there, &place, problems);
                        }
                    }
                }
            }
            ("sms", "body") => {
                let stop = brand.locales.iter().all(|locale| says_stop(pieces, message, locale, strings));
                if !stop && !reads("links.unsubscribe_url") && !reads("links.preferences_url") {
                    fit = false;
                    if complain {
                        no_way_out(message, channel, &place, problems);
                    }
                }
            }
            _ => {}
        }
    }
    fit
}

/// Whether an SMS names the word that stops it, in its template or in a translation that it prints.
fn says_stop(pieces: &[Piece], message: &str, locale: &Locale, strings: &Strings) -> bool {
    let names = |text: &str| STOP_WORDS.iter().any(|word| text.contains(word));
    pieces.iter().any(|piece| match piece.kind {
        Kind::Text => names(&piece.text),
        Kind::Print => {
            let tokens = scan::tokens(&piece.text, 0..piece.text.len());
            let calls = (0..tokens.len()).filter_map(|at| translation(&tokens, at));
            let mut keys = calls.filter_map(|call| call.key.map(|(key, _)| key));
            let says = |key: String| {
                strings.get(locale, message, &key).is_some_and(|entry| {
                    entry.bits.iter().any(|bit| matches!(bit, Bit::Text(text) if names(text)))
                })
            };
            keys.any(says)
        }
        _ => false,
    })
}

/// Whether a part prints or looks at this path.
pub(crate) fn reads(pieces: &[Piece], path: &str) -> bool {
    pieces.iter().any(|p| matches!(p.kind, Kind::Print | Kind::Tag) && mentions(&p.text, path))
}

/// Whether a tag's text names the path as a whole.
fn mentions(text: &str, path: &str) -> bool {
    text.match_indices(path).any(|(at, _)| {
        let after = text[at + path.len()..].chars().next();
        !after.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

fn no_way_out(message: &str, channel: &Channel, place: &Place, problems: &mut Problems) {
    let help = if *channel == Channel::SMS {
        Text::new(
            "say how to stop it, like `Reply STOP to stop`, in every language, or print {{ links.unsubscribe_url }}; or say in message.yaml what else the message is: `use: service`",
            "「配信停止は STOP と返信」のように止め方をすべての言語で書くか、{{ links.unsubscribe_url }} を入れてください。広告でなければ message.yaml に「use: service」などと書いてください",
        )
    } else {
        Text::new(
            "print {{ links.unsubscribe_url }} in a link, or say in message.yaml what else the message is: `use: service`",
            "{{ links.unsubscribe_url }} へのリンクを入れるか、広告でなければ message.yaml に「use: service」などと書いてください",
        )
    };
    problems.error(
        "T042",
        place,
        Text::new(
            format!("`{message}` is advertising and has no way out (rule EML-002)"),
            format!("「{message}」は広告ですが、配信停止の手段がありません（規則 EML-002）"),
        ),
        Text::new("no unsubscribe link in this part", "この部品に配信停止リンクがありません"),
        help,
    );
}

fn no_sender_block(message: &str, path: &str, there: bool, place: &Place, problems: &mut Problems) {
    let help = if there {
        Text::new(
            format!("print {{{{ brand.{path} }}}}, best in the footer of the layout"),
            format!("{{{{ brand.{path} }}}} を入れてください。レイアウトのフッターが適しています"),
        )
    } else {
        Text::new(
            format!("say `{path}` in brand.yaml and print {{{{ brand.{path} }}}} in the footer"),
            format!("brand.yaml に {path} を書き、フッターに {{{{ brand.{path} }}}} を入れてください"),
        )
    };
    problems.error(
        "T041",
        place,
        Text::new(
            format!("`{message}` is advertising and does not show `brand.{path}` (rule EML-001)"),
            format!("「{message}」は広告ですが「brand.{path}」の表示がありません（規則 EML-001）"),
        ),
        Text::new("the sender block is not whole in this part", "この部品の送信者表示が足りません"),
        help,
    );
}

/// Pictures without a text for those who do not see them, documents without a language.
pub(crate) fn html(pieces: &[Piece], problems: &mut Problems) {
    let mut flat = String::new();
    let mut starts = Vec::new();
    for piece in pieces {
        starts.push((flat.len(), &piece.place));
        // A tag may hold `>`; it is no end of an element.
        match piece.kind {
            Kind::Text => flat.push_str(&piece.text),
            _ => flat.push_str(&"x".repeat(piece.text.len())),
        }
    }
    let place_of = |at: usize, len: usize| {
        let found = starts.iter().rev().find(|(start, _)| *start <= at);
        found.map(|(start, place)| {
            let from = (place.span.start + at - start).min(place.span.end);
            Place::new(&place.file, from..(from + len).min(place.span.end))
        })
    };
    for open in ["<img", "<mj-image"] {
        for (at, _) in flat.match_indices(open) {
            let rest = &flat[at + open.len()..];
            if !rest.starts_with(|c: char| c.is_whitespace() || c == '/' || c == '>') {
                continue;
            }
            let end = rest.find('>').unwrap_or(rest.len());
            let has_alt = rest[..end].split(|c: char| c.is_whitespace()).any(|word| word.starts_with("alt="));
            if let Some(place) = place_of(at, open.len()).filter(|_| !has_alt) {
                problems.error(
                    "T043",
                    &place,
                    Text::new("this picture has no alt text", "画像に代替テキストがありません"),
                    Text::new("those who do not see it get nothing", "画像を見られない人に伝わりません"),
                    Text::new(
                        "add alt=\"…\", or alt=\"\" where it is mere decoration",
                        "alt=\"…\" を付けてください。飾りなら alt=\"\" とします",
                    ),
                );
            }
        }
    }
    if let Some(at) = flat.find("<html") {
        let end = flat[at..].find('>').map_or(flat.len(), |e| e + at);
        if let Some(place) = place_of(at, 5).filter(|_| !flat[at..end].contains("lang=")) {
            problems.warning(
                "T044",
                &place,
                Text::new("the document does not name its language", "文書の言語が書かれていません"),
                Text::new("a screen reader would guess", "読み上げソフトが言語を判断できません"),
                Text::new(
                    "write <html lang=\"{{ locale }}\">",
                    "<html lang=\"{{ locale }}\"> と書いてください",
                ),
            );
        }
    }
}
