//! Chance that follows from a seed alone (SplitMix64, Steele et al. 2014).

/// A stream of numbers.
#[derive(Debug, Clone)]
pub struct Chance(u64);

fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

impl Chance {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Self {
        Self(mix(seed ^ 0x5eed))
    }

    /// The stream of something within a seed, whatever was drawn elsewhere.
    pub fn of(seed: u64, what: &[u8]) -> Self {
        let mut hash = mix(seed);
        for byte in what {
            hash = mix(hash ^ u64::from(*byte)).wrapping_add(0x9e37_79b9_7f4a_7c15);
        }
        Self(hash)
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// Below `n`; 0 for 0.
    pub fn below(&mut self, n: u64) -> u64 {
        self.draw().checked_rem(n).unwrap_or(0)
    }

    /// From `least` to `most`, both included.
    pub fn between(&mut self, least: i64, most: i64) -> i64 {
        least + i64::try_from(self.below(u64::try_from(most - least + 1).unwrap_or(1))).unwrap_or(0)
    }

    /// A place below `n`.
    pub fn place(&mut self, n: usize) -> usize {
        usize::try_from(self.below(n as u64)).unwrap_or(0)
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// One of these.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        if of.is_empty() { None } else { of.get(self.place(of.len())) }
    }
}
