//! Many seeds, side by side: each on a thread of its own runtime, so that a seed's world is nobody else's.

use crate::book::Breach;
use crate::run::{Report, run};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What came of many seeds.
#[derive(Debug, Default)]
pub struct Tally {
    /// Seeds run.
    pub seeds: u64,
    /// Hand-overs in them.
    pub handed: u64,
    /// Processes that ended in them.
    pub ends: u64,
    /// Things that happened.
    pub lines: u64,
    /// Seeds that were run twice, with equal traces.
    pub twice: u64,
    /// Those that failed, the least first.
    pub failed: Vec<Report>,
}

/// Runs one seed to its end; a simulator that cannot go on is a failure of the seed.
pub fn one(seed: u64, all: bool) -> Report {
    let broken = |what: String| Report {
        seed,
        breaches: vec![Breach { law: "run", what }],
        trace: 0,
        lines: 0,
        shown: Vec::new(),
        handed: 0,
        ends: 0,
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return broken(format!("no runtime: {error}")),
    };
    let limit = std::time::Duration::from_secs(120);
    let asked = std::panic::AssertUnwindSafe(|| {
        runtime.block_on(async { tokio::time::timeout(limit, run(seed, all)).await })
    });
    let done = std::panic::catch_unwind(asked);
    runtime.shutdown_background();
    match done {
        Ok(Ok(Ok(report))) => report,
        Ok(Ok(Err(error))) => broken(format!("{error:#}")),
        Ok(Err(_)) => broken("it did not end within two minutes".to_owned()),
        Err(_) => broken("the simulator broke off: see the lines above".to_owned()),
    }
}

/// Runs seeds; every hundredth twice. Stops at the first failure where `first` says so.
pub fn many(from: u64, seeds: u64, threads: usize, first: bool, heard: impl Fn(&Report) + Sync) -> Tally {
    let next = AtomicU64::new(from);
    let enough = AtomicBool::new(false);
    let tally = Mutex::new(Tally::default());
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                while !enough.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= from + seeds {
                        return;
                    }
                    let mut report = one(seed, false);
                    let again = seed.is_multiple_of(100) && report.breaches.is_empty();
                    if again {
                        let trace = one(seed, false).trace;
                        if trace != report.trace {
                            let what = format!("two runs differ: {:x} and {trace:x}", report.trace);
                            report.breaches.push(Breach { law: "determinism", what });
                        }
                    }
                    heard(&report);
                    let mut tally = crate::world::locked(&tally);
                    tally.seeds += 1;
                    tally.handed += report.handed;
                    tally.ends += u64::from(report.ends);
                    tally.lines += report.lines;
                    tally.twice += u64::from(again);
                    if !report.breaches.is_empty() {
                        tally.failed.push(report);
                        enough.fetch_or(first, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let mut tally = tally.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    tally.failed.sort_by_key(|report| report.seed);
    tally
}
