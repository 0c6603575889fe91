//! The machine: what step batches, send batches and upkeep share. One per process.

use crate::Live;
use channel::Adapter;
use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, RwLock},
    time::Duration,
};
use store::planted::{Bug, planted};
use store::{ClaimFor, Clock, Deciding, Store, StoreError};
use words::{Channel, Elapsed, IdSource, Timestamp};

/// How long a claim lasts where nothing else is said. Hand-over deadlines are less than half of it.
pub(crate) const LEASE: Elapsed = Elapsed::from_secs(120);

/// Customers per step batch.
pub(crate) const STEP_LIMIT: usize = 500;

/// Adapters by channel; swapped as a whole when sending goes live.
pub type Adapters = BTreeMap<Channel, Arc<dyn Adapter>>;

/// What everything that moves customers shares.
pub struct Machine {
    /// The tables.
    pub store: Store,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// Where ids come from.
    pub ids: Arc<IdSource>,
    /// This process: a fresh name at every start.
    pub node: String,
    /// Where links in messages lead, without a slash at the end.
    pub base_url: String,
    /// Who renders.
    pub renderer: Arc<dyn crate::Renderer>,
    /// Who makes the calls of journeys.
    pub caller: Arc<dyn crate::calls::Caller>,
    pub(crate) observer: Option<Arc<dyn crate::Observer>>,
    live: RwLock<Option<Arc<Live>>>,
    adapters: RwLock<Arc<Adapters>>,
    pub(crate) likenesses: crate::likeness::Likenesses,
    pub(crate) hand_over_max: Duration,
    /// What is counted.
    pub metrics: crate::Metrics,
    /// Mail addresses of the team that alarms go to.
    pub(crate) alerts: Vec<String>,
}

/// What a machine is made of.
pub struct Parts {
    /// The tables.
    pub store: Store,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// Where ids come from.
    pub ids: Arc<IdSource>,
    /// This process: a fresh name at every start.
    pub node: String,
    /// Where links in messages lead, without a slash at the end.
    pub base_url: String,
    /// Who renders.
    pub renderer: Arc<dyn crate::Renderer>,
    /// Who makes the calls of journeys.
    pub caller: Arc<dyn crate::calls::Caller>,
    /// Who looks on, if anybody.
    pub observer: Option<Arc<dyn crate::Observer>>,
}

impl Machine {
    /// A machine without release and adapters yet.
    pub fn new(parts: Parts) -> Self {
        let Parts { store, clock, ids, node, base_url, renderer, caller, observer } = parts;
        let (live, adapters, likenesses) = (RwLock::new(None), RwLock::default(), Default::default());
        let hand_over_max = crate::HAND_OVER_DEADLINE;
        Self {
            store,
            clock,
            ids,
            node,
            base_url,
            renderer,
            caller,
            observer,
            live,
            adapters,
            likenesses,
            hand_over_max,
            metrics: crate::Metrics::default(),
            alerts: Vec::new(),
        }
    }

    /// The same with another limit to a whole hand-over, all stages together. A claim of deliveries lasts 2.4 times as long.
    #[must_use]
    pub fn hand_over_within(mut self, limit: Duration) -> Self {
        self.hand_over_max = limit;
        self
    }

    /// The same with mail addresses that alarms go to.
    #[must_use]
    pub fn alert(mut self, addresses: Vec<String>) -> Self {
        self.alerts = addresses;
        self
    }

    /// What is counted and measured, in the OpenMetrics text format without its last line.
    pub async fn metrics_text(&self) -> Result<String, StoreError> {
        self.metrics.text(&self.store, &self.channels(), self.clock.now()).await
    }

    /// How long a claim of deliveries lasts.
    fn lease(&self) -> Elapsed {
        let micros = self.hand_over_max.as_micros() * 12 / 5;
        i64::try_from(micros).map_or(LEASE, Elapsed::from_micros)
    }

