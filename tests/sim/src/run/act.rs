//! What may happen next.

use super::{Run, consent};
use crate::book::{Order, Word, ZONES};
use crate::clock::{HOUR, SECOND};
use crate::gate::PLACES;
use crate::plan::PURPOSES;
use crate::world::{Came, Work};
use std::collections::BTreeMap;
use store::{CustomerUpdate, Incoming, NewReceipt, StopScope};
use words::{Channel, Customer, Event, EventKind, Money, Timestamp, Value};

/// An event, as the shop sends it: perhaps more than once.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    person: usize,
    name: &'static str,
    order: String,
    total: i64,
    occurred_at: i64,
    message_id: String,
}

impl Run {
    /// One thing happens.
    pub(super) async fn act(&mut self) -> anyhow::Result<()> {
        let lapse = self.chance.between(1, 90) * SECOND;
        self.world.time.pass(lapse, lapse);
        // Ends by poison are told by the nodes that die of it; all others by the probe.
        match self.chance.below(100) {
            0..=21 => self.event().await?,
            22..=46 => {
                let nth = self.chance.place(self.world.nodes.len());
                let stop_at = if self.chance.one_in(2) { self.chance.pick(&PLACES).copied() } else { None };
                if let Came::Stands(_) = self.node(nth, Work::Round, stop_at).await? {
                    self.meanwhile(nth).await?;
                }
            }
            47..=54 => {
                let nth = self.chance.place(self.world.nodes.len());
                if self.world.nodes.get(nth).is_some_and(crate::world::Node::busy) {
                    self.advance(nth).await?;
                }
            }
            55..=64 => {
                let hours = *self.chance.pick(&[1, 3, 12, 30, 80]).unwrap_or(&1);
                self.days(hours * HOUR).await?;
            }
            65..=68 => self.long_pause().await?,
            69..=71 => {
                let jump = self.chance.between(1, 10) * HOUR;
                self.world.time.pass(jump, 0);
                self.world.book().note(format!("the business clock is moved on by {jump}"));
                self.sweep().await?;
            }
            72..=77 => self.word().await?,
            78..=79 => self.change().await?,
            80..=82 => self.stop().await?,
            83..=84 => {
                let journeys = self.edited();
                self.world.book().note("another release goes live".to_owned());
                self.world.deploy(journeys).await?;
            }
            85..=86 => self.merge().await?,
            87 => self.erase().await?,
            88..=90 if !self.armed => {
                let (nth, after) = (self.chance.between(1, 6), self.chance.one_in(2));
                self.armed = true;
                self.world.end_at(nth, after);
                self.world.book().note(format!("the process is to end at commit {nth}, after it {after}"));
            }
            91..=92 => self.restart(false).await?,
            93 => {
                let nth = self.chance.place(self.world.nodes.len());
                self.world.drop_node(nth).await;
            }
            _ => self.receipt().await?,
        }
        if self.world.ended() {
            self.restart(false).await?;
        }
        Ok(())
    }

    /// What may come between, while a node stands still in the middle of something; then it may go on.
    async fn meanwhile(&mut self, nth: usize) -> anyhow::Result<()> {
        if self.chance.one_in(4) {
            return Ok(());
        }
        let ends = self.ends;
        for _ in 0..self.chance.between(1, 2) {
            match self.chance.below(10) {
                0 => self.stop().await?,
                1 | 2 => self.word().await?,
                3 | 4 => {
                    self.long_pause().await?;
                    if let Some(other) = self.idle() {
                        self.node(other, Work::Round, None).await?;
                    }
                }
                5 | 6 => {
                    let jump = *self.chance.pick(&[1, 3, 11]).unwrap_or(&1) * HOUR;
                    self.world.time.pass(jump, 0);
                    self.world.book().note(format!("the business clock is moved on by {jump}"));
                    self.sweep().await?;
                    if let Some(other) = self.idle() {
                        self.node(other, Work::Round, None).await?;
                    }
                }
                7 => self.change().await?,
                8 => self.event().await?,
                _ => self.merge().await?,
            }
            // Whoever stood there is gone with the process.
            if self.ends != ends || !self.world.book().breaches.is_empty() {
                return Ok(());
            }
        }
        if !self.chance.one_in(4) && self.world.nodes.get(nth).is_some_and(crate::world::Node::busy) {
            self.advance(nth).await?;
        }
        Ok(())
    }

