#![allow(clippy::unwrap_used, clippy::panic)]
mod compiled;
mod generated;

use crate::testing::*;
use crate::{Effect, Ending, Input, Status};
use journey::program::{NotifyPart, OncePer, WaitUntil};
use journey::{Between, Days, Duration, Goal, IfBlocked, Op, SegmentRef, Wait};
use std::collections::{BTreeMap, BTreeSet};
use words::{EventKind, Value};

/// The thank-you of the shop: `journeys` has it in full.
fn thank_you() -> journey::Program {
    let mut program = program(vec![
        send("thank_you", 1),
        Op::WaitFor {
            events: vec![on("order_delivered")],
            up_to: Some(Duration::CalendarDays(14)),
            since_start: false,
            bind: Some("delivery".to_owned()),
            then: 3,
            otherwise: 2,
        },
        Op::Stop { reason: "never_delivered".to_owned() },
        Op::Wait {
            wait: Box::new(Wait {
                until: WaitUntil::After { duration: Duration::CalendarDays(3), since_start: false },
                between: Some(Between { from_minute: 9 * 60, to_minute: 20 * 60 }),
                on: Some(Days::Business),
            }),
            next: 4,
        },
        Op::Branch { arms: vec![(op(path("customer.orders"), ">", lit(1)), 5)], otherwise: 6 },
        send("thanks_again", 7),
        send_with("how_to_use", 7, |send| {
            send.with = vec![("tracking".to_owned(), path("delivery.tracking_url"))];
        }),
        Op::End,
    ]);
    program.once_per = Some(OncePer { property: "order_id".to_owned() });
    program.goal = Some(Goal {
        event: on("review_written"),
        within: Some(span("45 days")),
        stop: false,
        revenue: Some("total".to_owned()),
    });
    program.stop_if = vec![on("refund_requested")];
    program
}

fn of_order(number: &str) -> (&'static str, Value) {
    ("order_id", text(number))
}

fn thanked() -> Story {
    // Tuesday, 18:00 in Tokyo.
    let mut story = Story::new(thank_you(), "2026-01-06T09:00:00Z");
    story.world.start = Some(event("order_placed", story.now, &[of_order("A1")]));
    story.world.key = "A1".to_owned();
    story.begin();
    story
}

#[test]
fn a_first_purchase_is_thanked_and_explained_at_a_civil_hour_of_a_business_day() {
    let mut story = thanked();
    story.until("2026-01-08T14:30:00Z");
    story.event("order_delivered", &[of_order("A1"), ("tracking_url", text("https://t/1"))]);
    story.until("2026-03-01T00:00:00Z");
    // Three days after Thursday 23:30 in Tokyo is a Sunday night; the Monday is 成人の日.
    story.tells(
        "01-06 09:00 0/1 send thank_you
         01-06 09:00 1 waits for order_delivered, until 2026-01-20 09:00 UTC at most
         01-08 14:30 1 order_delivered of 2026-01-08 14:30 UTC came
         01-08 14:30 3 waits until 2026-01-13 00:00 UTC, the next allowed hour of the recipient
         01-13 00:00 4 no condition held: customer.orders = null
         01-13 00:00 6/1 send how_to_use tracking=\"https://t/1\"
         01-13 00:00 7 ended finished",
    );
}

#[test]
fn what_never_comes_ends_the_journey_for_the_reason_written() {
    thanked().until("2026-03-01T00:00:00Z").tells(
        "01-06 09:00 0/1 send thank_you
         01-06 09:00 1 waits for order_delivered, until 2026-01-20 09:00 UTC at most
         01-20 09:00 1 order_delivered did not come in time
         01-20 09:00 2 ended stopped never_delivered",
    );
}

#[test]
fn an_event_about_another_order_moves_nothing_and_one_without_its_number_does() {
    let mut story = thanked();
    story.event("order_delivered", &[of_order("B2")]);
    story.event("refund_requested", &[of_order("B2")]);
    story.event("review_written", &[of_order("B2")]);
    assert_eq!(story.state.at.pc, 1);
    story.until("2026-01-07T00:00:00Z").event("refund_requested", &[]);
    assert_eq!(story.state.at.status, Status::Ended(Ending::Stopped));
}

