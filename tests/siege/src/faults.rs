//! What is done to the installation, and when: drawn from the seed before it begins, written down as it happens.

use crate::{
    chance::Chance,
    journal::Journal,
    options::Options,
    record::{Fault, now_us},
};
use anyhow::Result;
use std::collections::BTreeMap;

/// One thing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Blow {
    /// `kill -9` of a node.
    Kill,
    /// The same, and its queue is gone when it comes back.
    KillAndForget,
    /// A node is frozen for a while.
    Pause,
    /// No file of a node may grow for a while.
    Full,
    /// The clock of all nodes jumps: from now on it is so many seconds ahead of the true one.
    Clock(i64),
    /// `kill -9` of the database server.
    KillDatabase,
}

/// Where the clock may stand, in seconds ahead: beyond a lease, an hour, back again. Jumps between them go both ways.
pub const CLOCKS_S: [i64; 6] = [0, -600, 60, 150, 600, 3_600];

/// A blow, and how long after the one before.
#[derive(Debug, Clone, Copy)]
pub struct Planned {
    /// What.
    pub blow: Blow,
    /// Milliseconds after the node was last started.
    pub after_ms: u64,
    /// Which node.
    pub node: usize,
    /// Whether the node is let up before; every third kill comes wherever it stands.
    pub patient: bool,
}

/// Everything that is to be done, in its order.
pub fn plan(options: &Options, seed: u64) -> Vec<Planned> {
    let mut chance = Chance::new(seed, "faults");
    let forgotten = options.jobs_destroyed.min(options.kills);
    let counts = [
        (Blow::Kill, options.kills - forgotten),
        (Blow::KillAndForget, forgotten),
        (Blow::Pause, options.pauses),
        (Blow::Full, options.full),
        (Blow::KillDatabase, options.database_kills),
    ];
    let mut blows: Vec<Blow> = Vec::new();
    for (blow, count) in counts {
        blows.extend((0..count).map(|_| blow));
    }
    let clock = |chance: &mut Chance| CLOCKS_S[usize::try_from(chance.below(6)).unwrap_or(0)];
    blows.extend((0..options.clock_moves).map(|_| Blow::Clock(clock(&mut chance))));
    for last in (1..blows.len()).rev() {
        let other = usize::try_from(chance.below(last as u64 + 1)).unwrap_or(0);
        blows.swap(last, other);
    }
    blows
        .into_iter()
        .map(|blow| Planned {
            blow,
            after_ms: chance.between(50, 1_500),
            node: usize::try_from(chance.below(options.nodes as u64)).unwrap_or(0),
            patient: chance.below(3) > 0,
        })
        .collect()
}

/// What was done, in memory and on the disk.
#[derive(Debug)]
pub struct Done {
    journal: Journal,
    faults: Vec<Fault>,
}

impl Done {
    /// Opens the record, or makes it.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn open(path: &std::path::Path) -> Result<Self> {
        Ok(Self { journal: Journal::open(path)?, faults: Vec::new() })
    }

    /// Writes down what began at `from_us` and is over now.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn note(&mut self, what: &str, from_us: i64) -> Result<()> {
        let fault = Fault { what: what.to_owned(), from_us, to_us: now_us() };
        self.journal.append(std::slice::from_ref(&fault))?;
        self.faults.push(fault);
        Ok(())
    }

    /// All of it.
    pub fn all(&self) -> &[Fault] {
        &self.faults
    }

    /// How often what was done.
    pub fn counts(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for fault in &self.faults {
            *counts.entry(fault.what.as_str()).or_insert(0) += 1;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use clap::Parser as _;

    #[test]
    fn one_seed_is_one_plan_and_everything_asked_for_is_in_it() {
        let options =
            Options::parse_from(["siege", "--kills", "50", "--nodes", "3", "--database-kills", "4"]);
        let blows = |seed| plan(&options, seed).into_iter().map(|one| one.blow).collect::<Vec<_>>();
        assert_eq!(blows(5), blows(5));
        assert_ne!(blows(5), blows(6));
        let count = |wanted| blows(5).into_iter().filter(|blow| *blow == wanted).count();
        assert_eq!((count(Blow::Kill), count(Blow::KillAndForget), count(Blow::KillDatabase)), (48, 2, 4));
        assert!(plan(&options, 5).iter().all(|one| one.node < 3 && (50..=1_500).contains(&one.after_ms)));
    }
}
