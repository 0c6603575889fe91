//! The reconciler: three records that were kept apart, and every difference between them.
//!
//! Pure. It knows what was promised and nothing about how Tabi keeps it: no code, type or table is shared.
//!
//! - A never-twice message is at the sinks at most once, or not at all and then listed: unknown, or not sent for a reason
//!   that the sinks or the driver can confirm.
//! - A never-lost message is at the sinks at least once; where it is there again, it is the same message to the byte, and
//!   between the two nobody could have known that the first had arrived: the answer was withheld, or something was killed,
//!   paused or cut off meanwhile.
//! - What a sink took is listed; what is listed as taken, a sink took.

mod difference;
mod group;
mod message;

pub use difference::Difference;
use group::Group;

use crate::record::{Answer, Expected, Fault, HELD, Received, Said};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that was written down.
#[derive(Debug, Clone, Default)]
pub struct Records {
    /// What must come of what the driver sent.
    pub expected: Vec<Expected>,
    /// What the sinks got.
    pub received: Vec<Received>,
    /// What Tabi lists.
    pub said: Vec<Said>,
    /// What was done to it meanwhile.
    pub faults: Vec<Fault>,
    /// What Tabi keeps of some messages: id to the hash of their bytes.
    pub kept: BTreeMap<String, String>,
}

/// The judgement: figures, and every difference.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    /// What was counted, by name, in the order of the report.
    pub figures: Vec<(&'static str, usize)>,
    /// What does not fit together; empty where every promise was kept.
    pub differences: Vec<Difference>,
}

/// A repeat may follow a fault that came so long before the sink had read all of it: its bytes were still under way.
const UNDER_WAY_US: i64 = 5_000_000;

/// Lays the records over each other.
pub fn reconcile(records: &Records) -> Judgement {
    let said = with_addresses(records);
    let marks: BTreeMap<&str, &Expected> =
        records.expected.iter().map(|one| (one.mark.as_str(), one)).collect();
    let mut differences = Vec::new();

    let mut taken: BTreeMap<&str, Vec<&Received>> = BTreeMap::new();
    let mut refusals: BTreeMap<&str, Vec<&Received>> = BTreeMap::new();
    for one in &records.received {
        if one.answer.took() {
            taken.entry(&one.mark).or_default().push(one);
        } else {
            refusals.entry(&one.to).or_default().push(one);
        }
    }
    for times in taken.values_mut() {
        times.sort_by_key(|one| one.at_us);
    }
    for (mark, times) in &taken {
        match marks.get(mark) {
            Some(expected) => message::check(expected, times, &records.faults, &mut differences),
            None => {
                differences.push(Difference::Unasked { mark: (*mark).to_owned(), to: times[0].to.clone() })
            }
        }
    }
    held(records, &mut differences);
    let otherwise = |one: &&Received| {
        one.answer.took() && records.kept.get(&one.id).is_some_and(|kept| *kept != one.hash)
    };
    for one in records.received.iter().filter(otherwise) {
        differences.push(Difference::KeptOtherwise { message: one.id.clone() });
    }

    let mut groups: BTreeMap<(&str, &str), Group<'_>> = BTreeMap::new();
    for expected in &records.expected {
        groups.entry((&expected.to, &expected.journey)).or_default().expected.push(expected);
    }
    let mut listed = BTreeSet::new();
    for one in &said {
        if !listed.insert(one.message.as_str()) {
            differences.push(Difference::ListedTwice { message: one.message.clone() });
        }
        match groups.get_mut(&(one.to.as_str(), one.journey.as_str())) {
            Some(group) => group.said.push(one),
            None => differences.push(Difference::Invented {
                message: one.message.clone(),
                journey: one.journey.clone(),
                outcome: one.outcome.clone(),
            }),
        }
    }
    for ((to, _), group) in &mut groups {
        for expected in &group.expected {
            group.taken.extend(taken.get(expected.mark.as_str()).into_iter().flatten().copied());
        }
        group.refusals = refusals.get(to).cloned().unwrap_or_default();
        group.faults = records.faults.len();
        group.check(&mut differences);
    }
    Judgement { figures: figures(records, &said, &taken), differences }
}