#[test]
fn the_goal_counts_once_and_also_after_the_end_but_not_after_its_time() {
    let mut story = thanked();
    story.event("refund_requested", &[]).until("2026-02-01T00:00:00Z");
    story.event("review_written", &[("total", money("10 USD"))]);
    story.until("2026-02-02T00:00:00Z").event("review_written", &[]);
    story.tells(
        "01-06 09:00 0/1 send thank_you
         01-06 09:00 1 waits for order_delivered, until 2026-01-20 09:00 UTC at most
         01-06 09:00 1 ended stopped refund_requested
         02-01 00:00 goal Some(10.00 USD)",
    );
    let mut late = thanked();
    late.event("refund_requested", &[]).until("2026-02-21T00:00:00Z").event("review_written", &[]);
    assert_eq!(late.state.context.goal_at, None);
}

#[test]
fn what_happened_before_the_start_is_no_goal() {
    let mut story = thanked();
    let before = event("review_written", at("2026-01-06T08:00:00Z"), &[]);
    assert_eq!(story.give(&Input::Event(&before)), vec![]);
}

#[test]
fn history_and_the_event_that_started_it_move_nothing() {
    let mut story = thanked();
    let state = story.state.clone();
    let mut imported = event("refund_requested", story.now, &[]);
    imported.kind = EventKind::History;
    story.give(&Input::Event(&imported));
    let mut start = story.world.start.clone().unwrap();
    start.name = "refund_requested".to_owned();
    story.give(&Input::Event(&start));
    assert_eq!(story.state, state);
}

#[test]
fn an_event_after_the_end_of_a_wait_is_late_however_late_anybody_looks() {
    let mut story = thanked();
    story.asleep_until("2026-02-01T00:00:00Z");
    let delivered = event("order_delivered", at("2026-01-21T00:00:00Z"), &[]);
    story.give(&Input::Event(&delivered));
    assert_eq!(story.state.at.status, Status::Ended(Ending::Stopped));

    let mut story = thanked();
    story.asleep_until("2026-02-01T00:00:00Z");
    let delivered = event("order_delivered", at("2026-01-20T08:00:00Z"), &[]);
    story.give(&Input::Event(&delivered));
    assert!(story.state.is_live(), "it came in time");
}

#[test]
fn an_event_that_stops_stops_also_where_a_step_was_due_before_it() {
    let mut story =
        Story::new(program(vec![wait(1, 1), send("reminder", 2), Op::End]), "2026-01-06T00:00:00Z");
    story.program.stop_if = vec![on("order_placed")];
    story.begin().asleep_until("2026-01-09T00:00:00Z").event("order_placed", &[]);
    story.until("2026-01-10T00:00:00Z").tells(
        "01-06 00:00 0 waits until 2026-01-07 00:00 UTC
         01-09 00:00 0 ended stopped order_placed",
    );
}

#[test]
fn calendar_days_keep_the_hour_over_a_change_of_the_clocks_and_hours_do_not() {
    for (until, expected) in [
        (Duration::CalendarDays(1), "2026-03-29T07:00:00Z"),
        (Duration::Elapsed(span("24 hours")), "2026-03-29T08:00:00Z"),
        (Duration::DaysOf(lit(2)), "2026-03-30T07:00:00Z"),
    ] {
        let wait = wait_until(WaitUntil::After { duration: until, since_start: false }, 1);
        let mut story = Story::new(program(vec![wait, Op::End]), "2026-03-28T08:00:00Z");
        story.world.zone = zone("Europe/Berlin");
        story.begin();
        assert_eq!(story.state.at.due_at, Some(at(expected)));
    }
}

