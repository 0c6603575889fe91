//! MJML to HTML, once, with the template's tags kept.
//!
//! Tags travel through the MJML compiler as words that it does not touch. Between layout elements, where MJML takes no
//! text, they travel inside `mj-raw`, which it prints as it is.

use crate::fold::Out;
use crate::problems::{Place, Problems};
use std::collections::BTreeMap;
use words::{Locale, Text};

/// Elements that take elements alone.
const STRUCTURE: [&str; 12] = [
    "mjml",
    "mj-head",
    "mj-body",
    "mj-wrapper",
    "mj-section",
    "mj-group",
    "mj-column",
    "mj-hero",
    "mj-navbar",
    "mj-social",
    "mj-accordion",
    "mj-accordion-element",
];
/// Every element that MJML has.
const ELEMENTS: [&str; 33] = [
    "mjml",
    "mj-head",
    "mj-body",
    "mj-accordion",
    "mj-accordion-element",
    "mj-accordion-text",
    "mj-accordion-title",
    "mj-all",
    "mj-attributes",
    "mj-breakpoint",
    "mj-button",
    "mj-carousel",
    "mj-carousel-image",
    "mj-class",
    "mj-column",
    "mj-divider",
    "mj-font",
    "mj-group",
    "mj-hero",
    "mj-image",
    "mj-navbar",
    "mj-navbar-link",
    "mj-preview",
    "mj-raw",
    "mj-section",
    "mj-social",
    "mj-social-element",
    "mj-spacer",
    "mj-style",
    "mj-table",
    "mj-text",
    "mj-title",
    "mj-wrapper",
];
const OPEN: &str = "TABIQ";
const CLOSE: &str = "QTABI";

/// Compiles a folded part. `None` where it is no MJML; the reason is in `problems`.
pub(crate) fn compile(outs: &[Out], locale: &Locale, problems: &mut Problems) -> Option<Vec<Out>> {
    let mut composer = Composer::default();
    for (index, out) in outs.iter().enumerate() {
        composer.add(index, out);
    }
    if let Some((name, place)) = composer.stack.iter().rev().find(|(name, _)| is_element(name)).cloned() {
        composer.wrong.get_or_insert((Wrong::NotClosed(name), place));
    }
    if let Some((wrong, place)) = composer.wrong {
        wrong.report(&place, problems);
        return None;
    }
    let Composer { mut source, map, .. } = composer;
    // A reader's voice needs the language; a layout that does not name it gets it.
    let mut added = 0..0;
    if let Some(at) = source.find("<mjml") {
        let end = source[at..].find('>').map_or(source.len(), |e| e + at);
        if !source[at..end].contains("lang=") {
            let lang = format!(" lang=\"{locale}\"");
            source.insert_str(at + 5, &lang);
            added = at + 5..at + 5 + lang.len();
        }
    }
    let file = outs.first().map_or(String::new(), |out| out.place().file.clone());
    let parsed = match mrml::parse(&source) {
        Ok(parsed) => parsed,
        Err(error) => {
            let at = position(&error).map(|at| if at >= added.end { at - added.len() } else { at });
            let reason = error.to_string();
            let reason = reason.split(" in root template").next().unwrap_or(&reason);
            fail(reason, at, &map, &file, problems);
            return None;
        }
    };
    let html = match parsed.element.render(&mrml::prelude::render::RenderOptions::default()) {
        Ok(html) => html,
        Err(error) => {
            fail(&error.to_string(), None, &map, &file, problems);
            return None;
        }
    };
    restore(&html, outs, problems)
}

#[derive(Default)]
struct Composer {
    source: String,
    /// Start in the source and place, in order.
    map: Vec<(usize, Place)>,
    /// Open elements, and where they were opened.
    stack: Vec<(String, Place)>,
    /// The tag that is being read: its text so far, and where it began.
    tag: Option<(String, Place)>,
    comment: bool,
    /// The first element that is not as it should be: the compiler would pass over it in silence.
    wrong: Option<(Wrong, Place)>,
}

/// What can be wrong with an element.
enum Wrong {
    Unknown(String),
    NotClosed(String),
    /// Nearly the name of the element that is open here.
    Misspelt(String, String),
    /// Something else is open at this place: it, and where it was opened.
    Crossed(String, Option<(String, Place)>),
}

