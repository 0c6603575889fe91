//! Twins: a page and its Japanese twin have the same things in the same order, and their links lead somewhere.

use super::{none, read, top};
use std::collections::BTreeSet;
use std::path::Path;

/// Folders whose `README.md` has a twin, `README.ja.md`.
const FOLDERS: &[&str] = &["", "journeys/", "templates/"];

/// Something of a page that its twin has at the same place.
struct Part {
    /// The line it stands in, from 1.
    line: usize,
    /// What it is, without its words: `heading of level 2`.
    what: String,
}

/// Headings, blocks of code, tables, lists and pictures, in order.
fn parts(page: &str) -> Vec<Part> {
    let mut out = Vec::new();
    let mut lines = page.lines().zip(1..).peekable();
    while let Some((text, line)) = lines.next() {
        let mut rows = |begin: &str| {
            let mut count = 1;
            while lines.next_if(|(next, _)| next.starts_with(begin)).is_some() {
                count += 1;
            }
            count
        };
        let what = if let Some(language) = text.strip_prefix("```") {
            let inside = lines.by_ref().take_while(|(next, _)| !next.starts_with("```")).count();
            format!("code `{language}` of {inside} lines")
        } else if text.starts_with('#') {
            format!("heading of level {}", text.len() - text.trim_start_matches('#').len())
        } else if text.starts_with('|') {
            format!("table of {} rows", rows("|"))
        } else if text.starts_with("- ") {
            "point of a list".to_owned()
        } else if text.starts_with("![") {
            "picture".to_owned()
        } else {
            continue;
        };
        out.push(Part { line, what });
    }
    out
}

#[test]
fn a_page_and_its_twin_have_the_same_headings_examples_and_tables() {
    let mut problems = Vec::new();
    for folder in FOLDERS {
        let (english, japanese) = (format!("{folder}README.md"), format!("{folder}README.ja.md"));
        let (ours, theirs) = (parts(&read(&top().join(&english))), parts(&read(&top().join(&japanese))));
        if ours.is_empty() {
            problems.push(format!("{english}: is not there, or says nothing"));
        }
        // What follows the first difference differs as well.
        if let Some((one, other)) = ours.iter().zip(&theirs).find(|(one, other)| one.what != other.what) {
            problems.push(format!(
                "{english}:{}: {}, but {japanese}:{}: {}; say the same in both",
                one.line, one.what, other.line, other.what
            ));
        } else if ours.len() != theirs.len() {
            let (longer, rest) =
                if ours.len() > theirs.len() { (&english, &ours) } else { (&japanese, &theirs) };
            let first = &rest[ours.len().min(theirs.len())];
            problems.push(format!("{longer}:{}: {}; its twin ends before that", first.line, first.what));
        }
    }
    none(&problems);
}

#[test]
fn a_page_and_its_twin_lead_to_each_other() {
    let mut problems = Vec::new();
    for folder in FOLDERS {
        for (page, link) in
            [("README.md", "[日本語](README.ja.md)"), ("README.ja.md", "[English](README.md)")]
        {
            if !read(&top().join(folder).join(page)).lines().any(|line| line == link) {
                problems.push(format!("{folder}{page}: begin with a line `{link}`"));
            }
        }
    }
    none(&problems);
}

/// A page without its blocks of code.
fn prose(page: &str) -> String {
    let mut outside = true;
    let mut out = String::new();
    for line in page.lines() {
        if line.starts_with("```") {
            outside = !outside;
        } else if outside {
            out += line;
            out.push('\n');
        }
    }
    out
}

/// The anchors of a page's headings, as the usual viewers of Markdown make them.
fn anchors(page: &str) -> BTreeSet<String> {
    let slug = |title: &str| -> String {
        let kept = title.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    let page = prose(page);
    page.lines().filter(|line| line.starts_with('#')).map(|line| slug(line.trim_start_matches('#'))).collect()
}

#[test]
fn every_link_of_the_twins_leads_somewhere() {
    let mut problems = Vec::new();
    for page in
        FOLDERS.iter().flat_map(|folder| [format!("{folder}README.md"), format!("{folder}README.ja.md")])
    {
        let text = read(&top().join(&page));
        let prose = prose(&text);
        let targets = prose.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.contains("://")) {
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let folder = Path::new(&page).parent().unwrap_or(Path::new(""));
            let file = top().join(folder).join(path);
            if !path.is_empty() && !file.exists() {
                problems.push(format!("{page}: `{target}`: there is no such file"));
            } else if !anchor.is_empty() {
                let there = if path.is_empty() { text.clone() } else { read(&file) };
                if !anchors(&there).contains(anchor) {
                    problems.push(format!("{page}: `{target}`: no heading has this anchor"));
                }
            }
        }
    }
    none(&problems);
}