#[test]
fn a_wait_since_the_start_counts_from_there() {
    let day_4 = WaitUntil::After { duration: Duration::CalendarDays(4), since_start: true };
    let ops = vec![wait_for(&["code_used"], "3 days", 2, 1), wait_until(day_4, 2), send("range", 3), Op::End];
    Story::new(program(ops), "2026-01-01T00:00:00Z").begin().until("2026-02-01T00:00:00Z").tells(
        "01-01 00:00 0 waits for code_used, until 2026-01-04 00:00 UTC at most
         01-04 00:00 0 code_used did not come in time
         01-04 00:00 1 waits until 2026-01-05 00:00 UTC
         01-05 00:00 2/1 send range
         01-05 00:00 3 ended finished",
    );
}

fn before_departure() -> Story {
    let until = WaitUntil::At {
        date: path("customer.departs"),
        offset: Duration::CalendarDays(-3),
        at_minute: Some(10 * 60),
    };
    Story::new(program(vec![wait_until(until, 1), send("airport", 2), Op::End]), "2026-01-01T00:00:00Z")
}

#[test]
fn a_wait_for_a_date_moves_with_the_date() {
    let mut story = before_departure();
    story.world.set("departs", Value::Date("2026-02-10".parse().unwrap()));
    story.begin().until("2026-01-20T00:00:00Z");
    story.world.set("departs", Value::Date("2026-02-05".parse().unwrap()));
    story.give(&Input::TraitChanged);
    story.give(&Input::TraitChanged);
    story.until("2026-01-25T00:00:00Z");
    story.world.set("departs", Value::Date("2026-01-26".parse().unwrap()));
    story.event("anything", &[]);
    story.until("2026-01-26T00:00:00Z").tells(
        "01-01 00:00 0 waits until 2026-02-07 01:00 UTC
         01-20 00:00 0 the date moved: waits until 2026-02-02 01:00 UTC
         01-25 00:00 0 the date moved: waits until 2026-01-25 00:00 UTC
         01-25 00:00 1/1 send airport
         01-25 00:00 2 ended finished",
    );
}

#[test]
fn a_date_that_moves_while_nobody_looks_is_read_again_when_it_is_due() {
    let mut story = before_departure();
    story.world.set("departs", Value::Date("2026-02-10".parse().unwrap()));
    story.begin();
    story.world.set("departs", Value::Date("2026-03-10".parse().unwrap()));
    story.until("2026-02-20T00:00:00Z").tells(
        "01-01 00:00 0 waits until 2026-02-07 01:00 UTC
         02-07 01:00 0 the date moved: waits until 2026-03-07 01:00 UTC",
    );
}

#[test]
fn a_date_that_has_passed_or_is_not_known_is_due_now() {
    let mut story = before_departure();
    story.world.set("departs", Value::Date("2025-12-31".parse().unwrap()));
    story.begin().tells(
        "01-01 00:00 0 the date 2025-12-28 01:00 UTC has passed: went on at once
         01-01 00:00 1/1 send airport
         01-01 00:00 2 ended finished",
    );
    before_departure().begin().tells(
        "01-01 00:00 0 the date is not known: went on at once
         01-01 00:00 1/1 send airport
         01-01 00:00 2 ended finished",
    );
}

#[test]
fn a_wait_looked_at_too_late_still_keeps_to_its_hours() {
    let hours = Wait {
        until: WaitUntil::Window,
        between: Some(Between { from_minute: 9 * 60, to_minute: 20 * 60 }),
        on: Some(Days::Weekdays(BTreeSet::from([1, 2, 3, 4, 5]))),
    };
    let ops = vec![Op::Wait { wait: Box::new(hours), next: 1 }, send("hello", 2), Op::End];
    // Saturday noon in Tokyo; Monday 09:00 is slept through; Monday 23:00.
    let mut story = Story::new(program(ops), "2026-01-17T03:00:00Z");
    story.begin().asleep_until("2026-01-19T14:00:00Z");
    story.give(&Input::Due);
    story.until("2026-01-21T00:00:00Z").tells(
        "01-17 03:00 0 waits until 2026-01-19 00:00 UTC, the next allowed hour of the recipient
         01-20 00:00 1/1 send hello
         01-20 00:00 2 ended finished",
    );
}

