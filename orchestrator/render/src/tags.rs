//! Tags that come in pairs: `{% if … %}` and `{% endif %}`. The engine stumbles at the next tag, and does not say which one
//! stays open.

use crate::problems::{Place, Problems};
use crate::scan::{Kind, segments, tokens};
use std::ops::Range;
use words::Text;

/// Tags that an `end…` closes.
const PAIRED: [&str; 5] = ["if", "for", "block", "filter", "component"];

/// A tag without its partner.
pub(crate) enum Unpaired {
    /// Opened and not closed before the tag that closes something further out, or before the end.
    Open {
        name: String,
        place: Range<usize>,
        /// What stands where it should have been closed, and its line; `None`: the end of the file.
        before: Option<(String, usize)>,
    },
    /// It closes what was never opened.
    Closing { name: String, place: Range<usize> },
}

/// The first tag that lacks its partner.
pub(crate) fn unpaired(text: &str) -> Option<Unpaired> {
    let mut open: Vec<(String, Range<usize>)> = Vec::new();
    for segment in segments(text).iter().filter(|segment| segment.kind == Kind::Tag) {
        let inside = tokens(text, segment.inner.clone());
        let Some(word) = inside.first().and_then(|token| token.word()) else { continue };
        if let Some(name) = word.strip_prefix("end").filter(|name| PAIRED.contains(name)) {
            let line = text[..segment.span.start].matches('\n').count() + 1;
            match open.last() {
                Some((innermost, _)) if innermost == name => drop(open.pop()),
                Some((innermost, place)) if open.iter().any(|(outer, _)| outer == name) => {
                    return Some(Unpaired::Open {
                        name: innermost.clone(),
                        place: place.clone(),
                        before: Some((word.to_owned(), line)),
                    });
                }
                _ => return Some(Unpaired::Closing { name: name.to_owned(), place: segment.span.clone() }),
            }
        } else if PAIRED.contains(&word) {
            open.push((word.to_owned(), segment.span.clone()));
        }
    }
    let (name, place) = open.pop()?;
    Some(Unpaired::Open { name, place, before: None })
}

impl Unpaired {
    /// At the tag that has to be mended.
    pub(crate) fn report(&self, path: &str, problems: &mut Problems) {
        let (place, title, label, help) = match self {
            Self::Open { name, place, before } => {
                let (en, ja) = match before {
                    Some((tag, line)) => (
                        format!(" before {{% {tag} %}} in line {line}"),
                        format!("{line} 行目の {{% {tag} %}} より前に "),
                    ),
                    None => (String::new(), String::new()),
                };
                (
                    place,
                    Text::new(
                        format!("this {{% {name} %}} is never closed"),
                        format!("この {{% {name} %}} が閉じられていません"),
                    ),
                    Text::new("it opens here", "ここで開いています"),
                    Text::new(
                        format!("write {{% end{name} %}}{en}"),
                        format!("{ja}{{% end{name} %}} を書いてください"),
                    ),
                )
            }
            Self::Closing { name, place } => (
                place,
                Text::new(
                    format!("{{% end{name} %}} closes nothing"),
                    format!("{{% end{name} %}} に対応する {{% {name} %}} がありません"),
                ),
                Text::new("nothing of this kind is open here", "ここでは開いていません"),
                Text::new(
                    format!("take it away, or write {{% {name} … %}} before it"),
                    format!("これを消すか、手前に {{% {name} … %}} を書いてください"),
                ),
            ),
        };
        problems.error("T010", &Place::new(path, place.clone()), title, label, help);
    }
}
