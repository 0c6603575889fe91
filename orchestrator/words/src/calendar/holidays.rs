//! Public holidays, computed from the laws that make them.
//!
//! Japan: 国民の祝日に関する法律 (Act on National Holidays), as it stands since 2020, with the moved days of 2020 and
//! 2021; the equinoxes by the usual approximation, which the gazette has confirmed so far and which holds until 2099.
//! United States: 5 U.S.C. 6103 with its observed days. Other countries: none known.

use crate::Country;
use jiff::civil::{Date, Weekday};

/// A public holiday.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holiday {
    /// Its name in English.
    pub en: &'static str,
    /// Its name in Japanese.
    pub ja: &'static str,
}

const fn named(en: &'static str, ja: &'static str) -> Option<Holiday> {
    Some(Holiday { en, ja })
}

/// The public holiday of `country` on `date`, where there is one and the country's are known.
pub fn holiday(country: Country, date: Date) -> Option<Holiday> {
    match country.as_str() {
        "JP" => japan(date),
        "US" => united_states(date),
        _ => None,
    }
}

/// Japan: a named day, a substitute (Article 3 paragraph 2) or a citizens' holiday (paragraph 3).
fn japan(date: Date) -> Option<Holiday> {
    if let Some(named) = japan_named(date) {
        return Some(named);
    }
    // A substitute is the first day after a holiday on a Sunday that is no holiday itself.
    let mut day = date;
    while let Ok(before) = day.yesterday() {
        if japan_named(before).is_none() {
            break;
        }
        if before.weekday() == Weekday::Sunday {
            return named("Substitute holiday", "振替休日");
        }
        day = before;
    }
    let between = date.yesterday().is_ok_and(|d| japan_named(d).is_some())
        && date.tomorrow().is_ok_and(|d| japan_named(d).is_some());
    if between { named("Citizens' holiday", "国民の休日") } else { None }
}

fn japan_named(date: Date) -> Option<Holiday> {
    let (year, month, day) = (date.year(), date.month(), date.day());
    let monday = |week: i8| is_nth(date, Weekday::Monday, week);
    // Moved for the Olympic Games by their special measures act.
    match (year, month, day) {
        (2020, 7, 23) | (2021, 7, 22) => return named("Marine Day", "海の日"),
        (2020, 7, 24) | (2021, 7, 23) => return named("Sports Day", "スポーツの日"),
        (2020, 8, 10) | (2021, 8, 8) => return named("Mountain Day", "山の日"),
        (2020 | 2021, 7, _) | (2020 | 2021, 8, _) | (2020 | 2021, 10, _) => return None,
        _ => {}
    }
    match (month, day) {
        (1, 1) => named("New Year's Day", "元日"),
        (1, _) if monday(2) => named("Coming of Age Day", "成人の日"),
        (2, 11) => named("National Foundation Day", "建国記念の日"),
        (2, 23) if year >= 2020 => named("Emperor's Birthday", "天皇誕生日"),
        (3, d) if i32::from(d) == equinox(year, 20.8431) => named("Vernal Equinox Day", "春分の日"),
        (4, 29) => named("Shōwa Day", "昭和の日"),
        (5, 3) => named("Constitution Memorial Day", "憲法記念日"),
        (5, 4) => named("Greenery Day", "みどりの日"),
        (5, 5) => named("Children's Day", "こどもの日"),
        (7, _) if monday(3) => named("Marine Day", "海の日"),
        (8, 11) => named("Mountain Day", "山の日"),
        (9, _) if monday(3) => named("Respect for the Aged Day", "敬老の日"),
        (9, d) if i32::from(d) == equinox(year, 23.2488) => named("Autumnal Equinox Day", "秋分の日"),
        (10, _) if monday(2) => named("Sports Day", "スポーツの日"),
        (11, 3) => named("Culture Day", "文化の日"),
        (11, 23) => named("Labour Thanksgiving Day", "勤労感謝の日"),
        _ => None,
    }
}

/// The day of the month of an equinox in Japan: the day in 1980, plus the drift of the tropical year, less the leap
/// days since. Good from 1980 to 2099.
fn equinox(year: i16, day_in_1980: f64) -> i32 {
    let years = i32::from(year) - 1980;
    (day_in_1980 + 0.242_194 * f64::from(years)).floor() as i32 - years.div_euclid(4)
}

/// The United States: the day itself, or the day on which one that falls on a weekend is observed.
fn united_states(date: Date) -> Option<Holiday> {
    if let Some(named) = us_named(date) {
        return Some(named);
    }
    match date.weekday() {
        Weekday::Friday => date.tomorrow().ok().and_then(us_fixed),
        Weekday::Monday => date.yesterday().ok().and_then(us_fixed),
        _ => None,
    }
}

fn us_named(date: Date) -> Option<Holiday> {
    let monday = |week: i8| is_nth(date, Weekday::Monday, week);
    match date.month() {
        1 if monday(3) => named("Martin Luther King Jr. Day", "キング牧師記念日"),
        2 if monday(3) => named("Washington's Birthday", "ワシントン誕生日"),
        5 if monday(-1) => named("Memorial Day", "戦没将兵追悼記念日"),
        9 if monday(1) => named("Labor Day", "労働者の日"),
        10 if monday(2) => named("Columbus Day", "コロンブス記念日"),
        11 if is_nth(date, Weekday::Thursday, 4) => named("Thanksgiving Day", "感謝祭"),
        _ => us_fixed(date),
    }
}

fn us_fixed(date: Date) -> Option<Holiday> {
    match (date.month(), date.day()) {
        (1, 1) => named("New Year's Day", "元日"),
        (6, 19) if date.year() >= 2021 => named("Juneteenth", "奴隷解放記念日"),
        (7, 4) => named("Independence Day", "独立記念日"),
        (11, 11) => named("Veterans Day", "退役軍人の日"),
        (12, 25) => named("Christmas Day", "クリスマス"),
        _ => None,
    }
}

fn is_nth(date: Date, weekday: Weekday, week: i8) -> bool {
    date.nth_weekday_of_month(week, weekday).is_ok_and(|nth| nth == date)
}
