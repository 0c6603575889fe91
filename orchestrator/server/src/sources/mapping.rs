//! Mappings as they are read: what a topic means, checked against what the project declares.

use super::read::Reader;
use journey::Schema;
use release::Files;
use std::collections::BTreeMap;
use words::{Channel, Diagnostic, Severity};

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
    for (file, bytes) in files.iter().filter(|(file, _)| file.starts_with(FOLDER) && file.ends_with(".yaml"))
    {
        let (root, mut found) = journey::yaml::read(file, bytes);
        if let Some(root) = root {
            let mut reader = Reader { file, schema, problems: &mut found };
            let mapping = reader.mapping(&root);
            let failed = found.iter().any(|problem| problem.severity == Severity::Error);
            if let (Some(mapping), false) = (mapping, failed) {
                sources.0.insert(mapping.source.clone(), mapping);
            }
        }
        problems.append(&mut found);
    }
    (sources, problems)
}
