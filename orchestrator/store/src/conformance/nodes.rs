//! What holds where several nodes share a database.

use super::{applied, at, claim, deciding, hand_over, ids, incoming, plan, settle, someone, soon};
use crate::{DeliveryState, HandOverRefused, Identity, StopScope, Store};
use words::{CustomerId, DeliveryClass, IdSource};

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
