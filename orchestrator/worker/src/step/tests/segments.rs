use crate::fixture::{World, order, project, started, text};
use std::collections::BTreeMap;
use words::Elapsed;

const BUYERS: &str = "purpose: offers
start: {joins: buyers}
first_of: [email]
steps:
  - wait: 30 days
";
const SILENT: &str = "purpose: offers
start: {joins: silent, again: always}
first_of: [email]
steps:
  - send: offer
";
const PRO: &str = "purpose: offers
start: {joins: pro, again: always}
first_of: [email]
steps:
  - wait: 30 days
";

#[test]
fn an_event_lets_a_customer_join_and_that_starts_once() {
    let world = World::new("2026-04-01T00:00:00Z", &[("buyers_club", BUYERS)]);
    let mut hana = world.customer();
    hana.tell(&world, "visited", BTreeMap::new());
    assert!(started(&hana.step(&world)).is_empty());
    hana.tell(&world, "order_placed", order("A-1"));
    assert_eq!(started(&hana.step(&world)), ["buyers_club"]);
    hana.tell(&world, "order_placed", order("A-2"));
    assert!(started(&hana.step(&world)).is_empty(), "in it already");
}

#[test]
fn the_first_event_of_all_may_be_the_one_that_joins() {
    let world = World::new("2026-04-01T00:00:00Z", &[("buyers_club", BUYERS)]);
    let mut hana = world.customer();
    hana.tell(&world, "order_placed", order("A-1"));
    assert_eq!(started(&hana.step(&world)), ["buyers_club"]);
}

#[test]
fn time_alone_lets_a_customer_join_at_the_instant_that_was_foreseen() {
    let mut world = World::new("2026-04-01T00:00:00Z", &[("win_back", SILENT)]);
    let mut hana = world.customer();
    hana.tell(&world, "order_placed", order("A-1"));
    hana.step(&world);
    let ordered = world.now;
    let joined = come_round(&mut world, &mut hana);
    assert!(joined.since(ordered) >= Elapsed::from_days(60), "{joined}");
    assert!(
        joined.since(ordered) <= Elapsed::from_days(60).max(Elapsed::from_hours(24 * 60 + 1)),
        "{joined}"
    );
    world.pass(Elapsed::from_days(1));
    assert!(started(&hana.step(&world)).is_empty());
    // An order takes them out, and the next silence in again.
    hana.tell(&world, "order_placed", order("A-2"));
    hana.step(&world);
    come_round(&mut world, &mut hana);
}

/// Lets time pass from one due time to the next until `win_back` starts; when that was.
#[track_caller]
fn come_round(world: &mut World, hana: &mut crate::fixture::Person) -> words::Timestamp {
    for _ in 0..100 {
        world.now = hana.due_at.expect("a flip is foreseen");
        if started(&hana.step(world)) == ["win_back"] {
            return world.now;
        }
    }
    panic!("nothing came round");
}

#[test]
fn imported_history_moves_segments_silently() {
    let never = "purpose: offers
start: {joins: never_bought}
first_of: [email]
steps:
  - wait: 30 days
";
    let journeys = [("buyers_club", BUYERS), ("win_back", SILENT), ("first_order", never)];
    let mut world = World::new("2026-04-01T00:00:00Z", &journeys);
    let mut hana = world.customer();
    hana.history(&world, "order_placed", "2025-11-01T00:00:00Z", order("A-0"));
    hana.history(&world, "order_placed", "2025-12-01T00:00:00Z", order("A-1"));
    let change = hana.step(&world);
    assert!(started(&change).is_empty(), "{:?}", started(&change));
    let members: Vec<_> = hana.segments.iter().filter(|(_, row)| row.member).map(|(name, _)| name).collect();
    assert!(members.iter().any(|name| name.starts_with("buyers#")), "{members:?}");
    assert!(!members.iter().any(|name| name.starts_with("never_bought#")), "{members:?}");
    // And nothing of it comes later by itself.
    world.pass(Elapsed::from_days(1));
    hana.tell(&world, "visited", BTreeMap::new());
    assert!(started(&hana.step(&world)).is_empty());
}

