//! The lines of a story: what happens, and what is expected.

use super::read::Reader;
use super::{Action, Expected, Fact, Line, Outcome, Receipt};
use crate::report::{nearest, t};
use crate::schema::Field;
use crate::yaml::{Kind, Node};
use std::collections::BTreeMap;
use words::{Channel, Text, Timestamp, Type};

const RECEIPTS: [(&str, Receipt); 7] = [
    ("delivered", Receipt::Delivered),
    ("opened", Receipt::Opened),
    ("clicked", Receipt::Clicked),
    ("replied", Receipt::Replied),
    ("bounced", Receipt::Bounced),
    ("complained", Receipt::Complained),
    ("unsubscribed", Receipt::Unsubscribed),
];
const OUTCOMES: [(&str, Outcome); 7] = [
    ("accepted", Outcome::Accepted),
    ("address_dead", Outcome::AddressDead),
    ("message_refused", Outcome::MessageRefused),
    ("misconfigured", Outcome::Misconfigured),
    ("throttled", Outcome::Throttled),
    ("unavailable", Outcome::Unavailable),
    ("unknown", Outcome::Unknown),
];
/// What a line does, and the keys that go with it.
const LINES: [(&str, &[&str]); 12] = [
    ("event", &["customer", "with", "occurred_at", "id"]),
    ("history", &["customer", "with", "occurred_at", "id"]),
    ("advance", &[]),
    ("outcome", &["message", "on", "times"]),
    ("answer", &["with"]),
    ("fail", &[]),
    ("set", &["customer"]),
    ("grant", &["customer"]),
    ("revoke", &["customer"]),
    ("start", &["customer", "with"]),
    ("item", &["id", "with", "gone"]),
    ("expect", &[]),
];
const RECEIPT_KEYS: &[&str] = &["customer", "on", "link", "text"];
const EXPECTATIONS: [&str; 10] = [
    "sent", "not_sent", "started", "stopped", "finished", "goal", "waiting", "emitted", "called", "notified",
];

fn wanted(fields: &BTreeMap<String, Field>) -> BTreeMap<String, (Type, bool)> {
    fields.iter().map(|(name, field)| (name.clone(), (field.ty.clone(), field.required))).collect()
}

/// What the place is where one of several kinds is wanted: all that were found, or `none`.
fn together(found: &[&str], none: Text) -> Text {
    if found.is_empty() {
        return none;
    }
    t(
        format!("these stand here together: {}", found.join(", ")),
        format!("ここに {} が並んでいます", found.join("、")),
    )
}

/// `did you mean …?`, where one of the keys of a line that says nothing is nearly a word that does.
fn meant(node: &Node, known: &[&str]) -> Option<Text> {
    let said = node.entries().iter().map(|entry| entry.key.as_str()).chain(node.text());
    let near =
        said.filter(|word| !known.contains(word)).find_map(|word| nearest(word, known.iter().copied()))?;
    Some(t(format!("did you mean `{near}`?"), format!("「{near}」のことでしょうか？")))
}

