//! Decisions as data; [`Decision::words`] says them in English and Japanese.

use crate::Reason;
use serde::{Deserialize, Serialize};
use words::{EventId, Text, Timestamp, Value, Zone};

/// A value that a condition looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Looked {
    /// As written: `customer.orders`.
    pub at: String,
    /// What was there.
    pub value: Value,
}

/// What was decided at a step, and on what ground. Rendered late: store this, show [`Decision::words`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// A condition chose a way.
    Branch {
        /// The arm from 1; `None`: none held.
        arm: Option<u32>,
        /// What it looked at.
        looked: Vec<Looked>,
    },
    /// The customer belongs to an arm of an experiment.
    Arm {
        /// The experiment.
        experiment: String,
        /// The arm; `holdout` for those left out.
        arm: String,
    },
    /// It waits.
    Wait {
        /// Until when; `None`: until an event comes.
        until: Option<Timestamp>,
        /// The events that would end it sooner.
        events: Vec<String>,
        /// Whether the end was moved to the next allowed hour or day of the recipient.
        moved: bool,
    },
    /// The end of a wait moved because its date did.
    Moved {
        /// To when.
        until: Timestamp,
    },
    /// The date waited for lies in the past, or is not known: it goes on at once.
    Past {
        /// The date; `None`: not known.
        at: Option<Timestamp>,
    },
    /// An event that was waited for came.
    Matched {
        /// Which.
        event: EventId,
        /// Its name.
        name: String,
        /// When it occurred.
        at: Timestamp,
    },
    /// No event came in time.
    TimedOut {
        /// Those waited for.
        events: Vec<String>,
    },
    /// A message may not be sent yet; it is asked again.
    Blocked {
        /// The message.
        message: String,
        /// Why.
        reasons: Vec<Reason>,
        /// When it is asked again.
        until: Timestamp,
    },
    /// A loop begins a turn, or ends.
    Turn {
        /// The turn that begins, from 1; `None`: it ends.
        turn: Option<u32>,
        /// How many it may take.
        turns_max: u32,
        /// What its condition looked at.
        looked: Vec<Looked>,
    },
    /// A call was answered, or not.
    Call {
        /// The call.
        call: String,
        /// Why it failed; `None`: it was answered.
        failed: Option<String>,
    },
}

impl Decision {
    /// In words, instants in UTC.
    pub fn words(&self) -> Text {
        self.words_in(&Zone::utc())
    }

    /// In words, instants by the clocks of `zone`.
    pub fn words_in(&self, zone: &Zone) -> Text {
        let at = |at: &Timestamp| clock_text(zone, *at);
        match self {
            Self::Branch { arm: Some(arm), looked } => Text::new(
                format!("took way {arm}{}", because(looked, " because ", ", ")),
                format!("{arm}番目の分岐に進みました{}", because(looked, "：", "、")),
            ),
            Self::Branch { arm: None, looked } => Text::new(
                format!("no condition held{}", because(looked, ": ", ", ")),
                format!("どの条件にも当てはまりませんでした{}", because(looked, "：", "、")),
            ),
            Self::Arm { experiment, arm } => Text::new(
                format!("belongs to the arm {arm} of the experiment {experiment}"),
                format!("実験「{experiment}」の「{arm}」グループです"),
            ),
            Self::Wait { until: Some(until), events, moved } => {
                let (shifted_en, shifted_ja) = if *moved {
                    (", the next allowed hour of the recipient", "（受信者の次の許可時間帯）")
                } else {
                    ("", "")
                };
                if events.is_empty() {
                    return Text::new(
                        format!("waits until {}{shifted_en}", at(until)),
                        format!("{} まで待ちます{shifted_ja}", at(until)),
                    );
                }
                Text::new(
                    format!("waits for {}, until {} at most", events.join(" or "), at(until)),
                    format!("{} を最長 {} まで待ちます", events.join(" または "), at(until)),
                )
            }
            Self::Wait { until: None, events, .. } => Text::new(
                format!("waits for {}", events.join(" or ")),
                format!("{} を待ちます", events.join(" または ")),
            ),
            Self::Moved { until } => Text::new(
                format!("the date moved: waits until {}", at(until)),
                format!("日付が変わったため {} まで待ちます", at(until)),
            ),
            Self::Past { at: Some(past) } => Text::new(
                format!("the date {} has passed: went on at once", at(past)),
                format!("日付 {} を過ぎているため、すぐに進みました", at(past)),
            ),
            Self::Past { at: None } => {
                Text::new("the date is not known: went on at once", "日付が分からないため、すぐに進みました")
            }
            Self::Matched { name, at: when, .. } => Text::new(
                format!("{name} of {} came", at(when)),
                format!("{} の {name} を受け取りました", at(when)),
            ),
            Self::TimedOut { events } => Text::new(
                format!("{} did not come in time", events.join(" or ")),
                format!("期限までに {} がありませんでした", events.join(" または ")),
            ),
            Self::Blocked { message, reasons, until } => Text::new(
                format!(
                    "{message} may not be sent yet ({}): asks again at {}",
                    all(reasons, |w| &w.en),
                    at(until)
                ),
                format!(
                    "{message} はまだ送信できません（{}）。{} に再確認します",
                    all(reasons, |w| &w.ja),
                    at(until)
                ),
            ),
            Self::Turn { turn: Some(turn), turns_max, .. } => Text::new(
                format!("begins turn {turn} of at most {turns_max}"),
                format!("繰り返しの{turn}回目（最大{turns_max}回）に入りました"),
            ),
            Self::Turn { turn: None, turns_max, looked } => Text::new(
                format!("the loop of at most {turns_max} turns ended{}", because(looked, ": ", ", ")),
                format!("繰り返し（最大{turns_max}回）を終えました{}", because(looked, "：", "、")),
            ),
            Self::Call { call, failed: None } => {
                Text::new(format!("{call} answered"), format!("{call} から応答がありました"))
            }
            Self::Call { call, failed: Some(why) } => Text::new(
                format!("{call} did not answer: {why}"),
                format!("{call} から応答が得られませんでした：{why}"),
            ),
        }
    }
}

/// `2026-11-21 18:30 Asia/Tokyo`.
pub(crate) fn clock_text(zone: &Zone, at: Timestamp) -> String {
    let local = words::calendar::local_clock(zone, at);
    format!("{} {:02}:{:02} {}", local.date(), local.hour(), local.minute(), zone.name())
}

fn because(looked: &[Looked], lead: &str, between: &str) -> String {
    if looked.is_empty() {
        return String::new();
    }
    let one = |one: &Looked| format!("{} = {}", one.at, shown(&one.value));
    format!("{lead}{}", looked.iter().map(one).collect::<Vec<_>>().join(between))
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Text(text) => format!("\"{text}\""),
        Value::List(_) | Value::Map(_) => value.to_plain_json().to_string(),
        value => match crate::eval::text(value) {
            Value::Text(text) => text,
            _ => String::new(),
        },
    }
}

fn all(reasons: &[Reason], of: impl Fn(&Text) -> &String) -> String {
    reasons.iter().map(|reason| of(&reason.words).as_str()).collect::<Vec<_>>().join("; ")
}
