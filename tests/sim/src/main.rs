//! `tests/run sim`: seeds, one or many, with or without a planted mistake.

#![allow(clippy::print_stdout, clippy::print_stderr)]

mod results;

use clap::Parser;
use sim::many::{many, one};
use std::process::ExitCode;
use store::planted::{Bug, PLANTED};

/// A mistake in words: its name, taken apart.
fn named(bug: Bug) -> String {
    let mut words = String::new();
    for letter in format!("{bug:?}").chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    format!("{words} (`{bug:?}`)")
}

/// Runs the product in a simulated world, in which every mishap follows from the seed.
#[derive(Debug, Parser)]
#[command(name = "tests/run sim")]
struct Args {
    /// How many seeds
    #[arg(long, default_value_t = 200)]
    seeds: u64,
    /// The first of them
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// This one alone, with all that happens in it
    #[arg(long)]
    seed: Option<u64>,
    /// With these mistakes planted, one after the other, until each is found: names with commas between, or `all`
    #[arg(long)]
    bug: Option<String>,
    /// Side by side
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Looks at every state of the model of the ledger instead, and at what it misses without each of its rules
    #[arg(long)]
    model: bool,
    /// Runs so many races of an unsubscribe against a send instead, on SQLite and on PostgreSQL, in real time
    #[arg(long)]
    races: Option<usize>,
    /// Writes what came of it into tests/sim/RESULTS.md
    #[arg(long)]
    write: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let mut bugs = Vec::new();
    for name in args.bug.as_deref().unwrap_or_default().split(',').filter(|name| !name.is_empty()) {
        let found: Vec<Bug> =
            Bug::ALL.into_iter().filter(|bug| name == "all" || format!("{bug:?}") == name).collect();
        if found.is_empty() {
            eprintln!("There is no bug {name}. There are:");
            Bug::ALL.iter().for_each(|bug| eprintln!("  {bug:?}"));
            return ExitCode::FAILURE;
        }
        bugs.extend(found);
    }
    if args.model {
        return model(&args);
    }
    if args.bug.is_some() && !PLANTED {
        eprintln!("Mistakes can be planted only in a build with the feature `planted`: run `tests/run sim`.");
        return ExitCode::FAILURE;
    }
    if let Some(count) = args.races {
        plant(bugs.first().copied());
        return races(count, &args);
    }
    if let Some(seed) = args.seed {
        plant(bugs.first().copied());
        let report = one(seed, true);
        report.shown.iter().for_each(|line| println!("{line}"));
        report.breaches.iter().for_each(|breach| println!("{}: {}", breach.law, breach.what));
        println!("seed {seed}: trace {:016x}, {} lines", report.trace, report.lines);
        return if report.breaches.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    if bugs.is_empty() { seeds(&args) } else { every_bug(&args, &bugs) }
}

#[cfg(feature = "planted")]
fn plant(bug: Option<Bug>) {
    store::planted::plant(bug);
}

#[cfg(not(feature = "planted"))]
fn plant(_: Option<Bug>) {}

fn seeds(args: &Args) -> ExitCode {
    let began = std::time::Instant::now();
    let tally = many(args.from, args.seeds, args.threads, false, |report| {
        for breach in &report.breaches {
            println!("seed {}: {}: {}", report.seed, breach.law, breach.what);
        }
    });
    let secs = began.elapsed().as_secs();
    println!(
        "{} seeds from {} in {secs} s: {} failed; {} hand-overs, {} ends of a process, {} things that happened; {} run twice, \
         equal traces",
        tally.seeds,
        args.from,
        tally.failed.len(),
        tally.handed,
        tally.ends,
        tally.lines,
        tally.twice
    );
    for report in tally.failed.iter().take(3) {
        println!("Replay it: tests/run sim --seed {}{}", report.seed, bug_argument(args));
    }
    if args.write {
        let text = format!(
            "- {}, seeds {} to {}: {} failed. {} hand-overs, {} ends of a process, {} things that happened, in {} min {} s by \
             {} threads; {} seeds were run twice, with equal traces.",
            results::date(),
            args.from,
            args.from + tally.seeds.saturating_sub(1),
            tally.failed.len(),
            tally.handed,
            tally.ends,
            tally.lines,
            secs / 60,
            secs % 60,
            args.threads,
            tally.twice,
        );
        results::add("Seeds", &text);
    }
    if tally.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn bug_argument(args: &Args) -> String {
    args.bug.as_ref().map(|bug| format!(" --bug {bug}")).unwrap_or_default()
}

fn every_bug(args: &Args, bugs: &[Bug]) -> ExitCode {
    let mut missed = 0;
    let mut table =
        String::from("| mistake | first seed that finds it | law | what was seen |\n|---|---|---|---|\n");
    for bug in bugs.iter().copied() {
        plant(Some(bug));
        let tally = many(args.from, args.seeds, args.threads, true, |_| {});
        match tally.failed.first() {
            Some(report) => {
                let law = report.breaches.first().map_or("", |breach| breach.law);
                let what = report.breaches.first().map_or("", |breach| breach.what.as_str());
                println!("{bug:?}: seed {} ({law}: {what})", report.seed);
                let what = what.replace('|', "/");
                table.push_str(&format!("| {} | {} | {law} | {what} |\n", named(bug), report.seed));
            }
            None => {
                missed += 1;
                println!("{bug:?}: NOT FOUND in {} seeds", tally.seeds);
                table.push_str(&format!("| {} | none of {} | | |\n", named(bug), tally.seeds));
            }
        }
    }
    plant(None);
    let found = format!("{} of {} found", bugs.len() - missed, bugs.len());
    println!("{found}");
    if args.write {
        results::write(
            "Planted mistakes",
            &format!("{found}, looked for in at most {} seeds each.\n\n{table}", args.seeds),
        );
    }
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn races(count: usize, args: &Args) -> ExitCode {
    use sim::races::{Place, races};
    let Ok(server) = std::env::var("TABI_TEST_POSTGRES") else {
        eprintln!("TABI_TEST_POSTGRES names no PostgreSQL: `tests/run sim --races {count}` brings one.");
        return ExitCode::FAILURE;
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let (mut text, mut good) = (String::new(), true);
    for (name, place) in [("SQLite", Place::Sqlite), ("PostgreSQL, two nodes", Place::Postgres(server))] {
        let began = std::time::Instant::now();
        match runtime.block_on(races(count, count / 20, args.seed.unwrap_or(args.from), &place)) {
            Ok(raced) => {
                raced.breaches.iter().for_each(|breach| println!("{breach}"));
                good &= raced.breaches.is_empty();
                let line = format!(
                    "{}, {name}: {} races of an unsubscribe against a send; {} times the refusal was first and nothing went \
                     out, {} times the hand-over stood in the ledger first; {} hand-overs began after the refusal was \
                     acknowledged; {} s",
                    results::date(),
                    raced.races,
                    raced.refused_first,
                    raced.handed_first,
                    raced.breaches.len(),
                    began.elapsed().as_secs(),
                );
                println!("{line}");
                text.push_str(&format!("- {line}\n"));
            }
            Err(error) => {
                println!("{name}: {error:#}");
                good = false;
            }
        }
    }
    if args.write && args.bug.is_none() {
        results::write("Races", &text);
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn model(args: &Args) -> ExitCode {
    use sim::model::{Class, Ledger, MUTATIONS, Mutation, check};
    let ledger = |class, mutation| Ledger { class, mutation, crashes: 3, claims: 5 };
    let (mut text, mut good) = (String::new(), true);
    for class in [Class::NeverTwice, Class::NeverLost] {
        let checked = check(ledger(class, Mutation::None));
        good &= checked.broken.is_empty();
        let line = format!(
            "{class:?}: {} different states, all of them; broken: {:?}",
            checked.states, checked.broken
        );
        println!("{line}");
        text.push_str(&format!("- {line}\n"));
    }
    text.push_str("\n| rule taken away | what is broken without it | in so many steps |\n|---|---|---|\n");
    for mutation in MUTATIONS {
        let broken: Vec<_> = [Class::NeverTwice, Class::NeverLost]
            .into_iter()
            .flat_map(|class| check(ledger(class, mutation)).broken)
            .collect();
        good &= !broken.is_empty();
        let (what, way) = broken.first().cloned().unwrap_or_default();
        let steps = way.split("), ").count();
        println!("{mutation:?}: {what} ({way})");
        text.push_str(&format!("| `{mutation:?}` | {what} | {steps} |\n"));
    }
    if args.write {
        results::write("Model", &text);
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
