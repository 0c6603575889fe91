use crate::fixture::{World, at, planned, project, started, text};
use std::collections::BTreeMap;
use words::{Elapsed, Value};

/// Mondays at eight, where the recipient is.
const WEEKLY: &str = "purpose: offers
start: {schedule: \"0 8 * * mon\", again: always}
first_of: [email]
steps:
  - send: offer
";
const BIRTHDAY: &str = "purpose: offers
start: {date: customer.birthday, at: \"09:00\", again: always}
first_of: [email]
steps:
  - send: offer
";

#[test]
fn a_schedule_rings_once_at_each_of_its_times() {
    // A Wednesday; Monday eight o'clock in Tokyo is Sunday 23:00 UTC.
    let mut world = World::new("2026-04-01T00:00:00Z", &[("weekly", WEEKLY)]);
    let mut hana = world.customer();
    assert!(started(&hana.step(&world)).is_empty());
    assert_eq!(hana.due_at, Some(at("2026-04-05T23:00:00Z")));
    for monday in ["2026-04-05T23:00:00Z", "2026-04-12T23:00:00Z"] {
        world.now = at(monday);
        assert_eq!(planned(&hana.step(&world)), ["offer on email"]);
        assert!(planned(&hana.step(&world)).is_empty(), "once");
        world.pass(Elapsed::from_minutes(1));
        assert!(planned(&hana.step(&world)).is_empty(), "once");
    }
}

#[test]
fn a_tick_that_falls_due_together_with_a_changed_trait_is_not_lost() {
    let mut world = World::new("2026-04-01T00:00:00Z", &[("weekly", WEEKLY)]);
    let mut hana = world.customer();
    hana.step(&world);
    world.now = at("2026-04-05T23:00:02Z");
    hana.tell(&world, words::internal::CUSTOMER_UPDATED, BTreeMap::new());
    assert_eq!(planned(&hana.step(&world)), ["offer on email"]);
}

#[test]
fn after_an_outage_a_schedule_rings_once_and_only_where_it_is_not_too_late() {
    let daily = WEEKLY.replace("0 8 * * mon", "0 8 * * *");
    let mut world = World::new("2026-04-01T00:00:00Z", &[("daily", &daily), ("weekly", WEEKLY)]);
    let mut hana = world.customer();
    hana.step(&world);
    // Down from Wednesday until Friday of the week after, 17:00 in Tokyo.
    world.now = at("2026-04-10T08:00:00Z");
    let change = hana.step(&world);
    assert_eq!(started(&change), ["daily"], "this morning's; Monday's is four days old");
    assert!(started(&hana.step(&world)).is_empty());
}

#[test]
fn another_schedule_in_a_new_release_is_the_one_that_rings() {
    let mut world = World::new("2026-04-01T00:00:00Z", &[("weekly", WEEKLY)]);
    let mut hana = world.customer();
    hana.step(&world);
    let evening = WEEKLY.replace("0 8 * * mon", "0 18 * * mon");
    world.deploy(project(&[("weekly", &evening)]));
    hana.step(&world);
    assert_eq!(hana.due_at, Some(at("2026-04-06T09:00:00Z")));
    world.now = at("2026-04-05T23:00:00Z");
    assert!(started(&hana.step(&world)).is_empty(), "the old time rings no more");
    world.now = at("2026-04-06T09:00:00Z");
    assert_eq!(started(&hana.step(&world)), ["weekly"]);
}

#[test]
fn a_broadcast_reaches_everybody_known_by_then_and_nobody_twice() {
    let broadcast = "purpose: offers
start: {at: \"2026-04-01T10:00\", zone: Asia/Tokyo, to: never_bought}
first_of: [email]
steps:
  - send: offer
";
    let mut world = World::new("2026-04-01T00:55:00Z", &[("news", broadcast)]);
    let mut hana = world.customer();
    let mut late = world.customer();
    hana.step(&world);
    assert_eq!(hana.due_at, Some(at("2026-04-01T01:00:00Z")));
    world.now = at("2026-04-01T01:03:00Z");
    // The look at everybody after the deployment came to this one only after the hour: nobody is left out for that.
    for person in [&mut hana, &mut late] {
        assert_eq!(planned(&person.step(&world)), ["offer on email"]);
        world.now = world.now.plus(Elapsed::from_days(1));
        assert!(started(&person.step(&world)).is_empty());
        world.now = at("2026-04-01T01:03:00Z");
    }
    let mut newcomer = world.customer();
    assert!(started(&newcomer.step(&world)).is_empty(), "it went out before they came");
}

#[test]
fn a_birthday_rings_every_year_and_moves_with_its_date() {
    let mut world = World::new("2026-04-01T00:00:00Z", &[("birthday", BIRTHDAY)]);
    let mut hana = world.customer();
    hana.step(&world);
    assert_eq!(hana.due_at, None, "no date is known");
    let date = |text: &str| Value::Date(text.parse().unwrap());
    hana.customer.traits.insert("birthday".to_owned(), date("2000-02-29"));
    hana.tell(&world, words::internal::CUSTOMER_UPDATED, BTreeMap::new());
    hana.step(&world);
    assert_eq!(hana.due_at, Some(at("2027-02-28T00:00:00Z")));
    hana.customer.traits.insert("birthday".to_owned(), date("2000-05-01"));
    hana.tell(&world, words::internal::CUSTOMER_UPDATED, BTreeMap::new());
    hana.step(&world);
    for day in ["2026-05-01T00:00:00Z", "2027-05-01T00:00:00Z", "2028-05-01T00:00:00Z"] {
        assert_eq!(hana.due_at, Some(at(day)));
        world.now = at(day);
        assert_eq!(planned(&hana.step(&world)), ["offer on email"]);
    }
}

#[test]
fn waits_are_taken_when_they_end_and_the_next_due_time_is_never_in_the_past() {
    let journey = "purpose: after_sales
start: {event: visited}
first_of: [email]
steps:
  - wait: 1 hours
  - wait: 2 hours
  - send: thanks
  - repeat: 3 times
    steps:
      - wait: 1 hours
";
    let mut world = World::new("2026-04-01T00:00:00Z", &[("waits", journey)]);
    let mut hana = world.customer();
    hana.tell(&world, "visited", BTreeMap::from([("page".to_owned(), text("/"))]));
    hana.step(&world);
    let mut steps = 0;
    while let Some(due) = hana.due_at.filter(|due| *due < at("2026-04-02T00:00:00Z")) {
        assert!(due > world.now);
        world.now = due;
        hana.step(&world);
        steps += 1;
    }
    assert!(hana.live.is_empty());
    assert_eq!(world.now, at("2026-04-01T06:00:00Z"));
    assert!(steps <= 6, "one step for each wait, not {steps}");
}
