//! The brand's own rules, `journeys/rules.yaml`: hours, caps, rest days. They tighten the law's and never loosen it.

use crate::Files;
use journey::rules::{Hours, Rest, Rules};
use policy::{Brand, BrandWindow, Cap};
use words::Diagnostic;
use words::calendar::{BusinessCalendar, ClockTime, Window};

/// Reads the rules; without the file the packs' courtesy defaults hold.
pub(crate) fn read(files: &Files, brand: &render::Brand) -> (Option<Brand>, Vec<Diagnostic>) {
    let (rules, problems) = journey::rules(files);
    let mut own = Brand::new(brand.countries.clone(), brand.zone.clone());
    let Rules { hours, caps, rest } = rules;
    own.windows = hours.into_iter().filter_map(window).collect();
    own.caps = caps.map(|caps| {
        let caps = caps.into_iter();
        caps.map(|cap| Cap { max: cap.at_most, per: cap.per, channel: cap.channel }).collect()
    });
    own.business = rest.map(|Rest { country, obon, year_end }| BusinessCalendar { country, obon, year_end });
    (Some(own), problems)
}

/// `None` cannot be: the hours were read as hours of the day.
fn window(hours: Hours) -> Option<BrandWindow> {
    let clock = |minute: u16| ClockTime::new(minute / 60, minute % 60);
    let allow = Window::daily(clock(hours.between.from_minute)?, clock(hours.between.to_minute)?);
    Some(BrandWindow {
        classes: hours.classes,
        channels: hours.channels,
        allow,
        business_days: hours.business_days,
    })
}