#[test]
fn a_wait_for_a_business_day_ends_at_the_time_of_day_that_it_began() {
    let three_days = |on: Option<Days>, between: Option<Between>| Wait {
        until: WaitUntil::After { duration: Duration::CalendarDays(3), since_start: false },
        between,
        on,
    };
    let hours = Between { from_minute: 9 * 60, to_minute: 12 * 60 };
    // Thursday 14:00 in Tokyo; three days later is a Sunday, Monday 05:00 UTC is 14:00 there.
    for (wait, day, time) in [
        (three_days(Some(Days::Business), None), 19, "05:00"),
        (three_days(Some(Days::Weekdays(BTreeSet::from([3]))), None), 21, "05:00"),
        (three_days(Some(Days::Business), Some(hours)), 19, "00:00"),
    ] {
        let ops = vec![Op::Wait { wait: Box::new(wait), next: 1 }, send("hello", 2), Op::End];
        let mut story = Story::new(program(ops), "2026-01-15T05:00:00Z");
        story.begin().until("2026-01-22T00:00:00Z").tells(&format!(
            "01-15 05:00 0 waits until 2026-01-{day} {time} UTC, the next allowed hour of the recipient
             01-{day} {time} 1/1 send hello
             01-{day} {time} 2 ended finished",
        ));
    }
}

#[test]
fn a_wait_may_look_back_to_the_start() {
    let ops = vec![
        wait(3, 1),
        Op::WaitFor {
            events: vec![on("order_delivered"), on("order_picked_up")],
            up_to: Some(Duration::CalendarDays(2)),
            since_start: true,
            bind: Some("got".to_owned()),
            then: 2,
            otherwise: 3,
        },
        Op::Notify {
            to: "shop".to_owned(),
            text: vec![NotifyPart::Text("by ".to_owned()), NotifyPart::Value(path("got.name"))],
            next: 3,
        },
        Op::End,
    ];
    let mut story = Story::new(program(ops), "2026-01-01T00:00:00Z");
    story.begin().until("2026-01-02T00:00:00Z").event("order_picked_up", &[]);
    story.until("2026-02-01T00:00:00Z").tells(
        "01-01 00:00 0 waits until 2026-01-04 00:00 UTC
         01-04 00:00 1 order_picked_up of 2026-01-02 00:00 UTC came
         01-04 00:00 2/1 notify shop: by order_picked_up
         01-04 00:00 3 ended finished",
    );
}

#[test]
fn nobody_waits_for_the_answer_to_a_question_that_was_not_asked() {
    let asks = send_with("ask_nps", 1, |send| send.survey = Some("nps".to_owned()));
    let wait_for = Op::WaitFor {
        events: vec![on("survey_answered")],
        up_to: Some(Duration::CalendarDays(7)),
        since_start: false,
        bind: None,
        then: 3,
        otherwise: 2,
    };
    let ops = vec![asks, wait_for, Op::Stop { reason: "not_asked".to_owned() }, Op::End];
    let mut story = Story::new(program(ops), "2026-01-01T00:00:00Z");
    story.world.blocked.borrow_mut().insert("ask_nps".to_owned(), None);
    story.begin().tells(
        "01-01 00:00 0/1 not sent ask_nps: cap
         01-01 00:00 2 ended stopped not_asked",
    );
}

fn nudges() -> Vec<Op> {
    vec![
        send("welcome", 1),
        wait(1, 2),
        Op::Branch { arms: vec![(engaged("clicked", "welcome"), 3)], otherwise: 4 },
        send("tips", 5),
        send("nudge", 5),
        Op::End,
    ]
}

