//! Calendars and local time: windows of the day, days of a calendar, business days and holidays.
//!
//! Pure. Every function takes the zone and the instant as arguments. Two rules hold everywhere: a local time that a
//! zone skips (a DST gap) means the first valid instant after it, and one that it repeats (a fold) means the first of
//! the two.

mod business;
mod holidays;
mod local;
mod retold;
mod window;
mod zones;

pub use business::{BusinessCalendar, holidays_known, is_business_day};
pub use holidays::{Holiday, holiday};
pub use jiff::civil::{Date, Weekday};
pub use local::{ClockTime, ClockTimeError, add_calendar_days, at_local_time, local_clock, local_date};
pub use retold::retold;
pub use window::{
    Days, Window, WindowError, allowed_until, is_allowed, next_allowed, next_allowed_everywhere,
};
pub use zones::zones_of;

#[cfg(test)]
mod tests;
