//! Playing eighteen months of real purchases through the project's journeys, on the virtual clock.

use super::{
    cdnow::{self, LAST_DAY},
    future::{Future, Happening, ReceiptKind},
    people,
    summary::Onlooker,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use store::{
    Clock, CustomerUpdate, Identity, Incoming, NewReceipt, StoreError, SuppressionRow, VirtualClock,
};
use words::{
    Basis, Consent, ConsentChange, ConsentState, Currency, CustomerId, Elapsed, Event, EventKind, Evidence,
    Money, Timestamp, Value,
};
use worker::Machine;

/// Everything synthetic follows from it.
pub(crate) const SEED: u64 = 0x7ab1;

/// The demo's today: the data ends the day before.
const TODAY: &str = "2026-11-01T00:00:00Z";

/// The instant at which the demo's today begins.
pub(crate) fn today() -> Timestamp {
    Timestamp::parse(TODAY).unwrap_or_default()
}

/// The first instant of the moved data.
pub(crate) fn first_day() -> Timestamp {
    today().minus(Elapsed::from_days(i64::from(LAST_DAY) + 1))
}

/// Plays until [`TODAY`], with the first `customers` of the data where so many are asked for; `progress` hears of every
/// business day.
pub(crate) async fn play(
    machine: &Machine,
    clock: &VirtualClock,
    onlooker: &Arc<Onlooker>,
    customers: Option<usize>,
    progress: &dyn Fn(Timestamp),
) -> Result<(), StoreError> {
    let today = today();
    let mut player = Player::new(machine);
    player.future.purchases(SEED, &purchases(customers), first_day());
    let mut day = 0;
    loop {
        let channels = machine.channels();
        let due = [machine.store.next_step_due(), machine.store.next_send_due(&channels)]
            .into_iter()
            .flatten()
            .min();
        let next = [player.future.next_at(), due].into_iter().flatten().min();
        let Some(next) = next.filter(|next| *next < today) else { break };
        // What is due and cannot be done now must not hold the clock.
        clock.set(next.max(clock.now()));
        let now = clock.now();
        let news = player.future.take(now);
        let idle = news.is_empty();
        player.tell(news, now).await?;
        let done = machine.settle_now().await?;
        for (at, work) in onlooker.take_accepted() {
            player.future.receipts(SEED, &work, at);
        }
        if idle && done == worker::RunReport::default() {
            clock.set(now.plus(Elapsed::from_secs(1)));
        }
        if now.as_micros() / 86_400_000_000 != day {
            day = now.as_micros() / 86_400_000_000;
            progress(now);
            machine.store.put_business_clock(now).await?;
        }
    }
    clock.set(today);
    machine.settle_now().await?;
    machine.store.put_business_clock(today).await?;
    onlooker.flush();
    Ok(())
}

fn purchases(customers: Option<usize>) -> Vec<cdnow::Purchase> {
    let mut all = cdnow::purchases();
    if let Some(customers) = customers {
        let known: BTreeSet<u32> = all.iter().map(|purchase| purchase.customer).collect();
        let first: BTreeSet<u32> = known.into_iter().take(customers).collect();
        all.retain(|purchase| first.contains(&purchase.customer));
    }
    all
}

struct Player<'a> {
    machine: &'a Machine,
    future: Future,
    customers: BTreeMap<u32, CustomerId>,
    purposes: Vec<String>,
    declared: BTreeSet<String>,
}

impl<'a> Player<'a> {
    fn new(machine: &'a Machine) -> Self {
        let live = machine.live();
        let schema = live.as_ref().map(|live| live.release.project.schema.clone()).unwrap_or_default();
        // Purposes of advertising and service ask for consent at sign-up.
        let asks = |class| matches!(class, words::MessageClass::Marketing | words::MessageClass::Service);
        Self {
            machine,
            future: Future::default(),
            customers: BTreeMap::new(),
            purposes: schema
                .purposes
                .iter()
                .filter(|(_, p)| asks(p.class))
                .map(|(name, _)| name.clone())
                .collect(),
            declared: schema.events.into_keys().collect(),
        }
    }

    async fn tell(&mut self, news: Vec<(Timestamp, Happening)>, now: Timestamp) -> Result<(), StoreError> {
        let mut events = Vec::new();
        let mut receipts = Vec::new();
        self.sign_up(&news, now).await?;
        for (at, what) in news {
            match what {
                Happening::SignUp { customer } => {
                    events.extend(self.event(customer, "signed_up", BTreeMap::new(), at, 0));
                }
                Happening::Order { customer, nth, cents, cds } => {
                    let total = Money::new(i64::from(cents), Currency::USD);
                    let properties = BTreeMap::from([
                        ("order_id".to_owned(), Value::Text(order_id(customer, nth))),
                        ("total".to_owned(), Value::Money(total)),
                        ("cds".to_owned(), Value::Int(i64::from(cds))),
                    ]);
                    events.extend(self.event(customer, "order_placed", properties, at, nth));
                }
                Happening::Delivered { customer, nth } => {
                    let properties =
                        BTreeMap::from([("order_id".to_owned(), Value::Text(order_id(customer, nth)))]);
                    events.extend(self.event(customer, "order_delivered", properties, at, nth));
                }
                Happening::Review { customer, nth } => {
                    let properties =
                        BTreeMap::from([("order_id".to_owned(), Value::Text(order_id(customer, nth)))]);
                    events.extend(self.event(customer, "review_written", properties, at, nth));
                }
                Happening::Receipt { index, kind } => receipts.push((index, kind, at)),
            }
        }
        if !events.is_empty() {
            self.machine.store.ingest(events).await?;
        }
        self.receipts(receipts, now).await
    }

