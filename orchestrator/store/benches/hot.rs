//! The hot paths on a database on disk, durable: events in, and five hundred customers claimed and committed.
#![allow(clippy::unwrap_used, missing_docs)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use store::{
    CustomerChange, Deciding, Identity, Incoming, MessageOutcome, NewDecision, NewDelivery, NewMessage,
    Options, Origin, Store,
};
use words::{
    Channel, CustomerId, DeliveryClass, DeliveryId, Event, EventKind, IdSource, MessageClass, MessageId,
    Timestamp, Value,
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_secs(1_790_000_000 + seconds)
}

async fn filled(folder: &std::path::Path, count: usize) -> (Store, Vec<CustomerId>, IdSource) {
    let ids = IdSource::seeded(3);
    let path = folder.join("tabi.db");
    let store = Store::open(Options::file(path), vault::Vault::ephemeral(1)).await.unwrap();
    let mut customers = Vec::new();
    for chunk in (0..count).collect::<Vec<_>>().chunks(1000) {
        let keys: Vec<_> = chunk.iter().map(|n| vec![Identity::user_id(format!("u{n}"))]).collect();
        let made = store.get_or_create_many(&keys, at(0), &ids).await.unwrap();
        customers.extend(made.into_iter().map(|made| made.customer));
    }
    (store, customers, ids)
}

fn incoming(customer: CustomerId, ids: &IdSource, n: i64) -> Incoming {
    Incoming {
        customer,
        event: Event {
            id: ids.event(at(n)),
            name: "order_placed".to_owned(),
            occurred_at: at(n),
            received_at: at(n),
            properties: [
                ("total".to_owned(), Value::Int(n)),
                ("order_id".to_owned(), Value::Text(format!("o-{n}"))),
            ]
            .into(),
            kind: EventKind::Live,
        },
        source: "api".to_owned(),
        message_id: Some(format!("m-{n}")),
        listened: true,
        declared: true,
    }
}

fn ingest(c: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (store, customers, ids) = runtime.block_on(filled(folder.path(), 2000));
    let mut group = c.benchmark_group("ingest");
    let mut n = 0;
    for size in [1, 100, 1000] {
        group.throughput(Throughput::Elements(size));
        group.bench_function(format!("batches_of_{size}"), |bench| {
            bench.iter(|| {
                let events = (0..size)
                    .map(|_| {
                        n += 1;
                        incoming(customers[n as usize % customers.len()], &ids, n)
                    })
                    .collect();
                black_box(runtime.block_on(store.ingest(events)).unwrap())
            });
        });
    }
    group.throughput(Throughput::Elements(32 * 32));
    group.bench_function("single_events_of_32_at_once", |bench| {
        bench.iter(|| {
            runtime.block_on(async {
                let mut tasks = tokio::task::JoinSet::new();
                for _ in 0..32 {
                    let events: Vec<_> = (0..32)
                        .map(|_| {
                            n += 1;
                            incoming(customers[n as usize % customers.len()], &ids, n)
                        })
                        .collect();
                    let store = store.clone();
                    tasks.spawn(async move {
                        for event in events {
                            store.ingest(vec![event]).await.unwrap();
                        }
                    });
                }
                tasks.join_all().await;
            });
        });
    });
}

fn change(customer: CustomerId, applied_seq: u64, n: i64) -> CustomerChange {
    let id = MessageId::derive(&customer.0, "hello", n as u32);
    CustomerChange {
        applied_seq,
        due_at: Some(at(n + 1)),
        decisions: vec![NewDecision {
            at: at(n),
            enrollment: None,
            journey: Some("welcome".to_owned()),
            step: Some("hello".to_owned()),
            kind: "branch",
            body: store::Saying::Words(r#"{"en":"It was the first purchase."}"#.to_owned()),
        }],
        messages: vec![NewMessage {
            id,
            origin: Origin::Journey,
            enrollment: None,
            journey: "welcome".to_owned(),
            step: "hello".to_owned(),
            visit: n as u32,
            name: "hello".to_owned(),
            purpose: "offers".to_owned(),
            class: MessageClass::Marketing,
            priority: 0,
            program: Some(1),
            release: None,
            cause_seq: 0,
            planned_at: at(n),
            expires_at: None,
            outcome: MessageOutcome::Planned,
            why: r#"{"verdict":"allow"}"#.to_owned(),
            inputs: std::collections::BTreeMap::new(),
            deliveries: vec![NewDelivery {
                id: DeliveryId::derive(id, 1, "email", 0),
                ordinal: 1,
                channel: Channel::EMAIL,
                address: "someone@example.com".to_owned(),
                due_at: at(n),
                class: DeliveryClass::NeverTwice,
            }],
        }],
        ..CustomerChange::default()
    }
}

fn steps(c: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (store, customers, _) = runtime.block_on(filled(folder.path(), 20_000));
    runtime.block_on(store.make_due(&customers, at(0))).unwrap();
    let deciding = Deciding { caps_since: at(-1000), events_max: 100 };
    let mut now = 0;
    let mut group = c.benchmark_group("steps");
    group.throughput(Throughput::Elements(500)).sample_size(30);
    for (name, planning) in [("claim_and_commit_500", false), ("claim_and_commit_500_with_a_message", true)] {
        group.bench_function(name, |bench| {
            bench.iter(|| {
                runtime.block_on(async {
                    let mut batch = store.claim_steps(at(now), 500, deciding).await.unwrap();
                    if batch.work.is_empty() {
                        now += 1;
                        batch = store.claim_steps(at(now), 500, deciding).await.unwrap();
                    }
                    let changes = batch
                        .work
                        .iter()
                        .map(|work| {
                            let mut change = change(work.customer.id, work.applied_seq, now);
                            if !planning {
                                change.messages.clear();
                            }
                            change
                        })
                        .collect();
                    black_box(store.commit_steps(batch, changes, at(now), None).await.unwrap());
                });
            });
        });
    }
}

criterion_group!(benches, ingest, steps);
criterion_main!(benches);
