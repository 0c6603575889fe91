//! Plain text out of HTML, for mails whose author wrote none, and its wrapping by display width.
//!
//! The HTML is turned into a text *template* once, with the tags kept; what is left for each mail is the wrapping.

use crate::fold::Out;
use crate::problems::Place;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns of a line. Mail clients show 78 well (RFC 5322 section 2.1.1); a quote mark or two should still fit.
const WIDTH: usize = 74;
/// Stand for a tag inside the HTML while it is read.
const OPEN: char = '\u{e000}';
const CLOSE: char = '\u{e001}';

/// Elements without a closing tag.
pub(crate) fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "br"
            | "col"
            | "embed"
            | "hr"
            | "img"
            | "input"
            | "link"
            | "meta"
            | "source"
            | "track"
            | "wbr"
    )
}

/// The text template of an HTML template.
pub(crate) fn from_html(outs: &[Out]) -> Vec<Out> {
    let mut html = String::new();
    for (index, out) in outs.iter().enumerate() {
        match out {
            Out::Text { text, .. } => html.push_str(&text.replace([OPEN, CLOSE], "")),
            Out::Tag { .. } => html.push_str(&format!("{OPEN}{index}{CLOSE}")),
        }
    }
    let mut reader = Reader::default();
    reader.read(&html, outs);
    let nowhere = outs.first().map_or_else(|| Place::new("", 0..0), |out| out.place().clone());
    let mut result = Vec::new();
    let mut rest = reader.out.as_str();
    while let Some(start) = rest.find(OPEN) {
        let Some(end) = rest[start..].find(CLOSE).map(|e| e + start) else { break };
        if start > 0 {
            result.push(Out::Text { text: guard(&rest[..start]), place: nowhere.clone() });
        }
        let index: Option<usize> = rest[start + OPEN.len_utf8()..end].parse().ok();
        if let Some(out) = index.and_then(|index| outs.get(index)) {
            result.push(out.clone());
        }
        rest = &rest[end + CLOSE.len_utf8()..];
    }
    if !rest.is_empty() {
        result.push(Out::Text { text: guard(rest), place: nowhere });
    }
    result
}

/// Text that must not begin a tag of the template language once its entities are read.
fn guard(text: &str) -> String {
    text.replace("{{", "{ {").replace("{%", "{ %").replace("{#", "{ #")
}

#[derive(Default)]
struct Reader {
    out: String,
    /// Elements that are skipped whole; the innermost counts.
    skipped: Vec<String>,
    /// The targets of open links, and where their text began.
    links: Vec<(String, usize)>,
    /// Whether each open table is one of data.
    tables: Vec<bool>,
}

impl Reader {
    fn read(&mut self, html: &str, outs: &[Out]) {
        let mut rest = html;
        while let Some(start) = rest.find('<') {
            self.text(&rest[..start], outs);
            rest = &rest[start..];
            if rest.starts_with("<!--") {
                let end = rest.find("-->").map_or(rest.len(), |e| e + 3);
                rest = &rest[end..];
                continue;
            }
            let end = end_of_tag(rest);
            self.tag(rest[1..end].trim_end_matches('>'));
            rest = &rest[end..];
        }
        self.text(rest, outs);
    }

    fn text(&mut self, text: &str, outs: &[Out]) {
        if !self.skipped.is_empty() {
            // What `set` gives a name must be known further on.
            let mut rest = text;
            while let Some(start) = rest.find(OPEN) {
                let Some(end) = rest[start..].find(CLOSE).map(|e| e + start + CLOSE.len_utf8()) else {
                    break;
                };
                let index: Option<usize> = rest[start + OPEN.len_utf8()..end - CLOSE.len_utf8()].parse().ok();
                if index.and_then(|i| outs.get(i)).is_some_and(|out| out.text().starts_with("{% set ")) {
                    self.out.push_str(&rest[start..end]);
                }
                rest = &rest[end..];
            }
            return;
        }
        let text = unescape(text);
        for (index, word) in text.split(is_space).enumerate() {
            if index > 0 && !self.out.ends_with([' ', '\n']) && !self.out.is_empty() {
                self.out.push(' ');
            }
            self.out.push_str(word);
        }
    }

