//! What providers bear: limits, warm-ups and pauses hold whoever claims, what waits is not touched, and what may not be lost
//! goes first.

use super::{at, claim_for, ids, message, settle, someone};
use crate::{DeliveryState, FanoutOver, FanoutStep, NewFanout, SendWork, Store};
use channel::Outcome;
use channel::pace::{Breaker, Change, Days, Pace, Ramp, Rate, Wait};
use std::collections::BTreeMap;
use words::{Channel, DeliveryClass, Elapsed, IdSource, MessageClass, Timestamp, Zone};

pub(super) async fn exercise(make: &impl AsyncFn() -> Store) {
    a_limit_lets_through_what_it_says_and_touches_nothing_else(&make().await).await;
    what_may_not_be_lost_goes_first_then_the_longest_due(&make().await).await;
    a_warm_up_goes_on_the_next_day(&make().await).await;
    a_provider_that_fails_is_left_alone_by_what_is_due(&make().await).await;
    what_is_planned_for_now_waits_for_its_turn(&make().await).await;
    a_page_of_a_scan_counts_once(&make().await).await;
}

pub(super) fn limited(per_1000_seconds: u64) -> Pace {
    Pace { rate: Rate::per_1000_seconds(per_1000_seconds), ..Pace::default() }
}

pub(super) async fn set(store: &Store, pace: Pace) {
    store.set_paces(BTreeMap::from([(Channel::EMAIL, pace)])).await.unwrap();
}

/// Claims at this instant, which both clocks show.
pub(super) async fn claim_at(store: &Store, now: Timestamp) -> Vec<SendWork> {
    let claim = crate::ClaimFor { machine_now: now, ..claim_for(0) };
    store.claim_sends(now, 100, &[Channel::EMAIL], claim).await.unwrap()
}

fn secs(from: Timestamp, secs: i64) -> Timestamp {
    from.plus(Elapsed::from_secs(secs))
}

/// So many customers, each with something due a second after the one before.
pub(super) async fn backlog(store: &Store, name: &str, seed: u64, many: i64) {
    let seeds = IdSource::seeded(seed);
    for n in 0..many {
        let id = someone(store, &seeds, &format!("{name}-{n}")).await;
        let mut one = message(id, "hello", 1, DeliveryClass::NeverTwice);
        for delivery in &mut one.deliveries {
            delivery.due_at = secs(at(-1000), n);
        }
        store.plan_messages(id, vec![one], Vec::new(), at(1)).await.unwrap();
    }
}

async fn a_limit_lets_through_what_it_says_and_touches_nothing_else(store: &Store) {
    backlog(store, "waits", 31, 60).await;
    set(store, limited(40_000)).await;
    let now = at(10);
    let first = claim_at(store, now).await;
    assert_eq!(first.len(), 2, "a twentieth of a second's worth");
    assert!(claim_at(store, now).await.is_empty());
    assert!(store.send_wait(&Channel::EMAIL, now).is_some_and(|wait| wait > Elapsed::ZERO));
    // In the order in which they fell due, at the speed that the limit says.
    let (mut then, mut seen) = (now, first);
    while seen.len() < 60 {
        then = then.plus(store.send_wait(&Channel::EMAIL, then).unwrap_or(Elapsed::from_millis(1)));
        seen.extend(claim_at(store, then).await);
    }
    // A node's idea of the server's clock moves by a moment.
    let took = then.since(now);
    assert!(took >= Elapsed::from_millis(1440) && took < Elapsed::from_millis(1600), "{took:?}");
    let due: Vec<_> = seen.iter().map(|work| work.customer.created_at).collect();
    assert_eq!(due.len(), 60);
    assert!(
        seen.iter().all(|work| (work.attempts, work.strikes) == (1, 0)),
        "nobody was claimed and put back"
    );
    // What was not handed over after all is not counted.
    let last = seen.last().unwrap();
    let over = secs(then, 100);
    backlog(store, "more", 32, 3).await;
    let two = claim_at(store, over).await;
    store.give_back_pace(&Channel::EMAIL, two[0].taken.unwrap(), 2).await.unwrap();
    assert_eq!(claim_at(store, over).await.len(), 1);
    assert!(last.taken.is_some());
    assert_eq!(
        store.standings().await.unwrap()[0].1.wait(over),
        Some(Wait::Rate(Rate::per_1000_seconds(40_000).unwrap()))
    );
}

async fn what_may_not_be_lost_goes_first_then_the_longest_due(store: &Store) {
    set(store, limited(1000)).await;
    let seeds = IdSource::seeded(33);
    let plan = async |name: &str, class: MessageClass, minutes: i64| {
        let id = someone(store, &seeds, name).await;
        let mut one = message(id, name, minutes, class.delivery_class(false));
        one.class = class;
        store.plan_messages(id, vec![one], Vec::new(), at(minutes)).await.unwrap();
    };
    plan("offer_late", MessageClass::Marketing, 3).await;
    plan("offer_early", MessageClass::Marketing, 1).await;
    plan("receipt", MessageClass::Transactional, 5).await;
    plan("news", MessageClass::Service, 2).await;
    plan("code", MessageClass::Security, 4).await;
    let mut names = Vec::new();
    for n in 0..5 {
        names.extend(claim_at(store, secs(at(10), 2 * n)).await.into_iter().map(|work| work.step));
    }
    assert_eq!(names, ["code", "receipt", "offer_early", "news", "offer_late"]);
}

