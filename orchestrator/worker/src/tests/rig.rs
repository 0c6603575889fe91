//! A machine with a store in memory, a clock that is set, and a provider that does as it is told.

use crate::fixture::{at, consent, order, project};
use crate::{InProcess, Live, Machine, Observer, Parts, Renderer, Rendering, calls::NoCalls, live};
use channel::{Adapter, Capabilities, Composed, Handing, Idempotency, Outcome, Parcel};
use release::Release;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};
use store::{
    Clock, CustomerChange, DeliveryState, Identity, Incoming, MessageOutcome, SendWork, Settle, Store,
    VirtualClock,
};
use words::{
    Address, AddressState, Channel, Customer, CustomerId, Elapsed, Event, EventKind, IdSource, Timestamp,
    Value, ZoneSource,
};

/// What a provider got.
#[derive(Debug, Clone)]
pub(crate) struct Handed {
    pub(crate) parcel: Parcel,
    pub(crate) bytes: Vec<u8>,
    pub(crate) at: Timestamp,
}

/// What the provider does next.
pub(crate) enum Answer {
    Say(Outcome),
    /// It has it, and never answers.
    Hang,
    /// The adapter has a mistake.
    Break,
    /// It answers once it is let go.
    Later(tokio::sync::oneshot::Receiver<Outcome>),
}

/// A provider that does as it is told; accepts when told nothing.
pub(crate) struct Provider {
    channel: Channel,
    capabilities: Capabilities,
    clock: Arc<dyn Clock>,
    pub(crate) script: Mutex<VecDeque<Answer>>,
    pub(crate) handed: Mutex<Vec<Handed>>,
    /// Addresses whose message cannot be composed: with a reason, or (`None`) by a mistake of the adapter.
    pub(crate) refuses: Mutex<BTreeMap<String, Option<String>>>,
    /// Whoever comes before this finds nobody.
    down_until: Mutex<Timestamp>,
}

impl Provider {
    pub(crate) fn new(channel: Channel, clock: Arc<dyn Clock>) -> Arc<Self> {
        let capabilities = Capabilities {
            parts: Vec::new(),
            idempotency: Idempotency::None,
            query: false,
            concurrency_max: 64,
            bytes_max: 1 << 20,
        };
        let (script, handed, refuses) = (Mutex::default(), Mutex::default(), Mutex::default());
        let down_until = Mutex::default();
        Arc::new(Self { channel, capabilities, clock, script, handed, refuses, down_until })
    }

    pub(crate) fn next(&self, answer: Answer) {
        self.script.lock().unwrap().push_back(answer);
    }

    /// Cannot be reached until then.
    pub(crate) fn down_until(&self, until: Timestamp) {
        *self.down_until.lock().unwrap() = until;
    }

    pub(crate) fn say(&self, outcome: Outcome) {
        self.next(Answer::Say(outcome));
    }

    pub(crate) fn handed(&self) -> Vec<Handed> {
        self.handed.lock().unwrap().clone()
    }
}

impl Adapter for Provider {
    fn channel(&self) -> Channel {
        self.channel.clone()
    }

    fn provider(&self) -> &str {
        "test"
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn compose(&self, parcel: &Parcel) -> Result<Composed, String> {
        match self.refuses.lock().unwrap().get(&parcel.to).cloned() {
            Some(Some(why)) => return Err(why),
            Some(None) => std::panic::panic_any("a mistake of the adapter"),
            None => {}
        }
        let bytes = serde_json::to_vec(&parcel.content).map_err(|e| e.to_string())?;
        Ok(Composed { media: "application/json", bytes })
    }

    fn hand_over<'a>(&'a self, parcel: &'a Parcel, bytes: &'a [u8], _: Duration) -> Handing<'a> {
        let answer = self.script.lock().unwrap().pop_front();
        let down = self.clock.now() < *self.down_until.lock().unwrap();
        let refused = || Answer::Say(Outcome::Unavailable { answer: "connection refused".to_owned() });
        let answer = answer.or_else(|| down.then(refused));
        let handed = Handed { parcel: parcel.clone(), bytes: bytes.to_vec(), at: self.clock.now() };
        self.handed.lock().unwrap().push(handed);
        Box::pin(async move {
            match answer {
                None => accepted(),
                Some(Answer::Say(outcome)) => outcome,
                Some(Answer::Hang) => std::future::pending().await,
                Some(Answer::Break) => std::panic::panic_any("a mistake of the adapter"),
                Some(Answer::Later(outcome)) => outcome.await.unwrap(),
            }
        })
    }
}

