//! The address: is there one, does it live, has anyone spoken against it?

use crate::findings::{Case, Findings, reading_zone, shown};
use crate::packs::Check;
use crate::{Stage, Suppression, SuppressionKind};
use words::{AddressState, Channel, Elapsed, MessageClass, PhoneNumber};

pub(crate) fn check(case: &Case<'_>, stage: Stage, findings: &mut Findings) {
    let message = &case.facts.message;
    let zone = reading_zone(case.facts);
    let channel = message.channel;
    for entry in case.facts.suppressions.iter().filter(|e| e.expires_at.is_none_or(|end| end > case.now)) {
        suppressed(case, entry, findings);
    }
    let Some(address) = message.address else {
        if stage == Stage::HandOver {
            findings.block(
                "ADR-001",
                "no_address",
                format!("the customer has no address on {channel}"),
                format!("お客様の {channel} の宛先がないため"),
            );
        }
        return;
    };
    if address.state == AddressState::Dead {
        findings.block(
            "ADR-002",
            "address_dead",
            format!("the provider said that this {channel} address will never accept a message"),
            format!("この {channel} の宛先は今後受信できないと送信事業者が回答しているため"),
        );
    }
    if *channel == Channel::SMS && PhoneNumber::parse(&address.value).is_err() {
        findings.block(
            "SMS-004",
            "not_e164",
            "the phone number is not in the international form (E.164)".to_owned(),
            "電話番号が国際形式（E.164）ではないため".to_owned(),
        );
    }
    let seen = message.address_seen_at.unwrap_or(address.added_at);
    for (_, rule) in case.packs.rules(message.class, channel, case.now) {
        let Check::AddressSeenWithin { days } = rule.check else { continue };
        let end = seen.plus(Elapsed::from_days(i64::from(days)));
        if end <= case.now {
            let at = shown(seen, zone);
            findings.block(
                rule.id.clone(),
                "address_stale",
                format!("this {channel} address was last seen working at {at}, more than {days} days ago"),
                format!("この {channel} の宛先が最後に確認されたのは {at} で、{days} 日以上前のため"),
            );
        } else {
            findings.ends(end);
        }
    }
}

fn suppressed(case: &Case<'_>, entry: &Suppression, findings: &mut Findings) {
    let at = shown(entry.at, reading_zone(case.facts));
    let class = case.facts.message.class;
    let note = if entry.note.is_empty() { String::new() } else { format!(": {}", entry.note) };
    match (entry.kind, class) {
        (SuppressionKind::HardBounce, _) => findings.block(
            "DLV-002",
            "hard_bounce",
            format!("a message to this address bounced for good at {at}{note}"),
            format!("この宛先は {at} に恒久的に不達となったため{note}"),
        ),
        (SuppressionKind::Complaint, MessageClass::Marketing | MessageClass::Service) => findings.block(
            "REV-004",
            "complaint",
            format!("the customer reported a message to this address as spam at {at}{note}"),
            format!("この宛先のお客様が {at} に迷惑メールとして報告したため{note}"),
        ),
        (
            SuppressionKind::OptOut,
            MessageClass::Marketing | MessageClass::Service | MessageClass::Transactional,
        ) => findings.block(
            "REV-001",
            "opted_out",
            format!("the customer answered STOP from this address at {at}{note}"),
            format!("お客様が {at} にこの宛先から配信停止（STOP）を返信したため{note}"),
        ),
        (
            SuppressionKind::Manual,
            MessageClass::Marketing | MessageClass::Service | MessageClass::Transactional,
        ) => {
            findings.block(
                "SUP-001",
                "suppressed_by_hand",
                format!("an operator suppressed this address at {at}{note}"),
                format!("担当者が {at} にこの宛先への送信を停止したため{note}"),
            );
        }
        _ => {}
    }
}
