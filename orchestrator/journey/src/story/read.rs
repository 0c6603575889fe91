//! From files to stories.

use super::{Given, Story};
use crate::Project;
use crate::program::Op;
use crate::report::{Report, suggest, t};
use crate::story::values::instant;
use crate::yaml::{Kind, Node};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use words::{Diagnostic, Severity, Timestamp, Zone};

/// Reads the stories of a project, `journeys/<name>.test.yaml`, against what it declares. Stories with an error are
/// left out.
pub fn stories(files: &BTreeMap<String, Vec<u8>>, project: &Project) -> (Vec<Story>, Vec<Diagnostic>) {
    let list = RefCell::new(Vec::new());
    let mut out = Vec::new();
    for (report, root) in crate::compile::read_all(files, &list, |file| file.ends_with(".test.yaml")) {
        report.keys(&root, &["stories"]);
        let Some(node) = report.need(&root, "stories", t("a list of stories", "ストーリーのリストです"))
        else {
            continue;
        };
        for item in report.items(node) {
            let before = errors(&list.borrow());
            let story = Reader { report, project, zone: Zone::utc(), customers: BTreeMap::new() }.story(item);
            if errors(&list.borrow()) == before {
                out.extend(story);
            }
        }
    }
    let mut diagnostics = list.into_inner();
    crate::compile::sort(&mut diagnostics);
    (out, diagnostics)
}

fn errors(diagnostics: &[Diagnostic]) -> usize {
    diagnostics.iter().filter(|one| one.severity == Severity::Error).count()
}

/// Reads one story.
pub(super) struct Reader<'a> {
    pub(super) report: Report<'a>,
    pub(super) project: &'a Project,
    pub(super) zone: Zone,
    pub(super) customers: BTreeMap<String, Given>,
}

impl Reader<'_> {
    fn story(mut self, node: &Node) -> Option<Story> {
        let report = self.report;
        if !matches!(node.kind, Kind::Map(_)) {
            report.shape(node, "`story: …` and what belongs to it", "「story: …」とその中身");
            return None;
        }
        report.keys(node, &["story", "journeys", "zone", "now", "customers", "play"]);
        let name_node =
            report.need(node, "story", t("what it tells, in a sentence", "何の話か、一文で書きます"))?;
        let name = report.text(name_node, "a sentence", "一文")?.to_owned();
        if let Some(zone) = node.get("zone") {
            self.zone = report.zone(zone)?;
        }
        let now =
            report.need(node, "now", t("when it begins", "いつ始まるかです")).and_then(|n| self.instant(n));
        let journeys = self.journeys(node);
        match node.get("customers").map(|n| &n.kind) {
            Some(Kind::Map(entries)) => {
                for entry in entries {
                    if report.check_name(&entry.key, entry.key_span.clone()) {
                        let given = self.given(&entry.value, entry.key_span.clone());
                        self.customers.insert(entry.key.clone(), given);
                    }
                }
            }
            _ => {
                report.need(node, "customers", t("who it is about", "登場するお客様です"));
            }
        }
        let play = report.need(node, "play", t("what happens and what is expected", "出来事と期待です"));
        let lines = play.map(|n| report.items(n)).unwrap_or_default();
        let lines = lines.into_iter().filter_map(|line| self.line(line)).collect();
        Some(Story {
            name,
            file: report.file.to_owned(),
            span: name_node.span.clone(),
            journeys,
            zone: self.zone,
            now: now?,
            customers: self.customers,
            lines,
        })
    }

    fn journeys(&self, node: &Node) -> BTreeSet<String> {
        let all = || self.project.programs.keys().cloned().collect();
        let Some(list) = node.get("journeys") else {
            let stem = self.report.file.rsplit('/').next().unwrap_or("").trim_end_matches(".test.yaml");
            return if self.project.programs.contains_key(stem) { [stem.to_owned()].into() } else { all() };
        };
        if list.text() == Some("all") {
            return all();
        }
        self.report.items(list).into_iter().filter_map(|n| self.journey(n)).collect()
    }

    /// The name of a journey there is.
    pub(super) fn journey(&self, node: &Node) -> Option<String> {
        self.known(node, "J055", "journey", "ジャーニー", self.project.programs.keys().map(String::as_str))
    }

    /// The name of a message that a journey sends.
    pub(super) fn message(&self, node: &Node) -> Option<String> {
        let nodes = self.project.programs.values().flat_map(|program| &program.nodes);
        let messages: BTreeSet<&str> = nodes
            .filter_map(|node| match &node.op {
                Op::Send { send, .. } => Some(send.message.as_str()),
                _ => None,
            })
            .collect();
        self.known(node, "J059", "message", "メッセージ", messages)
    }

    /// A name that is among `known`, or reported.
    pub(super) fn known<'k>(
        &self,
        node: &Node,
        code: &str,
        en: &str,
        ja: &str,
        known: impl IntoIterator<Item = &'k str>,
    ) -> Option<String> {
        let name = self.report.text(node, &format!("the name of a {en}"), &format!("{ja}の名前"))?;
        let known: Vec<&str> = known.into_iter().collect();
        if known.contains(&name) {
            return Some(name.to_owned());
        }
        // Of people Japanese says it with another verb.
        let absent = if en == "customer" { "いません" } else { "ありません" };
        self.report.maybe_help(
            code,
            node.span.clone(),
            t(format!("there is no {en} `{name}`"), format!("「{name}」という{ja}は{absent}")),
            t(format!("no {en} has this name"), format!("この名前の{ja}は{absent}")),
            suggest(name, known),
        );
        None
    }

    /// Whose line it is: as written, or the only customer there is.
    pub(super) fn customer(&self, node: &Node, span: Range<usize>) -> Option<String> {
        if let Some(named) = node.get("customer") {
            return self.known(
                named,
                "J105",
                "customer",
                "お客様",
                self.customers.keys().map(String::as_str),
            );
        }
        let mut names = self.customers.keys();
        match (names.next(), names.next()) {
            (Some(only), None) => Some(only.clone()),
            _ => {
                let names = self.customers.keys().map(String::as_str).collect::<Vec<_>>();
                self.report.help(
                    "J105",
                    span,
                    t("whose is this?", "どのお客様のことか分かりません"),
                    t("there are several customers", "お客様が複数います"),
                    t(
                        format!("add `customer:` with one of: {}", names.join(", ")),
                        format!("「customer:」に {} のどれかを書いてください", names.join("、")),
                    ),
                );
                None
            }
        }
    }

    /// An instant: RFC 3339, or civil time in the story's zone.
    pub(super) fn instant(&self, node: &Node) -> Option<Timestamp> {
        let text = self.report.text(node, "a date and a time", "日時")?;
        self.report.straight(node, text)?;
        instant(text, &self.zone).or_else(|| {
            self.report.help(
                "J039",
                node.span.clone(),
                t(format!("`{text}` is not a date and a time"), format!("「{text}」は日時として読めません")),
                t("in the zone of the story", "ストーリーのタイムゾーンで書きます"),
                t("write it like \"2026-04-01 10:00\"", "\"2026-04-01 10:00\" のように書いてください"),
            );
            None
        })
    }
}
