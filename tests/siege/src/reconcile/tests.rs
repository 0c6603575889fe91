#![allow(clippy::unwrap_used)]

use super::*;
use crate::record::{Channel, Class};

const MAIL: &str = "a@example.com";
const PHONE: &str = "+819010000001";

fn expected(mark: &str, class: Class) -> Expected {
    let journey = mark.split(' ').next().unwrap().to_owned();
    let to = if matches!(journey.as_str(), "code" | "parcel") { PHONE } else { MAIL };
    Expected {
        mark: mark.to_owned(),
        to: to.to_owned(),
        journey,
        class,
        told: true,
        refused: None,
        revoked_us: None,
    }
}

fn received(mark: &str, id: &str, at_s: i64, answer: Answer) -> Received {
    let mail = !matches!(mark.split(' ').next().unwrap(), "code" | "parcel");
    Received {
        at_us: at_s * 1_000_000,
        channel: if mail { Channel::Email } else { Channel::Sms },
        to: if mail { MAIL } else { PHONE }.to_owned(),
        id: id.to_owned(),
        receipt: String::new(),
        mark: mark.to_owned(),
        hash: format!("hash of {mark}"),
        answer,
    }
}

fn said(journey: &str, message: &str, outcome: &str) -> Said {
    let to = if matches!(journey, "code" | "parcel") { PHONE } else { MAIL };
    Said {
        message: message.to_owned(),
        journey: journey.to_owned(),
        to: to.to_owned(),
        customer: "cus_1".to_owned(),
        outcome: outcome.to_owned(),
        ..Said::default()
    }
}

fn fault(what: &str, from_s: i64, to_s: i64) -> Fault {
    Fault { what: what.to_owned(), from_us: from_s * 1_000_000, to_us: to_s * 1_000_000 }
}

/// One never-lost order and one never-twice offer, both taken once and listed.
fn fine() -> Records {
    Records {
        expected: vec![expected("order 1", Class::NeverLost), expected("offer 1", Class::NeverTwice)],
        received: vec![
            received("order 1", "m1", 100, Answer::Accepted),
            received("offer 1", "m2", 101, Answer::Accepted),
        ],
        said: vec![said("order", "m1", "accepted"), said("offer", "m2", "accepted")],
        ..Records::default()
    }
}

/// The kinds of what is found.
#[track_caller]
fn check(records: &Records, kinds: &[&str]) {
    let found = reconcile(records).differences;
    let is: Vec<&str> = found.iter().map(Difference::kind).collect();
    assert_eq!(is, kinds, "{found:#?}");
}

#[test]
fn what_arrived_once_and_is_listed_is_fine() {
    check(&fine(), &[]);
}

#[test]
fn what_tabi_took_and_nobody_knows_any_more_is_lost() {
    let mut records = fine();
    records.received.remove(0);
    records.said.remove(0);
    check(&records, &["lost"]);
    // What was never answered may come to nothing.
    records.expected[0].told = false;
    check(&records, &[]);
}

#[test]
fn of_two_orders_of_one_customer_the_one_that_nothing_came_of_is_named() {
    let mut records = fine();
    records.expected.push(expected("order 2", Class::NeverLost));
    assert_eq!(reconcile(&records).differences, [Difference::Lost { mark: "order 2".to_owned() }]);
}

#[test]
fn a_never_twice_message_that_arrives_twice_is_found_whatever_happened_in_between() {
    let mut records = fine();
    records.received.push(received("offer 1", "m2", 130, Answer::Accepted));
    records.faults.push(fault("kill", 110, 111));
    check(&records, &["duplicated (never-twice)"]);
}

#[test]
fn a_never_lost_message_may_come_again_after_a_kill_or_a_withheld_answer_alone() {
    let mut records = fine();
    records.received.push(received("order 1", "m1", 130, Answer::Accepted));
    check(&records, &["repeated without a cause (never-lost)"]);
    records.faults.push(fault("kill", 140, 141));
    check(&records, &["repeated without a cause (never-lost)"]);
    records.faults.push(fault("kill", 110, 111));
    check(&records, &[]);
    records.faults.clear();
    records.received[0].answer = Answer::Withheld;
    check(&records, &[]);
    // The last receipt's answer excuses nothing that came before it.
    records.received[0].answer = Answer::Accepted;
    records.received[2].answer = Answer::Withheld;
    check(&records, &["repeated without a cause (never-lost)"]);
}

