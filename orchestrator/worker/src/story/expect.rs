//! Expectations against what happened.

use super::{
    Failure,
    happened::{Gathered, Happening},
};
use journey::story::{Expected, Fact};
use std::collections::BTreeMap;
use words::{CustomerId, Text, Timestamp, Zone};

/// What has been looked at already.
#[derive(Debug, Default)]
pub(super) struct Looked {
    pub(super) from: usize,
}

/// How a story names things.
pub(super) struct Told<'a> {
    /// Its customers.
    pub(super) names: &'a BTreeMap<String, CustomerId>,
    /// Its clocks.
    pub(super) zone: &'a Zone,
    /// The step of a journey at a place of its program.
    pub(super) steps: &'a dyn Fn(&str, u32) -> Option<String>,
}

/// Checks one `expect`: sends and refusals are complete and, for each customer, in order; the rest is looked for.
pub(super) fn check(
    expected: &[Expected],
    span: std::ops::Range<usize>,
    gathered: &Gathered,
    told: &Told<'_>,
    looked: &mut Looked,
    now: Timestamp,
) -> Vec<Failure> {
    let Told { names, zone, steps } = told;
    let news = &gathered.happenings[looked.from..];
    looked.from = gathered.happenings.len();
    let mut failures = Vec::new();
    let mut complete: Vec<&Happening> = news.iter().filter(|h| is_complete(&h.fact)).collect();
    for want in expected {
        let Some(id) = names.get(&want.customer) else { continue };
        let met = match &want.what {
            Fact::Sent { .. } | Fact::NotSent { .. } => {
                let next = complete.iter().position(|got| got.customer == *id);
                let got = next.map(|index| complete.remove(index));
                if got.is_some_and(|got| meets(want, got, *id)) {
                    continue;
                }
                let got = got.map_or_else(
                    || Text::new("nothing more was sent or refused", "ほかに送信も見送りもありませんでした"),
                    |got| describe(got, names, zone),
                );
                let want_text = wanted(want, zone);
                failures.push(Failure {
                    span: want.span.clone(),
                    at: now,
                    text: Text::new(
                        format!("expected {}, but {}", want_text.en, got.en),
                        format!("期待：{} ／ 実際：{}", want_text.ja, got.ja),
                    ),
                });
                continue;
            }
            Fact::Waiting { step } => gathered.standing.values().any(|standing| {
                standing.customer == *id && steps(&standing.journey, standing.pc).as_deref() == Some(step)
            }),
            _ => news.iter().any(|got| meets(want, got, *id)),
        };
        if !met {
            let wanted = wanted(want, zone);
            failures.push(Failure {
                span: want.span.clone(),
                at: now,
                text: Text::new(
                    format!("expected {}, which did not happen", wanted.en),
                    format!("期待：{} ／ 実際には起きませんでした", wanted.ja),
                ),
            });
        }
    }
    for extra in complete {
        let extra = describe(extra, names, zone);
        failures.push(Failure {
            span: span.clone(),
            at: now,
            text: Text::new(
                format!("not expected: {}", extra.en),
                format!("期待していない出来事：{}", extra.ja),
            ),
        });
    }
    failures
}

fn is_complete(fact: &Fact) -> bool {
    matches!(fact, Fact::Sent { .. } | Fact::NotSent { .. })
}

fn meets(want: &Expected, got: &Happening, customer: CustomerId) -> bool {
    let says =
        |because: &Option<String>| because.as_ref().is_none_or(|text| got.because.contains(text.as_str()));
    got.customer == customer
        // Stories are told in minutes; what fell due within a minute happened then.
        && want.at.is_none_or(|at| minute(at) == minute(got.at))
        && match (&want.what, &got.fact) {
            (Fact::Sent { message, channel }, Fact::Sent { message: m, channel: c }) => {
                message == m && (channel.is_none() || channel == c)
            }
            (Fact::NotSent { message, because }, Fact::NotSent { message: m, .. }) => {
                message == m && says(because)
            }
            (Fact::Stopped { journey, reason }, Fact::Stopped { journey: j, .. }) => {
                (journey.is_none() || journey == j) && says(reason)
            }
            (want, got) => want == got,
        }
}

