//! Reading plain values out of the tree: each either gives what was asked for or reports why not.

use crate::program::{Between, Days};
use crate::report::{Report, suggest, t};
use crate::yaml::{Kind, Node, Style};
use std::collections::BTreeSet;
use std::ops::Range;
use words::{
    Elapsed, Text, Zone,
    keyboard::{CURLY, Sign, colon_of},
};

/// What stands between the two times of a span of hours.
const BETWEEN: [char; 4] = ['-', '–', '〜', '～'];

/// The longest name, in characters.
pub(crate) const NAME_CHARS_MAX: usize = 64;

impl Report<'_> {
    /// Reports keys that are not among `known`.
    pub(crate) fn keys(&self, node: &Node, known: &[&str]) {
        for entry in node.entries() {
            if known.contains(&entry.key.as_str()) {
                continue;
            }
            let span = entry.key_span.clone();
            if entry.key.starts_with('\u{3000}') {
                let wide = entry.key.chars().take_while(|c| *c == '\u{3000}').count() * '\u{3000}'.len_utf8();
                crate::yaml::foreign(self, span.start..span.start + wide, &Sign::Space);
                continue;
            }
            if let Some(meant) = boolean_key(&entry.key, known) {
                self.help(
                    "J025",
                    span,
                    t(
                        format!("`{}` is a yes or no to older YAML tools, not a key", entry.key),
                        format!("「{}」は古い YAML ツールでは真偽値になり、キーになりません", entry.key),
                    ),
                    t(
                        "one of them may have rewritten this key",
                        "ツールがこのキーを書き換えたのかもしれません",
                    ),
                    t(format!("write `{meant}:`"), format!("「{meant}:」と書いてください")),
                );
                continue;
            }
            self.maybe_help(
                "J030",
                span,
                t(
                    format!("there is no key `{}` here", entry.key),
                    format!("ここに「{}」というキーは置けません", entry.key),
                ),
                t("nothing is known by this name", "この名前のキーはありません"),
                suggest(&entry.key, known.iter().copied()),
            );
        }
    }

    /// The value of a key that has to be there.
    pub(crate) fn need<'n>(&self, node: &'n Node, key: &str, what: Text) -> Option<&'n Node> {
        let found = node.get(key).filter(|value| !value.is_null());
        if found.is_none() && !node.broken {
            let span = self.first_line(&node.span);
            self.help(
                "J031",
                span,
                t(format!("`{key}:` is missing"), format!("「{key}:」がありません")),
                what,
                t(format!("add a line `{key}: …`"), format!("「{key}: …」の行を加えてください")),
            );
        }
        found
    }

    /// As much of a place as fits in one line.
    pub(crate) fn first_line(&self, span: &Range<usize>) -> Range<usize> {
        let text = self.source.get(span.clone()).unwrap_or("");
        span.start..span.start + text.split('\n').next().unwrap_or("").trim_end().len()
    }

    /// Not the shape that was asked for.
    pub(crate) fn shape(&self, node: &Node, en: &str, ja: &str) {
        if node.broken {
            return;
        }
        if let (Some((key, colon)), Kind::Scalar { style: Style::Plain, .. }) =
            (node.text().and_then(colon_of), &node.kind)
        {
            // `wait：1 day`: the colon of another keyboard, and YAML saw one long word.
            let at = node.span.start + key.len();
            crate::yaml::foreign(self, at..at + colon.len_utf8(), &Sign::Colon(key.to_owned()));
            return;
        }
        let is = match &node.kind {
            _ if node.is_null() => t("nothing stands here", "ここが空です"),
            Kind::Scalar { .. } => t("this is a text", "これは文字列です"),
            Kind::List(_) => t("this is a list", "これはリストです"),
            Kind::Map(_) => t("these are keys with values", "これはキーと値の組です"),
        };
        let help = match &node.kind {
            // The key of a list that was meant as one value, or the other way round.
            Kind::List(_) if !en.contains("list") => {
                Some(t("write it without `- ` and brackets", "「- 」や [] を付けずに書いてください"))
            }
            Kind::Scalar { .. } if !node.is_null() && en.contains("`name: ") => Some(t(
                "write each on a line of its own, indented: a name, a colon, a space and the rest",
                "1 行に 1 つずつ、字下げして「名前: 内容」の形で書いてください",
            )),
            Kind::Scalar { .. } if !node.is_null() && en.contains("list") => Some(t(
                "write it as a list: each on a line of its own, beginning with `- `",
                "1 行に 1 つずつ「- 」で始めて並べてください",
            )),
            _ => None,
        };
        self.maybe_help(
            "J032",
            self.first_line(&node.span),
            t(format!("{en} is wanted here"), format!("ここには{ja}を書きます")),
            is,
            help,
        );
    }

    /// The text of a scalar that is not empty.
    pub(crate) fn text<'n>(&self, node: &'n Node, en: &str, ja: &str) -> Option<&'n str> {
        match node.text() {
            Some(text) if !text.trim().is_empty() && !node.is_null() && !node.broken => Some(text.trim()),
            _ => {
                self.shape(node, en, ja);
                None
            }
        }
    }

    /// A name: letters, digits, `_` and `-`, not beginning with a digit.
    pub(crate) fn name(&self, node: &Node) -> Option<String> {
        let text = self.text(node, "a name", "名前")?;
        self.check_name(text, node.span.clone()).then(|| text.to_owned())
    }

    /// Whether a text can be a name.
    pub(crate) fn check_name(&self, text: &str, span: Range<usize>) -> bool {
        let first = text.chars().next();
        let good = first.is_some_and(|c| c.is_alphabetic() || c == '_')
            && text.chars().all(|c| c.is_alphanumeric() || c == '_')
            && text.chars().count() <= NAME_CHARS_MAX;
        if !good {
            let mended: String = text
                .chars()
                .map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '_' })
                .take(NAME_CHARS_MAX)
                .collect();
            let mended =
                if mended.starts_with(|c: char| c.is_ascii_digit()) { format!("_{mended}") } else { mended };
            self.help(
                "J040",
                span,
                t(format!("`{text}` cannot be a name"), format!("「{text}」は名前に使えません")),
                t(
                    format!("a name has letters, digits and `_`, begins with a letter, and is at most {NAME_CHARS_MAX} long"),
                    format!("名前は文字で始め、文字・数字・「_」だけを使い、{NAME_CHARS_MAX} 字以内にします"),
                ),
                t(format!("for example `{mended}`"), format!("例：「{mended}」")),
            );
        }
        good
    }

    /// One of several words.
    pub(crate) fn one_of<T: Copy>(&self, node: &Node, choices: &[(&str, T)]) -> Option<T> {
        let names = || choices.iter().map(|(name, _)| *name);
        let text = self.text(node, "a word", "語")?;
        let found = choices.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        if found.is_none() {
            let list = names().collect::<Vec<_>>();
            self.maybe_help(
                "J033",
                node.span.clone(),
                t(format!("`{text}` is not known here"), format!("「{text}」はここでは使えません")),
                t(format!("one of: {}", list.join(", ")), format!("{} のどれかです", list.join("、"))),
                suggest(text, names()),
            );
        }
        found
    }

    /// `true` or `false`, also as `yes` and `no`.
    pub(crate) fn boolean(&self, node: &Node) -> Option<bool> {
        self.one_of(node, &[("true", true), ("false", false), ("yes", true), ("no", false)])
    }

    /// A whole number in a range.
    pub(crate) fn int(&self, node: &Node, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
        let text = self.text(node, "a whole number", "整数")?;
        match text.parse::<i64>() {
            Ok(n) if range.contains(&n) => Some(n),
            _ => {
                let (from, to) = (range.start(), range.end());
                self.error(
                    "J042",
                    node.span.clone(),
                    t(
                        format!("`{text}` is not a whole number from {from} to {to}"),
                        format!("「{text}」は {from} から {to} までの整数ではありません"),
                    ),
                    t("here", "ここです"),
                );
                None
            }
        }
    }

    /// A length of elapsed time.
    pub(crate) fn elapsed(&self, node: &Node) -> Option<Elapsed> {
        let text = self.text(node, "a length of time", "長さ（時間）")?;
        self.elapsed_text(text, node.span.clone())
    }

    /// The same of a text.
    pub(crate) fn elapsed_text(&self, text: &str, span: Range<usize>) -> Option<Elapsed> {
        const MAX: Elapsed = Elapsed::from_days(36_525);
        match Elapsed::parse(text) {
            Ok(elapsed) if elapsed <= MAX => Some(elapsed),
            _ => {
                let help = lengths_help(text);
                self.help(
                    "J035",
                    span,
                    t(
                        format!("`{text}` is not a length of time"),
                        format!("「{text}」は時間の長さとして読めません"),
                    ),
                    t("a whole number and a unit", "整数と単位を書きます"),
                    help,
                );
                None
            }
        }
    }

    /// A time of day as minutes after midnight; times are written in quotes.
    pub(crate) fn minute(&self, node: &Node) -> Option<u16> {
        let text = self.text(node, "a time of day", "時刻")?;
        self.unquoted(node, text)?;
        minute_of(text).or_else(|| {
            self.not_a_time(node, text, "a time of day like \"09:00\"", "時刻（例：\"09:00\"）");
            None
        })
    }

    /// Hours of the day, `"09:00-20:00"`.
    pub(crate) fn between(&self, node: &Node) -> Option<Between> {
        let text = self.text(node, "hours of the day", "時間帯")?;
        self.unquoted(node, text)?;
        let parts = text.split_once(BETWEEN);
        let read = parts.and_then(|(from, to)| Some((minute_of(from.trim())?, minute_of(to.trim())?)));
        match read {
            Some((from_minute, to_minute)) if from_minute != to_minute && from_minute < 1440 => {
                Some(Between { from_minute, to_minute })
            }
            _ => {
                self.not_a_time(
                    node,
                    text,
                    "hours of the day like \"09:00-20:00\"",
                    "時間帯（例：\"09:00-20:00\"）",
                );
                None
            }
        }
    }

    /// YAML 1.1 reads `12:30` as a number to the base of 60.
    fn unquoted(&self, node: &Node, text: &str) -> Option<()> {
        self.straight(node, text)?;
        let plain = matches!(&node.kind, Kind::Scalar { style: Style::Plain, .. });
        // What is no time with quotes either is told as such.
        if !(plain && text.contains(':') && text.split(BETWEEN).all(|part| minute_of(part.trim()).is_some()))
        {
            return Some(());
        }
        self.help(
            "J026",
            node.span.clone(),
            t(
                "some YAML tools read a time without quotes as a number",
                "YAML ツールによっては、引用符のない時刻を数値として読み取ります",
            ),
            t("`12:30` would become 750", "「12:30」が 750 になってしまいます"),
            t(format!("write \"{text}\""), format!("\"{text}\" と書いてください")),
        );
        None
    }

    /// Quotes of a word processor around a value, which YAML takes for part of it.
    pub(crate) fn straight(&self, node: &Node, text: &str) -> Option<()> {
        let plain = matches!(&node.kind, Kind::Scalar { style: Style::Plain, .. });
        let straight = text.trim_matches(CURLY);
        if !plain || straight.len() == text.len() {
            return Some(());
        }
        self.help(
            "J026",
            node.span.clone(),
            t("these quotes are none to YAML", "この引用符は YAML の引用符ではありません"),
            t("curly quotes are part of the text", "文の一部として読み取られます"),
            t(
                format!("use straight quotes: \"{straight}\""),
                format!("半角の引用符で \"{straight}\" と書いてください"),
            ),
        );
        None
    }

    fn not_a_time(&self, node: &Node, text: &str, en: &str, ja: &str) {
        let mended = times_of(text);
        let written =
            if en.contains('-') { mended.join("-") } else { mended.first().cloned().unwrap_or_default() };
        let fits = mended.len() == if en.contains('-') { 2 } else { 1 };
        let (from, to) = written.split_once('-').unwrap_or((&written, "00:00"));
        let help = match minute_of(from).zip(minute_of(to)) {
            Some((from, to)) if fits && from != to => {
                t(format!("write \"{written}\""), format!("\"{written}\" と書いてください"))
            }
            _ if en.contains('-') => t(
                "write when it begins and when it ends, in quotes: \"09:00-20:00\"",
                "始まりと終わりの時刻を引用符で囲んで書いてください（例：\"09:00-20:00\"）",
            ),
            _ => t(
                "write hours and minutes in quotes: \"09:00\"",
                "時と分を引用符で囲んで書いてください（例：\"09:00\"）",
            ),
        };
        self.help(
            "J036",
            node.span.clone(),
            t(format!("`{text}` is not {en}"), format!("「{text}」は{ja}として読めません")),
            t("from 00:00 to 24:00", "00:00 から 24:00 までです"),
            help,
        );
    }

    /// Days of the recipient: `business_days`, `weekdays`, `weekends`, or some of mon … sun.
    pub(crate) fn days(&self, node: &Node) -> Option<Days> {
        const DAYS: [(&str, u8); 14] = [
            ("mon", 1),
            ("tue", 2),
            ("wed", 3),
            ("thu", 4),
            ("fri", 5),
            ("sat", 6),
            ("sun", 7),
            ("monday", 1),
            ("tuesday", 2),
            ("wednesday", 3),
            ("thursday", 4),
            ("friday", 5),
            ("saturday", 6),
            ("sunday", 7),
        ];
        match (&node.kind, node.text()) {
            (_, Some("business_days")) => Some(Days::Business),
            (_, Some("weekdays")) => Some(Days::Weekdays((1..=5).collect())),
            (_, Some("weekends")) => Some(Days::Weekdays([6, 7].into())),
            (Kind::List(items), _) if !items.is_empty() => {
                let days: BTreeSet<u8> = items.iter().filter_map(|item| self.one_of(item, &DAYS)).collect();
                Some(Days::Weekdays(days))
            }
            (_, Some(text)) if DAYS.iter().any(|(name, _)| *name == text) => {
                self.one_of(node, &DAYS).map(|day| Days::Weekdays([day].into()))
            }
            _ => {
                self.one_of::<()>(
                    node,
                    &[
                        ("business_days", ()),
                        ("weekdays", ()),
                        ("weekends", ()),
                        ("[mon, tue, wed, thu, fri, sat, sun]", ()),
                    ],
                );
                None
            }
        }
    }

    /// A share, `45%` or `12.5%`, in hundredths of a per cent.
    pub(crate) fn percent(&self, node: &Node) -> Option<u32> {
        let text = self.text(node, "a share in per cent", "割合（％）")?;
        let digits = text.strip_suffix(['%', '％']).map(str::trim_end);
        let read = digits.and_then(|digits| {
            let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
            let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
            let fits = !whole.is_empty()
                && whole.len() <= 3
                && part.len() <= 2
                && all_digits(whole)
                && all_digits(part);
            fits.then(|| format!("{whole}{part:0<2}").parse::<u32>().ok())?.filter(|share| *share <= 10_000)
        });
        if read.is_none() {
            self.help(
                "J042",
                node.span.clone(),
                t(format!("`{text}` is not a share"), format!("「{text}」は割合として読めません")),
                t("from 0% to 100%, with at most two decimals", "0% から 100% まで、小数は 2 桁までです"),
                t("write it like `45%`", "「45%」のように書いてください"),
            );
        }
        read
    }

    /// An IANA time zone.
    pub(crate) fn zone(&self, node: &Node) -> Option<Zone> {
        let text = self.text(node, "a time zone", "タイムゾーン")?;
        Zone::parse(text).ok().or_else(|| {
            self.help(
                "J038",
                node.span.clone(),
                t(format!("`{text}` is not a time zone"), format!("「{text}」はタイムゾーンではありません")),
                t("an IANA name is wanted", "IANA の名前で書きます"),
                t("for example `Asia/Tokyo` or `America/New_York`", "例：「Asia/Tokyo」「America/New_York」"),
            );
            None
        })
    }

    /// Text for people: one text for both languages, or `{en: …, ja: …}`.
    pub(crate) fn title(&self, node: &Node) -> Option<Text> {
        if let Kind::Map(_) = &node.kind {
            self.keys(node, &["en", "ja"]);
            let get = |key: &str| node.get(key).and_then(Node::text).map(str::to_owned);
            let (en, ja) = (get("en"), get("ja"));
            let first = en.clone().or_else(|| ja.clone());
            let Some(first) = first else {
                self.shape(node, "a text, or `{en: …, ja: …}`", "文、または {en: …, ja: …}");
                return None;
            };
            return Some(Text::new(en.unwrap_or_else(|| first.clone()), ja.unwrap_or(first)));
        }
        self.text(node, "a text", "文").map(|text| Text::new(text, text))
    }

    /// The items of a list; a single value counts as a list of one.
    pub(crate) fn items<'n>(&self, node: &'n Node) -> Vec<&'n Node> {
        match &node.kind {
            Kind::List(items) => items.iter().collect(),
            _ if node.is_null() => Vec::new(),
            _ => vec![node],
        }
    }
}

