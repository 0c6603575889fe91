#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use crate::compile::tests::{compile_with, shown};
use words::Money;

const HEAD: &str = "stories:
  - story: an order
    journeys: all
    zone: Asia/Tokyo
    now: \"2026-04-01 09:00\"
    customers:
      hana: {email: hana@example.jp, zone: Asia/Tokyo, locale: ja, consents: [after_sales, offers/email]}
      ken:
    play:
";

/// Reads a story of these lines beside the thank-you.
fn read(lines: &str) -> (Vec<Story>, String) {
    let journey = include_str!("../compile/tests/thank_you.yaml");
    let (project, _) = compile_with(&[("journeys/thank_you.yaml", journey)]);
    let text = HEAD.to_owned() + lines;
    let files = BTreeMap::from([("journeys/thank_you.test.yaml".to_owned(), text.clone().into_bytes())]);
    let (stories, diagnostics) = stories(&files, &project.unwrap());
    (stories, shown(&diagnostics, "journeys/thank_you.test.yaml", &text))
}

#[track_caller]
fn check(lines: &str, expected: &str) {
    assert_eq!(read(lines).1, expected);
}

#[test]
fn times_are_those_of_the_zone_and_values_those_of_the_schema() {
    let (stories, problems) = read(
        "      - at: 2026-04-01 10:30\n        event: order_placed\n        customer: hana\n        with:\n          order_id: 007\n          total: 5000\n          items: [{sku: A, price: 5000 JPY, quantity: 1}]\n",
    );
    assert_eq!(problems, "");
    let story = &stories[0];
    assert_eq!(story.now.to_string(), "2026-04-01T00:00:00Z");
    assert_eq!(story.customers["hana"].consents[1].channel, Some(Channel::EMAIL));
    let line = &story.lines[0];
    assert_eq!(line.at.unwrap().to_string(), "2026-04-01T01:30:00Z");
    let Action::Event { properties, .. } = &line.action else { panic!("{line:?}") };
    assert_eq!(properties["order_id"], Value::Text("007".into()));
    assert_eq!(properties["total"], Value::Money(Money::parse("5000 JPY").unwrap()));
}

#[test]
fn what_a_story_gets_wrong_is_told_at_its_place() {
    check(
        "      - event: order_placd\n        customer: hana\n",
        "10:16 J050 there is no event `order_placd`",
    );
    check("      - event: refund_requested\n        with: {order_id: A}\n", "10:16 J105 whose is this?");
    check(
        "      - clicked: thank_yu\n        customer: ken\n      - bounced: thank_you\n        customer: kenn\n",
        "10:18 J059 there is no message `thank_yu`\n13:19 J105 there is no customer `kenn`",
    );
    check("      - advance: a while\n", "10:18 J035 `a while` is not a length of time");
    check("      - advnce: 1 day\n", "10:9 J034 no line of a story begins like this");
    check("      - expect: nothin\n", "10:17 J033 `nothin` is not known here");
    check(
        "      - expect:\n          - snet: thank_you\n            customer: hana\n",
        "11:13 J030 there is no key `snet` here",
    );
    check("      - outcome: unavailble\n        on: email\n", "10:18 J033 `unavailble` is not known here");
    check("      - set: {plan: gold}\n        customer: ken\n", "10:21 J071 one of free, pro is wanted here");
}

#[test]
fn expectations_are_read_in_order() {
    let (stories, problems) = read(
        "      - expect:\n          - {sent: thank_you, customer: hana, on: email, at: \"2026-04-01 10:00\"}\n          - {not_sent: review_request, customer: hana, because: no_consent}\n          - {waiting: \"wait_for:order_delivered\", customer: hana}\n          - nothing more\n",
    );
    assert_eq!(problems, "");
    let Action::Expect { outcomes, to_the_end } = &stories[0].lines[0].action else { panic!() };
    assert!(to_the_end);
    let what: Vec<&Fact> = outcomes.iter().map(|expected| &expected.what).collect();
    assert!(
        matches!(what.as_slice(), [Fact::Sent { .. }, Fact::NotSent { .. }, Fact::Waiting { .. }]),
        "{what:?}"
    );
}
