//! Experiments: who belongs to which arm.
//!
//! The holdout is dealt first, by the customer's [`point_of`] the experiment: a larger holdout takes customers in, a
//! smaller one lets some go, and nobody else moves. The rest is dealt by weighted rendezvous (Thaler and Ravishankar
//! 1998): each arm draws a number for the customer from its own name, divided by its share, and the least wins. So a
//! new arm or a larger share only draws customers to that arm, the order of the arms means nothing, and an arm that
//! is given another name is another arm.

use sha2::{Digest, Sha256};
use words::CustomerId;

/// The name of the arm of those who are left out.
pub const HOLDOUT: &str = "holdout";

/// Where a customer stands on [0, 10,000) in an experiment: the same customer always at the same point.
pub fn point_of(experiment: &str, customer: CustomerId) -> u32 {
    let wide = u128::from(draw(experiment, HOLDOUT, customer)) * 10_000;
    u32::try_from(wide >> 64).unwrap_or(0)
}

/// The index of the arm of this customer. Arms are (name, share in hundredths of a per cent); `None`: no arm has a share.
pub fn arm_of<'a>(
    experiment: &str,
    arms: impl Iterator<Item = (&'a str, u32)> + Clone,
    customer: CustomerId,
) -> Option<usize> {
    let holdout = arms.clone().position(|(name, share)| name == HOLDOUT && share > 0);
    if let Some(index) = holdout {
        let share = arms.clone().nth(index).map_or(0, |(_, share)| share);
        if point_of(experiment, customer) < share {
            return Some(index);
        }
    }
    let lot = |name: &str, share: u32| {
        // In (0, 1): the middle of the 2^53 cells that a float tells apart.
        let unit = ((draw(experiment, name, customer) >> 11) as f64 + 0.5) / 9_007_199_254_740_992.0;
        -unit.ln() / f64::from(share)
    };
    arms.enumerate()
        .filter(|(_, (name, share))| *name != HOLDOUT && *share > 0)
        .map(|(index, (name, share))| (index, lot(name, share)))
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(index, _)| index)
        .or(holdout)
}

fn draw(experiment: &str, arm: &str, customer: CustomerId) -> u64 {
    let mut hash = Sha256::new();
    hash.update(b"tabi/experiment/v1\0");
    for text in [experiment, arm] {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    }
    hash.update(customer.0);
    let digest = hash.finalize();
    digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn people() -> impl Iterator<Item = CustomerId> {
        let ids = words::IdSource::seeded(1);
        (0..20_000).map(move |_| ids.customer(words::Timestamp::from_secs(1_700_000_000)))
    }

    fn deal(arms: &[(&str, u32)], customer: CustomerId) -> String {
        let index = arm_of("review_ask", arms.iter().copied(), customer).unwrap();
        arms[index].0.to_owned()
    }

    #[test]
    fn shares_come_out_as_written() {
        let arms = [("holdout", 1000), ("now", 4500), ("later", 4500)];
        for (name, share) in arms {
            let count = people().filter(|c| deal(&arms, *c) == name).count();
            let wanted = 20_000 * share as usize / 10_000;
            assert!(count.abs_diff(wanted) < 250, "{name}: {count} instead of {wanted}");
        }
    }

    #[test]
    fn nobody_moves_who_need_not_when_shares_change() {
        let before = [("holdout", 1000), ("a", 3000), ("b", 3000), ("c", 3000)];
        let grown = [("holdout", 1000), ("c", 2250), ("a", 4500), ("b", 2250)];
        let held = [("holdout", 2000), ("a", 2667), ("b", 2667), ("c", 2666)];
        for customer in people() {
            let (was, is, h) = (deal(&before, customer), deal(&grown, customer), deal(&held, customer));
            assert!(is == was || is == "a", "{was} → {is}");
            assert!(h == was || h == "holdout" || was != "holdout");
            assert_eq!(was == "holdout", is == "holdout");
            assert!(was != "holdout" || h == "holdout");
        }
    }
}