impl Wrong {
    fn report(&self, place: &Place, problems: &mut Problems) {
        let (title, help) = match self {
            Self::Unknown(name) => (
                Text::new(
                    format!("MJML has no element `{name}`"),
                    format!("MJML に要素「{name}」はありません"),
                ),
                crate::problems::did_you_mean(name, ELEMENTS).map(|meant| {
                    Text::new(format!("did you mean `{meant}`?"), format!("「{meant}」のことでしょうか？"))
                }),
            ),
            Self::NotClosed(name) | Self::Crossed(_, Some((name, _))) => (
                Text::new(format!("`<{name}>` is never closed"), format!("「<{name}>」が閉じられていません")),
                Some(Text::new(
                    format!("close it with `</{name}>`"),
                    format!("「</{name}>」で閉じてください"),
                )),
            ),
            Self::Misspelt(name, open) => (
                Text::new(
                    format!("`</{name}>` closes no `<{open}>`"),
                    format!("「</{name}>」では「<{open}>」を閉じられません"),
                ),
                Some(Text::new(format!("write `</{open}>`"), format!("「</{open}>」と書いてください"))),
            ),
            Self::Crossed(name, None) => (
                Text::new(
                    format!("`</{name}>` closes nothing"),
                    format!("「</{name}>」に対応する要素が開いていません"),
                ),
                Some(Text::new(
                    format!("take it away, or open `<{name}>` before it"),
                    format!("これを消すか、手前に「<{name}>」を書いてください"),
                )),
            ),
        };
        let (place, label, help) = match self {
            // The element that stays open is where the mistake is; where it was noticed is said too.
            Self::Crossed(closing, Some((open, opened))) => (
                opened,
                Text::new("it opens here", "ここで開いています"),
                Some(Text::new(
                    format!("close it with `</{open}>` before `</{closing}>`"),
                    format!("「</{closing}>」より前に「</{open}>」で閉じてください"),
                )),
            ),
            _ => (place, Text::new("this element", "この要素"), help),
        };
        let help = help.unwrap_or_else(|| {
            Text::new(
                "every element is closed by its own name, in the order of a stack",
                "要素は、開いた順と逆に、同じ名前で閉じてください",
            )
        });
        problems.error("T040", place, title, label, help);
    }
}

fn is_element(name: &str) -> bool {
    name == "mjml" || name.starts_with("mj-")
}

impl Composer {
    fn add(&mut self, index: usize, out: &Out) {
        self.map.push((self.source.len(), out.place().clone()));
        match out {
            Out::Text { text, place } => {
                self.read(text, place);
                self.source.push_str(text);
            }
            Out::Tag { .. } => {
                let word = format!("{OPEN}{index}{CLOSE}");
                let structural = self.tag.is_none()
                    && !self.comment
                    && self.stack.last().is_none_or(|(top, _)| STRUCTURE.contains(&top.as_str()));
                if structural && !self.stack.is_empty() {
                    self.source.push_str(&format!("<mj-raw>{word}</mj-raw>"));
                } else if !structural {
                    self.source.push_str(&word);
                } else {
                    // Before the document: `set` of a child. It is put in front of the HTML.
                    self.source.push_str(&format!("<!--{word}-->"));
                }
            }
        }
    }

    /// Follows the open elements through a text.
    fn read(&mut self, text: &str, place: &Place) {
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            if self.comment {
                let Some(end) = rest.find("-->") else { return };
                self.comment = false;
                at += end + 3;
            } else if let Some((tag, _)) = &mut self.tag {
                let Some(end) = rest.find('>') else {
                    tag.push_str(rest);
                    return;
                };
                tag.push_str(&rest[..end]);
                at += end + 1;
                if let Some((tag, place)) = self.tag.take() {
                    self.element(&tag, place);
                }
            } else {
                let Some(start) = rest.find('<') else { return };
                at += start + 1;
                if text[at..].starts_with("!--") {
                    self.comment = true;
                } else {
                    let from = (place.span.start + at - 1).min(place.span.end);
                    let name = text[at..].find(|c: char| c.is_whitespace() || c == '>').unwrap_or(0);
                    let to = (from + name + 1).min(place.span.end);
                    self.tag = Some((String::new(), Place::new(&place.file, from..to)));
                }
            }
        }
    }

    fn element(&mut self, tag: &str, place: Place) {
        let name = |text: &str| {
            text.split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or("").to_ascii_lowercase()
        };
        if let Some(closing) = tag.strip_prefix('/') {
            let closing = name(closing);
            let innermost = self.stack.iter().rev().find(|(open, _)| is_element(open));
            if is_element(&closing) && innermost.is_none_or(|(open, _)| *open != closing) {
                // What is closed here was opened further out, or nowhere.
                let outer = self.stack.iter().any(|(open, _)| *open == closing);
                let crossed = innermost.filter(|_| outer).cloned();
                let near = innermost.filter(|(open, _)| {
                    !outer && crate::problems::did_you_mean(&closing, [open.as_str()]).is_some()
                });
                let wrong = match near {
                    Some((open, _)) => Wrong::Misspelt(closing, open.clone()),
                    None => Wrong::Crossed(closing, crossed),
                };
                self.wrong.get_or_insert((wrong, place));
            } else if let Some(at) = self.stack.iter().rposition(|(open, _)| *open == closing) {
                self.stack.truncate(at);
            }
            return;
        }
        if tag.starts_with(['!', '?']) {
            return;
        }
        let name = name(tag);
        if is_element(&name) && !ELEMENTS.contains(&name.as_str()) {
            self.wrong.get_or_insert((Wrong::Unknown(name.clone()), place.clone()));
        }
        if !tag.ends_with('/') && !crate::text::is_void(&name) {
            self.stack.push((name, place));
        }
    }
}

