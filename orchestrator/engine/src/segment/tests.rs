#![allow(clippy::unwrap_used)]
use crate::testing::*;
use crate::{membership, next_flip};
use journey::{Expr, ExprKind, Function, Root};
use proptest::prelude::*;
use words::{Elapsed, Timestamp, Value};

fn flip(world: &World, condition: Expr, now: Timestamp) -> Option<Timestamp> {
    next_flip(&segment(condition), &world.snapshot(), &world.facts, &world.schema, now)
}

fn shopper(orders: &[i64]) -> World {
    let mut world = World::new();
    world.schema.facts.insert("orders_90".to_owned(), count_of("order_placed", Some("90 days")));
    let last = journey::Fact {
        kind: journey::FactKind::LastAt,
        ty: words::Type::Time,
        ..count_of("order_placed", None)
    };
    world.schema.facts.insert("last_order_at".to_owned(), last);
    let newest = orders.iter().max().copied().unwrap_or(0);
    for days in orders {
        world.fold(&event("order_placed", day(*days), &[]), day(newest));
    }
    world
}

#[test]
fn silence_begins_at_its_instant() {
    let world = shopper(&[0, 10]);
    let silent = || op(path("customer.last_order_at"), "<", ago("60 days"));
    let at = flip(&world, silent(), day(20)).unwrap();
    assert!(at <= day(70).plus(Elapsed::from_micros(1)) && at >= day(70).minus(Elapsed::from_micros(1)));
    let in_it = |now| membership(&segment(silent()), &world.snapshot(), now);
    assert!(!in_it(day(70)) && in_it(day(70).plus(Elapsed::from_micros(1))));
    assert_eq!(flip(&world, silent(), day(71)), None, "nothing changes any more");
    assert_eq!(flip(&shopper(&[]), silent(), day(1)), None, "who never bought is never silent");
}

#[test]
fn counts_change_when_an_event_leaves_the_window() {
    let world = shopper(&[0, 10]);
    let frequent = || op(fact("orders_90"), ">=", lit(2));
    assert_eq!(flip(&world, frequent(), day(20)), Some(day(90)));
    assert_eq!(flip(&world, frequent(), day(90)), Some(day(100)));
    assert_eq!(flip(&world, frequent(), day(100)), None);
}

#[test]
fn dates_turn_at_the_midnight_of_the_customer() {
    let mut world = World::new();
    world.set("renewal", Value::Date("2026-02-10".parse().unwrap()));
    let soon = op(
        path("customer.renewal"),
        "<=",
        call(Function::Date, vec![op(path("now"), "+", lit(Value::Duration(Elapsed::from_days(7))))]),
    );
    assert_eq!(flip(&world, soon, day(0)), Some(at("2026-02-02T15:00:00Z")));
}

#[test]
fn a_segment_in_a_segment_flips_with_it() {
    let mut world = shopper(&[0]);
    let silent = segment(op(path("customer.last_order_at"), "<", ago("60 days")));
    world.schema.segments.insert("silent".to_owned(), silent);
    let awake = not(expr(ExprKind::Root(Root::Segment("silent".to_owned()))));
    let at = flip(&world, awake.clone(), day(1)).unwrap();
    assert!(at.since(day(60)).as_micros().abs() <= 1);
    assert!(membership(&segment(awake.clone()), &world.snapshot(), day(1)));
    assert!(!membership(&segment(awake), &world.snapshot(), day(61)));
}

#[test]
fn a_segment_that_stands_in_itself_does_not_hang() {
    let mut world = World::new();
    let inside = expr(ExprKind::Root(Root::Segment("me".to_owned())));
    world.schema.segments.insert("me".to_owned(), segment(inside.clone()));
    assert!(!membership(&segment(inside.clone()), &world.snapshot(), day(0)));
    assert_eq!(flip(&world, inside, day(0)), None);
}

#[test]
fn what_time_cannot_change_has_no_flip() {
    let mut world = World::new();
    world.set("plan", text("gold"));
    assert_eq!(flip(&world, op(path("customer.plan"), "==", lit("gold")), day(0)), None);
}

