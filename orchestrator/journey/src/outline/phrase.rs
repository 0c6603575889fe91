//! A condition in plain words, for the picture of a journey. What has no plain words stands as its author wrote it.

use super::{elapsed, t};
use crate::expr::{BinaryOp, Expr, ExprKind, Function, Root, UnaryOp};
use words::{Elapsed, Text, Value};

/// Something that holds or does not: `event.total > 1` reads “event's total: more than 1”. No verb: names are of one thing or of many.
pub(super) fn condition(expr: &Expr) -> Text {
    let said = said(expr);
    t(said.en, said.ja.trim())
}

fn said(expr: &Expr) -> Text {
    match &expr.kind {
        ExprKind::Binary(op @ (BinaryOp::And | BinaryOp::Or), a, b) => {
            let side = |side: &Expr| {
                let said = condition(side);
                // Only where `and` and `or` meet is it unclear what belongs together.
                match &side.kind {
                    ExprKind::Binary(other @ (BinaryOp::And | BinaryOp::Or), ..) if other != op => {
                        t(format!("({})", said.en), format!("（{}）", said.ja))
                    }
                    _ => said,
                }
            };
            let (a, b) = (side(a), side(b));
            match op {
                BinaryOp::And => t(format!("{} and {}", a.en, b.en), format!("{}、かつ{}", a.ja, b.ja)),
                _ => t(format!("{} or {}", a.en, b.en), format!("{}、または{}", a.ja, b.ja)),
            }
        }
        ExprKind::Binary(op, a, b) => compared(*op, a, b).unwrap_or_else(|| raw(expr)),
        ExprKind::Unary(UnaryOp::Not, inner) => not(inner),
        ExprKind::Has(inner) => {
            let what = value(inner);
            t(format!("{} known", what.en), format!("{}がある", what.ja))
        }
        ExprKind::Engaged(receipt, message) => t(
            format!("{message} {receipt}"),
            match receipted(receipt) {
                Some((yes, _)) => format!("{message}{yes}"),
                None => expr.to_string(),
            },
        ),
        ExprKind::Root(Root::Segment(name)) => {
            t(format!("in the segment {name}"), format!("セグメント {name} に入っている"))
        }
        ExprKind::Call(function, args) => called(*function, args).unwrap_or_else(|| raw(expr)),
        ExprKind::Field(..) | ExprKind::Root(_) => {
            let what = value(expr);
            t(format!("{}: yes", what.en), format!("{}が「はい」", what.ja))
        }
        ExprKind::Literal(Value::Bool(true)) => t("always", "常に"),
        ExprKind::Literal(Value::Bool(false)) => t("never", "決してない"),
        _ => raw(expr),
    }
}

/// A value: `event.total` reads “event's total”.
pub(super) fn value(expr: &Expr) -> Text {
    match &expr.kind {
        ExprKind::Literal(value) => literal(value),
        ExprKind::Root(root) => match root {
            Root::Event => t("event", "きっかけのイベント"),
            Root::Customer => t("customer", "お客様"),
            Root::It => t("this event", "このイベント"),
            Root::Item => t("item", "品目"),
            Root::Before => t("item before", "変更前の品目"),
            Root::Now => t("now", "今"),
            Root::Turn => t("turn", "回数"),
            Root::Binding(name) => t(name.clone(), format!(" {name} ")),
            Root::Fact(name) if name.contains('(') => counted(name).unwrap_or_else(|| raw(expr)),
            Root::Fact(name) => t(format!("customer's {name}"), format!("お客様の {name} ")),
            Root::Segment(_) => raw(expr),
        },
        ExprKind::Field(base, name) => {
            let of = value(base);
            t(format!("{}'s {name}", of.en), format!("{}の {name} ", of.ja))
        }
        ExprKind::List(items) => {
            let items: Vec<Text> = items.iter().map(value).collect();
            let all = |of: fn(&Text) -> &String, between: &str| {
                items.iter().map(of).map(String::as_str).collect::<Vec<_>>().join(between)
            };
            t(all(|text| &text.en, ", "), all(|text| &text.ja, "、"))
        }
        ExprKind::Call(Function::Ago, args) => match args.first().map(|arg| &arg.kind) {
            Some(ExprKind::Literal(Value::Duration(length))) if length.as_micros() >= 0 => {
                let length = length_of(*length);
                t(format!("{} ago", length.en), format!(" {}前", length.ja))
            }
            _ => raw(expr),
        },
        _ => raw(expr),
    }
}

