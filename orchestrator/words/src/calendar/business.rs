//! Business days: not a weekend, not a holiday, not a day on which the brand rests.

use super::holidays::holiday;
use crate::Country;
use jiff::civil::{Date, Weekday};
use serde::{Deserialize, Serialize};

/// Which days count as business days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BusinessCalendar {
    /// Whose weekends and holidays.
    pub country: Country,
    /// The brand also rests over お盆, 13 to 16 August.
    #[serde(default)]
    pub obon: bool,
    /// The brand also rests at the turn of the year, 29 December to 3 January.
    #[serde(default)]
    pub year_end: bool,
}

impl BusinessCalendar {
    /// The weekends and holidays of `country` alone.
    pub const fn of(country: Country) -> Self {
        Self { country, obon: false, year_end: false }
    }

    /// Whether `date` is a business day.
    pub fn is_business_day(self, date: Date) -> bool {
        let rest = (self.obon && date.month() == 8 && (13..=16).contains(&date.day()))
            || (self.year_end && matches!((date.month(), date.day()), (12, 29..=31) | (1, 1..=3)));
        !rest && !is_weekend(self.country, date) && holiday(self.country, date).is_none()
    }

    /// The first business day that is not before `date`. `None` at the end of time alone.
    pub fn next_business_day(self, date: Date) -> Option<Date> {
        let mut day = date;
        for _ in 0..40 {
            if self.is_business_day(day) {
                return Some(day);
            }
            day = day.tomorrow().ok()?;
        }
        None
    }
}

/// Whether `date` is neither a weekend nor a public holiday of `country`. Holidays are known where
/// [`holidays_known`] says so; elsewhere the weekend alone counts.
pub fn is_business_day(country: Country, date: Date) -> bool {
    BusinessCalendar::of(country).is_business_day(date)
}

/// Whether the holidays of `country` are known. Where they are not, surfaces say that only weekends count.
pub fn holidays_known(country: Country) -> bool {
    matches!(country.as_str(), "JP" | "US")
}

/// Saturday and Sunday; Friday and Saturday where that is the weekend.
fn is_weekend(country: Country, date: Date) -> bool {
    let day = date.weekday();
    match country.as_str() {
        "BD" | "BH" | "DZ" | "EG" | "IL" | "IQ" | "JO" | "KW" | "LY" | "OM" | "QA" | "SA" | "SD" | "SY"
        | "YE" => {
            matches!(day, Weekday::Friday | Weekday::Saturday)
        }
        _ => matches!(day, Weekday::Saturday | Weekday::Sunday),
    }
}
