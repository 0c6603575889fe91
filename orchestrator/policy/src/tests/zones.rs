//! Windows and skipped or repeated hours, over every change of offset from 2020 to 2035 in twenty zones.

use super::*;
use words::calendar::{
    ClockTime, add_calendar_days, allowed_until, at_local_time, is_allowed, local_clock, local_date,
    next_allowed,
};

const ZONES: [&str; 20] = [
    "Europe/Berlin",
    "Europe/London",
    "Europe/Lisbon",
    "Europe/Chisinau",
    "Atlantic/Azores",
    "America/New_York",
    "America/Los_Angeles",
    "America/St_Johns",
    "America/Havana",
    "America/Santiago",
    "America/Asuncion",
    "America/Nuuk",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Apia",
    "Africa/Casablanca",
    "Asia/Beirut",
    "Asia/Tehran",
];

fn changes(zone: &Zone) -> Vec<Timestamp> {
    let from = at("2020-01-01T00:00:00Z");
    let to = at("2036-01-01T00:00:00Z");
    zone.to_jiff()
        .following(from.to_jiff())
        .map(|change| Timestamp::from_jiff(change.timestamp()))
        .take_while(|change| *change < to)
        .collect()
}

#[test]
fn every_time_of_a_day_with_a_change_happens_exactly_once_and_in_order() {
    let mut days = 0;
    for name in ZONES {
        let zone = Zone::parse(name).unwrap();
        for change in changes(&zone) {
            days += 1;
            let date = local_date(&zone, change);
            let mut last = at_local_time(&zone, date.yesterday().unwrap(), ClockTime::MIDNIGHT);
            for day in [date.yesterday().unwrap(), date] {
                for minute in (0..1440_u16).step_by(15) {
                    let time = ClockTime::new(minute / 60, minute % 60).unwrap();
                    let instant = at_local_time(&zone, day, time);
                    let reading = local_clock(&zone, instant);
                    let exact = reading.date() == day
                        && reading.hour() as u16 * 60 + reading.minute() as u16 == minute;
                    // A time that does not exist is the first instant after the gap: the change itself.
                    assert!(exact || instant == change, "{name} {day} {time}: {instant}");
                    assert!(instant >= last, "{name} {day} {time} goes back");
                    // A repeated time is the first of the two.
                    let hour_before = instant.minus(Elapsed::from_hours(1));
                    assert!(local_clock(&zone, hour_before) != reading, "{name} {day} {time} is the second");
                    last = instant;
                }
            }
        }
    }
    assert!(days > 400, "{days}");
}

#[test]
fn daily_at_half_past_two_happens_once_a_day_through_every_change() {
    for name in ZONES {
        let zone = Zone::parse(name).unwrap();
        for change in changes(&zone) {
            let mut date = local_date(&zone, change).yesterday().unwrap();
            let mut instant = at_local_time(&zone, date, ClockTime::parse("02:30").unwrap());
            for _ in 0..3 {
                date = date.tomorrow().unwrap();
                let next = at_local_time(&zone, date, ClockTime::parse("02:30").unwrap());
                let hours = next.since(instant).as_micros() / 60_000_000;
                assert!((22 * 60..=26 * 60).contains(&hours), "{name} {date}: {hours} min");
                assert_eq!(local_date(&zone, next), date, "{name}");
                instant = next;
            }
        }
    }
}

#[test]
fn a_window_is_open_when_it_says_and_opens_at_the_first_moment_it_can() {
    let windows = ["08:00-21:00", "02:00-03:00", "02:30-02:45", "21:00-02:30", "01:30-02:00", "00:00-24:00"];
    for name in ZONES {
        let zone = Zone::parse(name).unwrap();
        for change in changes(&zone).into_iter().step_by(5) {
            for text in windows {
                let window = Window::parse(text).unwrap();
                for quarter in -8..8_i64 {
                    let asked = change.plus(Elapsed::from_minutes(quarter * 15 + 1));
                    let open = next_allowed(&window, &zone, asked).unwrap();
                    assert!(open >= asked && is_allowed(&window, &zone, open), "{name} {text} {asked}");
                    // Nothing earlier would do.
                    let mut before = asked;
                    while before < open {
                        assert!(
                            !is_allowed(&window, &zone, before),
                            "{name} {text} {asked}: open at {before}"
                        );
                        before = before.plus(Elapsed::from_minutes(7));
                    }
                    if let Some(end) = allowed_until(&window, &zone, open) {
                        assert!(!is_allowed(&window, &zone, end), "{name} {text} {end}");
                        assert!(is_allowed(&window, &zone, end.minus(Elapsed::from_micros(1))));
                    }
                }
            }
        }
    }
}

#[test]
fn three_calendar_days_later_is_the_same_time_of_day() {
    for (name, from, days, expected) in [
        ("Europe/Berlin", "2026-03-27T09:00:00+01:00", 3, "2026-03-30T09:00:00+02:00"),
        ("Europe/Berlin", "2026-03-28T02:30:00+01:00", 1, "2026-03-29T03:00:00+02:00"),
        ("Europe/Berlin", "2026-10-24T02:30:00+02:00", 1, "2026-10-25T02:30:00+02:00"),
        ("Asia/Tokyo", "2028-02-28T09:00:00+09:00", 1, "2028-02-29T09:00:00+09:00"),
        ("Pacific/Apia", "2011-12-29T12:00:00-10:00", 1, "2011-12-31T00:00:00+14:00"),
        ("America/New_York", "2026-03-10T09:00:00-04:00", -3, "2026-03-07T09:00:00-05:00"),
    ] {
        let zone = Zone::parse(name).unwrap();
        assert_eq!(add_calendar_days(&zone, at(from), days), at(expected), "{name} {from}");
    }
}
