use crate::fixture::{World, endings, order, planned, started, text};
use std::collections::BTreeMap;
use words::{Elapsed, Value};

const THANKS: &str = "purpose: after_sales
start: {event: order_placed, once_per: order_id}
first_of: [email]
steps:
  - send: thanks
  - wait: 3 days
  - send: reminder
";

#[test]
fn an_event_starts_once_for_each_key_and_another_key_is_another_enrollment() {
    let world = World::new("2026-04-01T00:00:00Z", &[("thank_you", THANKS)]);
    let mut hana = world.customer();
    for id in ["A-1", "A-1", "A-2"] {
        hana.tell(&world, "order_placed", order(id));
    }
    let change = hana.step(&world);
    assert_eq!(started(&change), ["thank_you", "thank_you"]);
    assert_eq!(planned(&change), ["thanks on email", "thanks on email"]);
    assert!(change.decisions.iter().any(|d| d.kind == "not_started"), "the refusal is on record");
    // The same order again, in a step of its own: it lives.
    hana.tell(&world, "order_placed", order("A-1"));
    assert!(started(&hana.step(&world)).is_empty());
}

#[test]
fn a_key_is_known_also_where_the_event_that_it_came_from_is_gone() {
    let world = World::new("2026-04-01T00:00:00Z", &[("thank_you", THANKS)]);
    let mut hana = world.customer();
    hana.tell(&world, "order_placed", order("A-1"));
    hana.step(&world);
    for live in hana.live.values_mut() {
        live.cause = None;
    }
    hana.tell(&world, "order_placed", order("A-1"));
    assert!(started(&hana.step(&world)).is_empty());
}

#[test]
fn an_event_that_is_too_old_or_imported_starts_nothing_and_counts() {
    let mut world = World::new("2026-04-01T00:00:00Z", &[("thank_you", THANKS)]);
    let mut hana = world.customer();
    hana.history(&world, "order_placed", "2026-03-31T23:00:00Z", order("A-0"));
    hana.tell(&world, "order_placed", order("A-1"));
    world.pass(Elapsed::from_days(2));
    let change = hana.step(&world);
    assert!(started(&change).is_empty());
    let schema = &world.release.project.schema;
    let orders = hana.facts.as_ref().unwrap().value(schema, "orders", world.now);
    assert_eq!(orders, Value::Int(2));
}

#[test]
fn stop_if_takes_back_what_is_planned_and_not_handed_over() {
    let journey = "purpose: after_sales
start: {event: order_placed, once_per: order_id}
stop_if: refund_requested
first_of: [email]
steps:
  - send: thanks
  - wait: 3 days
  - send: reminder
";
    let world = World::new("2026-04-01T00:00:00Z", &[("thank_you", journey)]);
    let mut hana = world.customer();
    hana.tell(&world, "order_placed", order("A-1"));
    hana.step(&world);
    assert_eq!(hana.open.len(), 1);
    hana.tell(&world, "refund_requested", BTreeMap::from([("order_id".to_owned(), text("A-1"))]));
    let change = hana.step(&world);
    assert_eq!(endings(&change), ["refund_requested"]);
    assert_eq!(change.cancel.len(), 1);
    assert!(hana.open.is_empty() && hana.live.is_empty());
    let cancelled = change.audit.iter().filter(|a| a.kind.as_str() == "message.cancelled").count();
    assert_eq!(cancelled, 1, "a message that is not sent is written down");
    assert!(change.cancel[0].1.contains("journey_stopped") && change.cancel[0].1.contains("送信前に"));
}

#[test]
fn what_is_planned_and_stopped_in_one_step_is_never_a_delivery() {
    let journey = "purpose: after_sales
start: {event: order_placed, once_per: order_id}
stop_if: refund_requested
first_of: [email]
steps:
  - send: thanks
  - wait: 3 days
";
    let world = World::new("2026-04-01T00:00:00Z", &[("thank_you", journey)]);
    let mut hana = world.customer();
    hana.tell(&world, "order_placed", order("A-1"));
    hana.tell(&world, "refund_requested", BTreeMap::from([("order_id".to_owned(), text("A-1"))]));
    let change = hana.step(&world);
    assert!(planned(&change).is_empty());
    assert_eq!(change.messages.len(), 1);
    assert_eq!(change.messages[0].outcome, store::MessageOutcome::Cancelled);
    assert!(change.messages[0].deliveries.is_empty());
}

#[test]
fn a_goal_is_reached_after_the_end_also_behind_events_that_are_not_its_own() {
    let journey = "purpose: after_sales
start: {event: order_placed, once_per: order_id}
goal: {event: review_written, within: 45 days}
first_of: [email]
steps:
  - send: thanks
";
    let mut world = World::new("2026-04-01T00:00:00Z", &[("thank_you", journey)]);
    let mut hana = world.customer();
    hana.tell(&world, "order_placed", order("A-1"));
    hana.step(&world);
    assert!(hana.live.is_empty(), "it has come to its end");
    world.pass(Elapsed::from_days(10));
    // Two in one step: the first is none of the journey's business.
    hana.tell(&world, "visited", BTreeMap::new());
    hana.tell(&world, "review_written", BTreeMap::from([("order_id".to_owned(), text("A-1"))]));
    let change = hana.step(&world);
    assert_eq!(change.goals.len(), 1);
    assert_eq!(change.goals[0].1, "thank_you");
    // Once.
    hana.tell(&world, "review_written", BTreeMap::from([("order_id".to_owned(), text("A-1"))]));
    assert!(hana.step(&world).goals.is_empty());
}

