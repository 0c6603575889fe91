//! Facts: aggregates over events, `orders: count(order_placed)`.

use super::Declared;
use crate::cel::{AstKind, Origin};
use crate::check::{Checker, Env, Scope, expression_text};
use crate::expr::{BinaryOp, Expr, ExprKind};
use crate::report::{Report, t};
use crate::schema::{Fact, FactKind};
use crate::yaml::{Kind, Node};
use std::ops::Range;
use words::Type;

/// Reads all that wait.
pub(super) fn read(declared: &mut Declared<'_>) {
    let mut read = Vec::new();
    for (report, entry) in std::mem::take(&mut declared.later_facts) {
        if let Some(fact) = fact(declared, report, &entry.value) {
            read.push((entry.key.clone(), fact));
        }
    }
    declared.schema.facts.extend(read);
}

fn fact(declared: &Declared<'_>, report: Report<'_>, node: &Node) -> Option<Fact> {
    let value = match &node.kind {
        Kind::Map(_) => {
            report.keys(node, &["value", "if", "within", "title", "description"]);
            report.need(node, "value", t("what is counted", "何を数えるかです"))?
        }
        _ => node,
    };
    let origin: Origin<'_> = expression_text(&report, value, "value")?;
    let env = Env::default();
    let no_event = t(
        "facts look at one event at a time: `it`",
        "ファクトはイベントを 1 件ずつ調べます。それを「it」で表します",
    );
    let scope = declared.outside_journeys(&no_event, &env);
    let mut checker = Checker::new(report, &scope);
    let ast = checker.read(&origin, value, "value")?;
    let AstKind::Call(call) = &ast.kind else {
        not_a_fact(&report, ast.span);
        return None;
    };
    const KINDS: [&str; 9] =
        ["count", "sum", "min", "max", "last", "first", "distinct", "last_at", "first_at"];
    if call.receiver.is_some() || call.args.is_empty() || !KINDS.contains(&call.name.as_str()) {
        not_a_fact(&report, ast.span.clone());
        return None;
    }
    let args: Vec<_> = call.args.iter().collect();
    let (mut fact, _) = checker.fact_of(&call.name, &args, &ast.span)?;
    if let Some(node) = node.get("within") {
        fact.window = Some(report.elapsed(node)?);
    }
    if let Some(node) = node.get("if") {
        let it = declared.event_type(&report, &fact.event, ast.span)?;
        let scope = Scope { it: Some(it), ..scope };
        fact.condition = Some(Checker::new(report, &scope).condition(node, "if")?);
    }
    Some(fact)
}

fn not_a_fact(report: &Report<'_>, span: Range<usize>) {
    report.help(
        "J073",
        span,
        t("a fact counts or sums up events", "ファクトはイベントを数えたり合計したりするものです"),
        t("this does neither", "この式はそのどちらでもありません"),
        t(
            "for example `count(order_placed)`, `sum(order_placed.total, \"365 days\")`, `last_at(order_placed)`",
            "例：「count(order_placed)」「sum(order_placed.total, \"365 days\")」「last_at(order_placed)」",
        ),
    );
}

/// Whether a fact may have no value: where nothing happened yet there is no newest, no least, no currency.
pub(crate) fn fact_may_be_missing(fact: &Fact) -> bool {
    match fact.kind {
        FactKind::Count | FactKind::Distinct(_) => false,
        FactKind::Sum(_) => !matches!(fact.ty, Type::Int | Type::Float | Type::Money(Some(_))),
        _ => true,
    }
}

/// The name of a fact that an expression asks for: how it is written, so that two who ask the same share it.
pub(crate) fn fact_name(fact: &Fact) -> String {
    let of = |value: &Expr| fact.event.clone() + value.to_string().strip_prefix("it").unwrap_or_default();
    let mut name = match &fact.kind {
        FactKind::Count => format!("count({}", fact.event),
        FactKind::LastAt => format!("last_at({}", fact.event),
        FactKind::FirstAt => format!("first_at({}", fact.event),
        FactKind::Sum(value) => format!("sum({}", of(value)),
        FactKind::Min(value) => format!("min({}", of(value)),
        FactKind::Max(value) => format!("max({}", of(value)),
        FactKind::Last(value) => format!("last({}", of(value)),
        FactKind::First(value) => format!("first({}", of(value)),
        FactKind::Distinct(value) => format!("distinct({}", of(value)),
    };
    // What is asked for later stands as `…`, before anything else that might hold one.
    let apart = match fact.by.as_ref().map(|by| &by.kind) {
        Some(ExprKind::List(parts)) => parts.as_slice(),
        _ => fact.by.as_slice(),
    };
    let mut conditions: Vec<String> = apart.iter().map(|by| format!("{by} == …")).collect();
    conditions.extend(fact.condition.as_ref().map(|condition| match &condition.kind {
        ExprKind::Binary(BinaryOp::Or, ..) | ExprKind::Conditional(..) if !apart.is_empty() => {
            format!("({condition})")
        }
        _ => condition.to_string(),
    }));
    if !conditions.is_empty() {
        name += &format!(", {}", conditions.join(" and "));
    }
    if let Some(window) = fact.window {
        name += &format!(", \"{window}\"");
    }
    name + ")"
}
