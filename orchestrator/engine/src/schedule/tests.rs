#![allow(clippy::unwrap_used)]
use super::*;
use crate::testing::{at, customer, program, zone};

fn schedule(cron: &str, own: Option<&str>) -> Program {
    let start = Start::Schedule { cron: cron.to_owned(), zone: own.map(zone), to: None };
    Program { start, ..program(vec![]) }
}

fn ticks(program: &Program, place: &str, after: &str, count: usize) -> Vec<String> {
    let mut now = at(after);
    let mut all = Vec::new();
    while let Some(next) = next_tick(program, now, &zone(place)).filter(|_| all.len() < count) {
        assert!(next > now);
        all.push(next.to_string());
        now = next;
    }
    all
}

#[test]
fn a_schedule_ticks_in_its_zone_or_the_recipients() {
    let mondays = "0 8 * * 1";
    assert_eq!(
        ticks(&schedule(mondays, None), "Asia/Tokyo", "2026-01-01T00:00:00Z", 2),
        ["2026-01-04T23:00:00Z", "2026-01-11T23:00:00Z"]
    );
    assert_eq!(
        ticks(&schedule(mondays, Some("Europe/Berlin")), "Asia/Tokyo", "2026-03-23T12:00:00Z", 1),
        ["2026-03-30T06:00:00Z"]
    );
}

#[test]
fn a_local_time_that_is_skipped_ticks_after_the_gap_and_one_that_comes_twice_ticks_once() {
    let nightly = schedule("30 2 * * *", None);
    assert_eq!(
        ticks(&nightly, "Europe/Berlin", "2026-03-28T12:00:00Z", 2),
        ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
    );
    assert_eq!(
        ticks(&nightly, "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
        ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]
    );
    let often = ticks(&schedule("*/15 * * * *", None), "Europe/Berlin", "2026-10-24T23:50:00Z", 5);
    assert_eq!(often.last().map(String::as_str), Some("2026-10-25T02:00:00Z"));
}

#[test]
fn a_schedule_that_never_comes_or_cannot_be_read_has_no_tick() {
    assert!(ticks(&schedule("0 0 30 2 *", None), "UTC", "2026-01-01T00:00:00Z", 1).is_empty());
    assert!(ticks(&schedule("nonsense", None), "UTC", "2026-01-01T00:00:00Z", 1).is_empty());
}

#[track_caller]
fn check_date(date: &str, offset_days: i32, yearly: bool, after: &str, expected: Option<&str>) {
    let start =
        Start::Date { field: "birthday".to_owned(), offset_days, at_minute: 9 * 60, yearly, to: None };
    let program = Program { start, ..program(vec![]) };
    let mut person = customer();
    person.traits.insert("birthday".to_owned(), Value::Date(date.parse().unwrap()));
    let found = next_due(&program, &person, &zone("Asia/Tokyo"), at(after));
    assert_eq!(found, expected.map(at), "{date} {offset_days}");
}

#[test]
fn birthdays_come_round_every_year_and_the_29th_of_february_on_the_28th() {
    check_date("1990-05-04", 0, true, "2026-01-01T00:00:00Z", Some("2026-05-04T00:00:00Z"));
    check_date("1990-05-04", 0, true, "2026-05-04T00:00:00Z", Some("2027-05-04T00:00:00Z"));
    check_date("1992-02-29", 0, true, "2026-01-01T00:00:00Z", Some("2026-02-28T00:00:00Z"));
    check_date("1992-02-29", 0, true, "2028-01-01T00:00:00Z", Some("2028-02-29T00:00:00Z"));
    check_date("1992-02-29", 1, true, "2026-01-01T00:00:00Z", Some("2026-03-01T00:00:00Z"));
    check_date("1990-01-03", -7, true, "2026-01-01T00:00:00Z", Some("2026-12-27T00:00:00Z"));
    check_date("1990-12-30", 5, true, "2026-01-01T00:00:00Z", Some("2026-01-04T00:00:00Z"));
    check_date("2030-05-04", 0, true, "2026-01-01T00:00:00Z", Some("2030-05-04T00:00:00Z"));
    check_date("2026-05-04", -30, false, "2026-01-01T00:00:00Z", Some("2026-04-04T00:00:00Z"));
    check_date("2026-05-04", -30, false, "2026-04-04T00:00:00Z", None);
}

#[test]
fn a_broadcast_goes_out_at_the_local_time_of_its_zone_or_of_each_recipient() {
    let broadcast = |own: Option<&str>| Program {
        start: Start::Broadcast {
            at: "2026-12-01T09:00".to_owned(),
            zone: own.map(zone),
            to: "all".to_owned(),
        },
        ..program(vec![])
    };
    assert_eq!(broadcast_at(&broadcast(None), &zone("Asia/Tokyo")), Some(at("2026-12-01T00:00:00Z")));
    assert_eq!(broadcast_at(&broadcast(None), &zone("America/New_York")), Some(at("2026-12-01T14:00:00Z")));
    assert_eq!(
        broadcast_at(&broadcast(Some("Asia/Tokyo")), &zone("America/New_York")),
        Some(at("2026-12-01T00:00:00Z"))
    );
    let sent = next_due(&broadcast(None), &customer(), &zone("Asia/Tokyo"), at("2026-12-01T00:00:00Z"));
    assert_eq!(sent, None);
}
