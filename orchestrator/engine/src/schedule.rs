//! When schedules, dates and broadcasts come round, in the recipient's zone.
//!
//! A local time in a DST gap means the first valid instant after it, in a fold the first of the two: a schedule ticks
//! at most once for each local time, and never twice at one instant.

use crate::wait::clock;
use journey::{Program, Start};
use words::calendar::{Date, at_local_time, local_clock, local_date};
use words::{Customer, Timestamp, Value, Zone};

/// How many local times that fall into one gap or fold are passed over.
const SKIPPED_MAX: u32 = 300;

/// The next instant after `after` at which a journey that starts by schedule, date or broadcast starts for this
/// customer. `None`: never again, or it starts otherwise.
pub fn next_due(program: &Program, customer: &Customer, zone: &Zone, after: Timestamp) -> Option<Timestamp> {
    match &program.start {
        Start::Schedule { .. } => next_tick(program, after, zone),
        Start::Date { .. } => next_date(program, customer, zone, after),
        Start::Broadcast { .. } => broadcast_at(program, zone).filter(|at| *at > after),
        _ => None,
    }
}

/// The next tick of a schedule after `after`. `zone` is the recipient's, used where the schedule names none.
pub fn next_tick(program: &Program, after: Timestamp, zone: &Zone) -> Option<Timestamp> {
    let Start::Schedule { cron, zone: own, .. } = &program.start else { return None };
    let zone = own.as_ref().unwrap_or(zone);
    let cron: croner::Cron = cron.parse().ok()?;
    let mut local = local_clock(zone, after);
    for _ in 0..SKIPPED_MAX {
        local = cron.find_next_occurrence(&local, false).ok()?;
        let minute = u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs());
        let at = at_local_time(zone, local.date(), clock(minute));
        if at > after {
            return Some(at);
        }
    }
    None
}

/// The next time after `after` that the date of this customer comes round. Every year: 29 February falls on
/// 28 February in common years, and no year before that of the date counts.
pub fn next_date(program: &Program, customer: &Customer, zone: &Zone, after: Timestamp) -> Option<Timestamp> {
    let Start::Date { field, offset_days, at_minute, yearly, .. } = &program.start else { return None };
    let date = trait_date(customer, field, zone)?;
    let offset = jiff::Span::new().try_days(*offset_days).ok()?;
    let at = |date: Date| Some(at_local_time(zone, date.checked_add(offset).ok()?, clock(*at_minute)));
    if !yearly {
        return at(date).filter(|at| *at > after);
    }
    // The offset may lead into another year, on either side.
    let year = local_date(zone, after).year();
    let span = i16::try_from(offset_days / 365).unwrap_or(0);
    let first = year.saturating_sub(span).saturating_sub(2).max(date.year());
    let last = year.saturating_sub(span).saturating_add(2).max(date.year());
    (first..=last).filter_map(|year| at(in_year(date, year)?)).find(|at| *at > after)
}

/// When a broadcast goes out to a recipient in `zone`.
pub fn broadcast_at(program: &Program, zone: &Zone) -> Option<Timestamp> {
    let Start::Broadcast { at, zone: own, .. } = &program.start else { return None };
    let local: jiff::civil::DateTime = at.parse().ok()?;
    let minute = u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs());
    Some(at_local_time(own.as_ref().unwrap_or(zone), local.date(), clock(minute)))
}

fn trait_date(customer: &Customer, field: &str, zone: &Zone) -> Option<Date> {
    match customer.traits.get(field)? {
        Value::Date(date) => Some(*date),
        Value::Time(at) => Some(local_date(zone, *at)),
        Value::Text(text) => text.get(..10)?.parse().ok(),
        _ => None,
    }
}

fn in_year(date: Date, year: i16) -> Option<Date> {
    Date::new(year, date.month(), date.day()).or_else(|_| Date::new(year, 2, 28)).ok()
}

#[cfg(test)]
mod tests;
