//! What holds where several nodes share a database.

use super::{applied, at, claim, deciding, hand_over, ids, incoming, pacing, plan, settle, someone, soon};
use crate::{DeliveryState, FanoutOver, FanoutStep, HandOverRefused, Identity, NewFanout, StopScope, Store};
use channel::Outcome;
use channel::pace::{Breaker, Change, Pace};
use words::{Channel, CustomerId, DeliveryClass, Elapsed, IdSource, Timestamp};

/// Two nodes on one database that is fresh; `cut` ends every transaction that stands open, as the server does to a node that
/// has stood still for too long.
pub async fn share(one: &Store, two: &Store, cut: impl AsyncFn()) {
    both_make_one_customer(one, two).await;
    what_one_takes_in_the_other_steps(one, two).await;
    a_claim_is_nobody_elses(one, two).await;
    who_stood_still_writes_nothing(one, two, cut).await;
    a_delivery_is_one_nodes(one, two).await;
    a_stop_is_heard_by_all(one, two).await;
    many_at_once_lose_nothing(one, two).await;
    a_limit_holds_for_both_together(one, two).await;
    a_pause_is_heard_by_all(one, two).await;
    a_scan_is_one_nodes(one, two).await;
}

async fn step_all(store: &Store) -> usize {
    let mut done = 0;
    while let batch = store.claim_steps(at(100), 50, deciding()).await.unwrap()
        && !batch.work.is_empty()
    {
        let changes = batch.work.iter().map(applied).collect();
        done += batch.work.len();
        store.commit_steps(batch, changes, at(100), None).await.unwrap();
    }
    done
}

async fn both_make_one_customer(one: &Store, two: &Store) {
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..20 {
        let store = if n % 2 == 0 { one.clone() } else { two.clone() };
        tasks.spawn(async move {
            let keys = [Identity::user_id("both"), Identity::anonymous_id(format!("tab-{}", n / 2))];
            store.get_or_create(&keys, at(0), &IdSource::seeded(1000 + n)).await.unwrap()
        });
    }
    let made = tasks.join_all().await;
    assert_eq!(made.iter().filter(|made| made.created).count(), 1);
    assert!(made.iter().all(|one| one.customer == made[0].customer));
    step_all(one).await;
}

async fn what_one_takes_in_the_other_steps(one: &Store, two: &Store) {
    let id = someone(one, &IdSource::seeded(21), "elsewhere").await;
    one.ingest(vec![incoming(id, &ids(), "order", 1, Some("once"))]).await.unwrap();
    let again = two.ingest(vec![incoming(id, &ids(), "order", 1, Some("once"))]).await.unwrap();
    assert_eq!(again, [crate::Ingested::Duplicate]);
    soon("the other hears of it", async || two.next_step_due().is_some_and(|due| due <= at(100))).await;
    assert_eq!(step_all(two).await, 1);
    assert_eq!(step_all(one).await, 0);
}

async fn a_claim_is_nobody_elses(one: &Store, two: &Store) {
    let seeds = IdSource::seeded(22);
    for n in 0..30 {
        let id = someone(one, &seeds, &format!("shared-{n}")).await;
        one.ingest(vec![incoming(id, &seeds, "order", 1, None)]).await.unwrap();
    }
    soon("the other hears of it", async || two.next_step_due().is_some_and(|due| due <= at(100))).await;
    let mine = one.claim_steps(at(100), 10, deciding()).await.unwrap();
    assert_eq!(mine.work.len(), 10);
    let theirs = two.claim_steps(at(100), 100, deciding()).await.unwrap();
    let ids = |batch: &crate::StepBatch| -> Vec<CustomerId> {
        batch.work.iter().map(|work| work.customer.id).collect()
    };
    let (mine_ids, their_ids) = (ids(&mine), ids(&theirs));
    assert!(!their_ids.is_empty() && mine_ids.iter().all(|id| !their_ids.contains(id)));
    for (store, batch) in [(one, mine), (two, theirs)] {
        let changes = batch.work.iter().map(applied).collect();
        assert!(store.commit_steps(batch, changes, at(100), None).await.unwrap().conflicted.is_empty());
    }
    soon("everybody is stepped", async || {
        step_all(one).await;
        step_all(two).await;
        one.totals(at(100)).await.unwrap().steps_due == 0
    })
    .await;
}

