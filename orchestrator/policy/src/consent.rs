//! Consent: may we write to this customer about this, here?
//!
//! Fails closed. A revocation beats every word that is not later than itself. Among the grants after it any one that
//! the country's rule accepts will do.

use crate::findings::{Case, Findings, class_ja, reading_zone, shown};
use crate::packs::{Check, ImpliedLimit, Pack, Rule, Scope};
use crate::{ConsentBasis, Outcome};
use words::calendar::local_clock;
use words::{Basis, Consent, ConsentState, Country, MessageClass, Timestamp, Zone};

pub(crate) fn check(case: &Case<'_>, findings: &mut Findings) {
    let message = &case.facts.message;
    match message.class {
        MessageClass::Marketing => {}
        MessageClass::Service => {
            if rules(case).next().is_none() {
                exempt(case, findings);
                refused_service(case, findings);
                return;
            }
        }
        MessageClass::Transactional | MessageClass::Regulatory | MessageClass::Security => {
            exempt(case, findings);
            return;
        }
    }
    if !case.facts.consents_known {
        findings.block(
            "CNS-007",
            "consent_unknown",
            "the customer's consents could not be read".to_owned(),
            "お客様の同意の記録を読み取れないため".to_owned(),
        );
        return;
    }
    let revoked = last_revocation(case);
    if let Some((consent, rule)) = revoked
        && grants(case, revoked).next().is_none()
    {
        refused(case, findings, consent, rule);
        return;
    }
    for country in &case.regions {
        for (_, rule) in of_country(case, *country) {
            one_rule(case, findings, *country, rule, revoked);
        }
    }
    // No country at all: the floor alone.
    if case.regions.is_empty() {
        for (_, rule) in rules(case).filter(|(pack, _)| pack.countries.is_empty()) {
            one_rule(case, findings, Country::US, rule, revoked);
        }
    }
}

fn exempt(case: &Case<'_>, findings: &mut Findings) {
    let class = case.facts.message.class;
    findings.say(
        "CNS-001",
        "exempt_from_consent",
        Outcome::Exempt,
        format!(
            "needs no consent, because its purpose `{}` is of the class {}",
            case.facts.message.purpose,
            class.as_str()
        ),
        format!("目的「{}」は{}に属するため、同意は不要です", case.facts.message.purpose, class_ja(class)),
    );
}

/// Service messages need no consent, but a customer who refused this very purpose, or the whole channel, is heard.
fn refused_service(case: &Case<'_>, findings: &mut Findings) {
    if let Some((consent, rule)) = last_revocation(case)
        && grants(case, Some((consent, rule))).next().is_none()
    {
        refused(case, findings, consent, rule);
    }
}

fn refused(case: &Case<'_>, findings: &mut Findings, consent: &Consent, rule: &'static str) {
    let at = shown(consent.at, reading_zone(case.facts));
    let how = method(consent);
    let (scope_en, scope_ja) = match (&consent.purpose, &consent.channel) {
        (Some(purpose), Some(channel)) => {
            (format!("`{purpose}` on {channel}"), format!("「{purpose}」の {channel}"))
        }
        (Some(purpose), None) => (format!("`{purpose}`"), format!("「{purpose}」")),
        (None, Some(channel)) => (format!("every message on {channel}"), format!("{channel} のすべての連絡")),
        (None, None) => ("every message".to_owned(), "すべての連絡".to_owned()),
    };
    findings.block(
        rule,
        if rule == "REV-003" { "revoked_elsewhere" } else { "consent_revoked" },
        format!("the customer refused {scope_en} at {at} ({how})"),
        format!("お客様が {at} に{scope_ja}を拒否しているため（{how}）"),
    );
}

fn one_rule(
    case: &Case<'_>,
    findings: &mut Findings,
    country: Country,
    rule: &Rule,
    revoked: Option<(&Consent, &'static str)>,
) {
    let Check::Consent { accept, implied } = &rule.check else { return };
    let (purpose, channel) = (case.facts.message.purpose, case.facts.message.channel);
    let mut best: Option<(&Consent, Timestamp)> = None;
    let (mut expired, mut weak) = (None, None);
    for grant in grants(case, revoked) {
        let end = end_of(grant, implied.as_ref());
        if !accept.contains(&grant.basis) {
            weak = Some(grant);
        } else if end <= case.now {
            expired = expired.max(Some((end, grant.at)));
        } else if best.is_none_or(|(_, other)| end > other) {
            best = Some((grant, end));
        }
    }
    let zone = reading_zone(case.facts);
    let id = || rule.id.clone();
    match (best, expired, weak) {
        (Some((grant, end)), ..) => {
            findings.ends(end);
            let at = shown(grant.at, zone);
            let (basis_en, basis_ja) = basis_text(grant.basis);
            findings.say(
                id(),
                "consent",
                Outcome::Pass,
                format!("stands on the customer's {basis_en} consent of {at} ({})", method(grant)),
                format!("お客様の{basis_ja}の同意（{at}、{}）に基づきます", method(grant)),
            );
            let tighter = findings
                .consent
                .as_ref()
                .is_none_or(|known| known.expires_at.unwrap_or(Timestamp::MAX) > end);
            if tighter {
                findings.consent = Some(basis_of(grant, end));
            }
        }
        (None, Some((end, at)), _) => {
            let (end, at) = (shown(end, zone), shown(at, zone));
            findings.block(
                id(),
                "consent_expired",
                format!("the consent of {at} ended at {end}"),
                format!("{at} の同意が {end} に失効しているため"),
            );
        }
        (None, None, Some(grant)) => {
            let (have_en, have_ja) = basis_text(grant.basis);
            let (need_en, need_ja) = needed(accept);
            findings.block(
                id(),
                "consent_basis",
                format!("{country} asks for {need_en} consent to `{purpose}` on {channel}, and the customer's is {have_en}"),
                format!("{country} では「{purpose}」の {channel} に{need_ja}の同意が必要ですが、記録は{have_ja}の同意のため"),
            );
        }
        (None, None, None) => {
            let (need_en, need_ja) = needed(accept);
            findings.block(
                id(),
                "consent_missing",
                format!(
                    "the customer has given no {need_en} consent to `{purpose}` on {channel} ({country})"
                ),
                format!("「{purpose}」の {channel} について、お客様の{need_ja}の同意がないため（{country}）"),
            );
        }
    }
}

/// The consent rules in force for this class and channel.
fn rules<'a>(case: &'a Case<'_>) -> impl Iterator<Item = (&'a Pack, &'a Rule)> {
    let message = &case.facts.message;
    case.packs.rules(message.class, message.channel, case.now).filter(|(pack, rule)| {
        matches!(rule.check, Check::Consent { .. })
            && (pack.countries.is_empty() || case.regions.iter().any(|c| pack.countries.contains(c)))
    })
}

