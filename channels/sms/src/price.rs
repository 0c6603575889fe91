//! What a text will cost, by estimate: providers bill each part, by the country it goes to.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use words::Money;

/// Prices of one part by prefix of the number (`+81`, `+1`); the longest prefix that fits counts, `+` is everywhere else.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Prices(pub BTreeMap<String, Money>);

impl Prices {
    /// What `parts` parts to `to` cost; `None` where no prefix fits or the sum is past 64 bits.
    pub fn estimate(&self, to: &str, parts: usize) -> Option<Money> {
        let (_, price) = self
            .0
            .iter()
            .filter(|(prefix, _)| to.starts_with(*prefix))
            .max_by_key(|(prefix, _)| prefix.len())?;
        let minor = price.minor.checked_mul(i64::try_from(parts).ok()?)?;
        Some(Money::new(minor, price.currency))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use words::Currency;

    #[test]
    fn the_longest_prefix_counts_and_each_part_is_paid() {
        let yen = |minor| Money::new(minor, Currency::JPY);
        let prices =
            Prices([("+", 20), ("+81", 8), ("+8190", 9)].map(|(p, m)| (p.to_owned(), yen(m))).into());
        assert_eq!(prices.estimate("+819012345678", 3), Some(yen(27)));
        assert_eq!(prices.estimate("+81312345678", 2), Some(yen(16)));
        assert_eq!(prices.estimate("+12025550123", 1), Some(yen(20)));
        assert_eq!(Prices::default().estimate("+12025550123", 1), None);
    }
}
