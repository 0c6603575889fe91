//! A program as a graph for drawing: boxes and arrows with words on them, in English and Japanese.

mod phrase;

use crate::program::{Channels, Days, Duration, EventMatch, Op, Pc, Program, Start, Wait, WaitUntil};
use phrase::{condition, value};
use serde::{Deserialize, Serialize};
use words::{Channel, Elapsed, Text};

/// The graph of a program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outline {
    /// What starts it.
    pub start: Text,
    /// One box per node of the program, in order; the first is the entry.
    pub boxes: Vec<Box>,
    /// The arrows between them.
    pub arrows: Vec<Arrow>,
}

/// A node, drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Box {
    /// Which node.
    pub pc: Pc,
    /// The step's name: what enrollments stand on.
    pub step: String,
    /// What kind of step it is: `send`, `wait`, `wait_for`, `branch`, `experiment`, `repeat`, `set`, `emit`, `call`,
    /// `enroll`, `notify`, `stop`, `end`.
    pub kind: String,
    /// In words.
    pub label: Text,
}

/// A way from one node to another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Arrow {
    /// From this node.
    pub from: Pc,
    /// To this one.
    pub to: Pc,
    /// When this way is taken; `None`: always.
    pub label: Option<Text>,
}

/// The graph of a program. A way that nobody can take is left out.
pub fn outline(program: &Program) -> Outline {
    let mut boxes = Vec::new();
    let mut arrows = Vec::new();
    for (index, node) in program.nodes.iter().enumerate() {
        let pc = Pc::try_from(index).unwrap_or(Pc::MAX);
        boxes.push(Box {
            pc,
            step: node.step.clone(),
            kind: kind(&node.op).to_owned(),
            label: label(&node.op),
        });
        for (to, label) in ways(&node.op) {
            arrows.push(Arrow { from: pc, to, label });
        }
    }
    Outline { start: start(&program.start), boxes, arrows }
}

fn t(en: impl Into<String>, ja: impl Into<String>) -> Text {
    Text::new(en, ja)
}

fn kind(op: &Op) -> &'static str {
    match op {
        Op::Send { .. } => "send",
        Op::Wait { .. } => "wait",
        Op::WaitFor { .. } => "wait_for",
        Op::Branch { .. } => "branch",
        Op::Experiment { .. } => "experiment",
        Op::Loop { .. } => "repeat",
        Op::Set { .. } => "set",
        Op::Emit { .. } => "emit",
        Op::Call { .. } => "call",
        Op::Enroll { .. } => "enroll",
        Op::Notify { .. } => "notify",
        Op::Stop { .. } => "stop",
        Op::End => "end",
    }
}

fn ways(op: &Op) -> Vec<(Pc, Option<Text>)> {
    let percent = |share: u32| format!("{}%", f64::from(share) / 100.0);
    match op {
        Op::Send { next, .. }
        | Op::Wait { next, .. }
        | Op::Set { next, .. }
        | Op::Emit { next, .. }
        | Op::Enroll { next, .. }
        | Op::Notify { next, .. } => vec![(*next, None)],
        Op::WaitFor { up_to: None, then, .. } => vec![(*then, None)],
        Op::WaitFor { up_to: Some(up_to), then, otherwise, .. } => vec![
            (*then, Some(t("it came", "来た"))),
            (
                *otherwise,
                Some({
                    let length = duration(up_to);
                    t(format!("not within {}", length.en), format!("{}以内に来ない", length.ja))
                }),
            ),
        ],
        Op::Branch { arms, otherwise } => {
            let several = arms.len() > 1;
            let named = |expr: &crate::Expr| {
                if several { condition(expr) } else { t("yes", "はい") }
            };
            let mut out: Vec<_> = arms.iter().map(|(expr, pc)| (*pc, Some(named(expr)))).collect();
            out.push((
                *otherwise,
                Some(if several { t("otherwise", "それ以外") } else { t("no", "いいえ") }),
            ));
            out
        }
        Op::Experiment { arms, .. } => arms
            .iter()
            .map(|(name, share, pc)| {
                let label = format!("{name} {}", percent(*share));
                (*pc, Some(t(label.clone(), label)))
            })
            .collect(),
        Op::Loop { body, next, .. } => {
            vec![(*body, Some(t("again", "繰り返す"))), (*next, Some(t("then", "終わったら")))]
        }
        Op::Call { then, otherwise, .. } => {
            vec![(*then, Some(t("it answers", "応答あり"))), (*otherwise, Some(t("it fails", "失敗")))]
        }
        Op::Stop { .. } | Op::End => Vec::new(),
    }
}

