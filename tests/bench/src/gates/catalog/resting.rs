//! Gates 12 to 16: what it costs to be there: memory, flatness, the start, the check, the size.
//!
//! Three of them ask the same of installations of growing size: see [`at_every_size`].

use super::{crowded, large, limit, logged, small, stepped, tabi_runs};
use crate::gates::{Bound, Contender, Figure, Gate, Place, Run};
use crate::http;
use crate::process::{Server, measure};
use crate::product::Installation;
use crate::{Measure, latency, machine};
use anyhow::{Result, ensure};
use serde_json::json;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ALONE: &str = "tabi, six journeys";
const MANY: &str = "tabi, 200 journeys";
const CROWD: &str = "tabi, 200 journeys, a million waiting";
const LOGGED: &str = "tabi, 200 journeys, a million waiting, ten million messages in the log";

/// One and the same work on installations of growing size: `work` gets the installation and how many wait in it.
fn at_every_size(
    tabi: &Path,
    command: &str,
    work: impl Fn(&Place, &Installation, u64) -> Result<Measure> + Copy + 'static,
) -> Vec<Contender> {
    let sizes: [(&'static str, Run); 3] = [
        (ALONE, Box::new(move |place| work(place, &small(place, "alone"), 1000))),
        (MANY, Box::new(move |place| work(place, &large(place, "many")?, 1000))),
        (CROWD, Box::new(move |place| work(place, &crowded(place)?, place.amount(1_000_000)))),
    ];
    sizes.into_iter().map(|(name, run)| tabi_runs(tabi, command, name, run)).collect()
}

/// What it holds when nobody asks for anything.
fn idle(installation: &Installation) -> Result<Measure> {
    let server = installation.serve()?;
    // Settled: what the start needed is given back.
    std::thread::sleep(Duration::from_secs(2));
    Ok(Measure {
        work: 1.0,
        seconds: server.started_in.as_secs_f64(),
        peak_rss: machine::memory(server.process(), "VmRSS"),
        ..Measure::default()
    })
}

/// What it holds after a letter: its own share and that of the child that renders.
fn after_a_letter(installation: &Installation) -> Result<Measure> {
    let authorization = installation.authorization()?;
    let server = installation.serve()?;
    for (path, body) in [
        (
            "/v1/identify",
            json!({"userId": "reader", "traits": {"email": "reader@example.com", "locale": "en"}}),
        ),
        (
            "/v1/track",
            json!({"userId": "reader", "event": "letter_wanted",
                "properties": {"order_id": format!("o-{}", server.process()), "lines": latency::lines()}}),
        ),
    ] {
        ask(&server, &authorization, path, &body)?;
    }
    std::thread::sleep(Duration::from_secs(2));
    let children = machine::children(server.process());
    ensure!(!children.is_empty(), "no child renders");
    let all = children.into_iter().chain([server.process()]);
    let share = all.filter_map(|process| machine::memory(process, "Pss")).sum();
    Ok(Measure { work: 1.0, seconds: 1.0, peak_rss: Some(share), ..Measure::default() })
}

pub(super) fn memory(tabi: &Path) -> Gate {
    let reading: Run = Box::new(|place| after_a_letter(&small(place, "alone")));
    let mut contenders = at_every_size(tabi, "serve", |_, installation, _| idle(installation));
    contenders.push(tabi_runs(
        tabi,
        "serve",
        "tabi, six journeys, with the child that renders (PSS)",
        reading,
    ));
    let figure = Figure::Memory;
    Gate {
        number: 12,
        name: "memory (resident) when idle",
        unit: "starts",
        figure,
        contenders,
        bounds: vec![
            Bound::AtMost { figure, gate: 20.0, stretch: 12.0 },
            Bound::More { figure, of: CROWD, than: MANY, gate: 10.0, stretch: 5.0 },
        ],
    }
}

pub(super) fn flatness(tabi: &Path) -> Gate {
    let step = |place: &Place, installation: &Installation, waiting: u64| {
        stepped(installation, "noting", waiting, place.amount(20_000))
    };
    let log: Run = Box::new(move |place| step(place, &logged(place)?, place.amount(1_000_000)));
    let mut contenders = at_every_size(tabi, "bench-steps", step);
    contenders.push(tabi_runs(tabi, "bench-steps", LOGGED, log));
    let figure = Figure::CpuEach;
    let flat = |of, to, gate| Bound::Times { figure, of, to, gate, stretch: 1.05 };
    Gate {
        number: 13,
        name: "CPU per step, with many waiting, many journeys, a long log",
        unit: "steps",
        figure,
        contenders,
        bounds: vec![flat(CROWD, MANY, 1.2), flat(MANY, ALONE, 1.1), flat(LOGGED, CROWD, 1.1)],
    }
}

fn ask(server: &Server, authorization: &str, path: &str, body: &serde_json::Value) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let status = runtime.block_on(http::call(&server.address, authorization, path, body))?;
    ensure!((200..300).contains(&status), "{path} was answered with {status}");
    Ok(())
}

