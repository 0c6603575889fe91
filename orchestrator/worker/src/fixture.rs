//! What the tests of this crate share: a small project in memory, and a customer who is stepped without a store.

#![allow(clippy::unwrap_used, clippy::panic)]

use crate::{
    Programs,
    live::Items,
    step::{StepContext, needs_history, step},
};
use release::Release;
use std::{collections::BTreeMap, sync::Arc};
use store::{CustomerChange, CustomerWork, EnrollmentChange, LiveEnrollment, MessageOutcome, PastEnrollment};
use words::{
    Address, AddressState, Basis, Channel, Consent, ConsentState, Customer, CustomerId, DeliveryId, Elapsed,
    EnrollmentId, Event, EventId, EventKind, Evidence, IdSource, Language, MessageId, Timestamp, Value,
};

pub(crate) const BRAND: &str = r#"name: {en: Kumo, ja: 雲}
default_locale: en
locales: [en, ja]
countries: [JP]
zone: Asia/Tokyo
currency: JPY
site: https://shop.example/
senders:
  email: {from: hello@shop.example, name: {en: Kumo, ja: 雲}}
  sms: {from: KUMO}
legal: {sender: Kumo K.K., postal_address: Tokyo, complaints: help@shop.example}
greeting: {en: there, ja: お客様}
"#;

const DECLARATIONS: &str = r#"events:
  signed_up: {properties: {source: text?}}
  order_placed: {properties: {order_id: text, total: money JPY}}
  order_delivered: {properties: {order_id: text}}
  refund_requested: {properties: {order_id: text}}
  review_written: {properties: {order_id: text, stars: int?}}
  visited: {properties: {page: text?}}
customer:
  plan: text?
  birthday: date?
facts:
  orders: count(order_placed)
  last_order: last_at(order_placed)
segments:
  buyers: customer.orders > 0
  never_bought: customer.orders == 0
  silent: last_at(order_placed) < ago("60 days")
  pro: customer.plan == "pro"
purposes:
  offers: {title: {en: Offers, ja: お得}, class: marketing}
  after_sales: {title: {en: After sales, ja: ご購入後}, class: service}
  orders: {title: {en: Orders, ja: ご注文}, class: transactional}
  login: {title: {en: Sign-in, ja: ログイン}, class: security}
catalogs:
  products: {title: text, price: money JPY}
calls:
  stock: {url: "https://shop.example/stock", inputs: {sku: text}, answer: {left: int}}
"#;

const HTML: &str = "<p>Hello</p><p>{{ brand.legal.sender }}, {{ brand.legal.postal_address }}, \
    {{ brand.legal.complaints }}</p><p><a href=\"{{ links.unsubscribe_url }}\">No more of this</a></p>\n";

/// Messages of the project: any journey may send them.
pub(crate) const MESSAGES: [&str; 4] = ["hello", "thanks", "reminder", "offer"];

pub(crate) fn files(journeys: &[(&str, &str)]) -> release::Files {
    let mut files = release::Files::new();
    let mut add = |path: String, text: &str| files.insert(path, text.as_bytes().to_vec());
    add("templates/brand.yaml".to_owned(), BRAND);
    for message in MESSAGES {
        let at = |part: &str| format!("templates/{message}/{part}");
        add(at("message.yaml"), "title: {en: A message, ja: お知らせ}\nuse: security\ninputs: {}\n");
        add(at("sample.yaml"), "plain:\n  inputs: {}\n");
        add(at("email/subject.txt"), "Hello\n");
        add(at("email/body.html"), HTML);
        add(at("sms/body.txt"), "Hello {{ brand.legal.sender }} {{ links.unsubscribe_url }}\n");
        add(at("push/title.txt"), "Hello\n");
        add(at("push/body.txt"), "Hello\n");
    }
    add("journeys/declarations.yaml".to_owned(), DECLARATIONS);
    for (name, text) in journeys {
        add(format!("journeys/{name}.yaml"), text);
    }
    files
}

