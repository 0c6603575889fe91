//! Experiments: who belongs to which arm.

use words::CustomerId;

/// Where a customer stands on [0, 10,000) in an experiment: the same customer always at the same point.
pub fn point_of(experiment: &str, customer: CustomerId) -> u32 {
    let _ = (experiment, customer);
    0
}

/// The index of the arm of this customer. Arms are (name, share in hundredths of a per cent).
pub fn arm_of<'a>(
    experiment: &str,
    arms: impl Iterator<Item = (&'a str, u32)> + Clone,
    customer: CustomerId,
) -> Option<usize> {
    let _ = (point_of(experiment, customer), arms);
    None
}
