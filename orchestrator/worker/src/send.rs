//! Send batches: judge, render, open the hand-over, hand over, record.
//!
//! Everything before the hand-over commit can be done again; everything after it is recorded under its fence.

use crate::{Live, Machine, judging, making::Ready, pacing, settle};
use channel::{Outcome, Stage};
use futures::{FutureExt, StreamExt, stream::FuturesUnordered};
use std::{panic::AssertUnwindSafe, time::Duration};
use store::planted::{Bug, planted};
use store::{DeliveryState, HandOver, HandOverRefused, NewReceipt, SendWork, Settle, StoreError};
use tracing::Instrument as _;
use words::{Basis, Channel, Consent, ConsentChange, ConsentState, EventId, Evidence, Timestamp};

/// The whole of a hand-over, all stages together, where nothing else is said; less than half a lease.
pub const HAND_OVER_DEADLINE: Duration = Duration::from_secs(50);

/// Deliveries per send batch.
pub(crate) const SEND_LIMIT: usize = 256;

/// Waits before an answer of a provider is written down again that the database did not take: all together well within
/// the lease.
const WRITE_AGAIN: [Duration; 5] = [
    Duration::from_millis(50),
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_secs(4),
    Duration::from_secs(15),
];

/// What a send batch did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct SendReport {
    /// Deliveries claimed.
    pub claimed: usize,
    /// Accepted by a provider.
    pub accepted: usize,
}

/// A delivery that was handed over, and what came of it.
struct Answered {
    work: SendWork,
    outcome: Outcome,
    span: settle::Span,
    /// The outcome is the development inbox's.
    in_inbox: bool,
}

/// What became of a hand-over that was opened.
enum Heard {
    Answered(Answered),
    /// The provider turned out to fail before its turn came.
    NotBegun(SendWork),
}

impl Heard {
    fn accepted(&self) -> bool {
        matches!(self, Self::Answered(Answered { outcome: Outcome::Accepted { .. }, .. }))
    }
}

impl Machine {
    /// Claims what is due on any channel and sends it.
    pub async fn send_batch(&self) -> Result<SendReport, StoreError> {
        self.send_batch_on(&self.channels()).await
    }

    /// Claims what is due on these channels and sends it. A slow channel holds up those that share its batch. What was
    /// struck goes after it, by itself: it may be what ended the process before.
    pub async fn send_batch_on(&self, channels: &[Channel]) -> Result<SendReport, StoreError> {
        let Some(live) = self.live() else { return Ok(SendReport::default()) };
        let now = self.clock.now();
        let fresh = self.store.claim_sends(now, SEND_LIMIT, channels, self.claim_for(now, &live)).await?;
        let mut report = self.send(fresh).await?;
        let now = self.clock.now();
        let struck = self.store.claim_struck(now, channels, self.claim_for(now, &live)).await?;
        let after = self.send(struck).await?;
        report.claimed += after.claimed;
        report.accepted += after.accepted;
        Ok(report)
    }

    /// Claims what is due on these channels, at most `limit`, or else what was struck: for whoever sends it meanwhile.
    pub(crate) async fn claim_on(
        &self,
        channels: &[Channel],
        limit: usize,
    ) -> Result<Vec<SendWork>, StoreError> {
        let Some(live) = self.live() else { return Ok(Vec::new()) };
        let now = self.clock.now();
        let limit = limit.min(SEND_LIMIT);
        let fresh = self.store.claim_sends(now, limit, channels, self.claim_for(now, &live)).await?;
        if !fresh.is_empty() {
            return Ok(fresh);
        }
        self.store.claim_struck(now, channels, self.claim_for(now, &live)).await
    }

    /// Sends what is claimed already, together.
    pub async fn send(&self, work: Vec<SendWork>) -> Result<SendReport, StoreError> {
        let claimed = work.len();
        Ok(SendReport { claimed, accepted: self.send_together(work).await? })
    }

