#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use crate::Outcome;
use proptest::prelude::*;
use std::time::Duration;

const LEASE: Elapsed = Elapsed::from_secs(120);

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(1_790_000_000 + secs)
}

fn instant(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn tokyo() -> Zone {
    Zone::parse("Asia/Tokyo").unwrap()
}

fn rate(per_1000_seconds: u64) -> Pace {
    Pace { rate: Rate::per_1000_seconds(per_1000_seconds), ..Pace::default() }
}

fn ramp(days: Days) -> Pace {
    let start = Date::constant(2026, 12, 1);
    Pace { ramp: Some(Ramp { start, days }), ..Pace::default() }
}

fn fails() -> Said {
    Outcome::Unavailable { answer: "connection refused".to_owned() }.said()
}

fn throttled(secs: u64) -> Said {
    Outcome::Throttled { after: Duration::from_secs(secs), answer: "429".to_owned() }.said()
}

proptest! {
    /// Whenever it is asked, however many are wanted and whatever is given back.
    #[test]
    fn no_stretch_of_time_lets_more_through_than_the_limit_and_one_batch(
        per_1000_seconds in 50_u64..2_000_000,
        asks in prop::collection::vec((0_i64..400_000, 1_u64..300, 0_u64..300), 1..120),
    ) {
        let pace = rate(per_1000_seconds);
        let limit = pace.rate.unwrap();
        let (mut standing, mut now, mut through) = (Standing::default(), at(0), Vec::new());
        for (later, wanted, back) in asks {
            now = now.plus(Elapsed::from_micros(later));
            let Room::Now(room) = standing.room(&pace, &tokyo(), now) else { continue };
            let take = wanted.min(room);
            let taken = standing.take(&pace, &tokyo(), now, take, LEASE);
            let back = back.min(take);
            standing.give_back(&taken, back);
            through.push((now, take - back));
        }
        for (first, (from, _)) in through.iter().enumerate() {
            let mut sum = 0_u64;
            for (to, messages) in &through[first..] {
                sum += messages;
                let long = u128::try_from(to.since(*from).as_micros()).unwrap();
                let bound = u128::from(limit.in_1000_seconds()) * long / 1_000_000_000
                    + u128::from(limit.batch());
                prop_assert!(u128::from(sum) <= bound, "{sum} in {long} µs, {bound} allowed");
            }
        }
    }

    /// What waits goes as fast as it may.
    #[test]
    fn a_backlog_takes_as_long_as_the_limit_says(per_second in 1_u64..2000) {
        let pace = rate(per_second * 1000);
        let (mut standing, mut now, mut through) = (Standing::default(), at(0), 0);
        while through < per_second * 20 {
            match standing.room(&pace, &tokyo(), now) {
                Room::Now(room) => {
                    standing.take(&pace, &tokyo(), now, room, LEASE);
                    through += room;
                }
                Room::At(then) => now = then,
            }
        }
        let took = now.since(at(0)).as_micros();
        prop_assert!((19_900_000..20_100_000).contains(&(took + pace.rate.unwrap().cost(1).as_micros())) || per_second < 10, "{took}");
    }

    /// Whatever is heard in whatever order: a pause ends, it is never longer than it may be, and while it lasts one message
    /// at a time goes out.
    #[test]
    fn a_pause_has_an_end_and_lets_one_through(said in prop::collection::vec((0_u8..5, 0_i64..40), 1..200)) {
        let pace = Pace { breaker: Some(Breaker::default()), ..Pace::default() };
        let breaker = Breaker::default();
        let (mut standing, mut now) = (Standing::default(), at(0));
        for (what, later) in said {
            now = now.plus(Elapsed::from_secs(later));
            match what {
                0 => drop(standing.hear(&breaker, &Said::Answers, now)),
                1 => drop(standing.hear(&breaker, &fails(), now)),
                2 => drop(standing.hear(&breaker, &throttled(3600), now)),
                3 => drop(standing.hear(&breaker, &Said::Nothing, now)),
                _ => match standing.room(&pace, &tokyo(), now) {
                    Room::Now(room) => {
                        prop_assert_eq!(room == 1, standing.pause.is_some());
                        standing.take(&pace, &tokyo(), now, 1, LEASE);
                        if standing.pause.is_some() {
                            prop_assert!(matches!(standing.room(&pace, &tokyo(), now), Room::At(_)));
                        }
                    }
                    Room::At(then) => prop_assert!(then.since(now) <= Elapsed::from_hours(1)),
                },
            }
        }
        prop_assert!(matches!(standing.room(&pace, &tokyo(), now.plus(Elapsed::from_hours(1))), Room::Now(_)));
    }
}

#[test]
fn one_a_second_is_one_a_second() {
    let pace = rate(1000);
    let mut standing = Standing::default();
    assert_eq!(standing.room(&pace, &tokyo(), at(0)), Room::Now(1));
    standing.take(&pace, &tokyo(), at(0), 1, LEASE);
    assert_eq!(standing.room(&pace, &tokyo(), at(0)), Room::At(at(1)));
    assert_eq!(standing.room(&pace, &tokyo(), at(60)), Room::Now(1), "nothing is saved up");
    assert_eq!(rate(200).rate.unwrap().to_string(), "0.2");
    assert_eq!(rate(14_000).rate.unwrap().to_string(), "14");
}

#[test]
fn a_warm_up_counts_days_of_the_project_and_ends() {
    let pace = ramp(Days::Listed(vec![2, 3]));
    let mut standing = Standing::default();
    // Midnight in Tokyo is 15:00 in UTC; days before it began are like its first.
    let (before, first) = (instant("2026-11-20T10:00:00Z"), instant("2026-11-30T15:00:00Z"));
    assert_eq!(standing.room(&pace, &tokyo(), before), Room::Now(2));
    assert_eq!(standing.room(&pace, &tokyo(), first), Room::Now(2));
    let taken = standing.take(&pace, &tokyo(), first, 2, LEASE);
    let midnight = instant("2026-12-01T15:00:00Z");
    assert_eq!(standing.room(&pace, &tokyo(), first), Room::At(midnight));
    assert_eq!(standing.wait(first), Some(Wait::Ramp { allowed: 2, ends: midnight }));
    standing.give_back(&taken, 1);
    assert_eq!(
        standing.room(&pace, &tokyo(), first),
        Room::Now(1),
        "what was not handed over is not counted"
    );
    assert_eq!(standing.room(&pace, &tokyo(), midnight), Room::Now(3));
    standing.take(&pace, &tokyo(), midnight, 3, LEASE);
    // A node whose clock is behind does not begin the day before once more.
    assert_eq!(standing.room(&pace, &tokyo(), first), Room::At(midnight));
    assert_eq!(standing.room(&pace, &tokyo(), instant("2026-12-02T15:00:00Z")), Room::Now(BATCH_MAX));
}

#[test]
fn a_warm_up_grows_until_the_limit_is_less() {
    let growing =
        Ramp { start: Date::constant(2026, 12, 1), days: Days::Growing { first: 200, growth: 1500 } };
    let day = |n: i64| day_number(Date::constant(2026, 12, 1)) + n;
    assert_eq!([0, 1, 2, 3].map(|n| growing.on(day(n)).unwrap()), [200, 300, 450, 675]);
    assert_eq!(growing.on(day(100_000)), None, "past every number it is over");
    let small = Ramp { days: Days::Growing { first: 1, growth: 1100 }, ..growing.clone() };
    assert_eq!([0, 1, 2].map(|n| small.on(day(n)).unwrap()), [1, 2, 3]);
    let flat = Ramp { days: Days::Growing { first: 50, growth: 1000 }, ..growing.clone() };
    assert_eq!(flat.on(day(5000)), Some(50));
    // 0.003 a second are 259 a day.
    let pace = Pace { rate: Rate::per_1000_seconds(3), ramp: Some(growing), breaker: None };
    let mut standing = Standing::default();
    let first = instant("2026-12-01T03:00:00Z");
    standing.take(&pace, &tokyo(), first, 1, LEASE);
    assert_eq!(standing.used, 1);
    let second = first.plus(Elapsed::from_days(1));
    standing.take(&pace, &tokyo(), second, 1, LEASE);
    assert_eq!((standing.used, standing.today), (1, None), "the limit is less than the second day's 300");
}

#[test]
fn a_provider_that_fails_in_a_row_is_left_alone_and_tried_with_one() {
    let breaker = Breaker::default();
    let pace = Pace { breaker: Some(breaker), ..Pace::default() };
    let mut standing = Standing::default();
    for _ in 0..4 {
        assert_eq!(standing.hear(&breaker, &fails(), at(0)), None);
    }
    assert_eq!(standing.hear(&breaker, &Said::Answers, at(0)), None, "not in a row");
    for _ in 0..4 {
        standing.hear(&breaker, &fails(), at(0));
    }
    assert_eq!(standing.hear(&breaker, &fails(), at(0)), Some(Change::Paused));
    assert_eq!(standing.hear(&breaker, &fails(), at(1)), None, "one that was under way");
    let (mut now, mut pauses) = (at(0), Vec::new());
    for _ in 0..9 {
        let Room::At(then) = standing.room(&pace, &tokyo(), now) else { panic!("it is left alone") };
        pauses.push(then.since(now).as_micros() / 1_000_000);
        assert_eq!(standing.room(&pace, &tokyo(), then), Room::Now(1));
        standing.take(&pace, &tokyo(), then, 1, LEASE);
        assert_eq!(standing.room(&pace, &tokyo(), then), Room::At(then.plus(LEASE)), "one at a time");
        now = then;
        assert_eq!(standing.hear(&breaker, &fails(), now), Some(Change::PausedAgain));
    }
    assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 300, 300, 300]);
    standing.take(&pace, &tokyo(), now, 1, LEASE);
    assert_eq!(standing.hear(&breaker, &Said::Answers, now), Some(Change::Resumed));
    assert_eq!(standing.room(&pace, &tokyo(), now), Room::Now(BATCH_MAX));
}

