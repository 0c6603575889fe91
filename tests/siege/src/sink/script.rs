//! The script of a sink: what it does to which try. Drawn from the seed by the address and how often it was tried, so that
//! one seed means one fate for each message, whatever the threads do.

use crate::chance::draw;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// What happens to one try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conduct {
    /// Taken, and said so.
    Take,
    /// Taken, said so after a while.
    Slow(Duration),
    /// Taken, said so byte by byte.
    Drip(Duration),
    /// Taken, and the connection ends before the answer.
    Cut,
    /// Taken, and nothing is ever said.
    Mute,
    /// Taken, and the answer makes no sense.
    Garbled,
    /// Not taken: silence before any content.
    Deaf,
    /// Not taken: the connection ends before any content.
    Reset,
    /// Not taken: the connection ends in the middle of the content.
    ResetInside,
    /// Not taken: later, said before the content.
    LaterAtOnce,
    /// Not taken: later, said after the content.
    Later,
    /// Not taken: this message never.
    Refuse,
    /// Not taken: nobody is at this address.
    Dead,
}

/// How often what happens, in ten-thousandths of all tries. What is left is taken.
#[derive(Debug, Clone)]
pub struct Rates(Vec<(u64, Conduct)>);

impl Rates {
    /// Everything is taken.
    pub fn kind() -> Self {
        Self(Vec::new())
    }

    /// As providers behave on a bad day: one answer in a hundred is withheld, a few in a hundred are other trouble.
    pub fn rough() -> Self {
        Self(vec![
            (70, Conduct::Cut),
            (30, Conduct::Garbled),
            (60, Conduct::Slow(Duration::from_millis(700))),
            (30, Conduct::Drip(Duration::from_millis(30))),
            (60, Conduct::Reset),
            (40, Conduct::ResetInside),
            (60, Conduct::LaterAtOnce),
            (60, Conduct::Later),
            (30, Conduct::Refuse),
        ])
    }

    /// The same with silence: rare, as each costs its batch the deadline of a hand-over.
    pub fn with_silence(mut self) -> Self {
        self.0.push((1, Conduct::Mute));
        self.0.push((1, Conduct::Deaf));
        self
    }
}

/// Addresses of which nobody is there, in ten-thousandths.
const DEAD: u64 = 20;

/// What one sink does.
#[derive(Debug)]
pub struct Script {
    seed: u64,
    name: &'static str,
    rates: Rates,
    tries: Mutex<HashMap<String, u64>>,
}

impl Script {
    /// A script under a seed; `name` keeps the sinks apart.
    pub fn new(seed: u64, name: &'static str, rates: Rates) -> Self {
        Self { seed, name, rates, tries: Mutex::default() }
    }

    /// What happens to the next try for this address.
    pub fn next(&self, address: &str) -> Conduct {
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        let nth = tries.entry(address.to_owned()).or_default();
        *nth += 1;
        self.of(address, *nth)
    }

    fn of(&self, address: &str, nth: u64) -> Conduct {
        if !self.rates.0.is_empty() && draw(self.seed, &[self.name, "dead", address]) % 10_000 < DEAD {
            return Conduct::Dead;
        }
        let mut drawn = draw(self.seed, &[self.name, address, &nth.to_string()]) % 10_000;
        for (often, conduct) in &self.rates.0 {
            if drawn < *often {
                return *conduct;
            }
            drawn -= often;
        }
        Conduct::Take
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// One conduct, always.
    pub(in crate::sink) fn only(conduct: Conduct) -> Rates {
        Rates(vec![(10_000, conduct)])
    }

    #[test]
    fn a_seed_is_a_script_and_every_conduct_happens() {
        let script = |seed| Script::new(seed, "smtp", Rates::rough());
        let fates = |script: &Script| (0..30_000).map(|n| script.of("a", n)).collect::<Vec<_>>();
        let first = fates(&script(3));
        assert_eq!(first, fates(&script(3)));
        assert_ne!(first, fates(&script(4)));
        for (_, conduct) in Rates::rough().0 {
            assert!(first.contains(&conduct), "{conduct:?}");
        }
        let taken = first.iter().filter(|conduct| **conduct == Conduct::Take).count();
        assert!((27_000..30_000).contains(&taken), "{taken}");
    }

    #[test]
    fn who_is_not_there_is_never_there() {
        let script = Script::new(5, "smtp", Rates::rough());
        let dead = (0..10_000).map(|n| format!("c{n}")).find(|who| script.of(who, 1) == Conduct::Dead);
        let dead = dead.expect("one in five hundred");
        assert!((0..50).all(|nth| script.of(&dead, nth) == Conduct::Dead));
    }
}
