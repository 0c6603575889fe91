//! Mutations that follow from a seed: what a test run plays instead of a fuzzer.

/// A source of numbers that follow from a seed (SplitMix64, Steele and others 2014).
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`; 0 where `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.number() % (end.max(1) as u64)) as usize
    }
}

/// What breaks readers: ends, doubled ends, signs of the notations that the targets read, odd characters, odd numbers.
const SHARDS: [&[u8]; 56] = [
    b"\n",
    b"\r\n",
    b"\r",
    b"\0",
    b"\t",
    b" ",
    b"  ",
    b"\"",
    b"'",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b"(",
    b")",
    b":",
    b": ",
    b"- ",
    b",",
    b";",
    b"=",
    b"&",
    b"%00",
    b"%",
    b"+",
    b"@",
    b"#",
    b"/",
    b"//",
    b"..",
    b"?",
    b"<",
    b">",
    b"=?",
    b"?=",
    b"\n.\n",
    b"--",
    b"{{",
    b"}}",
    b"{%",
    b"%}",
    b"-1",
    b"0",
    b"9223372036854775808",
    b"1e999",
    b"null",
    b"true",
    b"\xff",
    b"\xc3\x28",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xa8",
    b"\xe6\x97\x85",
    b"\xf0\x9f\x91\xa9",
    b"\xcc\x81",
    b"\xef\xbc\x9d",
];

/// `seed` with one to eight changes, at most `max` bytes long. `other` lends pieces of itself.
pub fn mutated(chance: &mut Chance, seed: &[u8], other: &[u8], max: usize) -> Vec<u8> {
    let mut out = seed.to_vec();
    for _ in 0..=chance.below(8) {
        let at = chance.below(out.len() + 1);
        let end = (at + chance.below(24)).min(out.len());
        match chance.below(9) {
            0 if !out.is_empty() => {
                let bit = chance.below(8);
                let at = at.min(out.len() - 1);
                out[at] ^= 1 << bit;
            }
            1 => out.insert(at, chance.number() as u8),
            2 => drop(out.drain(at..end)),
            3 => {
                let shard = SHARDS[chance.below(SHARDS.len())];
                out.splice(at..at, shard.iter().copied());
            }
            4 => {
                let shard = SHARDS[chance.below(SHARDS.len())];
                out.splice(at..end, shard.iter().copied());
            }
            5 => {
                let copy = out[at..end].to_vec();
                let to = chance.below(out.len() + 1);
                out.splice(to..to, copy);
            }
            6 => {
                let copy = out[at..end].repeat(1 + chance.below(40));
                out.splice(at..end, copy);
            }
            7 if !other.is_empty() => {
                let from = chance.below(other.len());
                let piece = other[from..(from + chance.below(64)).min(other.len())].to_vec();
                out.splice(at..end, piece);
            }
            _ => out.truncate(at.max(out.len() / 2)),
        }
    }
    out.truncate(max);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_mutations_and_they_differ() {
        let play = |seed| {
            let mut chance = Chance::new(seed);
            (0..50).map(|_| mutated(&mut chance, b"a seed", b"another", 200)).collect::<Vec<_>>()
        };
        assert_eq!(play(1), play(1));
        assert_ne!(play(1), play(2));
        assert!(play(1).iter().collect::<std::collections::BTreeSet<_>>().len() > 40);
    }
}
