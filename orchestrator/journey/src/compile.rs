//! A whole project: every file read, every journey compiled, every problem found at once.

mod act;
mod branch;
mod circles;
mod clicks;
mod flow;
mod header;
mod inputs;
mod send;
mod start;
mod steps;
mod titles;
mod wait;

use crate::declare::{Declared, duplicate};
use crate::program::Program;
use crate::report::{Report, t};
use crate::schema::Field;
use crate::yaml::{self, Kind, Node};
use crate::{Project, hash, lean};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use words::{Diagnostic, MessageCatalog, Severity};

/// What a journey is checked against.
#[derive(Clone, Copy)]
pub(crate) struct World<'a> {
    pub(crate) declared: &'a Declared<'a>,
    pub(crate) messages: &'a MessageCatalog,
    pub(crate) journeys: &'a BTreeMap<String, Sketch>,
}

/// What one journey knows of another.
pub(crate) struct Sketch {
    /// Where its name stands: file and line.
    place: (String, usize),
    /// The inputs of its `api:` start; `None`: it starts otherwise.
    pub(crate) inputs: Option<BTreeMap<String, Field>>,
}

/// The folder of the mappings of shop webhooks, which are not ours to read.
const SOURCES: &str = "journeys/sources/";

/// Compiles the `journeys/` folder of a project: every problem at once, and the project where none is an error.
///
/// `files` maps paths relative to the project's root, with `/`, to their bytes. Files that end in neither `.yaml` nor
/// `.yml` are left alone, and so are stories (`.test.yaml`, see [`crate::stories`]) and the brand's rules ([`crate::rules()`]).
pub fn compile(
    files: &BTreeMap<String, Vec<u8>>,
    messages: &MessageCatalog,
) -> (Option<Project>, Vec<Diagnostic>) {
    let list = RefCell::new(Vec::new());
    let read = read_all(files, &list, |file| {
        !file.ends_with(".test.yaml") && file != crate::rules::FILE && !file.starts_with(SOURCES)
    });
    let mut declared = Declared::new();
    let mut journeys = Vec::new();
    for (report, root) in &read {
        match root.get("journey") {
            Some(name) => journeys.push((*report, root, name)),
            None => declared.file(*report, root),
        }
    }
    for (report, root) in &read {
        titles::check(report, root, messages);
    }
    declared.finish();
    let (sketches, journeys) = sketch(&journeys);
    let world = World { declared: &declared, messages, journeys: &sketches };
    let mut programs = BTreeMap::new();
    let mut enrolls = BTreeMap::new();
    for (report, root, name) in journeys {
        let compiled = header::journey(report, world, root, &name);
        enrolls.insert(name.clone(), (report, compiled.enrolls));
        if let Some(mut program) = compiled.program {
            program.hash = hash::of(&program);
            lean::forget_types(&mut program);
            programs.insert(name, Arc::new(program));
        }
    }
    circles::check(&enrolls);
    let Declared { mut schema, unnamed, .. } = declared;
    schema.facts.extend(unnamed.into_inner());
    let mut diagnostics = list.into_inner();
    sort(&mut diagnostics);
    let failed = diagnostics.iter().any(|d| d.severity == Severity::Error);
    ((!failed).then_some(Project { schema, programs }), diagnostics)
}

/// By place, each once.
pub(crate) fn sort(diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.sort_by(|a, b| {
        (&a.file, a.span.start, a.span.end, &a.code).cmp(&(&b.file, b.span.start, b.span.end, &b.code))
    });
    diagnostics.dedup();
}

/// Reads the YAML files that are wanted.
pub(crate) fn read_all<'f>(
    files: &'f BTreeMap<String, Vec<u8>>,
    list: &'f RefCell<Vec<Diagnostic>>,
    wanted: impl Fn(&str) -> bool,
) -> Vec<(Report<'f>, Node)> {
    let mut out = Vec::new();
    for (file, bytes) in files {
        let yaml = file.ends_with(".yaml") || file.ends_with(".yml");
        if !yaml || !wanted(file) {
            continue;
        }
        let Some(source) = yaml::text(file, bytes, list) else { continue };
        let report = Report { file, source, list };
        if file.ends_with(".yml") {
            report.help(
                "J009",
                0..0,
                t("this file ends in `.yml`", "ファイル名の末尾が「.yml」です"),
                t("", ""),
                t("name it `.yaml`, like all the others", "ほかと同じく「.yaml」にしてください"),
            );
            continue;
        }
        let Some(root) = yaml::load(report) else { continue };
        match root.kind {
            Kind::Map(_) => out.push((report, root)),
            _ if root.is_null() => {}
            _ => report.help(
                "J009",
                report.first_line(&root.span),
                t("this file is neither a journey nor a set of declarations", "このファイルはジャーニーでも宣言でもありません"),
                t("it should begin with a key", "キーで始まる必要があります"),
                t(
                    "begin with `journey: <name>`, or with `events:`, `customer:`, `facts:`, `segments:`, `purposes:`, `catalogs:`, `calls:` or `surveys:`",
                    "「journey: 名前」か、「events:」「customer:」「facts:」「segments:」「purposes:」「catalogs:」「calls:」「surveys:」のどれかで始めてください",
                ),
            ),
        }
    }
    out
}

type Found<'a> = Vec<(Report<'a>, &'a Node, String)>;

/// The journeys there are, each name once.
fn sketch<'a>(journeys: &[(Report<'a>, &'a Node, &'a Node)]) -> (BTreeMap<String, Sketch>, Found<'a>) {
    let mut sketches: BTreeMap<String, Sketch> = BTreeMap::new();
    let mut found = Vec::new();
    for (report, root, name_node) in journeys {
        let Some(name) = report.name(name_node) else { continue };
        if let Some(first) = sketches.get(&name) {
            duplicate(report, &name, name_node.span.clone(), &first.place.0, first.place.1);
            continue;
        }
        let quiet = RefCell::new(Vec::new());
        let silent = Report { list: &quiet, ..*report };
        let inputs = root.get("start").and_then(|start| start.get("api")).map(|api| silent.fields(api));
        let line = report.source[..name_node.span.start].matches('\n').count() + 1;
        sketches.insert(name.clone(), Sketch { place: (report.file.to_owned(), line), inputs });
        found.push((*report, *root, name));
    }
    (sketches, found)
}

/// What became of one journey.
pub(crate) struct Compiled {
    /// `None` where its frame could not be read.
    pub(crate) program: Option<Program>,
    /// The journeys that it enrolls into, and where.
    pub(crate) enrolls: Vec<(String, std::ops::Range<usize>)>,
}

#[cfg(test)]
pub(crate) mod tests;
