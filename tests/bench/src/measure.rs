//! One measurement, and what many of them say together.

use serde::{Deserialize, Serialize};

/// What one run of one program did.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// Units of work done: steps, events, messages, renders.
    pub work: f64,
    /// Wall-clock seconds it took.
    pub seconds: f64,
    /// CPU seconds of the process that did it, where the system tells.
    #[serde(default)]
    pub cpu_seconds: Option<f64>,
    /// The largest resident size of that process, in bytes, where the system tells.
    #[serde(default)]
    pub peak_rss: Option<u64>,
    /// Half of the operations took at most this long, in milliseconds.
    #[serde(default)]
    pub p50_ms: Option<f64>,
    /// All but one in a hundred operations took at most this long, in milliseconds.
    #[serde(default)]
    pub p99_ms: Option<f64>,
}

impl Measure {
    /// Work per wall-clock second.
    pub fn rate(&self) -> f64 {
        self.work / self.seconds.max(1e-9)
    }

    /// CPU microseconds per unit of work.
    pub fn cpu_us(&self) -> Option<f64> {
        self.cpu_seconds.map(|cpu| cpu * 1e6 / self.work.max(1.0))
    }

    /// Work per CPU second.
    pub fn per_cpu_second(&self) -> Option<f64> {
        self.cpu_seconds.filter(|cpu| *cpu > 0.0).map(|cpu| self.work / cpu)
    }
}

/// Several values of one figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Spread {
    sorted: Vec<f64>,
}

impl Spread {
    /// Of these values; `None` when there are none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        (!sorted.is_empty()).then_some(Self { sorted })
    }

    /// The smallest.
    pub fn min(&self) -> f64 {
        self.sorted[0]
    }

    /// The largest.
    pub fn max(&self) -> f64 {
        self.sorted[self.sorted.len() - 1]
    }

    /// The middle one; the mean of the middle two.
    pub fn median(&self) -> f64 {
        let half = self.sorted.len() / 2;
        if self.sorted.len() % 2 == 1 {
            self.sorted[half]
        } else {
            f64::midpoint(self.sorted[half - 1], self.sorted[half])
        }
    }

    /// The value that `share` of all values do not exceed.
    pub fn at(&self, share: f64) -> f64 {
        let index = (share * self.sorted.len() as f64).ceil() as usize;
        self.sorted[index.clamp(1, self.sorted.len()) - 1]
    }

    /// Largest by smallest. More than 2 in an anchor: the machine was too busy to say anything.
    pub fn unrest(&self) -> f64 {
        self.max() / self.min().max(1e-12)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_knows_its_middle_its_ends_and_its_tail() {
        let spread = Spread::of([5.0, 1.0, 3.0, f64::NAN]).expect("three values");
        assert_eq!((spread.min(), spread.median(), spread.max()), (1.0, 3.0, 5.0));
        assert_eq!(spread.unrest(), 5.0);
        assert_eq!(Spread::of((1..=100).map(f64::from)).expect("many").at(0.99), 99.0);
        assert_eq!(Spread::of([1.0, 2.0]).expect("two").median(), 1.5);
        assert_eq!(Spread::of([]), None);
    }
}
