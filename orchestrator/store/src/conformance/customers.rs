//! Customers: found by whatever they are known by, changed whole, merged without loss.

use super::{at, deciding, ids, incoming, plan, someone};
use crate::{Identity, NotOne, Store, StoreError};
use futures::future::BoxFuture;
use std::sync::{Arc, Mutex};
use words::{
    Address, AddressState, Basis, Channel, Consent, ConsentChange, ConsentState, DeliveryClass, Evidence,
};

pub(super) async fn exercise(make: &impl AsyncFn() -> Store) {
    the_same_identities_give_the_same_customer(&make().await).await;
    two_people_at_one_browser_stay_two(&make().await).await;
    an_update_keeps_identities_and_tells_the_journeys(&make().await).await;
    a_merge_unites_two_customers(&make().await).await;
    an_erased_customer_cannot_be_read(&make().await).await;
    accounts_items_and_settings_are_kept(&make().await).await;
}

async fn the_same_identities_give_the_same_customer(store: &Store) {
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..16 {
        let store = store.clone();
        tasks.spawn(async move {
            let ids = words::IdSource::seeded(n);
            let keys = [Identity::user_id("u1"), Identity::anonymous_id(format!("browser-{n}"))];
            store.get_or_create(&keys, at(0), &ids).await.unwrap()
        });
    }
    let found = tasks.join_all().await;
    assert_eq!(found.iter().filter(|f| f.created).count(), 1);
    assert!(found.iter().all(|f| f.customer == found[0].customer));
    let by_browser = store.resolve(&[Identity::anonymous_id("browser-7")]).await.unwrap();
    assert_eq!(by_browser, Some(found[0].customer));
    let many = vec![vec![Identity::user_id("u2")], vec![Identity::user_id("u2"), Identity::user_id("u1")]];
    let made = store.get_or_create_many(&many, at(0), &words::IdSource::seeded(99)).await.unwrap();
    assert_eq!(made[0].customer, made[1].customer);
    assert_eq!(made[1].others, [found[0].customer]);
}

async fn two_people_at_one_browser_stay_two(store: &Store) {
    let ids = ids();
    let shared = Identity::anonymous_id("kitchen-tablet");
    let first = store.get_or_create(std::slice::from_ref(&shared), at(0), &ids).await.unwrap();
    let anna = store.get_or_create(&[Identity::user_id("anna"), shared.clone()], at(1), &ids).await.unwrap();
    assert_eq!(first.customer, anna.customer, "whoever browsed turns out to be anna");
    let ben = store.get_or_create(&[Identity::user_id("ben"), shared], at(2), &ids).await.unwrap();
    assert!(ben.created && ben.customer != anna.customer);
}

async fn an_update_keeps_identities_and_tells_the_journeys(store: &Store) {
    let ids = ids();
    let (anna, ben) = (someone(store, &ids, "anna").await, someone(store, &ids, "ben").await);
    let updated = store
        .update_customer(
            anna,
            at(1),
            |customer| {
                customer.addresses[0].value = "new@example.com".to_owned();
                customer.addresses.push(Address {
                    channel: Channel::EMAIL,
                    value: "ben@example.com".to_owned(),
                    state: AddressState::Active,
                    added_at: at(1),
                    seen_at: None,
                });
                Vec::new()
            },
            Vec::new(),
        )
        .await
        .unwrap();
    let email = |value: &str| Identity::address(&Channel::EMAIL, value);
    assert!(updated.changed);
    assert_eq!(store.resolve(&[email("ben@example.com")]).await.unwrap(), Some(anna.min(ben)), "the oldest");
    let mut both = [anna, ben];
    both.sort_unstable();
    assert_eq!(store.everybody(&email("ben@example.com")).await.unwrap(), both);
    // Whoever acts on a customer has to mean one of them.
    assert!(
        matches!(store.the_one(&email("ben@example.com")).await, Err(NotOne::Several(all)) if all == both)
    );
    assert!(matches!(store.the_one(&email("new@example.com")).await, Ok(one) if one == anna));
    assert!(matches!(store.the_one(&email("anna@example.com")).await, Err(NotOne::Nobody)));
    assert_eq!(store.resolve(&[email("new@example.com")]).await.unwrap(), Some(anna));
    assert_eq!(store.resolve(&[email("anna@example.com")]).await.unwrap(), None);
    let batch = store.claim_steps(at(1), 10, deciding()).await.unwrap();
    let (_, event) = &batch.work[0].events[0];
    assert_eq!(event.name, words::internal::CUSTOMER_UPDATED);
    let names = words::Value::List(vec![words::Value::Text("addresses".to_owned())]);
    assert_eq!(event.properties["changed"], names);
    drop(batch);
    let same = store.update_customer(anna, at(2), |_| Vec::new(), Vec::new()).await.unwrap();
    assert!(!same.changed, "no change, no event");
}

