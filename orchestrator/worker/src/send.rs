//! Send batches: judge, render, open the hand-over, hand over, record.
//!
//! Everything before the hand-over commit can be done again; everything after it is recorded under its fence.

use crate::{Live, Machine, content, settle, verdict};
use channel::{Adapter, Outcome, Parcel};
use futures::{StreamExt, stream::FuturesUnordered};
use policy::{Decision, Stage};
use std::{sync::Arc, time::Duration};
use store::{
    AuditEvent, DeliveryState, FinalContent, HandOver, HandOverRefused, SendWork, Settle, StoreError,
};
use words::{Elapsed, EventId, Timestamp};

/// The whole of a hand-over, all stages together; less than half a lease.
pub const HAND_OVER_DEADLINE: Duration = Duration::from_secs(50);

/// Deliveries per send batch.
pub const SEND_LIMIT: usize = 256;

/// What a send batch did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct SendReport {
    /// Deliveries claimed.
    pub claimed: usize,
    /// Accepted by a provider.
    pub accepted: usize,
}

/// Ready to be handed over.
struct Ready {
    work: SendWork,
    adapter: Arc<dyn Adapter>,
    parcel: Parcel,
    bytes: Vec<u8>,
}

impl Machine {
    /// Claims what is due and sends it.
    pub async fn send_batch(&self) -> Result<SendReport, StoreError> {
        let Some(live) = self.live() else { return Ok(SendReport::default()) };
        let now = self.clock.now();
        let work =
            self.store.claim_sends(now, SEND_LIMIT, &self.channels(), self.claim_for(now, &live)).await?;
        self.send(work).await
    }

    /// Sends what is claimed already.
    pub async fn send(&self, work: Vec<SendWork>) -> Result<SendReport, StoreError> {
        let mut report = SendReport { claimed: work.len(), accepted: 0 };
        let Some(live) = self.live().filter(|_| !work.is_empty()) else { return Ok(report) };
        let now = self.clock.now();
        let stops = self.stops().await?;
        let watched: Vec<SendWork> = if self.observer.is_some() { work.clone() } else { Vec::new() };
        let (allowed, mut closed) = self.judge(work, &live, &stops, now);
        let (ready, failed) = self.prepare(allowed, &live, now).await;
        closed.extend(failed);
        let ready = self.open(ready).await?;
        if !closed.is_empty() {
            let seen = self.observer.is_some().then(|| closed.clone());
            self.store.settle(closed, now).await?;
            for settle in seen.into_iter().flatten() {
                if let Some(work) = watched.iter().find(|work| work.delivery == settle.delivery) {
                    self.saw(now, work, &settle);
                }
            }
        }
        let mut handing: FuturesUnordered<_> = ready
            .into_iter()
            .map(|ready| async move {
                let from = self.clock.now();
                let outcome = ready.adapter.hand_over(&ready.parcel, &ready.bytes, HAND_OVER_DEADLINE).await;
                (ready.work, outcome, settle::Span { from, to: self.clock.now() })
            })
            .collect();
        // What answers together is recorded together.
        while let Some(first) = handing.next().await {
            let mut answered = vec![first];
            while let Some(Some(next)) = futures::FutureExt::now_or_never(handing.next()) {
                answered.push(next);
            }
            report.accepted +=
                answered.iter().filter(|(_, outcome, _)| matches!(outcome, Outcome::Accepted { .. })).count();
            let items = answered
                .iter()
                .map(|(work, outcome, span)| self.close(work, outcome, *span, &live))
                .collect();
            self.store.settle(items, self.clock.now()).await?;
        }
        Ok(report)
    }

    fn close(&self, work: &SendWork, outcome: &Outcome, span: settle::Span, live: &Live) -> Settle {
        if let Outcome::Misconfigured { answer } = outcome {
            tracing::error!(
                channel = %work.channel, delivery.id = %work.delivery,
                "The channel {} is misconfigured: {answer}. Mend it; deliveries wait", work.channel,
            );
        }
        let event = EventId(self.ids.next(span.to));
        let jitter = u64::from_be_bytes(self.ids.next(span.to)[8..].try_into().unwrap_or([0; 8]));
        let mut settle = settle::tried(work, outcome, span, jitter, event);
        if settle.state == DeliveryState::Rejected {
            settle.next = crate::fallback::next(self, work, live, span.to);
        }
        settle
    }

    fn saw(&self, at: Timestamp, work: &SendWork, settle: &Settle) {
        if let Some(observer) = &self.observer {
            observer.closed(at, work, settle);
        }
    }

