//! Values of a story, typed by what the project declares.

use super::read::Reader;
use crate::check::type_ja;
use crate::report::{suggest, t};
use crate::yaml::{Kind, Node};
use std::collections::BTreeMap;
use std::ops::Range;
use words::calendar::{ClockTime, at_local_time};
use words::{Elapsed, Money, Timestamp, Type, Value, Zone};

/// RFC 3339, or `2026-04-01 10:00` or `2026-04-01` in a zone.
pub(super) fn instant(text: &str, zone: &Zone) -> Option<Timestamp> {
    if let Ok(instant) = Timestamp::parse(text) {
        return Some(instant);
    }
    let civil = text.replacen(' ', "T", 1);
    if let Ok(date) = civil.parse::<jiff::civil::Date>()
        && civil.len() == 10
    {
        return Some(at_local_time(zone, date, ClockTime::MIDNIGHT));
    }
    let at = civil.parse::<jiff::civil::DateTime>().ok()?;
    let zoned = zone.to_jiff().to_ambiguous_zoned(at).compatible().ok()?;
    Some(Timestamp::from_jiff(zoned.timestamp()))
}

impl Reader<'_> {
    /// The values under a key: each declared, each of its type, and where `complete` all that must be there.
    pub(super) fn values(
        &self,
        node: &Node,
        key: &str,
        wanted: &BTreeMap<String, (Type, bool)>,
        complete: bool,
        span: Range<usize>,
    ) -> BTreeMap<String, Value> {
        let mut out = BTreeMap::new();
        let map = node.get(key).filter(|n| !n.is_null());
        if let Some(map) = map
            && !matches!(map.kind, Kind::Map(_))
        {
            self.report.shape(map, "`name: value` lines", "「名前: 値」の並び");
            return out;
        }
        for entry in map.map(Node::entries).unwrap_or_default() {
            let Some((ty, _)) = wanted.get(&entry.key) else {
                self.report.maybe_help(
                    "J051",
                    entry.key_span.clone(),
                    t(
                        format!("there is no `{}` here", entry.key),
                        format!("「{}」という項目はありません", entry.key),
                    ),
                    t("nothing is declared by this name", "この名前の項目は宣言されていません"),
                    suggest(&entry.key, wanted.keys().map(String::as_str)),
                );
                continue;
            };
            if let Some(value) = self.value(&entry.value, ty) {
                out.insert(entry.key.clone(), value);
            }
        }
        let lacking: Vec<&str> = wanted
            .iter()
            .filter(|(name, (_, required))| *required && map.is_none_or(|m| m.get(name).is_none()))
            .map(|(name, _)| name.as_str())
            .collect();
        if complete && !lacking.is_empty() {
            self.report.help(
                "J104",
                span,
                t(
                    format!("{} must be there", lacking.join(", ")),
                    format!("{} は必ず必要です", lacking.join("、")),
                ),
                t("an event without it would be rejected", "これが無いものは受け付けられません"),
                t(format!("add them under `{key}:`"), format!("「{key}:」の下に書いてください")),
            );
        }
        out
    }

    /// One value of a type.
    pub(super) fn value(&self, node: &Node, ty: &Type) -> Option<Value> {
        if node.is_null() {
            return Some(Value::Null);
        }
        let read = match (ty, &node.kind) {
            (Type::List(inner), Kind::List(items)) => {
                let items: Vec<Option<Value>> = items.iter().map(|item| self.value(item, inner)).collect();
                return items.into_iter().collect::<Option<Vec<_>>>().map(Value::List);
            }
            (Type::Map(fields), Kind::Map(entries)) => {
                let mut out = BTreeMap::new();
                for entry in entries {
                    let Some((ty, _)) = fields.get(&entry.key) else {
                        self.report.maybe_help(
                            "J051",
                            entry.key_span.clone(),
                            t(
                                format!("there is no `{}` here", entry.key),
                                format!("「{}」という項目はありません", entry.key),
                            ),
                            t("nothing is declared by this name", "この名前の項目は宣言されていません"),
                            suggest(&entry.key, fields.keys().map(String::as_str)),
                        );
                        continue;
                    };
                    out.insert(entry.key.clone(), self.value(&entry.value, ty)?);
                }
                return Some(Value::Map(out));
            }
            (Type::Any, _) => return Some(any(node)),
            (_, Kind::Scalar { text, .. }) => scalar(text, ty, &self.zone),
            _ => None,
        };
        if read.is_none() {
            self.report.error(
                "J071",
                self.report.first_line(&node.span),
                t(format!("{ty} is wanted here"), format!("ここには{}が必要です", type_ja(ty))),
                t("this is something else", "これは違うものです"),
            );
        }
        read
    }
}

fn scalar(text: &str, ty: &Type, zone: &Zone) -> Option<Value> {
    Some(match ty {
        Type::Bool => Value::Bool(match text {
            "true" | "yes" => true,
            "false" | "no" => false,
            _ => return None,
        }),
        Type::Int => Value::Int(text.parse().ok()?),
        Type::Float => Value::Float(text.parse::<f64>().ok().filter(|n| n.is_finite())?),
        Type::Text => Value::Text(text.to_owned()),
        Type::OneOf(choices) => Value::Text(choices.iter().find(|choice| *choice == text)?.clone()),
        Type::Money(currency) => {
            let money = match currency {
                Some(currency) if !text.contains(' ') => Money::from_decimal(text, *currency),
                _ => Money::parse(text),
            };
            Value::Money(money.ok().filter(|m| currency.is_none_or(|c| c == m.currency))?)
        }
        Type::Time => Value::Time(instant(text, zone)?),
        Type::Date => Value::Date(text.parse().ok()?),
        Type::Duration => Value::Duration(Elapsed::parse(text).ok()?),
        Type::List(_) | Type::Map(_) | Type::Any => return None,
    })
}

fn any(node: &Node) -> Value {
    match &node.kind {
        Kind::Scalar { text, .. } => text.parse().map_or_else(|_| Value::Text(text.clone()), Value::Int),
        Kind::List(items) => Value::List(items.iter().map(any).collect()),
        Kind::Map(entries) => Value::Map(entries.iter().map(|e| (e.key.clone(), any(&e.value))).collect()),
    }
}
