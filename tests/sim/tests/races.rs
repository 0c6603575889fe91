//! A short round of races: an unsubscribe against a send, on both databases. 10,000 of them: `tests/run sim --races 10000`.

#![allow(clippy::unwrap_used, clippy::panic)]

use sim::races::{Place, Raced, races};

async fn some(place: Place) -> Raced {
    let raced = races(400, 20, 1, &place).await.unwrap();
    assert!(raced.breaches.is_empty(), "{}", raced.breaches.join("\n"));
    // Else it was no race.
    assert!(raced.handed_first >= 20 && raced.refused_first >= 20, "{raced:?}");
    raced
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_hand_over_begins_after_the_refusal_is_acknowledged() {
    some(Place::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nor_does_another_nodes() {
    let url = std::env::var("TABI_TEST_POSTGRES").expect(
        "TABI_TEST_POSTGRES names a PostgreSQL for tests: `tests/run` brings one, `tests/postgres start DIR` makes one",
    );
    some(Place::Postgres(url)).await;
}