/// Compiles journeys, given as (name, what stands below `journey:`).
#[track_caller]
pub(crate) fn project(journeys: &[(&str, &str)]) -> Release {
    let full: Vec<(&str, String)> =
        journeys.iter().map(|(name, text)| (*name, format!("journey: {name}\n{text}"))).collect();
    let files = files(&full.iter().map(|(name, text)| (*name, text.as_str())).collect::<Vec<_>>());
    let (release, problems) = Release::build(files.clone());
    release.unwrap_or_else(|| {
        let shown = problems.iter().map(|problem| {
            let source = files.get(&problem.file).map(|b| String::from_utf8_lossy(b)).unwrap_or_default();
            problem.render(&source, Language::En, false)
        });
        panic!("{}", shown.collect::<Vec<_>>().join("\n\n"))
    })
}

pub(crate) fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

pub(crate) fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// An order of 5000 JPY.
pub(crate) fn order(id: &str) -> BTreeMap<String, Value> {
    let total = Value::Money(words::Money::parse("5000 JPY").unwrap());
    BTreeMap::from([("order_id".to_owned(), text(id)), ("total".to_owned(), total)])
}

pub(crate) fn consent(purpose: Option<&str>, channel: Option<Channel>, at: Timestamp) -> Consent {
    Consent {
        purpose: purpose.map(str::to_owned),
        channel,
        state: ConsentState::Granted,
        basis: Basis::ExpressWritten,
        at,
        expires_at: None,
        evidence: Evidence { method: "test".to_owned(), ..Evidence::default() },
    }
}

/// A release with its programs numbered, and where time stands.
pub(crate) struct World {
    pub(crate) release: Release,
    pub(crate) programs: Programs,
    pub(crate) ids: IdSource,
    pub(crate) keyed: Vec<Channel>,
    pub(crate) now: Timestamp,
}

impl World {
    #[track_caller]
    pub(crate) fn new(now: &str, journeys: &[(&str, &str)]) -> Self {
        let mut world = Self {
            release: project(journeys),
            programs: Programs::default(),
            ids: IdSource::seeded(7),
            keyed: Vec::new(),
            now: at(now),
        };
        world.number(0);
        world.know_since(Timestamp::from_micros(0), world.now);
        world
    }

    fn number(&mut self, from: i64) {
        for (number, program) in (from + 1..).zip(self.release.project.programs.values()) {
            self.programs.insert(number, Arc::clone(program));
            self.programs.set_live(&program.journey, number);
        }
    }

    fn know_since(&mut self, segments: Timestamp, starts: Timestamp) {
        let listeners = Arc::clone(&self.release.listeners);
        for row in listeners.segment_rows.values() {
            self.programs.known_since.entry(row.clone()).or_insert(segments);
        }
        for (_, row) in &listeners.timed_starts {
            self.programs.known_since.entry(row.clone()).or_insert(starts);
        }
    }

    /// Another release goes live now; enrollments stay with their programs.
    #[track_caller]
    pub(crate) fn deploy(&mut self, release: Release) {
        self.release = release;
        self.number(100);
        self.know_since(self.now, self.now);
    }

    pub(crate) fn pass(&mut self, elapsed: Elapsed) {
        self.now = self.now.plus(elapsed);
    }

    /// A customer in Japan with an e-mail address who agreed to offers.
    pub(crate) fn customer(&self) -> Person {
        let id = CustomerId(self.ids.next(self.now));
        let mut customer = Customer::new(id, self.now);
        customer.country = words::Country::parse("JP");
        customer.zone = Some((words::Zone::parse("Asia/Tokyo").unwrap(), words::ZoneSource::Stated));
        customer.consents = vec![consent(Some("offers"), None, self.now)];
        let mut person = Person {
            customer,
            facts: None,
            next_seq: 1,
            applied_seq: 0,
            stored: Vec::new(),
            live: BTreeMap::new(),
            past: Vec::new(),
            segments: BTreeMap::new(),
            cap_uses: Vec::new(),
            suppressions: Vec::new(),
            open: Vec::new(),
            due_at: None,
            history_read: 0,
        };
        person.reach(Channel::EMAIL, "hana@example.jp");
        person
    }

