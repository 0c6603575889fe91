//! Stories that could not be played: an error stands in them, or in the file around them.

use crate::{output::Output, project};
use journey::{story::Story, yaml::Kind};
use release::Files;
use words::Language;

/// A story that was left out, or a file of which none could be read.
pub(super) struct Unplayed {
    pub(super) file: String,
    /// What the story tells; `None`: the file cannot be read, or the story has no name.
    pub(super) name: Option<String>,
    line: usize,
}

/// What is written in the project's story files and is not among `read`.
pub(super) fn find(files: &Files, read: &[Story]) -> Vec<Unplayed> {
    let mut out = Vec::new();
    for (file, bytes) in files {
        if !(file.starts_with("journeys/") && file.ends_with(".test.yaml")) {
            continue;
        }
        let mut left: Vec<&str> =
            read.iter().filter(|story| story.file == *file).map(|story| story.name.as_str()).collect();
        let (root, problems) = journey::yaml::read(file, bytes);
        let source = project::source(files, file);
        let written = match root.as_ref().and_then(|root| root.get("stories")).map(|node| (&node.kind, node))
        {
            Some((Kind::List(items), _)) => items.iter().collect(),
            Some((Kind::Map(_), node)) => vec![node],
            // Nobody knows how many there were.
            _ if !problems.is_empty() => {
                out.push(Unplayed { file: file.clone(), name: None, line: 1 });
                continue;
            }
            _ => Vec::new(),
        };
        for node in written {
            let name = node.get("story").and_then(|name| name.text()).map(|name| name.trim().to_owned());
            if let Some(at) = left.iter().position(|known| Some(*known) == name.as_deref()) {
                left.remove(at);
                continue;
            }
            let line = source.get(..node.span.start).map_or(1, |before| before.matches('\n').count() + 1);
            out.push(Unplayed { file: file.clone(), name, line });
        }
    }
    out
}

impl Unplayed {
    /// One line for people.
    pub(super) fn show(&self, out: Output) {
        let place = out.dim(&format!("{}:{}", self.file, self.line));
        let mark = out.red("✗");
        let what = match &self.name {
            Some(name) => name.as_str(),
            None => out.either("every story of this file", "このファイルのすべてのストーリー"),
        };
        out.line(match out.language {
            Language::En => format!("{mark} not played: {what} {place}"),
            Language::Ja => format!("{mark} 未実行：{what} {place}"),
        });
    }
}

/// How many, and why.
pub(super) fn told(out: Output, unplayed: &[Unplayed]) -> Option<String> {
    let count = unplayed.len();
    if unplayed.iter().any(|one| one.name.is_none()) {
        let text = out.either(
            "not every story was played: mend the errors above first",
            "実行していないストーリーがあります。先に上のエラーを直してください",
        );
        return Some(text.to_owned());
    }
    Some(match (count, out.language) {
        (0, _) => return None,
        (1, Language::En) => "1 story was not played: mend the errors above first".to_owned(),
        (_, Language::En) => format!("{count} stories were not played: mend the errors above first"),
        (_, Language::Ja) => format!("{count}件は実行していません。先に上のエラーを直してください"),
    })
}
