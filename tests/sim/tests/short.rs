//! The short round: every test run simulates some seeds; a longer one is `tests/run sim`.

#![allow(clippy::unwrap_used, clippy::panic)]

use sim::many::{many, one};

/// Without crashes at commits where the feature `planted` is off: those need a probe in the writer.
#[test]
fn no_law_is_broken_in_any_world() {
    let tally = many(0, 120, 2, false, |_| {});
    let failed = tally.failed.iter().map(|report| {
        let said: Vec<_> = report.breaches.iter().map(|b| format!("{}: {}", b.law, b.what)).collect();
        format!("{}\nReplay it: tests/run sim --seed {}", said.join("\n"), report.seed)
    });
    let failed: Vec<String> = failed.collect();
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
    assert!(tally.handed > 300 && tally.ends > 200, "{} hand-overs, {} ends", tally.handed, tally.ends);
}

#[test]
fn one_seed_is_one_history() {
    for seed in [7, 1007, 2007] {
        let (first, second) = (one(seed, true), one(seed, true));
        let differs = first.shown.iter().zip(&second.shown).find(|(a, b)| a != b);
        assert_eq!(differs, None, "seed {seed}");
        assert_eq!((first.trace, first.lines), (second.trace, second.lines), "seed {seed}");
    }
}

/// Mistakes are planted in the simulator's own build and in no other.
#[test]
fn nobody_else_turns_the_planted_mistakes_on() {
    let top = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut looked = 0;
    for folder in ["orchestrator", "channels", "tests"] {
        for entry in std::fs::read_dir(top.join(folder)).unwrap() {
            let Ok(text) = std::fs::read_to_string(entry.unwrap().path().join("Cargo.toml")) else {
                continue;
            };
            looked += 1;
            let of_store = text.contains("name = \"store\"");
            let of_sim = text.contains("name = \"sim\"");
            let lines: Vec<&str> =
                text.lines().filter(|line| line.contains("planted") && !line.starts_with('#')).collect();
            match (of_store, of_sim) {
                (true, _) => assert_eq!(lines, ["planted = []"]),
                (_, true) => assert_eq!(lines, ["planted = [\"store/planted\"]"]),
                _ => assert_eq!(lines, [] as [&str; 0], "{text}"),
            }
            assert!(!text.contains("default = ["), "a default feature could bring it in");
        }
    }
    assert!(looked > 20, "{looked} packages");
}

/// A mistake that nobody makes any more is found by nobody, and would only be missed.
#[cfg(feature = "planted")]
#[test]
fn every_mistake_is_planted_somewhere() {
    fn read(folder: &std::path::Path, all: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read(&path, all);
            } else if path.extension().is_some_and(|end| end == "rs") {
                all.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let (mut all, top) =
        (String::new(), std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../orchestrator"));
    read(&top, &mut all);
    for bug in store::planted::Bug::ALL {
        assert!(all.contains(&format!("Bug::{bug:?}")), "{bug:?}");
    }
}
