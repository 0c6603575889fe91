#![allow(clippy::unwrap_used)]
use crate::testing::*;
use crate::{Env, eval};
use journey::expr::EachOp;
use journey::{Expr, ExprKind, Function, UnaryOp};
use std::collections::BTreeMap;
use words::{Event, Value};

#[track_caller]
fn check(expr: &Expr, expected: Value) {
    let mut world = World::new();
    world.set("plan", text("free"));
    world.set("spent", money("5000 JPY"));
    world.set("birthday", Value::Date("1990-02-28".parse().unwrap()));
    world.set("tags", Value::List(vec![text("a"), text("b")]));
    let start: Event =
        event("order_placed", day(0), &[("total", money("3000 JPY")), ("lines", Value::Int(2))]);
    let bindings = BTreeMap::from([("delivery".to_owned(), Value::Map(BTreeMap::new()))]);
    let snapshot = world.snapshot();
    let env = Env { event: Some(&start), bindings: Some(&bindings), ..Env::new(&snapshot, day(10)) };
    assert_eq!(eval(expr, &env), expected, "{expr:?}");
}

fn null() -> Expr {
    lit(Value::Null)
}

#[test]
fn names_give_what_is_there_and_null_else() {
    check(&path("event.total"), money("3000 JPY"));
    check(&path("event.occurred_at"), Value::Time(day(0)));
    check(&path("event.nothing"), Value::Null);
    check(&path("customer.plan"), text("free"));
    check(&path("customer.country"), text("JP"));
    check(&path("customer.email"), Value::Null);
    check(&path("delivery.tracking_url"), Value::Null);
    check(&path("nobody.has.this"), Value::Null);
    check(&path("item.price"), Value::Null);
}

#[test]
fn null_compares_false_but_for_equality() {
    for operator in ["<", "<=", ">", ">="] {
        check(&op(null(), operator, lit(1)), Value::Bool(false));
        check(&op(lit(1), operator, null()), Value::Bool(false));
        check(&op(null(), operator, null()), Value::Bool(false));
    }
    check(&op(null(), "==", null()), Value::Bool(true));
    check(&op(null(), "==", lit(0)), Value::Bool(false));
    check(&op(null(), "!=", lit(0)), Value::Bool(true));
    check(&op(null(), "in", path("customer.tags")), Value::Bool(false));
}

#[test]
fn amounts_of_two_currencies_neither_add_nor_compare() {
    let (yen, dollar) = (lit(money("1 JPY")), lit(money("1 USD")));
    for operator in ["<", "<=", ">", ">=", "=="] {
        check(&op(yen.clone(), operator, dollar.clone()), Value::Bool(false));
    }
    check(&op(yen.clone(), "!=", dollar.clone()), Value::Bool(true));
    check(&op(yen.clone(), "+", dollar.clone()), Value::Null);
    check(&op(yen, "/", dollar), Value::Null);
    check(&op(path("event.total"), ">=", lit(money("3000 JPY"))), Value::Bool(true));
    check(&op(path("event.total"), "*", lit(1.1)), money("3300 JPY"));
    check(&op(path("customer.spent"), "/", lit(3)), money("1667 JPY"));
}

#[test]
fn what_does_not_fit_is_null() {
    let most = || lit(i64::MAX);
    check(&op(most(), "+", lit(1)), Value::Null);
    check(&op(lit(i64::MIN), "-", lit(1)), Value::Null);
    check(&op(most(), "*", lit(2)), Value::Null);
    check(&op(lit(i64::MIN), "/", lit(-1)), Value::Null);
    check(&op(lit(i64::MIN), "%", lit(-1)), Value::Null);
    check(&op(lit(1), "/", lit(0)), Value::Null);
    check(&op(lit(1.0), "/", lit(0.0)), Value::Null);
    check(&expr(ExprKind::Unary(UnaryOp::Negate, Box::new(lit(i64::MIN)))), Value::Null);
    check(&op(lit(money("92233720368547758.07 USD")), "*", lit(2)), Value::Null);
}

#[test]
fn dates_and_instants_add_lengths_and_subtract_each_other() {
    let days = |n| lit(Value::Duration(words::Elapsed::from_days(n)));
    let date = |text: &str| lit(Value::Date(text.parse().unwrap()));
    check(&op(date("2026-02-27"), "+", days(2)), Value::Date("2026-03-01".parse().unwrap()));
    check(&op(date("2026-03-01"), "-", date("2026-02-27")), Value::Duration(words::Elapsed::from_days(2)));
    check(&op(path("now"), "-", path("event.occurred_at")), Value::Duration(words::Elapsed::from_days(10)));
    check(&op(path("event.occurred_at"), "<", ago("9 days")), Value::Bool(true));
    check(&call(Function::DaysBetween, vec![path("event.occurred_at"), path("now")]), Value::Int(10));
    // 00:00 UTC is 09:00 of the same day in Tokyo; 18:00 UTC is the next day.
    check(&op(path("now"), "==", date("2026-01-11")), Value::Bool(true));
    check(
        &call(Function::Date, vec![lit(Value::Time(at("2026-01-01T18:00:00Z")))]),
        Value::Date("2026-01-02".parse().unwrap()),
    );
}

#[test]
fn conditions_take_null_for_false_and_are_lazy() {
    check(&op(null(), "and", lit(true)), Value::Bool(false));
    check(&op(null(), "or", lit(true)), Value::Bool(true));
    check(&not(null()), Value::Bool(true));
    check(&expr(ExprKind::Conditional(Box::new(null()), Box::new(lit(1)), Box::new(lit(2)))), Value::Int(2));
}

