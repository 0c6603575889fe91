//! Gates 6, 11 and 18: what holds with many waiting and after a long life: timers, searches in a long log, and the mix
//! that goes on and on.

use super::mail::{NOBODY, serve_live, sink};
use super::{another, crowded, logged, nodes, tabi_runs};
use crate::console::{Visitor, reviewer};
use crate::gates::{Bound, Figure, Gate, Place, Run};
use crate::measure::Spread;
use crate::mix::{self, Mix};
use crate::process::Server;
use crate::product::Installation;
use crate::{Measure, machine, postgres, timers};
use anyhow::{Context as _, Result, ensure};
use std::cell::RefCell;
use std::path::Path;
use std::process::Stdio;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Searches of one kind in one round.
const SEARCHES: u64 = 200;

/// Customers who fall due per second, and how long that is watched.
pub(super) const DUE: u64 = 5000;
pub(super) const WATCHED: Duration = Duration::from_secs(10);

/// Live with a mail server that nobody asks, and without a provider of SMS: what is planned waits, and the timers alone are
/// at work.
fn falling_due(place: &Place) -> Result<Measure> {
    let installation = another(place, "timers", |installation| {
        serve_live(installation, NOBODY)?;
        Ok(())
    })?;
    let database = installation.data.join("tabi.db");
    let lead = Duration::from_secs(3);
    timers::spread(&database, DUE, lead)?;
    let server = installation.serve()?;
    std::thread::sleep(lead);
    watched(&server, &mut timers::File::open(&database)?)
}

/// Looks on while customers fall due.
pub(super) fn watched(server: &Server, database: &mut dyn timers::Looked) -> Result<Measure> {
    let cpu = machine::cpu_seconds(server.process());
    let measure = timers::watch(database, WATCHED)?;
    let cpu_seconds = machine::cpu_seconds(server.process()).zip(cpu).map(|(end, start)| end - start);
    ensure!(measure.rate() > DUE as f64 / 2.0, "only {:.0} a second were stepped", measure.rate());
    Ok(Measure { cpu_seconds, peak_rss: machine::memory(server.process(), "VmHWM"), ..measure })
}

pub(super) fn timers(tabi: &Path) -> Gate {
    let name = "lateness of timers: a million waiting, 5,000 a second fall due and plan a message";
    lateness(tabi, name, Box::new(falling_due))
}

/// Gate 6, wherever the timers lie.
pub(super) fn lateness(tabi: &Path, name: &'static str, run: Run) -> Gate {
    Gate {
        number: 6,
        name,
        unit: "steps",
        figure: Figure::P99,
        contenders: vec![tabi_runs(tabi, "serve", "tabi", run)],
        bounds: vec![
            Bound::AtMost { figure: Figure::P50, gate: 20.0, stretch: 10.0 },
            Bound::AtMost { figure: Figure::P99, gate: 100.0, stretch: 30.0 },
        ],
    }
}

/// What a reviewer asks: the name, and the query of the `n`th search.
type Search = (&'static str, fn(u64) -> String);

const ASKED: [Search; 11] = [
    ("by customer", |n| format!("customer=bench-{}", n * 7919 % 90_000)),
    ("by address", |n| format!("address=bench-{}%40example.com", n * 7919 % 90_000)),
    ("by period", |n| {
        let day = 1 + n % 28;
        format!("from=2026-{0:02}-{day:02}&to=2026-{0:02}-{day:02}", 1 + n % 8)
    }),
    ("by channel", |n| format!("channel={}", ["sms", "email"][n as usize % 2])),
    ("by a rare channel", |_| "channel=push".to_owned()),
    ("by journey", |n| format!("journey=many_{:03}", n * 37 % 200)),
    ("by purpose", |n| format!("purpose={}", ["offers", "receipts", "service"][n as usize % 3])),
    ("by a rare purpose", |_| "purpose=security".to_owned()),
    ("by outcome: suppressed", |_| "outcome=suppressed".to_owned()),
    ("by outcome: bounced", |_| "outcome=bounced".to_owned()),
    ("by outcome: unknown", |_| "outcome=unknown".to_owned()),
];

/// Open the console's page of the log again and again, each time for something else.
fn searched(place: &Place, query: fn(u64) -> String) -> Result<Measure> {
    let installation = logged(place)?;
    reviewer(&installation)?;
    let server = installation.serve()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut visitor = Visitor::sign_in(&server.address).await?;
        let (cpu, start, mut took) = (machine::cpu_seconds(server.process()), Instant::now(), Vec::new());
        for number in 0..SEARCHES {
            let asked = Instant::now();
            let page = visitor.get(&format!("/console/messages?{}", query(number))).await?;
            took.push(asked.elapsed().as_secs_f64() * 1e3);
            ensure!(page.status == 200, "{} was answered with {}", query(number), page.status);
        }
        let spread = Spread::of(took);
        Ok(Measure {
            work: SEARCHES as f64,
            seconds: start.elapsed().as_secs_f64(),
            cpu_seconds: machine::cpu_seconds(server.process()).zip(cpu).map(|(end, start)| end - start),
            p50_ms: spread.as_ref().map(Spread::median),
            p99_ms: spread.as_ref().map(|spread| spread.at(0.99)),
            ..Measure::default()
        })
    })
}