    pub(crate) fn context<'a>(&'a self, items: &'a Items) -> StepContext<'a> {
        StepContext {
            release: &self.release,
            programs: &self.programs,
            items,
            ids: &self.ids,
            keyed: &self.keyed,
        }
    }
}

/// One customer, kept as the store would.
pub(crate) struct Person {
    pub(crate) customer: Customer,
    pub(crate) facts: Option<engine::Facts>,
    next_seq: u64,
    applied_seq: u64,
    stored: Vec<(u64, Event)>,
    pub(crate) live: BTreeMap<EnrollmentId, LiveEnrollment>,
    pub(crate) past: Vec<PastEnrollment>,
    pub(crate) segments: BTreeMap<String, store::SegmentRow>,
    pub(crate) cap_uses: Vec<(Timestamp, Channel)>,
    pub(crate) suppressions: Vec<store::SuppressionRow>,
    pub(crate) open: Vec<(DeliveryId, MessageId, Option<EnrollmentId>)>,
    pub(crate) due_at: Option<Timestamp>,
    /// How often the stored events had to be read again.
    pub(crate) history_read: u32,
}

impl Person {
    pub(crate) fn reach(&mut self, channel: Channel, value: &str) {
        let added_at = self.customer.created_at;
        let (value, state) = (value.to_owned(), AddressState::Active);
        self.customer.addresses.push(Address { channel, value, state, added_at, seen_at: None });
    }

    pub(crate) fn tell(&mut self, world: &World, name: &str, properties: BTreeMap<String, Value>) {
        self.store(Event {
            id: EventId(world.ids.next(world.now)),
            name: name.to_owned(),
            occurred_at: world.now,
            received_at: world.now,
            properties,
            kind: EventKind::Live,
        });
    }

    pub(crate) fn history(
        &mut self,
        world: &World,
        name: &str,
        at: &str,
        properties: BTreeMap<String, Value>,
    ) {
        self.store(Event {
            id: EventId(world.ids.next(world.now)),
            name: name.to_owned(),
            occurred_at: Timestamp::parse(at).unwrap(),
            received_at: world.now,
            properties,
            kind: EventKind::History,
        });
    }

    fn store(&mut self, event: Event) {
        self.stored.push((self.next_seq, event));
        self.next_seq += 1;
    }

    pub(crate) fn work(&self) -> CustomerWork {
        CustomerWork {
            customer: self.customer.clone(),
            guard_version: 1,
            profile_version: 1,
            next_seq: self.next_seq,
            applied_seq: self.applied_seq,
            facts: self.facts.clone(),
            events: self.stored.iter().filter(|(seq, _)| *seq > self.applied_seq).cloned().collect(),
            enrollments: self.live.values().cloned().collect(),
            past: self.past.clone(),
            segments: self.segments.clone(),
            cap_uses: self.cap_uses.clone(),
            open_deliveries: self.open.clone(),
            suppressions: self.suppressions.clone(),
        }
    }

    /// One step, and its change taken in.
    pub(crate) fn step(&mut self, world: &World) -> CustomerChange {
        let items = Items::default();
        self.step_with(world, &items)
    }

    pub(crate) fn step_with(&mut self, world: &World, items: &Items) -> CustomerChange {
        let mut work = self.work();
        let history: Option<Vec<Event>> = needs_history(&world.release, &work).then(|| {
            self.history_read += 1;
            self.stored.iter().filter(|(seq, _)| *seq <= self.applied_seq).map(|(_, e)| e.clone()).collect()
        });
        let change = step(world.context(items), &mut work, history.as_deref(), world.now);
        assert_eq!(work.customer.id, self.customer.id, "the commit sees whose change it is");
        assert!(
            change.due_at.is_none_or(|due| due > world.now),
            "never due in the past: {:?}",
            change.due_at
        );
        self.take(world, &change);
        change
    }