pub(crate) fn accepted() -> Outcome {
    Outcome::Accepted { provider_id: None, answer: "250 queued".to_owned() }
}

/// What happens between the verdict and the hand-over, once.
pub(crate) type Meanwhile = Box<dyn FnOnce() -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// A renderer that lets something happen before it answers.
#[derive(Default)]
pub(crate) struct Interrupted {
    pub(crate) meanwhile: Mutex<Option<Meanwhile>>,
    /// Renders for this locale never come back: the process would have ended.
    pub(crate) poison: Mutex<Option<String>>,
}

impl Renderer for Interrupted {
    fn render<'a>(
        &'a self,
        release: &'a Arc<Release>,
        requests: Vec<render::RenderRequest>,
    ) -> Rendering<'a> {
        Box::pin(async move {
            let meanwhile = self.meanwhile.lock().unwrap().take();
            if let Some(meanwhile) = meanwhile {
                meanwhile().await;
            }
            let poison = self.poison.lock().unwrap().clone();
            if requests
                .iter()
                .any(|r| r.locale.as_ref().map(ToString::to_string) == poison && poison.is_some())
            {
                std::future::pending::<()>().await;
            }
            InProcess.render(release, requests).await
        })
    }
}

/// Everything that was closed, in order.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) closed: Mutex<Vec<(SendWork, Settle)>>,
    pub(crate) changes: Mutex<Vec<CustomerChange>>,
}

impl Observer for Ledger {
    fn stepped(&self, _: Timestamp, _: CustomerId, change: &CustomerChange) {
        self.changes.lock().unwrap().push(change.clone());
    }

    fn closed(&self, _: Timestamp, work: &SendWork, settle: &Settle) {
        self.closed.lock().unwrap().push((work.clone(), settle.clone()));
    }
}

pub(crate) struct Rig {
    pub(crate) machine: Arc<Machine>,
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) email: Arc<Provider>,
    pub(crate) renderer: Arc<Interrupted>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) ids: Arc<IdSource>,
}

impl Rig {
    pub(crate) async fn new(now: &str, journeys: &[(&str, &str)]) -> Self {
        let store = Store::memory(vault::Vault::ephemeral(1)).await.unwrap();
        let clock = Arc::new(VirtualClock::at(at(now)));
        Self::on(store, clock, project(journeys)).await
    }

    pub(crate) async fn on(store: Store, clock: Arc<VirtualClock>, release: Release) -> Self {
        Self::by(store, clock.clone(), release, clock).await
    }

    /// With a clock of one's own, whose business time is `clock`.
    pub(crate) async fn by(
        store: Store,
        clock: Arc<VirtualClock>,
        release: Release,
        clocks: Arc<dyn Clock>,
    ) -> Self {
        let ids = Arc::new(IdSource::seeded(11));
        let (renderer, ledger) = (Arc::new(Interrupted::default()), Arc::new(Ledger::default()));
        let email = Provider::new(Channel::EMAIL, clock.clone());
        live::deploy(&store, &release, "test", "", clock.now()).await.unwrap();
        let live = Live::of(&store, release).await.unwrap();
        let machine = Machine::new(Parts {
            store,
            clock: clocks,
            ids: Arc::clone(&ids),
            node: "test".to_owned(),
            base_url: "https://t.example".to_owned(),
            renderer: renderer.clone(),
            caller: Arc::new(NoCalls),
            observer: Some(ledger.clone()),
        });
        machine.set_live(live);
        machine.set_adapters(BTreeMap::from([(Channel::EMAIL, email.clone() as Arc<dyn Adapter>)]));
        while machine.scan().await.unwrap() {}
        Self { machine: Arc::new(machine), clock, email, renderer, ledger, ids }
    }

    /// Adds a provider for a channel.
    pub(crate) fn provider(&self, channel: Channel) -> Arc<Provider> {
        let provider = Provider::new(channel.clone(), self.clock.clone());
        let mut adapters = (*self.machine.adapters()).clone();
        adapters.insert(channel, provider.clone());
        self.machine.set_adapters(adapters);
        provider
    }