async fn who_stood_still_writes_nothing(one: &Store, two: &Store, cut: impl AsyncFn()) {
    let seeds = IdSource::seeded(23);
    let id = someone(one, &seeds, "sleeper").await;
    one.ingest(vec![incoming(id, &seeds, "order", 1, None)]).await.unwrap();
    let asleep = one.claim_steps(at(100), 10, deciding()).await.unwrap();
    assert_eq!(asleep.work.len(), 1);
    cut().await;
    soon("the other takes it over", async || step_all(two).await == 1).await;
    let changes = asleep.work.iter().map(applied).collect();
    assert!(one.commit_steps(asleep, changes, at(100), None).await.is_err());
    assert_eq!(one.totals(at(100)).await.unwrap().steps_due, 0);
}

async fn a_delivery_is_one_nodes(one: &Store, two: &Store) {
    let id = someone(one, &IdSource::seeded(24), "reader").await;
    step_all(one).await;
    plan(one, id, "letter", DeliveryClass::NeverTwice).await;
    soon("the other hears of it", async || two.next_send_due(&[words::Channel::EMAIL]).is_some()).await;
    let (mine, theirs) = tokio::join!(claim(one, 5), claim(two, 5));
    assert_eq!(mine.len() + theirs.len(), 1);
    let (store, work) =
        if let Some(work) = mine.first() { (one, work.clone()) } else { (two, theirs[0].clone()) };
    let other = if mine.is_empty() { one } else { two };
    // Whoever else knew its numbers could not: it is begun once.
    let (here, there) = tokio::join!(
        store.hand_over(vec![hand_over(&work, 5)], at(5)),
        other.hand_over(vec![hand_over(&work, 5)], at(5))
    );
    let begun = [here.unwrap(), there.unwrap()].into_iter().flatten().filter(Result::is_ok).count();
    assert_eq!(begun, 1);
    assert_eq!(store.settle(vec![settle(&work, DeliveryState::Accepted)], at(6)).await.unwrap(), [true]);
    step_all(one).await;
}

async fn a_stop_is_heard_by_all(one: &Store, two: &Store) {
    let id = someone(one, &IdSource::seeded(25), "stopped").await;
    step_all(one).await;
    plan(one, id, "last_letter", DeliveryClass::NeverTwice).await;
    soon("the other hears of it", async || two.next_send_due(&[words::Channel::EMAIL]).is_some()).await;
    let work = claim(two, 5).await.remove(0);
    let before = two.stop_epoch();
    one.stop(StopScope::All, "rie", "a mistake", at(5)).await.unwrap();
    // At once, whatever the other has heard of it.
    let refused = two.hand_over(vec![hand_over(&work, 5)], at(5)).await.unwrap();
    assert!(matches!(refused[0], Err(HandOverRefused::Stopped)), "{refused:?}");
    soon("the other hears of the stop", async || two.stop_epoch() > before).await;
    one.resume(&StopScope::All, "rie", at(6)).await.unwrap();
}

/// Events of the same customers over both nodes, stepped by both meanwhile: each is there once, in one order.
async fn many_at_once_lose_nothing(one: &Store, two: &Store) {
    let seeds = IdSource::seeded(26);
    let mut people = Vec::new();
    for n in 0..8 {
        people.push(someone(one, &seeds, &format!("busy-{n}")).await);
    }
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..160_usize {
        let store = if n % 2 == 0 { one.clone() } else { two.clone() };
        let list = [people[n % 8], people[(n + 3) % 8]];
        tasks.spawn(async move {
            let seeds = IdSource::seeded(5000 + n as u64);
            let events = list.map(|id| incoming(id, &seeds, "order", 1, Some(&format!("m-{n}"))));
            // A database that cannot now is asked again, as a shop asks again.
            while store.ingest(events.to_vec()).await.is_err() {}
            step_all(&store).await;
        });
    }
    tasks.join_all().await;
    soon("everybody is stepped", async || {
        step_all(one).await;
        step_all(two).await;
        one.totals(at(100)).await.unwrap().steps_due == 0
    })
    .await;
    for id in people {
        assert_eq!(two.history(id, 1000).await.unwrap().len(), 40);
    }
}

