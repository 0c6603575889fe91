//! The machine: how fast it syncs, how busy it is, what it is called. Linux tells most of it.

use anyhow::{Context as _, Result};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// Durable writes of 4 KiB per second in `folder`, over half a second.
///
/// # Errors
/// When the folder cannot be written.
pub fn fsync_rate(folder: &Path) -> Result<f64> {
    let path = folder.join("fsync.probe");
    let mut file = std::fs::File::create(&path).with_context(|| format!("writing {}", path.display()))?;
    let block = [0x5a_u8; 4096];
    let (start, mut count) = (Instant::now(), 0_u32);
    while start.elapsed() < Duration::from_millis(500) {
        file.write_all(&block)?;
        file.sync_data()?;
        count += 1;
    }
    let rate = f64::from(count) / start.elapsed().as_secs_f64();
    std::fs::remove_file(&path)?;
    Ok(rate)
}

/// The load average of the last minute; 0 where the system does not tell.
pub fn load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(0.0)
}

/// Processor, cores, memory and kernel in one line.
pub fn describe() -> String {
    let field = |file: &str, name: &str| {
        std::fs::read_to_string(file)
            .unwrap_or_default()
            .lines()
            .find(|line| line.starts_with(name))
            .and_then(|line| Some(line.split(':').nth(1)?.trim().to_owned()))
            .unwrap_or_else(|| "unknown".to_owned())
    };
    let memory = field("/proc/meminfo", "MemTotal").replace(" kB", "").parse::<u64>().unwrap_or(0) >> 20;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{cores} × {}, {memory} GiB, Linux {}", field("/proc/cpuinfo", "model name"), kernel.trim())
}

/// CPU seconds, user and system, that a process has used; `None` where the system does not tell.
///
/// In hundredths of a second, as /proc has it.
pub fn cpu_seconds(process: u32) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name in brackets may hold spaces: count from behind it.
    let mut fields = stat.rsplit(')').next()?.split_whitespace().skip(11);
    let ticks: f64 = fields.next()?.parse::<f64>().ok()? + fields.next()?.parse::<f64>().ok()?;
    Some(ticks / 100.0)
}

/// The same with what its ended children used.
pub fn cpu_seconds_with_ended(process: u32) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
    let ticks: Option<Vec<f64>> = fields.get(11..15)?.iter().map(|field| field.parse().ok()).collect();
    Some(ticks?.iter().sum::<f64>() / 100.0)
}

/// A line of /proc/PID/status or smaps_rollup in bytes: `VmRSS`, `VmHWM`, `Pss`.
pub fn memory(process: u32, name: &str) -> Option<u64> {
    let file = if name == "Pss" { "smaps_rollup" } else { "status" };
    let text = std::fs::read_to_string(format!("/proc/{process}/{file}")).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}

/// The processes that a process has started and that still run.
pub fn children(process: u32) -> Vec<u32> {
    let mut found = Vec::new();
    let Ok(threads) = std::fs::read_dir(format!("/proc/{process}/task")) else { return found };
    for thread in threads.flatten() {
        let text = std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        found.extend(text.split_whitespace().filter_map(|word| word.parse::<u32>().ok()));
    }
    found
}

/// CPU seconds of this very process.
pub fn own_cpu_seconds() -> Option<f64> {
    cpu_seconds(std::process::id())
}
