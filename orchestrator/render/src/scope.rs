//! What filters and the escape function know while one part is rendered: the language, the zone, where the text stands.
//!
//! Tera's filters are values of the engine and its escape function is a bare pointer, so neither can be handed the
//! language of a render. It is laid into a slot of the thread for as long as the render runs, and taken out again.

use crate::format::{self, DateStyle, Formats};
use std::cell::RefCell;
use std::io::Write;
use std::sync::Arc;
use words::{Currency, Elapsed, Money, Timestamp};

/// Where the text of a part stands, and so what must be escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    /// In HTML.
    Html,
    /// Plain text of several lines.
    Text,
    /// Plain text of one line: subjects, titles. Line breaks and control characters become spaces.
    Line,
    /// Inside the quotes of JSON.
    Json,
}

/// The slot's content.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    pub(crate) mode: Mode,
    pub(crate) formats: Arc<Formats>,
    pub(crate) zone: jiff::tz::TimeZone,
}

thread_local! {
    static SLOT: RefCell<Option<Scope>> = const { RefCell::new(None) };
}

/// Runs `body` with `scope` in the slot.
pub(crate) fn within<T>(scope: Scope, body: impl FnOnce() -> T) -> T {
    struct Restore(Option<Scope>);
    impl Drop for Restore {
        fn drop(&mut self) {
            let before = self.0.take();
            SLOT.with(|slot| *slot.borrow_mut() = before);
        }
    }
    let before = SLOT.with(|slot| slot.borrow_mut().replace(scope));
    let _restore = Restore(before);
    body()
}

/// Reads the slot. `None` outside of a render.
pub(crate) fn with<T>(read: impl FnOnce(&Scope) -> T) -> Option<T> {
    SLOT.with(|slot| slot.borrow().as_ref().map(read))
}

/// Money, instants and dates travel through templates as short texts that begin with this character, which Unicode
/// promises never to assign; whatever prints one formats it. Texts from outside lose it at their start.
pub(crate) const MARK: char = '\u{fdd0}';

/// A value that is written differently in every language.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Typed {
    Money(Money),
    Date(jiff::civil::Date),
    Time(Timestamp),
    Duration(Elapsed),
}

impl Typed {
    /// As it travels.
    pub(crate) fn encode(self) -> String {
        match self {
            Self::Money(money) => {
                let mut text = String::with_capacity(32);
                text.push(MARK);
                text.push('m');
                // Writing into a String cannot fail.
                let _ = std::fmt::Write::write_fmt(&mut text, format_args!("{}", money.minor));
                text.push(' ');
                text.push_str(money.currency.as_str());
                text
            }
            Self::Date(date) => format!("{MARK}d{date}"),
            Self::Time(time) => format!("{MARK}t{:020}", time.as_micros()),
            Self::Duration(elapsed) => format!("{MARK}u{}", elapsed.as_micros()),
        }
    }

    /// Reads it back; `None` for every other text.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(MARK)?;
        let kind = rest.chars().next()?;
        let rest = &rest[kind.len_utf8()..];
        match kind {
            'm' => {
                let (minor, currency) = rest.split_once(' ')?;
                Some(Self::Money(Money::new(minor.parse().ok()?, Currency::parse(currency).ok()?)))
            }
            'd' => rest.parse().ok().map(Self::Date),
            't' => rest.parse().ok().map(|micros| Self::Time(Timestamp::from_micros(micros))),
            'u' => rest.parse().ok().map(|micros| Self::Duration(Elapsed::from_micros(micros))),
            _ => None,
        }
    }

    /// As written where nothing else is asked for.
    pub(crate) fn show(self, scope: &Scope) -> String {
        let formats = &scope.formats;
        match self {
            Self::Money(money) => formats.money(money),
            Self::Date(date) => format::date(date, DateStyle::Long, formats),
            Self::Time(time) => format::date_time(civil(time, &scope.zone), DateStyle::Long, formats),
            Self::Duration(elapsed) => format::duration(elapsed, formats.tongue),
        }
    }
}

/// An instant on the customer's calendar and clock.
pub(crate) fn civil(time: Timestamp, zone: &jiff::tz::TimeZone) -> jiff::civil::DateTime {
    zone.to_datetime(time.to_jiff())
}

/// Everything printed passes here: typed values are written out, then the text is escaped for where it stands.
pub(crate) fn escape(input: &str, out: &mut dyn Write) -> std::io::Result<()> {
    SLOT.with(|slot| {
        let slot = slot.borrow();
        let Some(scope) = slot.as_ref() else { return tera::escape_html(input, out) };
        if input.starts_with(MARK) {
            let shown = Typed::decode(input).map_or_else(String::new, |typed| typed.show(scope));
            return escape_for(scope.mode, &shown, out);
        }
        escape_for(scope.mode, input, out)
    })
}

/// Escapes for one mode.
pub(crate) fn escape_for(mode: Mode, input: &str, out: &mut dyn Write) -> std::io::Result<()> {
    match mode {
        Mode::Html => tera::escape_html(input, out),
        Mode::Text => out.write_all(input.as_bytes()),
        Mode::Line if !input.bytes().any(|b| b < 0x20 || b == 0x7f) && !input.contains(is_break) => {
            out.write_all(input.as_bytes())
        }
        Mode::Line => out.write_all(one_line(input).as_bytes()),
        Mode::Json => {
            let quoted = serde_json::to_string(input).map_err(std::io::Error::other)?;
            out.write_all(&quoted.as_bytes()[1..quoted.len() - 1])
        }
    }
}

/// Line and paragraph separators beyond ASCII.
fn is_break(c: char) -> bool {
    matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// A text as one line: breaks and control characters become spaces.
pub(crate) fn one_line(input: &str) -> String {
    input.chars().map(|c| if c.is_control() || is_break(c) { ' ' } else { c }).collect()
}