    /// Business goes on for a while.
    pub(super) async fn days(&mut self, length: i64) -> anyhow::Result<()> {
        let until = self.world.time.now() + length;
        for _ in 0..40 {
            let Some(nth) = self.idle() else { break };
            let stop_at = if self.chance.one_in(6) { self.chance.pick(&PLACES).copied() } else { None };
            match self.node(nth, Work::Round, stop_at).await? {
                Came::Done(true) => continue,
                Came::Stands(_) => self.meanwhile(nth).await?,
                _ => {}
            }
            if !self.world.book().breaches.is_empty() {
                return Ok(());
            }
            let Some(next) = self.next_due()?.filter(|next| *next <= until) else { break };
            let lapse = (next - self.world.time.now()).max(SECOND);
            self.world.time.pass(lapse, lapse);
            if lapse > 60 * SECOND {
                self.sweep().await?;
            }
        }
        let rest = (until - self.world.time.now()).max(0);
        self.world.time.pass(rest, rest);
        // Whoever stood still all the while has lost its lease by now.
        self.overrun();
        self.sweep().await
    }

    /// A node with nothing under way.
    pub(super) fn idle(&mut self) -> Option<usize> {
        let idle: Vec<usize> = (0..self.world.nodes.len()).filter(|n| !self.world.nodes[*n].busy()).collect();
        self.chance.pick(&idle).copied()
    }

    /// When something falls due next, as far as the store says.
    pub(super) fn next_due(&self) -> anyhow::Result<Option<i64>> {
        let store = self.world.store()?;
        let sends = store.next_send_due(&[Channel::EMAIL, Channel::SMS]);
        Ok([store.next_step_due(), sends].into_iter().flatten().min().map(Timestamp::as_micros))
    }

    /// Everybody sleeps for longer than any lease.
    async fn long_pause(&mut self) -> anyhow::Result<()> {
        let lapse = self.chance.between(180, 900) * SECOND;
        self.world.time.pass(lapse, lapse);
        self.world.book().note(format!("a pause of {lapse}"));
        self.overrun();
        self.sweep().await
    }

    /// What is under way has outlived its lease.
    fn overrun(&mut self) {
        for handed in self.world.book().handed.values_mut().flatten().filter(|h| !h.written) {
            handed.overrun = true;
        }
    }

    pub(super) async fn sweep(&mut self) -> anyhow::Result<()> {
        if let Some(nth) = self.idle() {
            self.node(nth, Work::Sweep, None).await?;
        }
        Ok(())
    }

    async fn event(&mut self) -> anyhow::Result<()> {
        let people = self.world.book().people.len();
        let person = self.chance.place(people);
        let known: Vec<String> = self
            .world
            .book()
            .orders
            .iter()
            .filter(|(_, o)| o.person == person)
            .map(|(id, _)| id.clone())
            .collect();
        self.nth_event += 1;
        let message_id = format!("e{}", self.nth_event);
        let now = self.world.time.now();
        let mut sent =
            Sent { person, name: "visited", order: String::new(), total: 0, occurred_at: now, message_id };
        match self.chance.below(10) {
            0..=5 => {
                self.nth_order += 1;
                sent.name = "order_placed";
                sent.order = format!("o{}", self.nth_order);
                sent.total = *self.chance.pick(&[1000, 3000, 5000, 8000]).unwrap_or(&1000);
                // Late, and now and then too late to start anything.
                sent.occurred_at -=
                    *self.chance.pick(&[0, 0, 0, 2 * HOUR, 40 * HOUR, 400 * HOUR]).unwrap_or(&0);
            }
            6 if !known.is_empty() => {
                sent.name = "order_delivered";
                sent.order = self.chance.pick(&known).cloned().unwrap_or_default();
            }
            7 | 8 if !known.is_empty() => {
                sent.name = "refund_requested";
                sent.order = self.chance.pick(&known).cloned().unwrap_or_default();
            }
            _ => {}
        }
        let copies = *self.chance.pick(&[1, 1, 1, 2, 3]).unwrap_or(&1);
        for _ in 0..copies {
            self.tell(&sent).await?;
            if self.chance.one_in(6) {
                self.restart(false).await?;
            }
        }
        Ok(())
    }

