//! Gates 1, 3 and 4: steps and events per second.

use super::{crowded, limit, served_by_postgres, small, stepped, tabi_runs};
use crate::gates::{Bound, Figure, Gate, Place, Run};
use crate::http::{self, Load};
use crate::process::{Server, free_address, measure};
use crate::product::Installation;
use anyhow::Result;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

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

pub(super) fn steps(tabi: &Path) -> Gate {
    let with_message: Run =
        Box::new(|place| stepped(&crowded(place)?, "noting", place.amount(1_000_000), place.amount(50_000)));
    let without: Run = Box::new(|place| {
        let customers = place.amount(200_000);
        stepped(&small(place, "stepping"), "stepping", customers, customers / 2)
    });
    Gate {
        number: 1,
        name: "steps, SQLite: a million customers waiting, all fall due",
        unit: "steps",
        figure: Figure::Rate,
        contenders: vec![
            limit("claim-500", claims(500)),
            limit("claim-5000", claims(5000)),
            tabi_runs(tabi, "bench-steps", "tabi", with_message),
            tabi_runs(tabi, "bench-steps", "tabi, branch and wait alone", without),
        ],
        bounds: vec![
            Bound::Ratio { to: "claim-500", gate: 0.5, stretch: 1.0 },
            Bound::Ratio { to: "claim-5000", gate: 0.0, stretch: 0.8 },
            Bound::AtMost { figure: Figure::Memory, gate: 128.0, stretch: 64.0 },
        ],
    }
}

/// Who the events of a run are of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Customers {
    /// Ten thousand who have been there before.
    Known,
    /// Each event is the first of somebody.
    New,
}

/// Load a server with 32 kept connections.
fn drive(
    server: &Server,
    authorization: &str,
    batch: usize,
    event: &str,
    customers: Customers,
    place: &Place,
) -> Result<crate::Measure> {
    let load = Load {
        server: server.address.clone(),
        authorization: authorization.to_owned(),
        connections: 32,
        duration: Duration::from_millis(place.amount(4000).max(1000)),
        batch,
        prefix: format!("{}-", server.process()),
        customers: match customers {
            Customers::Known => 10_000,
            // More than there is time for.
            Customers::New => u64::MAX,
        },
        event: event.to_owned(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        if customers == Customers::Known {
            http::introduce(&load).await?;
        }
        http::drive(load, Some(server.process())).await
    })
}

/// Where an installation is made.
type Made = fn(&Place, &str) -> Result<Installation>;

/// Ingest into an installation of its own, with the worker at work beside it.
fn served(made: Made, batch: usize, event: &'static str, customers: Customers) -> Run {
    Box::new(move |place| {
        let who = if customers == Customers::New { "new" } else { "known" };
        let installation = made(place, &format!("ingest-{batch}-{event}-{who}"))?;
        let authorization = installation.authorization()?;
        let server = installation.serve()?;
        drive(&server, &authorization, batch, event, customers, place)
    })
}

/// Events parsed, answered and forgotten.
fn dropped(batch: usize) -> Run {
    Box::new(move |place| {
        let address = free_address()?;
        let mut command = Command::new(&place.limits);
        command.args(["http-server", "--listen", &address]);
        let server = Server::start(&mut command, address, &place.folder.join("http.log"))?;
        drive(&server, "", batch, "order_placed", Customers::New, place)
    })
}

/// Gate 4 with the events in PostgreSQL.
pub(super) fn ingest_to_postgres(tabi: &Path) -> Gate {
    const BATCH: usize = 100;
    let insert: Run = Box::new(|place| {
        let url = place.cluster()?.database("insert")?;
        let rows = place.amount(300_000).to_string();
        measure(Command::new(&place.limits).args(["insert-postgres", "--url", &url, "--rows", &rows]))
    });
    let runs = |name, event, customers| {
        tabi_runs(tabi, "serve", name, served(served_by_postgres, BATCH, event, customers))
    };
    Gate {
        number: 4,
        name: "ingest into PostgreSQL, a hundred events per request, 202 after the commit",
        unit: "events",
        figure: Figure::Rate,
        contenders: vec![
            limit("http", dropped(BATCH)),
            limit("bulk insert", insert),
            runs("tabi, each begins a journey", "order_placed", Customers::Known),
            runs("tabi, nobody listens", "page_viewed", Customers::Known),
        ],
        bounds: vec![Bound::Ratio { to: "bulk insert", gate: 0.5, stretch: 0.9 }],
    }
}

pub(super) fn ingest(tabi: &Path, number: u8, batch: usize) -> Gate {
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
    let mut contenders = vec![limit("http", dropped(batch))];
    let mut bounds = vec![Bound::Ratio { to: "http", gate: if batch == 1 { gate } else { 0.0 }, stretch }];
    let runs = |name, event, customers| {
        tabi_runs(tabi, "serve", name, served(|place, name| Ok(small(place, name)), batch, event, customers))
    };
    let unheard = runs("tabi, nobody listens", "page_viewed", Customers::Known);
    let heard = runs("tabi, each begins a journey", "order_placed", Customers::Known);
    let first = runs("tabi, customers never seen before", "page_viewed", Customers::New);
    if batch > 1 {
        contenders.push(limit("bulk insert", insert));
        bounds.push(Bound::Ratio { to: "bulk insert", gate, stretch });
        contenders.extend([heard, unheard, first]);
    } else {
        contenders.extend([unheard, heard, first]);
    }
    Gate { number, name, unit: "events", figure: Figure::Rate, contenders, bounds }
}