#[test]
fn clicks_on_messages_of_this_enrollment_are_remembered_and_others_are_not() {
    let mut story = Story::new(program(nudges()), "2026-01-01T00:00:00Z");
    story.begin().receipt("clicked", "welcome").receipt("opened", "welcome");
    let remembered: Vec<_> = story.state.context.engaged.iter().collect();
    assert_eq!(
        remembered,
        [&("clicked".to_owned(), "welcome".to_owned())],
        "what nobody asks for is not kept"
    );
    story.until("2026-01-03T00:00:00Z");
    assert!(story.state.at.pc == 5 && !story.state.is_live());

    let mut other = Story::new(program(nudges()), "2026-01-01T00:00:00Z");
    other
        .begin()
        .event("message_clicked", &[("enrollment", text("enr_other")), ("message", text("welcome"))]);
    assert!(other.state.context.is_empty(), "nothing to store beside the position");
    other.until("2026-01-03T00:00:00Z").tells(
        "01-01 00:00 0/1 send welcome
         01-01 00:00 1 waits until 2026-01-02 00:00 UTC
         01-02 00:00 2 no condition held: clicked(welcome) = false
         01-02 00:00 4/1 send nudge
         01-02 00:00 5 ended finished",
    );
}

#[test]
fn a_message_counts_as_sent_until_it_is_known_not_to_be() {
    let ops = vec![
        send("offer", 1),
        wait(1, 2),
        Op::Branch { arms: vec![(engaged("sent", "offer"), 3)], otherwise: 4 },
        send("reminder", 4),
        Op::End,
    ];
    let mut story = Story::new(program(ops.clone()), "2026-01-01T00:00:00Z");
    story.begin();
    let effects = story.until("2026-01-02T00:00:00Z").state.context.engaged.len();
    assert_eq!(effects, 1);
    let mut expired = Story::new(program(ops), "2026-01-01T00:00:00Z");
    expired.begin().receipt("skipped", "offer");
    assert!(expired.state.context.engaged.is_empty());
}

#[test]
fn a_blocked_message_is_skipped_waited_for_or_ends_it() {
    let blocked = |if_blocked, expires: Option<&str>, until: Option<&str>| {
        let ops = vec![
            send_with("offer", 1, |send| {
                send.if_blocked = if_blocked;
                send.expires = expires.map(span);
            }),
            Op::End,
        ];
        let story = Story::new(program(ops), "2026-01-01T00:00:00Z");
        story.world.blocked.borrow_mut().insert("offer".to_owned(), until.map(at));
        story
    };
    blocked(IfBlocked::Skip, None, Some("2026-01-03T00:00:00Z")).begin().tells(
        "01-01 00:00 0/1 not sent offer: cap
         01-01 00:00 1 ended finished",
    );
    blocked(IfBlocked::Stop, None, None).begin().tells(
        "01-01 00:00 0/1 not sent offer: cap
         01-01 00:00 0 ended stopped offer may not be sent",
    );
    blocked(IfBlocked::Wait, None, Some("2026-01-03T00:00:00Z")).begin().until("2026-02-01T00:00:00Z").tells(
        "01-01 00:00 0 offer may not be sent yet (too many already): asks again at 2026-01-03 00:00 UTC
         01-03 00:00 0/1 send offer
         01-03 00:00 1 ended finished",
    );
    blocked(IfBlocked::Wait, Some("2 days"), Some("2026-01-09T00:00:00Z"))
        .begin()
        .until("2026-02-01T00:00:00Z")
        .tells(
            "01-01 00:00 0 offer may not be sent yet (too many already): asks again at 2026-01-03 00:00 UTC
         01-03 00:00 0/1 not sent offer: expired
         01-03 00:00 1 ended finished",
        );
    blocked(IfBlocked::Wait, None, None).begin().tells(
        "01-01 00:00 0/1 not sent offer: cap
         01-01 00:00 1 ended finished",
    );
}

#[test]
fn a_message_that_waits_is_asked_about_again_when_something_changes() {
    let ops = vec![
        send_with("offer", 1, |send| {
            send.if_blocked = IfBlocked::Wait;
            send.expires = Some(span("9 days"));
        }),
        Op::End,
    ];
    let mut story = Story::new(program(ops), "2026-01-01T00:00:00Z");
    story.world.blocked.borrow_mut().insert("offer".to_owned(), None);
    story.begin().until("2026-01-02T00:00:00Z");
    story.give(&Input::TraitChanged);
    story.world.blocked.borrow_mut().clear();
    story.give(&Input::TraitChanged);
    story.tells(
        "01-01 00:00 0 offer may not be sent yet (too many already): asks again at 2026-01-10 00:00 UTC
         01-02 00:00 0/1 send offer
         01-02 00:00 1 ended finished",
    );
}

