//! The list of gates, by number.

use super::{Bound, Contender, Figure, Gate, Place, Role, Run};
use crate::http::{self, Load};
use crate::process::{Server, free_address, measure};
use crate::{product, smtp};
use anyhow::{Result, ensure};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Every gate that is measured, in order.
pub fn all(tabi: &Path) -> Vec<Gate> {
    vec![steps(tabi), ingest(tabi, 3, 1), ingest(tabi, 4, 100), mails(), renders(), start(tabi)]
}

fn limit(name: &'static str, run: Run) -> Contender {
    Contender { role: Role::Limit, name, run: Ok(run) }
}

/// The product, when its binary knows the command that the run needs.
fn tabi_runs(tabi: &Path, command: &str, otherwise: &'static str, run: Run) -> Contender {
    let run = if product::knows(tabi, command) { Ok(run) } else { Err(otherwise) };
    Contender { role: Role::Product, name: "tabi", run }
}

fn claims(batch: u64) -> Run {
    Box::new(move |place: &Place| {
        // Both limits work on one database, made once: a million customers waiting, all due.
        measure(
            Command::new(&place.limits)
                .arg("claim")
                .arg("--db")
                .arg(place.folder.join("claim.db"))
                .args(["--rows", &place.amount(1_000_000).to_string()])
                .args(["--steps", &place.amount(300_000).to_string()])
                .args(["--batch", &batch.to_string()]),
        )
    })
}

fn steps(tabi: &Path) -> Gate {
    Gate {
        number: 1,
        name: "steps, SQLite: a million customers waiting, all fall due",
        unit: "steps",
        figure: Figure::Rate,
        contenders: vec![
            limit("claim-500", claims(500)),
            limit("claim-5000", claims(5000)),
            tabi_runs(
                tabi,
                "bench-steps",
                "`tabi bench-steps` is not there yet",
                Box::new(|place| {
                    let customers = place.amount(1_000_000).to_string();
                    measure(Command::new(&place.tabi).args(["bench-steps", "--customers", &customers]))
                }),
            ),
        ],
        bounds: vec![
            Bound::Ratio { to: "claim-500", gate: 0.5, stretch: 1.0 },
            Bound::Ratio { to: "claim-5000", gate: 0.0, stretch: 0.8 },
            Bound::AtMost { figure: Figure::Memory, gate: 128.0, stretch: 64.0 },
        ],
    }
}

