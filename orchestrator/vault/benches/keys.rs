//! How long the keys of one step batch take: 500 new subjects, 500 known to the database, 500 known to the cache; and
//! what sealing a profile and signing a link cost.
#![allow(missing_docs, clippy::unwrap_used)]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use vault::{Cell, KeyClass, KeyRef, RootKey, Vault};
use words::Timestamp;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn batch(number: u64) -> Vec<KeyRef> {
    (0..500_u64)
        .map(|index| {
            let mut subject = [0; 16];
            subject[..8].copy_from_slice(&number.to_be_bytes());
            subject[8..].copy_from_slice(&index.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
            KeyRef { subject, class: KeyClass::Events, year: 2026 }
        })
        .collect()
}

fn keys(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys.db");
    let root = RootKey::from_bytes([7; 32]);
    let vault = runtime.block_on(Vault::open(&path, &root)).unwrap();
    let mut group = criterion.benchmark_group("500 keys");
    group.throughput(Throughput::Elements(500)).sample_size(20);
    let mut number = 0;
    group.bench_function("new", |bencher| {
        bencher.iter_batched(
            || {
                number += 1;
                batch(number)
            },
            |wanted| runtime.block_on(vault.keys_for(&wanted, NOW)).unwrap(),
            BatchSize::PerIteration,
        );
    });
    group.bench_function("in the database", |bencher| {
        bencher.iter_batched(
            || runtime.block_on(Vault::open(&path, &root)).unwrap(),
            |cold| runtime.block_on(cold.keys_for(&batch(1), NOW)).unwrap(),
            BatchSize::PerIteration,
        );
    });
    let wanted = batch(1);
    group.bench_function("in the cache", |bencher| {
        bencher.iter(|| runtime.block_on(vault.keys_for(&wanted, NOW)).unwrap());
    });
    group.finish();

    let key = runtime.block_on(vault.subject_key(wanted[0], NOW)).unwrap();
    let profile = [b'x'; 600];
    let cell = Cell::new("customer", "profile", &[1; 16]);
    let sealed = vault.seal(&key, cell, &profile).unwrap();
    criterion.bench_function("seal 600 bytes", |b| {
        b.iter(|| vault.seal(&key, cell, black_box(&profile)).unwrap())
    });
    criterion.bench_function("open 600 bytes", |b| {
        b.iter(|| vault.open_sealed(&key, cell, black_box(&sealed)).unwrap());
    });
    criterion
        .bench_function("blind index", |b| b.iter(|| vault.blind("email", black_box("hanako@example.jp"))));
    criterion
        .bench_function("sign a link", |b| b.iter(|| vault.sign_link("unsubscribe", black_box(&[1; 33]))));
}

criterion_group!(benches, keys);
criterion_main!(benches);
