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
    let own = std::process::id();
    let mut ticks = ticks(&format!("/proc/{own}/stat"))?;
    // The children that render live as long as we do.
    let threads = std::fs::read_dir(format!("/proc/{own}/task")).ok()?;
    for thread in threads.flatten() {
        let children = std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace() {
            ticks += self::ticks(&format!("/proc/{child}/stat")).unwrap_or(0.0);
        }
    }
    Some(ticks / 100.0)
}

fn ticks(path: &str) -> Option<f64> {
    let stat = std::fs::read_to_string(path).ok()?;
    let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
    // User and system time.
    Some(fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?)
}

fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}