/// What Tabi lists without an address (it was never planned for one) gets that of its customer, from what it lists with one.
fn with_addresses(records: &Records) -> Vec<Said> {
    let ways: BTreeMap<&str, bool> =
        records.expected.iter().map(|one| (one.journey.as_str(), one.to.contains('@'))).collect();
    let mut known: BTreeMap<(&str, bool), &str> = BTreeMap::new();
    for one in records.said.iter().filter(|one| !one.to.is_empty()) {
        known.insert((&one.customer, one.to.contains('@')), &one.to);
    }
    let complete = |one: &Said| {
        let mut one = one.clone();
        if one.to.is_empty()
            && let Some(mail) = ways.get(one.journey.as_str())
            && let Some(to) = known.get(&(one.customer.as_str(), *mail))
        {
            one.to = (*to).to_owned();
        }
        one
    };
    records.said.iter().map(complete).collect()
}

/// While it was held, nothing may have arrived.
fn held(records: &Records, differences: &mut Vec<Difference>) {
    for fault in records.faults.iter().filter(|fault| fault.what == HELD) {
        let during = |one: &&Received| one.answer.took() && (fault.from_us..fault.to_us).contains(&one.at_us);
        for one in records.received.iter().filter(during) {
            differences.push(Difference::WhileHeld { mark: one.mark.clone() });
        }
    }
}

fn figures(
    records: &Records,
    said: &[Said],
    taken: &BTreeMap<&str, Vec<&Received>>,
) -> Vec<(&'static str, usize)> {
    let count = |of: &dyn Fn(&Said) -> bool| said.iter().filter(|one| of(one)).count();
    let arrived: BTreeSet<&str> =
        taken.values().flatten().flat_map(|one| [one.id.as_str(), one.receipt.as_str()]).collect();
    let has_arrived = |one: &Said| {
        [&one.message]
            .into_iter()
            .chain(&one.deliveries)
            .chain(&one.receipts)
            .any(|id| arrived.contains(id.as_str()))
    };
    let repeats = taken.values().map(|times| times.len() - 1).sum();
    vec![
        (
            "messages that must come of what Tabi said it had taken",
            records.expected.iter().filter(|one| one.told).count(),
        ),
        (
            "messages of events that were never answered",
            records.expected.iter().filter(|one| !one.told).count(),
        ),
        ("messages that Tabi lists", said.len()),
        ("messages that the sinks took", taken.len()),
        ("repeats of never-lost messages, equal to the byte, after a fault or a withheld answer", repeats),
        (
            "answers that the sinks withheld",
            records.received.iter().filter(|one| one.answer == Answer::Withheld).count(),
        ),
        ("tries that the sinks refused", records.received.iter().filter(|one| !one.answer.took()).count()),
        ("listed as unknown", count(&|one| one.outcome == "unknown")),
        ("listed as unknown, and had arrived", count(&|one| one.outcome == "unknown" && has_arrived(one))),
        ("listed as quarantined", count(&|one| one.outcome == "quarantined")),
        (
            "listed as refused by the provider",
            count(&|one| matches!(one.outcome.as_str(), "rejected" | "bounced")),
        ),
        (
            "listed as not sent for another reason",
            count(&|one| matches!(one.outcome.as_str(), "suppressed" | "not_sent" | "expired" | "cancelled")),
        ),
        ("contents that Tabi keeps, compared with what arrived", records.kept.len()),
    ]
}

/// Whether something happened between the two receipts, so that nobody could know that the first had been taken.
fn excused(first: &Received, second: &Received, faults: &[Fault]) -> bool {
    first.answer == Answer::Withheld
        || faults.iter().any(|fault| {
            fault.what != HELD && fault.to_us >= first.at_us - UNDER_WAY_US && fault.from_us <= second.at_us
        })
}

#[cfg(test)]
mod tests;
