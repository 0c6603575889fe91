//! One seed, from the first customer to the last law.

mod act;
mod calm;

use crate::book::{Breach, Group, Person, Word, ZONES};
use crate::chance::Chance;
use crate::gate::POISON;
use crate::laws;
use crate::plan::Journey;
use crate::world::{Came, Work, World};
use store::Identity;
use words::{
    Address, AddressState, Basis, Channel, Consent, ConsentChange, ConsentState, Customer, Evidence,
};

/// What came of a seed.
#[derive(Debug, Clone)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// What was broken.
    pub breaches: Vec<Breach>,
    /// All that happened, folded.
    pub trace: u64,
    /// Lines of it.
    pub lines: u64,
    /// The last of them, or all.
    pub shown: Vec<String>,
    /// Hand-overs.
    pub handed: u64,
    /// Processes that ended.
    pub ends: u32,
}

/// Runs one seed. `all` keeps the whole trace.
///
/// # Errors
/// Where the simulator itself could not go on: that is a failure of the seed, too.
pub async fn run(seed: u64, all: bool) -> anyhow::Result<Report> {
    let mut chance = Chance::new(seed);
    let world = World::new(seed, &mut chance, all).await?;
    let mut run = Run { world, chance, nth_event: 0, nth_order: 0, armed: false, ends: 0 };
    run.begin().await?;
    let most = run.chance.between(40, 120);
    let restores = run.chance.one_in(25);
    for _ in 0..most {
        run.act().await?;
        if !run.world.book().breaches.is_empty() {
            break;
        }
    }
    if run.world.book().breaches.is_empty() {
        if restores && run.world.copy.is_some() {
            run.restored().await?;
        } else {
            run.calm().await?;
            let whole = run.world.book().breaches.is_empty();
            if whole {
                laws::hold(&mut run.world).await?;
            }
        }
    }
    let book = run.world.book();
    Ok(Report {
        seed,
        breaches: book.breaches.clone(),
        trace: book.trace,
        lines: book.lines,
        shown: book.all.clone().unwrap_or_else(|| book.last.iter().cloned().collect()),
        handed: book.handed.values().map(|tries| tries.len() as u64).sum(),
        ends: run.ends,
    })
}

/// A run under way.
struct Run {
    world: World,
    chance: Chance,
    nth_event: u64,
    nth_order: u64,
    /// Whether the process is to end at some commit.
    armed: bool,
    ends: u32,
}

impl Run {
    async fn begin(&mut self) -> anyhow::Result<()> {
        let journeys = self.journeys();
        self.world.deploy(journeys).await?;
        let people = usize::try_from(self.chance.between(1, 5)).unwrap_or(1);
        for nth in 0..people {
            self.person(nth).await?;
        }
        Ok(())
    }

    fn journeys(&mut self) -> Vec<Journey> {
        let count = self.chance.between(1, 3);
        (0..count).map(|nth| Journey::by_chance(&format!("j{nth}"), &mut self.chance)).collect()
    }

    async fn person(&mut self, nth: usize) -> anyhow::Result<()> {
        let (store, now) = (self.world.store()?, self.world.time.stamp());
        let made = store.get_or_create(&[Identity::user_id(format!("c{nth}"))], now, &self.world.ids).await?;
        let zone = self.chance.place(ZONES.len());
        let poison = nth > 0 && self.chance.one_in(12);
        let email = format!("c{nth}@example.jp");
        let phone = self.chance.one_in(2).then(|| format!("+8190123400{nth:02}"));
        let yes = Word { purpose: None, channel: None, yes: true, at: now.as_micros() };
        {
            let mut book = self.world.book();
            book.people.push(Person {
                nth,
                id: made.customer,
                email: email.clone(),
                phone: phone.clone(),
                zone,
                poison,
                group: nth,
            });
            book.groups.push(Group { members: vec![nth], zone, ..Group::default() });
            book.said(nth, yes.clone());
            book.note(format!("{} c{nth} lives in {}, poison {poison}", now.as_micros(), ZONES[zone].0));
        }
        let change = move |customer: &mut Customer| {
            let address = |channel: Channel, value: String| Address {
                channel,
                value,
                state: AddressState::Active,
                added_at: now,
                seen_at: None,
            };
            customer.addresses.push(address(Channel::EMAIL, email));
            customer.addresses.extend(phone.map(|phone| address(Channel::SMS, phone)));
            customer.country = words::Country::parse("JP");
            customer.zone =
                words::Zone::parse(ZONES[zone].0).ok().map(|zone| (zone, words::ZoneSource::Stated));
            if poison {
                customer.locale = words::Locale::parse(POISON).ok();
            }
            vec![consent(&yes)]
        };
        store.update_customer(made.customer, now, change, Vec::new()).await?;
        Ok(())
    }

    /// Lets a node do something, up to where it is to stand, and sees to whatever comes of it.
    async fn node(
        &mut self,
        nth: usize,
        work: Work,
        stop_at: Option<crate::gate::Place>,
    ) -> anyhow::Result<Came> {
        if let Some(node) = self.world.nodes.get_mut(nth)
            && !node.busy()
        {
            node.begin(work, stop_at);
        }
        self.advance(nth).await
    }

    async fn advance(&mut self, nth: usize) -> anyhow::Result<Came> {
        let mut came = Came::Done(false);
        let mut taken = self.world.nodes.get_mut(nth).map(|node| node.take());
        if let Some(node) = &mut taken {
            came = self.world.heard(node.advance()).await.unwrap_or(Came::Ended);
            if matches!(came, Came::Stands(_)) {
                self.world.settled().await;
            }
        }
        if let (Some(node), Some(slot)) = (taken, self.world.nodes.get_mut(nth)) {
            slot.put_back(node);
        }
        if self.world.ended() {
            came = Came::Ended;
        }
        self.world.book().note(format!("node {nth}: {came:?}"));
        match came {
            Came::Ended => {
                laws::poison(&self.world)?;
                self.restart(false).await?;
            }
            Came::Failed => {
                let why = self.world.nodes.get(nth).and_then(|node| node.failed.clone()).unwrap_or_default();
                self.world.book().breach("I13", format!("a node failed though its database lives: {why}"));
            }
            _ => {}
        }
        Ok(came)
    }

    async fn restart(&mut self, restore: bool) -> anyhow::Result<()> {
        self.armed = false;
        self.ends += 1;
        self.world.restart(restore).await
    }
}

/// A word as the product takes it.
fn consent(word: &Word) -> ConsentChange {
    ConsentChange {
        consent: Consent {
            purpose: word.purpose.clone(),
            channel: word.channel.as_deref().map(Channel::new),
            state: if word.yes { ConsentState::Granted } else { ConsentState::Revoked },
            basis: Basis::ExpressWritten,
            at: words::Timestamp::from_micros(word.at),
            expires_at: None,
            evidence: Evidence { method: "simulator".to_owned(), ..Evidence::default() },
        },
    }
}
