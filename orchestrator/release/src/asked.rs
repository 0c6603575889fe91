//! Messages that lead to a survey's page while no journey asks a survey by them: their link would be empty, in every
//! direct send.

use crate::Files;
use journey::{Op, Project};
use std::ops::Range;
use words::{Diagnostic, MessageCatalog, Text};

const LINK: &str = "survey_url";

/// The same for templates that are looked at alone, as in a preview. Journeys with errors have their own say first.
pub fn unasked(files: &Files, templates: &render::Templates) -> Vec<Diagnostic> {
    let catalog = templates.catalog();
    let (project, _) = journey::compile(&crate::files::of_journeys(files), &catalog);
    project.map(|project| check(files, &catalog, &project)).unwrap_or_default()
}

/// A warning for each such message, where it prints the link.
pub(crate) fn check(files: &Files, messages: &MessageCatalog, project: &Project) -> Vec<Diagnostic> {
    let asked = |message: &str| {
        project.programs.values().flat_map(|program| &program.nodes).any(|node| {
            matches!(&node.op, Op::Send { send, .. } if send.survey.is_some() && send.message == message)
        })
    };
    let lost = messages.messages.iter().filter(|(name, entry)| !entry.asks.is_empty() && !asked(name));
    lost.map(|(name, _)| {
        let (file, span) = place(files, name);
        let found = Diagnostic::error(
            "R001",
            &file,
            span,
            Text::new(
                format!("`{name}` leads to a survey's page, and no journey asks a survey by it"),
                format!("「{name}」はアンケートのページへのリンクを含みますが、これでアンケートを行うジャーニーがありません"),
            ),
            Text::new("there is no page for this link", "リンク先になるページがありません"),
        );
        let help = Text::new(
            format!("write `survey: …` with `send: {name}` in a journey, or take the link out; sent directly it is refused"),
            format!("ジャーニーに「survey: …」と「send: {name}」を書くか、リンクを外してください。API から直接送ることはできません"),
        );
        found.help(help).warning()
    })
    .collect()
}

/// Where the message prints the link.
fn place(files: &Files, message: &str) -> (String, Range<usize>) {
    let folder = format!("templates/{message}/");
    let inside = files.range(folder.clone()..).take_while(|(path, _)| path.starts_with(&folder));
    for (path, content) in inside {
        if let Some(at) = std::str::from_utf8(content).ok().and_then(|text| text.find(LINK)) {
            return (path.clone(), at..at + LINK.len());
        }
    }
    // It comes from a layout or a block.
    (format!("{folder}message.yaml"), 0..0)
}
