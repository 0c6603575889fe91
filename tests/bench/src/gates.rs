//! The gates: what is compared with what, and how good is good enough.
//!
//! A gate is data: a limit, the product, perhaps a peer, each a closure that does its work once and measures it.

mod catalog;

use crate::Measure;
use crate::measure::Spread;
use crate::postgres::Cluster;
use anyhow::Result;
use std::cell::OnceCell;
use std::path::PathBuf;

pub use catalog::all;

/// Where a run takes place.
#[derive(Debug)]
pub struct Place {
    /// An empty folder on the disk that is measured, for everything that is written.
    pub folder: PathBuf,
    /// The `limits` binary.
    pub limits: PathBuf,
    /// The `tabi` binary.
    pub tabi: PathBuf,
    /// The folder of scripts of peers.
    pub scripts: PathBuf,
    /// A tenth of the work: for trying the suite, not for figures.
    pub quick: bool,
    /// How long the sustained mix lasts.
    pub minutes: f64,
    /// A PostgreSQL of its own; see [`Place::cluster`].
    pub cluster: OnceCell<Cluster>,
}

impl Place {
    /// A PostgreSQL of the suite's own, started at the first call.
    ///
    /// # Errors
    /// Where there is none to start.
    pub fn cluster(&self) -> Result<&Cluster> {
        if let Some(cluster) = self.cluster.get() {
            return Ok(cluster);
        }
        let script = self.scripts.with_file_name("postgres");
        let cluster = Cluster::start(&script, &self.folder.join("postgres"))?;
        Ok(self.cluster.get_or_init(|| cluster))
    }

    /// The full amount of work, or a tenth of it.
    pub fn amount(&self, full: u64) -> u64 {
        if self.quick { full / 10 } else { full }
    }
}

/// Does its work once and says what it took.
pub type Run = Box<dyn FnMut(&Place) -> Result<Measure>>;

/// What is read from a measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// Work per second of wall clock.
    Rate,
    /// Work per second of CPU.
    PerCpuSecond,
    /// The median of the single operations, in milliseconds.
    P50,
    /// The 99th of a hundred, in milliseconds.
    P99,
    /// The largest resident size, in MiB.
    Memory,
    /// Milliseconds for the whole.
    Duration,
    /// Microseconds of CPU per unit of work.
    CpuEach,
}

impl Figure {
    /// Its value; `None` where the measurement does not have it.
    pub fn of(self, measure: &Measure) -> Option<f64> {
        match self {
            Self::Rate => Some(measure.rate()),
            Self::PerCpuSecond => measure.per_cpu_second(),
            Self::P50 => measure.p50_ms,
            Self::P99 => measure.p99_ms,
            Self::Memory => measure.peak_rss.map(|bytes| bytes as f64 / f64::from(1 << 20)),
            Self::Duration => Some(measure.seconds * 1e3),
            Self::CpuEach => measure.cpu_us(),
        }
    }

    /// Its unit, given that of the work.
    pub fn unit(self, work: &str) -> String {
        match self {
            Self::Rate => format!("{work}/s"),
            Self::PerCpuSecond => format!("{work}/CPU-s"),
            Self::P50 => "ms p50".to_owned(),
            Self::P99 => "ms p99".to_owned(),
            Self::Memory => "MiB".to_owned(),
            Self::Duration => "ms".to_owned(),
            Self::CpuEach => "CPU µs".to_owned(),
        }
    }
}

/// Who takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The same work with nothing around it.
    Limit,
    /// What a user would pick instead.
    Peer,
    /// Tabi.
    Product,
}

/// One program of a gate.
pub struct Contender {
    /// Who it is.
    pub role: Role,
    /// What it is called in the table.
    pub name: &'static str,
    /// What it does, or why it cannot take part.
    pub run: Result<Run, &'static str>,
}

