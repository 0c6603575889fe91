//! Whose law counts: the customer's country, and for a phone number also the country that its prefix names. Unknown:
//! every country that the brand writes to, and the strictest of them decides.

use crate::{Facts, Packs};
use words::{Channel, Country};

/// Country calling codes of the countries that a built-in pack knows (ITU-T E.164).
const PREFIXES: [(&str, &str); 33] = [
    ("+1", "US"),
    ("+1", "CA"),
    ("+81", "JP"),
    ("+44", "GB"),
    ("+43", "AT"),
    ("+32", "BE"),
    ("+359", "BG"),
    ("+385", "HR"),
    ("+357", "CY"),
    ("+420", "CZ"),
    ("+45", "DK"),
    ("+372", "EE"),
    ("+358", "FI"),
    ("+33", "FR"),
    ("+49", "DE"),
    ("+30", "GR"),
    ("+36", "HU"),
    ("+353", "IE"),
    ("+39", "IT"),
    ("+371", "LV"),
    ("+370", "LT"),
    ("+352", "LU"),
    ("+356", "MT"),
    ("+31", "NL"),
    ("+48", "PL"),
    ("+351", "PT"),
    ("+40", "RO"),
    ("+421", "SK"),
    ("+386", "SI"),
    ("+34", "ES"),
    ("+46", "SE"),
    ("+354", "IS"),
    ("+47", "NO"),
];

/// The countries whose rules count for this message, in order. Never empty while a pack names a country.
pub(crate) fn regions(packs: &Packs, facts: &Facts<'_>) -> Vec<Country> {
    let mut regions: Vec<Country> = facts.customer.country.into_iter().collect();
    if *facts.message.channel == Channel::SMS
        && let Some(address) = facts.message.address
    {
        let of_number: Vec<Country> = PREFIXES
            .iter()
            .filter(|(prefix, _)| address.value.starts_with(prefix))
            .filter_map(|(_, country)| Country::parse(country))
            .collect();
        // A prefix that several countries share says nothing against the customer's own.
        if !of_number.iter().any(|country| regions.contains(country)) {
            regions.extend(of_number);
        }
    }
    if regions.is_empty() {
        regions.extend(&facts.brand.countries);
    }
    if regions.is_empty() {
        regions.extend(packs.iter().flat_map(|pack| &pack.countries));
    }
    regions.sort_unstable();
    regions.dedup();
    regions
}