    async fn sign_up(&mut self, news: &[(Timestamp, Happening)], now: Timestamp) -> Result<(), StoreError> {
        let new: Vec<u32> = news
            .iter()
            .filter_map(|(_, what)| match what {
                Happening::SignUp { customer } => Some(*customer),
                _ => None,
            })
            .collect();
        if new.is_empty() {
            return Ok(());
        }
        let keys: Vec<Vec<Identity>> =
            new.iter().map(|number| vec![Identity::user_id(format!("c{number:05}"))]).collect();
        let resolved = self.machine.store.get_or_create_many(&keys, now, &self.machine.ids).await?;
        let mut updates = Vec::new();
        for (number, resolved) in new.into_iter().zip(resolved) {
            self.customers.insert(number, resolved.customer);
            let purposes = self.purposes.clone();
            updates.push(CustomerUpdate {
                customer: resolved.customer,
                change: Box::new(move |customer| {
                    let person =
                        people::person(SEED, number, now, &purposes, words::Customer::new(customer.id, now));
                    *customer = person.customer;
                    person.consents
                }),
                announce: None,
                audit: Vec::new(),
            });
        }
        for updated in self.machine.store.update_customers(updates, now).await? {
            updated?;
        }
        Ok(())
    }

    fn event(
        &self,
        customer: u32,
        name: &str,
        properties: BTreeMap<String, Value>,
        at: Timestamp,
        nth: u32,
    ) -> Option<Incoming> {
        if !self.declared.contains(name) {
            return None;
        }
        Some(Incoming {
            customer: *self.customers.get(&customer)?,
            event: Event {
                id: self.machine.ids.event(at),
                name: name.to_owned(),
                occurred_at: at,
                received_at: at,
                properties,
                kind: EventKind::Live,
            },
            source: "demo".to_owned(),
            message_id: Some(format!("{name}/{customer}/{nth}")),
            listened: true,
            declared: true,
        })
    }

    async fn receipts(
        &mut self,
        list: Vec<(usize, ReceiptKind, Timestamp)>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut new = Vec::new();
        let mut unsubscribed = Vec::new();
        for (index, kind, at) in list {
            let work = &self.future.sent[index];
            let name = format!("message_{}", kind.as_str());
            let reason = match kind {
                ReceiptKind::Bounced => Some("bounce"),
                ReceiptKind::Complained => Some("complaint"),
                _ => None,
            };
            new.push(NewReceipt {
                customer: work.customer.id,
                message: work.message,
                delivery: work.delivery,
                kind: kind.as_str().to_owned(),
                at,
                detail: "synthetic".to_owned(),
                events: vec![worker::receipt_event(work, &name, at, self.machine.ids.event(at))],
                suppress: reason.map(|reason| SuppressionRow {
                    channel: work.channel.clone(),
                    reason: reason.to_owned(),
                    at,
                    expires_at: None,
                    source: "synthetic receipt".to_owned(),
                }),
                audit: Vec::new(),
            });
            if kind == ReceiptKind::Unsubscribed {
                unsubscribed.push((work.customer.id, work.purpose.clone(), work.channel.clone()));
            }
        }
        if !new.is_empty() {
            self.machine.store.receipts(new, now).await?;
        }
        let updates: Vec<CustomerUpdate> = unsubscribed
            .into_iter()
            .map(|(customer, purpose, channel)| CustomerUpdate {
                customer,
                change: Box::new(move |_| {
                    vec![ConsentChange {
                        consent: Consent {
                            purpose: Some(purpose),
                            channel: Some(channel),
                            state: ConsentState::Revoked,
                            basis: Basis::Express,
                            at: now,
                            expires_at: None,
                            evidence: Evidence { method: "one_click".to_owned(), ..Evidence::default() },
                        },
                    }]
                }),
                announce: Some(EventKind::Live),
                audit: Vec::new(),
            })
            .collect();
        if !updates.is_empty() {
            for updated in self.machine.store.update_customers(updates, now).await? {
                updated?;
            }
        }
        Ok(())
    }
}

fn order_id(customer: u32, nth: u32) -> String {
    format!("R{customer:05}-{nth}")
}
