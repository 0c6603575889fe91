//! Every way through a journey, counted out from its tree: what a passage that came to its end must have planned.

use super::{By, Journey, Step};

/// One way through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Passage {
    /// Step, visit, and how many hours after the start it may be planned at the earliest.
    pub sends: Vec<(String, u32, i64)>,
    /// Whether it ended at a `stop` instead of the last step.
    pub stopped: bool,
    hours: i64,
}

impl Journey {
    /// All ways through, for an order of this total.
    pub fn passages(&self, total: Option<i64>) -> Vec<Passage> {
        walk(&self.steps, vec![Passage::default()], total)
    }
}

fn walk(steps: &[Step], mut ways: Vec<Passage>, total: Option<i64>) -> Vec<Passage> {
    for step in steps {
        let (over, on): (Vec<_>, Vec<_>) = ways.into_iter().partition(|way| way.stopped);
        ways = over;
        ways.extend(one(step, on, total));
        ways.dedup();
        if ways.len() > 4096 {
            break;
        }
    }
    ways
}

fn one(step: &Step, mut ways: Vec<Passage>, total: Option<i64>) -> Vec<Passage> {
    match step {
        Step::Send { name, .. } => {
            for way in &mut ways {
                let visit = way.sends.iter().filter(|(step, ..)| step == name).count() + 1;
                way.sends.push((name.clone(), u32::try_from(visit).unwrap_or(u32::MAX), way.hours));
            }
            ways
        }
        Step::Wait { length, days, .. } => {
            // A customer who moves to another zone meanwhile may win a day.
            let hours = if *days { (length - 1).max(0) * 24 } else { *length };
            ways.iter_mut().for_each(|way| way.hours += hours);
            ways
        }
        Step::WaitFor { hours, or_stop, then, otherwise, .. } => {
            let came = walk(then, ways.clone(), total);
            ways.iter_mut().for_each(|way| way.hours += hours);
            let not = if *or_stop { stop(ways) } else { walk(otherwise, ways, total) };
            both(came, not)
        }
        Step::If { by, then, otherwise, .. } => match (by, total) {
            (By::TotalAtLeast(least), Some(total)) if total >= *least => walk(then, ways, Some(total)),
            (By::TotalAtLeast(_), Some(total)) => walk(otherwise, ways, Some(total)),
            _ => both(walk(then, ways.clone(), total), walk(otherwise, ways, total)),
        },
        Step::Experiment { one, other, .. } => both(walk(one, ways.clone(), total), walk(other, ways, total)),
        Step::Repeat { times, steps, .. } => (0..*times).fold(ways, |ways, _| walk(steps, ways, total)),
        Step::Set { .. } => ways,
        Step::Stop { .. } => stop(ways),
    }
}

fn stop(mut ways: Vec<Passage>) -> Vec<Passage> {
    ways.iter_mut().for_each(|way| way.stopped = true);
    ways
}

fn both(mut one: Vec<Passage>, other: Vec<Passage>) -> Vec<Passage> {
    one.extend(other);
    one
}
