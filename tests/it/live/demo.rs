//! The demo: the same twice, also when it is killed on the way. By thirty of its customers with every run of the tests; by
//! all of them where it is asked for (`tests/run demo`).

use super::{PATIENCE, shop::project};
use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

fn demo(data: &Path, customers: &[&str]) -> Child {
    Command::new(tests::tabi())
        .args(["demo", "--once", "--lang", "en"])
        .args(customers)
        .arg("--data")
        .arg(data)
        .arg("--project")
        .arg(project())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Plays to the end; what was printed.
#[track_caller]
fn played(data: &Path, customers: &[&str]) -> String {
    let output = demo(data, customers).wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn files(data: &Path) -> (String, String) {
    let read = |name: &str| std::fs::read_to_string(data.join(name)).unwrap();
    (read("summary.txt"), read("decisions.jsonl"))
}

#[test]
fn the_demo_played_twice_is_equal_to_the_byte_also_when_it_is_killed_on_the_way() {
    twice(&["--customers", "30"], 100, PATIENCE);
}

#[test]
#[ignore = "minutes: `tests/run demo` plays it with a release build"]
fn the_whole_demo_played_twice_is_equal_to_the_byte_also_when_it_is_killed_on_the_way() {
    twice(&[], 5_000, PATIENCE * 20);
}

/// Plays it whole, and again with four kills on the way; there are at least so many decisions.
#[track_caller]
fn twice(customers: &[&str], decisions_min: usize, patience: Duration) {
    let here = tempfile::tempdir().unwrap();
    let (whole, killed) = (here.path().join("whole"), here.path().join("killed"));
    let started = Instant::now();
    let printed = played(&whole, customers);
    let took = started.elapsed();
    let (summary, decisions) = files(&whole);
    assert_eq!(printed.trim_end(), summary.trim_end());
    for journey in ["onboarding", "thank_you", "win_back"] {
        assert!(summary.contains(journey), "{summary}");
    }
    assert!(decisions.lines().count() > decisions_min, "{} decisions", decisions.lines().count());

    for part in 1..=4 {
        let mut child = demo(&killed, customers);
        std::thread::sleep(took.mul_f64(f64::from(part) / 5.0).min(patience));
        assert!(child.try_wait().unwrap().is_none() || part > 2, "it ended before it was killed");
        child.kill().unwrap();
        child.wait().unwrap();
        // Also with the queue's tables gone, where there are any.
        let _ = std::fs::remove_file(killed.join("jobs.db"));
    }
    assert_eq!(played(&killed, customers).trim_end(), printed.trim_end());
    let again = files(&killed);
    assert_eq!(again.0, summary);
    assert!(again.1 == decisions, "{}", first_difference(&again.1, &decisions));

    // A third time it is there already: shown, not played.
    let started = Instant::now();
    assert_eq!(played(&killed, customers).trim_end(), printed.trim_end());
    assert!(started.elapsed() < took.max(Duration::from_secs(1)), "it was played again");
}

fn first_difference(a: &str, b: &str) -> String {
    let different = a.lines().zip(b.lines()).enumerate().find(|(_, (a, b))| a != b);
    different.map_or_else(
        || format!("{} and {} lines", a.lines().count(), b.lines().count()),
        |(n, (a, b))| format!("line {}:\n{a}\n{b}", n + 1),
    )
}
