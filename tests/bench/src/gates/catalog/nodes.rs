//! Gates 2, 6 and 17 on PostgreSQL: steps and letters by one, two and four processes, and timers.

use super::lasting::{DUE, WATCHED, lateness, watched};
use super::mail::{NOBODY, serve_live};
use super::{limit, served_by_postgres, tabi_runs};
use crate::gates::{Bound, Contender, Figure, Gate, Place, Role, Run};
use crate::process::{Server, free_address, measure, together};
use crate::product::Installation;
use crate::{Measure, postgres, smtp};
use anyhow::{Context as _, Result, ensure};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// How long the provider of gate 17 takes to answer.
const ANSWERS_IN_MS: &str = "20";

/// An installation on PostgreSQL in which so many customers wait; made at the first call.
fn made(place: &Place, name: &str, journey: &str, customers: u64) -> Result<Installation> {
    let installation = served_by_postgres(place, name)?;
    let whole = installation.data.join("whole");
    if !whole.exists() {
        let customers = customers.to_string();
        installation.run(&[
            "bench-steps",
            "--journey",
            journey,
            "--customers",
            &customers,
            "--steps",
            "0",
        ])?;
        std::fs::write(&whole, customers)?;
    }
    Ok(installation)
}

/// The one with a million customers.
pub(super) fn waiting(place: &Place) -> Result<Installation> {
    made(place, "pg-noting", "noting", place.amount(1_000_000))
}