#[test]
fn a_loop_counts_its_turns_and_the_visits_of_its_messages() {
    let ops = vec![
        Op::Loop { turns_max: 3, condition: Some(not(path("customer.paid"))), body: 1, next: 3 },
        send_with("reminder", 2, |send| send.with = vec![("turn".to_owned(), path("turn"))]),
        wait(2, 0),
        send("last_word", 4),
        Op::End,
    ];
    let mut story = Story::new(program(ops.clone()), "2026-01-01T00:00:00Z");
    story.begin().until("2026-02-01T00:00:00Z").tells(
        "01-01 00:00 0 begins turn 1 of at most 3
         01-01 00:00 1/1 send reminder turn=1
         01-01 00:00 2 waits until 2026-01-03 00:00 UTC
         01-03 00:00 0 begins turn 2 of at most 3
         01-03 00:00 1/2 send reminder turn=2
         01-03 00:00 2 waits until 2026-01-05 00:00 UTC
         01-05 00:00 0 begins turn 3 of at most 3
         01-05 00:00 1/3 send reminder turn=3
         01-05 00:00 2 waits until 2026-01-07 00:00 UTC
         01-07 00:00 0 the loop of at most 3 turns ended
         01-07 00:00 3/1 send last_word
         01-07 00:00 4 ended finished",
    );
    let mut paid = Story::new(program(ops), "2026-01-01T00:00:00Z");
    paid.begin();
    paid.world.set("paid", Value::Bool(true));
    paid.until("2026-02-01T00:00:00Z");
    assert_eq!(paid.state.context.visits, BTreeMap::from([(1, 1), (3, 1)]));
}

#[test]
fn loops_in_loops_begin_anew_on_every_outer_turn() {
    let turns = |turns_max, body, next| Op::Loop { turns_max, condition: None, body, next };
    let ops = vec![turns(2, 1, 3), turns(2, 2, 0), send("x", 1), Op::End];
    let mut story = Story::new(program(ops), "2026-01-01T00:00:00Z");
    let effects = story.give(&Input::Begin);
    let visits: Vec<u32> = effects
        .iter()
        .filter_map(|effect| if let Effect::Plan(plan) = effect { Some(plan.visit) } else { None })
        .collect();
    assert_eq!(visits, [1, 2, 3, 4]);
    assert!(!story.state.is_live() && story.state.context.turns.is_empty());
}

#[test]
fn a_program_that_goes_in_a_circle_comes_back_for_more_and_stays_responsive() {
    let circle = vec![Op::Branch { arms: vec![], otherwise: 0 }];
    let mut story = Story::new(program(circle), "2026-01-01T00:00:00Z");
    story.give(&Input::Begin);
    assert_eq!((story.state.at.waiting, story.state.at.due_at), (false, Some(story.now)));
    story.give(&Input::Due);
    story.give(&Input::End { how: Ending::Stopped, reason: "by the operator" });
    assert!(!story.state.is_live());
}

