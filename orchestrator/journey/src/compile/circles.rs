//! Journeys that enroll each other in a circle would never end.

use crate::report::{Report, t};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// For each journey, where it enrolls into which.
pub(super) type Enrolls<'a> = BTreeMap<String, (Report<'a>, Vec<(String, Range<usize>)>)>;

/// Reports every `enroll` that leads back to its own journey.
pub(super) fn check(enrolls: &Enrolls<'_>) {
    for (name, (report, targets)) in enrolls {
        for (target, span) in targets {
            if let Some(path) = path(enrolls, target, name) {
                let shown = path.join(" → ");
                report.help(
                    "J097",
                    span.clone(),
                    t(
                        format!("these journeys enroll each other in a circle: {name} → {shown}"),
                        format!("ジャーニーが互いを始め続けています：{name} → {shown}"),
                    ),
                    t("this closes the circle", "ここで輪が閉じます"),
                    t(
                        "take one of the `enroll` steps away, or use `repeat`",
                        "どれか 1 つの「enroll」を外すか、「repeat」を使ってください",
                    ),
                );
            }
        }
    }
}

/// A way from one journey to another.
fn path(enrolls: &Enrolls<'_>, from: &str, to: &str) -> Option<Vec<String>> {
    let mut ahead = vec![vec![from.to_owned()]];
    let mut seen = BTreeSet::new();
    while let Some(way) = ahead.pop() {
        let last = way.last()?.clone();
        if last == to {
            return Some(way);
        }
        if !seen.insert(last.clone()) {
            continue;
        }
        for (next, _) in enrolls.get(&last).map(|(_, targets)| targets.as_slice()).unwrap_or_default() {
            let mut longer = way.clone();
            longer.push(next.clone());
            ahead.push(longer);
        }
    }
    None
}
