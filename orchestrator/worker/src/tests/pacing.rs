//! What a provider bears: limits, warm-ups, pauses. Both clocks are virtual.

use super::rig::{Answer, Rig};
use crate::fixture::{at, project};
use channel::Outcome;
use channel::pace::{Breaker, Days, Pace, Ramp, Rate};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use store::{Clock, MessageOutcome, Store, VirtualClock};
use words::{Channel, CustomerId, Elapsed, Timestamp};

const NOON: &str = "2026-04-01T03:00:00Z";
const NEWS: &str = "purpose: after_sales
start: {event: order_placed, once_per: order_id}
first_of: [email]
steps:
  - send: thanks
";

/// Both clocks are one.
#[derive(Debug)]
struct OneClock(Arc<VirtualClock>);

impl Clock for OneClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn machine_now(&self) -> Timestamp {
        self.0.now()
    }
}

async fn rig(journeys: &[(&str, &str)], pace: Pace) -> Rig {
    let store = Store::memory(vault::Vault::ephemeral(1)).await.unwrap();
    let clock = Arc::new(VirtualClock::at(at(NOON)));
    let rig = Rig::by(store, clock.clone(), project(journeys), Arc::new(OneClock(clock))).await;
    rig.machine.store.set_paces(BTreeMap::from([(Channel::EMAIL, pace)])).await.unwrap();
    rig
}

fn unavailable() -> Outcome {
    Outcome::Unavailable { answer: "connection refused".to_owned() }
}

/// Sends what there is room for, and lets time pass until there is room, or something falls due, until nothing waits.
async fn run_until(rig: &Rig, until: Timestamp) {
    loop {
        rig.settle().await;
        let now = rig.clock.now();
        let due = rig.machine.store.next_send_due(&[Channel::EMAIL]);
        let step = rig.machine.store.next_step_due();
        let room = rig.machine.store.send_wait(&Channel::EMAIL, now).map(|wait| now.plus(wait));
        let due = due.map(|due| due.max(room.unwrap_or(due)));
        let next = [due, step].into_iter().flatten().min();
        match next {
            Some(next) if next <= until => rig.clock.set(next.max(now.plus(Elapsed::from_millis(1)))),
            _ => return rig.clock.set(until),
        }
    }
}

async fn many(rig: &Rig, how_many: usize) -> Vec<CustomerId> {
    let mut all = Vec::new();
    for n in 0..how_many {
        let id = rig.customer(&format!("c{n}")).await;
        rig.order(id, &format!("A-{n}")).await;
        all.push(id);
    }
    all
}

fn of(rig: &Rig) -> Vec<(Timestamp, String)> {
    rig.email.handed().into_iter().map(|handed| (handed.at, handed.parcel.to)).collect()
}

#[tokio::test]
async fn a_backlog_goes_out_at_the_limit_in_its_order_and_none_is_lost() {
    let pace = Pace { rate: Rate::per_1000_seconds(100_000), ..Pace::default() };
    let rig = rig(&[("news", NEWS)], pace).await;
    // A second apart; due long before anything goes.
    let mut due = BTreeMap::new();
    for n in 0..300 {
        let name = format!("c{n}");
        let id = rig.customer(&name).await;
        rig.order(id, &format!("A-{n}")).await;
        rig.plan().await;
        due.insert(format!("{name}@example.jp"), rig.clock.now());
        rig.pass_without_work(Elapsed::from_secs(1));
    }
    let began = rig.clock.now();
    run_until(&rig, began.plus(Elapsed::from_secs(10))).await;
    let handed = of(&rig);
    assert_eq!(handed.len(), 300);
    let took = handed.last().unwrap().0.since(began);
    assert!(took >= Elapsed::from_millis(2900) && took <= Elapsed::from_millis(3200), "{took:?}");
    let order: Vec<_> = handed.iter().map(|(_, to)| due[to]).collect();
    assert!(order.is_sorted(), "the longest due first");
    for (first, (from, _)) in handed.iter().enumerate() {
        let within =
            handed[first..].iter().take_while(|(to, _)| to.since(*from) < Elapsed::from_secs(1)).count();
        assert!(within < 105, "{within} within a second");
    }
    let closed = rig.ledger.closed.lock().unwrap();
    assert!(
        closed.iter().all(|(work, _)| (work.attempts, work.strikes) == (1, 0)),
        "nobody was claimed to wait"
    );
}