    /// A customer in Japan, reached by `name@example.jp`, who agreed to everything.
    pub(crate) async fn customer(&self, name: &str) -> CustomerId {
        self.customer_at(name, &[(Channel::EMAIL, format!("{name}@example.jp"))]).await
    }

    pub(crate) async fn customer_at(&self, name: &str, addresses: &[(Channel, String)]) -> CustomerId {
        let now = self.clock.now();
        let store = &self.machine.store;
        let id = store.get_or_create(&[Identity::user_id(name)], now, &self.ids).await.unwrap().customer;
        let addresses: Vec<Address> = addresses
            .iter()
            .cloned()
            .map(|(channel, value)| Address {
                channel,
                value,
                state: AddressState::Active,
                added_at: now,
                seen_at: None,
            })
            .collect();
        let change = move |customer: &mut Customer| {
            customer.addresses = addresses;
            customer.country = words::Country::parse("JP");
            customer.zone = Some((words::Zone::parse("Asia/Tokyo").unwrap(), ZoneSource::Stated));
            vec![words::ConsentChange { consent: consent(None, None, now) }]
        };
        store.update_customer(id, now, change, Vec::new()).await.unwrap();
        id
    }

    pub(crate) async fn event(
        &self,
        customer: CustomerId,
        name: &str,
        message_id: &str,
        properties: BTreeMap<String, Value>,
    ) {
        let now = self.clock.now();
        let incoming = Incoming {
            customer,
            event: Event {
                id: self.ids.event(now),
                name: name.to_owned(),
                occurred_at: now,
                received_at: now,
                properties,
                kind: EventKind::Live,
            },
            source: "test".to_owned(),
            message_id: Some(message_id.to_owned()),
            listened: true,
            declared: true,
        };
        self.machine.store.ingest(vec![incoming]).await.unwrap();
    }

    pub(crate) async fn order(&self, customer: CustomerId, id: &str) {
        self.event(customer, "order_placed", id, order(id)).await;
    }

    pub(crate) fn clock_now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) async fn settle(&self) {
        self.machine.settle_now().await.unwrap();
    }

    /// Steps without sending: what is planned stays planned.
    pub(crate) async fn plan(&self) {
        let adapters = (*self.machine.adapters()).clone();
        while self.machine.scan().await.unwrap() {}
        loop {
            let report = self.machine.step_batch().await.unwrap();
            for work in &report.claimed {
                // Given back: these tests send by batches.
                let now = self.clock.now();
                let back = crate::settle::untried(work, DeliveryState::Planned, Some(now), String::new());
                self.machine.store.settle(vec![back], self.clock.now()).await.unwrap();
            }
            if report.customers == 0 {
                break;
            }
        }
        self.machine.set_adapters(adapters);
    }

    pub(crate) async fn pass(&self, elapsed: Elapsed) {
        self.machine.run_to(&self.clock, self.clock.now().plus(elapsed)).await.unwrap();
    }

    /// Moves the clock alone.
    pub(crate) fn pass_without_work(&self, elapsed: Elapsed) {
        self.clock.set(self.clock.now().plus(elapsed));
    }

    /// Sends in a task that ends like a process that is killed.
    pub(crate) async fn send_and_crash(&self) {
        let machine = Arc::clone(&self.machine);
        let task = tokio::spawn(async move { machine.send_batch().await });
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(!task.is_finished(), "it was to be under way");
        task.abort();
        let _ = task.await;
    }

    /// As after a restart.
    pub(crate) async fn sweep(&self) -> store::Swept {
        self.machine.store.sweep_at_start(self.clock.now()).await.unwrap()
    }

    /// What became of each message, oldest first.
    pub(crate) async fn outcomes(&self) -> Vec<(String, MessageOutcome)> {
        let filter = store::LogFilter::default();
        let page = self.machine.store.log_search(&filter, None, 1000).await.unwrap();
        let mut rows: Vec<_> = page.rows.into_iter().map(|row| (row.name.clone(), row.outcome)).collect();
        rows.reverse();
        rows
    }

    /// The words of everything that was not sent, as closed at the door.
    pub(crate) fn refusals(&self) -> Vec<(String, DeliveryState, String)> {
        let closed = self.ledger.closed.lock().unwrap();
        closed
            .iter()
            .filter(|(_, settle)| settle.attempt.is_none())
            .map(|(work, settle)| (work.name.clone(), settle.state, settle.why.clone()))
            .collect()
    }
}