#[test]
fn a_time_that_the_provider_names_is_kept_whatever_was_under_way() {
    let breaker = Breaker::default();
    let pace = Pace { breaker: Some(breaker), ..Pace::default() };
    let mut standing = Standing::default();
    assert_eq!(standing.hear(&breaker, &throttled(30), at(0)), Some(Change::Paused));
    assert_eq!(standing.hear(&breaker, &Said::Answers, at(1)), None, "it was under way");
    assert_eq!(standing.hear(&breaker, &throttled(60), at(2)), None);
    assert_eq!(standing.room(&pace, &tokyo(), at(61)), Room::At(at(62)));
    let taken = standing.take(&pace, &tokyo(), at(62), 1, LEASE);
    standing.give_back(&taken, 1);
    assert_eq!(standing.room(&pace, &tokyo(), at(62)), Room::Now(1), "it was not tried");
    standing.take(&pace, &tokyo(), at(62), 1, LEASE);
    assert_eq!(standing.hear(&breaker, &Said::Nothing, at(63)), None);
    assert_eq!(standing.room(&pace, &tokyo(), at(63)), Room::At(at(68)), "nobody knows: tried again");
    standing.take(&pace, &tokyo(), at(68), 1, LEASE);
    assert_eq!(standing.hear(&breaker, &Said::Answers, at(68)), Some(Change::Resumed));
}

#[test]
fn what_waits_is_told_in_both_languages() {
    let mut standing = Standing::default();
    standing.hear(&Breaker::default(), &throttled(30), at(0));
    let told = standing.wait(at(1)).unwrap().words();
    assert!(told.en.contains("429") && told.en.contains("2026-09-21"), "{told:?}");
    assert!(told.ja.contains("429"), "{told:?}");
    let text = serde_json::to_string(&standing).unwrap();
    assert_eq!(serde_json::from_str::<Standing>(&text).unwrap(), standing);
}