impl Reader<'_> {
    pub(super) fn line(&self, node: &Node) -> Option<Line> {
        let report = self.report;
        let kinds = || LINES.iter().map(|(kind, _)| *kind).chain(RECEIPTS.iter().map(|(kind, _)| *kind));
        let found: Vec<&str> = kinds().filter(|kind| node.get(kind).is_some()).collect();
        let at = node.get("at").map(|n| self.instant(n));
        let span = report.first_line(&node.span);
        let kind = match found.as_slice() {
            [one] => *one,
            [] if node.get("at").is_some() => {
                report.keys(node, &["at"]);
                return Some(Line { span, at: at?, action: Action::AdvanceTo });
            }
            _ => {
                let list = kinds().collect::<Vec<_>>();
                report.help(
                    "J034",
                    span,
                    if found.is_empty() {
                        t("no line of a story begins like this", "ストーリーの行として読めません")
                    } else {
                        t("one line says one thing", "1 行には 1 つのことだけを書きます")
                    },
                    together(&found, t("nothing here says what happens", "何が起きるのか書かれていません")),
                    meant(node, &list).unwrap_or_else(|| {
                        t(
                            format!("one of: at, {}", list.join(", ")),
                            format!("at、{} のどれか 1 つを書いてください", list.join("、")),
                        )
                    }),
                );
                return None;
            }
        };
        let receipt = RECEIPTS.iter().find(|(name, _)| *name == kind).map(|(_, receipt)| *receipt);
        let extra = LINES.iter().find(|(name, _)| *name == kind).map_or(RECEIPT_KEYS, |(_, extra)| *extra);
        let known: Vec<&str> = [kind, "at"].into_iter().chain(extra.iter().copied()).collect();
        report.keys(node, &known);
        let value = node.get(kind)?;
        let action = match (kind, receipt) {
            (_, Some(receipt)) => self.receipt(node, value, receipt)?,
            ("event" | "history", _) => self.event(node, value, kind == "history")?,
            ("advance", _) => Action::Advance(report.elapsed(value)?),
            ("outcome", _) => Action::Outcome {
                outcome: report.one_of(value, &OUTCOMES)?,
                message: self.optional(node, "message", |n| self.message(n))?,
                channel: self.optional(node, "on", |n| self.channel(n))?,
                times: self
                    .optional(node, "times", |n| report.int(n, 1..=1000))?
                    .and_then(|n| u32::try_from(n).ok()),
            },
            ("answer" | "fail", _) => {
                let calls = &self.project.schema.calls;
                let call = self.known(value, "J058", "call", "呼び出し", calls.keys().map(String::as_str))?;
                let answer = (kind == "answer").then(|| {
                    self.values(node, "with", &wanted(&calls[&call].answer), true, value.span.clone())
                });
                Action::Answer { call, answer }
            }
            ("set", _) => Action::Traits {
                customer: self.customer(node, span.clone())?,
                values: self.values(node, "set", &self.traits(), false, span.clone()),
            },
            ("grant" | "revoke", _) => Action::Consent {
                customer: self.customer(node, span.clone())?,
                consent: self.consent(value, kind == "grant")?,
            },
            ("start", _) => {
                let journey = self.journey(value)?;
                let customer = self.customer(node, span.clone())?;
                let inputs = match &self.project.programs.get(&journey)?.start {
                    crate::Start::Api { inputs } => inputs.clone(),
                    _ => BTreeMap::new(),
                };
                let inputs = self.values(node, "with", &inputs, true, value.span.clone());
                Action::Start { customer, journey, inputs }
            }
            ("item", _) => self.item(node, value)?,
            _ => self.expect(value)?,
        };
        let at = match at {
            Some(at) => Some(at?),
            None => None,
        };
        Some(Line { span, at, action })
    }

    #[expect(clippy::option_option, reason = "the outer one says whether it could be read")]
    fn optional<T>(
        &self,
        node: &Node,
        key: &str,
        read: impl FnOnce(&Node) -> Option<T>,
    ) -> Option<Option<T>> {
        match node.get(key) {
            None => Some(None),
            Some(value) => read(value).map(Some),
        }
    }

    fn channel(&self, node: &Node) -> Option<Channel> {
        let known = self.channels();
        self.known(node, "J060", "channel", "チャネル", known.iter().map(String::as_str)).map(Channel::new)
    }

    fn event(&self, node: &Node, value: &Node, history: bool) -> Option<Action> {
        let events = &self.project.schema.events;
        let event = self.known(value, "J050", "event", "イベント", events.keys().map(String::as_str));
        let customer = self.customer(node, value.span.clone());
        let event = event?;
        let properties =
            self.values(node, "with", &wanted(&events[&event].properties), true, value.span.clone());
        Some(Action::Event {
            customer: customer?,
            properties,
            occurred_at: self.optional(node, "occurred_at", |n| self.instant(n))?,
            id: node.get("id").and_then(Node::text).map(str::to_owned),
            event,
            history,
        })
    }

    fn receipt(&self, node: &Node, value: &Node, receipt: Receipt) -> Option<Action> {
        let message = if value.is_null() { None } else { Some(self.message(value)?) };
        let detail = node.get("link").or_else(|| node.get("text")).and_then(Node::text);
        Some(Action::Receipt {
            customer: self.customer(node, value.span.clone())?,
            receipt,
            message,
            channel: self.optional(node, "on", |n| self.channel(n))?,
            detail: detail.map(str::to_owned),
        })
    }

    fn item(&self, node: &Node, value: &Node) -> Option<Action> {
        let catalogs = &self.project.schema.catalogs;
        let catalog =
            self.known(value, "J057", "catalogue", "カタログ", catalogs.keys().map(String::as_str))?;
        let id = self.report.need(node, "id", t("which item", "どの品目かです"))?;
        let id = self.report.text(id, "an id", "ID")?.to_owned();
        let gone = node.get("gone").and_then(|n| self.report.boolean(n)).unwrap_or(false);
        let mut fields = wanted(&catalogs[&catalog].fields);
        fields.remove("id");
        let fields = (!gone).then(|| self.values(node, "with", &fields, true, value.span.clone()));
        Some(Action::Item { catalog, id, fields })
    }

    fn expect(&self, node: &Node) -> Option<Action> {
        match node.text() {
            Some("nothing") => return Some(Action::Expect { outcomes: Vec::new(), to_the_end: false }),
            Some("nothing more") => return Some(Action::Expect { outcomes: Vec::new(), to_the_end: true }),
            Some(_) => {
                self.report.one_of::<()>(node, &[("nothing", ()), ("nothing more", ())]);
                return None;
            }
            None => {}
        }
        let mut to_the_end = false;
        let mut outcomes = Vec::new();
        for item in self.report.items(node) {
            if item.text() == Some("nothing more") {
                to_the_end = true;
            } else {
                outcomes.extend(self.expected(item));
            }
        }
        Some(Action::Expect { outcomes, to_the_end })
    }

    fn expected(&self, node: &Node) -> Option<Expected> {
        let report = self.report;
        let span = report.first_line(&node.span);
        let found: Vec<&str> = EXPECTATIONS.into_iter().filter(|kind| node.get(kind).is_some()).collect();
        let [kind] = found.as_slice() else {
            if matches!(node.kind, Kind::Map(_)) {
                let known = [&EXPECTATIONS[..], &["on", "at", "because", "customer"]].concat();
                report.keys(node, &known);
                if node.entries().iter().any(|entry| !known.contains(&entry.key.as_str())) {
                    return None;
                }
            }
            report.help(
                "J034",
                span,
                if found.is_empty() {
                    t("no expectation begins like this", "期待として読めません")
                } else {
                    t("one expectation says one thing", "1 つの期待には 1 つのことだけを書きます")
                },
                together(&found, t("nothing here says what is expected", "何を期待するのか書かれていません")),
                meant(node, &EXPECTATIONS).unwrap_or_else(|| {
                    t(
                        format!("one of: {}", EXPECTATIONS.join(", ")),
                        format!("{} のどれか 1 つを書いてください", EXPECTATIONS.join("、")),
                    )
                }),
            );
            return None;
        };
        let extra: &[&str] = match *kind {
            "sent" => &["on"],
            "not_sent" | "stopped" => &["because"],
            _ => &[],
        };
        report.keys(node, &[&[*kind, "customer", "at"], extra].concat());
        let value = node.get(kind)?;
        let because = || node.get("because").and_then(Node::text).map(str::to_owned);
        let what = match *kind {
            "sent" => Fact::Sent {
                message: self.message(value)?,
                channel: self.optional(node, "on", |n| self.channel(n))?,
            },
            "not_sent" => Fact::NotSent { message: self.message(value)?, because: because() },
            "started" => Fact::Started { journey: self.journey(value)? },
            "finished" => Fact::Finished { journey: self.journey(value)? },
            "goal" => Fact::Goal { journey: self.journey(value)? },
            "stopped" => {
                let journey = if value.is_null() { None } else { Some(self.journey(value)?) };
                Fact::Stopped { journey, reason: because() }
            }
            "waiting" => {
                let steps = self.project.programs.values().flat_map(|program| &program.nodes);
                Fact::Waiting {
                    step: self.known(
                        value,
                        "J105",
                        "step",
                        "ステップ",
                        steps.map(|node| node.step.as_str()),
                    )?,
                }
            }
            "emitted" => {
                let events = self.project.schema.events.keys().map(String::as_str);
                Fact::Emitted { event: self.known(value, "J050", "event", "イベント", events)? }
            }
            "called" => {
                let calls = self.project.schema.calls.keys().map(String::as_str);
                Fact::Called { call: self.known(value, "J058", "call", "呼び出し", calls)? }
            }
            _ => Fact::Notified { to: report.text(value, "somebody", "相手")?.to_owned() },
        };
        let at: Option<Timestamp> = self.optional(node, "at", |n| self.instant(n))?;
        Some(Expected { customer: self.customer(node, span.clone())?, span, at, what })
    }
}