#[tokio::test]
async fn ten_thousand_at_a_hundred_a_second_take_a_hundred_seconds() {
    let pace = Pace { rate: Rate::per_1000_seconds(100_000), ..Pace::default() };
    let rig = rig(&[("news", NEWS)], pace).await;
    many(&rig, 10_000).await;
    let began = rig.clock.now();
    run_until(&rig, began.plus(Elapsed::from_minutes(3))).await;
    let handed = of(&rig);
    let mut people: Vec<_> = handed.iter().map(|(_, to)| to).collect();
    people.sort();
    people.dedup();
    assert_eq!((handed.len(), people.len()), (10_000, 10_000), "none lost, none twice");
    let took = handed.last().unwrap().0.since(began);
    assert!(took >= Elapsed::from_secs(99) && took <= Elapsed::from_secs(104), "{took:?}");
}

#[tokio::test]
async fn a_provider_that_is_down_is_tried_now_and_then_and_gets_everything_once_it_is_back() {
    let pace = Pace { breaker: Some(Breaker::default()), ..Pace::default() };
    let rig = rig(&[("news", NEWS)], pace).await;
    many(&rig, 200).await;
    let began = rig.clock.now();
    let back = began.plus(Elapsed::from_hours(2));
    rig.email.down_until(back);
    run_until(&rig, back.plus(Elapsed::from_hours(2))).await;
    let handed = of(&rig);
    let tries = handed.iter().filter(|(at, _)| *at < back).count();
    // As many as were under way at once, then one every five minutes at most.
    assert!((5..=5 + 64 + 2 * 12 + 6).contains(&tries), "{tries}");
    let outcomes = rig.outcomes().await;
    assert_eq!(outcomes.iter().filter(|(_, outcome)| *outcome == MessageOutcome::Accepted).count(), 200);
    let mut accepted: Vec<_> = handed.iter().filter(|(at, _)| *at >= back).map(|(_, to)| to).collect();
    assert_eq!(accepted.len(), 200);
    accepted.sort();
    accepted.dedup();
    assert_eq!(accepted.len(), 200, "none twice");
    // The others were not tried, and go out at once.
    let soon = back.plus(Elapsed::from_minutes(6));
    let at_once = handed.iter().filter(|(at, _)| *at >= back && *at < soon).count();
    assert!(at_once >= 200 - tries, "{at_once}");
    let closed = rig.ledger.closed.lock().unwrap();
    let attempts: u32 = closed.iter().map(|(work, _)| work.attempts).max().unwrap();
    assert!(attempts <= 8, "{attempts}");
}

#[tokio::test]
async fn what_expired_while_the_provider_was_down_does_not_go_out() {
    let pace =
        Pace { breaker: Some(Breaker::default()), rate: Rate::per_1000_seconds(10_000), ..Pace::default() };
    let rig = rig(&[("news", NEWS)], pace).await;
    many(&rig, 40).await;
    // Longer than anything after a purchase is worth.
    let back = rig.clock.now().plus(Elapsed::from_days(4));
    rig.email.down_until(back);
    run_until(&rig, back).await;
    many_more(&rig).await;
    run_until(&rig, back.plus(Elapsed::from_hours(3))).await;
    let sent: Vec<_> = of(&rig).into_iter().filter(|(at, _)| *at >= back).map(|(_, to)| to).collect();
    assert_eq!(sent, ["late@example.jp"], "what is too late takes nobody's place");
    let outcomes = rig.outcomes().await;
    assert_eq!(outcomes.iter().filter(|(_, outcome)| *outcome == MessageOutcome::Expired).count(), 40);
}

