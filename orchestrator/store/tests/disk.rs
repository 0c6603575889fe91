//! What only a database on disk can show: locks, copies, newer schemas, nothing personal in clear.
#![allow(clippy::unwrap_used, clippy::panic)]

use futures::future::BoxFuture;
use sqlx::{ConnectOptions, Connection};
use std::sync::Arc;
use store::{Identity, Incoming, NewRejected, Options, Store, StoreError};
use vault::Vault;
use words::{
    Basis, Channel, Consent, ConsentChange, ConsentState, Event, EventKind, Evidence, IdSource, Timestamp,
    Value,
};

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_secs(1_790_000_000 + 60 * minutes)
}

async fn open(path: &std::path::Path) -> Store {
    Store::open(Options::file(path), Vault::ephemeral(1)).await.unwrap()
}

#[tokio::test]
async fn a_second_writer_is_refused_and_a_reader_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tabi.db");
    let store = open(&path).await;
    let second = Store::open(Options::file(&path), Vault::ephemeral(1)).await;
    assert!(matches!(second, Err(StoreError::InUse { .. })), "{second:?}");
    store.put_setting("colour", Some("blue")).await.unwrap();
    let reader = Store::open(Options::file(&path).read_only(), Vault::ephemeral(1)).await.unwrap();
    assert_eq!(reader.setting("colour").await.unwrap().as_deref(), Some("blue"));
    assert!(matches!(reader.put_setting("colour", None).await, Err(StoreError::ReadOnly)));
    store.close().await;
    drop(store);
    open(&path).await;
}

#[tokio::test]
async fn a_database_of_a_newer_release_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tabi.db");
    let store = open(&path).await;
    store.close().await;
    drop(store);
    let mut conn = sqlx::sqlite::SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
    sqlx::query("insert into tabi_migration (number, name) values (999, 'later')")
        .execute(&mut conn)
        .await
        .unwrap();
    conn.close().await.unwrap();
    let newer = Store::open(Options::file(&path), Vault::ephemeral(1)).await;
    let Err(StoreError::NewerSchema { found: 999, .. }) = newer else { panic!("{newer:?}") };
}

#[tokio::test]
async fn what_was_committed_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tabi.db");
    let ids = IdSource::seeded(1);
    let store = open(&path).await;
    let anna = store.get_or_create(&[Identity::user_id("anna")], at(0), &ids).await.unwrap().customer;
    store.make_due(&[anna], at(5)).await.unwrap();
    // No orderly end: the process is gone, the lock with it.
    drop(store);
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let store = open(&path).await;
    assert_eq!(store.next_step_due(), Some(at(5)), "hints are read from the tables");
    assert_eq!(store.resolve(&[Identity::user_id("anna")]).await.unwrap(), Some(anna));
    assert_eq!(store.held(), None, "a restart is no copy");
}

#[tokio::test]
async fn a_copy_starts_held_and_a_named_person_releases_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tabi.db");
    let store = open(&path).await;
    let instance = store.instance_id();
    let copy = folder.path().join("copy.db");
    store.backup(&copy).await.unwrap();
    let elsewhere = open(&copy).await;
    assert!(elsewhere.held().is_some());
    assert!(elsewhere.release_held(" ", "", at(1)).await.is_err());
    elsewhere.release_held("mika", "a drill", at(1)).await.unwrap();
    assert_eq!(elsewhere.held(), None);
    elsewhere.close().await;
    drop(elsewhere);
    assert_eq!(open(&copy).await.held(), None, "released for good");

    store.announce_move("mika", at(2)).await.unwrap();
    let moved = folder.path().join("moved.db");
    store.backup(&moved).await.unwrap();
    let moved = open(&moved).await;
    assert_eq!((moved.held(), moved.instance_id()), (None, instance));

    store.close().await;
    drop(store);
    std::fs::remove_file(path.with_extension("witness")).unwrap();
    std::fs::copy(&copy, folder.path().join("old.db")).unwrap();
    assert!(open(&folder.path().join("old.db")).await.held().is_some(), "no witness: a copy");
}

