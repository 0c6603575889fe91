//! All rules in one go.

use crate::findings::{Case, Findings, reading_zone, shown};
use crate::{Facts, Packs, Stage, Verdict};
use crate::{address, caps, consent, hours, regions, stops};
use words::{Elapsed, Timestamp};

/// Judges one message at one instant.
///
/// At [`Stage::Plan`] a message may still lack an address. At both stages every rule is asked, so that the reasons
/// are complete: whoever reads them sees all that stands in the way, not the first of it.
pub fn judge(packs: &Packs, facts: &Facts<'_>, stage: Stage, now: Timestamp) -> Verdict {
    let case = Case { packs, facts, now, regions: regions::regions(packs, facts) };
    let mut findings = Findings::new(now);
    let deadline = timing(&case, &mut findings);
    past_deadline(&case, &mut findings, deadline, "TIM-001", "expires_before_due");
    consent::check(&case, &mut findings);
    address::check(&case, stage, &mut findings);
    stops::check(&case, &mut findings);
    if !findings.is_blocked() {
        caps::check(&case, &mut findings);
        past_deadline(&case, &mut findings, deadline, "FRQ-001", "expired_under_cap");
    }
    if !findings.is_blocked() {
        hours::check(&case, &mut findings);
        past_deadline(&case, &mut findings, deadline, "QH-004", "expired_in_quiet_hours");
    }
    if let Some(deadline) = deadline {
        findings.ends(deadline);
        // A hold may end before the message does; at its end it is asked about for the last time.
        findings.ask_again = findings.ask_again.map(|at| at.min(deadline));
    }
    if let Some(change) = packs.next_change(now) {
        findings.ends(change);
    }
    findings.into_verdict(&case)
}

/// Whether it is too early or too late. Returns the first instant at which it is too late.
fn timing(case: &Case<'_>, findings: &mut Findings) -> Option<Timestamp> {
    let message = &case.facts.message;
    let zone = reading_zone(case.facts);
    if message.due_at > case.now {
        let at = shown(message.due_at, zone);
        findings.earliest = message.due_at;
        findings.delay("TIM-003", "not_due", format!("it is due at {at}"), format!("送信予定は {at} のため"));
    }
    if let Some(expires) = message.expires_at.filter(|at| *at <= case.now) {
        let at = shown(expires, zone);
        findings.block(
            "TIM-001",
            "expired",
            format!("it was good until {at}"),
            format!("有効期限 {at} を過ぎたため"),
        );
    }
    let late = message.late_max.map(|max| (message.due_at.plus(max), max));
    if let Some((_, max)) = late.filter(|(last, _)| *last < case.now) {
        let at = shown(message.due_at, zone);
        findings.block(
            "TIM-002",
            "too_late",
            format!("it was due at {at} and may be at most {max} late"),
            format!("送信予定 {at} から許容される遅れ（{max}）を過ぎたため"),
        );
    }
    let late_end = late.map(|(last, _)| last.plus(Elapsed::from_micros(1)));
    message.expires_at.into_iter().chain(late_end).min()
}

/// Waiting beyond the message's own end is not sending it: say so now.
fn past_deadline(
    case: &Case<'_>,
    findings: &mut Findings,
    deadline: Option<Timestamp>,
    rule: &'static str,
    code: &'static str,
) {
    let Some(deadline) = deadline.filter(|end| findings.earliest >= *end && *end > case.now) else { return };
    let zone = reading_zone(case.facts);
    let (open, end) = (shown(findings.earliest, zone), shown(deadline, zone));
    findings.block(
        rule,
        code,
        format!("it could go out at {open} at the earliest and is good only until {end}"),
        format!("送信できるのは早くても {open} ですが、有効なのは {end} までのため"),
    );
}
