//! Every target with its seeds and some thousands of mutations of them: not to find what a fuzzer finds in a night, but so
//! that no target and no seed rots, and what was found once is not found again.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)] // a failure prints the bytes to keep

use fuzz::TARGETS;
use fuzz::mutate::{Chance, mutated};
use std::path::{Path, PathBuf};

/// The longest mutation.
const BYTES_MAX: usize = 4_096;

fn seeds(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    let files = std::fs::read_dir(&folder).unwrap_or_else(|_| panic!("{} is missing", folder.display()));
    let mut found: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    found.sort();
    found.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

/// Runs one input, and prints it where it breaks a promise: that is a seed to keep.
fn play(target: &fuzz::Target, what: &str, bytes: &[u8]) {
    let run = target.run;
    if let Err(panic) = std::panic::catch_unwind(|| run(bytes)) {
        eprintln!("{} breaks on {what}: {:?}", target.name, String::from_utf8_lossy(bytes));
        eprintln!("To keep it: printf '{}' > tests/fuzz/seeds/{}/NAME", escaped(bytes), target.name);
        std::panic::resume_unwind(panic);
    }
}

fn escaped(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b' ' | b':' | b'{' | b'}' | b'.' => {
                char::from(*byte).to_string()
            }
            byte => format!("\\{byte:03o}"),
        })
        .collect()
}

fn short(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let seeds = seeds(name);
    assert!(seeds.len() >= 3, "{name} has {} seeds", seeds.len());
    for (path, bytes) in &seeds {
        assert!(bytes.len() <= BYTES_MAX, "{} is too long for a seed", path.display());
        play(target, &path.display().to_string(), bytes);
    }
    let factor: u32 = std::env::var("TABI_FUZZ_TIMES").ok().and_then(|times| times.parse().ok()).unwrap_or(1);
    for round in 0..u64::from(target.short * factor) {
        let mut chance = Chance::new(round);
        let (seed, other) = (chance.below(seeds.len()), chance.below(seeds.len()));
        let bytes = mutated(&mut chance, &seeds[seed].1, &seeds[other].1, BYTES_MAX);
        play(target, &format!("mutation {round}"), &bytes);
    }
}

macro_rules! targets {
    ($($test:ident $name:literal;)*) => {
        $(#[test] fn $test() { short($name); })*

        #[test]
        fn every_target_is_played_and_has_a_fuzzer() {
            let played = [$($name),*];
            for target in TARGETS {
                assert!(played.contains(&target.name), "{} is not played here", target.name);
                let fuzzer = format!("libfuzzer/fuzz_targets/{}.rs", target.name);
                let fuzzer = Path::new(env!("CARGO_MANIFEST_DIR")).join(fuzzer);
                let text = std::fs::read_to_string(&fuzzer).unwrap_or_default();
                assert!(text.contains(&format!("{:?}", target.name)), "{} is missing", fuzzer.display());
                let listed = include_str!("../libfuzzer/Cargo.toml");
                assert!(listed.contains(&format!("name = {:?}", target.name)), "libfuzzer/Cargo.toml lacks it");
            }
        }
    };
}

targets! {
    links_are_good_for_what_they_were_signed_for "links";
    messages_of_the_tracking_api_stay_within_limits "events";
    calls_are_believed_with_the_right_signature_alone "signatures";
    webhooks_of_shops_are_believed_with_the_right_signature_alone "shops";
    answers_of_providers_become_short_records "callbacks";
    journeys_are_told_what_is_wrong_or_run "journeys";
    expressions_read_as_they_are_shown "expressions";
    templates_are_told_what_is_wrong "templates";
    mail_reads_as_it_was_meant "mail";
    replies_of_a_relay_end "smtp";
    headers_stay_within_bounds "headers";
    addresses_never_lead_inside "urls";
    tables_read_as_they_were_and_hold_no_formula "tables";
    values_read_as_they_are_written "values";
    queries_lead_on_to_what_was_asked "queries";
}