fn minute(at: Timestamp) -> i64 {
    at.as_micros().div_euclid(60_000_000)
}

fn wanted(want: &Expected, zone: &Zone) -> Text {
    let at = want.at.map(|at| clock(at, zone));
    let fact = fact_text(&want.what);
    let (en, ja) = match &at {
        Some(at) => (format!(" at {at}"), format!("（{at}）")),
        None => (String::new(), String::new()),
    };
    Text::new(format!("{} {}{en}", want.customer, fact.en), format!("{} {}{ja}", want.customer, fact.ja))
}

/// One happening in a line.
pub(super) fn describe(got: &Happening, names: &BTreeMap<String, CustomerId>, zone: &Zone) -> Text {
    let name = names.iter().find(|(_, id)| **id == got.customer).map_or("?", |(name, _)| name);
    let why = match &got.fact {
        Fact::NotSent { .. } => codes(&got.because),
        _ => String::new(),
    };
    let (at, fact) = (clock(got.at, zone), fact_text(&got.fact));
    Text::new(format!("{at} {name} {}{why}", fact.en), format!("{at} {name} {}{why}", fact.ja))
}

/// As the clocks of the story show it, to the second where that says more than the minute.
fn clock(at: Timestamp, zone: &Zone) -> String {
    let local = at.to_jiff().to_zoned(zone.to_jiff().clone());
    let form = if local.second() == 0 { "%Y-%m-%d %H:%M" } else { "%Y-%m-%d %H:%M:%S" };
    local.strftime(form).to_string()
}

/// The codes of a recorded verdict.
fn codes(why: &str) -> String {
    let json: serde_json::Value = serde_json::from_str(why).unwrap_or_default();
    let codes: Vec<&str> = json["reasons"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|reason| reason["outcome"] == "block")
        .filter_map(|reason| reason["code"].as_str())
        .collect();
    let outcome = json["outcome"]["outcome"].as_str().map(str::to_owned);
    let all = outcome.into_iter().chain(codes.into_iter().map(str::to_owned)).collect::<Vec<_>>().join(", ");
    if all.is_empty() { String::new() } else { format!(" ({all})") }
}

fn fact_text(fact: &Fact) -> Text {
    match fact {
        Fact::Sent { message, channel: Some(channel) } => Text::new(
            format!("sent {message} by {channel}"),
            format!("{message} を{}で送信", channel_ja(channel.as_str())),
        ),
        Fact::Sent { message, channel: None } => {
            Text::new(format!("sent {message}"), format!("{message} を送信"))
        }
        Fact::NotSent { message, because: Some(because) } => Text::new(
            format!("not sent {message} because {because}"),
            format!("{message} を見送り（理由：{because}）"),
        ),
        Fact::NotSent { message, because: None } => {
            Text::new(format!("not sent {message}"), format!("{message} を見送り"))
        }
        Fact::Started { journey } => Text::new(format!("started {journey}"), format!("{journey} を開始")),
        Fact::Stopped { journey, reason } => {
            let (en, ja) = match reason {
                Some(reason) => (format!(": {reason}"), format!("（{reason}）")),
                None => (String::new(), String::new()),
            };
            Text::new(
                format!("stopped {}{en}", journey.as_deref().unwrap_or("the journey")),
                format!("{} を中止{ja}", journey.as_deref().unwrap_or("ジャーニー")),
            )
        }
        Fact::Finished { journey } => Text::new(format!("finished {journey}"), format!("{journey} を完了")),
        Fact::Goal { journey } => {
            Text::new(format!("reached the goal of {journey}"), format!("{journey} の目標を達成"))
        }
        Fact::Waiting { step } => Text::new(format!("waits at {step}"), format!("{step} で待機")),
        Fact::Emitted { event } => Text::new(format!("emitted {event}"), format!("イベント {event} を発生")),
        Fact::Called { call } => Text::new(format!("called {call}"), format!("{call} を呼び出し")),
        Fact::Notified { to } => Text::new(format!("notified {to}"), format!("{to} に通知")),
    }
}

fn channel_ja(channel: &str) -> String {
    match channel {
        "email" => "メール".to_owned(),
        "sms" => "SMS ".to_owned(),
        "push" => "プッシュ通知".to_owned(),
        other => format!(" {other} "),
    }
}
