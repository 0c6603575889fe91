#![allow(clippy::unwrap_used)]
use crate::testing::*;
use crate::{Facts, changed_facts};
use journey::{Fact, FactKind, Schema};
use std::collections::BTreeMap;
use words::{Currency, EventKind, Money, Timestamp, Type, Value};

fn keeps(kind: FactKind, window: Option<&str>, ty: Type) -> Fact {
    Fact { kind, ty, ..count_of("order_placed", window) }
}

/// Every kind of fact over orders.
fn schema() -> Schema {
    let total = || path("it.total");
    let money = || Type::Money(Some(Currency::JPY));
    let facts = [
        ("orders", keeps(FactKind::Count, None, Type::Int)),
        ("orders_90", keeps(FactKind::Count, Some("90 days"), Type::Int)),
        ("spent", keeps(FactKind::Sum(total()), None, money())),
        ("spent_90", keeps(FactKind::Sum(total()), Some("90 days"), money())),
        ("least", keeps(FactKind::Min(total()), None, money())),
        ("most_90", keeps(FactKind::Max(total()), Some("90 days"), money())),
        ("last_shop", keeps(FactKind::Last(path("it.shop")), None, Type::Text)),
        ("first_shop", keeps(FactKind::First(path("it.shop")), None, Type::Text)),
        ("shops", keeps(FactKind::Distinct(path("it.shop")), None, Type::Int)),
        ("shops_90", keeps(FactKind::Distinct(path("it.shop")), Some("90 days"), Type::Int)),
        ("last_at", keeps(FactKind::LastAt, None, Type::Time)),
        ("first_at_90", keeps(FactKind::FirstAt, Some("90 days"), Type::Time)),
    ];
    Schema { facts: facts.into_iter().map(|(n, f)| (n.to_owned(), f)).collect(), ..Schema::default() }
}

fn order(days: i64, total: &str, shop: &str) -> words::Event {
    event("order_placed", day(days), &[("total", money(total)), ("shop", text(shop))])
}

fn all(world: &World, now: Timestamp) -> BTreeMap<String, Value> {
    world
        .schema
        .facts
        .keys()
        .map(|name| (name.clone(), world.facts.value(&world.schema, name, now)))
        .collect()
}

#[track_caller]
fn check(world: &World, now: Timestamp, expected: &[(&str, Value)]) {
    for (name, value) in expected {
        assert_eq!(&world.facts.value(&world.schema, name, now), value, "{name}");
    }
}

#[test]
fn facts_of_nobody_are_zero_or_null() {
    let world = World { schema: schema(), ..World::new() };
    let nothing = Value::Money(Money::new(0, Currency::JPY));
    check(
        &world,
        day(0),
        &[
            ("orders", Value::Int(0)),
            ("shops_90", Value::Int(0)),
            ("spent", nothing.clone()),
            ("spent_90", nothing),
            ("least", Value::Null),
            ("last_at", Value::Null),
            ("no_such_fact", Value::Null),
        ],
    );
}

#[test]
fn facts_are_the_same_in_whatever_order_events_come_and_survive_storage() {
    let orders =
        [order(0, "3000 JPY", "Ginza"), order(50, "1000 JPY", "Umeda"), order(100, "2000 JPY", "Ginza")];
    let mut first: Option<BTreeMap<String, Value>> = None;
    for turns in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]] {
        let mut world = World { schema: schema(), ..World::new() };
        for index in turns {
            let mut order = orders[index].clone();
            order.kind = if index == 0 { EventKind::History } else { EventKind::Live };
            world.fold(&order, day(100));
            world.facts = Facts::from_bytes(&world.facts.to_bytes()).unwrap();
        }
        check(
            &world,
            day(100),
            &[
                ("orders", Value::Int(3)),
                ("orders_90", Value::Int(2)),
                ("spent", money("6000 JPY")),
                ("spent_90", money("3000 JPY")),
                ("least", money("1000 JPY")),
                ("most_90", money("2000 JPY")),
                ("last_shop", text("Ginza")),
                ("first_shop", text("Ginza")),
                ("shops", Value::Int(2)),
                ("shops_90", Value::Int(2)),
                ("last_at", Value::Time(day(100))),
                ("first_at_90", Value::Time(day(50))),
            ],
        );
        let told = all(&world, day(100));
        assert_eq!(first.get_or_insert_with(|| told.clone()), &told);
    }
}

#[test]
fn an_event_leaves_its_window_to_the_microsecond() {
    let mut world = World { schema: schema(), ..World::new() };
    world.fold(&order(0, "1 JPY", "a"), day(0));
    let edge = day(90);
    let before = Timestamp::from_micros(edge.as_micros() - 1);
    check(&world, before, &[("orders_90", Value::Int(1))]);
    check(&world, edge, &[("orders_90", Value::Int(0))]);
    assert_eq!(world.facts.next_change(&world.schema, "orders_90", day(0)), Some(edge));
    assert_eq!(world.facts.next_change(&world.schema, "orders_90", edge), None);
    assert_eq!(world.facts.next_change(&world.schema, "orders", day(0)), None);
}