    /// Sends a batch; how many were accepted.
    async fn send_together(&self, work: Vec<SendWork>) -> Result<usize, StoreError> {
        let Some(live) = self.live().filter(|_| !work.is_empty()) else { return Ok(0) };
        let now = self.clock.now();
        let stops = self.store.stops().await?.into_iter().map(judging::stop_for_judge).collect::<Vec<_>>();
        let watched: Vec<SendWork> = if self.observer.is_some() { work.clone() } else { Vec::new() };
        let taken = pacing::taken(&work);
        let (allowed, mut closed) = self.judge(work, &live, &stops, now);
        let (ready, failed) = self.prepare(allowed, &live, now).await;
        closed.extend(failed);
        let (ready, done) = tokio::join!(self.open(ready), self.close_untried(closed, &watched, now));
        done?;
        let ready = ready?;
        self.give_back(taken, ready.iter().map(|ready| &ready.work)).await;
        self.hand_over_all(ready, &live).await
    }

    async fn close_untried(
        &self,
        closed: Vec<Settle>,
        watched: &[SendWork],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if closed.is_empty() {
            return Ok(());
        }
        let seen = self.observer.is_some().then(|| closed.clone());
        self.store.settle(closed, now).await?;
        for settle in seen.into_iter().flatten() {
            if let Some(work) = watched.iter().find(|work| work.delivery == settle.delivery) {
                self.saw(now, work, &settle);
            }
        }
        Ok(())
    }

    /// Hands over what is opened and writes down every answer, whatever becomes of the others.
    async fn hand_over_all(&self, ready: Vec<Ready>, live: &Live) -> Result<usize, StoreError> {
        let gates = pacing::Gates::of(&self.store, &ready, self.hand_over_max);
        let gates = &gates;
        let mut handing: FuturesUnordered<_> = ready
            .into_iter()
            .map(|ready| async move {
                let Some((limit, turn)) = gates.through(&ready.work.channel).await else {
                    return Heard::NotBegun(ready.work);
                };
                let from = self.clock.now();
                let span = crate::traces::handing_over(&ready.work, live);
                let handing =
                    ready.adapter.hand_over(&ready.parcel, &ready.bytes, limit).instrument(span.clone());
                // An adapter that breaks off takes none of its neighbours along, and nobody knows how far it came.
                let outcome = AssertUnwindSafe(handing).catch_unwind().await.unwrap_or_else(|_| {
                    Outcome::Unknown { stage: Stage::Answer, answer: "the adapter broke off".to_owned() }
                });
                span.record("outcome", outcome.as_str());
                gates.hear(&ready.work.channel, &outcome);
                drop(turn);
                let in_inbox = ready.adapter.provider() == channel::INBOX;
                Heard::Answered(Answered {
                    work: ready.work,
                    outcome,
                    span: settle::Span { from, to: self.clock.now() },
                    in_inbox,
                })
            })
            .collect();
        let (mut accepted, mut trouble) = (0, None);
        let mut waiting = Vec::new();
        let mut writing: FuturesUnordered<_> = FuturesUnordered::new();
        // What answers while other answers are being written is written together after them. Meanwhile the conversations
        // go on: they are under way, and theirs must be heard even if one cannot be written down.
        loop {
            if writing.is_empty() && !waiting.is_empty() {
                let heard: Vec<Heard> = std::mem::take(&mut waiting);
                writing.push(async move { self.write_down(heard, live).await });
            }
            tokio::select! {
                biased;
                Some(heard) = handing.next() => {
                    accepted += usize::from(heard.accepted());
                    waiting.push(heard);
                    while let Some(Some(heard)) = handing.next().now_or_never() {
                        accepted += usize::from(heard.accepted());
                        waiting.push(heard);
                    }
                }
                Some(written) = writing.next() => trouble = written.err().or(trouble),
                else => break,
            }
        }
        trouble.map_or(Ok(accepted), Err)
    }