    fn tag(&mut self, tag: &str) {
        let closing = tag.starts_with('/');
        let name: String = tag
            .trim_start_matches('/')
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric())
            .collect::<String>()
            .to_ascii_lowercase();
        if let Some(last) = self.skipped.last() {
            if closing && *last == name {
                self.skipped.pop();
            } else if !closing && *last == name && !tag.ends_with('/') {
                self.skipped.push(name);
            }
            return;
        }
        let hidden = attribute(tag, "style").is_some_and(|s| s.replace(' ', "").contains("display:none"));
        if !closing
            && !is_void(&name)
            && (matches!(name.as_str(), "head" | "style" | "script" | "title") || hidden)
        {
            self.skipped.push(name);
            return;
        }
        match (name.as_str(), closing) {
            ("br", _) => self.line(1),
            ("a", false) => {
                let target = attribute(tag, "href").unwrap_or_default();
                self.links.push((target, self.out.len()));
            }
            ("a", true) => self.end_of_link(),
            ("img", _) => {
                if let Some(alt) = attribute(tag, "alt").filter(|alt| !alt.is_empty()) {
                    self.out.push_str(&alt);
                }
            }
            ("li", false) => {
                self.line(1);
                self.out.push_str("- ");
            }
            ("hr", _) => {
                self.line(2);
                self.out.push_str("---");
                self.line(2);
            }
            ("table", false) => {
                let data = attribute(tag, "role").as_deref() != Some("presentation");
                self.tables.push(data);
                if data {
                    self.line(2);
                }
            }
            ("table", true) => {
                let data = self.tables.pop() == Some(true);
                self.line(if data { 2 } else { 0 });
            }
            ("td" | "th", false) if self.tables.last() == Some(&true) => {}
            ("td" | "th", true) if self.tables.last() == Some(&true) => self.out.push_str("  "),
            ("tr" | "td" | "th", _) => self.line(1),
            (
                "p" | "div" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "ul" | "ol" | "section"
                | "blockquote",
                _,
            ) => {
                self.line(2);
            }
            _ => {}
        }
    }

    fn end_of_link(&mut self) {
        let Some((target, start)) = self.links.pop() else { return };
        let label = self.out.get(start..).unwrap_or("").trim().to_owned();
        if target.is_empty()
            || target.starts_with('#')
            || label == target
            || label == target.trim_start_matches("mailto:")
        {
            return;
        }
        if label.is_empty() {
            self.out.push_str(&target);
        } else {
            self.out.push_str(": ");
            self.out.push_str(&target);
            self.out.push(' ');
        }
    }

    /// At least `count` line breaks.
    fn line(&mut self, count: usize) {
        while self.out.ends_with(' ') {
            self.out.pop();
        }
        let there = self.out.len() - self.out.trim_end_matches('\n').len();
        for _ in there..count {
            self.out.push('\n');
        }
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// Past the `>` that ends the tag at the start of `text`; one inside quotes does not.
fn end_of_tag(text: &str) -> usize {
    let mut quote = None;
    for (index, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (Some(open), b) if b == open => quote = None,
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'>') => return index + 1,
            _ => {}
        }
    }
    text.len()
}

/// An attribute's value, entities read.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let mut from = 0;
    while let Some(at) = tag[from..].find(name).map(|at| at + from) {
        let before = tag[..at].chars().last().is_some_and(is_space);
        let rest = tag[at + name.len()..].trim_start();
        if before && let Some(rest) = rest.strip_prefix('=') {
            let rest = rest.trim_start();
            let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
            let value = match quote {
                Some(quote) => rest[1..].split(quote).next().unwrap_or(""),
                None => rest.split(is_space).next().unwrap_or(""),
            };
            return Some(unescape(value));
        }
        from = at + name.len();
    }
    None
}