#[test]
fn conditions_choose_and_two_currencies_have_no_sum() {
    let mut schema = schema();
    let large = op(path("it.total"), ">=", lit(money("2000 JPY")));
    schema
        .facts
        .insert("large".to_owned(), Fact { condition: Some(large), ..count_of("order_placed", None) });
    let mut world = World { schema, ..World::new() };
    world.fold(&order(0, "3000 JPY", "a"), day(0));
    world.fold(&order(1, "30 USD", "a"), day(1));
    world.fold(&event("page_viewed", day(2), &[]), day(2));
    check(&world, day(2), &[("large", Value::Int(1)), ("orders", Value::Int(2)), ("spent", Value::Null)]);
}

#[test]
fn windows_keep_the_newest_thousand() {
    let mut world = World { schema: schema(), ..World::new() };
    for minute in 0..1100 {
        let mut order = order(0, "1 JPY", &format!("shop {minute}"));
        order.occurred_at = day(0).plus(words::Elapsed::from_minutes(minute));
        world.fold(&order, day(1));
    }
    check(&world, day(2), &[("orders_90", Value::Int(1000)), ("orders", Value::Int(1100))]);
    check(&world, day(2), &[("spent_90", money("1000 JPY")), ("shops", Value::Int(1000))]);
}

#[test]
fn a_fact_declared_later_is_missing_until_it_is_filled() {
    let mut world = World::new();
    world.schema.facts.insert("orders".to_owned(), count_of("order_placed", None));
    let orders = [order(0, "1 JPY", "a"), order(1, "2 JPY", "b")];
    orders.iter().for_each(|order| world.fold(order, day(1)));
    let old = std::mem::replace(&mut world.schema, schema());
    assert!(!world.facts.missing(&world.schema).contains(&"orders"));
    assert_eq!(world.facts.missing(&world.schema).len(), 11);
    assert_eq!(changed_facts(&old, &world.schema).len(), 11);
    world.fold(&order(2, "4 JPY", "c"), day(2));
    check(&world, day(2), &[("orders", Value::Int(3)), ("orders_90", Value::Int(0))]);

    let mut facts = world.facts.clone();
    let missing = facts.missing(&world.schema);
    let stored = [orders[0].clone(), orders[1].clone(), order(2, "4 JPY", "c")];
    facts.backfill(&world.schema, &missing, stored.iter(), &world.snapshot(), day(2));
    world.facts = facts;
    assert!(world.facts.missing(&world.schema).is_empty());
    check(
        &world,
        day(2),
        &[("orders", Value::Int(3)), ("orders_90", Value::Int(3)), ("spent", money("7 JPY"))],
    );
}

#[test]
fn a_fact_that_only_moved_in_its_file_has_not_changed() {
    let mut moved = schema();
    if let FactKind::Sum(expr) = &mut moved.facts.get_mut("spent").unwrap().kind {
        expr.span = 7..12;
    }
    assert!(changed_facts(&schema(), &moved).is_empty());
    moved.facts.get_mut("orders_90").unwrap().window = Some(span("30 days"));
    assert_eq!(changed_facts(&schema(), &moved), ["orders_90"]);
}

#[test]
fn the_facts_of_two_who_are_one_unite() {
    let events = [order(0, "3000 JPY", "a"), order(10, "500 JPY", "b"), order(20, "900 JPY", "a")];
    let mut whole = World { schema: schema(), ..World::new() };
    events.iter().for_each(|order| whole.fold(order, day(20)));
    let mut one = World { schema: schema(), ..World::new() };
    let mut other = World { schema: schema(), ..World::new() };
    one.fold(&events[1], day(20));
    other.fold(&events[0], day(20));
    other.fold(&events[2], day(20));
    one.facts.unite(&whole.schema, other.facts);
    assert_eq!(all(&one, day(20)), all(&whole, day(20)));
    assert_eq!(all(&one, day(95)), all(&whole, day(95)));
}

#[test]
fn of_two_who_are_one_a_fact_that_only_one_was_counted_for_has_to_be_counted_again() {
    let mut newer = World { schema: schema(), ..World::new() };
    newer.fold(&order(0, "3000 JPY", "a"), day(0));
    let mut older = World::new();
    older.schema.facts.insert("orders".to_owned(), count_of("order_placed", None));
    older.fold(&order(1, "500 JPY", "b"), day(1));
    for (mut facts, other) in [(older.facts.clone(), newer.facts.clone()), (newer.facts.clone(), older.facts)]
    {
        facts.unite(&newer.schema, other);
        assert_eq!(facts.value(&newer.schema, "orders", day(1)), Value::Int(2));
        assert_eq!(facts.missing(&newer.schema).len(), newer.schema.facts.len() - 1);
    }
}

#[test]
fn what_is_not_a_blob_of_facts_is_refused() {
    assert!(Facts::from_bytes(b"nonsense").is_err());
    assert_eq!(Facts::from_bytes(b"").unwrap(), Facts::default());
}