fn raw(expr: &Expr) -> Text {
    t(expr.to_string(), format!(" {expr} "))
}

fn literal(value: &Value) -> Text {
    match value {
        Value::Null => t("unknown", "なし"),
        Value::Bool(yes) => t(if *yes { "yes" } else { "no" }, if *yes { "「はい」" } else { "「いいえ」" }),
        Value::Text(text) => t(format!("“{text}”"), format!("「{text}」")),
        Value::Int(n) => t(n.to_string(), format!(" {n} ")),
        Value::Float(n) => t(n.to_string(), format!(" {n} ")),
        Value::Money(money) => t(money.to_string(), format!(" {money} ")),
        Value::Time(time) => t(time.to_string(), format!(" {time} ")),
        Value::Date(date) => t(date.to_string(), format!(" {date} ")),
        Value::Duration(length) => length_of(*length),
        Value::List(items) => {
            let items: Vec<Text> = items.iter().map(literal).collect();
            let all = |of: fn(&Text) -> &String, between: &str| {
                items.iter().map(of).map(String::as_str).collect::<Vec<_>>().join(between)
            };
            t(all(|text| &text.en, ", "), all(|text| &text.ja, "、"))
        }
        Value::Map(_) => t("{…}", "{…}"),
    }
}

/// A length of time; looking back, days are what people count in.
fn length_of(length: Elapsed) -> Text {
    const DAY: i64 = 86_400_000_000;
    let (days, rest) = (length.as_micros() / DAY, length.as_micros() % DAY);
    match (days, rest) {
        (1, 0) => t("1 day", "1 日"),
        (2.., 0) => t(format!("{days} days"), format!("{days} 日")),
        _ => elapsed(length),
    }
}

/// Whether it tells a time, as far as can be seen.
fn tells_time(expr: &Expr) -> bool {
    matches!(
        &expr.kind,
        ExprKind::Call(Function::Ago | Function::Date, _)
            | ExprKind::Root(Root::Now)
            | ExprKind::Literal(Value::Time(_) | Value::Date(_))
    ) || matches!(&expr.kind, ExprKind::Field(_, name) if name == "occurred_at" || name == "created_at")
}

fn compared(op: BinaryOp, a: &Expr, b: &Expr) -> Option<Text> {
    if let (BinaryOp::Equal | BinaryOp::NotEqual, ExprKind::Literal(Value::Null)) = (op, &b.kind) {
        let what = value(a);
        return Some(match op {
            BinaryOp::Equal => t(format!("{} unknown", what.en), format!("{}がない", what.ja)),
            _ => t(format!("{} known", what.en), format!("{}がある", what.ja)),
        });
    }
    let time = tells_time(a) || tells_time(b);
    let one_of = matches!(b.kind, ExprKind::List(_) | ExprKind::Literal(Value::List(_)));
    let (a, b) = (value(a), value(b));
    let (aj, bj) = (&a.ja, &b.ja);
    let (en, ja) = match op {
        BinaryOp::Equal => ("", format!("{aj}が{bj}")),
        BinaryOp::NotEqual => ("not ", format!("{aj}が{bj}以外")),
        BinaryOp::Less if time => ("before ", format!("{aj}が{bj}より前")),
        BinaryOp::LessEqual if time => ("not after ", format!("{aj}が{bj}以前")),
        BinaryOp::Greater if time => ("after ", format!("{aj}が{bj}より後")),
        BinaryOp::GreaterEqual if time => ("not before ", format!("{aj}が{bj}以降")),
        BinaryOp::Less => ("less than ", format!("{aj}が{bj}未満")),
        BinaryOp::LessEqual => ("at most ", format!("{aj}が{bj}以下")),
        BinaryOp::Greater => ("more than ", format!("{aj}が{bj}より大きい")),
        BinaryOp::GreaterEqual => ("at least ", format!("{aj}が{bj}以上")),
        BinaryOp::In if one_of => ("one of ", format!("{aj}が{bj}のいずれか")),
        BinaryOp::In => ("in ", format!("{aj}が{bj}に含まれる")),
        _ => return None,
    };
    Some(t(format!("{}: {en}{}", a.en, b.en), ja))
}

