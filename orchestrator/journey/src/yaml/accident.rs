//! What YAML does to an expression that was meant otherwise, and what to write instead. Never a bare parser message.

use super::flow;
use crate::report::{Report, t};
use granit_parser::ErrorKind;
use std::ops::Range;
use words::{
    Text,
    keyboard::{self, Sign},
};

/// A broken place, and whether the rest of the file can be read without it.
pub(super) struct Broken {
    pub(super) place: Range<usize>,
    pub(super) mend: bool,
}

/// The way out that mends nearly everything: a block.
pub(crate) fn as_block(key: &str, value: &str) -> Text {
    let value = value.trim();
    t(
        format!(
            "write it as a block, in which YAML takes nothing away: `{key}: >` and, indented below it, `{value}`"
        ),
        format!(
            "ブロックとして書いてください。「{key}: >」と書き、次の行に字下げして「{value}」と書けば、YAML に何も取られません"
        ),
    )
}

/// A tag, where nobody writes tags.
pub(super) fn tag(report: &Report<'_>, tag: &str, span: Range<usize>) {
    let name = tag.trim_start_matches('!');
    let meant = if name.is_empty() { "not (…)".to_owned() } else { format!("not {name}") };
    report.help(
        "J020",
        span,
        t("YAML reads `!` as a tag and takes it away", "YAML は「!」をタグとして読み取り、消してしまいます"),
        t("this does not reach the expression", "この部分は式に届きません"),
        t(format!("write `{meant}`"), format!("「{meant}」と書いてください")),
    );
}

/// A map or list as a key: `{{ name }}`, or an expression that begins with a brace.
pub(super) fn brace_key(report: &Report<'_>, span: Range<usize>) {
    report.help(
        "J022",
        span,
        t("YAML reads braces and brackets as its own", "YAML は括弧 {} [] を自分の記号として読み取ります"),
        t("this was read as a key", "これはキーとして読み取られました"),
        t(
            "put text that begins with a brace in quotes; write expressions outside of `{}`",
            "括弧で始まる文は引用符で囲み、式は {} の外に書いてください",
        ),
    );
}

/// Explains why the parser stopped at byte `at`, reports it, and says which place can be put aside.
pub(super) fn explain(report: &Report<'_>, source: &str, kind: &ErrorKind, at: usize) -> Broken {
    if matches!(kind, ErrorKind::RecursionLimitExceeded) {
        super::load::too_deep(report, at..at);
        return Broken { place: at..at, mend: false };
    }
    let mut at = at.min(source.len());
    while !source.is_char_boundary(at) {
        at -= 1;
    }
    let tabs = matches!(
        kind,
        ErrorKind::TabNotAllowed
            | ErrorKind::TabInBlockIndentation
            | ErrorKind::TabInIndentation
            | ErrorKind::TabAtBlockScalarStart
    );
    let here = line_at(source, at);
    let indent = &source[here.clone()];
    let tab = indent.len() - indent.trim_start_matches([' ', '\t']).len();
    if tabs || indent[..tab].contains('\t') {
        foreign(report, here.start..here.start + tab.max(1).min(here.len()), &Sign::Tab);
        return Broken { place: at..at, mend: false };
    }
    if let Some((place, sign)) = keyboard::near(source, at) {
        foreign(report, place.clone(), &sign);
        return Broken { place: place.start..place.start, mend: false };
    }
    // The parser often notices only in the next line, or at the end of the file.
    let mut line = here.clone();
    for _ in 0..4 {
        if let Some(broken) = suspect(report, source, line.clone()) {
            return broken;
        }
        if line.start == 0 {
            break;
        }
        line = line_at(source, line.start - 1);
    }
    if matches!(kind, ErrorKind::UnclosedQuotedScalar | ErrorKind::UnclosedFlowCollection { .. }) {
        for (start, text) in lines(source) {
            if start <= at
                && unclosed(text)
                && let Some(broken) = suspect(report, source, start..start + text.len())
            {
                return broken;
            }
        }
    }
    let (title, help) = generic(kind);
    let end = here.end.max(at);
    report.help(
        "J008",
        at.min(end)..end.max(at),
        title,
        t("YAML lost its way here", "YAML はここで読めなくなりました"),
        help,
    );
    Broken { place: at..at, mend: false }
}

/// A sign of another keyboard, where YAML wants a plain one.
pub(crate) fn foreign(report: &Report<'_>, span: Range<usize>, sign: &Sign) {
    let code = if matches!(sign, Sign::Tab | Sign::Space) { "J007" } else { "J008" };
    report.help(code, span, sign.title(), sign.label(), sign.help());
}

fn lines(source: &str) -> impl Iterator<Item = (usize, &str)> {
    source.split_inclusive('\n').scan(0, |start, line| {
        let from = *start;
        *start += line.len();
        Some((from, line.trim_end_matches(['\n', '\r'])))
    })
}

