//! The time zones of a country.

use crate::{Country, Zone};
use std::collections::BTreeMap;
use std::sync::LazyLock;

static ZONES: LazyLock<BTreeMap<Country, Vec<Zone>>> = LazyLock::new(|| {
    include_str!("zones.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let mut words = line.split_ascii_whitespace();
            let country = Country::parse(words.next()?)?;
            Some((country, words.filter_map(|name| Zone::parse(name).ok()).collect()))
        })
        .collect()
});

/// The zones of `country` that differ from each other in some offset from 2024 on; empty where the country is unknown.
pub fn zones_of(country: Country) -> &'static [Zone] {
    ZONES.get(&country).map_or(&[], Vec::as_slice)
}
