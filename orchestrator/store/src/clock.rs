//! The two clocks. The business clock is what journeys, consents and people see; it may be virtual. The machine clock is
//! for leases, deadlines and tokens; it never is.

use std::sync::atomic::{AtomicI64, Ordering};
use words::Timestamp;

/// Where the two times come from.
pub trait Clock: std::marker::Send + Sync {
    /// Business time.
    fn now(&self) -> Timestamp;
    /// Machine time.
    fn machine_now(&self) -> Timestamp;
}

/// Both clocks are the computer's.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_jiff(jiff::Timestamp::now())
    }

    fn machine_now(&self) -> Timestamp {
        Timestamp::from_jiff(jiff::Timestamp::now())
    }
}

/// The business clock stands still until it is set, or runs on from where it was set; the machine clock is the computer's.
#[derive(Debug, Default)]
pub struct VirtualClock {
    /// Business time where it stands, or its distance from machine time where it runs, in microseconds.
    micros: AtomicI64,
    runs: std::sync::atomic::AtomicBool,
}

impl VirtualClock {
    /// Stands at `now`.
    pub fn at(now: Timestamp) -> Self {
        Self { micros: AtomicI64::new(now.as_micros()), runs: false.into() }
    }

    /// Sets it to `now`; it never goes back.
    pub fn set(&self, now: Timestamp) {
        if self.runs.load(Ordering::Acquire) {
            let ahead = now.since(self.now()).as_micros();
            self.micros.fetch_add(ahead.max(0), Ordering::AcqRel);
        } else {
            self.micros.fetch_max(now.as_micros(), Ordering::AcqRel);
        }
    }

    /// From here on business time passes as machine time does.
    pub fn run(&self) {
        let now = self.now();
        self.micros.store(now.since(self.machine_now()).as_micros(), Ordering::Release);
        self.runs.store(true, Ordering::Release);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        let micros = self.micros.load(Ordering::Acquire);
        if self.runs.load(Ordering::Acquire) {
            Timestamp::from_micros(self.machine_now().as_micros().saturating_add(micros))
        } else {
            Timestamp::from_micros(micros)
        }
    }

    fn machine_now(&self) -> Timestamp {
        SystemClock.machine_now()
    }
}