    /// Sends an event until it is acknowledged, as shops do.
    pub(super) async fn tell(&mut self, sent: &Sent) -> anyhow::Result<()> {
        let Sent { person, name, order, total, occurred_at, message_id } = sent.clone();
        loop {
            let (store, now) = (self.world.store()?, self.world.time.stamp());
            let whom = self.world.book().people.get(person).map(|p| p.id);
            let Some(customer) = whom else { return Ok(()) };
            let mut properties = BTreeMap::new();
            if !order.is_empty() {
                properties.insert("order_id".to_owned(), Value::Text(order.clone()));
            }
            if name == "order_placed" {
                properties.insert("total".to_owned(), Value::Money(Money::parse(&format!("{total} JPY"))?));
            }
            let incoming = Incoming {
                customer,
                event: Event {
                    id: self.world.ids.event(now),
                    name: name.to_owned(),
                    occurred_at: Timestamp::from_micros(occurred_at),
                    received_at: now,
                    properties,
                    kind: EventKind::Live,
                },
                source: "shop".to_owned(),
                message_id: Some(message_id.clone()),
                listened: true,
                declared: true,
            };
            match self.world.heard(async move { store.ingest(vec![incoming]).await }).await {
                None => self.restart(false).await?,
                Some(answer) => {
                    let taken = match answer {
                        Ok(taken) => taken,
                        // Of somebody who was erased nothing more is taken in.
                        Err(store::StoreError::Erased | store::StoreError::Vault(_)) => return Ok(()),
                        Err(error) => return Err(error.into()),
                    };
                    self.world
                        .book()
                        .note(format!("{} {name} {order} of c{person}: {taken:?}", now.as_micros()));
                    let seq = match taken.first() {
                        // Under whoever is left, where people turned out to be one.
                        Some(store::Ingested::Stored { seq }) => {
                            let book = self.world.book();
                            let first =
                                book.groups.get(book.group(person)).and_then(|g| g.members.first().copied());
                            first.and_then(|nth| book.people.get(nth)).map(|person| (person.id, *seq))
                        }
                        _ => None,
                    };
                    self.taken(sent, now.as_micros(), seq);
                    return Ok(());
                }
            }
        }
    }

    fn taken(&mut self, sent: &Sent, at: i64, place: Option<(words::CustomerId, u64)>) {
        let journeys = self.world.journeys.clone();
        let version = self.world.version;
        let mut book = self.world.book();
        let first = book.told.insert(sent.message_id.clone());
        if first {
            *book.events.entry(sent.person).or_default() += 1;
        }
        match sent.name {
            "order_placed" if first => {
                let starts =
                    journeys.iter().filter(|j| j.starts_by(sent.total)).map(|j| j.name.clone()).collect();
                book.orders.insert(
                    sent.order.clone(),
                    Order {
                        person: sent.person,
                        total: sent.total,
                        occurred_at: sent.occurred_at,
                        taken_at: Some(at),
                        place,
                        version,
                        live: starts,
                        refunded_at: None,
                    },
                );
            }
            "refund_requested" => {
                if let Some(order) = book.orders.get_mut(&sent.order) {
                    order.refunded_at.get_or_insert(at);
                }
            }
            "visited" if first => *book.visits.entry(sent.person).or_default() += 1,
            _ => {}
        }
    }

    /// Somebody unsubscribes, or comes back.
    async fn word(&mut self) -> anyhow::Result<()> {
        let person = self.somebody();
        let yes = self.chance.one_in(3);
        let purpose =
            if self.chance.one_in(2) { self.chance.pick(&PURPOSES).map(|p| p.0.to_owned()) } else { None };
        let channel = if self.chance.one_in(3) {
            self.chance.pick(&["email", "sms"]).map(|c| (*c).to_owned())
        } else {
            None
        };
        let word = Word { purpose, channel, yes, at: self.world.time.now() };
        let announce = if self.chance.one_in(2) { Some(EventKind::Live) } else { None };
        let said = word.clone();
        if self.update(person, announce, move |_| vec![consent(&said)]).await? {
            let mut book = self.world.book();
            book.note(format!("{} c{person} says {word:?}", word.at));
            let group = book.group(person);
            book.said(group, word);
        }
        Ok(())
    }

