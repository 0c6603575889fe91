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
    let program = (**project.programs.values().next().unwrap()).clone();
    assert!(program.listens.contains("message_clicked"));
    let mut story = Story::new(program, "2026-01-06T00:00:00Z");
    story.world.schema = project.schema;
    story.begin().receipt("clicked", "whats_new").until("2026-03-01T00:00:00Z");
    assert_eq!(story.state.at.status, Status::Ended(Ending::Finished));
    assert!(!story.state.context.engaged.is_empty());
}

#[test]
fn past_events_are_counted_by_what_they_share_with_the_event_that_began_it() {
    let mut project = compiled(
        "journey: a\npurpose: after_sales\nstart:\n  event: order_placed\n  once_per: order_id\nfirst_of: [email]\nsteps:\n\
         - if: count(order_placed, it.coupon == event.coupon and it.total > money(\"1 JPY\"), \"90 days\") == 2\n  \
         then:\n  - send: thanks_again\n  else:\n  - send: tips\n",
    );
    let program = project.programs.pop_first().unwrap().1;
    let asked = program.nodes.iter().find_map(|node| match &node.op {
        journey::Op::Branch { arms, .. } => arms.first().map(|(condition, _)| condition),
        _ => None,
    });
    let asked = asked.unwrap();
    assert_eq!(
        asked.to_string(),
        "count(order_placed, it.coupon == event.coupon and it.total > money(\"1 JPY\"), \"90 days\") == 2"
    );
    let order = |at: i64, coupon: Option<&str>| {
        let mut order = event("order_placed", day(at), &[("total", money("500 JPY"))]);
        order.properties.extend(coupon.map(|coupon| ("coupon".to_owned(), text(coupon))));
        order
    };
    let mut world = World { schema: project.schema, ..World::new() };
    for (at, coupon) in [(0, Some("SPRING")), (1, Some("SUMMER")), (2, None), (3, Some("SPRING"))] {
        world.fold(&order(at, coupon), day(at));
    }
    let holds = |world: &World, coupon, now| {
        let start = order(3, coupon);
        crate::holds(asked, &crate::Env { event: Some(&start), ..crate::Env::new(&world.snapshot(), now) })
    };
    assert!(holds(&world, Some("SPRING"), day(3)));
    assert!(!holds(&world, Some("SUMMER"), day(3)));
    assert!(!holds(&world, None, day(3)), "what lacks it is nobody's");
    assert!(!holds(&world, Some("SPRING"), day(91)), "the window holds here as well");

    // A second self brings the events of its own, each under its value.
    let mut other = World { schema: world.schema.clone(), ..World::new() };
    other.fold(&order(4, Some("SUMMER")), day(4));
    let stored = crate::Facts::from_bytes(&other.facts.to_bytes()).unwrap();
    world.facts.unite(&world.schema, stored);
    assert!(holds(&world, Some("SUMMER"), day(4)));
    let looked = crate::mentions::looked(asked, &crate::Env::new(&world.snapshot(), day(4)));
    assert!(
        looked.first().is_some_and(|one| one.at.starts_with("count(order_placed, it.coupon == event.coupon"))
    );
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