#[test]
fn a_call_is_answered_fails_or_runs_out_of_time_and_a_stale_answer_changes_nothing() {
    let ops = || {
        vec![
            Op::Call {
                call: "stats".to_owned(),
                with: vec![("shop".to_owned(), lit(7))],
                up_to: span("1 hour"),
                bind: Some("stats".to_owned()),
                then: 1,
                otherwise: 2,
            },
            send_with("summary", 2, |send| send.with = vec![("visits".to_owned(), path("stats.visits"))]),
            Op::End,
        ]
    };
    let answer = BTreeMap::from([("visits".to_owned(), Value::Int(12))]);
    let mut story = Story::new(program(ops()), "2026-01-01T00:00:00Z");
    story.begin();
    story.give(&Input::CallAnswered { step: "0", visit: 2, answer: &answer });
    story.give(&Input::CallAnswered { step: "0", visit: 1, answer: &answer });
    story.give(&Input::CallAnswered { step: "0", visit: 1, answer: &answer });
    story.tells(
        "01-01 00:00 0/1 call stats until 01-01 01:00
         01-01 00:00 0 stats answered
         01-01 00:00 1/1 send summary visits=12
         01-01 00:00 2 ended finished",
    );
    let mut failed = Story::new(program(ops()), "2026-01-01T00:00:00Z");
    failed.begin().give(&Input::CallFailed { step: "0", visit: 1, reason: "404" });
    let mut silent = Story::new(program(ops()), "2026-01-01T00:00:00Z");
    silent.begin().until("2026-01-02T00:00:00Z").tells(
        "01-01 00:00 0/1 call stats until 01-01 01:00
         01-01 01:00 0 stats did not answer: no answer in time
         01-01 01:00 2 ended finished",
    );
    assert!(!failed.state.is_live());
}

#[test]
fn later_steps_see_what_set_has_set() {
    let ops = vec![
        Op::Set { values: vec![("plan".to_owned(), lit("gold"))], next: 1 },
        Op::Branch { arms: vec![(op(path("customer.plan"), "==", lit("gold")), 2)], otherwise: 3 },
        Op::Emit { event: "turned_gold".to_owned(), properties: vec![], next: 3 },
        Op::Enroll { journey: "gold".to_owned(), with: vec![], next: 4 },
        Op::End,
    ];
    Story::new(program(ops), "2026-01-01T00:00:00Z").begin().tells(
        "01-01 00:00 0 set [(\"plan\", Text(\"gold\"))]
         01-01 00:00 1 took way 1 because customer.plan = \"gold\"
         01-01 00:00 2/1 emit turned_gold
         01-01 00:00 3/1 enroll gold
         01-01 00:00 4 ended finished",
    );
}

#[test]
fn a_goal_may_end_it_and_so_may_a_segment_and_a_merge() {
    let ops = || vec![wait(9, 1), Op::End];
    let mut goal = Story::new(program(ops()), "2026-01-01T00:00:00Z");
    goal.program.goal = Some(Goal { event: on("bought"), within: None, stop: true, revenue: None });
    goal.begin().event("bought", &[]);
    assert_eq!(goal.state.at.status, Status::Ended(Ending::Goal));

    let mut left = Story::new(program(ops()), "2026-01-01T00:00:00Z");
    left.program.stop_segments = vec![SegmentRef { segment: "silent".to_owned(), joined: false }];
    left.begin().give(&Input::SegmentChanged { segment: "silent", joined: true });
    assert!(left.state.is_live());
    left.give(&Input::SegmentChanged { segment: "silent", joined: false });
    assert_eq!(left.state.at.status, Status::Ended(Ending::Stopped));

    let mut merged = Story::new(program(ops()), "2026-01-01T00:00:00Z");
    merged.begin().give(&Input::End { how: Ending::Merged, reason: "cus_b" });
    merged.until("2026-02-01T00:00:00Z").tells(
        "01-01 00:00 0 waits until 2026-01-10 00:00 UTC
         01-01 00:00 0 ended merged cus_b",
    );
}

#[test]
fn beginning_twice_and_waking_too_early_change_nothing() {
    let mut story = Story::new(program(vec![wait(1, 1), send("x", 2), Op::End]), "2026-01-01T00:00:00Z");
    story.begin();
    let state = story.state.clone();
    story.begin();
    story.give(&Input::Due);
    assert_eq!(story.state, state);
}

#[test]
fn an_enrollment_spread_over_days_can_be_stopped_before_it_begins() {
    let mut story = Story::new(program(vec![send("x", 1), Op::End]), "2026-01-01T00:00:00Z");
    story.program.stop_if = vec![on("order_placed")];
    story.state.at.due_at = Some(at("2026-01-05T00:00:00Z"));
    story.until("2026-01-03T00:00:00Z").event("order_placed", &[]).until("2026-02-01T00:00:00Z");
    story.tells("01-03 00:00 0 ended stopped order_placed");
}
