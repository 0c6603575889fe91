//! Unsubscribe against send, in real time: threads, real databases, no script.
//!
//! A customer takes their consent back while a message to them is on its way. Once the refusal is committed and
//! acknowledged, no hand-over may begin: what stands in the ledger as handed over at that moment may go out, nothing else.
//! The refusal comes at a moment drawn from a window that grows while the refusals win and shrinks while the hand-overs do,
//! so that either side wins often, whatever the machine.

use crate::chance::Chance;
use crate::plan::{Journey, Start, Step};
use crate::project;
use crate::world::locked;
use anyhow::{Context as _, bail};
use channel::{Adapter, Capabilities, Composed, Handing, Idempotency, Outcome, Parcel};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use store::{Clock as _, DeliveryState, Identity, Incoming, Options, Store, StoreError, VirtualClock};
use words::{
    Address, AddressState, Basis, Channel, Consent, ConsentChange, ConsentState, CustomerId, Event,
    EventKind, Evidence, IdSource, MessageId, Money, Timestamp, Value, ZoneSource,
};
use worker::{InProcess, Live, Machine, Parts, calls::NoCalls, live};

/// Customers who race together.
const TOGETHER: usize = 50;

/// Where the races are run.
#[derive(Debug, Clone)]
pub enum Place {
    /// A file of its own.
    Sqlite,
    /// Two nodes on this server, in a schema of its own.
    Postgres(String),
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Raced {
    /// Races.
    pub races: usize,
    /// The hand-over was in the ledger before the refusal was acknowledged.
    pub handed_first: usize,
    /// The refusal was there first, and nothing went out.
    pub refused_first: usize,
    /// A hand-over began after the refusal was acknowledged, or nobody can say what became of the message.
    pub breaches: Vec<String>,
}

/// Runs so many races, and more until each side has won `each` of them, ten times as many at most.
///
/// # Errors
/// Where the database cannot be used, or the product fails.
pub async fn races(count: usize, each: usize, seed: u64, place: &Place) -> anyhow::Result<Raced> {
    let mut ring = Ring::open(seed, place).await?;
    let mut raced = Raced::default();
    let fair = |raced: &Raced| raced.handed_first >= each && raced.refused_first >= each;
    while raced.races < count || (!fair(&raced) && raced.breaches.is_empty() && raced.races < count * 10) {
        ring.round(TOGETHER, &mut raced).await?;
    }
    ring.close().await;
    Ok(raced)
}

/// The database, its nodes, and what the provider saw.
struct Ring {
    stores: Vec<Store>,
    machines: Vec<Arc<Machine>>,
    clock: Arc<VirtualClock>,
    seen: Arc<Seen>,
    ids: Arc<IdSource>,
    chance: Chance,
    /// Refusals come within this time of their orders.
    window: Duration,
    nth: usize,
    folder: Option<PathBuf>,
}

/// What the provider was shown, and what it got, by address.
#[derive(Default)]
struct Seen {
    composed: Mutex<BTreeMap<String, MessageId>>,
    handed: Mutex<BTreeSet<String>>,
}

struct Provider {
    capabilities: Capabilities,
    seen: Arc<Seen>,
}

impl Adapter for Provider {
    fn channel(&self) -> Channel {
        Channel::EMAIL
    }

    fn provider(&self) -> &str {
        "races"
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn compose(&self, parcel: &Parcel) -> Result<Composed, String> {
        locked(&self.seen.composed).insert(parcel.to.clone(), parcel.message);
        Ok(Composed { media: "text/plain", bytes: parcel.delivery.0.to_vec() })
    }

    fn hand_over<'a>(&'a self, parcel: &'a Parcel, _: &'a [u8], _: Duration) -> Handing<'a> {
        locked(&self.seen.handed).insert(parcel.to.clone());
        Box::pin(async { Outcome::Accepted { provider_id: None, answer: "taken".to_owned() } })
    }
}

