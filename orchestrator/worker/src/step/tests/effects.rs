use crate::fixture::{World, endings, planned, started, text};
use std::collections::BTreeMap;
use words::{Elapsed, EnrollmentId, Value};

#[test]
fn set_stirs_segments_and_what_they_start_in_the_same_step() {
    let sets = "purpose: after_sales
start: {event: visited}
steps:
  - set: {plan: \"pro\"}
";
    let pro = "purpose: after_sales
start: {joins: pro}
first_of: [email]
steps:
  - send: hello
";
    let world = World::new("2026-04-01T03:00:00Z", &[("sets", sets), ("pro_club", pro)]);
    let mut hana = world.customer();
    hana.tell(&world, "visited", BTreeMap::new());
    let change = hana.step(&world);
    assert_eq!(started(&change), ["sets", "pro_club"]);
    assert_eq!(planned(&change), ["hello on email"]);
    assert_eq!(hana.customer.traits.get("plan"), Some(&text("pro")));
    assert!(change.customer.is_some());
}

#[test]
fn set_moves_dates() {
    let sets = "purpose: after_sales
start: {event: visited}
steps:
  - set:
      birthday: date(now)
";
    let birthday = "purpose: after_sales
start: {date: customer.birthday, offset: 1 days, at: \"09:00\"}
first_of: [email]
steps:
  - send: hello
";
    let world = World::new("2026-04-01T03:00:00Z", &[("sets", sets), ("birthday", birthday)]);
    let mut hana = world.customer();
    hana.tell(&world, "visited", BTreeMap::new());
    hana.step(&world);
    assert_eq!(hana.due_at, Some(crate::fixture::at("2026-04-02T00:00:00Z")));
}

#[test]
fn two_journeys_that_undo_each_other_come_to_rest() {
    let there = "purpose: after_sales
start: {joins: pro, again: always}
steps:
  - set: {plan: \"free\"}
";
    let back = "purpose: after_sales
start: {leaves: pro, again: always}
steps:
  - set: {plan: \"pro\"}
";
    let world = World::new("2026-04-01T03:00:00Z", &[("there", there), ("back", back)]);
    let mut hana = world.customer();
    hana.customer.traits.insert("plan".to_owned(), text("pro"));
    hana.tell(&world, words::internal::CUSTOMER_UPDATED, BTreeMap::new());
    let change = hana.step(&world);
    assert!(change.enrollments.len() < 64, "{}", change.enrollments.len());
}

#[test]
fn an_emitted_event_comes_back_once_and_starts_others() {
    let emits = "purpose: after_sales
start: {event: visited}
steps:
  - emit: review_written
    with: {order_id: \"A-9\"}
";
    let hears = "purpose: after_sales
start: {event: review_written, once_per: order_id}
first_of: [email]
steps:
  - send: thanks
";
    let world = World::new("2026-04-01T03:00:00Z", &[("emits", emits), ("hears", hears)]);
    let mut hana = world.customer();
    hana.tell(&world, "visited", BTreeMap::new());
    let change = hana.step(&world);
    assert_eq!(change.events.len(), 1);
    let key = change.events[0].message_id.clone().unwrap();
    assert!(key.ends_with("/1"), "enrollment, step and visit: {key}");
    let change = hana.step(&world);
    assert_eq!(
        (started(&change), planned(&change)),
        (vec!["hears".to_owned()], vec!["thanks on email".to_owned()])
    );
}

#[test]
fn enroll_starts_another_journey_with_its_inputs() {
    let enrolls = "purpose: after_sales
start: {event: visited}
steps:
  - enroll: reset
    with: {code: \"77\"}
";
    let reset = "purpose: after_sales
start: {again: always, api: {code: text}}
first_of: [email]
steps:
  - if: event.code == \"77\"
    then:
      - send: hello
";
    let world = World::new("2026-04-01T03:00:00Z", &[("enrolls", enrolls), ("reset", reset)]);
    let mut hana = world.customer();
    hana.tell(&world, "visited", BTreeMap::new());
    let changes = hana.settle(&world);
    assert_eq!(changes.iter().flat_map(planned).collect::<Vec<_>>(), ["hello on email"]);
}

#[test]
fn a_call_is_made_once_and_its_answer_goes_on() {
    let calls = "purpose: after_sales
start: {event: visited}
first_of: [email]
steps:
  - call: stock
    with: {sku: \"S-1\"}
    up_to: 2 hours
    as: stock
    if_fails: [{stop: no_answer}]
  - if: stock.left > 0
    then:
      - send: offer
";
    let world = World::new("2026-04-01T03:00:00Z", &[("calls", calls)]);
    for (event, answer, planned_after, ended) in [
        (words::internal::CALL_ANSWERED, Some(3), vec!["offer on email"], "finished"),
        (words::internal::CALL_ANSWERED, Some(0), vec![], "finished"),
        (words::internal::CALL_FAILED, None, vec![], "no_answer"),
    ] {
        let mut hana = world.customer();
        hana.tell(&world, "visited", BTreeMap::new());
        let change = hana.step(&world);
        assert_eq!(change.calls.len(), 1);
        let call = &change.calls[0];
        assert_eq!((call.call.as_str(), &call.with["sku"]), ("stock", &text("S-1")));
        assert_eq!(call.give_up_at, world.now.plus(Elapsed::from_hours(2)));
        let mut properties = BTreeMap::from([
            ("enrollment".to_owned(), text(&call.enrollment.to_string())),
            ("step".to_owned(), text(&call.step)),
            ("visit".to_owned(), Value::Int(i64::from(call.visit))),
            ("reason".to_owned(), text("no")),
        ]);
        properties.extend(answer.map(|left| {
            ("answer".to_owned(), Value::Map(BTreeMap::from([("left".to_owned(), Value::Int(left))])))
        }));
        hana.tell(&world, event, properties);
        let change = hana.step(&world);
        assert_eq!(
            (planned(&change), endings(&change)),
            (planned_after.iter().map(ToString::to_string).collect(), vec![ended.to_owned()])
        );
    }
}

#[test]
fn notify_tells_the_team() {
    let notifies = "purpose: after_sales
start: {event: visited}
steps:
  - notify: support@example.jp
    text: \"{customer.plan} came by\"
";
    let world = World::new("2026-04-01T03:00:00Z", &[("notifies", notifies)]);
    let mut hana = world.customer();
    hana.customer.traits.insert("plan".to_owned(), text("pro"));
    hana.tell(&world, "visited", BTreeMap::new());
    let change = hana.step(&world);
    assert_eq!(change.notices.len(), 1);
    assert_eq!(
        (change.notices[0].to.as_str(), change.notices[0].text.as_str()),
        ("support@example.jp", "pro came by")
    );
}

#[test]
fn an_enrollment_whose_program_is_not_there_waits_untouched() {
    let journey = "purpose: after_sales
start: {event: visited}
first_of: [email]
steps:
  - wait: 1 hours
  - send: hello
";
    let mut world = World::new("2026-04-01T03:00:00Z", &[("waits", journey)]);
    let mut hana = world.customer();
    hana.tell(&world, "visited", BTreeMap::new());
    hana.step(&world);
    let id: EnrollmentId = *hana.live.keys().next().unwrap();
    hana.live.get_mut(&id).unwrap().program = 999;
    world.pass(Elapsed::from_days(1));
    let change = hana.step(&world);
    assert!(change.enrollments.is_empty());
    assert!(hana.live.contains_key(&id));
}
