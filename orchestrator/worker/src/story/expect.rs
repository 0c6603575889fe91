//! Expectations against what happened.

use super::{
    Failure,
    happened::{Gathered, Happening},
};
use journey::story::{Expected, Fact};
use std::collections::BTreeMap;
use words::{CustomerId, Text, Timestamp};

/// What has been looked at already.
#[derive(Debug, Default)]
pub(super) struct Looked {
    pub(super) from: usize,
}

/// Checks one `expect`: sends and refusals are complete and, for each customer, in order; the rest is looked for.
pub(super) fn check(
    expected: &[Expected],
    span: std::ops::Range<usize>,
    gathered: &Gathered,
    names: &BTreeMap<String, CustomerId>,
    steps: &dyn Fn(&str, u32) -> Option<String>,
    looked: &mut Looked,
    now: Timestamp,
) -> Vec<Failure> {
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
                    |got| Text::new(describe(got, names), describe(got, names)),
                );
                failures.push(Failure {
                    span: want.span.clone(),
                    at: now,
                    text: Text::new(
                        format!("expected {}, but {}", wanted(want), got.en),
                        format!("期待: {}、実際: {}", wanted(want), got.ja),
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
            failures.push(Failure {
                span: want.span.clone(),
                at: now,
                text: Text::new(
                    format!("expected {}, which did not happen", wanted(want)),
                    format!("期待: {}、実際には起きませんでした", wanted(want)),
                ),
            });
        }
    }
    for extra in complete {
        failures.push(Failure {
            span: span.clone(),
            at: now,
            text: Text::new(
                format!("not expected: {}", describe(extra, names)),
                format!("期待していない出来事: {}", describe(extra, names)),
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

fn wanted(want: &Expected) -> String {
    let at = want.at.map_or_else(String::new, |at| format!(" at {at}"));
    format!("{} {}{at}", want.customer, fact_text(&want.what))
}

/// One happening in a line.
pub(super) fn describe(got: &Happening, names: &BTreeMap<String, CustomerId>) -> String {
    let name = names.iter().find(|(_, id)| **id == got.customer).map_or("?", |(name, _)| name);
    let why = match &got.fact {
        Fact::NotSent { .. } => codes(&got.because),
        _ => String::new(),
    };
    format!("{} {name} {}{why}", got.at, fact_text(&got.fact))
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

fn fact_text(fact: &Fact) -> String {
    match fact {
        Fact::Sent { message, channel: Some(channel) } => format!("sent {message} by {channel}"),
        Fact::Sent { message, channel: None } => format!("sent {message}"),
        Fact::NotSent { message, because: Some(because) } => format!("not sent {message} because {because}"),
        Fact::NotSent { message, because: None } => format!("not sent {message}"),
        Fact::Started { journey } => format!("started {journey}"),
        Fact::Stopped { journey, reason } => format!(
            "stopped {}{}",
            journey.as_deref().unwrap_or("the journey"),
            reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"))
        ),
        Fact::Finished { journey } => format!("finished {journey}"),
        Fact::Goal { journey } => format!("reached the goal of {journey}"),
        Fact::Waiting { step } => format!("waits at {step}"),
        Fact::Emitted { event } => format!("emitted {event}"),
        Fact::Called { call } => format!("called {call}"),
        Fact::Notified { to } => format!("notified {to}"),
    }
}