#[tokio::test]
async fn a_folder_copied_with_its_witness_starts_held_and_a_renamed_one_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let (first, copy, renamed) =
        (folder.path().join("first"), folder.path().join("copy"), folder.path().join("renamed"));
    std::fs::create_dir(&first).unwrap();
    std::fs::create_dir(&copy).unwrap();
    let store = open(&first.join("tabi.db")).await;
    store.close().await;
    drop(store);
    for file in std::fs::read_dir(&first).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), copy.join(file.file_name())).unwrap();
    }
    let elsewhere = open(&copy.join("tabi.db")).await;
    assert!(elsewhere.held().unwrap().reason.contains("copy"), "{:?}", elsewhere.held());
    std::fs::rename(&first, &renamed).unwrap();
    assert_eq!(open(&renamed.join("tabi.db")).await.held(), None, "it is the same file");
}

/// Copies elsewhere that can be made to fail.
#[derive(Default)]
struct Elsewhere {
    fails: std::sync::atomic::AtomicBool,
    forgotten: std::sync::Mutex<Vec<String>>,
}

impl store::Copies for Elsewhere {
    fn forget(&self, addresses: Vec<String>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            if self.fails.load(std::sync::atomic::Ordering::Relaxed) {
                return Err(StoreError::Unfinished("the disk is full".to_owned()));
            }
            self.forgotten.lock().unwrap().extend(addresses);
            Ok(())
        })
    }
}

#[tokio::test]
async fn an_erasure_cut_off_after_its_commit_takes_copies_and_keys_along_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tabi.db");
    let ids = IdSource::seeded(1);
    let store = open(&path).await;
    let copies = Arc::new(Elsewhere::default());
    store.keeps_copies_in(copies.clone());
    let keys = [Identity::user_id("anna"), Identity::address(&Channel::EMAIL, "anna@example.com")];
    let anna = store.get_or_create(&keys, at(0), &ids).await.unwrap().customer;
    copies.fails.store(true, std::sync::atomic::Ordering::Relaxed);
    let cut_off = store.erase(anna, at(1), Vec::new()).await;
    assert!(matches!(cut_off, Err(StoreError::Unfinished(_))), "{cut_off:?}");
    assert_eq!(store.resolve(&keys).await.unwrap(), None, "nothing leads to her");
    assert!(store.customer(anna).await.unwrap().is_some(), "who she was is needed to find the copies");
    store.close().await;
    drop(store);
    let store = open(&path).await;
    copies.fails.store(false, std::sync::atomic::Ordering::Relaxed);
    store.keeps_copies_in(copies.clone());
    for _ in 0..2 {
        store.sweep_at_start(at(2)).await.unwrap();
        assert_eq!(store.customer(anna).await.unwrap(), None);
        assert_eq!(*copies.forgotten.lock().unwrap(), ["anna@example.com"], "and only once");
    }
}