#[test]
fn lists_are_searched_with_a_name_for_each_element() {
    let each = |op, body| {
        expr(ExprKind::Each(op, Box::new(path("customer.tags")), "tag".to_owned(), Box::new(body)))
    };
    check(&each(EachOp::Exists, op(path("tag"), "==", lit("b"))), Value::Bool(true));
    check(&each(EachOp::All, op(path("tag"), "==", lit("b"))), Value::Bool(false));
    check(&each(EachOp::Filter, op(path("tag"), "!=", lit("b"))), Value::List(vec![text("a")]));
    check(&each(EachOp::Map, op(path("tag"), "+", lit("!"))), Value::List(vec![text("a!"), text("b!")]));
    // The inner name hides the outer one.
    let inner = expr(ExprKind::Each(
        EachOp::Exists,
        Box::new(lit(Value::List(vec![text("z")]))),
        "tag".to_owned(),
        Box::new(op(path("tag"), "==", lit("z"))),
    ));
    check(&each(EachOp::All, inner), Value::Bool(true));
    check(&op(lit("a"), "in", path("customer.tags")), Value::Bool(true));
}

#[test]
fn functions_answer_for_every_kind_of_value() {
    let tags = || path("customer.tags");
    check(&call(Function::Size, vec![lit("日本語")]), Value::Int(3));
    check(&call(Function::Size, vec![tags()]), Value::Int(2));
    check(&call(Function::Contains, vec![lit("journey"), lit("our")]), Value::Bool(true));
    check(&call(Function::Contains, vec![tags(), lit("a")]), Value::Bool(true));
    check(&call(Function::Default, vec![null(), lit(3)]), Value::Int(3));
    check(&call(Function::Min, vec![lit(2), lit(1.5)]), Value::Float(1.5));
    check(&call(Function::Max, vec![lit(2), null()]), Value::Null);
    check(&call(Function::Int, vec![lit(" 42 ")]), Value::Int(42));
    check(&call(Function::Int, vec![lit(f64::NAN)]), Value::Null);
    check(&call(Function::Text, vec![path("event.total")]), text("3000 JPY"));
    check(&call(Function::Size, vec![]), Value::Null);
}

mod whatever_the_values {
    use super::*;
    use proptest::prelude::*;

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            prop_oneof![any::<i64>(), -3..3i64].prop_map(Value::Int),
            any::<f64>().prop_map(Value::Float),
            "[a-z0-9:日-]{0,12}".prop_map(Value::Text),
            any::<i64>().prop_map(|minor| Value::Money(words::Money::new(minor, words::Currency::JPY))),
            any::<i64>().prop_map(|micros| Value::Time(words::Timestamp::from_micros(micros))),
            any::<i64>().prop_map(|micros| Value::Duration(words::Elapsed::from_micros(micros))),
            (-9999i16..9999, 1i8..13, 1i8..29).prop_map(|(y, m, d)| Value::Date(jiff::civil::date(y, m, d))),
        ];
        leaf.prop_recursive(2, 8, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
                proptest::collection::btree_map("[a-c]", inner, 0..4).prop_map(Value::Map),
            ]
        })
    }

    pub(crate) fn expressions() -> impl Strategy<Value = Expr> {
        let leaf = prop_oneof![
            values().prop_map(lit),
            Just(path("now")),
            Just(path("customer.tags")),
            Just(path("event.total")),
            Just(path("x")),
        ];
        leaf.prop_recursive(4, 24, 3, |inner| {
            let operators = proptest::sample::select(vec![
                "and", "or", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "in",
            ]);
            let functions = proptest::sample::select(vec![
                Function::Ago,
                Function::Size,
                Function::Contains,
                Function::StartsWith,
                Function::Lower,
                Function::Date,
                Function::DaysBetween,
                Function::Default,
                Function::Text,
                Function::Int,
                Function::Min,
                Function::Max,
                Function::Item,
            ]);
            prop_oneof![
                (inner.clone(), operators, inner.clone()).prop_map(|(a, o, b)| op(a, o, b)),
                (functions, proptest::collection::vec(inner.clone(), 0..3)).prop_map(|(f, a)| call(f, a)),
                inner.clone().prop_map(not),
                inner.clone().prop_map(|e| expr(ExprKind::Unary(UnaryOp::Negate, Box::new(e)))),
                (inner.clone(), inner.clone())
                    .prop_map(|(a, b)| expr(ExprKind::Index(Box::new(a), Box::new(b)))),
                (
                    proptest::sample::select(vec![EachOp::All, EachOp::Map, EachOp::Filter, EachOp::Exists]),
                    inner.clone(),
                    inner
                )
                    .prop_map(|(o, l, b)| expr(ExprKind::Each(
                        o,
                        Box::new(l),
                        "x".to_owned(),
                        Box::new(b)
                    ))),
            ]
        })
    }

    proptest! {
        #[test]
        fn there_is_an_answer_and_always_the_same(expr in expressions()) {
            let world = World::new();
            let snapshot = world.snapshot();
            let start = event("order_placed", day(0), &[("total", money("3000 JPY"))]);
            let env = Env { event: Some(&start), ..Env::new(&snapshot, day(10)) };
            let first = format!("{:?}", eval(&expr, &env));
            prop_assert_eq!(first, format!("{:?}", eval(&expr, &env)));
        }
    }
}