#[test]
fn a_hold_excuses_no_repeat() {
    let mut records = fine();
    records.received.push(received("order 1", "m1", 130, Answer::Accepted));
    records.faults.push(fault(HELD, 110, 120));
    check(&records, &["repeated without a cause (never-lost)"]);
}

#[test]
fn a_repeat_under_another_id_or_with_other_bytes_is_found() {
    let mut records = fine();
    records.received[0].answer = Answer::Withheld;
    records.received.push(received("order 1", "m9", 130, Answer::Accepted));
    check(&records, &["one message, several ids", "received, not listed"]);
    records.received[2].id = "m1".to_owned();
    records.received[2].hash = "other".to_owned();
    check(&records, &["one message, several contents"]);
}

#[test]
fn what_goes_to_somebody_else_is_found() {
    let mut records = fine();
    records.received[1].to = "b@example.com".to_owned();
    check(&records, &["sent to somebody else"]);
}

#[test]
fn what_nobody_asked_for_is_found_at_the_sink_and_in_the_list() {
    let mut records = fine();
    records.received.push(received("order 7", "m7", 130, Answer::Accepted));
    records.said.push(Said { to: "b@example.com".to_owned(), ..said("order", "m8", "accepted") });
    check(&records, &["nobody asked for it", "listed without a cause"]);
}

#[test]
fn what_arrived_and_is_not_listed_is_found() {
    let mut records = fine();
    records.said[1].message = "m3".to_owned();
    records.said[1].outcome = "unknown".to_owned();
    check(&records, &["received, not listed"]);
}

#[test]
fn what_is_listed_as_sent_and_never_arrived_is_found() {
    let mut records = fine();
    records.received.remove(1);
    check(&records, &["listed as sent, not received"]);
    // A refusal is no receipt.
    records.received.push(received("offer 1", "m2", 101, Answer::Later));
    check(&records, &["listed as sent, not received"]);
}

#[test]
fn an_unknown_never_twice_message_is_fine_where_it_is_listed_whether_it_arrived_or_not() {
    let mut records = fine();
    records.said[1].outcome = "unknown".to_owned();
    check(&records, &[]);
    records.received.remove(1);
    check(&records, &[]);
    let figures = reconcile(&records).figures;
    assert!(figures.contains(&("listed as unknown", 1)));
    assert!(figures.contains(&("listed as unknown, and had arrived", 0)));
    // Not listed, it is lost.
    records.said.remove(1);
    check(&records, &["lost"]);
}

#[test]
fn a_never_lost_message_may_not_end_as_unknown() {
    let mut records = fine();
    records.said[0].outcome = "unknown".to_owned();
    check(&records, &["never-lost, left as unknown"]);
    // Unless a later try was refused for good: then nobody knows about the first, and nothing is left to try.
    records.received.push(received("order 1", "m1", 120, Answer::Refused));
    check(&records, &[]);
}

#[test]
fn what_has_no_end_is_found() {
    for outcome in ["planned", "handed_over"] {
        let mut records = fine();
        records.said[1].outcome = outcome.to_owned();
        records.received.remove(1);
        check(&records, &["not settled"]);
    }
}

#[test]
fn one_event_makes_one_message() {
    let mut records = fine();
    records.said.push(said("offer", "m3", "unknown"));
    check(&records, &["planned twice"]);
    records.said[2].message = "m2".to_owned();
    check(&records, &["listed twice", "planned twice"]);
}

#[test]
fn what_must_not_be_sent_is_found_at_the_sink() {
    let mut records = fine();
    records.expected[1].refused = Some("no consent to offers".to_owned());
    check(&records, &["sent though refused"]);
    records.received.remove(1);
    records.said[1].outcome = "suppressed".to_owned();
    check(&records, &[]);
    // It was blocked before it had an address: that of its customer counts.
    records.said[1].to = String::new();
    check(&records, &[]);
}

