//! Chance that depends on its arguments alone: the same demo twice is the same to the byte.

/// A number from a seed and some keys (SplitMix64 over each, Steele et al. 2014).
pub(crate) fn draw(seed: u64, keys: &[u64]) -> u64 {
    keys.iter().fold(mix(seed), |state, key| mix(state ^ mix(*key)))
}

/// Whether something of `per_mille` in a thousand happens.
pub(crate) fn happens(draw: u64, per_mille: u64) -> bool {
    draw % 1000 < per_mille
}

/// One of `list`, which must not be empty.
pub(crate) fn pick<T>(draw: u64, list: &[T]) -> &T {
    let index = usize::try_from(draw % list.len() as u64).unwrap_or(0);
    &list[index]
}

fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