/// A country's own consent rules, or the floor where it has none.
fn of_country<'a>(case: &'a Case<'_>, country: Country) -> Vec<(&'a Pack, &'a Rule)> {
    let own: Vec<_> = rules(case).filter(|(pack, _)| pack.countries.contains(&country)).collect();
    if own.is_empty() { rules(case).filter(|(pack, _)| pack.countries.is_empty()).collect() } else { own }
}

/// The last refusal that reaches this purpose and channel, and the rule that lets it. One dated in the future counts
/// at once: a clock that is ahead must not keep us writing.
fn last_revocation<'a>(case: &'a Case<'_>) -> Option<(&'a Consent, &'static str)> {
    let (purpose, channel) = (case.facts.message.purpose, case.facts.message.channel);
    case.facts
        .customer
        .consents
        .iter()
        .filter(|c| c.state == ConsentState::Revoked)
        .filter(|c| c.channel.as_ref().is_none_or(|ch| ch == channel))
        .filter_map(|c| match &c.purpose {
            Some(named) if named != purpose => reaches_further(case, c).then_some((c, "REV-003")),
            _ => Some((c, "CNS-006")),
        })
        .max_by_key(|(c, rule)| (c.at, *rule == "CNS-006"))
}

/// Whether a refusal of another purpose reaches this one, by the rule in force when it was made.
fn reaches_further(case: &Case<'_>, consent: &Consent) -> bool {
    let message = &case.facts.message;
    case.packs.rules(message.class, message.channel, consent.at).any(|(pack, rule)| {
        rule.check == Check::RevocationScope(Scope::All)
            && (pack.countries.is_empty() || case.regions.iter().any(|c| pack.countries.contains(c)))
    })
}

/// The grants for this purpose and channel that no refusal has ended; expired ones too.
fn grants<'a>(
    case: &'a Case<'_>,
    revoked: Option<(&'a Consent, &'static str)>,
) -> impl Iterator<Item = &'a Consent> {
    let (purpose, channel) = (case.facts.message.purpose, case.facts.message.channel);
    case.facts
        .customer
        .consents
        .iter()
        .filter(|c| c.state == ConsentState::Granted && c.at <= case.now)
        .filter(move |c| c.purpose.as_deref().is_none_or(|named| named == purpose))
        .filter(move |c| c.channel.as_ref().is_none_or(|named| named == channel))
        .filter(move |c| revoked.is_none_or(|(revocation, _)| c.at > revocation.at))
}

/// When a grant ends: by its own word or by the law's limit on implied consent.
fn end_of(grant: &Consent, implied: Option<&ImpliedLimit>) -> Timestamp {
    let own = grant.expires_at.unwrap_or(Timestamp::MAX);
    let Some(limit) = implied.filter(|_| grant.basis == Basis::Implied) else { return own };
    let bought = limit.purchase_methods.contains(&grant.evidence.method);
    let months = if bought { limit.purchase_months } else { limit.inquiry_months };
    let zone = Zone::utc();
    let end = local_clock(&zone, grant.at).saturating_add(jiff::Span::new().months(i32::from(months)));
    let end = zone.to_jiff().to_timestamp(end).map_or(Timestamp::MAX, Timestamp::from_jiff);
    own.min(end)
}

fn basis_of(grant: &Consent, end: Timestamp) -> ConsentBasis {
    ConsentBasis {
        purpose: grant.purpose.clone(),
        channel: grant.channel.as_ref().map(|c| c.as_str().to_owned()),
        basis: grant.basis,
        at: grant.at,
        expires_at: (end < Timestamp::MAX).then_some(end),
        method: grant.evidence.method.clone(),
        text_hash: grant.evidence.text_hash.clone(),
    }
}

fn method(consent: &Consent) -> &str {
    if consent.evidence.method.is_empty() { "no evidence recorded" } else { &consent.evidence.method }
}

fn basis_text(basis: Basis) -> (&'static str, &'static str) {
    match basis {
        Basis::Express => ("express", "明示"),
        Basis::ExpressWritten => ("express written", "書面による明示"),
        Basis::Implied => ("implied", "黙示"),
    }
}

/// The weakest basis that a rule accepts, in words.
fn needed(accept: &[Basis]) -> (&'static str, &'static str) {
    if accept.contains(&Basis::Implied) {
        ("express or implied", "明示または黙示")
    } else if accept.contains(&Basis::Express) {
        ("express", "明示")
    } else {
        ("express written", "書面による明示")
    }
}