async fn a_warm_up_goes_on_the_next_day(store: &Store) {
    backlog(store, "warm", 34, 6).await;
    store.set_pace_zone(Zone::parse("Asia/Tokyo").unwrap());
    let now = Timestamp::parse("2026-12-01T03:00:00Z").unwrap();
    let start = "2026-12-01".parse().unwrap();
    set(store, Pace { ramp: Some(Ramp { start, days: Days::Listed(vec![2, 3]) }), ..Pace::default() }).await;
    assert_eq!(claim_at(store, now).await.len(), 2);
    assert!(claim_at(store, now).await.is_empty());
    let midnight = Timestamp::parse("2026-12-01T15:00:00Z").unwrap();
    let wait = store.send_wait(&Channel::EMAIL, now).unwrap();
    assert!((wait.as_micros() - midnight.since(now).as_micros()).abs() < 1_000_000, "{wait:?}");
    let morning = secs(midnight, 60);
    let standing = store.standings().await.unwrap().remove(0).1;
    assert_eq!(standing.wait(now), Some(Wait::Ramp { allowed: 2, ends: midnight }));
    assert_eq!(claim_at(store, morning).await.len(), 3);
    assert_eq!(claim_at(store, secs(morning, 86_400)).await.len(), 1, "it is over");
}

async fn a_provider_that_fails_is_left_alone_by_what_is_due(store: &Store) {
    let breaker = Breaker { failures: 2, ..Breaker::default() };
    set(store, Pace { breaker: Some(breaker), ..Pace::default() }).await;
    backlog(store, "down", 35, 10).await;
    let fails = || Outcome::Unavailable { answer: "connection refused".to_owned() }.said();
    let fine = || Outcome::MessageRefused { answer: "550 no".to_owned() }.said();
    let now = at(10);
    let hear = async |said, now| store.provider_said(&Channel::EMAIL, said, now).await.unwrap();
    assert!(hear(vec![fails(), fine(), fails()], now).await.is_none());
    let (change, standing) = hear(vec![fails()], now).await.unwrap();
    assert_eq!((change, standing.failures), (Change::Paused, 2));
    assert!(store.is_paused(&Channel::EMAIL));
    assert!(claim_at(store, now).await.is_empty());
    assert_eq!(store.troubles(10).await.unwrap().paused.len(), 1);
    // One tries it, the others are not touched.
    assert!(claim_at(store, secs(now, 4)).await.is_empty());
    let one = claim_at(store, secs(now, 6)).await;
    assert_eq!(one.len(), 1);
    assert!(claim_at(store, secs(now, 7)).await.is_empty());
    let (change, _) = hear(vec![fails()], secs(now, 7)).await.unwrap();
    assert_eq!(change, Change::PausedAgain);
    let mut later = settle(&one[0], DeliveryState::Planned);
    later.due_at = Some(secs(now, 60));
    store.settle(vec![later], secs(now, 7)).await.unwrap();
    assert!(claim_at(store, secs(now, 16)).await.is_empty());
    let one = claim_at(store, secs(now, 18)).await;
    assert_eq!((one.len(), one[0].attempts), (1, 1));
    let (change, _) = hear(vec![fine()], secs(now, 18)).await.unwrap();
    assert_eq!(change, Change::Resumed);
    let all = claim_at(store, secs(now, 18)).await;
    assert_eq!((all.len(), all[0].attempts, all[0].taken), (8, 1, None), "as if nothing had been");
    assert!(store.troubles(10).await.unwrap().paused.is_empty());
}

async fn what_is_planned_for_now_waits_for_its_turn(store: &Store) {
    let seeds = ids();
    let decide = async |name: &str| {
        let id = someone(store, &seeds, name).await;
        store.make_due(&[id], at(1)).await.unwrap();
        let batch = store.claim_steps(at(1), 10, super::deciding()).await.unwrap();
        let changes = batch.work.iter().map(|work| {
            let mut change = super::applied(work);
            change.messages = vec![message(id, "hello", 1, DeliveryClass::NeverTwice)];
            change
        });
        let changes = changes.collect();
        store.commit_steps(batch, changes, at(1), Some(claim_for(1))).await.unwrap().claimed.len()
    };
    assert_eq!(decide("anna").await, 1);
    set(store, limited(1000)).await;
    assert_eq!(decide("ben").await, 0);
    set(store, Pace { breaker: Some(Breaker::default()), ..Pace::default() }).await;
    assert_eq!(decide("carl").await, 1);
}

async fn a_page_of_a_scan_counts_once(store: &Store) {
    let seeds = ids();
    for n in 0..5 {
        someone(store, &seeds, &format!("scanned-{n}")).await;
    }
    let fanout = NewFanout {
        id: [9; 16],
        kind: "look_again".to_owned(),
        body: "{}".to_owned(),
        over: FanoutOver::All,
        at: at(0),
    };
    assert!(store.begin_fanout(fanout).await.unwrap());
    let lease = Elapsed::from_secs(60);
    let mine = store.take_fanouts("one", at(0), lease).await.unwrap().remove(0);
    let page = store.fanout_page(&mine, 3).await.unwrap();
    let step = || FanoutStep { events: Vec::new(), due: page.clone(), due_at: at(1) };
    assert!(store.fanout_step(&mine, &page, step(), at(1)).await.unwrap());
    assert!(!store.fanout_step(&mine, &page, step(), at(1)).await.unwrap(), "this page was counted");
    let mut mine = store.take_fanouts("one", at(0), lease).await.unwrap();
    assert_eq!(mine[0].count, 3);
    while let Some(one) = mine.pop() {
        let page = store.fanout_page(&one, 3).await.unwrap();
        assert!(store.fanout_step(&one, &page, FanoutStep::default(), at(1)).await.unwrap());
        mine = store.take_fanouts("one", at(0), lease).await.unwrap();
    }
}
