//! Caps: how often a customer may be written to, in windows that roll.
//!
//! A use counts for exactly the cap's length after it happened. Where fewer places are free than messages are due,
//! the higher priority goes first, then what was due earlier, then the smaller id.

use crate::findings::{Case, Findings, reading_zone, shown};
use crate::packs::Check;
use crate::{Cap, Competitor, Message};
use words::{Elapsed, MessageClass, Timestamp};

/// How soon the loser of a race asks again: the winner has gone out by then, or turned out not to go at all.
const ASK_AGAIN: Elapsed = Elapsed::from_minutes(5);

pub(crate) fn check(case: &Case<'_>, findings: &mut Findings) {
    let message = &case.facts.message;
    if message.class != MessageClass::Marketing {
        return;
    }
    let brand_caps = case.facts.brand.caps.as_deref();
    let of_packs = case
        .packs
        .rules(message.class, message.channel, case.now)
        .filter(|(pack, _)| {
            pack.countries.is_empty() || case.regions.iter().any(|c| pack.countries.contains(c))
        })
        .filter_map(|(_, rule)| match &rule.check {
            Check::Cap { cap, courtesy } if !courtesy || brand_caps.is_none() => {
                Some((rule.id.as_str(), cap))
            }
            _ => None,
        });
    let all: Vec<(&str, &Cap)> =
        brand_caps.unwrap_or_default().iter().map(|cap| ("FRQ-001", cap)).chain(of_packs).collect();
    // Every cap is measured from the same instant; the latest of their answers counts.
    let from = findings.earliest;
    for (id, cap) in all {
        if cap.channel.as_ref().is_none_or(|channel| channel == message.channel) {
            one_cap(case, findings, id, cap, from);
        }
    }
}

fn one_cap(case: &Case<'_>, findings: &mut Findings, id: &str, cap: &Cap, from: Timestamp) {
    let counts = |channel: &words::Channel| cap.channel.as_ref().is_none_or(|only| only == channel);
    let mut uses: Vec<Timestamp> = case
        .facts
        .cap_uses
        .iter()
        .filter(|cap_use| counts(cap_use.channel))
        .map(|cap_use| cap_use.at)
        .filter(|at| at.plus(cap.per) > from)
        .collect();
    uses.sort_unstable();
    let max = cap.max as usize;
    let zone = reading_zone(case.facts);
    let (what_en, what_ja) = cap_text(cap);
    if max == 0 {
        findings.block(
            id.to_owned(),
            "cap_is_zero",
            format!("{what_en} are allowed"),
            format!("{what_ja}までと決められているため"),
        );
        return;
    }
    if uses.len() >= max {
        let free = uses[uses.len() - max].plus(cap.per);
        let at = shown(free, zone);
        findings.earliest = findings.earliest.max(free);
        findings.delay(
            id.to_owned(),
            "cap_reached",
            format!(
                "{what_en} are allowed and the customer has had {}; there is room again at {at}",
                uses.len()
            ),
            format!("{what_ja}までのところ {} 通を送信済みのため。{at} に再び送信できます", uses.len()),
        );
        return;
    }
    let mut winners: Vec<&Competitor<'_>> = case
        .facts
        .competitors
        .iter()
        .filter(|other| other.class == MessageClass::Marketing && counts(other.channel))
        .filter(|other| other.due_at <= from && goes_first(other, &case.facts.message))
        .collect();
    winners.sort_by_key(|other| (std::cmp::Reverse(other.priority), other.due_at, other.id));
    let free = max - uses.len();
    if winners.len() < free {
        return;
    }
    winners.truncate(free);
    let names: Vec<String> = winners
        .iter()
        .map(|other| match other.journey {
            Some(journey) => format!("`{}` ({journey}, priority {})", other.name, other.priority),
            None => format!("`{}` (priority {})", other.name, other.priority),
        })
        .collect();
    let own = case.facts.message.priority;
    let until = from.plus(ASK_AGAIN);
    let at = shown(until, zone);
    findings.earliest = findings.earliest.max(until);
    findings.delay(
        id.to_owned(),
        "cap_lost",
        format!(
            "{what_en} are allowed and {} goes first (this one has priority {own}); asked again at {at}",
            names.join(" and ")
        ),
        format!(
            "{what_ja}までのところ {} が優先されるため（このメッセージの優先度は {own}）。{at} に再確認します",
            names.join("、")
        ),
    );
}

fn goes_first(other: &Competitor<'_>, own: &Message<'_>) -> bool {
    other.id != own.id
        && (std::cmp::Reverse(other.priority), other.due_at, other.id)
            < (std::cmp::Reverse(own.priority), own.due_at, own.id)
}

fn cap_text(cap: &Cap) -> (String, String) {
    let (on_en, on_ja) = cap
        .channel
        .as_ref()
        .map_or((String::new(), String::new()), |c| (format!(" on {c}"), format!("{c} の")));
    (
        format!("at most {} marketing messages{on_en} in {}", cap.max, cap.per),
        format!("{} につき{on_ja}広告宣伝 {} 通", elapsed_ja(cap.per), cap.max),
    )
}

fn elapsed_ja(per: Elapsed) -> String {
    let seconds = per.as_micros() / 1_000_000;
    match (seconds % 86_400, seconds % 3600) {
        (0, _) => format!("{} 日", seconds / 86_400),
        (_, 0) => format!("{} 時間", seconds / 3600),
        _ => format!("{} 分", seconds / 60),
    }
}
