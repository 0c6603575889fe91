//! `tabi explain`: the page of a code, or a reference, out of the program itself.

use super::Context;
use crate::{
    exit::{Exit, Fault},
    output::Output,
};
use clap::Args;
use words::Language;

/// Explain a code of `tabi check`, or show a reference
///
/// The page of each code says what is wrong and shows a failing example and a mended one. `journeys` and `templates` are the
/// references of the two languages that a project is written in.
///
/// Example: tabi explain J050
///
/// Example: tabi explain journeys | less
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// A code (J050), `journeys` or `templates`; left out: all there are
    #[arg(value_name = "CODE")]
    topic: Option<String>,
}

/// (code, page in English, page in Japanese), by code.
const PAGES: &[(&str, &str, Option<&str>)] = include!(concat!(env!("OUT_DIR"), "/codes.rs"));

/// (name, in English, in Japanese).
const REFERENCES: [(&str, &str, &str); 2] = [
    (
        "journeys",
        include_str!("../../../../journeys/README.md"),
        include_str!("../../../../journeys/README.ja.md"),
    ),
    (
        "templates",
        include_str!("../../../../templates/README.md"),
        include_str!("../../../../templates/README.ja.md"),
    ),
];

pub(crate) fn run(context: &Context, args: &ExplainArgs) -> anyhow::Result<Exit> {
    let out = context.out;
    let Some(topic) = &args.topic else {
        list(out);
        return Ok(Exit::Fine);
    };
    let page = page(topic, out.language).ok_or_else(|| Fault::problem(unknown(topic)))?;
    out.json(&serde_json::json!({"topic": topic, "page": page}));
    out.line(page.trim_end());
    Ok(Exit::Fine)
}

/// The page of a topic, for a reader of `language`.
fn page(topic: &str, language: Language) -> Option<String> {
    if let Some((_, en, ja)) = REFERENCES.iter().find(|(name, ..)| name.eq_ignore_ascii_case(topic)) {
        return Some((if language == Language::Ja { *ja } else { *en }).to_owned());
    }
    let (_, en, ja) = PAGES.iter().find(|(code, ..)| code.eq_ignore_ascii_case(topic))?;
    match (language, ja) {
        (Language::Ja, Some(ja)) => Some((*ja).to_owned()),
        _ => Some(in_one_language(en, language)),
    }
}

/// A page shows each diagnostic in both languages; a reader wants one of them. Japanese readers get the headings too.
fn in_one_language(page: &str, language: Language) -> String {
    let (mut out, mut block, mut inside) = (String::new(), String::new(), false);
    let twins =
        page.split("```text").skip(1).any(|rest| japanese(rest.split("```").next().unwrap_or_default()));
    for line in page.split_inclusive('\n') {
        if !inside && line.starts_with("```text") {
            (inside, block) = (true, line.to_owned());
        } else if inside {
            block += line;
            if line.starts_with("```") {
                inside = false;
                if !twins || japanese(&block) == (language == Language::Ja) {
                    out += &block;
                }
            }
        } else {
            out += match (language, line.trim_end()) {
                (Language::Ja, "## Wrong" | "## Fails") => "## 誤った例\n",
                (Language::Ja, "## Right" | "## Works") => "## 正しい例\n",
                _ => line,
            };
        }
    }
    while out.contains("\n\n\n") {
        out = out.replace("\n\n\n", "\n\n");
    }
    out
}

fn japanese(text: &str) -> bool {
    text.lines().filter(|line| line.contains(']') || line.contains("help:") || line.contains("ヒント:")).any(
        |line| line.chars().any(|sign| matches!(sign, '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}')),
    )
}

fn unknown(topic: &str) -> String {
    let upper = topic.to_uppercase();
    let codes = PAGES.iter().map(|(code, ..)| *code);
    match journey::nearest(&upper, codes.chain(REFERENCES.iter().map(|(name, ..)| *name))) {
        Some(meant) => format!("nothing is explained under `{topic}`; did you mean `{meant}`?"),
        None => format!(
            "nothing is explained under `{topic}`: it is a code like J050, `journeys` or `templates`; `tabi explain` lists \
             them all"
        ),
    }
}

fn list(out: Output) {
    let title = |page: &str| {
        let first = page.lines().next().unwrap_or_default();
        first.trim_start_matches("# ").split_once(": ").map_or(first, |(_, title)| title).to_owned()
    };
    let rows: Vec<(&str, String)> = PAGES
        .iter()
        .map(|(code, en, ja)| (*code, title(ja.filter(|_| out.language == Language::Ja).unwrap_or(en))))
        .collect();
    out.json(&serde_json::json!({
        "codes": rows.iter().map(|(code, title)| serde_json::json!({"code": code, "title": title})).collect::<Vec<_>>(),
        "references": REFERENCES.map(|(name, ..)| name),
    }));
    for (code, title) in &rows {
        out.line(format!("{}  {title}", out.bold(code)));
    }
    for (name, en, ja) in REFERENCES {
        let page = if out.language == Language::Ja { ja } else { en };
        out.line(format!("{}  {}", out.bold(name), title(page)));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_code_has_its_page_in_the_program_in_one_language_at_a_time() {
        assert!(PAGES.len() > 100, "{}", PAGES.len());
        let en = page("j004", Language::En).unwrap();
        assert!(en.contains("this file says too much") && !en.contains("ファイルの中身"), "{en}");
        let ja = page("J004", Language::Ja).unwrap();
        assert!(ja.contains("ファイルの中身が多すぎます") && !ja.contains("this file says too much"), "{ja}");
    }

    #[test]
    fn references_are_at_hand_and_a_slip_is_told() {
        assert!(page("journeys", Language::En).unwrap().contains("### survey"));
        assert!(page("templates", Language::Ja).unwrap().contains("テンプレート"));
        assert!(unknown("J0050").contains("did you mean"), "{}", unknown("J0050"));
        assert!(unknown("weather").contains("lists them all"));
    }
}
