//! A list of steps, from top to bottom.

use super::flow::{Builder, Flow};
use crate::report::t;
use crate::yaml::{Kind, Node};
use std::ops::Range;

/// What a step can do; each is a key, and the keys that go with it.
const STEPS: [(&str, &[&str]); 16] = [
    ("send", &["first_of", "all_of", "with", "priority", "expires", "if_blocked"]),
    ("wait", &["between", "on", "since"]),
    ("wait_until", &["offset", "at", "between", "on"]),
    ("wait_for", &["if", "up_to", "since", "as", "then", "if_not"]),
    ("choose", &["otherwise"]),
    ("experiment", &["holdout", "arms"]),
    ("repeat", &["while", "steps"]),
    ("set", &[]),
    ("emit", &["with"]),
    ("call", &["with", "up_to", "as", "if_fails"]),
    ("enroll", &["with"]),
    (
        "survey",
        &[
            "send",
            "with",
            "first_of",
            "all_of",
            "priority",
            "expires",
            "if_blocked",
            "up_to",
            "as",
            "then",
            "if_not",
        ],
    ),
    ("notify", &["text"]),
    ("stop", &[]),
    // Last: `wait_for` has an `if` of its own.
    ("if", &["then", "else"]),
    ("name", &[]),
];
/// The most nodes of one journey.
pub(crate) const NODES_MAX: usize = 2000;

