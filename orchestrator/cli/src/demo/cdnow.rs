//! Real purchases, embedded: what they are and where they come from is in `data/README.md`.
//!
//! Pure. The dates are the real ones; moving them to the demo's period is the caller's.

use std::num::ParseIntError;

/// The embedded text: one line per customer.
const TEXT: &str = include_str!("../../data/cdnow.txt");

/// The last day of the data, as days since the first one, 1997-01-01: 1998-06-30.
pub(crate) const LAST_DAY: u32 = 545;

/// One purchase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Purchase {
    /// Days since the first day of the data, 1997-01-01.
    pub(crate) day: u32,
    /// The customer's number in the full data set.
    pub(crate) customer: u32,
    /// How many CDs.
    pub(crate) cds: u32,
    /// US cents, for all of them together. Eight purchases cost nothing.
    pub(crate) cents: u32,
}

/// Every purchase, by day and then by customer: the order in which a shop would have seen them.
pub(crate) fn purchases() -> Vec<Purchase> {
    let mut found: Vec<Purchase> = TEXT
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(|line| customer(line).expect("the embedded text is whole: a test reads every line"))
        .collect();
    found.sort_by_key(|purchase| (purchase.day, purchase.customer));
    found
}

/// One line: a customer and all purchases, in order.
fn customer(line: &str) -> Result<Vec<Purchase>, ParseIntError> {
    let mut words = line.split(' ');
    let customer = words.next().unwrap_or_default().parse()?;
    let mut day = 0;
    words
        .map(|word| {
            let mut fields = word.splitn(3, '/').map(str::parse::<u32>);
            let mut next = || fields.next().unwrap_or_else(|| "".parse());
            day += next()?;
            Ok(Purchase { day, customer, cds: next()?, cents: next()? })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_embedded_purchases_have_the_totals_of_their_source() {
        let all = purchases();
        let customers: BTreeSet<u32> = all.iter().map(|purchase| purchase.customer).collect();
        assert_eq!((all.len(), customers.len()), (6_919, 2_357));
        assert_eq!(all.iter().map(|purchase| purchase.cents).sum::<u32>(), 24_409_194);
        assert_eq!(all.iter().map(|purchase| purchase.cds).sum::<u32>(), 16_479);
    }

    #[test]
    fn they_come_in_the_order_of_their_days_and_end_with_the_period() {
        let all = purchases();
        assert!(all.is_sorted_by_key(|purchase| (purchase.day, purchase.customer)));
        assert_eq!((all[0].day, all[all.len() - 1].day), (0, LAST_DAY));
    }

    #[test]
    fn a_known_customer_bought_what_the_source_says() {
        let four: Vec<(u32, u32, u32)> = purchases()
            .into_iter()
            .filter(|purchase| purchase.customer == 4)
            .map(|purchase| (purchase.day, purchase.cds, purchase.cents))
            .collect();
        assert_eq!(four, [(0, 2, 2933), (17, 2, 2973), (213, 1, 1496), (345, 2, 2648)]);
    }

    #[test]
    fn a_damaged_line_is_an_error_and_not_a_panic() {
        for line in ["", "x", "4 1/2", "4 1/2/3/4", "4 -1/2/3", "4 1/2/99999999999"] {
            assert!(customer(line).is_err(), "{line}");
        }
    }
}
