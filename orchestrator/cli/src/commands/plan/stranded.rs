//! Customers who would not get a message that their program sends.

use super::Programs;
use journey::Op;
use release::Release;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use store::JourneyCounts;

/// Customers who would not get a message that their program sends.
#[derive(Debug, Serialize)]
pub(super) struct Stranded {
    pub(super) journey: String,
    pub(super) message: String,
    pub(super) customers: u64,
    pub(super) because: words::Text,
}

/// What customers on their way would be kept from: their programs say with which inputs a message is sent, and the new
/// release renders it.
pub(super) fn stranded(new: &Release, counts: &[JourneyCounts], programs: &Programs) -> Vec<Stranded> {
    let catalog = new.templates.catalog();
    let mut found: BTreeMap<(String, String), Stranded> = BTreeMap::new();
    let mut on: BTreeMap<i64, u64> = BTreeMap::new();
    for (no, _, customers) in counts.iter().flat_map(|of| &of.places) {
        *on.entry(*no).or_default() += customers;
    }
    for (no, customers) in on.into_iter().filter(|(_, customers)| *customers > 0) {
        let Some(program) = programs.get(&no) else { continue };
        for node in &program.nodes {
            let Op::Send { send, .. } = &node.op else { continue };
            let given: BTreeSet<&str> = send.with.iter().map(|(name, _)| name.as_str()).collect();
            let because = match catalog.messages.get(&send.message) {
                None => words::Text::new("there is no such message any more", "このメッセージはなくなります"),
                Some(entry) => {
                    let lacks = entry
                        .inputs
                        .iter()
                        .find(|(name, input)| input.required && !given.contains(name.as_str()));
                    let extra = given.iter().find(|name| !entry.inputs.contains_key(**name));
                    match (lacks, extra) {
                        (Some((name, _)), _) => words::Text::new(
                            format!(
                                "it needs `{name}`, which they began without: declare it optional, or with a default"
                            ),
                            format!(
                                "「{name}」が必要になりますが、進行中の人にはありません。省略可能にするか、既定値を付けてください"
                            ),
                        ),
                        (_, Some(name)) => words::Text::new(
                            format!(
                                "it no longer declares `{name}`, which they bring: leave it declared until they are through"
                            ),
                            format!(
                                "「{name}」の宣言がなくなりますが、進行中の人は持っています。全員が終わるまで残してください"
                            ),
                        ),
                        _ => continue,
                    }
                }
            };
            let key = (program.journey.clone(), send.message.clone());
            let entry = found.entry(key).or_insert_with(|| Stranded {
                journey: program.journey.clone(),
                message: send.message.clone(),
                customers: 0,
                because,
            });
            entry.customers = entry.customers.max(customers);
        }
    }
    found.into_values().collect()
}
