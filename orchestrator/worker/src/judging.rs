//! The judge at the door: every claimed delivery is asked about now, whatever was said when it was planned.

use crate::{Live, Machine, settle, verdict};
use policy::{Decision, Stage, Verdict};
use store::planted::{Bug, planted};
use store::{AuditEvent, AuditKind, DeliveryState, SendWork, Settle};
use words::{Elapsed, Timestamp};

impl Machine {
    /// Asks about each: those that may go out now, and the claims of the others closed.
    pub(crate) fn judge(
        &self,
        work: Vec<SendWork>,
        live: &Live,
        stops: &[policy::Stop],
        now: Timestamp,
    ) -> (Vec<(SendWork, policy::Verdict)>, Vec<Settle>) {
        let held = self.store.held().is_some();
        let (mut allowed, mut closed) = (Vec::new(), Vec::new());
        for work in work {
            let work = misjudged(work);
            let verdict = judge_one(&work, live, stops, held, now);
            let why = verdict::record(&verdict).to_string();
            let mut settle = match verdict.decision {
                Decision::Allow => {
                    allowed.push((work, verdict));
                    continue;
                }
                // At least a second: a verdict that names this very instant must not spin.
                Decision::Delay { until } => settle::untried(
                    &work,
                    DeliveryState::Planned,
                    Some(until.max(now.plus(Elapsed::from_secs(1)))),
                    why,
                ),
                Decision::Block => {
                    let state = if out_of_time(&verdict) {
                        DeliveryState::Expired
                    } else {
                        DeliveryState::Suppressed
                    };
                    settle::untried(&work, state, None, why)
                }
            };
            if verdict.decision == Decision::Block {
                settle.audit.push(AuditEvent {
                    kind: AuditKind::MessageSuppressed,
                    at: now,
                    customer: Some(work.customer.id),
                    subject: Some(work.message.0),
                    body: serde_json::json!({
                        "delivery": work.delivery, "channel": work.channel,
                        "codes": verdict.reasons.iter().map(|r| r.code.as_ref()).collect::<Vec<_>>(),
                        "packs": verdict.packs.hex(),
                    })
                    .to_string(),
                });
            }
            closed.push(settle);
        }
        (allowed, closed)
    }
}

/// What a planted mistake overlooks at the door.
fn misjudged(mut work: SendWork) -> SendWork {
    if planted(Bug::ConsentAtPlanningOnly) {
        for consent in &mut work.customer.consents {
            consent.state = words::ConsentState::Granted;
        }
    }
    if planted(Bug::QuietHoursOfWrongZone) {
        work.customer.zone = words::Zone::parse("UTC").ok().map(|zone| (zone, words::ZoneSource::Stated));
    }
    work
}

/// Whether the message came to its own end, rather than being refused: a consent that has expired is a refusal.
fn out_of_time(verdict: &Verdict) -> bool {
    verdict.first_reason().is_some_and(|r| {
        r.code == "too_late" || r.code.starts_with("expired") || r.code.starts_with("expires")
    })
}

/// Asks the judge about one claimed delivery.
pub(crate) fn judge_one(
    work: &SendWork,
    live: &Live,
    stops: &[policy::Stop],
    held: bool,
    now: Timestamp,
) -> policy::Verdict {
    // What may have been accepted already has its place among the caps: it does not compete for another.
    let (cap_uses, competing) =
        if work.resend { (&[][..], &[][..]) } else { (&work.cap_uses[..], &work.competing[..]) };
    let caps: Vec<policy::CapUse<'_>> =
        cap_uses.iter().map(|u| policy::CapUse { at: u.at, channel: &u.channel }).collect();
    let competitors: Vec<policy::Competitor<'_>> = competing
        .iter()
        .map(|other| policy::Competitor {
            id: other.message.0,
            name: &other.name,
            journey: Some(&other.journey),
            class: other.class,
            channel: &other.channel,
            priority: other.priority,
            due_at: other.due_at,
        })
        .collect();
    let suppressions: Vec<policy::Suppression> =
        work.suppressions.iter().filter(|s| s.channel == work.channel).map(verdict::suppression).collect();
    let address =
        work.customer.addresses.iter().find(|a| a.channel == work.channel && a.value == work.address);
    let facts = policy::Facts {
        customer: &work.customer,
        consents_known: true,
        message: policy::Message {
            id: work.message.0,
            name: &work.name,
            journey: Some(&work.journey),
            class: work.class,
            purpose: &work.purpose,
            channel: &work.channel,
            address,
            address_seen_at: address.and_then(|address| address.seen_at),
            priority: work.priority,
            planned_at: work.planned_at,
            // The delivery's own due time moves with every delay; lateness counts from when it was meant. Messages of one
            // step are planned a microsecond apart, the later ones after now.
            due_at: work.planned_at.min(now),
            expires_at: work.expires_at,
            late_max: verdict::late_max(work.class),
        },
        brand: &live.release.brand,
        cap_uses: &caps,
        competitors: &competitors,
        suppressions: &suppressions,
        stops,
        held,
    };
    policy::judge(&live.release.packs, &facts, Stage::HandOver, now)
}

pub(crate) fn stop_for_judge(stop: store::Stop) -> policy::Stop {
    let scope = match stop.scope {
        store::StopScope::All => policy::StopScope::Everything,
        store::StopScope::Journey(journey) => policy::StopScope::Journey(journey),
        store::StopScope::Channel(channel) => policy::StopScope::Channel(words::Channel::new(channel)),
        store::StopScope::Purpose(purpose) => policy::StopScope::Purpose(purpose),
    };
    policy::Stop { scope, effect: policy::StopEffect::Hold, by: stop.by, at: stop.at, note: stop.reason }
}