fn not(inner: &Expr) -> Text {
    match &inner.kind {
        ExprKind::Has(what) => {
            let what = value(what);
            t(format!("{} unknown", what.en), format!("{}がない", what.ja))
        }
        ExprKind::Engaged(receipt, message) => t(
            format!("{message} not {receipt}"),
            match receipted(receipt) {
                Some((_, no)) => format!("{message}{no}"),
                None => format!("not {inner}"),
            },
        ),
        ExprKind::Root(Root::Segment(name)) => {
            t(format!("not in the segment {name}"), format!("セグメント {name} に入っていない"))
        }
        ExprKind::Binary(BinaryOp::In, a, b) => {
            let (a, b) = (value(a), value(b));
            t(format!("{}: none of {}", a.en, b.en), format!("{}が{}のいずれでもない", a.ja, b.ja))
        }
        ExprKind::Field(..) | ExprKind::Root(_) => {
            let what = value(inner);
            t(format!("{}: not yes", what.en), format!("{}が「はい」ではない", what.ja))
        }
        _ => {
            let said = condition(inner);
            t(format!("not ({})", said.en), format!("「{}」ではない", said.ja))
        }
    }
}

/// What became of a message, in Japanese, and that it did not.
fn receipted(receipt: &str) -> Option<(&'static str, &'static str)> {
    Some(match receipt {
        "sent" => (" を送った", " を送っていない"),
        "delivered" => (" が届いた", " が届いていない"),
        "opened" => (" を開いた", " を開いていない"),
        "clicked" => (" をクリックした", " をクリックしていない"),
        "bounced" => (" が届かず戻った", " が戻っていない"),
        "replied" => (" に返信した", " に返信していない"),
        "complained" => (" を迷惑メールとした", " を迷惑メールとしていない"),
        _ => return None,
    })
}

fn called(function: Function, args: &[Expr]) -> Option<Text> {
    let [a, b] = args else { return None };
    let (a, b) = (value(a), value(b));
    Some(match function {
        Function::Contains => t(format!("{}: contains {}", a.en, b.en), format!("{}が{}を含む", a.ja, b.ja)),
        Function::StartsWith => {
            t(format!("{}: starts with {}", a.en, b.en), format!("{}が{}で始まる", a.ja, b.ja))
        }
        Function::EndsWith => {
            t(format!("{}: ends with {}", a.en, b.en), format!("{}が{}で終わる", a.ja, b.ja))
        }
        _ => return None,
    })
}

/// An unnamed fact: `count(order_placed, "90 days")`, `last_at(order_placed)`. One with a condition stays as written.
fn counted(name: &str) -> Option<Text> {
    let (function, rest) = name.split_once('(')?;
    let mut parts = rest.strip_suffix(')')?.split(", ");
    let event = parts.next().filter(|event| event.chars().all(|c| c.is_alphanumeric() || c == '_'))?;
    let within = match parts.next() {
        None => None,
        Some(quoted) => {
            let length = quoted.strip_prefix('"')?.strip_suffix('"')?;
            Some(length_of(Elapsed::parse(length).ok()?))
        }
    };
    if parts.next().is_some() {
        return None;
    }
    Some(match (function, within) {
        ("count", None) => t(format!("number of {event} events"), format!("イベント {event} の回数")),
        ("count", Some(within)) => t(
            format!("number of {event} events in {}", within.en),
            format!("過去 {}のイベント {event} の回数", within.ja),
        ),
        ("last_at", None) => t(format!("last {event}"), format!("最後の {event} ")),
        ("first_at", None) => t(format!("first {event}"), format!("最初の {event} ")),
        _ => return None,
    })
}
