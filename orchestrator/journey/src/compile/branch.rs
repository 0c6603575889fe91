//! Going one way or another: conditions, experiments, repetition.

use super::flow::{Builder, Flow, Slot};
use crate::check::known_if;
use crate::program::{Op, Pc};
use crate::report::t;
use crate::yaml::{Kind, Node};
use std::ops::Range;

/// The most turns of a `repeat`.
const TURNS_MAX: u32 = 365;

impl Builder<'_> {
    pub(super) fn branch_if(&mut self, node: &Node, span: Range<usize>, flow: Flow) -> Flow {
        let step = self.step_name(node, "if");
        let condition = node.get("if").and_then(|n| self.condition(&flow, n, "if"));
        if node.get("then").is_none() && node.get("else").is_none() {
            self.report.need(node, "then", t("what to do if it is so", "成り立つときにすることです"));
        }
        let (yes_known, no_known) = match &condition {
            Some(condition) => (known_if(condition, true), known_if(condition, false)),
            None => Default::default(),
        };
        let arms = vec![(condition.unwrap_or_else(never), Pc::MAX)];
        let pc = self.push(&flow, step, span, Op::Branch { arms, otherwise: Pc::MAX });
        let mut yes = flow.env.clone();
        yes.known.extend(yes_known);
        let mut no = flow.env;
        no.known.extend(no_known);
        let yes = self.block(node, "then", Flow { alive: flow.alive, ..Flow::after(pc, Slot::Arm(0), yes) });
        let no = self.block(node, "else", Flow { alive: flow.alive, ..Flow::after(pc, Slot::Otherwise, no) });
        yes.join(no)
    }

    pub(super) fn choose(&mut self, node: &Node, span: Range<usize>, flow: Flow) -> Flow {
        let step = self.step_name(node, "choose");
        let Some(Kind::List(items)) = node.get("choose").map(|n| &n.kind) else {
            if let Some(list) = node.get("choose") {
                self.report.shape(
                    list,
                    "a list of `- when: …` with `steps:`",
                    "「- when: …」と「steps:」のリスト",
                );
            }
            return flow;
        };
        let mut rest = flow.env.clone();
        let mut ways = Vec::new();
        let mut otherwise = node.get("otherwise");
        for item in items {
            if item.broken {
                continue;
            }
            if let (Some(last), None) = (item.get("otherwise"), item.get("when")) {
                otherwise = Some(last);
                self.report.keys(item, &["otherwise"]);
                continue;
            }
            self.report.keys(item, &["when", "steps"]);
            let why = t("when this way is taken", "この道に進む条件です");
            let condition = self.report.need(item, "when", why).and_then(|n| {
                let here = Flow { env: rest.clone(), ..flow.clone() };
                self.condition(&here, n, "when")
            });
            let mut env = rest.clone();
            if let Some(condition) = &condition {
                env.known.extend(known_if(condition, true));
                rest.known.extend(known_if(condition, false));
            }
            ways.push((item, condition.unwrap_or_else(never), env));
        }
        let arms = ways.iter().map(|(_, condition, _)| (condition.clone(), Pc::MAX)).collect();
        let pc = self.push(&flow, step, span, Op::Branch { arms, otherwise: Pc::MAX });
        let mut end = Flow::dead(flow.env);
        for (index, (item, _, env)) in ways.into_iter().enumerate() {
            let way = Flow { alive: flow.alive, ..Flow::after(pc, Slot::Arm(index), env) };
            end = end.join(self.block(item, "steps", way));
        }
        let last = Flow { alive: flow.alive, ..Flow::after(pc, Slot::Otherwise, rest) };
        end.join(match otherwise {
            Some(list) => self.steps(list, last),
            None => last,
        })
    }

    pub(super) fn experiment(&mut self, node: &Node, span: Range<usize>, flow: Flow) -> Flow {
        let report = self.report;
        let Some(name_node) = node.get("experiment") else { return flow };
        let name = report.name(name_node).unwrap_or_default();
        if !name.is_empty() && !self.experiments.insert(name.clone()) {
            report.help(
                "J041",
                name_node.span.clone(),
                t(
                    format!("the name `{name}` is taken"),
                    format!("「{name}」という名前はすでに使われています"),
                ),
                t("another experiment of this journey has it", "このジャーニーの別の実験がこの名前です"),
                t("choose another name", "別の名前にしてください"),
            );
        }
        let mut shares: Vec<(String, u32, Option<&Node>)> = Vec::new();
        let mut complete = true;
        if let Some(holdout) = node.get("holdout") {
            let share = report.percent(holdout);
            complete &= share.is_some();
            shares.push(("holdout".to_owned(), share.unwrap_or(0), None));
        }
        let arms = report.need(node, "arms", t("the ways to compare", "比べる道筋です"));
        for arm in arms.map(|n| report.items(n)).unwrap_or_default() {
            report.keys(arm, &["arm", "share", "steps"]);
            let arm_name =
                report.need(arm, "arm", t("every arm has a name", "群には名前が必要です")).and_then(|n| {
                    let name = report.name(n)?;
                    if shares.iter().any(|(other, ..)| *other == name) {
                        report.help(
                            "J041",
                            n.span.clone(),
                            t(
                                format!("the name `{name}` is taken"),
                                format!("「{name}」という名前はすでに使われています"),
                            ),
                            t("another arm has it", "別の群がこの名前です"),
                            t("choose another name", "別の名前にしてください"),
                        );
                        return None;
                    }
                    Some(name)
                });
            let share = report
                .need(arm, "share", t("how many of the customers", "お客様の割合です"))
                .and_then(|n| report.percent(n));
            complete &= share.is_some();
            shares.push((arm_name.unwrap_or_default(), share.unwrap_or(0), Some(arm)));
        }
        let sum: u32 = shares.iter().map(|(_, share, _)| share).sum();
        if complete && sum != 10_000 && arms.is_some() {
            let shown = format!("{}", f64::from(sum) / 100.0);
            report.help(
                "J093",
                name_node.span.clone(),
                t(
                    format!("the shares of `{name}` make {shown}%, not 100%"),
                    format!("「{name}」の割合の合計が {shown}% で、100% になっていません"),
                ),
                t("`holdout` counts too", "「holdout」も含めて数えます"),
                t(
                    if sum < 10_000 {
                        "add the rest to an arm, or make it the `holdout`"
                    } else {
                        "lower the shares until they make 100%"
                    },
                    if sum < 10_000 {
                        "残りをどれかの群に足すか、「holdout」にしてください"
                    } else {
                        "超えた分を減らしてください"
                    },
                ),
            );
        }
        let step = self.step_name(node, &format!("experiment:{name}"));
        let op_arms = shares.iter().map(|(name, share, _)| (name.clone(), *share, Pc::MAX)).collect();
        let pc = self.push(&flow, step, span, Op::Experiment { name, arms: op_arms });
        let mut end = Flow::dead(flow.env.clone());
        for (index, (_, _, arm)) in shares.into_iter().enumerate() {
            let way = Flow { alive: flow.alive, ..Flow::after(pc, Slot::Arm(index), flow.env.clone()) };
            end = end.join(match arm {
                Some(arm) => self.block(arm, "steps", way),
                None => way,
            });
        }
        if end.open.is_empty() && !end.alive && self.nodes.len() == pc as usize + 1 {
            return Flow { env: end.env, ..flow };
        }
        end
    }

    pub(super) fn repeat(&mut self, node: &Node, span: Range<usize>, flow: Flow) -> Flow {
        let report = self.report;
        let step = self.step_name(node, "repeat");
        let turns = node.get("repeat").and_then(|n| self.turns_of(n));
        let mut inside = flow.env.clone();
        inside.time_passes();
        let here = Flow { env: inside.clone(), ..flow.clone() };
        self.turns += 1;
        let condition = node.get("while").and_then(|n| self.condition(&here, n, "while"));
        if let Some(condition) = &condition {
            inside.known.extend(known_if(condition, true));
        }
        let always = node.get("while").is_none();
        let op = Op::Loop { turns_max: turns.unwrap_or(1), condition, body: Pc::MAX, next: Pc::MAX };
        let pc = self.push(&flow, step, span, op);
        let before = self.nodes.len();
        if report.need(node, "steps", t("what to repeat", "繰り返すステップです")).is_none() {
            self.turns -= 1;
            return flow;
        }
        let body =
            self.block(node, "steps", Flow { alive: flow.alive, ..Flow::after(pc, Slot::Body, inside) });
        self.turns -= 1;
        self.lead(&body.open, pc);
        if self.nodes.len() == before {
            report.shape(node.get("steps").unwrap_or(node), "at least one step", "1 つ以上のステップ");
        }
        let env = if always && body.alive { body.env } else { flow.env.join(body.env) };
        Flow { alive: flow.alive, ..Flow::after(pc, Slot::Next, env) }
    }

    /// `3 times`, `up to 3 times`.
    fn turns_of(&self, node: &Node) -> Option<u32> {
        let text = self.report.text(node, "a number of times", "回数")?;
        let digits =
            text.trim_start_matches("up to ").trim_end_matches(" times").trim_end_matches(" time").trim();
        match digits.parse::<u32>() {
            Ok(turns) if (1..=TURNS_MAX).contains(&turns) => Some(turns),
            _ => {
                self.report.help(
                    "J094",
                    node.span.clone(),
                    t(format!("`{text}` is no bound"), format!("「{text}」は回数の上限として読めません")),
                    t(format!("from 1 to {TURNS_MAX} times"), format!("1 回から {TURNS_MAX} 回までです")),
                    t(
                        "write `repeat: 3 times`; every repetition has an end",
                        "「repeat: 3 times」のように書いてください。繰り返しには必ず終わりが必要です",
                    ),
                );
                None
            }
        }
    }
}

/// Stands in for a condition that could not be read; its journey does not compile.
fn never() -> crate::Expr {
    crate::Expr {
        kind: crate::ExprKind::Literal(words::Value::Bool(false)),
        ty: words::Type::Bool,
        nullable: false,
        span: 0..0,
    }
}
