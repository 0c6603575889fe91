//! Running a story.

use super::{
    StoryResult,
    adapter::{Captured, Script},
    expect::{Looked, check, describe},
    happened::{Happening, Onlooker},
};
use crate::{
    InProcess, Live, LiveError, Machine, Parts,
    calls::{CallOutcome, Caller, Calling},
    live,
};
use channel::ReceiptKind;
use journey::story::{Action, Fact, GivenConsent, Receipt, Story};
use release::{Listeners, Release};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use store::{Clock, Identity, Incoming, NewReceipt, Store, StoreError, SuppressionRow, VirtualClock};
use words::{
    Address, AddressState, Basis, Consent, ConsentChange, ConsentState, Customer, CustomerId, Elapsed, Event,
    EventKind, Evidence, IdSource, Timestamp, Value, ZoneSource, internal,
};

/// Why a story could not be run.
#[derive(Debug, thiserror::Error)]
pub enum StoryError {
    /// The store in memory.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The release.
    #[error(transparent)]
    Live(#[from] LiveError),
}

/// How far `nothing more` looks.
const TO_THE_END: Elapsed = Elapsed::from_days(731);

/// How many ids are tried for a customer who is to be in an arm.
const TRIES_MAX: u64 = 100_000;

/// Runs one story against a release.
pub async fn run(release: &Release, story: &Story) -> Result<StoryResult, StoryError> {
    let mut telling = Telling::begin(release, story).await?;
    for line in &story.lines {
        if let Some(at) = line.at {
            telling.machine.run_to(&telling.clock, at).await?;
        }
        telling.act(&line.action, line.span.clone()).await?;
    }
    let (names, zone) = (&telling.names, &story.zone);
    let timeline = telling.onlooker.with(|seen| {
        let mut told: Vec<&Happening> = seen.happenings.iter().collect();
        // A journey plans its message and may be over before the message is out: it reads the other way round.
        told.sort_by_key(|h| (second(h.at), matches!(h.fact, Fact::Finished { .. })));
        told.into_iter().map(|h| describe(h, names, zone)).collect::<Vec<_>>()
    });
    Ok(StoryResult { failures: telling.failures, timeline })
}

fn second(at: Timestamp) -> i64 {
    at.as_micros().div_euclid(1_000_000)
}

/// Answers of calls, as the story says.
#[derive(Default)]
struct Answers(Mutex<BTreeMap<String, Option<BTreeMap<String, Value>>>>);

impl Caller for Answers {
    fn call<'a>(&'a self, _: &'a journey::CallSchema, work: &'a store::CallWork, _: String) -> Calling<'a> {
        let answer = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&work.call).cloned().flatten();
        Box::pin(async move {
            match answer {
                Some(answer) => CallOutcome::Answered(Value::Map(answer).to_plain_json()),
                None => CallOutcome::Failed("the story gives no answer".to_owned()),
            }
        })
    }
}

struct Telling {
    machine: Machine,
    clock: Arc<VirtualClock>,
    onlooker: Arc<Onlooker>,
    script: Arc<Script>,
    answers: Arc<Answers>,
    ids: Arc<IdSource>,
    names: BTreeMap<String, CustomerId>,
    listeners: Arc<Listeners>,
    looked: Looked,
    failures: Vec<super::Failure>,
    nth: u64,
    /// The clocks that the story speaks by.
    zone: words::Zone,
}