async fn many_more(rig: &Rig) {
    let id = rig.customer("late").await;
    rig.order(id, "A-late").await;
}

#[tokio::test]
async fn a_warm_up_sends_so_many_a_day_in_the_projects_zone() {
    let start = "2026-04-01".parse().unwrap();
    let ramp = Ramp { start, days: Days::Growing { first: 3, growth: 2000 } };
    let rig = rig(&[("news", NEWS)], Pace { ramp: Some(ramp), ..Pace::default() }).await;
    many(&rig, 12).await;
    run_until(&rig, at("2026-04-03T14:59:00Z")).await;
    let mut days: BTreeMap<String, usize> = BTreeMap::new();
    for (at, _) in of(&rig) {
        let local = words::calendar::local_date(&words::Zone::parse("Asia/Tokyo").unwrap(), at);
        *days.entry(local.to_string()).or_default() += 1;
    }
    let days: Vec<_> = days.into_iter().collect();
    assert_eq!(days[..2], [("2026-04-01".to_owned(), 3), ("2026-04-02".to_owned(), 6)]);
}

#[tokio::test]
async fn a_time_that_the_provider_names_holds_for_everybody() {
    let rig = rig(&[("news", NEWS)], Pace { breaker: Some(Breaker::default()), ..Pace::default() }).await;
    rig.email.say(Outcome::Throttled { after: Duration::from_secs(90), answer: "429".to_owned() });
    let first = rig.customer("first").await;
    rig.order(first, "A-first").await;
    rig.settle().await;
    many(&rig, 5).await;
    let began = rig.clock.now();
    run_until(&rig, began.plus(Elapsed::from_minutes(10))).await;
    let handed = of(&rig);
    assert_eq!(handed.len(), 7);
    assert!(handed[1..].iter().all(|(at, _)| at.since(began) >= Elapsed::from_secs(90)), "{handed:?}");
}

#[tokio::test]
async fn what_is_under_way_when_the_provider_goes_down_is_not_begun_and_not_counted() {
    let breaker = Breaker { failures: 3, ..Breaker::default() };
    let rig = rig(&[("news", NEWS)], Pace { breaker: Some(breaker), ..Pace::default() }).await;
    many(&rig, 100).await;
    rig.plan().await;
    rig.email.down_until(rig.clock.now().plus(Elapsed::from_minutes(1)));
    rig.machine.send_batch().await.unwrap();
    let tried = rig.email.handed().len();
    assert!(tried < 100, "{tried}");
    assert!(rig.machine.store.is_paused(&Channel::EMAIL));
    run_until(&rig, rig.clock.now().plus(Elapsed::from_hours(1))).await;
    let outcomes = rig.outcomes().await;
    assert!(outcomes.iter().all(|(_, outcome)| *outcome == MessageOutcome::Accepted));
    let closed = rig.ledger.closed.lock().unwrap();
    let once = closed.iter().filter(|(work, settle)| settle.attempt.is_some() && work.attempts == 1).count();
    assert!(once >= 100, "an attempt that was not begun is none: {once}");
}

#[tokio::test]
async fn one_refused_recipient_after_the_other_pauses_nothing() {
    let rig = rig(&[("news", NEWS)], Pace { breaker: Some(Breaker::default()), ..Pace::default() }).await;
    for _ in 0..20 {
        rig.email.next(Answer::Say(Outcome::Deferred { after: None, answer: "450 greylisted".to_owned() }));
    }
    many(&rig, 20).await;
    rig.settle().await;
    assert!(!rig.machine.store.is_paused(&Channel::EMAIL));
    for _ in 0..5 {
        rig.email.next(Answer::Say(unavailable()));
    }
    let more = rig.customer("more").await;
    for n in 0..5 {
        rig.order(more, &format!("B-{n}")).await;
        rig.settle().await;
    }
    assert!(rig.machine.store.is_paused(&Channel::EMAIL));
}
