//! Gates 5, 7 and 8: letters, from the event to the mail server.

use super::{limit, small, stepped, tabi_runs};
use crate::gates::{Bound, Contender, Figure, Gate, Place, Role, Run};
use crate::latency::{self, Clock};
use crate::process::{Server, free_address, measure};
use crate::product::Installation;
use crate::{machine, smtp};
use anyhow::{Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// A mail server that swallows everything, and its log, begun anew.
pub(super) fn sink(place: &Place) -> Result<(Server, PathBuf)> {
    let (address, log) = (free_address()?, place.folder.join("sink.log"));
    std::fs::remove_file(&log).ok();
    let mut command = Command::new(&place.limits);
    command.args(["smtp-sink", "--listen", &address, "--log"]).arg(&log);
    let server = Server::start(&mut command, address, &place.folder.join("smtp.log"))?;
    Ok((server, log))
}

/// So many arrived, none of them twice.
fn all_arrived(log: &Path, messages: u64) -> Result<()> {
    let receipts = smtp::receipts(log)?;
    ensure!(smtp::duplicates(&receipts).is_empty(), "the sink got a message twice");
    ensure!(receipts.len() as u64 == messages, "the sink got {} of {messages}", receipts.len());
    Ok(())
}

/// How fast events come.
#[derive(Clone, Copy)]
enum Pace {
    /// So many a second.
    Steady(u32),
    /// Half as fast as letters leave when all events come at once.
    HalfOfMaximum,
}

/// Events that come all at once, to find out how fast letters leave. Each has a connection of its own, so there are fewer
/// than a process may have files.
const AT_ONCE: u64 = 800;

/// Events at this pace, each answered by a letter.
fn answered(pace: Pace) -> Run {
    Box::new(move |place| {
        let name = match pace {
            Pace::Steady(rate) => format!("answering-{rate}"),
            Pace::HalfOfMaximum => "answering-half".to_owned(),
        };
        let installation = small(place, &name);
        let authorization = installation.authorization()?;
        let (sink, log) = sink(place)?;
        let server = serve_live(&installation, &sink.address)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let timed = |rate: f64, count: u64, name: &str| {
            runtime.block_on(latency::clock(&Clock {
                server: server.address.clone(),
                authorization: authorization.clone(),
                log: log.clone(),
                rate,
                count: count.max(20),
                prefix: format!("{name}{}", server.process()),
                event: "letter_wanted".to_owned(),
            }))
        };
        let (rate, count) = match pace {
            Pace::Steady(rate) => (f64::from(rate), if rate < 5 { 60 } else { 150 }),
            Pace::HalfOfMaximum => {
                let rate = timed(f64::INFINITY, place.amount(AT_ONCE), "burst")?.rate() / 2.0;
                (rate, (rate * 5.0) as u64)
            }
        };
        let cpu = machine::cpu_seconds(server.process());
        let mut measure = timed(rate, place.amount(count), "clock")?;
        measure.cpu_seconds = machine::cpu_seconds(server.process()).zip(cpu).map(|(end, start)| end - start);
        measure.peak_rss = machine::memory(server.process(), "VmHWM");
        Ok(measure)
    })
}

/// Where nobody listens.
pub(super) const NOBODY: &str = "127.0.0.1:9";

/// Serves an installation that is live, from the first call on; its mail goes to the mail server at this address.
pub(super) fn serve_live(installation: &Installation, mail: &str) -> Result<Server> {
    let port = mail.rsplit(':').next().unwrap_or_default();
    let config =
        format!("base_url: https://tabi.example.com\nemail: {{host: 127.0.0.1, port: {port}, tls: none}}\n");
    std::fs::write(installation.data.join("tabi.yaml"), config)?;
    let server = installation.serve()?;
    let live = installation.data.join("bench.live");
    if !live.exists() {
        go_live(installation)?;
        std::fs::write(live, "")?;
    }
    Ok(server)
}

/// It listens a moment before it takes commands.
fn go_live(installation: &Installation) -> Result<()> {
    let begun = Instant::now();
    loop {
        match installation.run(&["go-live", "--by", "bench", "--yes"]) {
            Err(error) if begun.elapsed() > Duration::from_secs(5) => return Err(error),
            Err(_) => std::thread::sleep(Duration::from_millis(100)),
            Ok(_) => return Ok(()),
        }
    }
}

pub(super) fn trigger(tabi: &Path) -> Gate {
    const HALF: &str = "tabi, half of what it can";
    Gate {
        number: 5,
        name: "from the event over HTTP to the letter at the mail server",
        unit: "letters",
        figure: Figure::P50,
        contenders: vec![
            tabi_runs(tabi, "serve", "tabi, ten a second", answered(Pace::Steady(10))),
            tabi_runs(tabi, "serve", "tabi, two a second", answered(Pace::Steady(2))),
            tabi_runs(tabi, "serve", HALF, answered(Pace::HalfOfMaximum)),
        ],
        bounds: vec![
            Bound::AtMost { figure: Figure::P50, gate: 12.0, stretch: 6.0 },
            Bound::AtMost { figure: Figure::P99, gate: 45.0, stretch: 20.0 },
            Bound::Of { of: HALF, figure: Figure::P99, gate: 150.0, stretch: 150.0 },
        ],
    }
}

pub(super) fn mails(tabi: &Path) -> Gate {
    let source: Run = Box::new(|place| {
        let (sink, log) = sink(place)?;
        let messages = place.amount(20_000);
        let sent = measure(
            Command::new(&place.limits)
                .args(["smtp-source", "--to", &sink.address, "--sessions", "10"])
                .args(["--messages", &messages.to_string()]),
        )?;
        all_arrived(&log, messages)?;
        Ok(sent)
    });
    let letters: Run = Box::new(|place| {
        let installation = small(place, "letters");
        let customers = place.amount(20_000);
        // Those who wait are made before the clock starts.
        stepped(&installation, "lettering", customers, 0).ok();
        let (sink, log) = sink(place)?;
        let sent = measure(&mut installation.command(&[
            "bench-steps",
            "--journey",
            "lettering",
            "--customers",
            &customers.to_string(),
            "--steps",
            &(customers / 2).to_string(),
            "--smtp",
            &sink.address,
        ]))?;
        all_arrived(&log, sent.work as u64)?;
        Ok(sent)
    });
    Gate {
        number: 7,
        name: "e-mails of 8 KB over ten kept SMTP connections",
        unit: "mails",
        figure: Figure::Rate,
        contenders: vec![limit("smtp", source), tabi_runs(tabi, "bench-steps", "tabi", letters)],
        bounds: vec![Bound::Ratio { to: "smtp", gate: 0.5, stretch: 0.8 }],
    }
}

pub(super) fn renders(tabi: &Path) -> Gate {
    let copy: Run = Box::new(|place| {
        let count = place.amount(10_000_000).to_string();
        measure(Command::new(&place.limits).args(["copy", "--count", &count]))
    });
    let handlebars: Run = Box::new(|place| {
        let count = place.amount(200_000).to_string();
        measure(Command::new("node").arg(place.scripts.join("handlebars.mjs")).arg(count))
    });
    let tera = |channel: &'static str| -> Run {
        Box::new(move |place| {
            let count = place.amount(200_000).to_string();
            measure(&mut small(place, "none").command(&[
                "bench-render",
                "--channel",
                channel,
                "--count",
                &count,
            ]))
        })
    };
    Gate {
        number: 8,
        name: "renders of an 8 KB mail with 8 line items",
        unit: "renders",
        figure: Figure::PerCpuSecond,
        contenders: vec![
            limit("copy", copy),
            Contender { role: Role::Peer, name: "handlebars.js", run: Ok(handlebars) },
            tabi_runs(tabi, "bench-render", "tabi", tera("web")),
            tabi_runs(tabi, "bench-render", "tabi, with subject and text part", tera("email")),
        ],
        bounds: vec![Bound::Ratio { to: "handlebars.js", gate: 1.0, stretch: 2.0 }],
    }
}