fn unclosed(line: &str) -> bool {
    line.matches('"').count() % 2 == 1 || line.matches('\'').count() % 2 == 1
}

/// The line around `at`, without its end.
fn line_at(source: &str, at: usize) -> Range<usize> {
    let start = source[..at].rfind('\n').map_or(0, |n| n + 1);
    let end = source[at..].find('\n').map_or(source.len(), |n| at + n);
    start..end.max(start)
}

/// Key and value of a line such as `  - if: a == b`.
pub(crate) fn key_value(line: &str) -> Option<(&str, usize, &str)> {
    let mut rest = line.trim_start();
    while let Some(after) = rest.strip_prefix("- ") {
        rest = after.trim_start();
    }
    let colon = rest.find(':')?;
    let key = &rest[..colon];
    if key.is_empty() || key.starts_with(['"', '\'', '#', '{', '[']) || key.contains(['(', '"']) {
        return None;
    }
    let value = rest[colon + 1..].trim();
    let at = line.len() - rest.len() + colon + 1;
    let at = at + (line[at..].len() - line[at..].trim_start().len());
    (!value.is_empty()).then_some((key, at, value))
}

/// Whether a line shows one of the known accidents; reports it.
fn suspect(report: &Report<'_>, source: &str, line: Range<usize>) -> Option<Broken> {
    let text = &source[line.clone()];
    let (key, offset, value) = key_value(text).or_else(|| item(text))?;
    let value = match value.find(" #") {
        Some(comment) if !value.starts_with(['"', '\'']) => value[..comment].trim_end(),
        _ => value,
    };
    let place = line.start + offset..line.start + offset + value.len();
    let broken = Broken { place: place.clone(), mend: true };
    let first = value.chars().next()?;
    match first {
        '"' | '\'' => {
            let Some(close) = closing(value, first) else {
                report.help(
                    "J021",
                    place,
                    t("this quote is never closed", "引用符が閉じられていません"),
                    t("it opens here", "ここで開いています"),
                    t(
                        format!("end the text with `{first}`, or write an expression without outer quotes"),
                        format!("文の終わりに「{first}」を書くか、式なら外側の引用符を外してください"),
                    ),
                );
                return Some(broken);
            };
            let rest = value[close..].trim_start();
            if rest.is_empty() || rest.starts_with('#') {
                return None;
            }
            report.help(
                "J021",
                place,
                t(
                    "YAML ends the text at the second quote and cannot read the rest",
                    "YAML は 2 つ目の引用符で文が終わったと見なし、続きを読めません",
                ),
                t(
                    format!("`{}` is all that it sees", &value[..close]),
                    format!("YAML に見えているのは「{}」だけです", &value[..close]),
                ),
                as_block(key, value),
            );
        }
        '*' | '&' => star(report, place, key, value),
        '%' | '@' | '`' => report.help(
            "J028",
            place,
            t(
                format!("YAML keeps `{first}` at the beginning of a value to itself"),
                format!("YAML では値を「{first}」で始められません"),
            ),
            t("this cannot be read", "ここが読めません"),
            t("put the text in quotes", "引用符で囲んでください"),
        ),
        '!' => tag(report, value.split_whitespace().next().unwrap_or("!"), place),
        '{' | '[' => return bracket(report, source, key, value, place),
        _ if value.contains(": ") || value.ends_with(':') => {
            let at = value.find(": ").unwrap_or(value.len() - 1);
            let help = if value.contains(['"', '\'', '\\']) {
                as_block(key, value)
            } else {
                t(
                    format!("put it in quotes: `{key}: \"{value}\"`"),
                    format!("引用符で囲んでください：「{key}: \"{value}\"」"),
                )
            };
            colon_in_text(report, place.start + at, help);
        }
        _ => return None,
    }
    Some(broken)
}

/// An item of a list that is a bracket: `  - {send: hello`.
fn item(line: &str) -> Option<(&str, usize, &str)> {
    let value = line.trim_start().strip_prefix("- ")?.trim_start();
    value.starts_with(['{', '[']).then(|| ("-", line.len() - value.len(), value.trim_end()))
}