async fn a_merge_unites_two_customers(store: &Store) {
    let ids = ids();
    let (old, new) = (someone(store, &ids, "old").await, someone(store, &ids, "new").await);
    let word = |state, minutes| {
        let consent = Consent {
            purpose: Some("offers".to_owned()),
            channel: None,
            state,
            basis: Basis::Express,
            at: at(minutes),
            expires_at: None,
            evidence: Evidence::default(),
        };
        vec![ConsentChange { consent }]
    };
    let revoked = word(ConsentState::Revoked, 1);
    store.update_customer(old, at(1), move |_| revoked, Vec::new()).await.unwrap();
    let granted = word(ConsentState::Granted, 5);
    store.update_customer(new, at(5), move |_| granted, Vec::new()).await.unwrap();
    plan(store, old, "hello", DeliveryClass::NeverTwice).await;
    store.ingest(vec![incoming(old, &ids, "order", 1, Some("m1"))]).await.unwrap();

    let schema = journey::Schema::default();
    let merged = store.merge(old, new, &schema, at(6), Vec::new()).await.unwrap();
    assert!(merged.changed && merged.survivor == new);
    assert!(!store.merge(old, new, &schema, at(6), Vec::new()).await.unwrap().changed);
    let survivor = store.customer(old).await.unwrap().unwrap();
    assert_eq!(survivor.id, new, "the loser is a redirect");
    assert_eq!(
        survivor.consents.iter().map(|c| c.state).collect::<Vec<_>>(),
        [ConsentState::Revoked],
        "a revocation on either side wins"
    );
    assert_eq!(store.resolve(&[Identity::user_id("old")]).await.unwrap(), Some(new));
    let stored = store.ingest(vec![incoming(old, &ids, "order", 7, None)]).await.unwrap();
    assert!(
        matches!(stored[0], crate::Ingested::Stored { .. }),
        "an event for the loser reaches the survivor"
    );
    let batch = store.claim_steps(at(8), 10, deciding()).await.unwrap();
    assert_eq!(batch.work.iter().map(|w| w.customer.id).collect::<Vec<_>>(), [new]);
    assert_eq!(batch.work[0].open_deliveries.len(), 1, "what was planned goes on under the survivor");
    let changes = batch.work.iter().map(super::applied).collect();
    store.commit_steps(batch, changes, at(8), None).await.unwrap();
    let works = super::claim(store, 9).await;
    assert_eq!((works.len(), works[0].customer.id), (1, new));
    assert_eq!(works[0].address, "planted@example.com");
}

/// Addresses whose copies were to be forgotten.
#[derive(Default)]
struct Forgotten(Mutex<Vec<String>>);

impl crate::Copies for Forgotten {
    fn forget(&self, addresses: Vec<String>) -> BoxFuture<'_, Result<(), StoreError>> {
        self.0.lock().unwrap().extend(addresses);
        Box::pin(async { Ok(()) })
    }
}

async fn an_erased_customer_cannot_be_read(store: &Store) {
    let ids = ids();
    let anna = someone(store, &ids, "anna").await;
    plan(store, anna, "hello", DeliveryClass::NeverTwice).await;
    store.ingest(vec![incoming(anna, &ids, "order", 1, None)]).await.unwrap();
    let copies = Arc::new(Forgotten::default());
    store.keeps_copies_in(copies.clone());
    store.erase(anna, at(2), Vec::new()).await.unwrap();
    let forgotten = copies.0.lock().unwrap().clone();
    assert_eq!(forgotten, ["anna@example.com", "planted@example.com"], "also what messages were planned to");
    assert_eq!(store.customer(anna).await.unwrap(), None);
    assert_eq!(store.resolve(&[Identity::user_id("anna")]).await.unwrap(), None);
    assert!(super::claim(store, 5).await.is_empty());
    assert!(store.claim_steps(at(5), 10, deciding()).await.unwrap().work.is_empty());
    let missing = store.update_customer(anna, at(3), |_| Vec::new(), Vec::new()).await;
    assert!(matches!(missing, Err(StoreError::Erased)), "{missing:?}");
}

async fn accounts_items_and_settings_are_kept(store: &Store) {
    use std::collections::BTreeMap;
    let traits = BTreeMap::from([("seats".to_owned(), words::Value::Int(5))]);
    store.put_account("acme", &traits, at(0)).await.unwrap();
    assert_eq!(store.account("acme").await.unwrap(), Some(traits.clone()));
    let before = store.put_items("products", vec![("p1".to_owned(), traits.clone())], at(0)).await.unwrap();
    assert_eq!(before, [None]);
    let before = store.put_items("products", vec![("p1".to_owned(), BTreeMap::new())], at(1)).await.unwrap();
    assert_eq!(before, [Some(traits)]);
    assert_eq!(store.items("products").await.unwrap().len(), 1);
    store.put_business_clock(at(77)).await.unwrap();
    assert_eq!(store.business_clock().await.unwrap(), Some(at(77)));
    assert_eq!(store.sending_live().await.unwrap(), None);
    store.go_live_sending("mika", at(78)).await.unwrap();
    assert_eq!(store.sending_live().await.unwrap().unwrap().by, "mika");
}
