#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use crate::testing::*;
use journey::SegmentRef;
use journey::program::OncePer;

fn ordered(days: i64) -> Event {
    event("order_placed", day(days), &[("order_id", text("A1")), ("total", money("3000 JPY"))])
}

fn keyed() -> Program {
    Program { once_per: Some(OncePer { property: "order_id".to_owned() }), ..program(vec![]) }
}

/// `start KEY`, `restart KEY`, or why not.
fn told(program: &Program, cause: &Cause<'_>, previous: &[Previous], now: Timestamp) -> String {
    let world = World::new();
    match start(program, cause, &world.snapshot(), previous, now) {
        StartDecision::Start { key, .. } => format!("start {key}").trim_end().to_owned(),
        StartDecision::Restart { key, .. } => format!("restart {key}").trim_end().to_owned(),
        StartDecision::No(reason) => {
            assert!(!reason.words().en.is_empty() && !reason.words().ja.is_empty());
            let text = format!("{reason:?}");
            text.split([' ', '{']).next().unwrap_or_default().to_owned()
        }
    }
}

fn live(days: i64) -> Previous {
    Previous { started_at: day(days), ended_at: None }
}

fn over(days: i64) -> Previous {
    Previous { started_at: day(days), ended_at: Some(day(days + 1)) }
}

#[test]
fn an_event_starts_its_journey_once_for_each_key() {
    let event = ordered(10);
    let cause = Cause::Event(&event);
    assert_eq!(told(&keyed(), &cause, &[], day(10)), "start A1");
    assert_eq!(told(&keyed(), &cause, &[live(9)], day(10)), "Live");
    let mut keyless = ordered(10);
    keyless.properties.remove("order_id");
    assert_eq!(told(&keyed(), &Cause::Event(&keyless), &[], day(10)), "NoKey");
    let other = crate::testing::event("page_viewed", day(10), &[]);
    assert_eq!(told(&keyed(), &Cause::Event(&other), &[], day(10)), "NotConcerned");
}

#[test]
fn a_key_that_is_a_number_is_its_text() {
    let event = event("order_placed", day(1), &[("order_id", Value::Int(42))]);
    assert_eq!(start_key(&keyed(), &Cause::Event(&event)).unwrap(), "42");
}

#[test]
fn the_condition_sees_the_event_and_the_customer() {
    let condition = |least: &str| {
        let enough = op(path("event.total"), ">=", lit(money(least)));
        Some(op(enough, "and", op(path("customer.country"), "==", lit("JP"))))
    };
    let event = ordered(0);
    let cause = Cause::Event(&event);
    let small = Program { start_if: condition("3000 JPY"), ..keyed() };
    assert_eq!(told(&small, &cause, &[], day(0)), "start A1");
    let large = Program { start_if: condition("3001 JPY"), ..keyed() };
    assert_eq!(told(&large, &cause, &[], day(0)), "ConditionFalse");
}

#[test]
fn history_and_what_is_late_start_nothing() {
    let mut event = ordered(0);
    assert_eq!(told(&keyed(), &Cause::Event(&event), &[], day(1)), "start A1");
    let later = day(1).plus(span("1 s"));
    assert_eq!(told(&keyed(), &Cause::Event(&event), &[], later), "Late");
    event.kind = EventKind::History;
    assert_eq!(told(&keyed(), &Cause::Event(&event), &[], day(0)), "History");
}

#[test]
fn again_says_whether_a_key_may_come_back() {
    let event = ordered(20);
    let cause = Cause::Event(&event);
    for (again, previous, expected) in [
        (Again::Never, vec![over(1)], "Never"),
        (Again::Never, vec![], "start A1"),
        (Again::Always, vec![over(1), over(5)], "start A1"),
        (Again::Always, vec![over(1), live(5)], "Live"),
        (Again::Restart, vec![live(5)], "restart A1"),
        (Again::Restart, vec![over(5)], "start A1"),
        (Again::After(span("15 days")), vec![over(1), over(5)], "start A1"),
        (Again::After(span("16 days")), vec![over(5), over(1)], "TooSoon"),
    ] {
        let program = Program { again, ..keyed() };
        assert_eq!(told(&program, &cause, &previous, day(20)), expected, "{again:?}");
    }
}

fn joins(already_in: AlreadyIn) -> Program {
    Program { start: Start::Joins { segment: "silent".to_owned() }, already_in, ..program(vec![]) }
}

