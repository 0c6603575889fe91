//! What a stretch of work took: wall clock, CPU of this process and of the children it has waited for, memory at its
//! largest. Linux tells; elsewhere CPU and memory are left out.

use std::time::Instant;

/// Running.
#[derive(Debug)]
pub(super) struct Meter {
    began: Instant,
    cpu: Option<f64>,
}

impl Meter {
    /// From now on.
    pub(super) fn start() -> Self {
        // The high-water mark counts from here, as far as the system lets us.
        let _ = std::fs::write("/proc/self/clear_refs", "5");
        Self { began: Instant::now(), cpu: cpu_seconds() }
    }

    /// One line for the suite.
    pub(super) fn stop(self, work: u64) -> serde_json::Value {
        let seconds = self.began.elapsed().as_secs_f64();
        let cpu = cpu_seconds().zip(self.cpu).map(|(end, start)| end - start);
        serde_json::json!({
            "work": work, "seconds": seconds, "cpu_seconds": cpu, "peak_rss": peak_bytes(),
        })
    }
}

/// In hundredths of a second.
fn cpu_seconds() -> Option<f64> {
    // Where there is nothing to be read of this process, nothing is told; a child may have ended since it was listed.
    ticks("/proc/self/stat")?;
    let all: f64 = ours().iter().filter_map(|process| ticks(&format!("/proc/{process}/stat"))).sum();
    Some(all / 100.0)
}

/// This process and the children that render, which live as long as we do.
fn ours() -> Vec<u32> {
    let own = std::process::id();
    let mut all = vec![own];
    for thread in std::fs::read_dir(format!("/proc/{own}/task")).into_iter().flatten().flatten() {
        let children = std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        all.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
    }
    all
}

fn ticks(path: &str) -> Option<f64> {
    let stat = std::fs::read_to_string(path).ok()?;
    let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
    // User and system time.
    Some(fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?)
}

/// The largest size of each, added up: pages that they share count twice.
fn peak_bytes() -> Option<u64> {
    Some(ours().into_iter().filter_map(peak_of).sum()).filter(|bytes| *bytes > 0)
}

fn peak_of(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}