fn label(op: &Op) -> Text {
    match op {
        Op::Send { send, .. } => {
            let (list, each) = match &send.channels {
                Channels::FirstOf(channels) => (channels, false),
                Channels::AllOf(channels) => (channels, true),
            };
            let names =
                list.iter().map(Channel::as_str).collect::<Vec<_>>().join(if each { " + " } else { " > " });
            t(format!("Send {} ({names})", send.message), format!("{} を送信（{names}）", send.message))
        }
        Op::Wait { wait, .. } => waiting(wait),
        Op::WaitFor { events, since_start, .. } => {
            let events: Vec<Text> = events.iter().map(awaited).collect();
            let all = |of: fn(&Text) -> &String, between: &str| {
                events.iter().map(of).map(String::as_str).collect::<Vec<_>>().join(between)
            };
            let (en, mut ja) = (all(|text| &text.en, " or "), all(|text| &text.ja, " か "));
            if !ja.ends_with('）') {
                ja.push(' ');
            }
            if *since_start {
                t(format!("Wait for {en}, since the start"), format!("{ja}を待つ（開始時から）"))
            } else {
                t(format!("Wait for {en}"), format!("{ja}を待つ"))
            }
        }
        Op::Branch { arms, .. } => match arms.as_slice() {
            [(only, _)] => {
                let only = condition(only);
                t(capital(&only.en) + "?", only.ja + "？")
            }
            _ => t("Choose", "分岐"),
        },
        Op::Experiment { name, .. } => t(format!("Experiment {name}"), format!("実験 {name}")),
        Op::Loop { turns_max, condition: kept_up, .. } => match kept_up {
            Some(holds) => {
                let holds = condition(holds);
                t(
                    format!("Repeat up to {turns_max} times while {}", holds.en),
                    format!("「{}」の間、最大 {turns_max} 回繰り返す", holds.ja),
                )
            }
            None => t(format!("Repeat {turns_max} times"), format!("{turns_max} 回繰り返す")),
        },
        Op::Set { values, .. } => {
            let names = values.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
            t(format!("Set {names}"), format!("{names} を設定"))
        }
        Op::Emit { event, .. } => t(format!("Emit {event}"), format!("{event} を発生させる")),
        Op::Call { call, .. } => t(format!("Call {call}"), format!("{call} を呼び出す")),
        Op::Enroll { journey, .. } => t(format!("Start {journey}"), format!("{journey} を開始")),
        Op::Notify { to, .. } => t(format!("Notify {to}"), format!("{to} に通知")),
        Op::Stop { reason } => t(format!("Stop: {reason}"), format!("終了：{reason}")),
        Op::End => t("End", "完了"),
    }
}

/// An event that is waited for, with the condition on it.
fn awaited(event: &EventMatch) -> Text {
    let name = &event.event;
    match &event.condition {
        None => t(name.clone(), name.clone()),
        Some(holds) => {
            let holds = condition(holds);
            t(format!("{name} ({})", holds.en), format!("{name}（{}）", holds.ja))
        }
    }
}