    /// A trait or the zone of somebody changes.
    async fn change(&mut self) -> anyhow::Result<()> {
        let person = self.somebody();
        if self.chance.one_in(2) {
            self.nth_event += 1;
            let note = format!("n{}", self.nth_event);
            let text = note.clone();
            let set = move |customer: &mut Customer| {
                customer.traits.insert("note".to_owned(), Value::Text(text));
                Vec::new()
            };
            if self.update(person, Some(EventKind::Live), set).await? {
                let mut book = self.world.book();
                let group = book.group(person);
                book.note(format!("c{person} has note {note}"));
                book.groups[group].note = Some(note);
            }
        } else {
            let zone = self.chance.place(ZONES.len());
            let set = move |customer: &mut Customer| {
                customer.zone =
                    words::Zone::parse(ZONES[zone].0).ok().map(|zone| (zone, words::ZoneSource::Stated));
                Vec::new()
            };
            if self.update(person, Some(EventKind::Live), set).await? {
                let mut book = self.world.book();
                let group = book.group(person);
                book.note(format!("c{person} moves to {}", ZONES[zone].0));
                book.groups[group].zone = zone;
            }
        }
        Ok(())
    }

    fn somebody(&mut self) -> usize {
        let people = self.world.book().people.len();
        self.chance.place(people)
    }

    /// Changes a customer until it is acknowledged. `false`: nobody is there any more.
    async fn update(
        &mut self,
        person: usize,
        announce: Option<EventKind>,
        change: impl FnOnce(&mut Customer) -> Vec<words::ConsentChange> + Clone + Send + 'static,
    ) -> anyhow::Result<bool> {
        loop {
            let (store, now) = (self.world.store()?, self.world.time.stamp());
            let customer = self.world.book().people[person].id;
            let update =
                CustomerUpdate { customer, change: Box::new(change.clone()), announce, audit: Vec::new() };
            match self.world.heard(async move { store.update_customers(vec![update], now).await }).await {
                None => self.restart(false).await?,
                Some(done) => {
                    return match done {
                        Ok(mut done) => Ok(done.pop().is_some_and(|one| one.is_ok())),
                        Err(store::StoreError::Erased | store::StoreError::Vault(_)) => Ok(false),
                        Err(error) => Err(error.into()),
                    };
                }
            }
        }
    }

    /// Sending is stopped, or goes on.
    async fn stop(&mut self) -> anyhow::Result<()> {
        let scopes = [
            ("all".to_owned(), StopScope::All),
            ("journey j0".to_owned(), StopScope::Journey("j0".to_owned())),
            ("channel email".to_owned(), StopScope::Channel("email".to_owned())),
            ("purpose offers".to_owned(), StopScope::Purpose("offers".to_owned())),
            ("purpose orders".to_owned(), StopScope::Purpose("orders".to_owned())),
        ];
        let Some((name, scope)) = self.chance.pick(&scopes).cloned() else { return Ok(()) };
        self.switch(&name, scope).await
    }

    pub(super) async fn switch(&mut self, name: &str, scope: StopScope) -> anyhow::Result<()> {
        let on = !self.world.book().stops.contains(name);
        if !on {
            // From here on it may be lifted at any moment.
            self.world.book().stops.remove(name);
        }
        loop {
            let (store, now) = (self.world.store()?, self.world.time.stamp());
            let asked = scope.clone();
            let done = if on {
                self.world.heard(async move { store.stop(asked, "simulator", "", now).await }).await
            } else {
                self.world
                    .heard(async move { store.resume(&asked, "simulator", now).await.map(|_| ()) })
                    .await
            };
            match done {
                None => self.restart(false).await?,
                Some(done) => break done?,
            }
        }
        let mut book = self.world.book();
        book.note(format!("{name} stopped: {on}"));
        if on {
            book.stops.insert(name.to_owned());
        }
        Ok(())
    }