pub(super) fn search(tabi: &Path) -> Gate {
    let contenders = ASKED
        .into_iter()
        .map(|(name, query)| {
            let run: Run = Box::new(move |place| searched(place, query));
            tabi_runs(tabi, "serve", name, run)
        })
        .collect();
    Gate {
        number: 11,
        name: "a page of the sent-message log at ten million messages, in the console",
        unit: "pages",
        figure: Figure::P50,
        contenders,
        bounds: vec![
            Bound::Of { of: "by customer", figure: Figure::P50, gate: 1.0, stretch: 1.0 },
            Bound::Of { of: "by customer", figure: Figure::P99, gate: 5.0, stretch: 2.0 },
            Bound::Of { of: "by address", figure: Figure::P99, gate: 5.0, stretch: 2.0 },
            Bound::Of { of: "by journey", figure: Figure::P99, gate: 5.0, stretch: 2.0 },
            Bound::Each { figure: Figure::P50, gate: 1.0, stretch: 1.0 },
            Bound::Each { figure: Figure::P99, gate: 5.0, stretch: 2.0 },
        ],
    }
}

/// The same search on the command line: most of it is the start of a process.
pub(super) fn command(tabi: &Path) -> Gate {
    let command: Run = Box::new(move |place| {
        let installation = logged(place)?;
        let mut took = Vec::new();
        for number in 0..20 {
            let (name, asked) = (format!("bench-{}", number * 4801 % 90_000), Instant::now());
            let mut command = installation.command(&["log", "search", "--customer", &name]);
            ensure!(
                command.stdin(Stdio::null()).stdout(Stdio::null()).status()?.success(),
                "tabi log search failed"
            );
            took.push(asked.elapsed().as_secs_f64() * 1e3);
        }
        let (seconds, spread) = (took.iter().sum::<f64>() / 1e3, Spread::of(took));
        Ok(Measure {
            work: 20.0,
            seconds,
            p50_ms: spread.as_ref().map(Spread::median),
            p99_ms: spread.as_ref().map(|spread| spread.at(0.99)),
            ..Measure::default()
        })
    });
    Gate {
        number: 11,
        name: "`tabi log search --customer` at ten million messages, a process for each",
        unit: "searches",
        figure: Figure::P50,
        contenders: vec![tabi_runs(tabi, "log", "tabi log search", command)],
        bounds: vec![Bound::AtMost { figure: Figure::P50, gate: 100.0, stretch: 30.0 }],
    }
}

/// The mix, once; the first part now and the last one for whoever asks next.
fn mixed(place: &Place, installation: &Installation) -> Result<(Measure, Measure)> {
    let authorization = installation.authorization()?;
    reviewer(installation)?;
    let (sink, _log) = sink(place)?;
    let server = serve_live(installation, &sink.address)?;
    let duration = Duration::from_secs_f64(place.minutes * 60.0);
    let mix = Mix {
        server: server.address.clone(),
        process: server.process(),
        authorization,
        prefix: format!("mix{}", server.process()),
        duration,
        part: (duration / 3).clamp(Duration::from_secs(5), Duration::from_secs(60)),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(mix::run(&mix))
}

/// Both parts of a mix, played once, however many rounds there are.
fn minutes(tabi: &Path, name: &'static str, mix: fn(&Place) -> Result<(Measure, Measure)>) -> Gate {
    const FIRST: &str = "tabi, the first minute";
    const LAST: &str = "tabi, the last minute";
    let played: Rc<RefCell<Option<(Measure, Measure)>>> = Rc::default();
    let minute = |which: fn(&(Measure, Measure)) -> &Measure| -> Run {
        let played = Rc::clone(&played);
        Box::new(move |place| {
            let mut played = played.borrow_mut();
            let both = match &mut *played {
                Some(both) => both,
                none => none.insert(mix(place)?),
            };
            Ok(which(both).clone())
        })
    };
    Gate {
        number: 18,
        name,
        unit: "events",
        figure: Figure::Rate,
        contenders: vec![
            tabi_runs(tabi, "serve", FIRST, minute(|both| &both.0)),
            tabi_runs(tabi, "serve", LAST, minute(|both| &both.1)),
        ],
        bounds: vec![
            // At least 0.95 of the first minute.
            Bound::Times { figure: Figure::Rate, of: FIRST, to: LAST, gate: 1.053, stretch: 1.01 },
            Bound::Times { figure: Figure::P99, of: LAST, to: FIRST, gate: 1.2, stretch: 1.0 },
            Bound::Times { figure: Figure::Memory, of: LAST, to: FIRST, gate: 1.05, stretch: 1.0 },
        ],
    }
}

pub(super) fn sustained(tabi: &Path) -> Gate {
    let name = "2,000 events a second, every fifth begins a journey, 20 letters a second, 10 searches a second: p50 is \
                that of searches, p99 that of events";
    minutes(tabi, name, |place| mixed(place, &crowded(place)?))
}

pub(super) fn sustained_on_postgres(tabi: &Path) -> Gate {
    let name = "the same mix on PostgreSQL, while a snapshot of its beginning is held open";
    minutes(tabi, name, |place| {
        let installation = nodes::waiting(place)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let url = installation.database.as_deref().context("a database on a server")?;
        let _held = runtime.block_on(postgres::hold_snapshot(url))?;
        mixed(place, &installation)
    })
}