/// Load a server with 32 kept connections.
fn drive(server: &Server, authorization: &str, batch: usize, place: &Place) -> Result<crate::Measure> {
    let load = Load {
        server: server.address.clone(),
        authorization: authorization.to_owned(),
        connections: 32,
        duration: Duration::from_millis(place.amount(4000)),
        batch,
        prefix: format!("{}-", server.process()),
        customers: 10_000,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(http::drive(load, Some(server.process())))
}

fn ingest(tabi: &Path, number: u8, batch: usize) -> Gate {
    let (name, gate, stretch) = match batch {
        1 => ("ingest, one event per request, 202 after the commit", 0.4, 0.7),
        _ => ("ingest, a hundred events per request, 202 after the commit", 0.5, 0.9),
    };
    let insert: Run = Box::new(|place| {
        measure(
            Command::new(&place.limits)
                .arg("insert")
                .arg("--db")
                .arg(place.folder.join("insert.db"))
                .args(["--rows", &place.amount(300_000).to_string()]),
        )
    });
    let drop: Run = Box::new(move |place| {
        let address = free_address()?;
        let mut command = Command::new(&place.limits);
        command.args(["http-server", "--listen", &address]);
        let server = Server::start(&mut command, address, &place.folder.join("http.log"))?;
        drive(&server, "", batch, place)
    });
    let tabi = tabi_runs(
        tabi,
        "serve",
        "`tabi serve` is not there yet",
        Box::new(move |place| {
            let running = product::serve(&place.tabi, &place.folder.join("ingest"))?;
            drive(&running.server, &running.authorization, batch, place)
        }),
    );
    let mut contenders = vec![limit("http", drop)];
    let mut bounds = vec![Bound::Ratio { to: "http", gate: if batch == 1 { gate } else { 0.0 }, stretch }];
    if batch > 1 {
        contenders.push(limit("bulk insert", insert));
        bounds.push(Bound::Ratio { to: "bulk insert", gate, stretch });
    }
    contenders.push(tabi);
    Gate { number, name, unit: "events", figure: Figure::Rate, contenders, bounds }
}

fn mails() -> Gate {
    let source: Run = Box::new(|place| {
        let (address, log) = (free_address()?, place.folder.join("sink.log"));
        std::fs::remove_file(&log).ok();
        let mut command = Command::new(&place.limits);
        command.args(["smtp-sink", "--listen", &address, "--log"]).arg(&log);
        let _sink = Server::start(&mut command, address.clone(), &place.folder.join("smtp.log"))?;
        let messages = place.amount(20_000);
        let sent = measure(
            Command::new(&place.limits)
                .args(["smtp-source", "--to", &address, "--sessions", "10"])
                .args(["--messages", &messages.to_string()]),
        )?;
        let receipts = smtp::receipts(&log)?;
        ensure!(receipts.len() as u64 == messages, "the sink got {} of {messages}", receipts.len());
        ensure!(smtp::duplicates(&receipts).is_empty(), "the sink got a message twice");
        Ok(sent)
    });
    Gate {
        number: 7,
        name: "e-mails of 8 KB over ten kept SMTP connections",
        unit: "mails",
        figure: Figure::Rate,
        contenders: vec![
            limit("smtp", source),
            Contender {
                role: Role::Product,
                name: "tabi",
                run: Err("a send run against the sink is not there yet"),
            },
        ],
        bounds: vec![Bound::Ratio { to: "smtp", gate: 0.5, stretch: 0.8 }],
    }
}

fn renders() -> Gate {
    let copy: Run = Box::new(|place| {
        let count = place.amount(10_000_000).to_string();
        measure(Command::new(&place.limits).args(["copy", "--count", &count]))
    });
    let handlebars: Run = Box::new(|place| {
        let count = place.amount(200_000).to_string();
        measure(Command::new("node").arg(place.scripts.join("handlebars.mjs")).arg(count))
    });
    Gate {
        number: 8,
        name: "renders of an 8 KB mail with 8 line items",
        unit: "renders",
        figure: Figure::PerCpuSecond,
        contenders: vec![
            limit("copy", copy),
            Contender { role: Role::Peer, name: "handlebars.js", run: Ok(handlebars) },
            Contender {
                role: Role::Product,
                name: "tabi",
                run: Err("measured by `cargo bench -p render`; not alternated yet"),
            },
        ],
        bounds: vec![Bound::Ratio { to: "handlebars.js", gate: 1.0, stretch: 2.0 }],
    }
}

fn start(tabi: &Path) -> Gate {
    let serve: Run = Box::new(|place| {
        let running = product::serve(&place.tabi, &place.folder.join("start"))?;
        // Settled: what it holds when nobody asks for anything.
        std::thread::sleep(Duration::from_secs(1));
        Ok(crate::Measure {
            work: 1.0,
            seconds: running.server.started_in.as_secs_f64(),
            cpu_seconds: crate::machine::cpu_seconds(running.server.process()),
            peak_rss: crate::machine::memory(running.server.process(), "VmRSS"),
            ..crate::Measure::default()
        })
    });
    Gate {
        number: 14,
        name: "start to listening, and memory when idle (gate 12)",
        unit: "starts",
        figure: Figure::Duration,
        contenders: vec![tabi_runs(tabi, "serve", "`tabi serve` is not there yet", serve)],
        bounds: vec![
            Bound::AtMost { figure: Figure::Duration, gate: 100.0, stretch: 30.0 },
            Bound::AtMost { figure: Figure::Memory, gate: 20.0, stretch: 12.0 },
        ],
    }
}