    async fn write_down(&self, heard: Vec<Heard>, live: &Live) -> Result<(), StoreError> {
        let (mut answered, mut not_begun) = (Vec::with_capacity(heard.len()), Vec::new());
        for heard in heard {
            match heard {
                Heard::Answered(one) => answered.push(one),
                Heard::NotBegun(work) => not_begun.push(work),
            }
        }
        // Before the claims are closed: what waits for them is not claimed as if nothing had been said.
        self.tell_of_providers(answered.iter().map(|a| (&a.work.channel, &a.outcome))).await;
        self.take_back(not_begun).await?;
        if answered.is_empty() {
            return Ok(());
        }
        let answered = &answered[..];
        self.revoke(answered).await?;
        let items: Vec<Settle> = answered.iter().map(|answered| self.close(answered, live)).collect();
        let mut waits = WRITE_AGAIN.iter();
        let written = loop {
            match self.store.settle(items.clone(), self.clock.now()).await {
                Ok(written) => break written,
                Err(error @ StoreError::Unavailable(_)) => match waits.next() {
                    Some(wait) => {
                        tracing::warn!("Answers of providers are written down again in {wait:?}: {error}");
                        tokio::time::sleep(*wait).await;
                    }
                    None => return Err(error),
                },
                Err(error) => return Err(error),
            }
        };
        let mut evidence = Vec::new();
        for ((answered, settle), written) in answered.iter().zip(items).zip(written) {
            if written {
                self.saw(answered.span.to, &answered.work, &settle);
            } else if let Outcome::Accepted { answer, .. } = &answered.outcome {
                evidence.push(late_evidence(answered, answer, settle));
            }
        }
        // The lease was over and the sweep has written «unknown»: the answer that came after all settles it.
        if !evidence.is_empty() {
            self.store.receipts(evidence, self.clock.now()).await?;
        }
        Ok(())
    }

    /// A provider that refuses because the customer opted out with it: that word is recorded as theirs, before the claim is
    /// closed, so that no crash in between can lose it.
    async fn revoke(&self, answered: &[Answered]) -> Result<(), StoreError> {
        for Answered { work, outcome, span, .. } in answered.iter().filter(|a| a.outcome.revokes_consent()) {
            let change = revocation(work, outcome, span.to);
            let known = work.customer.consents.iter().any(|c| {
                c.state == ConsentState::Revoked && c.purpose.is_none() && c.channel == change.consent.channel
            });
            if !known {
                let id = work.customer.id;
                self.store.update_customer(id, span.to, move |_| vec![change], Vec::new()).await?;
            }
        }
        Ok(())
    }

    fn close(&self, Answered { work, outcome, span, in_inbox }: &Answered, live: &Live) -> Settle {
        if let Outcome::Misconfigured { answer } = outcome {
            tracing::error!(
                channel = %work.channel, delivery.id = %work.delivery,
                "The channel {} is misconfigured ({}); what its provider said: `tabi log show {}`. Mend it; deliveries wait",
                work.channel, channel::figures(answer), work.message,
            );
        }
        self.metrics.handed_over(work, outcome, span.to.since(span.from));
        let event = EventId(self.ids.next(span.to));
        let jitter = u64::from_be_bytes(self.ids.next(span.to)[8..].try_into().unwrap_or([0; 8]));
        let mut settle = settle::tried(work, outcome, *span, jitter, event, *in_inbox);
        if settle.state == DeliveryState::Rejected
            || settle.state == DeliveryState::Unknown && planted(Bug::FallbackAfterUnknown)
        {
            settle.next = crate::fallback::next(&self.keyed(), work, outcome, live, span.to);
        }
        // The ledger knows it already: an event that nobody listens to would only make the customer due again.
        let listened = |name: &str| live.release.listeners.listens(name) || live.programs.listens(name);
        settle.events.retain(|new| listened(&new.event.name));
        settle
    }

    fn saw(&self, at: Timestamp, work: &SendWork, settle: &Settle) {
        if let Some(observer) = &self.observer {
            observer.closed(at, work, settle);
        }
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

/// The customer's word, as the provider tells it.
fn revocation(work: &SendWork, outcome: &Outcome, at: Timestamp) -> ConsentChange {
    ConsentChange {
        consent: Consent {
            purpose: None,
            channel: Some(work.channel.clone()),
            state: ConsentState::Revoked,
            basis: Basis::Implied,
            at,
            expires_at: None,
            evidence: Evidence {
                method: "provider_opt_out".to_owned(),
                source: Some(format!("delivery {}: {}", work.delivery, outcome.answer())),
                ..Evidence::default()
            },
        },
    }
}

fn late_evidence(answered: &Answered, answer: &str, settle: Settle) -> NewReceipt {
    NewReceipt {
        customer: settle.customer,
        message: settle.message,
        delivery: settle.delivery,
        kind: "accepted".to_owned(),
        at: answered.span.to,
        detail: answer.to_owned(),
        events: settle.events,
        suppress: None,
        audit: settle.audit,
    }
}