/// Puts the tags back.
fn restore(html: &str, outs: &[Out], problems: &mut Problems) -> Option<Vec<Out>> {
    let nowhere = outs.first().map(|out| out.place().clone())?;
    let mut result = Vec::new();
    let mut seen: BTreeMap<usize, usize> = BTreeMap::new();
    let mut rest = html;
    while let Some(start) = rest.find(OPEN) {
        let Some(end) = rest[start..].find(CLOSE).map(|e| e + start) else { break };
        let index: Option<usize> = rest[start + OPEN.len()..end].parse().ok();
        push_text(&mut result, &rest[..start], &nowhere);
        rest = &rest[end + CLOSE.len()..];
        if let Some(out) = index.and_then(|index| outs.get(index)) {
            *seen.entry(index.unwrap_or(0)).or_default() += 1;
            result.push(out.clone());
        }
    }
    push_text(&mut result, rest, &nowhere);
    for (index, out) in outs.iter().enumerate() {
        let Out::Tag { block: true, place, text } = out else { continue };
        let count = seen.get(&index).copied().unwrap_or(0);
        if count == 0 && text.contains(" set ") {
            result.insert(0, out.clone());
        } else if count != 1 {
            problems.error(
                "T040",
                place,
                Text::new("MJML takes no tag at this place", "MJML のこの位置にタグは置けません"),
                Text::new("it would be lost or doubled", "失われるか二重になります"),
                Text::new(
                    "move it around the element, or inside mj-text, mj-table or mj-raw",
                    "要素の外側か、mj-text、mj-table、mj-raw の中に移してください",
                ),
            );
            return None;
        }
    }
    Some(result)
}

fn push_text(result: &mut Vec<Out>, text: &str, place: &Place) {
    if !text.is_empty() {
        result.push(Out::Text { text: text.to_owned(), place: place.clone() });
    }
}

fn position(error: &mrml::prelude::parser::Error) -> Option<usize> {
    use mrml::prelude::parser::Error;
    match error {
        Error::UnexpectedElement { position, .. }
        | Error::UnexpectedToken { position, .. }
        | Error::MissingAttribute { position, .. }
        | Error::InvalidAttribute { position, .. }
        | Error::InvalidFormat { position, .. }
        | Error::IncludeLoaderError { position, .. } => Some(position.start),
        _ => None,
    }
}

fn fail(reason: &str, at: Option<usize>, map: &[(usize, Place)], file: &str, problems: &mut Problems) {
    let place = at.and_then(|at| {
        let (start, place) = map.iter().rev().find(|(start, _)| *start <= at)?;
        let from = (place.span.start + (at - start)).min(place.span.end);
        Some(Place::new(&place.file, from..place.span.end.min(from + 1)))
    });
    problems.error(
        "T040",
        &place.unwrap_or_else(|| Place::new(file, 0..0)),
        crate::japanese::because("this is not MJML", "MJML として読めません", reason),
        Text::new("here", "ここ"),
        Text::new(
            "every element is closed, attributes stand in double quotes, and text stands inside mj-text",
            "要素はすべて閉じ、属性は二重引用符で囲み、文は mj-text の中に書いてください",
        ),
    );
}