#[test]
fn those_already_in_a_segment_are_skipped_started_or_spread() {
    let cause = |already| Cause::Segment { segment: "silent", joined: true, at: day(0), already };
    assert_eq!(told(&joins(AlreadyIn::Skip), &cause(false), &[], day(0)), "start");
    assert_eq!(told(&joins(AlreadyIn::Skip), &cause(true), &[], day(0)), "AlreadyIn");
    assert_eq!(told(&joins(AlreadyIn::Start), &cause(true), &[], day(9)), "start");
    let left = Cause::Segment { segment: "silent", joined: false, at: day(0), already: false };
    assert_eq!(told(&joins(AlreadyIn::Skip), &left, &[], day(0)), "NotConcerned");

    let spread = joins(AlreadyIn::Over(span("7 days")));
    let mut world = World::new();
    let mut starts = std::collections::BTreeSet::new();
    let ids = words::IdSource::seeded(3);
    for _ in 0..200 {
        world.customer.id = ids.customer(day(0));
        let StartDecision::Start { state, .. } = start(&spread, &cause(true), &world.snapshot(), &[], day(0))
        else {
            panic!("they start")
        };
        let due = state.at.due_at.unwrap();
        assert!(due >= day(0) && due < day(7));
        starts.insert(due);
    }
    assert!(starts.len() > 150, "spread over the days: {}", starts.len());
}

#[test]
fn a_tick_starts_for_those_it_is_sent_to() {
    let mut world = World::new();
    world.schema.segments.insert("gold".to_owned(), segment(op(path("customer.plan"), "==", lit("gold"))));
    let to = Start::Schedule { cron: "0 8 * * 1".to_owned(), zone: None, to: Some("gold".to_owned()) };
    let weekly = Program { start: to, ..program(vec![]) };
    let tick = Cause::Tick { at: day(0) };
    let decide = |world: &World| start(&weekly, &tick, &world.snapshot(), &[], day(0));
    assert_eq!(decide(&world), StartDecision::No(NoStart::ConditionFalse));
    world.set("plan", text("gold"));
    assert!(matches!(decide(&world), StartDecision::Start { .. }));
}

#[test]
fn a_changed_item_starts_for_those_concerned_and_is_seen_by_the_steps() {
    let price = |of: &str| op(path(&format!("{of}.price")), "+", lit(0));
    let start_item = Start::Item {
        catalog: "products".to_owned(),
        when: Some(op(price("item"), "<", price("before"))),
        who: op(path("item.id"), "in", path("customer.wishes")),
    };
    let program = Program { start: start_item, ..program(vec![]) };
    let item =
        |price: i64| BTreeMap::from([("id".to_owned(), text("p1")), ("price".to_owned(), Value::Int(price))]);
    let (now, was) = (item(80), item(100));
    let cheaper = Cause::Item { catalog: "products", item: &now, before: Some(&was), at: day(0) };
    let dearer = Cause::Item { catalog: "products", item: &was, before: Some(&now), at: day(0) };
    let mut world = World::new();
    let starts = |world: &World, cause: &Cause<'_>| {
        matches!(start(&program, cause, &world.snapshot(), &[], day(0)), StartDecision::Start { .. })
    };
    assert!(!starts(&world, &cheaper), "nobody wished for it");
    world.set("wishes", Value::List(vec![text("p1")]));
    assert!(starts(&world, &cheaper) && !starts(&world, &dearer));

    let ops = vec![
        send_with("cheaper", 1, |send| send.with = vec![("price".to_owned(), path("item.price"))]),
        journey::Op::End,
    ];
    let mut story = Story::new(crate::testing::program(ops), "2026-01-01T00:00:00Z");
    story.world.start = Some(item_event(EventId([9; 16]), &now, Some(&was), day(0)));
    story.begin().tells(
        "01-01 00:00 0/1 send cheaper price=80
         01-01 00:00 1 ended finished",
    );
}

#[test]
fn what_is_asked_for_by_name_starts_and_obeys_the_same_rules() {
    let program = Program {
        start: Start::Api { inputs: BTreeMap::new() },
        again: Again::Never,
        stop_segments: vec![SegmentRef { segment: "x".to_owned(), joined: true }],
        ..keyed()
    };
    let inputs = event("start", day(0), &[("order_id", text("Z"))]);
    assert_eq!(told(&program, &Cause::Asked(&inputs), &[], day(0)), "start Z");
    assert_eq!(told(&program, &Cause::Asked(&inputs), &[over(-5)], day(0)), "Never");
}
