use crate::fixture::{World, at, order, planned};
use store::{MessageOutcome, SuppressionRow};
use words::{Channel, DeliveryClass};

fn journey(purpose: &str, channels: &str) -> String {
    format!(
        "purpose: {purpose}\nstart: {{event: order_placed, once_per: order_id}}\nsteps:\n  - send: thanks\n    {channels}\n"
    )
}

#[track_caller]
fn step_at(
    now: &str,
    purpose: &str,
    channels: &str,
    prepare: impl Fn(&mut crate::fixture::Person),
) -> store::CustomerChange {
    let world = World::new(now, &[("thank_you", &journey(purpose, channels))]);
    let mut hana = world.customer();
    prepare(&mut hana);
    hana.tell(&world, "order_placed", order("A-1"));
    hana.step(&world)
}

const NOON: &str = "2026-04-01T03:00:00Z";
const NIGHT: &str = "2026-04-01T15:00:00Z";

#[test]
fn the_first_channel_that_is_there_and_allowed_is_taken() {
    let change = step_at(NOON, "after_sales", "first_of: [push, sms, email]", |hana| {
        hana.reach(Channel::SMS, "+819012345678");
    });
    assert_eq!(planned(&change), ["thanks on sms"]);
    let change = step_at(NOON, "after_sales", "first_of: [push, sms, email]", |hana| {
        hana.reach(Channel::SMS, "+819012345678");
        hana.suppressions.push(SuppressionRow {
            channel: Channel::SMS,
            reason: "bounce".to_owned(),
            at: at("2026-03-01T00:00:00Z"),
            expires_at: None,
            source: String::new(),
        });
    });
    assert_eq!(planned(&change), ["thanks on email"]);
}

#[test]
fn now_is_better_than_later() {
    // At midnight everything waits for the morning, so the first of the list is taken, for then.
    let change = step_at(NIGHT, "after_sales", "first_of: [sms, email]", |hana| {
        hana.reach(Channel::SMS, "+819012345678");
    });
    assert_eq!(planned(&change), ["thanks on sms"]);
    let due = change.messages[0].deliveries[0].due_at;
    assert!(due > at(NIGHT), "it waits for the morning");
    // What no window binds goes at once.
    let change = step_at(NIGHT, "orders", "first_of: [sms, email]", |hana| {
        hana.reach(Channel::SMS, "+819012345678");
    });
    assert_eq!(change.messages[0].deliveries[0].due_at, at(NIGHT));
}

#[test]
fn all_of_takes_every_channel_that_is_there() {
    let change = step_at(NOON, "after_sales", "all_of: [email, push, sms]", |hana| {
        hana.reach(Channel::SMS, "+819012345678");
    });
    assert_eq!(planned(&change), ["thanks on email", "thanks on sms"]);
    assert_eq!(change.messages.len(), 1, "one message, meant once");
}

#[test]
fn a_push_token_that_no_app_has_shown_for_thirty_days_gets_no_offers() {
    let told = |purpose: &str, seen: Option<&str>| {
        let change = step_at(NOON, purpose, "first_of: [push, email]", |hana| {
            hana.reach(Channel::PUSH, "token-1");
            let token = hana.customer.addresses.last_mut().unwrap();
            token.added_at = at("2026-01-05T00:00:00Z");
            token.seen_at = seen.map(at);
        });
        planned(&change)
    };
    assert_eq!(told("offers", None), ["thanks on email"]);
    assert_eq!(told("offers", Some("2026-03-01T00:00:00Z")), ["thanks on email"]);
    assert_eq!(told("offers", Some("2026-03-20T00:00:00Z")), ["thanks on push"]);
    assert_eq!(told("after_sales", None), ["thanks on push"]);
}

#[test]
fn push_goes_to_every_token_as_one_set() {
    let change = step_at(NOON, "after_sales", "first_of: [push, email]", |hana| {
        hana.reach(Channel::PUSH, "token-1");
        hana.reach(Channel::PUSH, "token-2");
    });
    assert_eq!(planned(&change), ["thanks on push", "thanks on push"]);
    let deliveries = &change.messages[0].deliveries;
    assert!(deliveries.iter().all(|d| d.ordinal == 1));
    assert_ne!(deliveries[0].id, deliveries[1].id);
}

#[test]
fn what_unknown_will_mean_follows_class_and_provider() {
    for (purpose, keyed, class) in [
        ("after_sales", false, DeliveryClass::NeverTwice),
        ("orders", false, DeliveryClass::NeverLost),
        ("after_sales", true, DeliveryClass::Keyed),
    ] {
        let mut world = World::new(NOON, &[("thank_you", &journey(purpose, "first_of: [email]"))]);
        world.keyed.extend(keyed.then_some(Channel::EMAIL));
        let mut hana = world.customer();
        hana.tell(&world, "order_placed", order("A-1"));
        assert_eq!(hana.step(&world).messages[0].deliveries[0].class, class);
    }
}

#[test]
fn what_is_not_sent_says_why_for_every_channel_in_both_languages() {
    let change = step_at(NOON, "offers", "first_of: [push, sms, email]", |hana| {
        hana.reach(Channel::SMS, "+819012345678");
        hana.customer.consents.clear();
    });
    let message = &change.messages[0];
    assert_eq!(message.outcome, MessageOutcome::NotSent);
    assert!(message.deliveries.is_empty());
    let why: serde_json::Value = serde_json::from_str(&message.why).unwrap();
    let reasons = why["reasons"].as_array().unwrap();
    let codes: Vec<_> = reasons.iter().filter_map(|r| r["code"].as_str()).collect();
    assert!(codes.contains(&"no_address"), "push: {codes:?}");
    assert!(codes.iter().filter(|code| code.starts_with("consent")).count() >= 2, "sms and email: {codes:?}");
    for reason in reasons {
        assert!(!reason["text"]["en"].as_str().unwrap().is_empty(), "{reason}");
        assert!(!reason["text"]["ja"].as_str().unwrap().is_empty(), "{reason}");
    }
    assert!(why["packs"].as_str().is_some_and(|packs| !packs.is_empty()), "the packs that were asked");
    assert!(change.audit.iter().any(|a| a.kind.as_str() == "message.not_sent"));
}

#[test]
fn a_cap_that_cannot_free_in_time_is_told_at_planning() {
    // Three marketing messages in seven days; the next place frees in five, and marketing is three days late at most.
    let change = step_at(NOON, "offers", "first_of: [email]", |hana| {
        for day in ["2026-03-30T03:00:00Z", "2026-03-30T04:00:00Z", "2026-03-31T03:00:00Z"] {
            hana.cap_uses.push((at(day), Channel::EMAIL));
        }
    });
    assert_eq!(change.messages[0].outcome, MessageOutcome::NotSent);
    assert!(change.messages[0].why.contains("FRQ-001"), "{}", change.messages[0].why);
}

#[test]
fn a_message_keeps_what_it_stands_on() {
    let change = step_at(NOON, "offers", "first_of: [email]", |_| ());
    let message = &change.messages[0];
    assert_eq!((message.cause_seq, message.visit, message.outcome), (1, 1, MessageOutcome::Planned));
    assert!(message.release.is_some() && message.program.is_some());
    assert!(message.why.contains("express_written"), "the consent: {}", message.why);
    let again = step_at(NOON, "offers", "first_of: [email]", |_| ());
    assert_eq!(again.messages[0].id, message.id, "derived from its key, not drawn");
}
