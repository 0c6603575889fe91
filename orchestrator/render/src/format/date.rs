//! Dates, times and lengths of time.

use super::{Formats, Tongue};
use jiff::civil::{Date, DateTime, Time, Weekday};
use words::Elapsed;

/// How much of a date is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DateStyle {
    /// `November 21, 2026`, `2026年11月21日`.
    Long,
    /// `11/21/2026`, `2026/11/21`.
    Short,
    /// The long form with the day of the week.
    Full,
    /// The day of the week alone.
    Weekday,
    /// `November 21`, `11月21日`.
    MonthDay,
    /// `2026-11-21`.
    Iso,
}

impl DateStyle {
    /// Reads `long`, `short` …
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "long" => Self::Long,
            "short" => Self::Short,
            "full" => Self::Full,
            "weekday" => Self::Weekday,
            "month_day" => Self::MonthDay,
            "iso" => Self::Iso,
            _ => return None,
        })
    }
}

const MONTHS_EN: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const MONTHS_DE: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];
const MONTHS_FR: [&str; 12] = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
];
const MONTHS_ES: [&str; 12] = [
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
];
// Monday first.
const DAYS_EN: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const DAYS_DE: [&str; 7] = ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"];
const DAYS_FR: [&str; 7] = ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"];
const DAYS_ES: [&str; 7] = ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"];
const DAYS_JA: [&str; 7] = ["月", "火", "水", "木", "金", "土", "日"];
const DAYS_ZH: [&str; 7] = ["一", "二", "三", "四", "五", "六", "日"];
const DAYS_KO: [&str; 7] = ["월", "화", "수", "목", "금", "토", "일"];

