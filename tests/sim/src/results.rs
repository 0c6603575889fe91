//! `tests/sim/RESULTS.md`: one section for each kind of run, each with its date and its machine.

use std::fmt::Write as _;
use std::path::PathBuf;

const HEAD: &str = "# What the simulator found

Written by `tests/run sim --write` (seeds), `tests/run sim --bug all --write` (planted mistakes), `tests/run sim --races 10000 --write`
(races) and `tests/run sim --model --write` (the model). How it works stands in [README.md](README.md).
";

/// Adds a line to the section of that title.
pub(crate) fn add(title: &str, line: &str) {
    let old = std::fs::read_to_string(path()).unwrap_or_default();
    let section =
        old.split("\n## ").skip(1).find(|section| section.lines().next() == Some(title)).unwrap_or_default();
    let mut lines: Vec<&str> = section.lines().filter(|line| line.starts_with("- ")).collect();
    lines.push(line);
    write(title, &lines.join("\n"));
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("RESULTS.md")
}

/// Today.
pub(crate) fn date() -> String {
    jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date().to_string()
}

/// Puts this text in the place of the section of that title, or behind the others.
pub(crate) fn write(title: &str, text: &str) {
    let path = path();
    let old = std::fs::read_to_string(&path).unwrap_or_default();
    let mut out = HEAD.to_owned();
    let mut put = false;
    let date = date();
    let fresh = format!("\n## {title}\n\n{date}, {}.\n\n{}\n", machine(), text.trim_end());
    for section in old.split("\n## ").skip(1) {
        if section.lines().next() == Some(title) {
            out.push_str(&fresh);
            put = true;
        } else {
            let _ = write!(out, "\n## {}\n", section.trim_end());
        }
    }
    if !put {
        out.push_str(&fresh);
    }
    if let Err(error) = std::fs::write(&path, out) {
        eprintln!("{} cannot be written: {error}", path.display());
    }
}

/// The machine, in a line.
fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        info.lines().find_map(|line| line.strip_prefix("model name")).and_then(|rest| rest.split(':').nth(1));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{cores} cores ({}), shared with other work", model.unwrap_or("unknown").trim())
}
