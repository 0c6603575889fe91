//! What an outcome does to the ledger.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::fixture::at;
use channel::OPTED_OUT;
use std::time::Duration;
use words::{Channel, Customer, CustomerId, DeliveryId, EnrollmentId, MessageClass, MessageId};

pub(crate) fn work(class: DeliveryClass) -> SendWork {
    let now = at("2026-04-01T03:00:00Z");
    SendWork {
        delivery: DeliveryId([1; 16]),
        message: MessageId([2; 16]),
        fence: 4,
        attempts: 1,
        strikes: 0,
        ordinal: 1,
        channel: Channel::EMAIL,
        address: "hana@example.jp".to_owned(),
        delivery_class: class,
        resend: false,
        customer: Customer::new(CustomerId([3; 16]), now),
        guard_version: 5,
        stop_epoch: 6,
        name: "thanks".to_owned(),
        journey: "thank_you".to_owned(),
        step: "send:thanks".to_owned(),
        enrollment: Some(EnrollmentId([7; 16])),
        purpose: "after_sales".to_owned(),
        class: MessageClass::Service,
        priority: 0,
        planned_at: now,
        due_at: now,
        expires_at: None,
        release: None,
        program: None,
        inputs: BTreeMap::new(),
        content: None,
        cap_uses: Vec::new(),
        competing: Vec::new(),
        suppressions: Vec::new(),
        taken: None,
    }
}

fn span() -> Span {
    Span { from: at("2026-04-01T03:00:00Z"), to: at("2026-04-01T03:00:02Z") }
}

fn settled(work: &SendWork, outcome: &Outcome) -> Settle {
    tried(work, outcome, span(), 0, EventId([9; 16]), false)
}

fn outcomes() -> [Outcome; 7] {
    let answer = || "an answer".to_owned();
    [
        Outcome::Accepted { provider_id: Some("p-1".to_owned()), answer: answer() },
        Outcome::AddressDead { answer: answer() },
        Outcome::MessageRefused { answer: answer() },
        Outcome::Misconfigured { answer: answer() },
        Outcome::Throttled { after: Duration::from_secs(7), answer: answer() },
        Outcome::Unavailable { answer: answer() },
        Outcome::Unknown { stage: Stage::Answer, answer: answer() },
    ]
}

#[test]
fn every_outcome_in_every_class_has_its_state() {
    use DeliveryState::{Accepted, Planned, Rejected, Unknown};
    for class in [DeliveryClass::NeverTwice, DeliveryClass::NeverLost, DeliveryClass::Keyed] {
        let unknown = if class == DeliveryClass::NeverTwice { Unknown } else { Planned };
        let wanted = [Accepted, Rejected, Rejected, Planned, Planned, Planned, unknown];
        for (outcome, state) in outcomes().iter().zip(wanted) {
            let settle = settled(&work(class), outcome);
            assert_eq!(settle.state, state, "{class:?} {outcome:?}");
            assert_eq!(settle.due_at.is_some(), state == Planned, "{class:?} {outcome:?}");
            assert!(settle.due_at.is_none_or(|due| due > span().to), "never at once: {outcome:?}");
            assert_eq!(settle.fence, 4);
            let attempt = settle.attempt.unwrap();
            assert_eq!((attempt.outcome.as_str(), attempt.answer.as_str()), (outcome.as_str(), "an answer"));
            assert!(!settle.uncount, "a try counts");
        }
    }
}

#[test]
fn only_a_dead_address_is_suppressed() {
    for outcome in outcomes() {
        let settle = settled(&work(DeliveryClass::NeverTwice), &outcome);
        let dead = matches!(outcome, Outcome::AddressDead { .. });
        assert_eq!(settle.suppress.is_some(), dead, "{outcome:?}");
        assert!(settle.suppress.is_none_or(|row| row.reason == "bounce" && row.expires_at.is_none()));
    }
}

#[test]
fn a_cap_is_kept_by_what_may_have_been_accepted_and_given_back_by_what_was_not() {
    for outcome in outcomes() {
        let perhaps = matches!(outcome, Outcome::Accepted { .. } | Outcome::Unknown { .. });
        let fresh = settled(&work(DeliveryClass::Keyed), &outcome);
        assert_eq!(fresh.give_back_cap, !perhaps, "{outcome:?}");
        // That this try failed does not prove that the one before did.
        let again = SendWork { resend: true, ..work(DeliveryClass::Keyed) };
        assert!(!settled(&again, &outcome).give_back_cap, "{outcome:?}");
    }
}

#[test]
fn strikes_stand_only_where_no_answer_came() {
    for outcome in outcomes() {
        let unknown = matches!(outcome, Outcome::Unknown { .. });
        assert_eq!(settled(&work(DeliveryClass::NeverLost), &outcome).clear_strikes, !unknown);
    }
}

#[test]
fn tries_come_at_growing_distances_each_spread_by_a_fifth_at_most() {
    let unavailable = Outcome::Unavailable { answer: String::new() };
    let mut last = 0;
    for attempts in 1..=40 {
        let work = SendWork { attempts, ..work(DeliveryClass::NeverTwice) };
        let wait = |jitter: u64| {
            let due = tried(&work, &unavailable, span(), jitter, EventId([9; 16]), false).due_at.unwrap();
            due.since(span().to).as_micros()
        };
        let (soonest, latest) = (wait(0), wait(999));
        assert!(soonest >= last, "attempt {attempts}");
        assert!(latest > soonest && latest <= soonest + soonest / 5, "attempt {attempts}");
        assert_eq!(wait(12_345), wait(345), "any number will do");
        last = soonest;
    }
    assert_eq!(last, 3_600_000_000, "an hour at most");
}

