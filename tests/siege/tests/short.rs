//! The short round, which every test run holds: a dozen faults over a thousand messages.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

use clap::Parser as _;
use siege::{options::Options, run};

/// A failing run is begun again with its seed in `TABI_SEED`.
#[test]
fn nothing_is_lost_and_nothing_comes_twice_whatever_is_done_to_it() {
    let mut arguments = vec!["siege", "--kills", "10", "--sends", "1000", "--no-silence"];
    let seed = std::env::var("TABI_SEED").ok();
    arguments.extend(seed.as_deref().map(|seed| ["--seed", seed]).into_iter().flatten());
    let report = run::run(&Options::parse_from(arguments)).unwrap_or_else(|error| panic!("{error:#}"));
    eprintln!("{}", report.markdown());
    assert!(report.judgement.differences.is_empty(), "TABI_SEED={}\n{}", report.seed, report.markdown());
}

/// The same with two nodes on a PostgreSQL that is killed once, and a backup that is played back into a fresh database of it.
#[test]
fn nothing_is_lost_and_nothing_comes_twice_where_nodes_share_a_server() {
    let mut arguments = vec!["siege", "--store", "postgres", "--nodes", "2", "--database-kills", "1"];
    arguments.extend(["--kills", "3", "--jobs-destroyed", "1", "--sends", "200", "--no-silence"]);
    arguments.extend(["--hand-over-s", "5", "--clock-moves", "0", "--full", "0", "--pauses", "0"]);
    let seed = std::env::var("TABI_SEED").ok();
    arguments.extend(seed.as_deref().map(|seed| ["--seed", seed]).into_iter().flatten());
    let report = run::run(&Options::parse_from(arguments)).unwrap_or_else(|error| panic!("{error:#}"));
    eprintln!("{}", report.markdown());
    assert!(report.judgement.differences.is_empty(), "TABI_SEED={}\n{}", report.seed, report.markdown());
}
