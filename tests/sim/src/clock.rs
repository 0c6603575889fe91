//! Simulated time: one business clock and one machine clock for all nodes; a node's machine clock may be off.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use store::Clock;
use words::Timestamp;

/// The two times, in microseconds.
#[derive(Debug)]
pub struct Time {
    business: AtomicI64,
    machine: AtomicI64,
}

/// A second.
pub const SECOND: i64 = 1_000_000;
/// An hour.
pub const HOUR: i64 = 3600 * SECOND;

impl Time {
    /// Both at this instant.
    pub fn at(micros: i64) -> Arc<Self> {
        Arc::new(Self { business: AtomicI64::new(micros), machine: AtomicI64::new(micros) })
    }

    /// Time passes.
    pub fn pass(&self, business: i64, machine: i64) {
        self.business.fetch_add(business, Ordering::SeqCst);
        self.machine.fetch_add(machine, Ordering::SeqCst);
    }

    /// Business time.
    pub fn now(&self) -> i64 {
        self.business.load(Ordering::SeqCst)
    }

    /// Business time, as a timestamp.
    pub fn stamp(&self) -> Timestamp {
        Timestamp::from_micros(self.now())
    }

    /// Machine time.
    pub fn machine(&self) -> i64 {
        self.machine.load(Ordering::SeqCst)
    }
}

/// A node's view of it.
#[derive(Debug)]
pub struct NodeClock {
    /// The time.
    pub time: Arc<Time>,
    /// How far its machine clock is off, in microseconds.
    pub off: i64,
}

impl Clock for NodeClock {
    fn now(&self) -> Timestamp {
        self.time.stamp()
    }

    fn machine_now(&self) -> Timestamp {
        Timestamp::from_micros(self.time.machine() + self.off)
    }
}