/// A date in a style.
pub(crate) fn date(date: Date, style: DateStyle, formats: &Formats) -> String {
    let (y, m, d) = (date.year(), date.month(), date.day());
    let month = |names: &[&'static str; 12]| names[usize::from(m.unsigned_abs().clamp(1, 12)) - 1];
    let day_of_week = weekday(date.weekday(), formats.tongue);
    match (style, formats.tongue) {
        (DateStyle::Iso, _) => format!("{y:04}-{m:02}-{d:02}"),
        (DateStyle::Weekday, _) => day_of_week,
        (DateStyle::Short, Tongue::English) if formats.day_first => format!("{d:02}/{m:02}/{y:04}"),
        (DateStyle::Short, Tongue::English) => format!("{m:02}/{d:02}/{y:04}"),
        (DateStyle::Short, Tongue::Japanese | Tongue::Chinese) => format!("{y:04}/{m:02}/{d:02}"),
        (DateStyle::Short, Tongue::German) => format!("{d:02}.{m:02}.{y:04}"),
        (DateStyle::Short, Tongue::French | Tongue::Spanish) => format!("{d:02}/{m:02}/{y:04}"),
        (DateStyle::Short, Tongue::Korean) => format!("{y:04}. {m}. {d}."),
        (DateStyle::MonthDay, Tongue::English) if formats.day_first => format!("{d} {}", month(&MONTHS_EN)),
        (DateStyle::MonthDay, Tongue::English) => format!("{} {d}", month(&MONTHS_EN)),
        (DateStyle::MonthDay, Tongue::Japanese | Tongue::Chinese) => format!("{m}月{d}日"),
        (DateStyle::MonthDay, Tongue::Korean) => format!("{m}월 {d}일"),
        (DateStyle::MonthDay, Tongue::German) => format!("{d}. {}", month(&MONTHS_DE)),
        (DateStyle::MonthDay, Tongue::French) => format!("{d} {}", month(&MONTHS_FR)),
        (DateStyle::MonthDay, Tongue::Spanish) => format!("{d} de {}", month(&MONTHS_ES)),
        (DateStyle::MonthDay, Tongue::Other) => format!("{m:02}-{d:02}"),
        (DateStyle::Long, Tongue::English) if formats.day_first => format!("{d} {} {y}", month(&MONTHS_EN)),
        (DateStyle::Long, Tongue::English) => format!("{} {d}, {y}", month(&MONTHS_EN)),
        (DateStyle::Long, Tongue::Japanese | Tongue::Chinese) => format!("{y}年{m}月{d}日"),
        (DateStyle::Long, Tongue::Korean) => format!("{y}년 {m}월 {d}일"),
        (DateStyle::Long, Tongue::German) => format!("{d}. {} {y}", month(&MONTHS_DE)),
        (DateStyle::Long, Tongue::French) => format!("{d} {} {y}", month(&MONTHS_FR)),
        (DateStyle::Long, Tongue::Spanish) => format!("{d} de {} de {y}", month(&MONTHS_ES)),
        (DateStyle::Long | DateStyle::Short | DateStyle::Full, Tongue::Other) => {
            format!("{y:04}-{m:02}-{d:02}")
        }
        (DateStyle::Full, Tongue::Japanese) => format!("{y}年{m}月{d}日({})", DAYS_JA[day_index(date)]),
        (DateStyle::Full, Tongue::Chinese | Tongue::Korean) => {
            format!("{} {day_of_week}", self::date(date, DateStyle::Long, formats))
        }
        (DateStyle::Full, Tongue::French) => {
            format!("{day_of_week} {}", self::date(date, DateStyle::Long, formats))
        }
        (DateStyle::Full, _) => format!("{day_of_week}, {}", self::date(date, DateStyle::Long, formats)),
    }
}

/// The time of the day: `7:30 PM` in American English, `19:30` elsewhere.
pub(crate) fn time(time: Time, formats: &Formats) -> String {
    let (h, m) = (time.hour(), time.minute());
    match formats.tongue {
        Tongue::English if !formats.day_first => {
            let half = if h < 12 { "AM" } else { "PM" };
            let hour = if h % 12 == 0 { 12 } else { h % 12 };
            format!("{hour}:{m:02}\u{a0}{half}")
        }
        Tongue::English | Tongue::German | Tongue::French | Tongue::Other => format!("{h:02}:{m:02}"),
        _ => format!("{h}:{m:02}"),
    }
}

/// Date and time.
pub(crate) fn date_time(at: DateTime, style: DateStyle, formats: &Formats) -> String {
    let (day, clock) = (date(at.date(), style, formats), time(at.time(), formats));
    match (formats.tongue, style) {
        (Tongue::English, DateStyle::Long | DateStyle::Full) => format!("{day} at {clock}"),
        (Tongue::German, DateStyle::Long | DateStyle::Full) => format!("{day} um {clock}"),
        (Tongue::French, DateStyle::Long | DateStyle::Full) => format!("{day} à {clock}"),
        _ => format!("{day} {clock}"),
    }
}

/// A length of time in its largest whole unit.
pub(crate) fn duration(elapsed: Elapsed, tongue: Tongue) -> String {
    let shown = elapsed.to_string();
    let Some((count, unit)) = shown.split_once(' ') else { return shown };
    let unit = match (tongue, unit.trim_end_matches('s')) {
        (Tongue::Japanese, "day") => "日間",
        (Tongue::Japanese, "hour") => "時間",
        (Tongue::Japanese, "minute") => "分",
        (Tongue::Japanese, "second") => "秒",
        _ => return shown,
    };
    format!("{count}{unit}")
}

fn day_index(date: Date) -> usize {
    usize::from(date.weekday().to_monday_zero_offset().unsigned_abs()).min(6)
}

fn weekday(day: Weekday, tongue: Tongue) -> String {
    let index = usize::from(day.to_monday_zero_offset().unsigned_abs()).min(6);
    match tongue {
        Tongue::Japanese => format!("{}曜日", DAYS_JA[index]),
        Tongue::Chinese => format!("星期{}", DAYS_ZH[index]),
        Tongue::Korean => format!("{}요일", DAYS_KO[index]),
        Tongue::German => DAYS_DE[index].to_owned(),
        Tongue::French => DAYS_FR[index].to_owned(),
        Tongue::Spanish => DAYS_ES[index].to_owned(),
        Tongue::English | Tongue::Other => DAYS_EN[index].to_owned(),
    }
}