/// A value that begins with a brace or a bracket.
fn bracket(report: &Report<'_>, source: &str, key: &str, value: &str, place: Range<usize>) -> Option<Broken> {
    match flow::opened(source, place.start) {
        flow::Opened::Closed => {
            let (colon, mended) = flow::two_colons(value)?;
            let at = place.start + colon;
            let mended =
                t(format!("put it in quotes: `{mended}`"), format!("引用符で囲んでください：「{mended}」"));
            colon_in_text(report, at, mended);
            Some(Broken { place, mend: true })
        }
        flow::Opened::Never { at, mended, alone } => {
            let open = &source[at..=at];
            let close = if open == "{" { '}' } else { ']' };
            let whole = if key == "-" { format!("- {mended}") } else { format!("{key}: {mended}") };
            report.help(
                "J022",
                at..at + 1,
                t(format!("this `{open}` is never closed"), format!("この「{open}」が閉じられていません")),
                t("it opens here", "ここで開いています"),
                if alone {
                    t(
                        format!("close it with `{close}`: `{whole}`"),
                        format!("「{close}」で閉じてください：「{whole}」"),
                    )
                } else {
                    t(
                        format!("close it with `{close}`, and put commas between the parts"),
                        format!("「{close}」で閉じ、要素をカンマで区切ってください"),
                    )
                },
            );
            Some(Broken { place, mend: alone })
        }
        flow::Opened::Expression => {
            report.help(
                "J022",
                place.clone(),
                t(
                    "YAML reads braces and brackets as its own and stumbles over the rest",
                    "YAML は括弧 {} [] を自分の記号として読み取るため、続きを読めません",
                ),
                t("this cannot be read", "ここが読めません"),
                as_block(key, value),
            );
            Some(Broken { place, mend: true })
        }
    }
}

/// `title: Tea: hot`.
fn colon_in_text(report: &Report<'_>, at: usize, help: Text) {
    report.help(
        "J023",
        at..at + 1,
        t(
            "YAML reads a colon and a space as the end of a key",
            "YAML は「コロン＋空白」をキーの終わりとして読み取ります",
        ),
        t("this colon", "このコロンです"),
        help,
    );
}

/// `*` or `&` at the start of a value.
pub(crate) fn star(report: &Report<'_>, place: Range<usize>, key: &str, value: &str) {
    let first = value.chars().next().unwrap_or('*');
    report.help(
        "J027",
        place,
        t(
            format!("YAML reads `{first}` at the beginning of a value as a reference"),
            format!("YAML は値の先頭の「{first}」を参照の記号として読み取ります"),
        ),
        t("this does not reach Tabi as written", "書いたとおりには Tabi に届きません"),
        if first == '*' && value.split_whitespace().count() >= 5 {
            t("put the text in quotes", "引用符で囲んでください")
        } else {
            as_block(key, value)
        },
    );
}

/// The byte after the closing quote.
fn closing(value: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    let mut chars = value.char_indices().skip(1).peekable();
    while let Some((index, c)) = chars.next() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote == '"' => escaped = true,
            _ if c == quote => {
                if quote == '\'' && chars.peek().is_some_and(|(_, next)| *next == '\'') {
                    chars.next();
                    continue;
                }
                return Some(index + c.len_utf8());
            }
            _ => {}
        }
    }
    None
}

/// In words, what the parser met, for whatever is none of the known accidents.
fn generic(kind: &ErrorKind) -> (Text, Text) {
    use ErrorKind as E;
    match kind {
        E::UnclosedQuotedScalar | E::DocumentIndicatorInQuotedScalar => (
            t("a quote is never closed", "引用符が閉じられていません"),
            t("close the quote on the line where it opens", "開いた行で引用符を閉じてください"),
        ),
        E::UnclosedFlowCollection { .. }
        | E::MisplacedFlowCollectionEnd
        | E::MismatchedFlowCollectionEnd { .. }
        | E::ExpectedFlowMappingSeparator
        | E::ExpectedFlowSequenceSeparator
        | E::UnexpectedEofFlowMapping
        | E::UnexpectedEofFlowSequence => (
            t(
                "brackets or braces do not match, or a comma is missing",
                "括弧の対応が合っていないか、カンマが抜けています",
            ),
            t(
                "close every `{` and `[`, with commas between the parts",
                "「{」と「[」をすべて閉じ、要素をカンマで区切ってください",
            ),
        ),
        E::UnknownAnchor => (
            t(
                "YAML reads `*` as a reference to something that is not there",
                "YAML は「*」を参照の記号として読み取りましたが、参照先がありません",
            ),
            t("put the text in quotes", "引用符で囲んでください"),
        ),
        E::UnknownQuotedScalarEscape | E::InvalidQuotedScalarHexEscape | E::InvalidUnicodeEscape => (
            t(
                "this backslash means nothing to YAML",
                "このバックスラッシュ（円記号）は YAML では意味を持ちません",
            ),
            t("use single quotes, or write `\\\\`", "単一引用符を使うか、「\\\\」と書いてください"),
        ),
        _ => (
            t(
                "the indentation does not fit, or a `:` or `- ` is missing",
                "字下げがずれているか、「:」または「- 」が抜けています",
            ),
            t(
                "keys of one level begin in the same column, list items with `- `, and a space follows each `:`",
                "同じ段のキーは同じ桁から書き始め、リストの項目は「- 」で始め、「:」の後には空白を入れてください",
            ),
        ),
    }
}
