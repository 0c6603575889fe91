//! Programs of every shape that the compiler can make, and histories that nobody wrote.

use crate::testing::*;
use crate::{Effect, Ending, Input, State, Transition, advance};
use journey::program::{OncePer, WaitUntil};
use journey::{Between, Days, Duration, Goal, IfBlocked, Op, Pc, Program};
use proptest::prelude::*;
use std::collections::BTreeMap;
use words::{Elapsed, Event, Timestamp, Value};

/// A step as the language nests them.
#[derive(Debug, Clone)]
enum Step {
    Send(IfBlocked, Option<i64>),
    Wait(WaitUntil, bool),
    WaitFor(u8, i64, bool),
    If(Vec<Step>, Vec<Step>),
    Repeat(u32, Vec<Step>),
    Experiment(Vec<Step>, Vec<Step>),
    Set,
    Call,
    Stop,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let until = prop_oneof![
        (-3..10i32, any::<bool>()).prop_map(|(days, since_start)| WaitUntil::After {
            duration: Duration::CalendarDays(days),
            since_start
        }),
        (0..200i64).prop_map(|hours| WaitUntil::After {
            duration: Duration::Elapsed(Elapsed::from_hours(hours)),
            since_start: false
        }),
        (-5..5i32, proptest::option::of(0..1500u16)).prop_map(|(days, at_minute)| WaitUntil::At {
            date: path("customer.date"),
            offset: Duration::CalendarDays(days),
            at_minute
        }),
        Just(WaitUntil::Window),
    ];
    let blocked = proptest::sample::select(vec![IfBlocked::Skip, IfBlocked::Wait, IfBlocked::Stop]);
    let leaf = prop_oneof![
        (blocked, proptest::option::of(1..100i64)).prop_map(|(b, e)| Step::Send(b, e)),
        (until, any::<bool>()).prop_map(|(until, window)| Step::Wait(until, window)),
        (0..3u8, 0..200i64, any::<bool>()).prop_map(|(e, h, s)| Step::WaitFor(e, h, s)),
        Just(Step::Set),
        Just(Step::Call),
        Just(Step::Stop),
    ];
    let step = leaf.prop_recursive(3, 20, 4, |inner| {
        let many = || proptest::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            (many(), many()).prop_map(|(a, b)| Step::If(a, b)),
            (0..4u32, many()).prop_map(|(turns, body)| Step::Repeat(turns, body)),
            (many(), many()).prop_map(|(a, b)| Step::Experiment(a, b)),
        ]
    });
    proptest::collection::vec(step, 0..6)
}

