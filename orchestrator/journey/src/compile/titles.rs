//! Texts for people in journeys and declarations: written in each language of the brand, or once for all.

use crate::report::{Report, t};
use crate::yaml::{Kind, Node};
use words::{MessageCatalog, Severity};

/// The languages that such texts have.
const LANGUAGES: [&str; 2] = ["en", "ja"];

/// What customers read has to be there in every language; what the team reads had better be.
pub(super) fn check(report: &Report<'_>, root: &Node, messages: &MessageCatalog) {
    let spoken =
        LANGUAGES.into_iter().filter(|l| messages.locales.iter().any(|locale| locale.language() == *l));
    let spoken: Vec<&str> = spoken.collect();
    if let Some(title) = root.get("title").filter(|_| root.get("journey").is_some()) {
        title_in(report, title, &spoken, Severity::Warning);
    }
    for (section, severity) in
        [("purposes", Severity::Error), ("surveys", Severity::Error), ("segments", Severity::Warning)]
    {
        for entry in root.get(section).map(Node::entries).unwrap_or_default() {
            if let Some(title) = entry.value.get("title") {
                title_in(report, title, &spoken, severity);
            }
            for choice in entry.value.get("choices").map(Node::entries).unwrap_or_default() {
                title_in(report, &choice.value, &spoken, severity);
            }
        }
    }
}

fn title_in(report: &Report<'_>, title: &Node, spoken: &[&str], severity: Severity) {
    let Kind::Map(_) = &title.kind else { return };
    let has = |language: &str| title.get(language).is_some_and(|text| !text.is_null());
    // One that has neither is told by whoever reads it.
    if !LANGUAGES.into_iter().any(has) {
        return;
    }
    for language in spoken.iter().filter(|language| !has(language)) {
        let before = report.list.borrow().len();
        report.help(
            "J107",
            report.first_line(&title.span),
            t(
                format!("there is no text for the locale {language}"),
                format!("ロケール {language} の文がありません"),
            ),
            t("translated here", "翻訳はここです"),
            t(
                format!("add `{language}: …`, or write one text for all languages"),
                format!("「{language}: …」を加えるか、全言語に共通の文を 1 つだけ書いてください"),
            ),
        );
        if severity == Severity::Warning
            && let Some(found) = report.list.borrow_mut().get_mut(before)
        {
            found.severity = Severity::Warning;
        }
    }
}