/// Both ask whenever they like, at once; over any stretch of time no more goes through than the limit and one batch.
async fn a_limit_holds_for_both_together(one: &Store, two: &Store) {
    step_all(one).await;
    pacing::backlog(one, "paced", 27, 120).await;
    pacing::set(one, pacing::limited(100_000)).await;
    pacing::set(two, pacing::limited(100_000)).await;
    soon("the other hears of it", async || two.next_send_due(&[Channel::EMAIL]).is_some()).await;
    let mut through: Vec<(Timestamp, usize)> = Vec::new();
    let mut all = std::collections::BTreeSet::new();
    let mut now = at(5);
    while all.len() < 120 {
        let (here, there) = tokio::join!(pacing::claim_at(one, now), pacing::claim_at(two, now));
        through.push((now, here.len() + there.len()));
        for work in here.iter().chain(&there) {
            assert!(all.insert(work.delivery), "a delivery is one node's");
        }
        now = now.plus(Elapsed::from_millis(7));
        assert!(now < at(6), "it goes as fast as it may: {}", all.len());
    }
    for (first, (from, _)) in through.iter().enumerate() {
        let mut sum = 0;
        for (to, many) in &through[first..] {
            sum += i64::try_from(*many).unwrap();
            // A node's idea of the server's clock moves by a moment.
            let allowed = (to.since(*from).as_micros() + 3000) * 100 / 1_000_000 + 5;
            assert!(sum <= allowed, "{sum} within {:?}", to.since(*from));
        }
    }
    for store in [one, two] {
        store.set_paces(std::collections::BTreeMap::new()).await.unwrap();
    }
}

async fn a_pause_is_heard_by_all(one: &Store, two: &Store) {
    let pace = || Pace { breaker: Some(Breaker { failures: 2, ..Breaker::default() }), ..Pace::default() };
    for store in [one, two] {
        pacing::set(store, pace()).await;
    }
    let fails = || vec![Outcome::Unavailable { answer: "connection refused".to_owned() }.said()];
    // In a row over both of them.
    assert!(one.provider_said(&Channel::EMAIL, fails(), at(5)).await.unwrap().is_none());
    let paused = two.provider_said(&Channel::EMAIL, fails(), at(5)).await.unwrap();
    assert!(matches!(paused, Some((Change::Paused, _))));
    soon("the other hears of it", async || one.is_paused(&Channel::EMAIL)).await;
    let fine = vec![Outcome::AddressDead { answer: "550".to_owned() }.said()];
    assert!(one.provider_said(&Channel::EMAIL, fine, at(6)).await.unwrap().is_some());
    soon("the other hears of it", async || !two.is_paused(&Channel::EMAIL)).await;
    for store in [one, two] {
        store.set_paces(std::collections::BTreeMap::new()).await.unwrap();
    }
}

async fn a_scan_is_one_nodes(one: &Store, two: &Store) {
    let fanout = NewFanout {
        id: [8; 16],
        kind: "look_again".to_owned(),
        body: "{}".to_owned(),
        over: FanoutOver::All,
        at: at(0),
    };
    assert!(one.begin_fanout(fanout).await.unwrap());
    let everybody = one.totals(at(100)).await.unwrap().customers;
    let (now, lease) = (at(100), Elapsed::from_secs(60));
    let (here, there) =
        tokio::join!(one.take_fanouts("one", now, lease), two.take_fanouts("two", now, lease));
    let (here, there) = (here.unwrap(), there.unwrap());
    assert_eq!(here.len() + there.len(), 1, "one of them has it");
    let asleep = here.first().or(there.first()).cloned().unwrap();
    let (holder, other) = if here.is_empty() { (two, one) } else { (one, two) };
    let page = holder.fanout_page(&asleep, 7).await.unwrap();
    // It stood still: the other takes it over, and both go on.
    let later = now.plus(Elapsed::from_secs(61));
    let mut counted = 0;
    loop {
        let open = other.take_fanouts("other", later, lease).await.unwrap();
        let Some(scan) = open.first() else { break };
        let page = other.fanout_page(scan, 7).await.unwrap();
        assert!(other.fanout_step(scan, &page, FanoutStep::default(), later).await.unwrap());
        counted += page.len() as u64;
    }
    assert!(!holder.fanout_step(&asleep, &page, FanoutStep::default(), later).await.unwrap());
    assert_eq!(counted, everybody);
}