/// Lowers steps as the compiler does: in order, each leading to the next.
fn lower(steps: &[Step], ops: &mut Vec<Op>, after: Option<Pc>) {
    let here = |ops: &Vec<Op>| Pc::try_from(ops.len()).unwrap();
    for step in steps {
        match step {
            Step::Send(if_blocked, expires) => {
                let next = here(ops) + 1;
                ops.push(send_with(&format!("m{next}"), next, |send| {
                    send.if_blocked = *if_blocked;
                    send.expires = expires.map(Elapsed::from_hours);
                }));
            }
            Step::Wait(until, window) => {
                let wait = journey::Wait {
                    until: until.clone(),
                    between: window.then_some(Between { from_minute: 1260, to_minute: 480 }),
                    on: window.then_some(Days::Business),
                };
                ops.push(Op::Wait { wait: Box::new(wait), next: here(ops) + 1 });
            }
            Step::WaitFor(event, hours, since_start) => {
                let next = here(ops) + 1;
                ops.push(Op::WaitFor {
                    events: vec![on(&format!("e{event}"))],
                    up_to: Some(Duration::Elapsed(Elapsed::from_hours(*hours))),
                    since_start: *since_start,
                    bind: Some("got".to_owned()),
                    then: next,
                    otherwise: next,
                });
            }
            Step::If(then, otherwise) => {
                let branch = ops.len();
                ops.push(Op::End);
                lower(then, ops, None);
                // The end of `then` jumps over the rest: an `if` that is never true goes on there.
                let jump = ops.len();
                ops.push(Op::End);
                let second = here(ops);
                lower(otherwise, ops, None);
                ops[jump] = Op::Branch { arms: vec![], otherwise: here(ops) };
                let condition = op(path("customer.n"), ">", lit(0));
                ops[branch] = Op::Branch {
                    arms: vec![(condition, Pc::try_from(branch).unwrap() + 1)],
                    otherwise: second,
                };
            }
            Step::Repeat(turns_max, body) => {
                let head = here(ops);
                ops.push(Op::End);
                lower(body, ops, Some(head));
                let next = here(ops);
                ops[head as usize] =
                    Op::Loop { turns_max: *turns_max, condition: None, body: head + 1, next };
            }
            Step::Experiment(a, b) => {
                let head = ops.len();
                ops.push(Op::End);
                lower(a, ops, None);
                let jump = ops.len();
                ops.push(Op::End);
                let second = here(ops);
                lower(b, ops, None);
                ops[jump] = Op::Branch { arms: vec![], otherwise: here(ops) };
                ops[head] = Op::Experiment {
                    name: format!("x{head}"),
                    arms: vec![
                        ("a".to_owned(), 5000, Pc::try_from(head).unwrap() + 1),
                        ("b".to_owned(), 5000, second),
                    ],
                };
            }
            Step::Set => {
                let value = op(path("customer.n"), "-", lit(1));
                ops.push(Op::Set { values: vec![("n".to_owned(), value)], next: here(ops) + 1 });
            }
            Step::Call => {
                let next = here(ops) + 1;
                ops.push(Op::Call {
                    call: "c".to_owned(),
                    with: vec![],
                    up_to: Elapsed::from_hours(3),
                    bind: None,
                    then: next,
                    otherwise: next,
                });
            }
            Step::Stop => {
                let condition = op(path("customer.n"), "==", lit(5));
                let pc = here(ops);
                ops.push(Op::Branch { arms: vec![(condition, pc + 1)], otherwise: pc + 2 });
                ops.push(Op::Stop { reason: "five".to_owned() });
            }
        }
    }
    if let Some(back) = after {
        ops.push(Op::Branch { arms: vec![], otherwise: back });
    }
}

fn programs() -> impl Strategy<Value = Program> {
    (steps(), any::<bool>(), any::<bool>()).prop_map(|(steps, keyed, stop)| {
        let mut ops = Vec::new();
        lower(&steps, &mut ops, None);
        ops.push(Op::End);
        let mut program = program(ops);
        program.once_per = keyed.then(|| OncePer { property: "k".to_owned() });
        program.goal =
            Some(Goal { event: on("e2"), within: Some(span("9 days")), stop, revenue: Some("k".to_owned()) });
        program.stop_if = vec![on("e9")];
        program
    })
}

/// Something happens, so many hours later.
#[derive(Debug, Clone)]
enum Happens {
    Due,
    Event(u8, bool, i64),
    Changed(i64),
    Answered,
    Failed,
    Left,
}

fn happenings() -> impl Strategy<Value = Vec<(i64, Happens)>> {
    let one = prop_oneof![
        6 => Just(Happens::Due),
        4 => (0..4u8, any::<bool>(), -50..5i64).prop_map(|(e, k, ago)| Happens::Event(e, k, ago)),
        1 => Just(Happens::Event(9, true, 0)),
        2 => (-20..20i64).prop_map(Happens::Changed),
        2 => Just(Happens::Answered),
        1 => Just(Happens::Failed),
        1 => Just(Happens::Left),
    ];
    proptest::collection::vec((-2..60i64, one), 0..40)
}

