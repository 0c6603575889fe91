//! Quiet hours: when a customer may be written to, by the recipient's clocks.
//!
//! Unknown zone: the windows must be open in every zone that the customer could be in, so nobody is woken and nobody
//! is forgotten. Where no hour of the day is open in all of them, the brand's own zone decides, and the reason says so.

use crate::findings::{Case, Findings, class_ja, reading_zone, shown};
use crate::packs::Check;
use crate::{Clocks, Outcome};
use std::borrow::Cow;
use words::calendar::{
    BusinessCalendar, Days, Window, allowed_until, is_allowed, next_allowed_everywhere, zones_of,
};
use words::{Elapsed, MessageClass, Timestamp, Zone, ZoneSource};

/// No window is looked for further ahead.
const LOOK_AHEAD: Elapsed = Elapsed::from_days(40);

pub(crate) fn check(case: &Case<'_>, findings: &mut Findings) {
    let class = case.facts.message.class;
    if !matches!(class, MessageClass::Marketing | MessageClass::Service) {
        findings.say(
            "QH-005",
            "exempt_from_quiet_hours",
            Outcome::Exempt,
            format!("keeps no quiet hours, because its purpose is of the class {}", class.as_str()),
            format!("目的が{}に属するため、時間帯の制限はありません", class_ja(class)),
        );
        return;
    }
    let windows = windows(case);
    if windows.is_empty() {
        return;
    }
    let from = findings.earliest;
    let (mut zones, source) = zones(case, from);
    let mut open = first_open(&windows, &zones, from);
    let mut gave_up = false;
    if open.is_none() && zones.len() > 1 {
        zones = vec![case.facts.brand.zone.clone()];
        open = first_open(&windows, &zones, from);
        gave_up = true;
    }
    findings.clocks =
        Some(Clocks { zones: zones.iter().map(|zone| zone.name().to_owned()).collect(), source });
    let Some(open) = open else {
        findings.block(
            "QH-004",
            "never_open",
            "the hours in which this message may go out never come: mend the brand's windows".to_owned(),
            "送信できる時間帯が存在しないため。ブランドの時間帯設定を見直してください".to_owned(),
        );
        return;
    };
    if open > from {
        delayed(case, findings, &windows, &zones, source, gave_up, open);
        findings.earliest = open;
    } else {
        for (window, zone) in pairs(&windows, &zones) {
            if let Some(end) = allowed_until(window, zone, open) {
                findings.ends(end);
            }
        }
    }
}

/// A window, and the rule that it comes from.
struct Rule<'a> {
    id: Cow<'a, str>,
    window: Window,
}

fn windows<'a>(case: &'a Case<'_>) -> Vec<Rule<'a>> {
    let message = &case.facts.message;
    let brand = case.facts.brand;
    let business = |window: Window| {
        let country = case.facts.customer.country.or_else(|| case.regions.first().copied());
        let rest = brand.business;
        match country.or(rest.map(|rest| rest.country)) {
            Some(country) => window.on(Days::Business(BusinessCalendar {
                country,
                obon: rest.is_some_and(|rest| rest.obon),
                year_end: rest.is_some_and(|rest| rest.year_end),
            })),
            None => window,
        }
    };
    let mut found: Vec<Rule<'_>> = brand
        .windows
        .iter()
        .filter(|own| own.concerns(message.class, message.channel))
        .map(|own| Rule {
            id: Cow::Borrowed("QH-005"),
            window: if own.business_days { business(own.allow) } else { own.allow },
        })
        .collect();
    let brand_decides = !found.is_empty();
    let of_packs = case
        .packs
        .rules(message.class, message.channel, case.now)
        .filter(|(pack, _)| {
            pack.countries.is_empty() || case.regions.iter().any(|c| pack.countries.contains(c))
        })
        .filter_map(|(_, rule)| match &rule.check {
            Check::Window { allow, courtesy } if !courtesy || !brand_decides => {
                Some(Rule { id: Cow::Borrowed(rule.id.as_str()), window: *allow })
            }
            _ => None,
        });
    found.extend(of_packs);
    found
}

/// The zones that the customer may be in, and where the zone was learnt from where it is one. A zone that is only the
/// brand's default says nothing about the customer.
fn zones(case: &Case<'_>, from: Timestamp) -> (Vec<Zone>, Option<ZoneSource>) {
    if let Some((zone, source)) = &case.facts.customer.zone
        && *source != ZoneSource::BrandDefault
    {
        return (vec![zone.clone()], Some(*source));
    }
    let of = |countries: &[words::Country]| distinct(countries.iter().flat_map(|c| zones_of(*c)), from);
    let brand = case.facts.brand;
    let (zones, source) = match case.facts.customer.country {
        Some(country) => (of(&[country]), ZoneSource::Country),
        None => (of(&brand.countries), ZoneSource::BrandDefault),
    };
    match zones.len() {
        0 => (vec![brand.zone.clone()], Some(ZoneSource::BrandDefault)),
        1 => (zones, Some(source)),
        _ => (zones, None),
    }
}