    /// What is live, if anything.
    pub fn live(&self) -> Option<Arc<Live>> {
        self.live.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Swaps what is live. Programs that were live until now stay at hand.
    pub fn set_live(&self, mut live: Live) {
        self.store.set_pace_zone(live.release.brand.zone.clone());
        let mut slot = self.live.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(before) = slot.as_deref() {
            Arc::make_mut(&mut live.programs).keep_live_of(&before.programs);
        }
        *slot = Some(Arc::new(live));
    }

    /// Loads what the store says is live. Nothing live is no error: there is nothing to do then.
    pub async fn reload(&self) -> Result<(), crate::live::LiveError> {
        match Live::load(&self.store).await {
            Ok(live) => {
                self.set_live(live);
                Ok(())
            }
            Err(crate::live::LiveError::None) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Reads the items of a catalogue anew, where something is live.
    pub async fn reload_items(&self, catalog: &str) -> Result<(), StoreError> {
        let Some(live) = self.live() else { return Ok(()) };
        let mut items = (*live.items).clone();
        items.0.insert(catalog.to_owned(), self.store.items(catalog).await?);
        self.set_live(Live { items: Arc::new(items), ..(*live).clone() });
        Ok(())
    }

    /// The adapters.
    pub fn adapters(&self) -> Arc<Adapters> {
        Arc::clone(&self.adapters.read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Swaps the adapters.
    pub fn set_adapters(&self, adapters: Adapters) {
        *self.adapters.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::new(adapters);
    }

    /// Channels with an adapter.
    pub fn channels(&self) -> Vec<Channel> {
        self.adapters().keys().cloned().collect()
    }

    /// Channels whose provider takes idempotency keys.
    pub fn keyed(&self) -> Vec<Channel> {
        let takes_keys =
            |a: &dyn Adapter| !matches!(a.capabilities().idempotency, channel::Idempotency::None);
        self.adapters().iter().filter(|(_, a)| takes_keys(a.as_ref())).map(|(c, _)| c.clone()).collect()
    }

    pub(crate) fn claim_for(&self, now: Timestamp, live: &Live) -> ClaimFor {
        ClaimFor {
            node: self.node.clone(),
            machine_now: self.leases_now(),
            lease: self.lease(),
            caps_since: crate::verdict::caps_since(&live.release.brand, now),
        }
    }

    /// By which clock leases run.
    pub(crate) fn leases_now(&self) -> Timestamp {
        if planted(Bug::LeaseByBusinessClock) { self.clock.now() } else { self.clock.machine_now() }
    }

    /// One step batch: claims due customers, decides, commits. Says what it did; deliveries that are due at once come back
    /// claimed.
    pub async fn step_batch(&self) -> Result<StepReport, StoreError> {
        match self.decide_batch().await? {
            Some(decided) => self.commit_batch(decided).await,
            None => Ok(StepReport::default()),
        }
    }

    /// The first half: claims, decides and lays out what is to be written. `None`: nobody is due.
    pub async fn decide_batch(&self) -> Result<Option<DecidedBatch>, StoreError> {
        let Some(live) = self.live() else { return Ok(None) };
        let now = self.clock.now();
        let deciding =
            Deciding { caps_since: crate::verdict::caps_since(&live.release.brand, now), events_max: 256 };
        let mut batch = self.store.claim_steps(now, STEP_LIMIT, deciding).await?;
        if batch.work.is_empty() && !batch.more {
            return Ok(None);
        }
        let keyed = self.keyed();
        let context = crate::step::StepContext {
            release: &live.release,
            programs: &live.programs,
            items: live.items.as_ref(),
            ids: &self.ids,
            keyed: &keyed,
        };
        let taken = batch.work.len();
        let (mut work, mut changes) = (Vec::with_capacity(taken), Vec::with_capacity(taken));
        for mut one in std::mem::take(&mut batch.work) {
            if let Some(change) = self.decide(context, &mut one, now).await? {
                work.push(one);
                changes.push(change);
            }
        }
        batch.work = work;
        let (customers, broken, more) = (changes.len(), taken - changes.len(), batch.more);
        let seen = self.observer.is_some().then(|| {
            let ids: Vec<_> = batch.work.iter().map(|work| work.customer.id).collect();
            (ids, changes.clone())
        });
        let claim = Some(self.claim_for(now, &live));
        let prepared = self.store.prepare_steps(batch, changes, now, claim).await?;
        Ok(Some(DecidedBatch { prepared, now, customers, broken, more, seen }))
    }

    /// The second half: writes it.
    pub async fn commit_batch(&self, decided: DecidedBatch) -> Result<StepReport, StoreError> {
        let DecidedBatch { prepared, now, customers, broken, more, seen } = decided;
        let began = self.clock.machine_now();
        let commit = self.store.commit_prepared(prepared).await?;
        if let (Some(observer), Some((ids, changes))) = (&self.observer, seen) {
            for (id, change) in ids.iter().zip(&changes).filter(|(id, _)| !commit.conflicted.contains(id)) {
                observer.stepped(now, *id, change);
            }
        }
        let conflicted = commit.conflicted.len();
        let took = self.clock.machine_now().since(began);
        self.metrics.stepped(customers.saturating_sub(conflicted), took);
        Ok(StepReport { customers, conflicted, broken, more, claimed: commit.claimed })
    }

    /// Decides about one customer; loads the history where facts have to be folded anew. `None`: a mistake of ours ended
    /// the decision. It is left as it was and comes round again; nobody else of the batch notices.
    async fn decide(
        &self,
        context: crate::step::StepContext<'_>,
        work: &mut store::CustomerWork,
        now: Timestamp,
    ) -> Result<Option<store::CustomerChange>, StoreError> {
        let (id, applied) = (work.customer.id, work.applied_seq);
        let events = if crate::step::needs_history(context.release, work) {
            match self.store.history(id, applied).await {
                Ok(events) => Some(events),
                Err(error @ StoreError::Unavailable(_)) => return Err(error),
                Err(error) => {
                    tracing::error!(customer.id = %id, "Customer {id} waits, their events cannot be read: {error}");
                    return Ok(None);
                }
            }
        } else {
            None
        };
        let span = tracing::trace_span!(
            target: words::TRACES, "step", customer.id = %id, release.id = %context.release.id,
            enrollment.ids = tracing::field::Empty, message.ids = tracing::field::Empty,
        );
        let decided = span.in_scope(|| {
            catch_unwind(AssertUnwindSafe(|| crate::step::step(context, work, events.as_deref(), now)))
        });
        if let (Ok(change), false) = (&decided, span.is_disabled()) {
            crate::traces::decided(&span, change);
        }
        if decided.is_err() {
            tracing::error!(
                customer.id = %id,
                "The step of customer {id} broke off; they wait, nothing of theirs is lost. Please report it with the lines \
                 above",
            );
        }
        Ok(decided.ok())
    }
}

/// A batch that only needs to be written. Dropped, its customers are due as before.
#[derive(Debug)]
pub struct DecidedBatch {
    prepared: store::PreparedSteps,
    now: Timestamp,
    customers: usize,
    broken: usize,
    pub(crate) more: bool,
    /// For the observer.
    seen: Option<(Vec<words::CustomerId>, Vec<store::CustomerChange>)>,
}

/// What a step batch did.
#[derive(Debug, Default)]
pub struct StepReport {
    /// Customers stepped.
    pub customers: usize,
    /// Of those, customers that changed meanwhile and stay due.
    pub conflicted: usize,
    /// Customers about whom nothing could be decided: logged, left as they were.
    pub broken: usize,
    /// Whether more was due.
    pub more: bool,
    /// Deliveries planned, due, and claimed for us.
    pub claimed: Vec<store::SendWork>,
}

impl std::fmt::Debug for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Machine").field("node", &self.node).finish_non_exhaustive()
    }
}
