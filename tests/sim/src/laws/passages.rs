//! Passages against the trees they were compiled from: who had to begin, and what each had to plan.

use super::{blob, group_of, int, text};
use crate::clock::HOUR;
use crate::tables::Tables;
use crate::world::World;
use std::collections::{BTreeMap, BTreeSet};

/// How late an event may start something.
const LATE: i64 = 24 * HOUR;

/// A passage as the tables tell it.
struct Found {
    journey: String,
    key: Vec<u8>,
    group: usize,
    status: i64,
    reason: String,
    started_at: i64,
    program: i64,
    /// Step, visit, planned at, id.
    sends: Vec<(String, i64, i64, Vec<u8>)>,
}

pub(super) fn hold(world: &World, tables: &Tables) -> anyhow::Result<()> {
    let groups = group_of(world);
    let mut found: BTreeMap<Vec<u8>, Found> = BTreeMap::new();
    for row in tables.rows(
        "select e.id, j.name, e.key, e.customer, e.status, e.reason, e.started_at, e.program from enrollment e \
         join symbol j on j.id = e.journey",
    )? {
        found.insert(
            blob(&row, 0),
            Found {
                journey: text(&row, 1),
                key: blob(&row, 2),
                group: groups.get(&blob(&row, 3)).copied().unwrap_or(usize::MAX),
                status: int(&row, 4).unwrap_or(0),
                reason: text(&row, 5),
                started_at: int(&row, 6).unwrap_or(0),
                program: int(&row, 7).unwrap_or(0),
                sends: Vec::new(),
            },
        );
    }
    for row in tables.rows(
        "select m.enrollment, s.name, m.visit, m.planned_at, m.id from message m join symbol s on s.id = m.step \
         where m.enrollment is not null",
    )? {
        if let Some(passage) = found.get_mut(&blob(&row, 0)) {
            let (visit, at) = (int(&row, 2).unwrap_or(0), int(&row, 3).unwrap_or(0));
            passage.sends.push((text(&row, 1), visit, at, blob(&row, 4)));
        }
    }
    begun(world, &found);
    for (id, passage) in &found {
        planned(world, id, passage);
    }
    Ok(())
}

/// Who had to begin did, and nobody else.
fn begun(world: &World, found: &BTreeMap<Vec<u8>, Found>) {
    let mut book = world.book();
    let mut breaches = Vec::new();
    for (id, order) in &book.orders {
        let key = store::key_hash(id).to_vec();
        let mut of_order: BTreeMap<&str, usize> = BTreeMap::new();
        for passage in found.values().filter(|passage| passage.key == key) {
            *of_order.entry(passage.journey.as_str()).or_default() += 1;
        }
        for (journey, count) in &of_order {
            if *count > 1 {
                breaches.push(("I5", format!("{count} passages of {journey} for order {id}")));
            }
        }
        let Some(taken_at) = order.taken_at else { continue };
        if taken_at - order.occurred_at > LATE && !of_order.is_empty() {
            breaches.push(("I6", format!("order {id} came too late, and {of_order:?} began")));
        }
        if book.groups.get(book.group(order.person)).is_some_and(|group| group.erased) {
            continue;
        }
        // When it was applied; unknown where the process ended before anybody was told.
        let applied = order.place.and_then(|(customer, seq)| {
            book.stepped.get(&customer)?.iter().find(|(_, through)| *through >= seq).map(|(at, _)| *at)
        });
        let Some(applied) = applied else { continue };
        let same = book.deployed.iter().all(|at| *at < taken_at || *at > applied);
        if same && applied - order.occurred_at <= LATE {
            for journey in order.live.iter().filter(|journey| !of_order.contains_key(journey.as_str())) {
                breaches.push(("I12", format!("order {id} should have begun {journey}")));
            }
        }
    }
    let mut visits: BTreeMap<(usize, &str), u64> = BTreeMap::new();
    for passage in found.values().filter(|passage| passage.key.iter().all(|byte| *byte == 0)) {
        *visits.entry((passage.group, passage.journey.as_str())).or_default() += 1;
    }
    for ((group, journey), count) in visits {
        let members = book.groups.get(group).map(|g| g.members.clone()).unwrap_or_default();
        let told: u64 = members.iter().filter_map(|member| book.visits.get(member)).sum();
        if count > told {
            breaches
                .push(("I12", format!("{count} passages of {journey} by {told} visits of group {group}")));
        }
    }
    for (law, what) in breaches {
        book.breach(law, what);
    }
}

/// What a passage planned is what its tree asks for, no earlier than it may, under ids that follow from their keys.
fn planned(world: &World, id: &[u8], passage: &Found) {
    let mut book = world.book();
    let Some(journey) = book.programs.get(&passage.program).cloned() else { return };
    let name = &passage.journey;
    let total = book.orders.iter().find(|(order, _)| store::key_hash(order).to_vec() == passage.key);
    let ways = journey.passages(total.map(|(_, order)| order.total));
    let have: BTreeSet<(&str, i64)> =
        passage.sends.iter().map(|(step, visit, ..)| (step.as_str(), *visit)).collect();
    let of = |way: &crate::plan::Passage| -> BTreeSet<(String, i64)> {
        way.sends.iter().map(|(step, visit, _)| (step.clone(), i64::from(*visit))).collect()
    };
    let own = |set: &BTreeSet<(&str, i64)>| -> BTreeSet<(String, i64)> {
        set.iter().map(|(step, visit)| ((*step).to_owned(), *visit)).collect()
    };
    let have = own(&have);
    let by_itself = matches!(passage.reason.as_str(), "never_delivered" | "enough");
    let fits = ways.iter().any(|way| match passage.status {
        1 => !way.stopped && of(way) == have,
        2 if by_itself => way.stopped && of(way) == have,
        _ => of(way).is_superset(&have),
    });
    if !fits {
        let what = format!("{name} ended {} ({}) with {have:?}", passage.status, passage.reason);
        book.breach("I1", what);
    }
    for (step, visit, at, message) in &passage.sends {
        let earliest = ways
            .iter()
            .flat_map(|way| way.sends.iter())
            .filter(|(s, v, _)| s == step && i64::from(*v) == *visit)
            .map(|(_, _, hours)| *hours)
            .min();
        if earliest.is_some_and(|hours| *at < passage.started_at + hours * HOUR) {
            book.breach("I9", format!("{step} of {name} was planned before its wait was over"));
        }
        if message.get(6..) != Some(&tail(id, step, *visit)[..]) {
            book.breach("I1", format!("the id of {step} of {name} does not follow from its key"));
        }
    }
}

/// The part of a message's id that its key alone decides.
fn tail(enrollment: &[u8], step: &str, visit: i64) -> [u8; 10] {
    use sha2::{Digest as _, Sha256};
    let mut hash = Sha256::new();
    hash.update(b"tabi/message/v1\0");
    hash.update(enrollment);
    hash.update((step.len() as u64).to_be_bytes());
    hash.update(step.as_bytes());
    hash.update(u32::try_from(visit).unwrap_or(0).to_be_bytes());
    let mut out = [0; 10];
    out.copy_from_slice(&hash.finalize()[..10]);
    out
}