impl Telling {
    async fn begin(release: &Release, story: &Story) -> Result<Self, StoryError> {
        let mut release = release.clone();
        let mut project = (*release.project).clone();
        project.programs.retain(|name, _| story.journeys.contains(name));
        release.listeners = Arc::new(Listeners::of(&project));
        release.project = Arc::new(project);
        let mut brand = (*release.brand).clone();
        brand.zone = story.zone.clone();
        release.brand = Arc::new(brand);
        let seed =
            story.name.bytes().fold(7u64, |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)));
        let store = Store::memory(vault::Vault::ephemeral(seed)).await?;
        let clock = Arc::new(VirtualClock::at(story.now));
        let ids = Arc::new(IdSource::seeded(seed));
        let onlooker = Arc::new(Onlooker::default());
        let script = Arc::clone(&onlooker.script);
        let answers = Arc::new(Answers::default());
        let machine = Machine::new(Parts {
            store,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            ids: Arc::clone(&ids),
            node: "story".to_owned(),
            base_url: "https://tabi.invalid".to_owned(),
            renderer: Arc::new(InProcess),
            caller: Arc::clone(&answers) as Arc<dyn Caller>,
            observer: Some(Arc::clone(&onlooker) as Arc<dyn crate::Observer>),
        });
        let channels = release.templates.catalog().messages.into_values().flat_map(|entry| entry.channels);
        let adapters = channels
            .map(|channel| {
                let adapter: Arc<dyn channel::Adapter> =
                    Arc::new(Captured::new(channel.clone(), Arc::clone(&script)));
                (channel, adapter)
            })
            .collect();
        machine.set_adapters(adapters);
        let listeners = Arc::clone(&release.listeners);
        let mut telling = Self {
            machine,
            clock,
            onlooker,
            script,
            answers,
            ids,
            names: BTreeMap::new(),
            listeners,
            looked: Looked::default(),
            failures: Vec::new(),
            nth: 0,
            zone: story.zone.clone(),
        };
        for (name, given) in &story.customers {
            let ids = in_arms(&release, name, given, given.created_at.unwrap_or(story.now));
            telling.customer(name, given, &ids).await?;
        }
        // After the customers: those who were there before the journeys did not join their segments now.
        live::deploy(&telling.machine.store, &release, "story", "", story.now).await?;
        let live = Live::of(&telling.machine.store, release).await?;
        telling.machine.set_live(live);
        telling.machine.settle_now().await?;
        Ok(telling)
    }

    async fn customer(
        &mut self,
        name: &str,
        given: &journey::story::Given,
        ids: &IdSource,
    ) -> Result<(), StoreError> {
        let created_at = given.created_at.unwrap_or(self.clock.now());
        let key = Identity::user_id(name);
        let resolved = self.machine.store.get_or_create(&[key], created_at, ids).await?;
        self.names.insert(name.to_owned(), resolved.customer);
        let (given, user_id) = (given.clone(), name.to_owned());
        let change = move |customer: &mut Customer| {
            customer.user_id = Some(user_id);
            customer.traits.extend(given.traits);
            customer.zone = given.zone.map(|zone| (zone, ZoneSource::Stated));
            customer.locale = given.locale;
            customer.country = given.country;
            customer.account = given.account;
            customer.addresses = given
                .addresses
                .into_iter()
                .map(|(channel, value)| Address {
                    channel,
                    value,
                    state: AddressState::Active,
                    added_at: created_at,
                    seen_at: None,
                })
                .collect();
            given.consents.iter().map(|consent| consent_change(consent, created_at)).collect()
        };
        self.machine.store.update_customer(resolved.customer, created_at, change, Vec::new()).await?;
        Ok(())
    }

    async fn act(&mut self, action: &Action, span: std::ops::Range<usize>) -> Result<(), StoryError> {
        let now = self.clock.now();
        match action {
            Action::Event { customer, event, properties, occurred_at, id, history } => {
                let kind = if *history { EventKind::History } else { EventKind::Live };
                let occurred_at = occurred_at.unwrap_or(now);
                self.event(customer, event, properties.clone(), occurred_at, id.clone(), kind).await?;
            }
            Action::Advance(elapsed) => {
                self.machine.run_to(&self.clock, now.plus(*elapsed)).await?;
            }
            Action::AdvanceTo => {}
            Action::Receipt { customer, receipt, message, channel, detail } => {
                self.receipt(customer, *receipt, message.as_deref(), channel.as_ref(), detail.as_deref())
                    .await?;
            }
            Action::Outcome { message, channel, outcome, times } => {
                self.script.add((message.clone(), channel.clone(), *outcome, *times));
            }
            Action::Answer { call, answer } => {
                let mut answers = self.answers.0.lock().unwrap_or_else(PoisonError::into_inner);
                answers.insert(call.clone(), answer.clone());
            }
            Action::Traits { customer, values } => {
                let values = values.clone();
                let change = move |customer: &mut Customer| {
                    for (name, value) in values {
                        match value {
                            Value::Null => customer.traits.remove(&name),
                            value => customer.traits.insert(name, value),
                        };
                    }
                    Vec::new()
                };
                self.update(customer, change).await?;
            }
            Action::Consent { customer, consent } => {
                let consent = consent_change(consent, now);
                self.update(customer, move |_| vec![consent]).await?;
            }
            Action::Start { customer, journey, inputs } => {
                let properties = BTreeMap::from([
                    ("journey".to_owned(), Value::Text(journey.clone())),
                    ("inputs".to_owned(), Value::Map(inputs.clone())),
                ]);
                self.event(customer, internal::JOURNEY_REQUESTED, properties, now, None, EventKind::Live)
                    .await?;
            }
            Action::Item { catalog, id, fields } => self.item(catalog, id, fields.clone()).await?,
            Action::Expect { outcomes, to_the_end } => {
                if *to_the_end {
                    self.machine.run_to(&self.clock, now.plus(TO_THE_END)).await?;
                }
                self.expect(outcomes, span);
                return Ok(());
            }
        }
        self.settle().await
    }

    /// Lets happen what is due now, and what is asked about again within the second.
    async fn settle(&self) -> Result<(), StoryError> {
        let until = self.clock.now().plus(Elapsed::from_secs(1));
        loop {
            self.machine.settle_now().await?;
            let channels = self.machine.channels();
            let store = &self.machine.store;
            let next = [store.next_step_due(), store.next_send_due(&channels)].into_iter().flatten().min();
            match next {
                Some(next) if next <= until => {
                    self.clock.set(next.max(self.clock.now().plus(Elapsed::from_millis(1))));
                }
                _ => return Ok(()),
            }
        }
    }

    fn expect(&mut self, outcomes: &[journey::story::Expected], span: std::ops::Range<usize>) {
        let live = self.machine.live();
        let steps = |journey: &str, pc: u32| {
            let (_, program) = live.as_ref()?.programs.live(journey)?;
            Some(program.nodes.get(pc as usize)?.step.clone())
        };
        let (looked, now) = (&mut self.looked, self.clock.now());
        let told = super::expect::Told { names: &self.names, zone: &self.zone, steps: &steps };
        let failures = self.onlooker.with(|seen| check(outcomes, span, seen, &told, looked, now));
        self.failures.extend(failures);
    }

    async fn update(
        &self,
        customer: &str,
        change: impl FnOnce(&mut Customer) -> Vec<ConsentChange> + Send + 'static,
    ) -> Result<(), StoreError> {
        let Some(id) = self.names.get(customer) else { return Ok(()) };
        self.machine.store.update_customer(*id, self.clock.now(), change, Vec::new()).await?;
        Ok(())
    }

    async fn event(
        &mut self,
        customer: &str,
        name: &str,
        properties: BTreeMap<String, Value>,
        occurred_at: Timestamp,
        id: Option<String>,
        kind: EventKind,
    ) -> Result<(), StoreError> {
        let Some(customer) = self.names.get(customer).copied() else { return Ok(()) };
        let now = self.clock.now();
        self.nth += 1;
        let incoming = Incoming {
            customer,
            event: Event {
                id: self.ids.event(now),
                name: name.to_owned(),
                occurred_at,
                received_at: now,
                properties,
                kind,
            },
            source: "story".to_owned(),
            message_id: Some(id.unwrap_or_else(|| format!("#{}", self.nth))),
            listened: true,
            declared: true,
        };
        self.machine.store.ingest(vec![incoming]).await?;
        let _ = &self.listeners;
        Ok(())
    }

    async fn receipt(
        &mut self,
        customer: &str,
        receipt: Receipt,
        message: Option<&str>,
        channel: Option<&words::Channel>,
        detail: Option<&str>,
    ) -> Result<(), StoreError> {
        let Some(id) = self.names.get(customer).copied() else { return Ok(()) };
        let work = self.onlooker.with(|seen| {
            let fits = |work: &store::SendWork| {
                work.customer.id == id
                    && message.is_none_or(|m| work.name == m)
                    && channel.is_none_or(|c| work.channel == *c)
            };
            seen.sent.iter().rev().map(|sent| &sent.work).find(|work| fits(work)).cloned()
        });
        let Some(work) = work else { return Ok(()) };
        let now = self.clock.now();
        let kind = match receipt {
            Receipt::Delivered => ReceiptKind::Delivered,
            Receipt::Opened => ReceiptKind::Opened,
            Receipt::Clicked => ReceiptKind::Clicked,
            Receipt::Replied => ReceiptKind::Replied,
            Receipt::Bounced => ReceiptKind::Bounced,
            Receipt::Complained => ReceiptKind::Complained,
            Receipt::Unsubscribed => ReceiptKind::Unsubscribed,
        };
        let mut told =
            crate::receipt_event(&work, &format!("message_{}", kind.as_str()), now, self.ids.event(now));
        if let Some(detail) = detail {
            let name = if receipt == Receipt::Clicked { "link" } else { "text" };
            told.event.properties.insert(name.to_owned(), Value::Text(detail.to_owned()));
        }
        let reason = match receipt {
            Receipt::Bounced => Some("bounce"),
            Receipt::Complained => Some("complaint"),
            _ => None,
        };
        let suppress = reason.map(|reason| SuppressionRow {
            channel: work.channel.clone(),
            reason: reason.to_owned(),
            at: now,
            expires_at: None,
            source: "receipt".to_owned(),
        });
        let new = NewReceipt {
            customer: id,
            message: work.message,
            delivery: work.delivery,
            kind: kind.as_str().to_owned(),
            at: now,
            detail: detail.unwrap_or_default().to_owned(),
            events: vec![told],
            suppress,
            audit: Vec::new(),
        };
        self.machine.store.receipts(vec![new], now).await?;
        if receipt == Receipt::Unsubscribed {
            let purpose = work.purpose.clone();
            let revoke = GivenConsent { purpose: Some(purpose), channel: Some(work.channel), granted: false };
            let change = consent_change(&revoke, now);
            self.update(customer, move |_| vec![change]).await?;
        }
        Ok(())
    }

    async fn item(
        &mut self,
        catalog: &str,
        id: &str,
        fields: Option<BTreeMap<String, Value>>,
    ) -> Result<(), StoryError> {
        let now = self.clock.now();
        let Some(fields) = fields else { return Ok(()) };
        let before =
            self.machine.store.put_items(catalog, vec![(id.to_owned(), fields.clone())], now).await?;
        let live = self.machine.live();
        if let Some(live) = live {
            let release = (*live.release).clone();
            self.machine.set_live(Live::of(&self.machine.store, release).await?);
        }
        let mut item = fields;
        item.entry("id".to_owned()).or_insert_with(|| Value::Text(id.to_owned()));
        let mut properties = BTreeMap::from([
            ("catalog".to_owned(), Value::Text(catalog.to_owned())),
            ("item".to_owned(), Value::Map(item)),
        ]);
        if let Some(Some(before)) = before.into_iter().next() {
            properties.insert("before".to_owned(), Value::Map(before));
        }
        let names: Vec<String> = self.names.keys().cloned().collect();
        for name in names {
            self.event(&name, internal::ITEM_CHANGED, properties.clone(), now, None, EventKind::Live).await?;
        }
        Ok(())
    }
}

