//! `bench`: alternates limits, peers and the product in one run, and writes the table.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use anyhow::{Context as _, Result, ensure};
use bench::gates::{self, Place};
use bench::page::{Page, Told};
use bench::{machine, product, report};
use clap::Parser;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// Where the table of a full run goes, from the top of the repository.
const RESULTS: &str = "tests/bench/RESULTS.md";

/// Why gates fall short, kept by hand: a heading `## N` for each.
const HELD_BACK: &str = "tests/bench/HELD_BACK.md";

#[derive(Parser)]
#[command(about = "Limits and product side by side, in one run")]
struct Arguments {
    /// Numbers of gates, or `list`; all when there are none
    gates: Vec<String>,
    /// Rounds of every gate; fewer than five are for trying things [default: 5, with --quick 2]
    #[arg(long)]
    rounds: Option<usize>,
    /// A tenth of the work: for trying the suite, not for figures
    #[arg(long)]
    quick: bool,
    /// How long the sustained mix of gate 18 lasts [default: 10 minutes, with --quick 1]
    #[arg(long)]
    minutes: Option<f64>,
    /// Write the results file; gates that did not run stay in it as they are
    #[arg(long)]
    write: bool,
    /// The disk to measure: a folder for databases and logs
    #[arg(long)]
    disk: Option<PathBuf>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let tabi = product::tabi()?;
    let mut gates = gates::all(&tabi);
    if arguments.gates.iter().any(|word| word == "list") {
        gates.iter().for_each(|gate| println!("{:>2}  {}", gate.number, gate.name));
        return Ok(());
    }
    let known: Vec<String> = gates.iter().map(|gate| gate.number.to_string()).collect();
    for word in &arguments.gates {
        ensure!(known.contains(word), "there is no gate {word}; there are {}", known.join(", "));
    }
    gates.retain(|gate| arguments.gates.is_empty() || arguments.gates.contains(&gate.number.to_string()));

    let here = std::env::current_exe()?;
    let disk = arguments.disk.clone().unwrap_or_else(|| here.parent().unwrap_or(Path::new(".")).to_owned());
    // PostgreSQL runs as a user of its own where we are root: it has to find its way.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    let folder = tempfile::Builder::new()
        .prefix("bench-")
        .permissions(open)
        .tempdir_in(&disk)
        .context("making a folder")?;
    let place = Place {
        folder: folder.path().to_owned(),
        limits: here.with_file_name("limits"),
        tabi,
        scripts: std::fs::canonicalize("tests/bench").context("run it at the top of the repository")?,
        quick: arguments.quick,
        cluster: std::cell::OnceCell::new(),
        minutes: arguments.minutes.unwrap_or(if arguments.quick { 1.0 } else { 10.0 }),
    };
    let rounds = arguments.rounds.unwrap_or(if arguments.quick { 2 } else { 5 });
    let held_back = std::fs::read_to_string(HELD_BACK).unwrap_or_default();
    let write = arguments.write || (arguments.gates.is_empty() && !arguments.quick && rounds >= 5);
    let kept = if write { std::fs::read_to_string(RESULTS).unwrap_or_default() } else { String::new() };
    let told = run(&mut gates, &place, rounds, &|told| {
        if write {
            let mut page = Page::read(&kept);
            page.take(told.to_vec());
            std::fs::write(RESULTS, page.text(&held_back)).with_context(|| format!("writing {RESULTS}"))?;
        }
        Ok(())
    })?;
    let mut page = Page::default();
    page.take(told);
    println!("{}", page.text(&held_back));
    if write {
        eprintln!("written to {RESULTS}");
    }
    Ok(())
}

/// Play every gate, and tell all that is known after each: a run takes long, and a later gate may end it.
fn run(
    gates: &mut [gates::Gate],
    place: &Place,
    rounds: usize,
    tell: &dyn Fn(&[Told]) -> Result<()>,
) -> Result<Vec<Told>> {
    let mut told = Vec::new();
    for gate in gates {
        eprintln!("gate {}: {}", gate.number, gate.name);
        let (begun, load, fsync) = (Instant::now(), machine::load(), machine::fsync_rate(&place.folder)?);
        let standings = gate.play(place, rounds, &|line| eprintln!("{line}"));
        let trial = if place.quick { " A trial with a tenth of the work: too little to quote." } else { "" };
        let when = format!(
            "{}, {}, built as `{}`; {rounds} rounds, contenders alternating, the order turned round in every second one; load average \
             {load:.1} before, {:.1} after; {fsync:.0} and {:.0} durable writes of 4 KiB per second.{trial}",
            date(),
            machine::describe(),
            profile(),
            machine::load(),
            machine::fsync_rate(&place.folder)?
        );
        let section = report::gate(gate, &standings, &when);
        eprintln!("{section}  gate {} took {} s", gate.number, begun.elapsed().as_secs());
        told.push(Told { number: gate.number, rows: report::overview(gate, &standings), section });
        tell(&told)?;
    }
    Ok(told)
}

/// The profile that all of this was built with: `dist` is what is shipped.
fn profile() -> String {
    let here = std::env::current_exe().ok();
    let folder = here.as_deref().and_then(Path::parent).and_then(Path::file_name);
    folder.map_or_else(|| "unknown".to_owned(), |folder| folder.to_string_lossy().into_owned())
}

/// Today in UTC, as the system says it.
fn date() -> String {
    let output = Command::new("date").args(["-u", "+%Y-%m-%d %H:%M UTC"]).output();
    output.map_or_else(
        |_| "date unknown".to_owned(),
        |out| String::from_utf8_lossy(&out.stdout).trim().to_owned(),
    )
}
