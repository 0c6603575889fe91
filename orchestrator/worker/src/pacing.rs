//! What the provider bears: what was claimed and not handed over is given back, and a provider that fails is not tried by
//! everything that is under way.

use crate::{Machine, making::Ready, settle};
use channel::Outcome;
use channel::pace::{Change, Said, Taken};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use store::{SendWork, Store, StoreError};
use tokio::sync::{Semaphore, SemaphorePermit};
use words::{Channel, DeliveryId};

/// What the claims of a batch took, by delivery.
pub(crate) type Took = Vec<(DeliveryId, Channel, Taken)>;

/// What these took.
pub(crate) fn taken(works: &[SendWork]) -> Took {
    works.iter().filter_map(|work| Some((work.delivery, work.channel.clone(), work.taken?))).collect()
}

/// The gates of one batch: as many at a time as the adapter takes, and none once the provider fails. Channels whose provider
/// may be left alone have one.
pub(crate) struct Gates {
    by_channel: BTreeMap<Channel, Gate>,
    began: tokio::time::Instant,
    limit: Duration,
}

struct Gate {
    turns: Semaphore,
    /// In a row.
    failed: AtomicU32,
    failures: u32,
}

impl Gates {
    /// `limit`: how long the whole batch may take.
    pub(crate) fn of(store: &Store, ready: &[Ready], limit: Duration) -> Self {
        let mut by_channel = BTreeMap::new();
        for Ready { work, adapter, .. } in ready {
            if by_channel.contains_key(&work.channel) {
                continue;
            }
            if let Some(breaker) = store.pace(&work.channel).and_then(|pace| pace.breaker) {
                let most = adapter.capabilities().concurrency_max.clamp(1, 1024);
                let gate = Gate {
                    turns: Semaphore::new(most),
                    failed: AtomicU32::new(0),
                    failures: breaker.failures.max(1),
                };
                by_channel.insert(work.channel.clone(), gate);
            }
        }
        Self { by_channel, began: tokio::time::Instant::now(), limit }
    }

    /// A turn, and how long its hand-over may take. `None`: the provider fails, or the batch has taken too long for another
    /// one to begin.
    pub(crate) async fn through(&self, channel: &Channel) -> Option<(Duration, Option<SemaphorePermit<'_>>)> {
        let Some(gate) = self.by_channel.get(channel) else { return Some((self.limit, None)) };
        let turn = gate.turns.acquire().await.ok()?;
        let left = self.limit.saturating_sub(self.began.elapsed());
        let open = gate.failed.load(Ordering::Acquire) < gate.failures && left > self.limit / 10;
        open.then_some((left, Some(turn)))
    }

    /// What a hand-over says to those that wait for their turn.
    pub(crate) fn hear(&self, channel: &Channel, outcome: &Outcome) {
        let Some(gate) = self.by_channel.get(channel) else { return };
        match outcome.said() {
            Said::Answers => gate.failed.store(0, Ordering::Release),
            // It named a time: nobody goes before that.
            Said::Fails { after: Some(_), .. } => gate.failed.store(u32::MAX / 2, Ordering::Release),
            Said::Fails { after: None, .. } => drop(gate.failed.fetch_add(1, Ordering::AcqRel)),
            Said::Nothing => {}
        }
    }
}

impl Machine {
    /// Gives back what was taken for deliveries that are not among those `spent`. The others only wait for less; where it
    /// fails they wait for a moment more.
    pub(crate) async fn give_back<'w>(&self, took: Took, spent: impl Iterator<Item = &'w SendWork>) {
        if took.is_empty() {
            return;
        }
        let spent: std::collections::BTreeSet<DeliveryId> = spent.map(|work| work.delivery).collect();
        let mut back: Vec<(Channel, Taken, u64)> = Vec::new();
        for (_, channel, taken) in took.into_iter().filter(|(delivery, ..)| !spent.contains(delivery)) {
            match back.iter_mut().find(|(known, same, _)| *known == channel && *same == taken) {
                Some((_, _, messages)) => *messages += 1,
                None => back.push((channel, taken, 1)),
            }
        }
        for (channel, taken, messages) in back {
            if let Err(error) = self.store.give_back_pace(&channel, taken, messages).await {
                tracing::warn!("What channel {channel} did not use is not given back: {error}");
            }
        }
    }

    /// Closes the claims of what was opened and not begun: due as it was.
    pub(crate) async fn take_back(&self, works: Vec<SendWork>) -> Result<(), StoreError> {
        if works.is_empty() {
            return Ok(());
        }
        self.give_back(taken(&works), std::iter::empty()).await;
        let now = self.clock.now();
        self.store.settle(works.iter().map(|work| settle::not_begun(work, now)).collect(), now).await?;
        Ok(())
    }

    /// Writes down what hand-overs said about their providers, and says in the log what follows from it.
    pub(crate) async fn tell_of_providers<'a>(
        &self,
        answers: impl Iterator<Item = (&'a Channel, &'a Outcome)>,
    ) {
        let mut said: BTreeMap<&Channel, Vec<Said>> = BTreeMap::new();
        for (channel, outcome) in answers {
            said.entry(channel).or_default().push(outcome.said());
        }
        for (channel, said) in said {
            let (change, standing) = match self.store.provider_said(channel, said, self.leases_now()).await {
                Ok(Some(changed)) => changed,
                Ok(None) => continue,
                Err(error) => {
                    tracing::warn!("What the provider of {channel} said is not written down: {error}");
                    continue;
                }
            };
            match (change, standing.pause) {
                (Change::Paused, Some(pause)) => tracing::warn!(
                    channel = %channel,
                    "The channel {channel} pauses: its provider fails ({}). What is due waits; one message tries it at {}",
                    channel::figures(&pause.answer), pause.until,
                ),
                (Change::PausedAgain, Some(pause)) => tracing::info!(
                    channel = %channel,
                    "The channel {channel} pauses on: its provider still fails ({}). It is tried again at {}",
                    channel::figures(&pause.answer), pause.until,
                ),
                _ => {
                    tracing::info!(channel = %channel, "The channel {channel} goes on: its provider answers again")
                }
            }
        }
    }
}
