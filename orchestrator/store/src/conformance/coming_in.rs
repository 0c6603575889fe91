//! Events: once, in order, each by itself.

use super::{at, deciding, ids, incoming, someone};
use crate::{Idempotency, Ingested, NewRejected, Store, StoreError};
use words::CustomerId;

pub(super) async fn exercise(make: &impl AsyncFn() -> Store) {
    the_same_event_ten_times_has_one_effect(&make().await).await;
    events_keep_the_order_of_their_commits(&make().await).await;
    many_at_once_are_all_there(&make().await).await;
    a_failing_command_leaves_its_neighbours_alone(&make().await).await;
    what_nobody_listens_to_makes_nobody_due(&make().await).await;
    unknown_events_are_counted_and_shown(&make().await).await;
    what_could_not_be_taken_in_is_kept(&make().await).await;
    an_idempotency_key_has_one_answer(&make().await).await;
}

async fn the_same_event_ten_times_has_one_effect(store: &Store) {
    let ids = ids();
    let anna = someone(store, &ids, "anna").await;
    let twice =
        vec![incoming(anna, &ids, "order", 1, Some("m1")), incoming(anna, &ids, "order", 1, Some("m1"))];
    assert_eq!(store.ingest(twice).await.unwrap(), [Ingested::Stored { seq: 1 }, Ingested::Duplicate]);
    for _ in 0..8 {
        let again = store.ingest(vec![incoming(anna, &ids, "order", 2, Some("m1"))]).await.unwrap();
        assert_eq!(again, [Ingested::Duplicate]);
    }
    let ben = someone(store, &ids, "ben").await;
    let other = store.ingest(vec![incoming(ben, &ids, "order", 1, Some("m1"))]).await.unwrap();
    assert_eq!(other, [Ingested::Stored { seq: 1 }], "a message id counts within a customer");
    let batch = store.claim_steps(at(5), 10, deciding()).await.unwrap();
    let events: usize = batch.work.iter().map(|work| work.events.len()).sum();
    assert_eq!((batch.work.len(), events), (2, 2));
}

async fn events_keep_the_order_of_their_commits(store: &Store) {
    let ids = ids();
    let anna = someone(store, &ids, "anna").await;
    for n in [5, 3, 4, 1] {
        store.ingest(vec![incoming(anna, &ids, "order", n, None)]).await.unwrap();
    }
    let batch = store.claim_steps(at(9), 10, deciding()).await.unwrap();
    let work = &batch.work[0];
    let seen: Vec<_> = work.events.iter().map(|(seq, e)| (*seq, e.occurred_at)).collect();
    assert_eq!(seen, [(1, at(5)), (2, at(3)), (3, at(4)), (4, at(1))]);
    assert_eq!(work.events[0].1.properties["total"], words::Value::Int(5));
}

async fn many_at_once_are_all_there(store: &Store) {
    let ids = ids();
    let anna = someone(store, &ids, "anna").await;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..64 {
        let (store, one) = (store.clone(), incoming(anna, &ids, "visit", n, Some(&format!("m{}", n % 32))));
        tasks.spawn(async move { store.ingest(vec![one]).await.unwrap()[0] });
    }
    let mut places = Vec::new();
    while let Some(done) = tasks.join_next().await {
        if let Ingested::Stored { seq } = done.unwrap() {
            places.push(seq);
        }
    }
    places.sort_unstable();
    assert_eq!(places, (1..=32).collect::<Vec<u64>>(), "no gap and no double place");
}

async fn a_failing_command_leaves_its_neighbours_alone(store: &Store) {
    let ids = ids();
    let anna = someone(store, &ids, "anna").await;
    let nobody = CustomerId([9; 16]);
    let good = store.ingest(vec![incoming(anna, &ids, "order", 1, None)]);
    let bad = store.ingest(vec![incoming(nobody, &ids, "order", 1, None)]);
    let more = store.put_setting("colour", Some("blue"));
    let (good, bad, more) = tokio::join!(good, bad, more);
    assert_eq!(good.unwrap(), [Ingested::Stored { seq: 1 }]);
    assert!(matches!(bad, Err(StoreError::NotFound(_))), "{bad:?}");
    more.unwrap();
    assert_eq!(store.setting("colour").await.unwrap().as_deref(), Some("blue"));
}

