//! Mappings as they are read: what a topic means, checked against what the project declares.

use super::read::Reader;
use journey::Schema;
use journey::yaml::Node;
use release::Files;
use std::collections::BTreeMap;
use words::{Channel, Diagnostic, Severity, Text};

const FOLDER: &str = "journeys/sources/";

/// The mappings of a project, by the name of their source.
#[derive(Debug, Clone, Default)]
pub struct Sources(pub(crate) BTreeMap<String, Mapping>);

/// One file.
#[derive(Debug, Clone)]
pub(crate) struct Mapping {
    pub(crate) source: String,
    pub(crate) signature: Signature,
    pub(crate) topic: Value,
    pub(crate) message_id: Value,
    pub(crate) topics: BTreeMap<String, Topic>,
}

/// How the shop signs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Signature {
    pub(crate) header: String,
    pub(crate) hex: bool,
    /// The name of the secret.
    pub(crate) secret: String,
}

/// What one topic means.
#[derive(Debug, Clone, Default)]
pub(crate) struct Topic {
    /// Only where this value is one of these texts.
    pub(crate) only_if: Option<(Value, Vec<String>)>,
    /// Each value of this is one event, however often the shop tells it.
    pub(crate) once_per: Option<Value>,
    /// `user_id`, `email` …
    pub(crate) customer: BTreeMap<String, Value>,
    pub(crate) traits: BTreeMap<String, Value>,
    pub(crate) event: Option<String>,
    pub(crate) occurred_at: Option<Value>,
    pub(crate) properties: BTreeMap<String, Value>,
    pub(crate) consents: Vec<ConsentRule>,
}

/// What a shop's words of consent mean.
#[derive(Debug, Clone)]
pub(crate) struct ConsentRule {
    pub(crate) purpose: String,
    pub(crate) channel: Option<Channel>,
    pub(crate) value: Value,
    pub(crate) granted: Vec<String>,
    pub(crate) refused: Vec<String>,
    pub(crate) at: Option<Value>,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// A path; `true`: from the top.
    Path(Vec<String>, bool),
    Header(String),
    Const(String),
    Money(Box<Value>, Box<Value>),
    FirstOf(Vec<Value>),
    /// A value, unless it is one of these texts.
    Except(Box<Value>, Vec<String>),
    Sum(Box<Value>, Box<Value>),
    Each(Box<Value>, BTreeMap<String, Value>),
}

/// Reads `journeys/sources/*.yaml`: every problem at once, and the mappings that have no error.
pub fn compile(files: &Files, schema: &Schema) -> (Sources, Vec<Diagnostic>) {
    let mut sources = Sources::default();
    let mut problems = Vec::new();
    // Where each source was named first; also by a mapping that has errors of its own.
    let mut named: BTreeMap<String, String> = BTreeMap::new();
    for (file, bytes) in files.iter().filter(|(file, _)| file.starts_with(FOLDER) && file.ends_with(".yaml"))
    {
        let (root, mut found) = journey::yaml::read(file, bytes);
        if let Some(root) = root {
            let source = root.get("source").and_then(|node| Some((node, node.text()?.trim().to_owned())));
            if let Some((node, name)) = source
                && !name.is_empty()
            {
                match named.get(&name) {
                    Some(first) => found.push(twice(file, node, &name, first)),
                    None => {
                        let (line, column) = line_column(bytes, node.span.start);
                        named.insert(name, format!("{file}:{line}:{column}"));
                    }
                }
            }
            let mut reader = Reader { file, schema, problems: &mut found };
            let mapping = reader.mapping(&root);
            let failed = found.iter().any(|problem| problem.severity == Severity::Error);
            if let (Some(mapping), false) = (mapping, failed) {
                sources.0.insert(mapping.source.clone(), mapping);
            }
        }
        // An anchor is read wherever it is used, and what is wrong in it is said once.
        for problem in found {
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        }
    }
    (sources, problems)
}

/// Two mappings of one source: one of them would be passed over without a word.
fn twice(file: &str, node: &Node, name: &str, first: &str) -> Diagnostic {
    Diagnostic::error(
        "S006",
        file,
        node.span.clone(),
        Text::new(
            format!("the source `{name}` has a mapping already: {first}"),
            format!("ソース「{name}」の対応表は既にあります：{first}"),
        ),
        Text::new("the same source", "同じソースです"),
    )
    .help(Text::new(
        format!("one source has one mapping: give this one another name, or put what it says into {first}"),
        format!("1つのソースの対応表は1つです。別の名前にするか、内容を{first}に移してください"),
    ))
}

fn line_column(bytes: &[u8], offset: usize) -> (usize, usize) {
    let before = String::from_utf8_lossy(&bytes[..offset.min(bytes.len())]).into_owned();
    let line = before.matches('\n').count() + 1;
    (line, before.rsplit('\n').next().unwrap_or_default().chars().count() + 1)
}
