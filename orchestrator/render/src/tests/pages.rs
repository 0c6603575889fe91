//! The examples on the pages of the codes.

use std::collections::BTreeMap;

/// The files of a section: a line with a path in backticks, then a fenced block with its content.
pub(crate) fn example(section: &str, base: BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    let mut files = base;
    let mut lines = section.lines();
    while let Some(line) = lines.next() {
        let path = line.strip_prefix("`templates/").and_then(|rest| rest.split('`').next());
        let Some(path) = path.map(|path| format!("templates/{path}")) else { continue };
        if line.ends_with("is not there") {
            files.remove(&path);
            continue;
        }
        let fence = lines.next().unwrap_or("");
        let mut text = String::new();
        for line in lines.by_ref().take_while(|line| *line != "```") {
            text.push_str(line);
            text.push('\n');
        }
        let bytes = match fence.trim_start_matches('`') {
            "latin1" => text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect(),
            "repeated" => text.trim_end().repeat(300_000 / text.len() + 1).into_bytes(),
            _ => text.into_bytes(),
        };
        files.insert(path, bytes);
    }
    files
}

/// The text of a section of a page.
pub(crate) fn section<'a>(page: &'a str, title: &str) -> &'a str {
    let start = page.find(&format!("## {title}\n")).unwrap_or_else(|| panic!("no section {title}"));
    let rest = &page[start + title.len() + 4..];
    &rest[..rest.find("\n## ").unwrap_or(rest.len())]
}