async fn what_nobody_listens_to_makes_nobody_due(store: &Store) {
    let ids = ids();
    let anna = someone(store, &ids, "anna").await;
    let mut quiet = incoming(anna, &ids, "page", 1, None);
    quiet.listened = false;
    store.ingest(vec![quiet.clone()]).await.unwrap();
    assert_eq!(store.next_step_due(), Some(at(1)), "whoever is new is looked at once");
    let batch = store.claim_steps(at(5), 10, deciding()).await.unwrap();
    let changes = batch.work.iter().map(super::applied).collect();
    store.commit_steps(batch, changes, at(5), None).await.unwrap();
    quiet.event.id = ids.event(at(6));
    store.ingest(vec![quiet]).await.unwrap();
    super::steps_due(store, 7, None).await;
    store.ingest(vec![incoming(anna, &ids, "order", 8, None)]).await.unwrap();
    super::steps_due(store, 7, Some(at(8))).await;
    let batch = store.claim_steps(at(9), 10, deciding()).await.unwrap();
    assert_eq!(batch.work[0].events.len(), 2, "what came before is seen, too");
}

async fn unknown_events_are_counted_and_shown(store: &Store) {
    let ids = ids();
    let anna = someone(store, &ids, "anna").await;
    for n in 1..=3 {
        let mut strange = incoming(anna, &ids, "sneeze", n, None);
        strange.declared = false;
        store.ingest(vec![strange]).await.unwrap();
    }
    let unknown = store.unknown_events().await.unwrap();
    assert_eq!((unknown[0].name.as_str(), unknown[0].count), ("sneeze", 3));
    assert_eq!(unknown[0].sample, r#"{"total":"int"}"#);
    store.forget_unknown_event("sneeze").await.unwrap();
    assert!(store.unknown_events().await.unwrap().is_empty());
}

async fn what_could_not_be_taken_in_is_kept(store: &Store) {
    let item = NewRejected {
        at: at(1),
        source: "api".to_owned(),
        name: "order".to_owned(),
        code: "not_a_number".to_owned(),
        reason: "`total` is not a number".to_owned(),
        body: b"planted-rejected".to_vec(),
    };
    store.reject(vec![item], &ids()).await.unwrap();
    let row = store.rejected(10).await.unwrap().remove(0);
    let (_, body) = store.rejected_body(row.id).await.unwrap().unwrap();
    assert_eq!(body, b"planted-rejected");
    store.rejected_replayed(row.id, at(2)).await.unwrap();
    assert_eq!(store.rejected(10).await.unwrap()[0].replayed_at, Some(at(2)));
}

async fn an_idempotency_key_has_one_answer(store: &Store) {
    let (key, body, other) = ([1; 32], [2; 32], [3; 32]);
    assert_eq!(store.idempotency_begin(key, body, at(0)).await.unwrap(), Idempotency::First);
    assert_eq!(store.idempotency_begin(key, body, at(0)).await.unwrap(), Idempotency::Running);
    assert_eq!(store.idempotency_begin(key, other, at(0)).await.unwrap(), Idempotency::Other);
    // Its process ended: the same request takes over a minute later, another one does not.
    assert_eq!(store.idempotency_begin(key, other, at(1)).await.unwrap(), Idempotency::Other);
    assert_eq!(store.idempotency_begin(key, body, at(1)).await.unwrap(), Idempotency::First);
    assert_eq!(store.idempotency_begin(key, body, at(1)).await.unwrap(), Idempotency::Running);
    store.idempotency_finish(key, 202, "{}").await.unwrap();
    let done = Idempotency::Done { status: 202, answer: "{}".to_owned() };
    assert_eq!(store.idempotency_begin(key, body, at(2)).await.unwrap(), done);
    assert_eq!(store.idempotency_begin(key, other, at(2)).await.unwrap(), Idempotency::Other);
    let week = 7 * 24 * 60 + 2;
    assert_eq!(store.idempotency_begin(key, other, at(week)).await.unwrap(), Idempotency::First);
    store.idempotency_forget(key).await.unwrap();
    assert_eq!(store.idempotency_begin(key, body, at(week)).await.unwrap(), Idempotency::First);
}
