//! Two hundred journeys of some thirty nodes, from YAML to programs: at most 50 ms, so that `tabi check` feels like
//! saving a file.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../tests/base/mod.rs"]
mod base;

use criterion::{Criterion, criterion_group, criterion_main};
use std::collections::BTreeMap;

fn project() -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::from([("journeys/schema.yaml".to_owned(), base::SCHEMA.as_bytes().to_vec())]);
    for number in 0..200 {
        let mut text = format!(
            "journey: j{number}\npurpose: after_sales\nstart: {{event: order_placed}}\nfirst_of: [email]\nsteps:\n"
        );
        for _ in 0..8 {
            text += "  - wait: 3 days\n    between: \"09:00-20:00\"\n  - if: customer.orders > 1 and event.total >= \
                     money(\"3000 JPY\")\n    then:\n      - send: thank_you\n    else:\n      - send: tips\n";
        }
        files.insert(format!("journeys/j{number}.yaml"), text.into_bytes());
    }
    files
}

fn compile(c: &mut Criterion) {
    let (files, messages) = (project(), base::messages());
    assert!(journey::compile(&files, &messages).0.is_some());
    c.bench_function("compile 200 journeys of 33 nodes", |b| b.iter(|| journey::compile(&files, &messages)));
}

criterion_group!(benches, compile);
criterion_main!(benches);