#[test]
fn what_is_refused_meanwhile_is_not_handed_over_afterwards() {
    let mut records = fine();
    records.expected[1].revoked_us = Some(100_000_000);
    check(&records, &[]);
    records.received[1].at_us = 104_000_000;
    check(&records, &["sent though refused"]);
    // It may have begun before, and been kept back.
    records.faults.push(fault("pause", 101, 103));
    check(&records, &[]);
    // Not sent for that reason, it is fine.
    records.received.remove(1);
    records.said[1].outcome = "not_sent".to_owned();
    check(&records, &[]);
}

#[test]
fn what_tabi_says_it_did_not_send_is_not_at_the_sink() {
    for outcome in ["suppressed", "rejected", "expired", "cancelled", "quarantined"] {
        let mut records = fine();
        records.said[1].outcome = outcome.to_owned();
        check(&records, &["sent though refused"]);
    }
}

#[test]
fn what_is_not_sent_has_a_cause_that_somebody_else_knows() {
    for (outcome, cause) in [
        ("rejected", Some(Answer::Refused)),
        ("rejected", Some(Answer::Dead)),
        ("suppressed", Some(Answer::Dead)),
        ("rejected", Some(Answer::Later)),
        ("suppressed", Some(Answer::Refused)),
        ("expired", Some(Answer::Dead)),
        ("rejected", None),
    ] {
        let mut records = fine();
        records.received.remove(1);
        records.said[1].outcome = outcome.to_owned();
        let believed = matches!(
            (outcome, &cause),
            ("rejected", Some(Answer::Refused | Answer::Dead)) | ("suppressed", Some(Answer::Dead))
        );
        records.received.extend(
            cause
                .map(|answer| received("", "", 99, answer))
                .map(|one| Received { to: MAIL.to_owned(), ..one }),
        );
        check(&records, if believed { &[] } else { &["not sent without a cause"] });
    }
}

#[test]
fn a_message_is_set_aside_after_three_tries_without_an_answer_and_not_before() {
    let mut records = fine();
    records.said[0].outcome = "quarantined".to_owned();
    records.said[0].unanswered = 3;
    check(&records, &[]);
    records.received.remove(0);
    check(&records, &[]);
    records.said[0].unanswered = 2;
    check(&records, &["not sent without a cause"]);
    records.faults.push(fault("kill", 1, 2));
    check(&records, &[]);
}

#[test]
fn what_is_kept_is_what_arrived() {
    let mut records = fine();
    records.kept.insert("m1".to_owned(), "hash of order 1".to_owned());
    check(&records, &[]);
    records.kept.insert("m2".to_owned(), "another".to_owned());
    check(&records, &["kept otherwise than sent"]);
}

#[test]
fn nothing_arrives_while_it_is_held() {
    let mut records = fine();
    records.faults.push(fault(HELD, 99, 101));
    check(&records, &["sent while held"]);
    records.received[0].answer = Answer::Later;
    records.faults[0].to_us = 100_500_000;
    check(&records, &["listed as sent, not received"]);
}

#[test]
fn a_text_is_known_by_the_delivery_that_its_callback_names_or_by_what_the_provider_called_it() {
    let mut records = Records {
        expected: vec![expected("parcel 1", Class::NeverTwice), expected("code 1", Class::NeverLost)],
        received: vec![
            received("parcel 1", "dlv_1", 100, Answer::Accepted),
            Received { receipt: "SM1".to_owned(), ..received("code 1", "", 101, Answer::Accepted) },
        ],
        said: vec![
            Said { deliveries: vec!["dlv_1".to_owned()], ..said("parcel", "m1", "accepted") },
            Said { receipts: vec!["SM1".to_owned()], ..said("code", "m2", "accepted") },
        ],
        ..Records::default()
    };
    check(&records, &[]);
    records.said[1].receipts[0] = "SM2".to_owned();
    check(&records, &["received, not listed", "listed as sent, not received"]);
}

#[test]
fn every_kind_of_difference_has_its_line_in_the_report() {
    let mut records = fine();
    records.received.clear();
    for difference in reconcile(&records).differences {
        assert!(Difference::KINDS.contains(&difference.kind()));
        assert!(difference.to_string().len() > difference.kind().len() + 2);
    }
}