    async fn stops(&self) -> Result<Vec<policy::Stop>, StoreError> {
        let stops = self.store.stops().await?;
        Ok(stops.into_iter().map(stop_for_judge).collect())
    }

    fn judge(
        &self,
        work: Vec<SendWork>,
        live: &Live,
        stops: &[policy::Stop],
        now: Timestamp,
    ) -> (Vec<(SendWork, policy::Verdict)>, Vec<Settle>) {
        let held = self.store.held().is_some();
        let (mut allowed, mut closed) = (Vec::new(), Vec::new());
        for work in work {
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
                    let late = verdict
                        .first_reason()
                        .is_some_and(|r| r.code.contains("expired") || r.code.contains("late"));
                    let state = if late { DeliveryState::Expired } else { DeliveryState::Suppressed };
                    settle::untried(&work, state, None, why)
                }
            };
            if verdict.decision == Decision::Block {
                settle.audit.push(AuditEvent {
                    kind: "message.suppressed",
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

    /// Renders and composes; what was rendered in an earlier attempt is taken as it is.
    async fn prepare(
        &self,
        allowed: Vec<(SendWork, policy::Verdict)>,
        live: &Live,
        now: Timestamp,
    ) -> (Vec<(Ready, HandOver)>, Vec<Settle>) {
        let adapters = self.adapters();
        let fresh: Vec<usize> = (0..allowed.len()).filter(|i| allowed[*i].0.content.is_none()).collect();
        let links: Vec<_> = fresh
            .iter()
            .map(|i| content::links(self.store.vault(), &self.base_url, &allowed[*i].0))
            .collect();
        let requests = fresh
            .iter()
            .zip(&links)
            .map(|(i, links)| content::request(&allowed[*i].0, links.clone(), now))
            .collect();
        let rendered = self.renderer.render(&live.release, requests).await;
        let mut rendered: std::collections::BTreeMap<usize, _> =
            fresh.into_iter().zip(rendered.into_iter().zip(links)).collect();
        let (mut ready, mut failed) = (Vec::new(), Vec::new());
        for (index, (work, verdict)) in allowed.into_iter().enumerate() {
            let Some(adapter) = adapters.get(&work.channel).cloned() else {
                let why = reason(
                    "no_adapter",
                    "there is no adapter for this channel",
                    "このチャネルの送信手段がありません",
                );
                failed.push(settle::untried(
                    &work,
                    DeliveryState::Planned,
                    Some(now.plus(Elapsed::from_minutes(5))),
                    why,
                ));
                continue;
            };
            let made = match rendered.remove(&index) {
                None => kept(&work),
                Some((Ok(rendered), links)) => {
                    let content = content::content(&work, rendered, &links);
                    compose(&work, content, adapter.as_ref(), live)
                }
                Some((Err(render::RenderError::Unavailable { reason: what }), _)) => {
                    let due = now.plus(Elapsed::from_secs(5));
                    let why = reason("renderer_unavailable", &what, &what);
                    failed.push(settle::untried(&work, DeliveryState::Planned, Some(due), why));
                    continue;
                }
                Some((Err(error), _)) => Err(error.to_string()),
            };
            match made {
                Ok((parcel, content)) => {
                    let bytes = content.bytes.clone();
                    let hand_over = hand_over(&work, &verdict, adapter.as_ref(), content, now);
                    ready.push((Ready { work, adapter, parcel, bytes }, hand_over));
                }
                Err(what) => failed.push(quarantine(&work, &what, now)),
            }
        }
        (ready, failed)
    }

    /// Opens the hand-overs in one commit; those refused were planned again by the store.
    async fn open(&self, ready: Vec<(Ready, HandOver)>) -> Result<Vec<Ready>, StoreError> {
        if ready.is_empty() {
            return Ok(Vec::new());
        }
        let (ready, items): (Vec<_>, Vec<_>) = ready.into_iter().unzip();
        let answers = self.store.hand_over(items, self.clock.now()).await?;
        Ok(ready
            .into_iter()
            .zip(answers)
            .filter_map(|(ready, answer)| match answer {
                Ok(()) => Some(ready),
                Err(refused) => {
                    let why = match refused {
                        HandOverRefused::Fence => "another claim took it over",
                        HandOverRefused::Guard => "the customer changed meanwhile",
                        HandOverRefused::Stopped => "sending was stopped meanwhile",
                        HandOverRefused::Late => "the verdict no longer held",
                    };
                    tracing::debug!(delivery.id = %ready.work.delivery, "Hand-over not started: {why}");
                    None
                }
            })
            .collect())
    }
}

fn kept(work: &SendWork) -> Result<(Parcel, FinalContent), String> {
    let content = work.content.clone().ok_or("no content is kept")?;
    let parts: channel::Content = serde_json::from_str(&content.parcel).map_err(|e| e.to_string())?;
    Ok((parcel(work, parts), content))
}

fn compose(
    work: &SendWork,
    content: channel::Content,
    adapter: &dyn Adapter,
    live: &Live,
) -> Result<(Parcel, FinalContent), String> {
    let parcel = parcel(work, content);
    let composed = adapter.compose(&parcel)?;
    let kept = FinalContent {
        media: composed.media.to_owned(),
        bytes: composed.bytes,
        parcel: serde_json::to_string(&parcel.content).map_err(|e| e.to_string())?,
        locale: parcel.content.locale.clone(),
        release: Some(live.release.id),
    };
    Ok((parcel, kept))
}

fn parcel(work: &SendWork, content: channel::Content) -> Parcel {
    Parcel {
        delivery: work.delivery,
        message: work.message,
        class: work.class,
        to: work.address.clone(),
        content,
    }
}

fn hand_over(
    work: &SendWork,
    verdict: &policy::Verdict,
    adapter: &dyn Adapter,
    content: FinalContent,
    now: Timestamp,
) -> HandOver {
    HandOver {
        customer: work.customer.id,
        message: work.message,
        delivery: work.delivery,
        fence: work.fence,
        guard_version: work.guard_version,
        stop_epoch: work.stop_epoch,
        valid_until: verdict.valid_until,
        // A resend after `unknown` has used its cap already.
        uses_cap: verdict.uses_cap && !work.resend,
        why: verdict::record(verdict).to_string(),
        content: work.content.is_none().then_some(content),
        provider: adapter.provider().to_owned(),
        audit: vec![AuditEvent {
            kind: "message.handing_over",
            at: now,
            customer: Some(work.customer.id),
            subject: Some(work.message.0),
            body: serde_json::json!({
                "delivery": work.delivery, "channel": work.channel, "provider": adapter.provider(),
                "attempt": work.attempts, "consent": verdict.consent, "packs": verdict.packs.hex(),
            })
            .to_string(),
        }],
    }
}

fn quarantine(work: &SendWork, what: &str, now: Timestamp) -> Settle {
    tracing::warn!(
        message.id = %work.message, "Message {} ({}) is quarantined: it cannot be made: {what}", work.message, work.name,
    );
    let why = reason(
        "cannot_be_made",
        &format!("quarantined, because it cannot be made: {what}"),
        &format!("作成できないため隔離しました: {what}"),
    );
    let mut settle = settle::untried(work, DeliveryState::Quarantined, None, why);
    settle.audit.push(AuditEvent {
        kind: "message.quarantined",
        at: now,
        customer: Some(work.customer.id),
        subject: Some(work.message.0),
        body: serde_json::json!({"delivery": work.delivery, "message": work.name}).to_string(),
    });
    settle
}

fn reason(code: &str, en: &str, ja: &str) -> String {
    verdict::record_reasons(&[engine::Reason::new(code, en, ja)]).to_string()
}

/// Asks the judge about one claimed delivery.
pub(crate) fn judge_one(
    work: &SendWork,
    live: &Live,
    stops: &[policy::Stop],
    held: bool,
    now: Timestamp,
) -> policy::Verdict {
    let caps: Vec<policy::CapUse<'_>> =
        work.cap_uses.iter().map(|u| policy::CapUse { at: u.at, channel: &u.channel }).collect();
    let competitors: Vec<policy::Competitor<'_>> = work
        .competing
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
            address_seen_at: None,
            priority: work.priority,
            planned_at: work.planned_at,
            // The delivery's own due time moves with every delay; lateness counts from when it was meant.
            due_at: work.planned_at,
            expires_at: work.expires_at,
            late_max: late_max(work.class),
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

/// How late a message may go out where its journey says nothing: what is old news is not sent after an outage.
fn late_max(class: words::MessageClass) -> Option<Elapsed> {
    use words::MessageClass::{Marketing, Regulatory, Security, Service, Transactional};
    match class {
        Marketing | Service => Some(Elapsed::from_days(3)),
        Transactional => Some(Elapsed::from_days(7)),
        Security => Some(Elapsed::from_minutes(30)),
        Regulatory => None,
    }
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