/// Live with a mail server that nobody asks, and without a provider of SMS, as on a file: the timers alone are at work.
fn falling_due(place: &Place) -> Result<Measure> {
    let installation = waiting(place)?;
    let url = installation.database.clone().context("a database on a server")?;
    drop(serve_live(&installation, NOBODY)?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let count = DUE * (WATCHED.as_secs() + 5);
    let begins = runtime.block_on(postgres::spread(&url, DUE, count))?;
    let server = installation.serve()?;
    std::thread::sleep(begins.saturating_duration_since(Instant::now()));
    watched(&server, &mut postgres::Served::open(&url)?)
}

pub(super) fn timers(tabi: &Path) -> Gate {
    let name =
        "lateness of timers on PostgreSQL: a million waiting, 5,000 a second fall due and plan a message";
    lateness(tabi, name, Box::new(falling_due))
}

/// Work of so many of the product's processes on one database, the server's CPU counted with theirs.
fn shared(
    place: &Place,
    name: &str,
    (journey, customers): (&str, u64),
    steps: u64,
    processes: usize,
    more: &[&str],
) -> Result<Measure> {
    let installation = made(place, name, journey, customers)?;
    let (customers, share) = (customers.to_string(), (steps / processes as u64).to_string());
    let words = ["bench-steps", "--journey", journey, "--customers", &customers];
    let nodes: Vec<Installation> =
        (0..processes).map(|node| installation.node(node)).collect::<Result<_>>()?;
    let words = [words.as_slice(), &["--steps", &share, "--wait"], more].concat();
    let cluster = place.cluster()?;
    let cpu = cluster.cpu_seconds();
    let measure = together(nodes.iter().map(|node| node.command(&words)).collect())?;
    let server = cluster.cpu_seconds().zip(cpu).map(|(end, start)| end - start);
    let cpu_seconds = measure.cpu_seconds.zip(server).map(|(ours, server)| ours + server);
    Ok(Measure { cpu_seconds, ..measure })
}

fn claims(batch: u64, clients: u64) -> Run {
    Box::new(move |place: &Place| {
        let cluster = place.cluster()?;
        let (url, cpu) = (cluster.database("claim")?, cluster.cpu_seconds());
        let measured = measure(
            Command::new(&place.limits)
                .args(["claim-postgres", "--url", &url, "--rows", &place.amount(1_000_000).to_string()])
                .args(["--steps", &place.amount(300_000).to_string()])
                .args(["--batch", &batch.to_string(), "--clients", &clients.to_string()]),
        )?;
        let server = cluster.cpu_seconds().zip(cpu).map(|(end, start)| end - start);
        let cpu_seconds = measured.cpu_seconds.zip(server).map(|(ours, server)| ours + server);
        Ok(Measure { cpu_seconds, ..measured })
    })
}

/// A queue of other people's, no-op jobs, by a script beside this.
fn queue(name: &'static str, script: &'static str) -> Contender {
    let run: Run = Box::new(move |place| {
        let cluster = place.cluster()?;
        let url = cluster.database(script)?;
        measure(
            Command::new("node")
                .arg(place.scripts.join(format!("{script}.mjs")))
                .arg(url)
                .arg(place.amount(100_000).to_string()),
        )
    });
    Contender { role: Role::Peer, name, run: Ok(run) }
}

pub(super) fn steps(tabi: &Path) -> Gate {
    let noting = |processes: usize| -> Run {
        Box::new(move |place| {
            let (waiting, steps) = (place.amount(1_000_000), place.amount(40_000));
            shared(place, "pg-noting", ("noting", waiting), steps, processes, &[])
        })
    };
    Gate {
        number: 2,
        name: "steps, PostgreSQL: a million customers waiting, all fall due",
        unit: "steps",
        figure: Figure::Rate,
        contenders: vec![
            limit("claim-500, four clients", claims(500, 4)),
            queue("graphile-worker, no-op jobs", "graphile"),
            queue("pg-boss, no-op jobs", "pgboss"),
            tabi_runs(tabi, "bench-steps", "tabi, two processes", noting(2)),
            tabi_runs(tabi, "bench-steps", "tabi, one process", noting(1)),
        ],
        bounds: vec![
            Bound::Ratio { to: "claim-500, four clients", gate: 0.7, stretch: 1.0 },
            Bound::Ratio { to: "graphile-worker, no-op jobs", gate: 1.5, stretch: 1.5 },
        ],
    }
}

/// Letters to a mail server that takes its time to answer.
fn lettered(place: &Place, processes: usize) -> Result<Measure> {
    let (address, log) = (free_address()?, place.folder.join("slow-sink.log"));
    std::fs::remove_file(&log).ok();
    let mut command = Command::new(&place.limits);
    command.args(["smtp-sink", "--listen", &address, "--answers-in-ms", ANSWERS_IN_MS, "--log"]).arg(&log);
    let sink = Server::start(&mut command, address, &place.folder.join("smtp.log"))?;
    let waiting = place.amount(20_000);
    let steps = place.amount(10_000);
    let measured =
        shared(place, "pg-lettering", ("lettering", waiting), steps, processes, &["--smtp", &sink.address])?;
    let receipts = smtp::receipts(&log)?;
    ensure!(smtp::duplicates(&receipts).is_empty(), "the sink got a message twice");
    let sent = measured.work as usize;
    ensure!(receipts.len() == sent, "the sink got {} of {sent}", receipts.len());
    Ok(measured)
}

pub(super) fn scaling(tabi: &Path) -> [Gate; 2] {
    let stepping = |processes: usize| -> Run {
        Box::new(move |place| {
            let waiting = place.amount(200_000);
            shared(place, "pg-stepping", ("stepping", waiting), waiting / 2, processes, &[])
        })
    };
    let letters = |processes: usize| -> Run { Box::new(move |place| lettered(place, processes)) };
    let steps = Gate {
        number: 17,
        name: "scaling on PostgreSQL, branch and wait alone",
        unit: "steps",
        figure: Figure::Rate,
        contenders: vec![
            limit("claim-500, two clients", claims(500, 2)),
            limit("claim-500, one client", claims(500, 1)),
            limit("claim-500, four clients", claims(500, 4)),
            tabi_runs(tabi, "bench-steps", "tabi, two processes", stepping(2)),
            tabi_runs(tabi, "bench-steps", "tabi, one process", stepping(1)),
            tabi_runs(tabi, "bench-steps", "tabi, four processes", stepping(4)),
        ],
        bounds: vec![Bound::Ratio { to: "claim-500, two clients", gate: 0.7, stretch: 0.9 }],
    };
    let sends = Gate {
        number: 17,
        name: "scaling on PostgreSQL, letters to a server that answers after 20 ms",
        unit: "mails",
        figure: Figure::Rate,
        contenders: vec![
            tabi_runs(tabi, "bench-steps", "tabi, two processes", letters(2)),
            tabi_runs(tabi, "bench-steps", "tabi, one process", letters(1)),
            tabi_runs(tabi, "bench-steps", "tabi, four processes", letters(4)),
        ],
        bounds: vec![Bound::Ratio { to: "tabi, one process", gate: 1.8, stretch: 1.95 }],
    };
    [steps, sends]
}