#[test]
fn a_request_gives_its_inputs_and_one_for_a_journey_that_is_gone_is_nothing() {
    let journey = "purpose: orders
start:
  again: always
  api: {code: text}
first_of: [email]
steps:
  - send: hello
  - wait_for: visited
    if: it.page == event.code
    up_to: 1 day
    if_not: [{stop: no_visit}]
";
    let world = World::new("2026-04-01T00:00:00Z", &[("reset", journey)]);
    let mut hana = world.customer();
    let asked = |journey: &str| {
        BTreeMap::from([
            ("journey".to_owned(), text(journey)),
            ("inputs".to_owned(), Value::Map(BTreeMap::from([("code".to_owned(), text("1234"))]))),
        ])
    };
    hana.tell(&world, words::internal::JOURNEY_REQUESTED, asked("reset"));
    hana.tell(&world, words::internal::JOURNEY_REQUESTED, asked("no_such"));
    let change = hana.step(&world);
    assert_eq!(started(&change), ["reset"]);
    // The inputs are there in the next step too, read back from the stored request.
    hana.tell(&world, "visited", BTreeMap::from([("page".to_owned(), text("other"))]));
    assert!(endings(&hana.step(&world)).is_empty());
    hana.tell(&world, "visited", BTreeMap::from([("page".to_owned(), text("1234"))]));
    assert_eq!(endings(&hana.step(&world)), ["finished"]);
}

#[test]
fn an_operator_and_a_merge_end_an_enrollment() {
    for (how, event_how) in [("stopped", None), ("merged", Some("merged"))] {
        let world = World::new("2026-04-01T00:00:00Z", &[("thank_you", THANKS)]);
        let mut hana = world.customer();
        hana.tell(&world, "order_placed", order("A-1"));
        hana.step(&world);
        let id = *hana.live.keys().next().unwrap();
        let mut properties = BTreeMap::from([
            ("enrollment".to_owned(), text(&id.to_string())),
            ("reason".to_owned(), text("by hand")),
        ]);
        properties.extend(event_how.map(|how| ("how".to_owned(), text(how))));
        hana.tell(&world, words::internal::ENROLLMENT_STOPPED, properties);
        let change = hana.step(&world);
        assert_eq!(endings(&change), ["by hand"]);
        assert!(
            change.audit.iter().any(|a| a.kind.as_str() == "enrollment.ended" && a.body.contains(how)),
            "{how}"
        );
        assert!(hana.open.is_empty());
    }
}

#[test]
fn restart_ends_the_live_one_and_begins_anew() {
    let journey = "purpose: after_sales
start: {event: visited, again: restart}
first_of: [email]
steps:
  - wait: 1 day
  - send: reminder
";
    let mut world = World::new("2026-04-01T00:00:00Z", &[("basket", journey)]);
    let mut hana = world.customer();
    hana.tell(&world, "visited", BTreeMap::new());
    hana.step(&world);
    world.pass(Elapsed::from_hours(20));
    hana.tell(&world, "visited", BTreeMap::new());
    let change = hana.step(&world);
    assert_eq!((started(&change).len(), endings(&change)), (1, vec!["restarted".to_owned()]));
    assert_eq!(hana.live.len(), 1);
    world.pass(Elapsed::from_hours(20));
    assert!(planned(&hana.step(&world)).is_empty(), "the wait began anew");
}

#[test]
fn an_item_that_changed_starts_once_for_its_key_also_after_a_step_in_between() {
    let journey = "purpose: offers
start:
  item_changed: products
  when: has(before.price) and item.price < before.price
  who: customer.plan == \"pro\"
  once_per: id
first_of: [email]
steps:
  - wait: 1 day
  - send: offer
";
    let world = World::new("2026-04-01T00:00:00Z", &[("price_drop", journey)]);
    let mut hana = world.customer();
    hana.customer.traits.insert("plan".to_owned(), text("pro"));
    let price = |price: &str| Value::Money(words::Money::parse(price).unwrap());
    let item = |at: &str| {
        Value::Map(BTreeMap::from([("id".to_owned(), text("S-1")), ("price".to_owned(), price(at))]))
    };
    let cheaper = || {
        BTreeMap::from([
            ("catalog".to_owned(), text("products")),
            ("item".to_owned(), item("900 JPY")),
            ("before".to_owned(), item("1000 JPY")),
        ])
    };
    hana.tell(&world, words::internal::ITEM_CHANGED, cheaper());
    assert_eq!(started(&hana.step(&world)), ["price_drop"]);
    hana.tell(&world, words::internal::ITEM_CHANGED, cheaper());
    assert!(started(&hana.step(&world)).is_empty());
}