#[test]
fn a_provider_that_asks_for_a_pause_gets_it_within_reason() {
    for (asked, least) in [(0, 1), (7, 7), (3600, 3600), (u64::MAX, 3600)] {
        let outcome = Outcome::Throttled { after: Duration::from_secs(asked), answer: String::new() };
        let due = settled(&work(DeliveryClass::NeverTwice), &outcome).due_at.unwrap();
        assert_eq!(due.since(span().to), Elapsed::from_secs(least), "{asked}");
        let spread = tried(&work(DeliveryClass::NeverTwice), &outcome, span(), 999, EventId([9; 16]), false);
        assert!(spread.due_at.unwrap() >= due, "never before its time");
    }
}

#[test]
fn the_journeys_learn_what_was_sent_and_what_bounced() {
    let told = |outcome: &Outcome| {
        let settle = settled(&work(DeliveryClass::NeverTwice), outcome);
        settle.events.first().map(|new| (new.event.name.clone(), new.message_id.clone().unwrap()))
    };
    let delivery = DeliveryId([1; 16]);
    let [accepted, dead, refused, ..] = outcomes();
    assert_eq!(told(&accepted), Some(("message_sent".to_owned(), format!("{delivery}/message_sent"))));
    assert_eq!(told(&dead), Some(("message_bounced".to_owned(), format!("{delivery}/message_bounced"))));
    assert_eq!(told(&refused), None);
}

#[test]
fn an_opt_out_with_the_provider_is_no_dead_address() {
    let outcome = Outcome::MessageRefused { answer: format!("{OPTED_OUT} 21610") };
    assert!(outcome.revokes_consent());
    let settle = settled(&work(DeliveryClass::NeverTwice), &outcome);
    assert_eq!((settle.state, settle.suppress), (DeliveryState::Rejected, None));
}

#[test]
fn what_was_not_tried_is_not_counted() {
    let settle = untried(&work(DeliveryClass::NeverTwice), DeliveryState::Suppressed, None, "{}".to_owned());
    assert!(settle.uncount && settle.attempt.is_none() && settle.events.is_empty());
    // Its own strike goes; those of deaths before it stay, or a message that waits between them would kill for ever.
    assert!(!settle.clear_strikes);
}

#[test]
fn what_is_not_known_says_why_and_what_follows_and_what_the_inbox_took_says_so() {
    let unknown = Outcome::Unknown { stage: Stage::Answer, answer: "timed out".to_owned() };
    for (class, follows) in [
        (DeliveryClass::NeverTwice, "not sent again"),
        (DeliveryClass::NeverLost, "must not be lost"),
        (DeliveryClass::Keyed, "the same key"),
    ] {
        let why: serde_json::Value = serde_json::from_str(&settled(&work(class), &unknown).why).unwrap();
        let words = why["because"]["en"].as_str().unwrap();
        assert!(words.contains("answer was lost") && words.contains(follows), "{words}");
        assert!(why["because"]["ja"].as_str().unwrap().ends_with("。"), "{why}");
    }
    let accepted = Outcome::Accepted { provider_id: None, answer: "250 kept".to_owned() };
    let kept = tried(&work(DeliveryClass::NeverTwice), &accepted, span(), 0, EventId([9; 16]), true);
    assert!(kept.in_inbox && kept.why.contains("\"inbox\":true"), "{}", kept.why);
    let sent = settled(&work(DeliveryClass::NeverTwice), &accepted);
    // Null takes out of the record what an earlier try left there.
    assert!(!sent.in_inbox && sent.why.contains("\"inbox\":null") && sent.why.contains("\"because\":null"));
}

#[test]
fn a_refusal_says_nothing_about_an_earlier_try_whose_answer_was_lost() {
    for class in [DeliveryClass::NeverLost, DeliveryClass::Keyed] {
        let again = SendWork { resend: true, ..work(class) };
        let refused = Outcome::MessageRefused { answer: "554 no".to_owned() };
        let settle = settled(&again, &refused);
        // Neither "not sent" nor on to another channel: that takes a proof.
        assert_eq!((settle.state, settle.due_at), (DeliveryState::Unknown, None));
        assert!(settle.why.contains("refused_when_sent_again"), "{}", settle.why);
        for state in [DeliveryState::Suppressed, DeliveryState::Expired] {
            let settle = untried(&again, state, None, r#"{"reasons":[]}"#.to_owned());
            assert_eq!(settle.state, DeliveryState::Unknown);
            assert!(
                settle.why.contains("not_sent_again") && settle.why.contains("reasons"),
                "{}",
                settle.why
            );
        }
        assert_eq!(
            untried(&again, DeliveryState::Planned, None, String::new()).state,
            DeliveryState::Planned
        );
        // Where nobody is, nobody got it.
        let dead = Outcome::AddressDead { answer: "550 5.1.1".to_owned() };
        assert_eq!(settled(&again, &dead).state, DeliveryState::Rejected);
    }
}
