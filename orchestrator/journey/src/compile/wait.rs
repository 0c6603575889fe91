//! Waiting: for a while, until a date, for an event.

use super::flow::{Builder, Flow, Slot};
use crate::cel::{Origin, parse};
use crate::check::{Binding, Env};
use crate::expr::Expr;
use crate::program::{Duration, EventMatch, Op, Pc, Wait, WaitUntil};
use crate::report::t;
use crate::types::event_type;
use crate::yaml::{Kind, Node};
use std::collections::BTreeMap;
use std::ops::Range;
use words::{Elapsed, Text, Type};

/// The longest wait, in days: ten years.
const DAYS_MAX: i32 = 3660;

/// Whole calendar days as written, `3 days`, `-7 days`, `2 weeks`.
pub(super) fn calendar_days(text: &str) -> Option<i32> {
    let (count, unit) = text.trim().split_once(' ')?;
    let count: i32 = count.parse().ok()?;
    let days = match unit.trim() {
        "day" | "days" => count,
        "week" | "weeks" => count.checked_mul(7)?,
        _ => return None,
    };
    (days.abs() <= DAYS_MAX).then_some(days)
}

impl Builder<'_> {
    /// `3 days`, `72 hours`, or `event.supply_days days`.
    fn duration(&self, node: &Node, env: &Env, negative: bool) -> Option<Duration> {
        let report = self.report;
        let text = report.text(node, "a length of time", "長さ（時間）")?;
        if let Some(days) = calendar_days(text).filter(|days| negative || *days >= 0) {
            return Some(Duration::CalendarDays(days));
        }
        let unsigned = text.strip_prefix('-').filter(|_| negative);
        if let Ok(elapsed) = Elapsed::parse(unsigned.unwrap_or(text))
            && elapsed <= Elapsed::from_days(i64::from(DAYS_MAX))
        {
            let sign = if unsigned.is_some() { -1 } else { 1 };
            return Some(Duration::Elapsed(Elapsed::from_micros(elapsed.as_micros() * sign)));
        }
        let computed = text.strip_suffix(" days").or_else(|| text.strip_suffix(" day"));
        match computed {
            Some(computed) if !computed.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit()) => {
                let origin = Origin::of(node, report.source)?;
                let lead = node.text().map_or(0, |whole| whole.len() - whole.trim_start().len());
                let part = origin.part(lead..lead + computed.len());
                let ast = match parse(&part) {
                    Ok(ast) => ast,
                    Err(mistake) => {
                        report.maybe_help("J070", mistake.span, mistake.title, mistake.label, mistake.help);
                        return None;
                    }
                };
                let expr = self.checking(env, None, |checker| checker.value(&ast))?;
                self.of_type(expr, &Type::Int).map(Duration::DaysOf)
            }
            _ => report.elapsed_text(text, node.span.clone()).map(Duration::Elapsed),
        }
    }

    fn since_start(&self, node: &Node) -> bool {
        let words = [("start", true), ("here", false)];
        node.get("since").and_then(|n| self.report.one_of(n, &words)).unwrap_or(false)
    }

    pub(super) fn wait(&mut self, node: &Node, span: Range<usize>, flow: Flow) -> Flow {
        let step = self.step_name(node, "wait");
        let duration = node.get("wait").and_then(|n| self.duration(n, &flow.env, false));
        let since_start = self.since_start(node);
        let duration = duration.unwrap_or(Duration::CalendarDays(1));
        self.finish_wait(node, step, span, WaitUntil::After { duration, since_start }, flow)
    }

    pub(super) fn wait_until(&mut self, node: &Node, span: Range<usize>, flow: Flow) -> Flow {
        let step = self.step_name(node, "wait_until");
        let Some(value) = node.get("wait_until") else { return flow };
        if value.text() == Some("window") {
            for key in ["offset", "at"] {
                if let Some(n) = node.get(key) {
                    self.report.error(
                        "J030",
                        n.span.clone(),
                        t(format!("a window has no `{key}`"), format!("「window」に「{key}」は使えません")),
                        t("here", "ここです"),
                    );
                }
            }
            if node.get("between").is_none() && node.get("on").is_none() {
                self.report.need(node, "between", t("which hours are the window", "どの時間帯を待つかです"));
            }
            return self.finish_wait(node, step, span, WaitUntil::Window, flow);
        }
        let date = self.until_date(value, &flow);
        let offset =
            node.get("offset").map_or(Some(Duration::CalendarDays(0)), |n| self.duration(n, &flow.env, true));
        let at_minute = node.get("at").and_then(|n| self.report.minute(n));
        let (Some(date), Some(offset)) = (date, offset) else { return flow };
        self.finish_wait(node, step, span, WaitUntil::At { date, offset, at_minute }, flow)
    }

    fn until_date(&self, node: &Node, flow: &Flow) -> Option<Expr> {
        // A date written as it is.
        if let Some(text) = node.text()
            && let Ok(date) = text.parse::<jiff::civil::Date>()
        {
            let kind = crate::expr::ExprKind::Literal(words::Value::Date(date));
            return Some(Expr { kind, ty: Type::Date, nullable: false, span: node.span.clone() });
        }
        let expr = self.checking(&flow.env, None, |checker| {
            let expr = checker.node(node, "wait_until")?;
            checker.needs_value(&expr).then_some(expr)
        })?;
        if matches!(expr.ty, Type::Date | Type::Time) {
            return Some(expr);
        }
        self.of_type(expr, &Type::Date)
    }

    fn finish_wait(
        &mut self,
        node: &Node,
        step: String,
        span: Range<usize>,
        until: WaitUntil,
        flow: Flow,
    ) -> Flow {
        let between = node.get("between").and_then(|n| self.report.between(n));
        let on = node.get("on").and_then(|n| self.report.days(n));
        let wait = Box::new(Wait { until, between, on });
        let pc = self.push(&flow, step, span, Op::Wait { wait, next: Pc::MAX });
        let mut env = flow.env;
        env.time_passes();
        Flow { alive: flow.alive, ..Flow::after(pc, Slot::Next, env) }
    }

    pub(super) fn wait_for(&mut self, node: &Node, span: Range<usize>, flow: Flow) -> Flow {
        let Some(value) = node.get("wait_for") else { return flow };
        let items: Vec<&Node> = match &value.kind {
            Kind::List(items) => items.iter().collect(),
            _ => vec![value],
        };
        if let (Some(condition), true) = (node.get("if"), items.len() > 1) {
            self.report.help(
                "J034",
                condition.span.clone(),
                t(
                    "with several events each has a condition of its own",
                    "イベントが複数あるときは、条件をそれぞれに書きます",
                ),
                t("to which of them does this belong?", "どのイベントの条件か分かりません"),
                t("write `- event: …` and below it `if: …`", "「- event: …」の下に「if: …」と書いてください"),
            );
        }
        let mut events = Vec::new();
        for item in items {
            let found = if let Kind::Map(_) = item.kind {
                self.report.keys(item, &["event", "if"]);
                let event =
                    self.report.need(item, "event", t("which event is waited for", "待つイベントです"));
                event.and_then(|event| self.event_match(event, item.get("if"), &flow.env))
            } else {
                self.event_match(item, node.get("if"), &flow.env)
            };
            events.extend(found);
        }
        let first = events.first().map(|e| e.event.clone()).unwrap_or_default();
        let step = self.step_name(node, &format!("wait_for:{first}"));
        let ty = self.bound_type(&events);
        self.wait_for_events(node, step, span, events, ty, flow)
    }

    /// What `as:` binds: of several events the fields that all of them have, the others perhaps.
    fn bound_type(&self, events: &[EventMatch]) -> Type {
        let mut fields: Option<BTreeMap<String, (Type, bool)>> = None;
        for event in events {
            let Some(schema) = self.world.declared.schema.events.get(&event.event) else { continue };
            let Type::Map(next) = event_type(&schema.properties) else { continue };
            fields = Some(match fields {
                None => next,
                Some(so_far) => {
                    let mut merged = BTreeMap::new();
                    for name in so_far.keys().chain(next.keys()) {
                        let field = match (so_far.get(name), next.get(name)) {
                            (Some((a, x)), Some((b, y))) if a == b => (a.clone(), *x && *y),
                            (Some(_), Some(_)) => (Type::Any, false),
                            (Some((ty, _)), None) | (None, Some((ty, _))) => (ty.clone(), false),
                            (None, None) => continue,
                        };
                        merged.insert(name.clone(), field);
                    }
                    merged
                }
            });
        }
        Type::Map(fields.unwrap_or_default())
    }

    /// The rest of `wait_for`, also of a survey's answer.
    pub(super) fn wait_for_events(
        &mut self,
        node: &Node,
        step: String,
        span: Range<usize>,
        events: Vec<EventMatch>,
        ty: Type,
        flow: Flow,
    ) -> Flow {
        let up_to = node.get("up_to").and_then(|n| self.duration(n, &flow.env, false));
        let since_start = self.since_start(node);
        if node.get("up_to").is_none() {
            if let Some(if_not) = node.get("if_not") {
                self.report.help(
                    "J095",
                    if_not.span.start..if_not.span.start,
                    t(
                        "without `up_to` the waiting never ends in vain",
                        "「up_to」がないと、待つのをやめる時が来ません",
                    ),
                    t("so nobody ever gets here", "そのため、ここに進む人はいません"),
                    t("add `up_to: 14 days`", "「up_to: 14 days」のように期限を加えてください"),
                );
            } else if !self.stoppable {
                self.report.help(
                    "J095",
                    span.clone(),
                    t("this may wait for ever", "いつまでも待ち続けるおそれがあります"),
                    t(
                        "who never does it stays here, and nothing ends the journey",
                        "待っていることが起きない人はここに留まり、ジャーニーが終わりません",
                    ),
                    t(
                        "add `up_to: 14 days`, or give the journey a `stop_if`",
                        "「up_to: 14 days」のように期限を加えるか、ジャーニーに「stop_if」を書いてください",
                    ),
                );
            }
        }
        let bind = self.bind(node, ty.clone());
        let why = up_to.as_ref().map(never_came);
        let op = Op::WaitFor {
            events,
            up_to: up_to.clone(),
            since_start,
            bind: bind.clone(),
            then: Pc::MAX,
            otherwise: Pc::MAX,
        };
        let pc = self.push(&flow, step, span, op);
        let mut env = flow.env.clone();
        env.time_passes();
        let mut came = env.clone();
        let mut not = env;
        if let Some(name) = &bind {
            came.known.retain(|path| path != name && !path.starts_with(&format!("{name}.")));
            came.bindings.insert(name.clone(), Binding { ty: ty.clone(), missing: None });
            let missing = why.or_else(|| Some(t("it never came", "来なかった場合です")));
            not.bindings.entry(name.clone()).or_insert(Binding { ty, missing });
        }
        let came = self.block(node, "then", Flow { alive: flow.alive, ..Flow::after(pc, Slot::Then, came) });
        let never = node.get("up_to").is_none();
        let not = Flow { alive: flow.alive && !never, ..Flow::after(pc, Slot::Otherwise, not) };
        if never {
            // Nobody goes this way; the node still needs a target.
            let mut came = came;
            came.open.push((pc, Slot::Otherwise));
            return came;
        }
        let not = self.block(node, "if_not", not);
        came.join(not)
    }
}

/// Why a binding may be missing: `after 14 days without one it does not exist`.
fn never_came(up_to: &Duration) -> Text {
    match up_to {
        Duration::CalendarDays(days) => {
            let unit = if *days == 1 { "day" } else { "days" };
            t(
                format!("after {days} {unit} without one it does not exist"),
                format!("{days} 日以内に来なければ存在しません"),
            )
        }
        Duration::Elapsed(elapsed) => t(
            format!("after {elapsed} without one it does not exist"),
            format!("{elapsed} 以内に来なければ存在しません"),
        ),
        Duration::DaysOf(_) => {
            t("if none comes in time it does not exist", "期限までに来なければ存在しません")
        }
    }
}