#[tokio::test]
async fn nothing_personal_lies_in_clear() {
    const PLANTED: [&str; 6] = [
        "planted-user",
        "planted@example.com",
        "planted-trait",
        "planted-property",
        "planted-wording",
        "planted-rejected",
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tabi.db");
    let ids = IdSource::seeded(1);
    let store = open(&path).await;
    let keys = [Identity::user_id(PLANTED[0]), Identity::address(&Channel::EMAIL, PLANTED[1])];
    let customer = store.get_or_create(&keys, at(0), &ids).await.unwrap().customer;
    let change = |customer: &mut words::Customer| {
        customer.traits.insert("name".to_owned(), Value::Text(PLANTED[2].to_owned()));
        let consent = Consent {
            purpose: Some("offers".to_owned()),
            channel: Some(Channel::EMAIL),
            state: ConsentState::Granted,
            basis: Basis::Express,
            at: at(1),
            expires_at: None,
            evidence: Evidence {
                method: "web_form".to_owned(),
                text: Some(PLANTED[4].to_owned()),
                ..Evidence::default()
            },
        };
        vec![ConsentChange { consent }]
    };
    store.update_customer(customer, at(1), change, Vec::new()).await.unwrap();
    let event = Event {
        id: ids.event(at(1)),
        name: "order".to_owned(),
        occurred_at: at(1),
        received_at: at(1),
        properties: [("what".to_owned(), Value::Text(PLANTED[3].to_owned()))].into(),
        kind: EventKind::Live,
    };
    let incoming = Incoming {
        customer,
        event,
        source: "api".to_owned(),
        message_id: Some("m1".to_owned()),
        listened: true,
        declared: false,
    };
    store.ingest(vec![incoming]).await.unwrap();
    let rejected = NewRejected {
        at: at(1),
        source: "api".to_owned(),
        name: "order".to_owned(),
        code: "x".to_owned(),
        reason: "no".to_owned(),
        body: PLANTED[5].as_bytes().to_vec(),
    };
    store.reject(vec![rejected], &ids).await.unwrap();
    assert_eq!(store.customer_page(customer, 20).await.unwrap().unwrap().timeline.len(), 3);
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for planted in PLANTED {
            let hits = bytes.windows(planted.len()).filter(|window| *window == planted.as_bytes()).count();
            assert_eq!(hits, 0, "{planted} lies in clear");
        }
    }
}

/// Compiles only while every future of a hot path may be spawned.
#[tokio::test]
async fn futures_may_be_spawned() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("tabi.db")).await;
    let claim = store::ClaimFor {
        node: "n".to_owned(),
        machine_now: at(0),
        lease: words::Elapsed::from_micros(1),
        caps_since: at(0),
    };
    tokio::spawn(async move {
        let ids = IdSource::seeded(1);
        let deciding = store::Deciding { caps_since: at(0), events_max: 1 };
        let keys = [Identity::user_id("anna")];
        let anna = store.get_or_create(&keys, at(0), &ids).await.unwrap().customer;
        store.resolve(&keys).await.unwrap();
        store.ingest(Vec::new()).await.unwrap();
        store.reject(Vec::new(), &ids).await.unwrap();
        store.update_customer(anna, at(0), |_| Vec::new(), Vec::new()).await.unwrap();
        let batch = store.claim_steps(at(0), 1, deciding).await.unwrap();
        store.commit_steps(batch, Vec::new(), at(0), Some(claim.clone())).await.unwrap();
        store.claim_customer(anna, at(0), deciding).await.unwrap();
        store.claim_sends(at(0), 1, &[Channel::EMAIL], claim).await.unwrap();
        store.hand_over(Vec::new(), at(0)).await.unwrap();
        store.settle(Vec::new(), at(0)).await.unwrap();
        store.receipts(Vec::new(), at(0)).await.unwrap();
        store.plan_messages(anna, Vec::new(), Vec::new(), at(0)).await.unwrap();
        store.sweep(at(0), at(0)).await.unwrap();
        store.log_search(&store::LogFilter::default(), None, 1).await.unwrap();
        store.customer_page(anna, 1).await.unwrap();
        store.troubles(1).await.unwrap();
        store.journey_counts(None).await.unwrap();
        store.customers(None, 1).await.unwrap();
        store.events_of(anna, 0, 1).await.unwrap();
        let ben = store.get_or_create(&[Identity::user_id("ben")], at(0), &ids).await.unwrap().customer;
        store.merge(ben, anna, &journey::Schema::default(), at(0), Vec::new()).await.unwrap();
        store.erase(anna, at(0), Vec::new()).await.unwrap();
        store.put_items("products", Vec::new(), at(0)).await.unwrap();
        store.claim_calls(at(0), at(0), 1, words::Elapsed::from_micros(1)).await.unwrap();
        store.settle_calls(Vec::new(), at(0)).await.unwrap();
        store.close().await;
    })
    .await
    .unwrap();
}
