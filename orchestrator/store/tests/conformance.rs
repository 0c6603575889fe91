//! SQLite passes the suite, in memory and on disk; so does PostgreSQL.
#![allow(clippy::unwrap_used, clippy::panic)]

use store::{Options, Store};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_in_memory_passes_the_suite() {
    store::conformance::exercise(async || Store::memory(vault::Vault::ephemeral(1)).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_on_disk_passes_the_suite() {
    let folder = tempfile::tempdir().unwrap();
    let count = std::sync::atomic::AtomicU32::new(0);
    store::conformance::exercise(async || {
        let n = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = folder.path().join(format!("{n}.db"));
        Store::open(Options::file(path), vault::Vault::ephemeral(1)).await.unwrap()
    })
    .await;
}

/// Each in a schema of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_passes_the_suite() {
    let url = std::env::var("TABI_TEST_POSTGRES").expect(
        "TABI_TEST_POSTGRES names a PostgreSQL for tests: `tests/run` brings one, `tests/postgres start DIR` makes one",
    );
    let count = std::sync::atomic::AtomicU32::new(0);
    store::conformance::exercise(async || {
        let n = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let schema = format!("conformance_{}_{n}", std::process::id());
        Store::open(Options::server_in(&url, &schema).unwrap(), vault::Vault::ephemeral(1)).await.unwrap()
    })
    .await;
}