    fn take(&mut self, world: &World, change: &CustomerChange) {
        self.applied_seq = change.applied_seq;
        self.due_at = change.due_at;
        if let Some(customer) = &change.customer {
            self.customer = (**customer).clone();
        }
        if let Some(facts) = &change.facts {
            self.facts = Some(facts.clone());
        }
        self.segments.extend(change.segments.clone());
        for enrollment in &change.enrollments {
            let live = match enrollment {
                EnrollmentChange::New(new) => LiveEnrollment {
                    id: new.id,
                    program: new.program,
                    journey: new.journey.clone(),
                    key: store::key_hash(&new.key),
                    state: new.state.clone(),
                    cause: self.stored.iter().find(|(seq, _)| *seq == new.cause_seq).cloned(),
                },
                EnrollmentChange::Moved { id, state, .. } => {
                    let known = self.live.get(id).cloned().or_else(|| {
                        let past = self.past.iter_mut().filter_map(|past| past.open.as_deref());
                        past.into_iter().find(|live| live.id == *id).cloned()
                    });
                    LiveEnrollment { state: (**state).clone(), ..known.expect("moved what is known") }
                }
            };
            self.past.retain(|past| past.open.as_deref().is_none_or(|open| open.id != live.id));
            self.live.remove(&live.id);
            if live.state.is_live() {
                self.live.insert(live.id, live);
            } else {
                self.past.push(PastEnrollment {
                    journey: live.journey.clone(),
                    key: live.key,
                    started_at: live.state.at.started_at,
                    ended_at: world.now,
                    open: Some(Box::new(live)),
                });
            }
        }
        for message in change.messages.iter().filter(|m| m.outcome == MessageOutcome::Planned) {
            self.open.extend(message.deliveries.iter().map(|d| (d.id, message.id, message.enrollment)));
        }
        self.open.retain(|(id, _, _)| !change.cancel.iter().any(|(gone, _)| gone == id));
        for new in &change.events {
            self.store(new.event.clone());
        }
    }

    /// Steps until nothing is pending.
    pub(crate) fn settle(&mut self, world: &World) -> Vec<CustomerChange> {
        let mut changes = vec![self.step(world)];
        while self.next_seq > self.applied_seq + 1 {
            assert!(changes.len() < 100, "it never comes to rest");
            changes.push(self.step(world));
        }
        changes
    }
}

/// What was planned, as `message on channel`, in order.
pub(crate) fn planned(change: &CustomerChange) -> Vec<String> {
    let of = |outcome: MessageOutcome| change.messages.iter().filter(move |m| m.outcome == outcome);
    of(MessageOutcome::Planned)
        .flat_map(|m| m.deliveries.iter().map(move |d| format!("{} on {}", m.name, d.channel)))
        .collect()
}

/// What was started, by journey.
pub(crate) fn started(change: &CustomerChange) -> Vec<String> {
    change
        .enrollments
        .iter()
        .filter_map(|e| match e {
            EnrollmentChange::New(new) => Some(new.journey.clone()),
            EnrollmentChange::Moved { .. } => None,
        })
        .collect()
}

/// How what ended has ended.
pub(crate) fn endings(change: &CustomerChange) -> Vec<String> {
    change
        .enrollments
        .iter()
        .filter_map(|e| {
            let (state, reason) = match e {
                EnrollmentChange::New(new) => (&new.state, &new.reason),
                EnrollmentChange::Moved { state, reason, .. } => (state.as_ref(), reason),
            };
            (!state.is_live()).then(|| reason.clone().unwrap_or_default())
        })
        .collect()
}
