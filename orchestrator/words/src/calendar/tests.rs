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