pub(crate) fn unescape(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let end = rest.find(';').filter(|end| *end <= 10);
        let entity = end.map(|end| &rest[1..end]);
        let read = entity.and_then(|entity| match entity {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            "nbsp" => Some('\u{a0}'),
            "copy" => Some('©'),
            "middot" => Some('·'),
            "yen" => Some('¥'),
            number => {
                let number = number.strip_prefix('#')?;
                let code = match number.strip_prefix(['x', 'X']) {
                    Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                    None => number.parse().ok()?,
                };
                // MJML puts zero-width spaces and the like where a client would collapse white space.
                char::from_u32(code)
            }
        });
        match (read, end) {
            (Some(c), Some(end)) => {
                out.push(c);
                rest = &rest[end + 1..];
            }
            _ => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// Lines trimmed, never two empty ones in a row, none at the ends, each at most [`WIDTH`] columns wide where it can be
/// broken: at spaces, and between the characters of East Asian text. Links are never broken.
pub(crate) fn wrap(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut empty = 0;
    for line in text.lines() {
        let line = line.trim_matches(is_space);
        if line.is_empty() {
            empty += 1;
            continue;
        }
        if !out.is_empty() {
            out.push_str(if empty > 0 { "\n\n" } else { "\n" });
        }
        empty = 0;
        wrap_line(line, &mut out);
    }
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

/// Characters that must not begin a line (a part of JIS X 4051's list).
const NOT_FIRST: &str =
    "、。，．・：；？！」』）］｝〉》】〕”’ーぁぃぅぇぉっゃゅょァィゥェォッャュョ々…,.!?:;)]}";
/// Characters that must not end one.
const NOT_LAST: &str = "「『（［｛〈《【〔“‘([{";

fn wrap_line(line: &str, out: &mut String) {
    if line.len() <= WIDTH || line.width() <= WIDTH {
        out.push_str(line);
        return;
    }
    let mut column = 0;
    let mut pending_space = false;
    for word in line.split(is_space).filter(|w| !w.is_empty()) {
        let space = usize::from(pending_space);
        let width = word.width();
        let wide = word.chars().any(|c| c.width() == Some(2)) && !word.contains("://");
        if column > 0 && column + space + width > WIDTH && !(wide && column + space + 8 <= WIDTH) {
            out.push('\n');
            column = 0;
        } else if pending_space {
            out.push(' ');
            column += 1;
        }
        if wide {
            column = wrap_wide(word, column, out);
        } else {
            out.push_str(word);
            column += width;
        }
        pending_space = true;
    }
}

/// East Asian text, broken between characters. Returns the column after it.
fn wrap_wide(word: &str, mut column: usize, out: &mut String) -> usize {
    let chars: Vec<char> = word.chars().collect();
    for (index, c) in chars.iter().enumerate() {
        let width = c.width().unwrap_or(0);
        let before = index.checked_sub(1).map(|i| chars[i]);
        let both_narrow = before.is_some_and(|b| b.is_ascii_alphanumeric()) && c.is_ascii_alphanumeric();
        let may_break =
            before.is_some_and(|b| !NOT_LAST.contains(b)) && !NOT_FIRST.contains(*c) && !both_narrow;
        // A closing mark hangs at the end of a full line, so look one ahead.
        let next_hangs = chars.get(index + 1).is_some_and(|n| NOT_FIRST.contains(*n));
        let needed = width + if next_hangs { 2 } else { 0 };
        if may_break && column + needed > WIDTH {
            out.push('\n');
            column = 0;
        }
        out.push(*c);
        column += width;
    }
    column
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn texted(html: &str) -> String {
        let place = Place::new("a", 0..0);
        let outs = [Out::Text { text: html.to_owned(), place }];
        wrap(&from_html(&outs).iter().map(Out::text).collect::<String>())
    }

    #[test]
    fn html_becomes_readable_text() {
        let html = "<html><head><title>x</title></head><body><div style=\"display: none\">preheader</div>\
            <h1>Thank   you</h1><p>Tom &amp; Ann<br>again</p><!--[if mso]><p>no</p><![endif]-->\
            <table><tr><td>Mug</td><td>$9</td></tr><tr><td>Tea</td><td>$5</td></tr></table>\
            <ul><li>one</li><li>two</li></ul><p><a href=\"https://a.example/?a=1&amp;b=2\">Track it</a> now</p>\
            <p><a href=\"https://b.example/\">https://b.example/</a></p><img alt=\"Logo\" src=\"x\"></body></html>";
        assert_eq!(
            texted(html),
            "Thank you\n\nTom & Ann\nagain\n\nMug  $9\nTea  $5\n\n- one\n- two\n\n\
             Track it: https://a.example/?a=1&b=2 now\n\nhttps://b.example/\n\nLogo\n"
        );
    }

    #[test]
    fn text_is_wrapped_by_display_width() {
        let english = "word ".repeat(40);
        let japanese = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。".repeat(4);
        for text in [english, japanese] {
            let wrapped = wrap(&text);
            assert!(wrapped.lines().count() > 1);
            for line in wrapped.lines() {
                assert!(line.width() <= WIDTH, "{} columns: {line}", line.width());
                assert!(!line.starts_with(['。', '、']), "{line}");
            }
            let joined: String = wrapped.split_whitespace().collect();
            assert_eq!(joined, text.split_whitespace().collect::<String>());
        }
        let link = format!("see https://shop.example/{} now", "a".repeat(100));
        assert_eq!(wrap(&link).lines().nth(1).unwrap().len(), 121);
    }
}
