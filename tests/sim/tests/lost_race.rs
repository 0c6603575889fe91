//! A race that the product is made to lose is seen to be lost: the guard of the customer is not looked at.
#![cfg(feature = "planted")]
#![allow(clippy::unwrap_used, clippy::panic)]

use sim::races::{Place, races};
use store::planted::{Bug, plant};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_guard_that_is_not_looked_at_loses_races() {
    plant(Some(Bug::GuardIgnoredAtHandOver));
    let raced = races(1_000, 20, 1, &Place::Sqlite).await.unwrap();
    assert!(!raced.breaches.is_empty(), "{raced:?}");
}
