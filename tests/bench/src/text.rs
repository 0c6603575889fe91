//! The limit of rendering: copying the same bytes in as many parts.

use crate::{Measure, machine};
use std::hint::black_box;
use std::time::Instant;

/// Copy a mail of `bytes` bytes in `parts` parts, `count` times over.
pub fn copy(bytes: usize, parts: usize, count: u64) -> Measure {
    let part = "x".repeat(bytes / parts.max(1));
    let mut mail = String::with_capacity(bytes);
    let (start, cpu) = (Instant::now(), machine::own_cpu_seconds());
    for _ in 0..count {
        mail.clear();
        for _ in 0..parts {
            mail.push_str(black_box(&part));
        }
        black_box(&mail);
    }
    Measure {
        work: count as f64,
        seconds: start.elapsed().as_secs_f64(),
        cpu_seconds: machine::own_cpu_seconds().zip(cpu).map(|(end, start)| end - start),
        ..Measure::default()
    }
}