/// From the start of the process to the first event taken in.
fn first_event(installation: &Installation) -> Result<Measure> {
    let authorization = installation.authorization()?;
    let start = Instant::now();
    let server = installation.serve()?;
    let body = json!({
        "userId": "first", "event": "page_viewed", "messageId": format!("first-{}", server.process()),
        "properties": {"order_id": "o", "total": "4200 JPY", "items": 3},
    });
    ask(&server, &authorization, "/v1/track", &body)?;
    Ok(Measure {
        work: 1.0,
        seconds: start.elapsed().as_secs_f64(),
        cpu_seconds: machine::cpu_seconds(server.process()),
        peak_rss: machine::memory(server.process(), "VmHWM"),
        ..Measure::default()
    })
}

pub(super) fn start(tabi: &Path) -> Gate {
    const FIRST: &str = "tabi, six journeys, the very first time";
    let first: Run = Box::new(|place| {
        let installation = small(place, "first");
        std::fs::remove_dir_all(&installation.data).ok();
        let server = installation.serve()?;
        let cpu_seconds = machine::cpu_seconds(server.process());
        Ok(Measure { work: 1.0, seconds: server.started_in.as_secs_f64(), cpu_seconds, ..Measure::default() })
    });
    let mut contenders = at_every_size(tabi, "serve", |_, installation, _| first_event(installation));
    contenders.push(tabi_runs(tabi, "serve", FIRST, first));
    let figure = Figure::Duration;
    Gate {
        number: 14,
        name: "start of the process to the first event taken in; the very first time, to listening",
        unit: "starts",
        figure,
        contenders,
        bounds: vec![
            Bound::Of { of: CROWD, figure, gate: 100.0, stretch: 30.0 },
            Bound::Of { of: FIRST, figure, gate: 400.0, stretch: 200.0 },
        ],
    }
}

pub(super) fn check(tabi: &Path) -> Gate {
    let yaml: Run = Box::new(|place| {
        let installation = large(place, "none")?;
        let start = Instant::now();
        let measure = measure(Command::new(&place.limits).arg("yaml").arg(&installation.project))?;
        // The process counts on both sides.
        Ok(Measure { work: 1.0, seconds: start.elapsed().as_secs_f64(), ..measure })
    });
    let check: Run = Box::new(|place| {
        let installation = large(place, "none")?;
        let start = Instant::now();
        let status = installation.command(&["check"]).stdout(Stdio::null()).stdin(Stdio::null()).status()?;
        ensure!(status.success(), "tabi check finds something");
        Ok(Measure { work: 1.0, seconds: start.elapsed().as_secs_f64(), ..Measure::default() })
    });
    let figure = Figure::Duration;
    Gate {
        number: 15,
        name: "`check` of 200 journeys of 30 steps, with everything else that it looks at",
        unit: "runs",
        figure,
        contenders: vec![limit("yaml", yaml), tabi_runs(tabi, "check", "tabi", check)],
        bounds: vec![
            Bound::Times { figure, of: "tabi", to: "yaml", gate: 3.0, stretch: 1.5 },
            Bound::AtMost { figure, gate: 50.0, stretch: 30.0 },
        ],
    }
}

pub(super) fn size(tabi: &Path) -> Gate {
    let size: Run = Box::new(|place| {
        let bytes = std::fs::metadata(&place.tabi)?.len();
        Ok(Measure { work: 1.0, seconds: 1.0, peak_rss: Some(bytes), ..Measure::default() })
    });
    Gate {
        number: 16,
        name: "size of the binary, stripped",
        unit: "files",
        figure: Figure::Memory,
        contenders: vec![tabi_runs(tabi, "serve", "tabi", size)],
        bounds: vec![Bound::AtMost { figure: Figure::Memory, gate: 20.0, stretch: 12.0 }],
    }
}