/// With a capital, but for names, which stay as they are written.
fn capital(text: &str) -> String {
    if !["customer's ", "event's ", "this ", "item", "last ", "first ", "number ", "in the ", "not "]
        .iter()
        .any(|start| text.starts_with(start))
    {
        return text.to_owned();
    }
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn waiting(wait: &Wait) -> Text {
    let what = match &wait.until {
        WaitUntil::After { duration: length, since_start } => {
            let length = duration(length);
            if *since_start {
                t(
                    format!("Wait until {} after the start", length.en),
                    format!("開始から{}後まで待つ", length.ja),
                )
            } else {
                t(format!("Wait {}", length.en), format!("{}待つ", length.ja))
            }
        }
        WaitUntil::At { date, offset, at_minute } => {
            let what = until(&value(date), offset);
            match at_minute {
                None => what,
                Some(minute) => {
                    let clock = clock(*minute);
                    t(format!("{}, {clock}", what.en), format!("{}（{clock}）", what.ja))
                }
            }
        }
        WaitUntil::Window => t("Wait", "待つ"),
    };
    let what = match &wait.on {
        None => what,
        Some(Days::Business) => {
            t(format!("{}, on a business day", what.en), format!("{}（営業日）", what.ja))
        }
        Some(Days::Weekdays(days)) => {
            let names = |all: [&str; 7], between: &str| {
                let named =
                    days.iter().filter_map(|day| all.get(usize::from(day.saturating_sub(1))).copied());
                named.collect::<Vec<_>>().join(between)
            };
            t(
                format!("{}, on {}", what.en, names(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"], ", ")),
                format!("{}（{}）", what.ja, names(["月", "火", "水", "木", "金", "土", "日"], "・")),
            )
        }
    };
    match &wait.between {
        Some(between) => {
            let hours = format!("{}–{}", clock(between.from_minute), clock(between.to_minute));
            t(format!("{}, {hours}", what.en), format!("{}（{hours}）", what.ja))
        }
        None => what,
    }
}

fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// A wait for a date, or for some time before or after it.
fn until(date: &Text, offset: &Duration) -> Text {
    let (en, ja) = (&date.en, date.ja.trim());
    let (length, before) = match offset {
        Duration::CalendarDays(0) => return t(format!("Wait until {en}"), format!("{ja} まで待つ")),
        Duration::CalendarDays(days) if *days < 0 => (duration(&Duration::CalendarDays(-days)), true),
        Duration::Elapsed(length) if length.as_micros() < 0 => {
            (elapsed(Elapsed::from_micros(-length.as_micros())), true)
        }
        offset => (duration(offset), false),
    };
    if before {
        t(format!("Wait until {} before {en}", length.en), format!("{ja} の{}前まで待つ", length.ja))
    } else {
        t(format!("Wait until {} after {en}", length.en), format!("{ja} の{}後まで待つ", length.ja))
    }
}

fn duration(duration: &Duration) -> Text {
    match duration {
        Duration::CalendarDays(1) => t("1 day", "1 日"),
        Duration::CalendarDays(days) => t(format!("{days} days"), format!("{days} 日")),
        Duration::Elapsed(length) => elapsed(*length),
        Duration::DaysOf(expr) => {
            let days = value(expr);
            t(format!("{} days", days.en), format!("{} 日", days.ja.trim()))
        }
    }
}

fn elapsed(length: Elapsed) -> Text {
    let en = length.to_string();
    let (count, unit) = en.split_once(' ').unwrap_or((&en, ""));
    let unit = match unit.trim_end_matches('s') {
        // Elapsed days are written as the hours that they are.
        "day" => {
            let hours = length.as_micros() / 3_600_000_000;
            return t(format!("{hours} hours"), format!("{hours} 時間"));
        }
        "hour" => "時間",
        "minute" => "分",
        "second" => "秒",
        other => other,
    };
    t(en.clone(), format!("{count} {unit}"))
}

fn start(start: &Start) -> Text {
    match start {
        Start::Event { event } => t(event.clone(), format!("{event} が起きたとき")),
        Start::Joins { segment } => t(format!("joins {segment}"), format!("{segment} に入ったとき")),
        Start::Leaves { segment } => t(format!("leaves {segment}"), format!("{segment} から出たとき")),
        Start::Schedule { cron, zone, .. } => {
            let zone = zone.as_ref().map_or(String::new(), |zone| format!(" {zone}"));
            t(format!("schedule {cron}{zone}"), format!("日程 {cron}{zone}"))
        }
        Start::Date { field, offset_days, .. } => match offset_days {
            0 => t(format!("on {field}"), format!("{field} の日")),
            days if *days < 0 => {
                t(format!("{} days before {field}", -days), format!("{field} の {} 日前", -days))
            }
            days => t(format!("{days} days after {field}"), format!("{field} の {days} 日後")),
        },
        Start::Broadcast { at, to, .. } => {
            t(format!("once at {at} to {to}"), format!("{at} に {to} へ一斉配信"))
        }
        Start::Api { .. } => t("by the API", "API から"),
        Start::Item { catalog, .. } => {
            t(format!("an item of {catalog} changes"), format!("{catalog} の品目が変わったとき"))
        }
    }
}

#[cfg(test)]
mod tests;