impl Builder<'_> {
    /// Finds every message that the journey sends and every name given by hand.
    pub(super) fn scan(&mut self, node: &Node) {
        match &node.kind {
            Kind::List(items) => items.iter().for_each(|item| self.scan(item)),
            Kind::Map(entries) => {
                for entry in entries {
                    match (entry.key.as_str(), entry.value.text()) {
                        ("send", Some(message)) => {
                            self.messages.insert(message.to_owned());
                        }
                        (
                            "then" | "else" | "if_not" | "if_fails" | "steps" | "otherwise" | "choose"
                            | "arms",
                            _,
                        ) => {
                            self.scan(&entry.value);
                        }
                        ("name", Some(name))
                            if self.report.name(&entry.value).is_some() && !self.reserve(name) =>
                        {
                            self.report.help(
                                "J041",
                                entry.value.span.clone(),
                                t(
                                    format!("the name `{name}` is taken"),
                                    format!("「{name}」という名前はすでに使われています"),
                                ),
                                t("another step has it", "別のステップがこの名前です"),
                                t("choose another name", "別の名前にしてください"),
                            );
                        }
                        _ => {}
                    }
                }
            }
            Kind::Scalar { .. } => {}
        }
    }

    /// Compiles steps; gives the place after them.
    pub(super) fn steps(&mut self, list: &Node, mut flow: Flow) -> Flow {
        let items = match &list.kind {
            Kind::List(items) => items,
            _ if list.is_null() => return flow,
            _ => {
                self.report.shape(
                    list,
                    "a list of steps, each beginning with `- `",
                    "「- 」で始まるステップのリスト",
                );
                return flow;
            }
        };
        let mut told = false;
        for item in items {
            if !flow.alive && !told {
                told = true;
                self.report.help(
                    "J092",
                    self.line(&item.span),
                    t("nobody ever gets to this step", "このステップに進む人はいません"),
                    t("every way before it has ended", "ここより前で、すべての道筋が終わっています"),
                    t(
                        "move it up, or take the `stop` before it away",
                        "前に移すか、手前の「stop」を外してください",
                    ),
                );
            }
            if self.nodes.len() >= NODES_MAX {
                self.report.help(
                    "J004",
                    self.line(&item.span),
                    t(
                        format!("this journey has more than {NODES_MAX} steps"),
                        format!("ステップが {NODES_MAX} 個を超えています"),
                    ),
                    t("here", "ここです"),
                    t(
                        "put a part of them into a journey of its own and `enroll` into it",
                        "一部を別のジャーニーに分け、「enroll」で始めてください",
                    ),
                );
                return flow;
            }
            flow = self.step(item, flow);
        }
        flow
    }

    /// The steps under a key, if there are any.
    pub(super) fn block(&mut self, node: &Node, key: &str, flow: Flow) -> Flow {
        match node.get(key) {
            Some(list) => self.steps(list, flow),
            None => flow,
        }
    }

    fn step(&mut self, node: &Node, flow: Flow) -> Flow {
        if node.broken {
            return flow;
        }
        if !matches!(node.kind, Kind::Map(_)) {
            self.not_a_step(node);
            return flow;
        }
        let kinds: Vec<&str> =
            STEPS.iter().map(|(kind, _)| *kind).filter(|k| *k != "name" && node.get(k).is_some()).collect();
        // `wait_for` and `survey` take keys that are steps elsewhere.
        let kind = match kinds.as_slice() {
            [one] => one,
            [first, ..]
                if matches!(*first, "wait_for" | "survey")
                    || kinds.contains(&"survey")
                    || kinds.contains(&"wait_for") =>
            {
                kinds.iter().find(|k| matches!(**k, "wait_for" | "survey")).unwrap_or(first)
            }
            [] => {
                self.not_a_step(node);
                return flow;
            }
            [first, second, ..] => {
                let span = node.key_span(second);
                self.report.help(
                    "J034",
                    span,
                    t("one step does one thing", "1 つのステップでできることは 1 つです"),
                    t(
                        format!("`{first}` and `{second}` stand in one step"),
                        format!("「{first}」と「{second}」が 1 つのステップに入っています"),
                    ),
                    t(
                        format!("begin a step of its own: `- {second}: …`"),
                        format!("「- {second}: …」と別のステップにしてください"),
                    ),
                );
                return flow;
            }
        };
        let extra = STEPS.iter().find(|(k, _)| k == kind).map(|(_, extra)| *extra).unwrap_or_default();
        let known: Vec<&str> = [*kind, "name"].into_iter().chain(extra.iter().copied()).collect();
        self.report.keys(node, &known);
        let span = self.place(node, kind);
        match *kind {
            "send" => self.send(node, span, flow),
            "wait" => self.wait(node, span, flow),
            "wait_until" => self.wait_until(node, span, flow),
            "wait_for" => self.wait_for(node, span, flow),
            "if" => self.branch_if(node, span, flow),
            "choose" => self.choose(node, span, flow),
            "experiment" => self.experiment(node, span, flow),
            "repeat" => self.repeat(node, span, flow),
            "set" => self.set(node, span, flow),
            "emit" => self.emit(node, span, flow),
            "call" => self.call(node, span, flow),
            "enroll" => self.enroll(node, span, flow),
            "survey" => self.survey(node, span, flow),
            "notify" => self.notify(node, span, flow),
            _ => self.stop(node, span, flow),
        }
    }

    /// Where a step stands: its first line.
    fn place(&self, node: &Node, kind: &str) -> Range<usize> {
        let key = node.key_span(kind);
        let end = node.get(kind).map_or(key.end, |value| self.line(&value.span).end);
        if matches!(node.get(kind).map(|v| &v.kind), Some(Kind::Scalar { .. })) {
            key.start..end.max(key.end)
        } else {
            key
        }
    }

    fn not_a_step(&self, node: &Node) {
        if let Some((key, colon)) = node.text().and_then(words::keyboard::colon_of) {
            let at = node.span.start + key.len();
            let sign = words::keyboard::Sign::Colon(key.to_owned());
            crate::yaml::foreign(&self.report, at..at + colon.len_utf8(), &sign);
            return;
        }
        let kinds = || STEPS.iter().map(|(kind, _)| *kind).filter(|kind| *kind != "name");
        let list = kinds().collect::<Vec<_>>();
        let near = node
            .entries()
            .iter()
            .map(|entry| entry.key.as_str())
            .chain(node.text())
            .find_map(|word| crate::report::nearest(word, kinds()));
        let help = near.map_or_else(
            || {
                t(
                    format!("a step begins with one of: {}", list.join(", ")),
                    format!("ステップは次のどれかで始めます：{}", list.join("、")),
                )
            },
            |near| t(format!("did you mean `{near}: …`?"), format!("「{near}: …」のことでしょうか？")),
        );
        self.report.help(
            "J034",
            self.line(&node.span),
            t("this is no step", "これはステップではありません"),
            t("nothing here says what to do", "何をするのか書かれていません"),
            help,
        );
    }
}