/// Conditions of the kinds that people write about time.
fn conditions() -> impl Strategy<Value = Expr> {
    let compare = || proptest::sample::select(vec!["<", "<=", ">", ">=", "==", "!="]);
    let duration = |hours| lit(Value::Duration(Elapsed::from_hours(hours)));
    let when = || {
        prop_oneof![
            Just(path("customer.last_order_at")),
            Just(path("customer.seen")),
            Just(path("customer.created_at")),
            Just(path("customer.nothing")),
        ]
    };
    let moving = move || {
        prop_oneof![
            (0..400i64).prop_map(|hours| call(
                Function::Ago,
                vec![lit(Value::Duration(Elapsed::from_hours(hours)))]
            )),
            (-200..200i64).prop_map(move |hours| op(path("now"), "+", duration(hours))),
            (0..200i64).prop_map(move |hours| op(path("now"), "-", duration(hours))),
            Just(path("now")),
        ]
    };
    let today = move || {
        (-100..100i64)
            .prop_map(move |hours| call(Function::Date, vec![op(path("now"), "+", duration(hours))]))
    };
    let leaf = prop_oneof![
        (when(), compare(), moving()).prop_map(|(a, o, b)| op(a, o, b)),
        (moving(), compare(), when()).prop_map(|(a, o, b)| op(a, o, b)),
        (when(), compare(), 0..400i64).prop_map(move |(a, o, hours)| op(
            op(path("now"), "-", a),
            o,
            duration(hours)
        )),
        (when(), compare(), 0..300i64).prop_map(move |(a, o, hours)| op(
            op(a, "+", duration(hours)),
            o,
            path("now")
        )),
        (compare(), 0..4i64).prop_map(|(o, n)| op(fact("orders_90"), o, lit(n))),
        (compare(), today()).prop_map(|(o, d)| op(path("customer.renewal"), o, d)),
        (compare(), today(), -9..9i64).prop_map(move |(o, d, days)| op(
            op(d, "+", duration(days * 24)),
            o,
            path("customer.renewal")
        )),
        (when(), compare(), -3..20i64).prop_map(|(a, o, n)| op(
            call(Function::DaysBetween, vec![a, path("now")]),
            o,
            lit(n)
        )),
        (compare(), -20..20i64).prop_map(|(o, n)| op(
            call(Function::DaysBetween, vec![path("now"), path("customer.renewal")]),
            o,
            lit(n)
        )),
        (compare(), moving()).prop_map(|(o, b)| op(path("customer.renewal"), o, b)),
        (when(), when(), compare(), moving()).prop_map(|(a, b, o, c)| op(
            call(Function::Default, vec![a, b]),
            o,
            c
        )),
        (when(), moving(), compare(), when()).prop_map(|(a, b, o, c)| op(
            call(Function::Min, vec![a, b]),
            o,
            c
        )),
    ];
    leaf.prop_recursive(3, 12, 2, |inner| {
        prop_oneof![
            (inner.clone(), proptest::sample::select(vec!["and", "or", "==", "!="]), inner.clone())
                .prop_map(|(a, o, b)| op(a, o, b)),
            inner.clone().prop_map(not),
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| expr(ExprKind::Conditional(
                Box::new(a),
                Box::new(b),
                Box::new(c)
            ))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    /// Between now and the next flip that is told, nothing changes: looked at every half hour and around each instant
    /// that the told ones name.
    #[test]
    fn no_change_is_missed(
        condition in conditions(),
        orders in proptest::collection::vec(-100..5i64, 0..4),
        seen in -300..300i64,
        place in proptest::sample::select(vec!["Asia/Tokyo", "Europe/Berlin", "America/Havana", "Asia/Kathmandu"]),
    ) {
        let mut world = shopper(&[]);
        // A window short enough to end in the days looked at.
        world.schema.facts.insert("orders_90".to_owned(), count_of("order_placed", Some("9 days")));
        world.zone = zone(place);
        let begin = at("2026-10-23T10:20:30Z");
        for days in orders {
            let when = begin.plus(Elapsed::from_hours(days * 2));
            world.fold(&event("order_placed", when, &[]), begin.minus(Elapsed::from_days(20)));
        }
        world.set("seen", Value::Time(begin.plus(Elapsed::from_minutes(seen * 31))));
        world.set("renewal", Value::Date("2026-10-26".parse().unwrap()));
        world.customer.created_at = begin.minus(Elapsed::from_days(3));
        let timed = segment(condition.clone());
        let is = |now| membership(&timed, &world.snapshot(), now);
        let end = begin.plus(Elapsed::from_days(14));
        let mut now = begin;
        let mut flips = 0;
        while now < end {
            let told = flip(&world, condition.clone(), now);
            prop_assert!(told.is_none_or(|told| told > now));
            let until = told.unwrap_or(end).min(end);
            let member = is(now);
            let mut look = now;
            while look < until {
                prop_assert_eq!(is(look), member, "changed at {} and {:?} was told at {}", look, told, now);
                look = look.plus(Elapsed::from_minutes(29));
            }
            let last = Timestamp::from_micros(until.as_micros() - 1);
            prop_assert_eq!(is(last), member, "changed just before {}, told at {}", until, now);
            now = until;
            flips += 1;
            prop_assert!(flips < 3000, "asked too often");
        }
    }
}
