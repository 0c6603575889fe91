//! What must come of an order: four messages, two channels, both promises.

use crate::record::{Channel, Class, Expected, Order, Told};
use std::collections::{BTreeMap, BTreeSet};

/// The journeys of `tests/siege/project`: name, channel, promise.
pub const JOURNEYS: [(&str, Channel, Class); 4] = [
    ("order", Channel::Email, Class::NeverLost),
    ("offer", Channel::Email, Class::NeverTwice),
    ("code", Channel::Sms, Class::NeverLost),
    ("parcel", Channel::Sms, Class::NeverTwice),
];

/// The order with this number of a run.
pub fn order(run: &str, number: u64, customers: u64) -> Order {
    let customer = number % customers.max(1);
    Order {
        id: format!("{run}-{number:07}"),
        customer: format!("{run}c{customer:07}"),
        email: format!("{run}c{customer:07}@example.com"),
        phone: format!("+81901{customer:07}"),
        // One in twenty does not want offers.
        offers: customer % 20 != 7,
        // And one in ten takes it back.
        revokes: customer % 10 == 3,
    }
}

/// What must come of an order, `told` or not, of somebody who refused offers at `revoked_us`, or did not.
pub fn expected(order: &Order, told: bool, revoked_us: Option<i64>) -> Vec<Expected> {
    JOURNEYS
        .iter()
        .map(|(journey, channel, class)| Expected {
            mark: format!("{journey} {}", order.id),
            to: if *channel == Channel::Email { order.email.clone() } else { order.phone.clone() },
            journey: (*journey).to_owned(),
            class: *class,
            told,
            refused: (*journey == "offer" && !order.offers).then(|| "no consent to offers".to_owned()),
            revoked_us: revoked_us.filter(|_| *journey == "offer"),
        })
        .collect()
}

/// What the driver's record says must come of everything.
pub fn all_expected(record: &[Told]) -> Vec<Expected> {
    let told: BTreeSet<&str> = record
        .iter()
        .filter_map(|line| match line {
            Told::Accepted { order, .. } => Some(order.as_str()),
            Told::Asked(_) | Told::Revoked { .. } => None,
        })
        .collect();
    let mut revoked: BTreeMap<&str, i64> = BTreeMap::new();
    for line in record {
        if let Told::Revoked { customer, at_us } = line {
            revoked.entry(customer).or_insert(*at_us);
        }
    }
    let mut seen = BTreeSet::new();
    record
        .iter()
        .filter_map(|line| match line {
            Told::Asked(order) => Some(order),
            Told::Accepted { .. } | Told::Revoked { .. } => None,
        })
        .filter(|order| seen.insert(order.id.clone()))
        .flat_map(|order| {
            let revoked_us = revoked.get(order.customer.as_str()).copied();
            expected(order, told.contains(order.id.as_str()), revoked_us)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_without_an_answer_may_come_to_something_and_one_with_an_answer_must() {
        let (first, second) = (order("s", 1, 10), order("s", 7, 10));
        let record = [
            Told::Asked(first.clone()),
            Told::Asked(second),
            Told::Asked(first.clone()),
            Told::Accepted { order: first.id, at_us: 1 },
            Told::Revoked { customer: first.customer, at_us: 2 },
            Told::Revoked { customer: "somebody else".to_owned(), at_us: 3 },
        ];
        let all = all_expected(&record);
        assert_eq!(all.len(), 8);
        assert_eq!(all.iter().filter(|one| one.told).count(), 4);
        let refused: Vec<_> = all.iter().filter(|one| one.refused.is_some()).collect();
        assert_eq!(refused.len(), 1);
        assert_eq!(refused[0].mark, "offer s-0000007");
        let revoked: Vec<_> = all.iter().filter(|one| one.revoked_us.is_some()).collect();
        assert_eq!(revoked.iter().map(|one| one.mark.as_str()).collect::<Vec<_>>(), ["offer s-0000001"]);
    }
}
