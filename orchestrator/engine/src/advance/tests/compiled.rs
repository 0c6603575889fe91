//! Journeys as people write them, compiled and run.

use crate::testing::*;
use crate::{Ending, Status, next_flip};
use journey::Project;
use std::collections::BTreeMap;

#[path = "../../../../journey/tests/base/mod.rs"]
mod base;

fn compiled(journey: &str) -> Project {
    let files = BTreeMap::from([
        ("journeys/schema.yaml".to_owned(), base::SCHEMA.as_bytes().to_vec()),
        ("journeys/a.yaml".to_owned(), journey.as_bytes().to_vec()),
    ]);
    let (project, diagnostics) = journey::compile(&files, &base::messages());
    project.unwrap_or_else(|| panic!("{diagnostics:#?}"))
}

#[test]
fn a_click_reaches_the_condition_that_asks_for_it() {
    let project = compiled(include_str!("../../../../journey/src/compile/tests/win_back.yaml"));
    let program = project.programs.values().next().unwrap().clone();
    assert!(program.listens.contains("message_clicked"));
    let mut story = Story::new(program, "2026-01-06T00:00:00Z");
    story.world.schema = project.schema;
    story.begin().receipt("clicked", "whats_new").until("2026-03-01T00:00:00Z");
    assert_eq!(story.state.at.status, Status::Ended(Ending::Finished));
    assert!(!story.state.context.engaged.is_empty());
}

#[test]
fn every_segment_that_time_changes_tells_when() {
    let project = compiled(include_str!("../../../../journey/src/compile/tests/win_back.yaml"));
    let mut world = World { schema: project.schema, ..World::new() };
    let names: std::collections::BTreeSet<String> =
        world.schema.facts.values().map(|fact| fact.event.clone()).collect();
    for name in names {
        world.fold(&event(&name, day(0), &[]), day(0));
    }
    let timed: Vec<_> = world.schema.segments.values().filter(|segment| segment.timed).cloned().collect();
    assert!(!timed.is_empty());
    for segment in timed {
        let told = next_flip(&segment, &world.snapshot(), &world.facts, &world.schema, day(1));
        assert!(told.is_none_or(|at| at > day(2)), "not every minute: {told:?}");
    }
}