    /// The live journeys, one of them changed, or one less, or one more.
    fn edited(&mut self) -> Vec<crate::plan::Journey> {
        let mut journeys = self.world.journeys.clone();
        if journeys.is_empty() {
            return self.journeys();
        }
        let nth = self.chance.place(journeys.len());
        match self.chance.below(4) {
            0 if journeys.len() > 1 => {
                journeys.remove(nth);
            }
            1 => {}
            _ => {
                journeys[nth] = crate::plan::Journey::by_chance(&journeys[nth].name.clone(), &mut self.chance)
            }
        }
        journeys
    }

    async fn merge(&mut self) -> anyhow::Result<()> {
        let (lost, kept) = (self.somebody(), self.somebody());
        let (from, into) = {
            let book = self.world.book();
            let (from, into) = (book.group(lost), book.group(kept));
            if from == into || book.groups[from].erased || book.groups[into].erased {
                return Ok(());
            }
            (from, into)
        };
        let schema = self
            .world
            .nodes
            .iter()
            .find_map(|n| n.machine.live())
            .map(|live| live.release.project.schema.clone());
        let Some(schema) = schema else { return Ok(()) };
        loop {
            let (store, now) = (self.world.store()?, self.world.time.stamp());
            let (lost, kept) = {
                let book = self.world.book();
                (book.people[lost].id, book.people[kept].id)
            };
            let schema = schema.clone();
            let merge = async move { store.merge(lost, kept, &schema, now, Vec::new()).await };
            match self.world.heard(merge).await {
                None => self.restart(false).await?,
                Some(done) => {
                    done?;
                    break;
                }
            }
        }
        let mut book = self.world.book();
        book.note(format!("c{lost} is c{kept}"));
        book.merged(into, from);
        Ok(())
    }

    async fn erase(&mut self) -> anyhow::Result<()> {
        let person = self.somebody();
        loop {
            let (store, now) = (self.world.store()?, self.world.time.stamp());
            let customer = self.world.book().people[person].id;
            match self.world.heard(async move { store.erase(customer, now, Vec::new()).await }).await {
                None => self.restart(false).await?,
                Some(done) => {
                    done?;
                    break;
                }
            }
        }
        let mut book = self.world.book();
        let group = book.group(person);
        book.note(format!("c{person} is erased"));
        book.groups[group].erased = true;
        Ok(())
    }

    /// A provider tells what became of something, perhaps twice, perhaps before its answer was written down.
    async fn receipt(&mut self) -> anyhow::Result<()> {
        let taken: Vec<_> = {
            let book = self.world.book();
            let of =
                |delivery| book.of_message.iter().find(|(_, all)| all.contains(delivery)).map(|(m, _)| *m);
            book.handed
                .iter()
                .filter(|(_, tries)| tries.iter().any(|h| h.taken))
                .filter_map(|(delivery, _)| Some((*delivery, of(delivery)?)))
                .collect()
        };
        let Some((delivery, message)) = self.chance.pick(&taken).copied() else { return Ok(()) };
        let customer = {
            let tables = crate::world::locked(&self.world.providers.tables);
            tables.as_ref().and_then(|t| t.at_door(delivery, message)).map(|door| door.customer)
        };
        let Some(customer) = customer else { return Ok(()) };
        let kind =
            *self.chance.pick(&["delivered", "delivered", "opened", "bounced"]).unwrap_or(&"delivered");
        for _ in 0..self.chance.between(1, 2) {
            let (store, now) = (self.world.store()?, self.world.time.stamp());
            let receipt = NewReceipt {
                customer: words::CustomerId(customer),
                message,
                delivery,
                kind: kind.to_owned(),
                at: now,
                detail: String::new(),
                events: Vec::new(),
                suppress: None,
                audit: Vec::new(),
            };
            match self.world.heard(async move { store.receipts(vec![receipt], now).await }).await {
                None => self.restart(false).await?,
                Some(done) => {
                    let fresh = done?;
                    let mut book = self.world.book();
                    book.note(format!("{kind}: {fresh:?}"));
                    if kind != "bounced" {
                        book.accepted.insert(message);
                    }
                }
            }
        }
        Ok(())
    }
}
