//! Chance from one seed, in two forms: a stream, for what happens in an order of its own, and a draw by name, for what many
//! threads decide at once. A draw depends on the seed and the names alone, so that the same message meets the same fate
//! however the threads take turns.

/// A stream of numbers.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// The stream of this name under this seed.
    pub fn new(seed: u64, name: &str) -> Self {
        Self(draw(seed, &[name]))
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// The next number below `end`; 0 where `end` is.
    pub fn below(&mut self, end: u64) -> u64 {
        if end == 0 { 0 } else { self.draw() % end }
    }

    /// One between both, both included.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most.saturating_sub(least) + 1)
    }
}

/// The number that belongs to these names under this seed.
pub fn draw(seed: u64, names: &[&str]) -> u64 {
    let mut hash = mix(seed ^ 0x5851_f42d_4c95_7f2d);
    for name in names {
        for byte in name.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        hash = mix(hash ^ 0xff);
    }
    hash
}

/// Spreads every bit of `x` over all of the result (the finaliser of SplitMix64).
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_is_one_history_and_another_seed_is_another() {
        let take = |seed| {
            let mut chance = Chance::new(seed, "kills");
            (0..20).map(|_| chance.below(1000)).collect::<Vec<_>>()
        };
        assert_eq!(take(7), take(7));
        assert_ne!(take(7), take(8));
        assert_eq!(draw(7, &["a", "b"]), draw(7, &["a", "b"]));
        assert_ne!(draw(7, &["a", "b"]), draw(7, &["ab"]));
    }

    #[test]
    fn draws_spread_evenly() {
        let hits = (0..10_000).filter(|n| draw(1, &["rcpt", &n.to_string()]) % 1000 < 50).count();
        assert!((400..600).contains(&hits), "{hits} of an expected 500");
    }
}