/// Minutes after midnight of `9:00`, `09:00`, `24:00`.
fn minute_of(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let digits = |s: &str| (1..=2).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit());
    if !digits(hours) || minutes.len() != 2 || !digits(minutes) {
        return None;
    }
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
    (minutes < 60 && hours * 60 + minutes <= 1440).then_some(hours * 60 + minutes)
}

/// The times of day that a text was probably meant to say: `9-20` says 09:00 and 20:00.
fn times_of(text: &str) -> Vec<String> {
    let parts = text.split(['-', '–', '〜', '～', '~']).map(|part| {
        let mut digits: String = part.trim().replace(['：', '時', '.', 'h'], ":").replace('分', "");
        if digits.ends_with(':') || !digits.contains(':') {
            digits = format!("{}:00", digits.trim_end_matches(':'));
        }
        let minute = minute_of(&digits)?;
        Some(format!("{:02}:{:02}", minute / 60, minute % 60))
    });
    parts.collect::<Option<Vec<_>>>().unwrap_or_default()
}

/// How to write a length of time that was written otherwise.
fn lengths_help(text: &str) -> Text {
    let lower = text.to_lowercase();
    if lower.trim_start().starts_with(['-', '−', '－']) {
        return t(
            "time does not run backwards: write how long to wait, like `3 days`",
            "負の長さは書けません。「3 days」のように待つ長さを書いてください",
        );
    }
    if let Some(sum) = summed(&lower) {
        return t(
            format!("one number and one unit: write `{sum}`"),
            format!("数と単位は 1 組だけです。「{sum}」と書いてください"),
        );
    }
    let number: String = lower.chars().take_while(char::is_ascii_digit).collect();
    let example = |unit: &str| {
        let n = if number.is_empty() { "3" } else { &number };
        t(format!("write `{n} {unit}`"), format!("「{n} {unit}」と書いてください"))
    };
    match () {
        () if lower.contains("month") || lower.contains('月') => t(
            "months differ in length: write days, like `30 days`",
            "月の長さは一定ではありません。「30 days」のように日数で書いてください",
        ),
        () if lower.contains("year") || lower.contains('年') => {
            t("write days, like `365 days`", "「365 days」のように日数で書いてください")
        }
        () if lower.contains('日') || lower.contains("day") => example("days"),
        () if lower.contains("時") || lower.contains("hour") || lower.contains("hr") => example("hours"),
        () if lower.contains('分') || lower.contains("min") => example("minutes"),
        () if lower.contains('週') || lower.contains("week") => example("weeks"),
        () => t(
            "like `3 days`, `72 hours`, `30 minutes`, `2 weeks`",
            "「3 days」「72 hours」「30 minutes」「2 weeks」のように書いてください",
        ),
    }
}

