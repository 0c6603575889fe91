//! What becomes of journeys, and of those who are on their way.

use super::ways::{Ways, ways};
use super::{Change, Programs};
use release::Release;
use serde::Serialize;
use std::collections::BTreeSet;
use store::JourneyCounts;
use words::Text;

#[derive(Debug, Serialize)]
pub(super) struct JourneyPlan {
    pub(super) journey: String,
    pub(super) change: Change,
    /// Customers on their way.
    pub(super) live: u64,
    /// Of those, customers who go on with a program that is not the one to be deployed.
    pub(super) stay: u64,
    /// Of those, customers who could go on in the new one.
    pub(super) could_map: u64,
    /// Of those, customers who would miss a message if they ended where they stand.
    pub(super) would_miss: u64,
    pub(super) steps: Vec<Standing>,
}

/// A program as people know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Version {
    /// What would be deployed.
    New,
    /// What is live.
    Live,
    /// What was live before.
    Earlier,
}

/// How many stand on a step of a program, and where they could go.
#[derive(Debug, Serialize)]
pub(super) struct Standing {
    pub(super) program: String,
    /// Whether new enrollments would begin with this program.
    pub(super) current: bool,
    pub(super) version: Version,
    pub(super) step: String,
    /// What the step does, in words.
    pub(super) label: Text,
    pub(super) customers: u64,
    /// `None`: they stand in the program that new enrollments begin with.
    pub(super) ways: Option<Ways>,
}

pub(super) fn journeys(
    live: Option<&Release>,
    new: &Release,
    counts: &[JourneyCounts],
    programs: &Programs,
) -> Vec<JourneyPlan> {
    let mut names: BTreeSet<&str> = new.project.programs.keys().map(String::as_str).collect();
    names.extend(live.iter().flat_map(|live| live.project.programs.keys().map(String::as_str)));
    names.extend(
        counts.iter().filter(|of| of.places.iter().any(|(.., n)| *n > 0)).map(|of| of.journey.as_str()),
    );
    names.into_iter().map(|name| plan(name, live, new, counts, programs)).collect()
}

fn plan(
    name: &str,
    live: Option<&Release>,
    new: &Release,
    counts: &[JourneyCounts],
    programs: &Programs,
) -> JourneyPlan {
    let after = new.project.programs.get(name).map(|program| &**program);
    let before = live.and_then(|live| live.project.programs.get(name));
    let change = match (before, after) {
        // Customers of a journey that was removed earlier.
        (None, None) => Change::Removed,
        _ => Change::of(before.map(|p| &p.hash), after.map(|p| &p.hash)),
    };
    let places = counts.iter().filter(|of| of.journey == name).flat_map(|of| &of.places);
    let mut steps = Vec::new();
    for (no, pc, customers) in places.filter(|(.., n)| *n > 0) {
        let Some(program) = programs.get(no) else { continue };
        let at = usize::try_from(*pc).unwrap_or(usize::MAX);
        let current = after.is_some_and(|after| after.hash == program.hash);
        let version = match before {
            _ if current => Version::New,
            Some(before) if before.hash == program.hash => Version::Live,
            _ => Version::Earlier,
        };
        let drawn = journey::outline(program).boxes.into_iter().find(|drawn| drawn.pc == *pc);
        steps.push(Standing {
            program: program.hash.chars().take(12).collect(),
            current,
            version,
            label: drawn.map_or_else(|| Text::new("", ""), |drawn| drawn.label),
            step: program.nodes.get(at).map(|node| node.step.clone()).unwrap_or_default(),
            customers: *customers,
            ways: (!current).then(|| ways(program, at, after)),
        });
    }
    let sum = |of: &dyn Fn(&Ways) -> bool| {
        steps.iter().filter(|at| at.ways.as_ref().is_some_and(of)).map(|at| at.customers).sum()
    };
    JourneyPlan {
        journey: name.to_owned(),
        change,
        live: steps.iter().map(|at| at.customers).sum(),
        stay: sum(&|_| true),
        could_map: sum(&|ways| ways.no_map.is_none()),
        would_miss: sum(&|ways| !ways.ahead.is_empty()),
        steps,
    }
}
