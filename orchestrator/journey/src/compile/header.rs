//! The frame of a journey: what it is called, what it is for, what starts and what ends it.

use super::flow::{Builder, Flow};
use super::{Compiled, World};
use crate::check::Env;
use crate::declare::humanised;
use crate::program::{EventMatch, Goal, Op, Program, SegmentRef};
use crate::report::{Report, suggest, t};
use crate::yaml::{Kind, Node};
use std::collections::BTreeSet;
use std::ops::Range;
use words::{Channel, MessageClass, Text, Type};

const KEYS: [&str; 9] =
    ["journey", "title", "purpose", "owner", "start", "goal", "stop_if", "first_of", "steps"];
/// Keys that belong under `start:`.
const START_KEYS: [&str; 4] = ["once_per", "again", "already_in", "late"];

/// Compiles one journey.
pub(super) fn journey(report: Report<'_>, world: World<'_>, root: &Node, name: &str) -> Compiled {
    let mut builder = Builder::new(report, world);
    for entry in root.entries().iter().filter(|e| START_KEYS.contains(&e.key.as_str())) {
        report.help(
            "J030",
            entry.key_span.clone(),
            t(
                format!("`{}` is about the start", entry.key),
                format!("「{}」は始まり方についてのキーです", entry.key),
            ),
            t("it does not belong here", "ここには置けません"),
            t("put it under `start:`", "「start:」の下に移してください"),
        );
    }
    let known: Vec<&str> = KEYS.into_iter().chain(START_KEYS).collect();
    report.keys(root, &known);
    let title = root.get("title").and_then(|n| report.title(n));
    let purpose = builder.purpose(root);
    builder.first_of = root.get("first_of").map(|n| builder.channels(n));
    let steps = root.get("steps");
    if let Some(steps) = steps {
        builder.scan(steps);
    }
    let start = root.get("start").filter(|n| !n.is_null());
    if start.is_none() {
        report.need(
            root,
            "start",
            t("nothing would ever start this journey", "このままではジャーニーが始まりません"),
        );
    }
    let start = start.and_then(|n| builder.start(n));
    let mut env = Env::default();
    if let Some(condition) = start.as_ref().and_then(|s| s.condition.as_ref()) {
        env.known.extend(crate::check::known_if(condition, true));
    }
    let goal = root.get("goal").and_then(|n| builder.goal(n));
    let (stop_if, stop_segments) = root.get("stop_if").map(|n| builder.stop_if(n)).unwrap_or_default();
    builder.stoppable = root.get("stop_if").is_some() || goal.as_ref().is_some_and(|g| g.stop);
    match steps {
        Some(list) if !list.is_null() => {
            let flow = Flow { open: Vec::new(), env, alive: true };
            let end = builder.steps(list, flow);
            if end.alive || builder.nodes.is_empty() {
                let place = root.span.end..root.span.end;
                builder.push(&end, "end".to_owned(), place, Op::End);
            }
        }
        _ => {
            report.need(root, "steps", t("this journey does nothing", "このジャーニーは何もしません"));
        }
    }
    let enrolls = std::mem::take(&mut builder.enrolls);
    let listens = std::mem::take(&mut builder.listens);
    let mut program = start.zip(purpose).map(|(start, (purpose, class))| Program {
        journey: name.to_owned(),
        title: title.unwrap_or_else(|| Text::new(humanised(name), humanised(name))),
        purpose,
        class,
        owner: root.get("owner").and_then(Node::text).map(str::to_owned),
        hash: String::new(),
        file: report.file.to_owned(),
        start: start.start,
        start_if: start.condition,
        once_per: start.once_per,
        again: start.again,
        already_in: start.already_in,
        late: start.late,
        goal,
        stop_if,
        stop_segments,
        nodes: builder.nodes,
        bindings: builder.bindings,
        listens,
    });
    if let Some(program) = &mut program {
        program.listens.extend(crate::parts::receipt_events(program));
        super::clicks::check(&report, world, program);
    }
    Compiled { program, enrolls }
}

