//! Verdicts on their way into the record: what the ledger keeps of them, and how they look to the engine.

use engine::Reason;
use policy::{Outcome, Verdict};
use words::{Elapsed, Timestamp};

/// A verdict as the record keeps it: decision, reasons in both languages, consent, whose clocks, packs.
pub fn record(verdict: &Verdict) -> serde_json::Value {
    serde_json::json!({
        "decision": verdict.decision,
        "reasons": verdict.reasons,
        "consent": verdict.consent,
        "clocks": verdict.clocks,
        "packs": verdict.packs.hex(),
    })
}

/// Reasons without a verdict of the judge, in the same shape.
pub fn record_reasons(reasons: &[Reason]) -> serde_json::Value {
    let reasons: Vec<_> = reasons
        .iter()
        .map(|reason| {
            serde_json::json!({"rule": reason.rule, "code": reason.code, "outcome": "block", "text": reason.words})
        })
        .collect();
    serde_json::json!({"decision": {"verdict": "block"}, "reasons": reasons})
}

/// Why a message was not planned: the engine's reasons, with the packs that were asked, where the judge was.
pub fn record_refusal(reasons: &[Reason], asked: Option<&Verdict>) -> serde_json::Value {
    let mut record = record_reasons(reasons);
    if let (Some(verdict), Some(record)) = (asked, record.as_object_mut()) {
        record.insert("packs".to_owned(), verdict.packs.hex().into());
    }
    record
}

/// The reasons that block, as the engine carries them.
pub(crate) fn blocking(verdict: &Verdict) -> Vec<Reason> {
    verdict
        .reasons
        .iter()
        .filter(|reason| reason.outcome == Outcome::Block)
        .map(|reason| Reason {
            code: reason.code.to_string(),
            rule: Some(reason.rule.to_string()),
            words: reason.text.clone(),
        })
        .collect()
}

/// A suppression of the store as the judge sees it.
pub(crate) fn suppression(row: &store::SuppressionRow) -> policy::Suppression {
    let kind = match row.reason.as_str() {
        "bounce" => policy::SuppressionKind::HardBounce,
        "stop" => policy::SuppressionKind::OptOut,
        "complaint" => policy::SuppressionKind::Complaint,
        _ => policy::SuppressionKind::Manual,
    };
    policy::Suppression { kind, at: row.at, expires_at: row.expires_at, note: row.source.clone() }
}

/// How far back cap uses are needed: the longest cap of the brand or of the packs, at least seven days.
pub(crate) fn caps_since(brand: &policy::Brand, now: Timestamp) -> Timestamp {
    let longest = brand.caps.iter().flatten().map(|cap| cap.per).max().unwrap_or_default();
    now.minus(longest.max(Elapsed::from_days(31)))
}

/// How late a message may go out where its journey says nothing: what is old news is not sent after an outage.
pub(crate) fn late_max(class: words::MessageClass) -> Option<Elapsed> {
    use words::MessageClass::{Marketing, Regulatory, Security, Service, Transactional};
    match class {
        Marketing | Service => Some(Elapsed::from_days(3)),
        Transactional => Some(Elapsed::from_days(7)),
        Security => Some(Elapsed::from_minutes(30)),
        Regulatory => None,
    }
}