impl Ring {
    async fn open(seed: u64, place: &Place) -> anyhow::Result<Self> {
        let mut folder = None;
        let options = match place {
            Place::Sqlite => {
                let made = std::env::temp_dir().join(format!("tabi-races-{}-{seed}", std::process::id()));
                std::fs::create_dir_all(&made)?;
                let options = Options::file(made.join("tabi.db"));
                folder = Some(made);
                vec![options]
            }
            Place::Postgres(url) => {
                let schema = format!("races_{}_{seed}", std::process::id());
                vec![Options::server_in(url, &schema)?, Options::server_in(url, &schema)?]
            }
        };
        let journey = Journey {
            name: "race".to_owned(),
            purpose: "offers",
            first_of: vec!["email"],
            start: Start::Order { least: 0 },
            stops: false,
            steps: vec![Step::Send { name: "one".to_owned(), message: "hello", expires_h: 0, priority: 0 }],
        };
        let release = project::release(&[journey], 1)?;
        let (seen, ids) = (Arc::<Seen>::default(), Arc::new(IdSource::seeded(seed)));
        // Noon in Tokyo: no quiet hours.
        let clock = Arc::new(VirtualClock::at(Timestamp::from_secs(1_775_012_400)));
        clock.run();
        let (mut stores, mut machines) = (Vec::new(), Vec::new());
        for (nth, options) in options.into_iter().enumerate() {
            let store = Store::open(options, vault::Vault::ephemeral(seed)).await?;
            if nth == 0 {
                live::deploy(&store, &release, "races", "", clock.now()).await?;
            }
            let machine = Machine::new(Parts {
                store: store.clone(),
                clock: Arc::clone(&clock) as Arc<dyn store::Clock>,
                ids: Arc::new(IdSource::seeded(seed ^ ((nth as u64 + 1) << 32))),
                node: format!("node{nth}"),
                base_url: "https://t.example".to_owned(),
                renderer: Arc::new(InProcess),
                caller: Arc::new(NoCalls),
                observer: None,
            });
            machine.set_live(Live::of(&store, release.clone()).await?);
            let capabilities = Capabilities {
                parts: Vec::new(),
                idempotency: Idempotency::None,
                query: false,
                concurrency_max: 64,
                bytes_max: 1 << 20,
            };
            let provider = Provider { capabilities, seen: Arc::clone(&seen) };
            machine.set_adapters(BTreeMap::from([(Channel::EMAIL, Arc::new(provider) as Arc<dyn Adapter>)]));
            stores.push(store);
            machines.push(Arc::new(machine));
        }
        let chance = Chance::new(seed ^ 0x7ace);
        Ok(Self {
            stores,
            machines,
            clock,
            seen,
            ids,
            chance,
            window: Duration::from_millis(50),
            nth: 0,
            folder,
        })
    }

    fn store(&self, nth: usize) -> anyhow::Result<&Store> {
        self.stores.get(nth % self.stores.len()).context("no node")
    }

    /// Some customers at once: each of them orders, and takes their word back while the message is on its way.
    async fn round(&mut self, some: usize, raced: &mut Raced) -> anyhow::Result<()> {
        let names = (self.nth..self.nth + some).map(|nth| format!("racer{nth}@example.jp"));
        self.nth += some;
        let made = names.map(|address| self.customer(address));
        let racers = futures::future::try_join_all(made).await?;
        // Whoever is new is looked at first, so that the race is one of messages alone.
        work(&self.machines).await?;
        let now = self.clock.now();
        let orders = racers.iter().map(|(customer, address)| order(&self.ids, now, *customer, address));
        self.store(0)?.ingest(orders.collect::<anyhow::Result<_>>()?).await?;

        let began = Instant::now();
        let micros = u64::try_from(self.window.as_micros()).unwrap_or(u64::MAX);
        let mut refusing = Vec::with_capacity(some);
        for (nth, (customer, address)) in racers.iter().cloned().enumerate() {
            let after = Duration::from_micros(self.chance.below(micros));
            let (store, seen) = (self.store(nth)?.clone(), Arc::clone(&self.seen));
            let clock = Arc::clone(&self.clock);
            refusing.push(tokio::spawn(async move {
                tokio::time::sleep_until((began + after).into()).await;
                refuse(&store, &clock, customer).await?;
                // What the ledger says once the word is acknowledged.
                let message = locked(&seen.composed).get(&address).copied();
                let begun = match message {
                    Some(message) => begun(&store, message).await?,
                    None => false,
                };
                anyhow::Ok((customer, address, begun))
            }));
        }
        work(&self.machines).await?;
        let mut known = Vec::with_capacity(some);
        for refusal in refusing {
            known.push(refusal.await??);
        }
        // What was refused is closed, what was given back is judged again.
        work(&self.machines).await?;
        let handed_before = raced.handed_first;
        for (customer, address, begun) in known {
            raced.races += 1;
            let handed = locked(&self.seen.handed).contains(&address);
            match (begun, handed) {
                (true, true) => raced.handed_first += 1,
                (false, false) => raced.refused_first += 1,
                (false, true) => raced.breaches.push(format!(
                    "race {}: handed over to {customer} although the refusal was acknowledged before",
                    raced.races
                )),
                (true, false) => raced.breaches.push(format!(
                    "race {}: the ledger has a hand-over to {customer} that the provider never saw",
                    raced.races
                )),
            }
        }
        let won = raced.handed_first - handed_before;
        if won < some / 4 {
            self.window = (self.window * 2).min(Duration::from_secs(20));
        } else if won > some * 3 / 4 {
            self.window = (self.window / 2).max(Duration::from_millis(1));
        }
        Ok(())
    }

