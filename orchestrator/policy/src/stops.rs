//! The stop switch and the held state. Nobody knows when they end, so a message that they hold is asked about again.

use crate::findings::{Case, Findings, reading_zone, shown};
use crate::{Message, Stop, StopEffect, StopScope};
use words::Elapsed;

/// How soon a held message is asked about again. Releasing a hold makes held messages due at once; this is only the
/// net below.
const ASK_AGAIN: Elapsed = Elapsed::from_minutes(15);

pub(crate) fn check(case: &Case<'_>, findings: &mut Findings) {
    if case.facts.held {
        findings.ask_again = Some(case.now.plus(ASK_AGAIN));
        findings.delay(
            "HLD-001",
            "held",
            "Tabi is held after a restore or a copy: an operator has to release it".to_owned(),
            "復元または複製のあと保留中で、担当者の解除を待っているため".to_owned(),
        );
    }
    for stop in case.facts.stops.iter().filter(|stop| concerns(&stop.scope, &case.facts.message)) {
        stopped(case, stop, findings);
    }
}

fn stopped(case: &Case<'_>, stop: &Stop, findings: &mut Findings) {
    let at = shown(stop.at, reading_zone(case.facts));
    let (what_en, what_ja) = match &stop.scope {
        StopScope::Everything => ("everything".to_owned(), "すべての送信".to_owned()),
        StopScope::Journey(name) => (format!("the journey `{name}`"), format!("ジャーニー「{name}」")),
        StopScope::Channel(name) => (format!("the channel {name}"), format!("チャネル {name}")),
        StopScope::Purpose(name) => (format!("the purpose `{name}`"), format!("目的「{name}」")),
    };
    let note = if stop.note.is_empty() { String::new() } else { format!(": {}", stop.note) };
    let en = format!("{} stopped {what_en} at {at}{note}", stop.by);
    let ja = format!("{} が {at} に{what_ja}を停止したため{note}", stop.by);
    match stop.effect {
        StopEffect::Cancel => findings.block("STP-001", "stopped", en, ja),
        StopEffect::Hold => {
            findings.ask_again = Some(case.now.plus(ASK_AGAIN));
            findings.delay("STP-001", "stopped", en, ja);
        }
    }
}

fn concerns(scope: &StopScope, message: &Message<'_>) -> bool {
    match scope {
        StopScope::Everything => true,
        StopScope::Journey(name) => message.journey == Some(name.as_str()),
        StopScope::Channel(name) => name == message.channel,
        StopScope::Purpose(name) => name == message.purpose,
    }
}