/// What must hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// The product's figure by that of the contender of this name.
    Ratio {
        /// The other one.
        to: &'static str,
        /// At least this.
        gate: f64,
        /// What we are after.
        stretch: f64,
    },
    /// The product's own figure.
    AtMost {
        /// Which one.
        figure: Figure,
        /// At most this.
        gate: f64,
        /// What we are after.
        stretch: f64,
    },
    /// The figure of one contender of this name.
    Of {
        /// Whose.
        of: &'static str,
        /// Which one.
        figure: Figure,
        /// At most this.
        gate: f64,
        /// What we are after.
        stretch: f64,
    },
    /// The figure of every product contender: the worst of them is named.
    Each {
        /// Which one.
        figure: Figure,
        /// At most this.
        gate: f64,
        /// What we are after.
        stretch: f64,
    },
    /// The figure of one contender by that of another: at most so many times as much.
    Times {
        /// Which one.
        figure: Figure,
        /// Of this one.
        of: &'static str,
        /// By that of this one.
        to: &'static str,
        /// At most this.
        gate: f64,
        /// What we are after.
        stretch: f64,
    },
    /// The figure of one contender less that of another: at most so much more.
    More {
        /// Which one.
        figure: Figure,
        /// Of this one.
        of: &'static str,
        /// Less that of this one.
        than: &'static str,
        /// At most this.
        gate: f64,
        /// What we are after.
        stretch: f64,
    },
}

/// One gate.
pub struct Gate {
    /// Its number.
    pub number: u8,
    /// The work, in a few words.
    pub name: &'static str,
    /// What is counted.
    pub unit: &'static str,
    /// What is compared.
    pub figure: Figure,
    /// Limit, peers, product.
    pub contenders: Vec<Contender>,
    /// What must hold.
    pub bounds: Vec<Bound>,
}

/// What all rounds of one contender say.
pub struct Standing {
    /// Who it is.
    pub role: Role,
    /// What it is called.
    pub name: &'static str,
    /// Every round, or why there is none.
    pub measures: Result<Vec<Measure>, String>,
}

impl Standing {
    /// One figure over all rounds.
    pub fn spread(&self, figure: Figure) -> Option<Spread> {
        Spread::of(self.measures.as_ref().ok()?.iter().filter_map(|measure| figure.of(measure)))
    }

    /// Median CPU microseconds per unit of work.
    pub fn cpu_us(&self) -> Option<f64> {
        let measures = self.measures.as_ref().ok()?;
        Spread::of(measures.iter().filter_map(Measure::cpu_us)).map(|spread| spread.median())
    }
}

impl Gate {
    /// Alternate the contenders for some rounds, the order turned round in every second one.
    ///
    /// A contender that fails is out, with its reason; the others go on.
    pub fn play(&mut self, place: &Place, rounds: usize, say: &dyn Fn(&str)) -> Vec<Standing> {
        let mut standings: Vec<Standing> = self
            .contenders
            .iter()
            .map(|contender| Standing {
                role: contender.role,
                name: contender.name,
                measures: contender.run.as_ref().map(|_| Vec::new()).map_err(|reason| (*reason).to_owned()),
            })
            .collect();
        for round in 0..rounds {
            let mut order: Vec<usize> = (0..self.contenders.len()).collect();
            if round % 2 == 1 {
                order.reverse();
            }
            for index in order {
                let (contender, standing) = (&mut self.contenders[index], &mut standings[index]);
                let (Ok(run), Ok(measures)) = (&mut contender.run, &mut standing.measures) else { continue };
                match run(place) {
                    Ok(measure) => {
                        let value = self.figure.of(&measure).unwrap_or(f64::NAN);
                        say(&format!("  round {} {}: {value:.0}", round + 1, contender.name));
                        measures.push(measure);
                    }
                    Err(error) => standing.measures = Err(format!("{error:#}")),
                }
            }
        }
        standings
    }
}

#[cfg(test)]
mod tests;
