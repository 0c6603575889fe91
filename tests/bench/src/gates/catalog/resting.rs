//! Gates 12 to 16: what it costs to be there: memory, flatness, the start, the check, the size.

use super::{crowded, large, limit, small, stepped, tabi_runs};
use crate::gates::{Bound, Figure, Gate, Place, Run};
use crate::http;
use crate::process::measure;
use crate::product::Installation;
use crate::{Measure, machine};
use anyhow::{Result, ensure};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

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

pub(super) fn memory(tabi: &Path) -> Gate {
    let alone: Run = Box::new(|place| idle(&small(place, "idle")));
    let many: Run = Box::new(|place| idle(&large(place, "idle-many")?));
    let crowd: Run = Box::new(|place| idle(&crowded(place)?));
    Gate {
        number: 12,
        name: "memory (resident) when idle",
        unit: "starts",
        figure: Figure::Memory,
        contenders: vec![
            tabi_runs(tabi, "serve", "tabi, six journeys", alone),
            tabi_runs(tabi, "serve", "tabi, 200 journeys", many),
            tabi_runs(tabi, "serve", "tabi, 200 journeys, a million waiting", crowd),
        ],
        bounds: vec![
            Bound::AtMost { figure: Figure::Memory, gate: 20.0, stretch: 12.0 },
            Bound::More {
                of: "tabi, 200 journeys, a million waiting",
                than: "tabi, 200 journeys",
                gate: 10.0,
                stretch: 5.0,
            },
        ],
    }
}

pub(super) fn flatness(tabi: &Path) -> Gate {
    let steps = |place: &Place| place.amount(20_000);
    let few: Run = Box::new(move |place| stepped(&small(place, "flat-few"), "noting", 1000, steps(place)));
    let many: Run = Box::new(move |place| stepped(&large(place, "flat-many")?, "noting", 1000, steps(place)));
    let crowd: Run =
        Box::new(move |place| stepped(&crowded(place)?, "noting", place.amount(1_000_000), steps(place)));
    Gate {
        number: 13,
        name: "CPU per step, with many waiting and with many journeys",
        unit: "steps",
        figure: Figure::CpuEach,
        contenders: vec![
            tabi_runs(tabi, "bench-steps", "tabi, 1,000 waiting, six journeys", few),
            tabi_runs(tabi, "bench-steps", "tabi, 1,000 waiting, 200 journeys", many),
            tabi_runs(tabi, "bench-steps", "tabi, a million waiting, 200 journeys", crowd),
        ],
        bounds: vec![
            Bound::Times {
                of: "tabi, a million waiting, 200 journeys",
                to: "tabi, 1,000 waiting, 200 journeys",
                gate: 1.2,
                stretch: 1.05,
            },
            Bound::Times {
                of: "tabi, 1,000 waiting, 200 journeys",
                to: "tabi, 1,000 waiting, six journeys",
                gate: 1.1,
                stretch: 1.05,
            },
        ],
    }
}

/// From the start of the process to the first event taken in.
fn first_event(installation: &Installation) -> Result<Measure> {
    let authorization = installation.authorization()?;
    let start = Instant::now();
    let server = installation.serve()?;
    let body = serde_json::json!({
        "userId": "first", "event": "page_viewed", "messageId": format!("first-{}", server.process()),
        "properties": {"order_id": "o", "total": "4200 JPY", "items": 3},
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let status = runtime.block_on(http::call(&server.address, &authorization, "/v1/track", &body))?;
    let seconds = start.elapsed().as_secs_f64();
    ensure!((200..300).contains(&status), "the first event was answered with {status}");
    Ok(Measure {
        work: 1.0,
        seconds,
        cpu_seconds: machine::cpu_seconds(server.process()),
        peak_rss: machine::memory(server.process(), "VmHWM"),
        ..Measure::default()
    })
}

pub(super) fn start(tabi: &Path) -> Gate {
    let crowd: Run = Box::new(|place| first_event(&crowded(place)?));
    let alone: Run = Box::new(|place| first_event(&small(place, "idle")));
    let first: Run = Box::new(|place| {
        let installation = small(place, "first");
        std::fs::remove_dir_all(&installation.data).ok();
        let server = installation.serve()?;
        Ok(Measure { work: 1.0, seconds: server.started_in.as_secs_f64(), ..Measure::default() })
    });
    Gate {
        number: 14,
        name: "start of the process to the first event taken in",
        unit: "starts",
        figure: Figure::Duration,
        contenders: vec![
            tabi_runs(tabi, "serve", "tabi, 200 journeys, a million waiting", crowd),
            tabi_runs(tabi, "serve", "tabi, six journeys, nobody", alone),
            tabi_runs(tabi, "serve", "tabi, the very first time, to listening", first),
        ],
        bounds: vec![Bound::AtMost { figure: Figure::Duration, gate: 100.0, stretch: 30.0 }],
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
    Gate {
        number: 15,
        name: "`check` of 200 journeys of 30 steps, with everything else that it looks at",
        unit: "runs",
        figure: Figure::Duration,
        contenders: vec![limit("yaml", yaml), tabi_runs(tabi, "check", "tabi", check)],
        bounds: vec![
            Bound::Times { of: "tabi", to: "yaml", gate: 3.0, stretch: 1.5 },
            Bound::AtMost { figure: Figure::Duration, gate: 50.0, stretch: 30.0 },
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