/// Of zones whose clocks agree for as far as windows are looked for, the first.
fn distinct<'a>(zones: impl Iterator<Item = &'a Zone>, from: Timestamp) -> Vec<Zone> {
    let until = from.plus(LOOK_AHEAD).to_jiff();
    let mut seen = Vec::new();
    let mut found: Vec<Zone> = Vec::new();
    for zone in zones {
        let clock = zone.to_jiff();
        let changes = clock.following(from.to_jiff()).take_while(|change| change.timestamp() < until);
        let clocks: Vec<(jiff::Timestamp, jiff::tz::Offset)> =
            std::iter::once((from.to_jiff(), clock.to_offset(from.to_jiff())))
                .chain(changes.map(|change| (change.timestamp(), change.offset())))
                .collect();
        if !seen.contains(&clocks) {
            seen.push(clocks);
            found.push(zone.clone());
        }
    }
    found
}

fn pairs<'a>(
    windows: &'a [Rule<'_>],
    zones: &'a [Zone],
) -> impl Iterator<Item = (&'a Window, &'a Zone)> + Clone {
    windows.iter().flat_map(move |rule| zones.iter().map(move |zone| (&rule.window, zone)))
}

fn first_open(windows: &[Rule<'_>], zones: &[Zone], from: Timestamp) -> Option<Timestamp> {
    next_allowed_everywhere(pairs(windows, zones), from)
}

fn delayed(
    case: &Case<'_>,
    findings: &mut Findings,
    windows: &[Rule<'_>],
    zones: &[Zone],
    source: Option<ZoneSource>,
    gave_up: bool,
    open: Timestamp,
) {
    let from = findings.earliest;
    // The window that is shut; where each is open somewhere but not together, the first.
    let shut = windows
        .iter()
        .find(|rule| zones.iter().any(|zone| !is_allowed(&rule.window, zone, from)))
        .or(windows.first());
    let Some(shut) = shut else { return };
    let window = &shut.window;
    let days = match window.days {
        Days::Every => ("", ""),
        Days::Weekdays(_) => (" on the days agreed", "（指定の曜日）"),
        Days::Business(_) => (" on business days", "（営業日）"),
    };
    let next = shown(open, if zones.len() == 1 { &zones[0] } else { reading_zone(case.facts) });
    match (zones, source) {
        (_, _) if gave_up => {
            let zone = &case.facts.brand.zone;
            findings.delay(
                "QH-003",
                "zone_unknown",
                format!(
                    "the customer's zone is unknown, no hour is within {window}{} in all possible zones, and by \
                     {zone}, the brand's own, it has to wait; next at {next}",
                    days.0
                ),
                format!(
                    "お客様のタイムゾーンが不明で、候補すべてで {window}{} となる時刻がなく、ブランドの {zone} \
                     では時間外のため。次は {next} です",
                    days.1
                ),
            );
        }
        ([zone], source) => {
            let id = shut.id.clone().into_owned();
            let (from_en, from_ja) = source_text(source);
            findings.delay(
                id,
                "quiet_hours",
                format!(
                    "it is {} there and messages go out {window}{} ({zone}, {from_en}); next at {next}",
                    clock(from, zone),
                    days.0
                ),
                format!(
                    "現地は {} で、送信は {window}{} に限られるため（{zone}、{from_ja}）。次は {next} です",
                    clock(from, zone),
                    days.1
                ),
            );
        }
        (zones, _) => findings.delay(
            "QH-003",
            "zone_unknown",
            format!(
                "the customer's zone is unknown and it must be within {window}{} in all {} possible zones; next at {next}",
                days.0,
                zones.len()
            ),
            format!(
                "お客様のタイムゾーンが不明で、候補 {} か所すべてで {window}{} である必要があるため。次は {next} です",
                zones.len(),
                days.1
            ),
        ),
    }
}

fn clock(at: Timestamp, zone: &Zone) -> String {
    let local = words::calendar::local_clock(zone, at);
    format!("{:02}:{:02}", local.hour(), local.minute())
}

fn source_text(source: Option<ZoneSource>) -> (&'static str, &'static str) {
    match source {
        Some(ZoneSource::Stated) => ("as stated", "申告による"),
        Some(ZoneSource::PhonePrefix) => ("by the phone number", "電話番号による"),
        Some(ZoneSource::Country) => ("by the country", "国による"),
        Some(ZoneSource::BrandDefault) | None => ("the brand's own", "ブランドの既定"),
    }
}
