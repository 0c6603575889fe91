//! What holds of a copy: everything is in it, nothing is sent from it before somebody says so, and then nothing twice.

use super::{applied, at, claim, deciding, event, hand_over, ids, incoming, plan, settle, someone};
use crate::{DeliveryState, Identity, LogFilter, LogRow, Store};
use words::{CustomerId, DeliveryClass, IdSource};

/// What there was when the copy was made.
#[derive(Debug)]
pub struct Life {
    log: Vec<LogRow>,
    waits: CustomerId,
    due: CustomerId,
    erased: CustomerId,
}

/// Lives a little: one message was taken, one is with a provider, one waits, an event was not looked at yet, somebody was
/// erased.
pub async fn live(store: &Store) -> Life {
    let seeds = IdSource::seeded(31);
    for (name, answered) in [("anna", true), ("dora", false)] {
        let id = someone(store, &seeds, name).await;
        plan(store, id, "hello", DeliveryClass::NeverTwice).await;
        let work = claim(store, 2).await.remove(0);
        assert_eq!(store.hand_over(vec![hand_over(&work, 2)], at(2)).await.unwrap(), [Ok(())]);
        if answered {
            assert_eq!(
                store.settle(vec![settle(&work, DeliveryState::Accepted)], at(2)).await.unwrap(),
                [true]
            );
        }
    }
    let waits = someone(store, &seeds, "ben").await;
    plan(store, waits, "letter", DeliveryClass::NeverTwice).await;
    let due = someone(store, &seeds, "carl").await;
    store.ingest(vec![incoming(due, &seeds, "order", 1, Some("once"))]).await.unwrap();
    let erased = someone(store, &seeds, "erin").await;
    store.ingest(vec![incoming(erased, &seeds, "order", 1, None)]).await.unwrap();
    store.erase(erased, at(2), Vec::new()).await.unwrap();
    let log = log(store).await;
    assert_eq!(log.len(), 3);
    Life { log, waits, due, erased }
}

async fn log(store: &Store) -> Vec<LogRow> {
    store.log_search(&LogFilter::default(), None, 100).await.unwrap().rows
}

/// Everything is there, in a copy that is opened for the first time.
pub async fn is_all_there(store: &Store, life: &Life) {
    assert_eq!(log(store).await, life.log);
    assert_eq!(store.resolve(&[Identity::user_id("ben")]).await.unwrap(), Some(life.waits));
    assert_eq!(store.history(life.due, 10).await.unwrap().len(), 1, "what is sealed opens");
    assert_eq!(store.resolve(&[Identity::user_id("erin")]).await.unwrap(), None);
    assert!(store.customer(life.erased).await.unwrap().is_none_or(|one| one.traits.is_empty()));
    assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
}

/// It goes on where the original was; `held`: once a named person has let it go.
pub async fn goes_on(store: &Store, life: &Life, held: bool) {
    assert_eq!(store.held().is_some(), held);
    // Everything is taken in, once, and stepped.
    let again = store.ingest(vec![incoming(life.due, &ids(), "order", 1, Some("once"))]).await.unwrap();
    assert_eq!(again, [crate::Ingested::Duplicate]);
    let batch = store.claim_steps(at(100), 50, deciding()).await.unwrap();
    assert_eq!(batch.work.iter().map(|work| work.customer.id).collect::<Vec<_>>(), [life.due]);
    let changes = batch.work.iter().map(applied).collect();
    store.commit_steps(batch, changes, at(100), None).await.unwrap();
    if held {
        assert!(claim(store, 3).await.is_empty(), "nothing is sent");
        store.release_held("mika", "a drill", at(3)).await.unwrap();
    }
    // What waits goes out, and nothing that went out or may have gone out before.
    let works = claim(store, 3).await;
    assert_eq!(works.iter().map(|work| work.customer.id).collect::<Vec<_>>(), [life.waits]);
    assert_eq!(store.hand_over(vec![hand_over(&works[0], 3)], at(3)).await.unwrap(), [Ok(())]);
    assert_eq!(store.settle(vec![settle(&works[0], DeliveryState::Accepted)], at(3)).await.unwrap(), [true]);
    assert!(claim(store, 4).await.is_empty());
    // New names and places go on behind those that came along.
    let seeds = IdSource::seeded(32);
    let fresh = someone(store, &seeds, "fresh").await;
    plan(store, fresh, "news", DeliveryClass::NeverTwice).await;
    let mut later = incoming(fresh, &seeds, "never_heard_of", 5, None);
    later.event = event(&seeds, "never_heard_of", 5);
    store.ingest(vec![later]).await.unwrap();
    let rows = log(store).await;
    assert_eq!(rows.len(), life.log.len() + 1);
    assert!(life.log.iter().all(|old| rows[0].message != old.message), "the newest comes first");
    assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
}