#[test]
fn an_imported_customer_joins_nothing_and_has_their_birthday_all_the_same() {
    let never = "purpose: offers
start: {joins: never_bought}
first_of: [email]
steps:
  - wait: 30 days
";
    let birthday = "purpose: offers
start: {date: customer.birthday, at: \"09:00\"}
first_of: [email]
steps:
  - send: hello
";
    let daily = "purpose: offers
start: {schedule: \"0 9 * * *\", zone: Asia/Tokyo, again: always}
first_of: [email]
steps:
  - wait: 1 hour
";
    let journeys =
        [("first_order", never), ("happy_birthday", birthday), ("every_day", daily), ("pro_club", PRO)];
    // Ten in Tokyo: nine o'clock is over.
    let mut world = World::new("2026-03-01T00:00:00Z", &journeys);
    world.now = crate::fixture::at("2026-04-01T01:00:00Z");
    let mut hana = world.customer();
    let date = words::Value::Date("1990-04-08".parse().unwrap());
    hana.customer.traits.insert("birthday".to_owned(), date);
    hana.history(&world, words::internal::CUSTOMER_UPDATED, "2026-04-01T01:00:00Z", BTreeMap::new());
    let change = hana.step(&world);
    assert!(started(&change).is_empty(), "{:?}", started(&change));
    // Imported again with other words: still nothing begins by it.
    hana.customer.traits.insert("plan".to_owned(), text("pro"));
    hana.history(&world, words::internal::CUSTOMER_UPDATED, "2026-04-01T01:00:00Z", BTreeMap::new());
    let change = hana.step(&world);
    assert!(started(&change).is_empty(), "{:?}", started(&change));
    let mut came = Vec::new();
    for _ in 0..60 {
        let Some(due) = hana.due_at else { break };
        world.now = due;
        for journey in started(&hana.step(&world)) {
            came.push((journey, world.now));
        }
    }
    let first = |name: &str| came.iter().find(|(journey, _)| journey == name).map(|(_, at)| at.to_string());
    assert_eq!(first("every_day").as_deref(), Some("2026-04-02T00:00:00Z"), "from tomorrow on");
    assert_eq!(first("happy_birthday").as_deref(), Some("2026-04-08T00:00:00Z"));
    assert_eq!(first("first_order"), None);
    assert_eq!(first("pro_club"), None);
}

#[test]
fn whoever_is_in_a_new_segment_already_does_not_join_and_already_in_may_spread_them() {
    let spread = "purpose: offers
start: {joins: pro, already_in: over 7 days}
first_of: [email]
steps:
  - send: offer
";
    let mut world = World::new("2026-04-01T00:00:00Z", &[]);
    let mut hana = world.customer();
    hana.customer.traits.insert("plan".to_owned(), text("pro"));
    hana.tell(&world, "visited", BTreeMap::new());
    hana.step(&world);
    // The definition changes, so everybody is looked at anew.
    hana.segments.retain(|name, _| !name.starts_with("pro#"));
    world.programs.known_since.retain(|name, _| !name.starts_with("pro#"));
    world.pass(Elapsed::from_days(10));
    world.deploy(project(&[("pro_club", PRO), ("pro_spread", spread)]));
    let change = hana.step(&world);
    assert_eq!(started(&change), ["pro_spread"], "`skip` is the default");
    assert!(crate::fixture::planned(&change).is_empty(), "spread over days");
    let due = hana.live.values().next().unwrap().state.at.due_at.unwrap();
    assert!(due > world.now && due.since(world.now) <= Elapsed::from_days(7));
    world.now = due;
    assert_eq!(crate::fixture::planned(&hana.step(&world)), ["offer on email"]);
}

#[test]
fn somebody_who_came_after_the_segment_joins_at_the_first_look() {
    let world = World::new("2026-04-01T00:00:00Z", &[("pro_club", PRO)]);
    let mut hana = world.customer();
    hana.customer.traits.insert("plan".to_owned(), text("pro"));
    hana.tell(&world, words::internal::CUSTOMER_UPDATED, BTreeMap::new());
    assert_eq!(started(&hana.step(&world)), ["pro_club"]);
}

#[test]
fn leaving_a_segment_stops_and_starts() {
    let left = "purpose: offers
start: {leaves: pro}
first_of: [email]
steps:
  - send: reminder
";
    let stops = "purpose: offers
start: {event: visited}
stop_if: [{leaves: pro}]
first_of: [email]
steps:
  - wait: 30 days
";
    let world = World::new("2026-04-01T00:00:00Z", &[("goodbye", left), ("perks", stops)]);
    let mut hana = world.customer();
    hana.customer.traits.insert("plan".to_owned(), text("pro"));
    hana.tell(&world, "visited", BTreeMap::new());
    hana.step(&world);
    hana.customer.traits.remove("plan");
    hana.tell(&world, words::internal::CUSTOMER_UPDATED, BTreeMap::new());
    let change = hana.step(&world);
    assert_eq!(started(&change), ["goodbye"]);
    assert!(crate::fixture::endings(&change).contains(&"left pro".to_owned()));
}

#[test]
fn a_segment_that_is_gone_wakes_nobody() {
    let mut world = World::new("2026-04-01T00:00:00Z", &[("win_back", SILENT)]);
    let mut hana = world.customer();
    hana.tell(&world, "order_placed", order("A-1"));
    hana.step(&world);
    let row = hana.segments.keys().find(|name| name.starts_with("silent#")).unwrap().clone();
    let old = hana.segments.remove(&row).unwrap();
    hana.segments.insert("silent#00000000".to_owned(), old);
    world.pass(Elapsed::from_days(90));
    hana.step(&world);
    // The row of the old definition has long come round and would be due in the past for ever.
    assert!(hana.due_at.is_none_or(|due| due > world.now.plus(Elapsed::from_secs(1))), "{:?}", hana.due_at);
}

#[test]
fn where_a_segment_stands_in_its_file_is_not_its_definition() {
    let here = project(&[]);
    let mut files = (*here.files).clone();
    let moved = String::from_utf8(files["journeys/declarations.yaml"].clone()).unwrap();
    files.insert("journeys/declarations.yaml".to_owned(), format!("# A word before.\n{moved}").into_bytes());
    let there = release::Release::build(files).0.unwrap();
    assert_eq!(here.listeners.segment_rows, there.listeners.segment_rows);
    assert_ne!(here.id, there.id);
}

#[test]
fn facts_cover_the_schema_from_the_first_event_and_a_new_fact_is_folded_over_what_is_stored() {
    let mut world = World::new("2026-04-01T00:00:00Z", &[]);
    let mut hana = world.customer();
    hana.tell(&world, "order_placed", order("A-1"));
    hana.tell(&world, "visited", BTreeMap::new());
    hana.step(&world);
    assert!(hana.facts.as_ref().unwrap().missing(&world.release.project.schema).is_empty());
    assert_eq!(hana.history_read, 0);
    let mut files = (*world.release.files).clone();
    let text = String::from_utf8(files["journeys/declarations.yaml"].clone()).unwrap();
    let text = text.replace("facts:\n", "facts:\n  visits: count(visited)\n");
    files.insert("journeys/declarations.yaml".to_owned(), text.into_bytes());
    world.deploy(release::Release::build(files).0.unwrap());
    hana.tell(&world, "visited", BTreeMap::new());
    hana.step(&world);
    let visits = hana.facts.as_ref().unwrap().value(&world.release.project.schema, "visits", world.now);
    assert_eq!((visits, hana.history_read), (words::Value::Int(2), 1));
    hana.tell(&world, "visited", BTreeMap::new());
    hana.step(&world);
    assert_eq!(hana.history_read, 1, "read once");
}
