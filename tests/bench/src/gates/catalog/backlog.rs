//! After an outage: a million customers are due at once when the server starts.

use super::mail::{NOBODY, serve_live, sink};
use super::{small, tabi_runs};
use crate::gates::{Bound, Figure, Gate, Place};
use crate::product::Installation;
use crate::{Measure, machine, smtp, timers};
use anyhow::{Result, ensure};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long the server is watched: its memory is highest in the first minute.
const WATCHED: Duration = Duration::from_secs(60);

/// A million who wait for a letter; made at the first call.
fn waiting(place: &Place) -> Result<Installation> {
    let installation = small(place, "backlog");
    if !installation.data.join("bench.live").exists() {
        let customers = place.amount(1_000_000).to_string();
        let words = ["bench-steps", "--journey", "lettering", "--customers", &customers, "--steps", "0"];
        installation.run(&words)?;
        serve_live(&installation, NOBODY)?;
    }
    Ok(installation)
}

/// Nobody is due yet: what the server holds then.
fn quiet(place: &Place) -> Result<Measure> {
    let installation = waiting(place)?;
    let server = installation.serve()?;
    std::thread::sleep(Duration::from_secs(5));
    let peak_rss = machine::memory(server.process(), "VmHWM");
    Ok(Measure { work: 1.0, seconds: 5.0, peak_rss, ..Measure::default() })
}

/// All are due: how long until the first letter has arrived, and what the server holds meanwhile.
fn overdue(place: &Place) -> Result<Measure> {
    let installation = waiting(place)?;
    let (sink, log) = sink(place)?;
    timers::spread(&installation.data.join("tabi.db"), 1_000_000_000, Duration::ZERO)?;
    let started = Instant::now();
    let server = serve_live(&installation, &sink.address)?;
    let mut first = None;
    while started.elapsed() < WATCHED {
        if first.is_none() && std::fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
            first = Some(started.elapsed());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let receipts = smtp::receipts(&log)?;
    ensure!(smtp::duplicates(&receipts).is_empty(), "the sink got a message twice");
    ensure!(first.is_some(), "no letter arrived within {WATCHED:?}");
    Ok(Measure {
        work: receipts.len() as f64,
        seconds: started.elapsed().as_secs_f64(),
        cpu_seconds: machine::cpu_seconds(server.process()),
        peak_rss: machine::memory(server.process(), "VmHWM"),
        p50_ms: first.map(|first| first.as_secs_f64() * 1e3),
        ..Measure::default()
    })
}

pub(super) fn starts(tabi: &Path) -> Gate {
    const DUE: &str = "tabi, a million due";
    const WAITING: &str = "tabi, a million waiting";
    Gate {
        number: 19,
        name: "after an outage: a million customers due at the start, from the start to the first letter (p50), and \
               letters in the first minute",
        unit: "letters",
        figure: Figure::P50,
        contenders: vec![
            tabi_runs(tabi, "serve", DUE, Box::new(overdue)),
            tabi_runs(tabi, "serve", WAITING, Box::new(quiet)),
        ],
        bounds: vec![
            Bound::Of { of: DUE, figure: Figure::P50, gate: 5000.0, stretch: 1000.0 },
            Bound::More { figure: Figure::Memory, of: DUE, than: WAITING, gate: 64.0, stretch: 32.0 },
        ],
    }
}