fn give(program: &Program, world: &World, state: &State, what: &Happens, now: Timestamp) -> Transition {
    let answer = BTreeMap::new();
    let step = state.at.pc.to_string();
    let visit = state.context.visits.get(&state.at.pc).copied().unwrap_or(1);
    let told: Event;
    let input = match what {
        Happens::Due => Input::Due,
        Happens::Event(name, agrees, ago) => {
            let key = text(if *agrees { "K" } else { "other" });
            let when = now.plus(Elapsed::from_hours(*ago));
            told = event(&format!("e{name}"), when, &[("k", key)]);
            Input::Event(&told)
        }
        Happens::Changed(_) => Input::TraitChanged,
        Happens::Answered => Input::CallAnswered { step: &step, visit, answer: &answer },
        Happens::Failed => Input::CallFailed { step: &step, visit, reason: "no" },
        Happens::Left => Input::SegmentChanged { segment: "s", joined: false },
    };
    advance(program, state, &input, world, now)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_it_goes_forward_and_ends_once(program in programs(), history in happenings()) {
        let mut world = World::new();
        world.key = "K".to_owned();
        world.set("n", Value::Int(6));
        world.set("date", Value::Time(day(10)));
        world.blocked.borrow_mut().insert("m1".to_owned(), Some(day(4)));
        world.blocked.borrow_mut().insert("m2".to_owned(), None);
        let mut now = day(0);
        let mut state = State::new(now, now);
        let (mut ended, mut goals) = (0, 0);
        let mut planned = std::collections::BTreeSet::new();
        let begin = advance(&program, &state, &Input::Begin, &world, now);
        let mut transition = begin;
        for (hours, what) in history {
            // What a transition promises.
            let kept = transition.due == state.at.due_at;
            prop_assert!(kept || transition.due.is_none_or(|due| due >= now));
            prop_assert_eq!(transition.due, transition.state.at.due_at);
            prop_assert!(transition.state.at.arrived_at >= state.at.arrived_at);
            prop_assert!(state.is_live() || transition.state.at == state.at);
            prop_assert!(transition.state.is_live() || transition.due.is_none());
            prop_assert!(
                !transition.state.is_live() || transition.due.is_some(),
                "every wait here has an end"
            );
            for effect in &transition.effects {
                match effect {
                    Effect::Ended { .. } => ended += 1,
                    Effect::Goal { .. } => goals += 1,
                    Effect::Plan(plan) => {
                        prop_assert!(planned.insert((plan.step.clone(), plan.visit)), "planned twice");
                        prop_assert!(plan.expires_at.is_none_or(|at| at >= state.at.arrived_at));
                    }
                    _ => {}
                }
                let goal = matches!(effect, Effect::Goal { .. });
                prop_assert!(state.is_live() || goal);
            }
            prop_assert_eq!(ended, u32::from(!transition.state.is_live()));
            prop_assert!(goals <= 1);
            let stored = serde_json::to_vec(&transition.state).unwrap();
            state = serde_json::from_slice(&stored).unwrap();
            prop_assert_eq!(&state, &transition.state);
            // The clock may stumble back a little; the enrollment does not.
            now = now.plus(Elapsed::from_hours(hours)).max(day(0));
            if let Happens::Changed(days) = what {
                world.set("date", Value::Time(day(days)));
            }
            let again = give(&program, &world, &state, &what, now);
            transition = give(&program, &world, &state, &what, now);
            prop_assert_eq!(&again, &transition, "the same twice");
            now = now.max(transition.state.at.arrived_at);
        }
    }

    #[test]
    fn left_alone_every_program_comes_to_an_end(program in programs()) {
        let mut world = World::new();
        world.set("n", Value::Int(6));
        let mut now = day(0);
        let mut state = advance(&program, &State::new(now, now), &Input::Begin, &world, now).state;
        for _ in 0..2000 {
            let Some(due) = state.at.due_at else { break };
            now = due;
            state = advance(&program, &state, &Input::Due, &world, now).state;
        }
        prop_assert!(!state.is_live());
    }

    #[test]
    fn an_end_from_outside_is_an_end(program in programs(), merged in any::<bool>()) {
        let world = World::new();
        let state = advance(&program, &State::new(day(0), day(0)), &Input::Begin, &world, day(0)).state;
        let how = if merged { Ending::Merged } else { Ending::Superseded };
        let end = advance(&program, &state, &Input::End { how, reason: "" }, &world, day(1)).state;
        prop_assert!(!end.is_live() && end.at.due_at.is_none());
    }
}