impl Builder<'_> {
    fn purpose(&mut self, root: &Node) -> Option<(String, MessageClass)> {
        let purposes = &self.world.declared.schema.purposes;
        let why = t(
            "consent is asked about the purpose, and it fixes the class",
            "同意は目的ごとに確認され、区分も目的で決まります",
        );
        let node = self.report.need(root, "purpose", why)?;
        let name = self.report.text(node, "a purpose", "目的")?;
        let Some(purpose) = purposes.get(name) else {
            self.report.maybe_help(
                "J054",
                node.span.clone(),
                t(format!("there is no purpose `{name}`"), format!("「{name}」という目的はありません")),
                t("no purpose is declared by this name", "この名前の目的は宣言されていません"),
                suggest(name, purposes.keys().map(String::as_str)).or_else(|| {
                    Some(t(
                        format!("declare it in journeys/purposes.yaml: `purposes:` and below it `{name}: {{class: marketing}}`"),
                        format!("journeys/purposes.yaml の「purposes:」の下に「{name}: {{class: marketing}}」と宣言してください"),
                    ))
                }),
            );
            return None;
        };
        self.class = Some(purpose.class);
        Some((name.to_owned(), purpose.class))
    }

    /// A list of channels.
    pub(super) fn channels(&self, node: &Node) -> Vec<Channel> {
        let mut out: Vec<Channel> = Vec::new();
        for item in self.report.items(node) {
            let Some(name) = self.report.text(item, "a channel", "チャネル") else { continue };
            let channel = Channel::new(name);
            let known: BTreeSet<&str> = self
                .world
                .messages
                .messages
                .values()
                .flat_map(|m| m.channels.iter().map(Channel::as_str))
                .collect();
            if !known.contains(name) {
                self.report.maybe_help(
                    "J060",
                    item.span.clone(),
                    t(
                        format!("no message is written for the channel `{name}`"),
                        format!("チャネル「{name}」用に書かれたメッセージがありません"),
                    ),
                    t("this channel", "このチャネルです"),
                    suggest(name, known),
                );
            } else if !out.contains(&channel) {
                out.push(channel);
            }
        }
        out
    }

    fn goal(&mut self, node: &Node) -> Option<Goal> {
        let report = self.report;
        let matching = if let Kind::Map(_) = node.kind {
            report.keys(node, &["event", "if", "within", "then", "revenue"]);
            let event =
                report.need(node, "event", t("which event is the goal", "どのイベントを目標とするかです"))?;
            self.event_match(event, node.get("if"), &Env::default())?
        } else {
            self.event_match(node, None, &Env::default())?
        };
        let stop = node
            .get("then")
            .and_then(|n| report.one_of(n, &[("stop", true), ("go_on", false)]))
            .unwrap_or(false);
        let revenue = node.get("revenue").and_then(|n| self.revenue(n, &matching.event));
        let within = node.get("within").and_then(|n| report.elapsed(n));
        Some(Goal { event: matching, within, stop, revenue })
    }

    fn revenue(&self, node: &Node, event: &str) -> Option<String> {
        let name = self.report.text(node, "a property of the event", "イベントの項目")?;
        let properties = &self.world.declared.schema.events.get(event)?.properties;
        let money = || {
            properties.iter().filter(|(_, f)| matches!(f.ty, Type::Money(_))).map(|(name, _)| name.as_str())
        };
        if money().any(|known| known == name) {
            return Some(name.to_owned());
        }
        self.report.maybe_help(
            "J102",
            node.span.clone(),
            t(
                format!("`{event}` has no amount of money `{name}`"),
                format!("「{event}」に金額「{name}」はありません"),
            ),
            t("revenue is read from here", "ここから売上を読み取ります"),
            suggest(name, money()),
        );
        None
    }

    fn stop_if(&mut self, node: &Node) -> (Vec<EventMatch>, Vec<SegmentRef>) {
        let (mut events, mut segments) = (Vec::new(), Vec::new());
        let single = [node];
        let items: Vec<&Node> = match &node.kind {
            Kind::List(items) => items.iter().collect(),
            _ => single.to_vec(),
        };
        for item in items {
            let Kind::Map(_) = item.kind else {
                events.extend(self.event_match(item, None, &Env::default()));
                continue;
            };
            self.report.keys(item, &["event", "if", "joins", "leaves"]);
            if let Some(event) = item.get("event") {
                events.extend(self.event_match(event, item.get("if"), &Env::default()));
            } else if let Some((key, segment)) =
                ["joins", "leaves"].into_iter().find_map(|key| Some((key, item.get(key)?)))
            {
                segments.extend(
                    self.segment(segment).map(|segment| SegmentRef { segment, joined: key == "joins" }),
                );
            } else {
                self.report.need(
                    item,
                    "event",
                    t(
                        "an event, or `joins:` or `leaves:` a segment",
                        "イベント、または「joins:」「leaves:」とセグメントを書きます",
                    ),
                );
            }
        }
        (events, segments)
    }

    /// The name of a segment that exists.
    pub(super) fn segment(&self, node: &Node) -> Option<String> {
        let name = self.report.text(node, "a segment", "セグメント")?;
        let known = &self.world.declared.segments;
        if known.contains(name) {
            return Some(name.to_owned());
        }
        self.report.maybe_help(
            "J053",
            node.span.clone(),
            t(format!("there is no segment `{name}`"), format!("「{name}」というセグメントはありません")),
            t("no segment is declared by this name", "この名前のセグメントは宣言されていません"),
            suggest(name, known.iter().map(String::as_str)),
        );
        None
    }

    /// An event, perhaps with a condition on it.
    pub(super) fn event_match(
        &mut self,
        node: &Node,
        condition: Option<&Node>,
        env: &Env,
    ) -> Option<EventMatch> {
        let event = self.report.text(node, "an event", "イベント")?.to_owned();
        let ty = self.world.declared.event_type(&self.report, &event, node.span.clone())?;
        self.listens.insert(event.clone());
        let condition = match condition {
            Some(node) => Some(self.checking(env, Some(ty), |checker| checker.condition(node, "if"))?),
            None => None,
        };
        Some(EventMatch { event, condition })
    }

    /// A place in one line.
    pub(super) fn line(&self, span: &Range<usize>) -> Range<usize> {
        self.report.first_line(span)
    }
}