    async fn customer(&self, address: String) -> anyhow::Result<(CustomerId, String)> {
        let (store, now) = (self.store(0)?, self.clock.now());
        let id = store.get_or_create(&[Identity::user_id(&address)], now, &self.ids).await?.customer;
        let value = address.clone();
        store
            .update_customer(
                id,
                now,
                move |customer| {
                    customer.addresses = vec![Address {
                        channel: Channel::EMAIL,
                        value,
                        state: AddressState::Active,
                        added_at: now,
                        seen_at: None,
                    }];
                    customer.country = words::Country::parse("JP");
                    customer.zone =
                        words::Zone::parse("Asia/Tokyo").ok().map(|zone| (zone, ZoneSource::Stated));
                    vec![word(ConsentState::Granted, now)]
                },
                Vec::new(),
            )
            .await?;
        Ok((id, address))
    }

    async fn close(self) {
        for store in &self.stores {
            store.close().await;
        }
        if let Some(folder) = self.folder {
            // Nothing there is of use to anybody.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// All nodes, until there is nothing left to do for any of them.
async fn work(machines: &[Arc<Machine>]) -> anyhow::Result<()> {
    // A node that shares a database hears of the others ten times a second.
    let pause_ms = if machines.len() > 1 { 120 } else { 1 };
    let mut working = Vec::new();
    for machine in machines {
        let machine = Arc::clone(machine);
        working.push(tokio::spawn(async move {
            let (mut idle, end) = (0, Instant::now() + Duration::from_secs(60));
            // Where others work, too, what one finds nothing of may be given back by another in a moment.
            while idle < 3 {
                if Instant::now() > end {
                    bail!("a node finds no end of its work");
                }
                match turn(&machine).await {
                    Ok(0) => idle += 1,
                    // A deadlock that the server resolved: the drainers of the product try again, too.
                    Ok(_) | Err(StoreError::Unavailable(_)) => idle = 0,
                    Err(error) => return Err(error.into()),
                }
                if idle > 0 {
                    tokio::time::sleep(Duration::from_millis(pause_ms)).await;
                }
            }
            Ok(())
        }));
    }
    for one in working {
        one.await.context("a node broke off")??;
    }
    Ok(())
}

/// One round of a node; how much it did.
async fn turn(machine: &Machine) -> Result<usize, StoreError> {
    while machine.scan().await? {}
    let report = machine.step_batch().await?;
    let sent = machine.send(report.claimed).await?.claimed;
    Ok(report.customers + sent + machine.send_batch().await?.claimed)
}

async fn refuse(store: &Store, clock: &VirtualClock, customer: CustomerId) -> anyhow::Result<()> {
    let mut tries = 0;
    loop {
        let now = clock.now();
        let change = move |_: &mut words::Customer| vec![word(ConsentState::Revoked, now)];
        match store.update_customer(customer, now, change, Vec::new()).await {
            Ok(_) => return Ok(()),
            // A deadlock that the server resolved: whoever asks is told to ask again.
            Err(StoreError::Unavailable(_)) if tries < 5 => tries += 1,
            Err(error) => return Err(error.into()),
        }
    }
}

/// Whether a hand-over of this message stands in the ledger.
async fn begun(store: &Store, message: MessageId) -> anyhow::Result<bool> {
    let entry = store.log_entry(message).await?.context("a message that nobody planned")?;
    let before = |state| matches!(state, DeliveryState::Planned | DeliveryState::Claimed);
    let never = |state| {
        matches!(state, DeliveryState::Suppressed | DeliveryState::Cancelled | DeliveryState::Expired)
    };
    Ok(entry.deliveries.iter().any(|delivery| !before(delivery.state) && !never(delivery.state)))
}

fn word(state: ConsentState, at: Timestamp) -> ConsentChange {
    ConsentChange {
        consent: Consent {
            purpose: None,
            channel: Some(Channel::EMAIL),
            state,
            basis: Basis::ExpressWritten,
            at,
            expires_at: None,
            evidence: Evidence { method: "races".to_owned(), ..Evidence::default() },
        },
    }
}

fn order(ids: &IdSource, now: Timestamp, customer: CustomerId, address: &str) -> anyhow::Result<Incoming> {
    Ok(Incoming {
        customer,
        event: Event {
            id: ids.event(now),
            name: "order_placed".to_owned(),
            occurred_at: now,
            received_at: now,
            properties: BTreeMap::from([
                ("order_id".to_owned(), Value::Text(address.to_owned())),
                ("total".to_owned(), Value::Money(Money::parse("5000 JPY")?)),
            ]),
            kind: EventKind::Live,
        },
        source: "races".to_owned(),
        message_id: Some(address.to_owned()),
        listened: true,
        declared: true,
    })
}
