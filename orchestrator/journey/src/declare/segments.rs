//! Segments: conditions on the customer, kept up to date by events and by the passing of time.

use super::Declared;
use crate::check::{Checker, Env, Scope};
use crate::expr::{BinaryOp, Expr, ExprKind, Function, Root, UnaryOp};
use crate::parts::walk;
use crate::report::{Report, t};
use crate::schema::Segment;
use crate::yaml::Kind;
use std::collections::{BTreeMap, BTreeSet};

/// Reads all that wait.
pub(super) fn read(declared: &mut Declared<'_>) {
    let mut read: BTreeMap<String, (Segment, BTreeSet<String>)> = BTreeMap::new();
    let mut places = BTreeMap::new();
    for (report, entry) in std::mem::take(&mut declared.later_segments) {
        let node = &entry.value;
        let (condition, title) = match &node.kind {
            Kind::Map(_) => {
                report.keys(node, &["title", "if", "description"]);
                let why = t("who belongs to it", "誰が含まれるかの条件です");
                (report.need(node, "if", why), node.get("title").and_then(|n| report.title(n)))
            }
            _ => (Some(node), None),
        };
        let env = Env::default();
        let no_event = t(
            "segments look at the customer, not at one event",
            "セグメントが調べるのはお客様で、個々のイベントではありません",
        );
        let scope = Scope { customer: true, ..declared.outside_journeys(&no_event, &env) };
        let Some(condition) = condition.and_then(|n| Checker::new(report, &scope).condition(n, "if")) else {
            continue;
        };
        computable(&report, &condition);
        places.insert(entry.key.clone(), (report, entry.key_span.clone()));
        let mut seen = Seen::default();
        seen.look(&condition, declared);
        let Seen { events, timed, segments } = seen;
        read.insert(entry.key.clone(), (Segment { title, condition, events, timed }, segments));
    }
    close(&mut read, &places);
    declared.schema.segments = read.into_iter().map(|(name, (segment, _))| (name, segment)).collect();
}

/// What a condition depends on.
#[derive(Default)]
struct Seen {
    events: BTreeSet<String>,
    timed: bool,
    segments: BTreeSet<String>,
}

impl Seen {
    fn look(&mut self, expr: &Expr, declared: &Declared<'_>) {
        walk(expr, &mut |part| {
            match &part.kind {
                ExprKind::Root(Root::Now) | ExprKind::Call(Function::Ago, _) => self.timed = true,
                ExprKind::Root(Root::Segment(name)) => {
                    self.segments.insert(name.clone());
                }
                ExprKind::Root(Root::Fact(name)) | ExprKind::Apart(name, _) => {
                    let unnamed = declared.unnamed.borrow();
                    if let Some(fact) = declared.schema.facts.get(name).or_else(|| unnamed.get(name)) {
                        self.events.insert(fact.event.clone());
                        self.timed |= fact.window.is_some();
                    }
                }
                _ => {}
            }
            true
        });
    }
}

fn speaks_of_now(expr: &Expr) -> bool {
    let mut found = false;
    walk(expr, &mut |part| {
        found |= matches!(&part.kind, ExprKind::Root(Root::Now) | ExprKind::Call(Function::Ago, _));
        !found
    });
    found
}

/// Whether the next moment at which a condition turns can be computed; reports where not.
fn computable(report: &Report<'_>, expr: &Expr) {
    match &expr.kind {
        ExprKind::Unary(UnaryOp::Not, a) => computable(report, a),
        ExprKind::Binary(BinaryOp::And | BinaryOp::Or, a, b) => {
            computable(report, a);
            computable(report, b);
        }
        ExprKind::Conditional(a, b, c) => {
            computable(report, a);
            computable(report, b);
            computable(report, c);
        }
        ExprKind::Binary(
            BinaryOp::Equal
            | BinaryOp::NotEqual
            | BinaryOp::Less
            | BinaryOp::LessEqual
            | BinaryOp::Greater
            | BinaryOp::GreaterEqual,
            a,
            b,
        ) => {
            linear(report, a);
            linear(report, b);
        }
        _ if speaks_of_now(expr) => refuse(report, expr),
        _ => {}
    }
}

/// One side of a comparison: a value that moves evenly with the clock, or not at all.
fn linear(report: &Report<'_>, expr: &Expr) {
    if !speaks_of_now(expr) {
        return;
    }
    match &expr.kind {
        ExprKind::Root(Root::Now) | ExprKind::Call(Function::Ago, _) => {}
        ExprKind::Binary(BinaryOp::Add | BinaryOp::Subtract, a, b) => {
            linear(report, a);
            linear(report, b);
        }
        ExprKind::Unary(UnaryOp::Negate, a) => linear(report, a),
        ExprKind::Call(Function::Date, args) => args.iter().for_each(|arg| linear(report, arg)),
        // The days are whole: adding to them or comparing two such counts cannot be turned around.
        ExprKind::Call(Function::DaysBetween, args) => args.iter().for_each(|arg| linear(report, arg)),
        _ => refuse(report, expr),
    }
}

fn refuse(report: &Report<'_>, expr: &Expr) {
    report.help(
        "J096",
        expr.span.clone(),
        t(
            "nobody can say when this will turn true or false",
            "この条件がいつ真偽を変えるのか、前もって計算できません",
        ),
        t("the clock is used in a calculation here", "ここで現在時刻が計算に使われています"),
        t(
            "compare a time with `ago(\"60 days\")`, `ahead(\"7 days\")` or `now`, with nothing else around them",
            "日時を「ago(\"60 days\")」「ahead(\"7 days\")」「now」のいずれかと直接比べてください",
        ),
    );
}

/// Segments that depend on segments take over their events; a circle is an error.
fn close(
    read: &mut BTreeMap<String, (Segment, BTreeSet<String>)>,
    places: &BTreeMap<String, (Report<'_>, std::ops::Range<usize>)>,
) {
    let names: Vec<String> = read.keys().cloned().collect();
    for name in names {
        let mut reached: BTreeSet<String> = BTreeSet::new();
        let mut ahead: Vec<String> = read[&name].1.iter().cloned().collect();
        while let Some(next) = ahead.pop() {
            if reached.insert(next.clone())
                && let Some((_, more)) = read.get(&next)
            {
                ahead.extend(more.iter().cloned());
            }
        }
        if reached.contains(&name) {
            if let Some((report, span)) = places.get(&name) {
                report.help(
                    "J098",
                    span.clone(),
                    t(
                        format!("the segment `{name}` depends on itself"),
                        format!("セグメント「{name}」が自分自身に依存しています"),
                    ),
                    t(
                        "it asks, by way of others, whether one is in it",
                        "めぐりめぐって自分に含まれるかどうかを調べています",
                    ),
                    t(
                        "take `in_segment(…)` out of one of them",
                        "どれか 1 つから「in_segment(…)」を外してください",
                    ),
                );
            }
            continue;
        }
        for other in reached {
            if let Some((segment, _)) = read.get(&other) {
                let (events, timed) = (segment.events.clone(), segment.timed);
                if let Some((segment, _)) = read.get_mut(&name) {
                    segment.events.extend(events);
                    segment.timed |= timed;
                }
            }
        }
    }
}
