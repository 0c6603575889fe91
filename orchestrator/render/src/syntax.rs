//! Whether a template reads: the engine's own word, and before it ours about quotes that the engine stumbles over.

use crate::problems::{Place, Problems};
use crate::scan;
use crate::tags;
use words::{Text, keyboard::CURLY};

/// The engine's own word on a file.
pub(crate) fn check(path: &str, text: &str, problems: &mut Problems) {
    if curly_quotes(path, text, problems) {
        return;
    }
    let mut engine = tera::Tera::new();
    let Err(error) = engine.add_raw_template(path, text) else { return };
    let tera::ErrorKind::SyntaxError(report) = error.kind() else { return };
    if let Some(odd) = tags::unpaired(text) {
        odd.report(path, problems);
        return;
    }
    let range = report.span().range.clone();
    let span = range.start.min(text.len())..range.end.clamp(range.start.min(text.len()), text.len());
    problems.error(
        "T010",
        &Place::new(path, span),
        crate::japanese::because(
            "this template does not read",
            "テンプレートの文法に誤りがあります",
            report.message(),
        ),
        Text::new("here", "ここ"),
        Text::new(
            "every {% if %} and {% for %} is closed, every {{ has its }}",
            "{% if %} と {% for %} は必ず閉じ、{{ には }} を付けてください",
        ),
    );
}

/// Quotes as word processors write them, inside of tags: the engine stumbles far behind them.
fn curly_quotes(path: &str, text: &str, problems: &mut Problems) -> bool {
    let mut found = false;
    for segment in scan::segments(text) {
        if !matches!(segment.kind, scan::Kind::Print | scan::Kind::Tag) {
            continue;
        }
        let mut straight = None;
        for (at, c) in text[segment.inner.clone()].char_indices() {
            match straight {
                Some(open) if c == open => straight = None,
                Some(_) => {}
                None if matches!(c, '"' | '\'' | '`') => straight = Some(c),
                None if CURLY.contains(&c) => {
                    found = true;
                    let start = segment.inner.start + at;
                    let mended: String = text[segment.span.clone()]
                        .chars()
                        .map(|c| if CURLY.contains(&c) { '"' } else { c })
                        .collect();
                    problems.error(
                        "T010",
                        &Place::new(path, start..start + c.len_utf8()),
                        Text::new(
                            format!("`{c}` is not a quote that templates know"),
                            format!("「{c}」はテンプレートの引用符ではありません"),
                        ),
                        Text::new("a curly quote", "この引用符です"),
                        Text::new(
                            format!("use straight quotes: {mended}"),
                            format!("半角の引用符で書いてください：{mended}"),
                        ),
                    );
                    break;
                }
                None => {}
            }
        }
    }
    found
}
