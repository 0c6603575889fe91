//! Customers as a story gives them.

use super::read::Reader;
use super::{Given, GivenConsent};
use crate::report::{suggest, t};
use crate::yaml::{Kind, Node};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use words::{Channel, Country, Locale, Type};

const FIELDS: [&str; 8] =
    ["traits", "zone", "locale", "country", "account", "created_at", "consents", "arms"];

impl Reader<'_> {
    /// The traits there are.
    pub(super) fn traits(&self) -> BTreeMap<String, (Type, bool)> {
        let traits = self.project.schema.traits.iter();
        traits.map(|(name, field)| (name.clone(), (field.ty.clone(), false))).collect()
    }

    /// Every channel that a journey sends on, and the usual ones.
    pub(super) fn channels(&self) -> BTreeSet<String> {
        let mut out: BTreeSet<String> = ["email", "sms", "push", "webhook"].map(str::to_owned).into();
        for node in self.project.programs.values().flat_map(|program| &program.nodes) {
            if let crate::Op::Send { send, .. } = &node.op {
                let (crate::Channels::FirstOf(channels) | crate::Channels::AllOf(channels)) = &send.channels;
                out.extend(channels.iter().map(|channel| channel.as_str().to_owned()));
            }
        }
        out
    }

    pub(super) fn given(&self, node: &Node, span: Range<usize>) -> Given {
        let report = self.report;
        let mut given = Given { span: span.clone(), ..Given::default() };
        if node.is_null() {
            return given;
        }
        if !matches!(node.kind, Kind::Map(_)) {
            report.shape(node, "addresses, traits and consents", "宛先・属性・同意");
            return given;
        }
        let channels = self.channels();
        let known: Vec<&str> =
            FIELDS.into_iter().chain(["phone"]).chain(channels.iter().map(String::as_str)).collect();
        report.keys(node, &known);
        for entry in node.entries() {
            let channel = if entry.key == "phone" { "sms" } else { &entry.key };
            if !channels.contains(channel) {
                continue;
            }
            for item in report.items(&entry.value) {
                if let Some(address) = report.text(item, "an address", "宛先") {
                    self.usable(channel, address, item);
                    given.addresses.push((Channel::new(channel), address.to_owned()));
                }
            }
        }
        given.traits = self.values(node, "traits", &self.traits(), false, span);
        given.zone = node.get("zone").and_then(|n| report.zone(n));
        given.locale = node.get("locale").and_then(|n| {
            let text = report.text(n, "a locale", "ロケール")?;
            self.or_wrong(
                Locale::parse(text).ok(),
                n,
                "a locale like `ja` or `en-US`",
                "ロケール（例：ja、en-US）",
            )
        });
        given.country = node.get("country").and_then(|n| {
            let text = report.text(n, "a country", "国")?;
            self.or_wrong(
                Country::parse(text),
                n,
                "a country code of two letters like `JP`",
                "2 文字の国コード（例：JP）",
            )
        });
        given.account =
            node.get("account").and_then(|n| report.text(n, "an account", "アカウント")).map(str::to_owned);
        given.created_at = node.get("created_at").and_then(|n| self.instant(n));
        let consents = node.get("consents").map(|n| report.items(n)).unwrap_or_default();
        given.consents = consents.into_iter().filter_map(|n| self.consent(n, true)).collect();
        given.arms = node.get("arms").map(|n| self.arms(n)).unwrap_or_default();
        given
    }

    /// An address that no message can reach would quietly send the story another way.
    fn usable(&self, channel: &str, address: &str, node: &Node) {
        let (en, ja, help) = match channel {
            "sms" if words::PhoneNumber::parse(address).is_err() => {
                let digits: String = address.chars().filter(char::is_ascii_digit).collect();
                let like = match digits.strip_prefix('0') {
                    Some(rest) if !address.starts_with('+') && rest.len() >= 8 => format!("+81{rest}"),
                    _ => "+819012345678".to_owned(),
                };
                let help = t(
                    format!("write it with its country code, like \"{like}\""),
                    format!("国番号を付けて \"{like}\" のように書いてください"),
                );
                ("is not a whole phone number", "は国際形式の電話番号ではありません", help)
            }
            "email" if words::EmailAddress::parse(address).is_err() => {
                let help = t("write it like hana@example.jp", "「hana@example.jp」のように書いてください");
                ("is not an e-mail address", "はメールアドレスではありません", help)
            }
            _ => return,
        };
        self.report.help(
            "J033",
            node.span.clone(),
            t(format!("`{address}` {en}"), format!("「{address}」{ja}")),
            t("nobody can be reached here", "ここには届きません"),
            help,
        );
    }

    /// `{review_ask: by_letter}`.
    fn arms(&self, node: &Node) -> BTreeMap<String, String> {
        let mut experiments: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for node in self.project.programs.values().flat_map(|program| &program.nodes) {
            if let crate::Op::Experiment { name, arms } = &node.op {
                experiments.insert(name, arms.iter().map(|(arm, ..)| arm.as_str()).collect());
            }
        }
        let mut out = BTreeMap::new();
        let names: Vec<&str> = experiments.keys().copied().collect();
        self.report.keys(node, &names);
        for entry in node.entries() {
            let Some(arms) = experiments.get(entry.key.as_str()) else { continue };
            let arms: Vec<(&str, &str)> = arms.iter().map(|arm| (*arm, *arm)).collect();
            if let Some(arm) = self.report.one_of(&entry.value, &arms) {
                out.insert(entry.key.clone(), arm.to_owned());
            }
        }
        out
    }

    fn or_wrong<T>(&self, read: Option<T>, node: &Node, en: &str, ja: &str) -> Option<T> {
        if read.is_none() {
            let text = node.text().unwrap_or("");
            self.report.error(
                "J033",
                node.span.clone(),
                t(format!("`{text}` is not {en}"), format!("「{text}」は{ja}ではありません")),
                t("here", "ここです"),
            );
        }
        read
    }

    /// `offers`, `offers/email`, `all`, `all/sms`.
    pub(super) fn consent(&self, node: &Node, granted: bool) -> Option<GivenConsent> {
        let text = self.report.text(node, "a purpose", "目的")?;
        let (purpose, channel) =
            text.split_once('/').map_or((text, None), |(p, c)| (p.trim(), Some(c.trim())));
        let purposes = &self.project.schema.purposes;
        if purpose != "all" && !purposes.contains_key(purpose) {
            self.report.maybe_help(
                "J054",
                node.span.clone(),
                t(format!("there is no purpose `{purpose}`"), format!("「{purpose}」という目的はありません")),
                t("no purpose is declared by this name", "この名前の目的は宣言されていません"),
                suggest(purpose, purposes.keys().map(String::as_str)),
            );
            return None;
        }
        let purpose = (purpose != "all").then(|| purpose.to_owned());
        Some(GivenConsent { purpose, channel: channel.map(Channel::new), granted })
    }
}