/// Several lengths in a row as one, in the smallest of their units: `3 days 2 hours` are `74 hours`.
fn summed(text: &str) -> Option<String> {
    let spaced = text.replace([',', '+'], " ").replace(" and ", " ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    if words.len() < 4 || !words.len().is_multiple_of(2) {
        return None;
    }
    let mut minutes: i64 = 0;
    let mut smallest = i64::MAX;
    for pair in words.chunks(2) {
        let unit: i64 = match pair[1].trim_end_matches('s') {
            "week" => 7 * 24 * 60,
            "day" => 24 * 60,
            "hour" => 60,
            "minute" | "min" => 1,
            _ => return None,
        };
        minutes = minutes.checked_add(pair[0].parse::<i64>().ok()?.checked_mul(unit)?)?;
        smallest = smallest.min(unit);
    }
    let name = match smallest {
        1 => "minutes",
        60 => "hours",
        _ => "days",
    };
    let unit = if smallest > 60 { 24 * 60 } else { smallest };
    Some(format!("{} {name}", minutes / unit))
}

/// A key that YAML 1.1 tools make of a word that was meant otherwise.
fn boolean_key(key: &str, known: &[&str]) -> Option<&'static str> {
    match key {
        "true" | "True" | "On" | "ON" if known.contains(&"on") => Some("on"),
        "true" | "True" | "yes" | "Yes" | "y" if known.contains(&"then") => Some("then"),
        "false" | "False" | "no" | "No" | "n" | "off" if known.contains(&"else") => Some("else"),
        "false" | "False" | "no" | "No" | "n" | "off" if known.contains(&"if_not") => Some("if_not"),
        _ => None,
    }
}
