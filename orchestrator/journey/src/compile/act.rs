//! Doing something else than writing: traits, events, calls, other journeys, surveys, notices, the end.

use super::flow::{Builder, Flow, Slot};
use super::inputs::Wanted;
use crate::cel::{Origin, parse};
use crate::check::Binding;
use crate::expr::{BinaryOp, Expr, ExprKind, Root};
use crate::program::{EventMatch, NotifyPart, Op, Pc};
use crate::report::{suggest, t};
use crate::schema::{Field, SurveyAnswers};
use crate::types::map_type;
use crate::yaml::{Kind, Node};
use std::collections::BTreeMap;
use std::ops::Range;
use words::{Elapsed, Type, Value};

fn wanted(fields: &BTreeMap<String, Field>) -> Wanted {
    fields.iter().map(|(name, field)| (name.clone(), (field.ty.clone(), field.required))).collect()
}

impl Builder<'_> {
    /// The name under a key of a step, if it is among `known`.
    fn declared(&self, node: &Node, code: &str, en: &str, ja: &str, known: Vec<&str>) -> Option<String> {
        let name = self.report.text(node, &format!("the name of a {en}"), &format!("{ja}の名前"))?;
        if known.contains(&name) {
            return Some(name.to_owned());
        }
        self.report.maybe_help(
            code,
            node.span.clone(),
            t(format!("there is no {en} `{name}`"), format!("「{name}」という{ja}はありません")),
            t(format!("no {en} is declared by this name"), format!("この名前の{ja}は宣言されていません")),
            suggest(name, known),
        );
        None
    }

    pub(super) fn set(&mut self, node: &Node, span: Range<usize>, flow: Flow) -> Flow {
        let step = self.step_name(node, "set");
        let traits = &self.world.declared.schema.traits;
        let wanted: Wanted =
            traits.iter().map(|(name, field)| (name.clone(), (field.ty.clone(), false))).collect();
        let (values, _) = self.arguments(node, "set", Some(&wanted), "J052", &flow.env);
        let pc = self.push(&flow, step, span, Op::Set { values: values.clone(), next: Pc::MAX });
        let mut env = flow.env;
        for (name, value) in values {
            let path = format!("customer.{name}");
            if value.nullable {
                env.known.remove(&path);
            } else {
                env.known.insert(path);
            }
        }
        Flow { alive: flow.alive, ..Flow::after(pc, Slot::Next, env) }
    }

    pub(super) fn emit(&mut self, node: &Node, span: Range<usize>, flow: Flow) -> Flow {
        let Some(event_node) = node.get("emit") else { return flow };
        let Some(event) = self.report.text(event_node, "an event", "イベント").map(str::to_owned) else {
            return flow;
        };
        let step = self.step_name(node, &format!("emit:{event}"));
        if self.world.declared.event_type(&self.report, &event, event_node.span.clone()).is_none() {
            return flow;
        }
        if crate::builtin::events().contains_key(&event) {
            self.report.help(
                "J065",
                event_node.span.clone(),
                t(
                    format!("`{event}` is an event of Tabi itself"),
                    format!("「{event}」は Tabi 自身のイベントです"),
                ),
                t("only Tabi reports it", "Tabi だけが記録できます"),
                t("emit an event of your own", "自分で宣言したイベントを使ってください"),
            );
        }
        let wanted = wanted(&self.world.declared.schema.events[&event].properties);
        let (properties, broken) = self.arguments(node, "with", Some(&wanted), "J051", &flow.env);
        self.complete(&properties, &broken, &wanted, &event, event_node.span.clone());
        let pc = self.push(&flow, step, span, Op::Emit { event, properties, next: Pc::MAX });
        Flow { alive: flow.alive, ..Flow::after(pc, Slot::Next, flow.env) }
    }

    pub(super) fn call(&mut self, node: &Node, span: Range<usize>, flow: Flow) -> Flow {
        let Some(call_node) = node.get("call") else { return flow };
        let calls = &self.world.declared.schema.calls;
        let known = calls.keys().map(String::as_str).collect();
        let Some(call) = self.declared(call_node, "J058", "call", "呼び出し", known) else { return flow };
        let step = self.step_name(node, &format!("call:{call}"));
        let schema = &calls[&call];
        let wanted = wanted(&schema.inputs);
        let (with, broken) = self.arguments(node, "with", Some(&wanted), "J063", &flow.env);
        self.complete(&with, &broken, &wanted, &call, call_node.span.clone());
        let ty = map_type(&schema.answer);
        let bind = self.bind(node, ty.clone());
        let up_to = node.get("up_to").and_then(|n| self.report.elapsed(n)).unwrap_or(Elapsed::from_hours(1));
        let op = Op::Call { call, with, up_to, bind: bind.clone(), then: Pc::MAX, otherwise: Pc::MAX };
        let pc = self.push(&flow, step, span, op);
        let mut env = flow.env;
        env.time_passes();
        let (mut answered, mut failed) = (env.clone(), env);
        if let Some(name) = bind {
            answered.known.retain(|path| *path != name && !path.starts_with(&format!("{name}.")));
            answered.bindings.insert(name.clone(), Binding { ty: ty.clone(), missing: None });
            let why = t("when the call fails it does not exist", "呼び出しに失敗すると存在しません");
            failed.bindings.entry(name).or_insert(Binding { ty, missing: Some(why) });
        }
        let answered = Flow { alive: flow.alive, ..Flow::after(pc, Slot::Then, answered) };
        let failed = Flow { alive: flow.alive, ..Flow::after(pc, Slot::Otherwise, failed) };
        let failed = self.block(node, "if_fails", failed);
        answered.join(failed)
    }

    pub(super) fn enroll(&mut self, node: &Node, span: Range<usize>, flow: Flow) -> Flow {
        let Some(name_node) = node.get("enroll") else { return flow };
        let known = self.world.journeys.keys().map(String::as_str).collect();
        let Some(journey) = self.declared(name_node, "J055", "journey", "ジャーニー", known) else {
            return flow;
        };
        let step = self.step_name(node, &format!("enroll:{journey}"));
        self.enrolls.push((journey.clone(), name_node.span.clone()));
        let with = match &self.world.journeys[&journey].inputs {
            Some(inputs) => {
                let wanted = wanted(inputs);
                let (with, broken) = self.arguments(node, "with", Some(&wanted), "J063", &flow.env);
                self.complete(&with, &broken, &wanted, &journey, name_node.span.clone());
                with
            }
            None => {
                self.report.help(
                    "J103",
                    name_node.span.clone(),
                    t(format!("`{journey}` does not start this way"), format!("「{journey}」はこの方法では始められません")),
                    t("it has a start of its own, which brings it what it needs", "自分の始まり方があり、必要な値はそこから来ます"),
                    t(
                        "let it start with `api:` and the inputs it needs, or emit the event that starts it",
                        "「api:」と必要な入力で始まるようにするか、それを始めるイベントを「emit」してください",
                    ),
                );
                Vec::new()
            }
        };
        let pc = self.push(&flow, step, span, Op::Enroll { journey, with, next: Pc::MAX });
        Flow { alive: flow.alive, ..Flow::after(pc, Slot::Next, flow.env) }
    }

    /// A survey is a message that asks, and a wait for the answer.
    pub(super) fn survey(&mut self, node: &Node, span: Range<usize>, flow: Flow) -> Flow {
        let Some(name_node) = node.get("survey") else { return flow };
        let surveys = &self.world.declared.schema.surveys;
        let known = surveys.keys().map(String::as_str).collect();
        let Some(survey) = self.declared(name_node, "J056", "survey", "アンケート", known) else {
            return flow;
        };
        let why = t("the message that asks the question", "質問を載せるメッセージです");
        let Some(message) = self.report.need(node, "send", why) else { return flow };
        let step = self.step_name(node, &format!("survey:{survey}"));
        let flow = self.send_as(node, message, step.clone(), Some(survey.clone()), span.clone(), flow);
        let mut fields: BTreeMap<String, (Type, bool)> = [("survey", true), ("comment", false)]
            .map(|(name, always)| (name.to_owned(), (Type::Text, always)))
            .into();
        match &surveys[&survey].answers {
            SurveyAnswers::Scale { .. } => fields.insert("score".to_owned(), (Type::Int, true)),
            SurveyAnswers::Choices(choices) => {
                let names = choices.iter().map(|(name, _)| name.clone()).collect();
                fields.insert("choice".to_owned(), (Type::OneOf(names), true))
            }
        };
        let event = "survey_answered".to_owned();
        self.listens.insert(event.clone());
        let events = vec![EventMatch { event, condition: Some(is_survey(&survey, &name_node.span)) }];
        self.wait_for_events(node, format!("{step}/answer"), span, events, Type::Map(fields), flow)
    }

    pub(super) fn notify(&mut self, node: &Node, span: Range<usize>, flow: Flow) -> Flow {
        let Some(to) = node.get("notify").and_then(|n| {
            self.report.text(n, "an e-mail address or the name of a team", "メールアドレスかチーム名")
        }) else {
            return flow;
        };
        let to = to.to_owned();
        let step = self.step_name(node, "notify");
        let why = t("what to tell them", "伝える内容です");
        let text = self.report.need(node, "text", why).map(|n| self.parts(n, &flow)).unwrap_or_default();
        let pc = self.push(&flow, step, span, Op::Notify { to, text, next: Pc::MAX });
        Flow { alive: flow.alive, ..Flow::after(pc, Slot::Next, flow.env) }
    }

    /// Text with expressions in braces; `{{` is a brace.
    fn parts(&self, node: &Node, flow: &Flow) -> Vec<NotifyPart> {
        let mut out = Vec::new();
        if !matches!(node.kind, Kind::Scalar { .. }) {
            self.report.shape(node, "a text in quotes", "引用符で囲んだ文");
            return out;
        }
        let Some(origin) = Origin::of(node, self.report.source) else { return out };
        let text = origin.text;
        let (mut at, mut plain) = (0, String::new());
        while let Some(found) = text[at..].find(['{', '}']) {
            let open = at + found;
            plain += &text[at..open];
            let brace = &text[open..=open];
            if text[open + 1..].starts_with(brace) {
                plain += brace;
                at = open + 2;
                continue;
            }
            let close = text[open..].find('}').map(|n| open + n).filter(|_| brace == "{");
            let Some(close) = close else {
                self.report.help(
                    "J070",
                    origin.range(open..open + 1),
                    t("this brace has no partner", "括弧の対応が合っていません"),
                    t("here", "ここです"),
                    t(
                        "write `{{` or `}}` for a brace that is meant as text",
                        "文字としての括弧は「{{」「}}」と書いてください",
                    ),
                );
                return out;
            };
            if !plain.is_empty() {
                out.push(NotifyPart::Text(std::mem::take(&mut plain)));
            }
            match parse(&origin.part(open + 1..close)) {
                Ok(ast) => out.extend(
                    self.checking(&flow.env, None, |checker| checker.expr(&ast)).map(NotifyPart::Value),
                ),
                Err(mistake) => {
                    self.report.maybe_help("J070", mistake.span, mistake.title, mistake.label, mistake.help);
                }
            }
            at = close + 1;
        }
        plain += &text[at..];
        if !plain.is_empty() {
            out.push(NotifyPart::Text(plain));
        }
        out
    }

    pub(super) fn stop(&mut self, node: &Node, span: Range<usize>, flow: Flow) -> Flow {
        let reason = match node.get("stop") {
            Some(n) if n.is_null() => "stopped".to_owned(),
            Some(n) => self
                .report
                .text(n, "a reason in a word or two", "理由を一言で")
                .unwrap_or("stopped")
                .to_owned(),
            None => return flow,
        };
        let step = self.step_name(node, "stop");
        self.push(&flow, step, span, Op::Stop { reason });
        Flow::dead(flow.env)
    }
}

/// `it.survey == "nps"`.
fn is_survey(name: &str, span: &Range<usize>) -> Expr {
    let expr = |kind, ty| Expr { kind, ty, nullable: false, span: span.clone() };
    let it = expr(ExprKind::Root(Root::It), Type::Map(BTreeMap::new()));
    let field = expr(ExprKind::Field(Box::new(it), "survey".to_owned()), Type::Text);
    let wanted = expr(ExprKind::Literal(Value::Text(name.to_owned())), Type::Text);
    expr(ExprKind::Binary(BinaryOp::Equal, Box::new(field), Box::new(wanted)), Type::Bool)
}
