//! What starts a journey, and how often.

use super::flow::Builder;
use crate::check::{Env, known_if};
use crate::expr::{Expr, ExprKind, Root};
use crate::program::{Again, AlreadyIn, OncePer, Start};
use crate::report::{suggest, t};
use crate::types::{event_type, map_type};
use crate::yaml::{Kind, Node};
use std::collections::BTreeMap;
use std::str::FromStr;
use words::{Elapsed, Text, Type};

/// The ways to start; each is a key of `start:`.
const WAYS: [&str; 8] = ["event", "joins", "leaves", "schedule", "date", "at", "api", "item_changed"];
const EVERY_WAY: [&str; 5] = ["if", "once_per", "again", "late", "already_in"];

/// Everything under `start:`.
pub(super) struct Begun {
    pub(super) start: Start,
    pub(super) condition: Option<Expr>,
    pub(super) once_per: Option<OncePer>,
    pub(super) again: Again,
    pub(super) already_in: AlreadyIn,
    pub(super) late: Elapsed,
}

impl Builder<'_> {
    /// Reads `start:` and says what `event` is from now on.
    pub(super) fn start(&mut self, node: &Node) -> Option<Begun> {
        let report = self.report;
        if !matches!(node.kind, Kind::Map(_)) {
            report.shape(node, "`event: …` or another way to start", "「event: …」などの始まり方");
            return None;
        }
        let ways: Vec<&str> = WAYS.into_iter().filter(|way| node.get(way).is_some()).collect();
        // A date start has a time of day of its own.
        let ways: Vec<&str> =
            ways.iter().copied().filter(|way| *way != "at" || node.get("date").is_none()).collect();
        let [way] = ways.as_slice() else {
            report.keys(
                node,
                &[&WAYS[..], &EVERY_WAY[..], &["zone", "to", "offset", "every", "when", "who"]].concat(),
            );
            report.help(
                "J031",
                report.first_line(&node.span),
                t("a journey starts in exactly one way", "始まり方はちょうど 1 つだけ書きます"),
                t(format!("{} are given here", ways.len()), format!("ここには {} 個あります", ways.len())),
                t(
                    format!("one of: {}", WAYS.join(", ")),
                    format!("{} のどれか 1 つを書いてください", WAYS.join("、")),
                ),
            );
            return None;
        };
        let more: &[&str] = match *way {
            "schedule" => &["schedule", "zone", "to"],
            "date" => &["date", "offset", "at", "every", "to"],
            "at" => &["at", "zone", "to"],
            "item_changed" => &["item_changed", "when", "who"],
            way => &[way],
        };
        report.keys(node, &[more, &EVERY_WAY[..]].concat());
        let value = node.get(way)?;
        let none = |en: &str, ja: &str| -> Result<Type, Text> {
            Err(t(
                format!("this journey starts {en}, so there is no event"),
                format!("このジャーニーは{ja}で始まるため、イベントがありません"),
            ))
        };
        let start = match *way {
            "event" => {
                let event = report.text(value, "an event", "イベント")?.to_owned();
                let schema = self.world.declared;
                schema.event_type(&report, &event, value.span.clone())?;
                self.event = Ok(event_type(&schema.schema.events.get(&event)?.properties));
                self.listens.insert(event.clone());
                Start::Event { event }
            }
            "joins" | "leaves" => {
                self.event = none("by a segment", "セグメント");
                let segment = self.segment(value)?;
                if *way == "joins" { Start::Joins { segment } } else { Start::Leaves { segment } }
            }
            "schedule" => {
                self.event = none("by the clock", "日程");
                Start::Schedule {
                    cron: self.cron(value)?,
                    zone: self.zone_or_recipient(node)?,
                    to: self.to(node)?,
                }
            }
            "date" => {
                self.event = none("on a date", "日付");
                self.date_start(value, node)?
            }
            "at" => {
                self.event = none("by the clock", "日程");
                let at = self.civil(value)?;
                let why = t("a broadcast goes to a segment", "一斉配信の宛先セグメントです");
                let to = self.segment(report.need(node, "to", why)?)?;
                Start::Broadcast { at, zone: self.zone_or_recipient(node)?, to }
            }
            "api" => {
                let fields = report.fields(value);
                self.event = Ok(map_type(&fields));
                let inputs = fields.into_iter().map(|(name, field)| (name, (field.ty, field.required)));
                Start::Api { inputs: inputs.collect() }
            }
            _ => {
                self.event = none("by a change of the catalogue", "カタログの変更");
                self.item_start(value, node)?
            }
        };
        let condition = match node.get("if") {
            Some(n) => Some(self.checking(&Env::default(), None, |checker| checker.condition(n, "if"))?),
            None => None,
        };
        let once_per = match node.get("once_per") {
            Some(n) => {
                let known = condition.as_ref().map(|condition| known_if(condition, true)).unwrap_or_default();
                Some(self.once_per(n, &known)?)
            }
            None => None,
        };
        let default = if once_per.is_some() { Again::Never } else { Again::Always };
        Some(Begun {
            start,
            condition,
            once_per,
            again: node.get("again").map_or(Some(default), |n| self.again(n))?,
            already_in: node.get("already_in").map_or(Some(AlreadyIn::Skip), |n| self.already_in(n, way))?,
            late: node.get("late").map_or(Some(Elapsed::from_hours(24)), |n| report.elapsed(n))?,
        })
    }

    fn cron(&self, node: &Node) -> Option<String> {
        let text = self.report.text(node, "a schedule", "日程")?;
        let fields = text.split_whitespace().count();
        match croner::Cron::from_str(text) {
            Ok(_) if fields == 5 => Some(text.to_owned()),
            _ => {
                self.report.help(
                    "J037",
                    node.span.clone(),
                    t(format!("`{text}` is not a schedule"), format!("「{text}」は日程として読めません")),
                    t(
                        "five fields: minute, hour, day, month, weekday",
                        "「分 時 日 月 曜日」の 5 つを空白で区切って書きます",
                    ),
                    t(
                        "Mondays at eight are \"0 8 * * mon\"",
                        "毎週月曜 8 時なら \"0 8 * * mon\" と書いてください",
                    ),
                );
                None
            }
        }
    }

    /// `zone:`; the recipient's own where it says `recipient` or nothing.
    #[expect(clippy::option_option, reason = "the outer one says whether it could be read")]
    fn zone_or_recipient(&self, node: &Node) -> Option<Option<words::Zone>> {
        match node.get("zone") {
            None => Some(None),
            Some(zone) if zone.text() == Some("recipient") => Some(None),
            Some(zone) => self.report.zone(zone).map(Some),
        }
    }

    #[expect(clippy::option_option, reason = "the outer one says whether it could be read")]
    fn to(&self, node: &Node) -> Option<Option<String>> {
        match node.get("to") {
            None => Some(None),
            Some(to) => self.segment(to).map(Some),
        }
    }

    /// A civil date and time, `2026-12-01T09:00`.
    fn civil(&self, node: &Node) -> Option<String> {
        let text = self.report.text(node, "a date and a time", "日時")?;
        let civil = text.replacen(' ', "T", 1);
        match civil.parse::<jiff::civil::DateTime>() {
            Ok(at) if civil.len() >= 16 => Some(at.strftime("%Y-%m-%dT%H:%M").to_string()),
            _ => {
                self.report.help(
                    "J039",
                    node.span.clone(),
                    t(
                        format!("`{text}` is not a date and a time"),
                        format!("「{text}」は日時として読めません"),
                    ),
                    t("without a zone: that has a key of its own", "タイムゾーンは「zone:」に別に書きます"),
                    t("write it like \"2026-12-01T09:00\"", "\"2026-12-01T09:00\" のように書いてください"),
                );
                None
            }
        }
    }

    fn date_start(&self, value: &Node, node: &Node) -> Option<Start> {
        let report = self.report;
        let expr = self.checking(&Env::default(), None, |checker| checker.node(value, "date"))?;
        let field = match &expr.kind {
            ExprKind::Field(base, name) if matches!(base.kind, ExprKind::Root(Root::Customer)) => {
                Some(name.clone())
            }
            _ => None,
        };
        let Some(field) = field.filter(|_| matches!(expr.ty, Type::Date | Type::Time)) else {
            let traits = &self.world.declared.schema.traits;
            let dates: Vec<String> = traits
                .iter()
                .filter(|(_, field)| matches!(field.ty, Type::Date | Type::Time))
                .map(|(name, _)| format!("customer.{name}"))
                .collect();
            report.maybe_help(
                "J071",
                value.span.clone(),
                t("a trait of the customer that is a date is wanted here", "ここには日付の属性を書きます"),
                t("this is none", "これは日付の属性ではありません"),
                (!dates.is_empty()).then(|| {
                    t(format!("there is: {}", dates.join(", ")), format!("使えるもの：{}", dates.join("、")))
                }),
            );
            return None;
        };
        let offset_days = match node.get("offset") {
            None => 0,
            Some(n) => {
                let text = report.text(n, "a number of days", "日数")?;
                match crate::compile::wait::calendar_days(text) {
                    Some(days) => days,
                    None => {
                        report.help(
                            "J035",
                            n.span.clone(),
                            t(
                                format!("`{text}` is not a number of days"),
                                format!("「{text}」は日数として読めません"),
                            ),
                            t("whole days, negative for before", "整数の日数です。前なら負の数にします"),
                            t("write it like `-7 days`", "「-7 days」のように書いてください"),
                        );
                        return None;
                    }
                }
            }
        };
        let every = [("year", true), ("once", false)];
        Some(Start::Date {
            field,
            offset_days,
            at_minute: node.get("at").map_or(Some(9 * 60), |n| report.minute(n))?,
            yearly: node.get("every").map_or(Some(true), |n| report.one_of(n, &every))?,
            to: self.to(node)?,
        })
    }

    fn item_start(&mut self, value: &Node, node: &Node) -> Option<Start> {
        let report = self.report;
        let catalog = report.text(value, "a catalogue", "カタログ")?.to_owned();
        let catalogs = &self.world.declared.schema.catalogs;
        let Some(schema) = catalogs.get(&catalog) else {
            report.maybe_help(
                "J057",
                value.span.clone(),
                t(
                    format!("there is no catalogue `{catalog}`"),
                    format!("「{catalog}」というカタログはありません"),
                ),
                t("no catalogue is declared by this name", "この名前のカタログは宣言されていません"),
                suggest(&catalog, catalogs.keys().map(String::as_str)),
            );
            return None;
        };
        self.item = Some(map_type(&schema.fields));
        let when = match node.get("when") {
            Some(n) => Some(self.checking(&Env::default(), None, |checker| checker.condition(n, "when"))?),
            None => None,
        };
        let why = t("a condition on `customer` and `item`", "「customer」と「item」についての条件です");
        let who = report.need(node, "who", why)?;
        let who = self.checking(&Env::default(), None, |checker| checker.condition(who, "who"))?;
        Some(Start::Item { catalog, when, who })
    }

    /// `known`: what the condition of the start proves to be there.
    fn once_per(&self, node: &Node, known: &[String]) -> Option<OncePer> {
        let name = self.report.text(node, "a property of the start event", "開始イベントの項目")?;
        let fields = match &self.event {
            Ok(Type::Map(fields)) => fields.clone(),
            _ if self.item.is_some() => BTreeMap::from([("id".to_owned(), (Type::Text, true))]),
            _ => BTreeMap::new(),
        };
        let title = t(
            format!("the start has no property `{name}` to tell one enrollment from another"),
            format!("開始時の情報に、参加を区別する項目「{name}」がありません"),
        );
        let proved = known.contains(&format!("event.{name}"));
        let found = fields.get(name).map(|(ty, always)| (ty, *always || proved));
        match found {
            Some((Type::Text | Type::Int | Type::OneOf(_) | Type::Any, true)) => {
                Some(OncePer { property: name.to_owned() })
            }
            Some((ty, always)) => {
                let label = if always {
                    t(format!("this is {ty}"), format!("これは{}です", crate::check::type_ja(ty)))
                } else {
                    t("it may be missing", "無いことがあります")
                };
                self.report.help(
                    "J099",
                    node.span.clone(),
                    t(
                        format!("`{name}` cannot tell enrollments apart"),
                        format!("「{name}」では参加を区別できません"),
                    ),
                    label,
                    if always {
                        t(
                            "choose a text or whole number that is always there",
                            "必ずある文字列か整数の項目を選んでください",
                        )
                    } else {
                        t(
                            format!("choose one that is always there, or start with `if: has(event.{name})`"),
                            format!(
                                "必ずある項目を選ぶか、開始条件に「if: has(event.{name})」と書いてください"
                            ),
                        )
                    },
                );
                None
            }
            None => {
                let known: Vec<&str> = fields
                    .iter()
                    .filter(|(name, _)| !crate::types::EVENT_FIELDS.iter().any(|(n, _)| n == name))
                    .map(|(name, _)| name.as_str())
                    .collect();
                self.report.maybe_help(
                    "J099",
                    node.span.clone(),
                    title,
                    t("this name", "この名前です"),
                    suggest(name, known),
                );
                None
            }
        }
    }

    fn again(&self, node: &Node) -> Option<Again> {
        let text = self.report.text(node, "a word", "語")?;
        if let Some(rest) = text.strip_prefix("after ") {
            return self.report.elapsed_text(rest.trim(), node.span.clone()).map(Again::After);
        }
        let words = [
            ("never", Again::Never),
            ("always", Again::Always),
            ("restart", Again::Restart),
            ("after 180 days", Again::Never),
        ];
        self.report.one_of(node, &words)
    }

    fn already_in(&self, node: &Node, way: &str) -> Option<AlreadyIn> {
        if !matches!(way, "joins" | "leaves") {
            self.report.help(
                "J030",
                node.span.clone(),
                t("`already_in` is about segments", "「already_in」はセグメントで始まるときのキーです"),
                t("this journey starts otherwise", "このジャーニーは別の始まり方をします"),
                t("take it away", "消してください"),
            );
            return None;
        }
        let text = self.report.text(node, "a word", "語")?;
        if let Some(rest) = text.strip_prefix("over ") {
            return self.report.elapsed_text(rest.trim(), node.span.clone()).map(AlreadyIn::Over);
        }
        self.report.one_of(
            node,
            &[("skip", AlreadyIn::Skip), ("start", AlreadyIn::Start), ("over 7 days", AlreadyIn::Skip)],
        )
    }
}
