#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use crate::{Country, Timestamp, Zone};

fn zone(name: &str) -> Zone {
    Zone::parse(name).unwrap()
}

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

#[test]
fn every_zone_of_the_table_is_known_and_japan_has_one() {
    for line in include_str!("zones.txt").lines().filter(|l| !l.starts_with('#')) {
        for name in line.split(' ').skip(1) {
            assert!(Zone::parse(name).is_ok(), "{name}");
        }
    }
    assert_eq!(zones_of(Country::JP).len(), 1);
    assert!(zones_of(Country::US).len() >= 7);
    assert!(zones_of(Country::parse("ZZ").unwrap()).is_empty());
}

#[test]
fn a_skipped_time_is_the_first_valid_instant_after_it_and_a_repeated_one_the_first() {
    let time = |text: &str| ClockTime::parse(text).unwrap();
    for (name, day, clock, expected) in [
        ("Europe/Berlin", "2026-03-29", "02:30", "2026-03-29T01:00:00Z"),
        ("Europe/Berlin", "2026-10-25", "02:30", "2026-10-25T00:30:00Z"),
        ("America/New_York", "2026-03-08", "02:30", "2026-03-08T07:00:00Z"),
        ("Australia/Lord_Howe", "2026-10-04", "02:15", "2026-10-03T15:30:00Z"),
        ("Pacific/Apia", "2011-12-30", "12:00", "2011-12-30T10:00:00Z"),
        ("Asia/Tokyo", "2026-01-01", "24:00", "2026-01-01T15:00:00Z"),
    ] {
        assert_eq!(at_local_time(&zone(name), date(day), time(clock)), at(expected), "{name} {day} {clock}");
    }
}

#[test]
fn japanese_holidays_of_2026_are_those_of_the_gazette() {
    let days: Vec<String> = (1..=365)
        .map(|n| date("2025-12-31").checked_add(jiff::Span::new().days(n)).unwrap())
        .filter_map(|d| holiday(Country::JP, d).map(|h| format!("{:02}-{:02} {}", d.month(), d.day(), h.ja)))
        .collect();
    let expected = "01-01 元日,01-12 成人の日,02-11 建国記念の日,02-23 天皇誕生日,03-20 春分の日,04-29 昭和の日,\
                    05-03 憲法記念日,05-04 みどりの日,05-05 こどもの日,05-06 振替休日,07-20 海の日,08-11 山の日,\
                    09-21 敬老の日,09-22 国民の休日,09-23 秋分の日,10-12 スポーツの日,11-03 文化の日,\
                    11-23 勤労感謝の日";
    assert_eq!(days.join(","), expected);
}

#[test]
fn the_moved_days_of_the_olympic_years_and_the_substitute_after_golden_week() {
    for (day, ja) in [
        ("2020-07-23", "海の日"),
        ("2020-07-24", "スポーツの日"),
        ("2020-08-10", "山の日"),
        ("2021-08-08", "山の日"),
        ("2021-08-09", "振替休日"),
        ("2025-05-06", "振替休日"),
        ("2024-09-23", "振替休日"),
        ("2032-09-21", "国民の休日"),
        ("2099-09-23", "秋分の日"),
    ] {
        assert_eq!(holiday(Country::JP, date(day)).map(|h| h.ja), Some(ja), "{day}");
    }
    for day in ["2020-10-12", "2021-10-11", "2020-07-20", "2026-12-31"] {
        assert_eq!(holiday(Country::JP, date(day)), None, "{day}");
    }
}

#[test]
fn the_equinoxes_are_those_of_the_gazette() {
    for (year, spring, autumn) in
        [(2020, 20, 22), (2023, 21, 23), (2024, 20, 22), (2025, 20, 23), (2026, 20, 23), (2027, 21, 23)]
    {
        for (month, day, ja) in [(3, spring, "春分の日"), (9, autumn, "秋分の日")] {
            assert_eq!(holiday(Country::JP, jiff::civil::date(year, month, day)).map(|h| h.ja), Some(ja));
        }
    }
}

#[test]
fn american_holidays_are_observed_on_the_nearest_weekday() {
    for (day, en) in [
        ("2026-07-03", "Independence Day"),
        ("2026-07-04", "Independence Day"),
        ("2027-07-05", "Independence Day"),
        ("2026-11-26", "Thanksgiving Day"),
        ("2026-05-25", "Memorial Day"),
        ("2026-01-19", "Martin Luther King Jr. Day"),
        ("2027-12-31", "New Year's Day"),
        ("2026-06-19", "Juneteenth"),
    ] {
        assert_eq!(holiday(Country::US, date(day)).map(|h| h.en), Some(en), "{day}");
        assert!(!is_business_day(Country::US, date(day)));
    }
}

#[test]
fn elsewhere_weekends_alone_count_and_it_is_said_so() {
    let of = |code: &str| Country::parse(code).unwrap();
    assert!(holidays_known(Country::JP) && holidays_known(Country::US) && !holidays_known(of("DE")));
    assert!(is_business_day(of("DE"), date("2026-12-25")));
    assert!(!is_business_day(of("DE"), date("2026-12-26")));
    assert!(!is_business_day(of("SA"), date("2026-12-25")), "Friday is the weekend there");
}

#[test]
fn texts_that_are_no_time_or_window_are_refused() {
    for wrong in ["", "9", "25:00", "24:01", "9:5", "09:60", "-1:00", "09:00:00", "é:00"] {
        assert!(ClockTime::parse(wrong).is_err(), "{wrong}");
    }
    for wrong in ["", "09:00", "09:00-", "24:00-09:00", "9-17"] {
        assert!(Window::parse(wrong).is_err(), "{wrong}");
    }
    assert_eq!(Window::parse("9:00-20:00").unwrap().to_string(), "09:00-20:00");
}

#[test]
fn a_window_over_midnight_belongs_to_the_day_on_which_it_opens() {
    let window = Window::parse("22:00-02:00").unwrap().on(Days::of(&[Weekday::Friday]));
    let tokyo = zone("Asia/Tokyo");
    assert!(is_allowed(&window, &tokyo, at("2026-11-21T01:59:00+09:00")), "Saturday, opened on Friday");
    assert!(!is_allowed(&window, &tokyo, at("2026-11-20T01:00:00+09:00")), "Friday, opened on Thursday");
    assert_eq!(
        next_allowed(&window, &tokyo, at("2026-11-21T02:00:00+09:00")),
        Some(at("2026-11-27T22:00:00+09:00"))
    );
    let never = Window::ALWAYS.on(Days::Weekdays(0));
    assert_eq!(next_allowed(&never, &tokyo, at("2026-11-21T02:00:00+09:00")), None);
}