/// Ids of which the first puts this customer into the arms the story wants, and into no holdout besides: which arm
/// somebody is in follows from their id alone.
fn in_arms(release: &Release, name: &str, given: &journey::story::Given, created_at: Timestamp) -> IdSource {
    let seed = name.bytes().fold(11u64, |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let nodes = release.project.programs.values().flat_map(|program| &program.nodes);
    let experiments: Vec<_> = nodes
        .filter_map(|node| match &node.op {
            journey::Op::Experiment { name, arms } => Some((name, arms)),
            _ => None,
        })
        .collect();
    let fits = |id: CustomerId| {
        experiments.iter().all(|(experiment, arms)| {
            let shares = arms.iter().map(|(arm, share, _)| (arm.as_str(), *share));
            let arm = engine::arm_of(experiment, shares, id).map(|index| arms[index].0.as_str());
            match given.arms.get(*experiment) {
                Some(wanted) => arm == Some(wanted),
                None => arm != Some(engine::HOLDOUT),
            }
        })
    };
    // An arm of one per cent is found within a few hundred tries.
    let found = (0..TRIES_MAX)
        .map(|nth| seed.wrapping_add(nth))
        .find(|seed| fits(IdSource::seeded(*seed).customer(created_at)));
    IdSource::seeded(found.unwrap_or(seed))
}

fn consent_change(given: &GivenConsent, at: Timestamp) -> ConsentChange {
    let state = if given.granted { ConsentState::Granted } else { ConsentState::Revoked };
    ConsentChange {
        consent: Consent {
            purpose: given.purpose.clone(),
            channel: given.channel.clone(),
            state,
            basis: Basis::ExpressWritten,
            at,
            expires_at: None,
            evidence: Evidence { method: "story".to_owned(), ..Evidence::default() },
        },
    }
}
