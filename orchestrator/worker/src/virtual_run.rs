//! Virtual runs: the same machine, driven by a clock that jumps from one due time to the next.

use crate::Machine;
use store::{StoreError, VirtualClock};
use words::{Elapsed, Timestamp};

/// Batches within one instant. A million customers are two thousand.
const ROUNDS_MAX: usize = 200_000;

/// The least and the greatest step of the clock.
const NUDGE: Elapsed = Elapsed::from_millis(1);
const NUDGE_MAX: Elapsed = Elapsed::from_hours(1);

/// What a stretch of virtual time did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct RunReport {
    /// Steps of customers.
    pub steps: u64,
    /// Deliveries accepted.
    pub accepted: u64,
}

impl Machine {
    /// Does everything that is due now, until nothing is.
    pub async fn settle_now(&self) -> Result<RunReport, StoreError> {
        let mut report = RunReport::default();
        for _ in 0..ROUNDS_MAX {
            while self.scan().await? {}
            let step = self.step_batch().await?;
            report.steps += step.customers as u64;
            let sent = self.send(step.claimed).await?;
            let more = self.send_batch().await?;
            let answered = self.call_batch().await?;
            report.accepted += (sent.accepted + more.accepted) as u64;
            if step.customers == 0 && sent.claimed == 0 && more.claimed == 0 && answered == 0 {
                return Ok(report);
            }
        }
        Err(StoreError::Invalid(format!(
            "business time stands still at {}: journeys seem to start each other without end, by `emit` or `enroll`",
            self.clock.now()
        )))
    }

    /// Lets business time pass until `until`, stopping at every instant at which something falls due.
    pub async fn run_to(&self, clock: &VirtualClock, until: Timestamp) -> Result<RunReport, StoreError> {
        let mut report = RunReport::default();
        // What is due and cannot be done now must not hold the clock: it moves on, ever faster while nothing happens.
        let mut patience = NUDGE;
        loop {
            let done = self.settle_now().await?;
            report.steps += done.steps;
            report.accepted += done.accepted;
            let channels = self.channels();
            let next =
                [self.store.next_step_due(), self.store.next_send_due(&channels)].into_iter().flatten().min();
            match next {
                Some(next) if next <= until => {
                    let idle = done == RunReport::default();
                    patience = if idle { twice(patience).min(NUDGE_MAX) } else { NUDGE };
                    clock.set(next.max(store::Clock::now(clock).plus(patience)).min(until));
                }
                _ => {
                    clock.set(until);
                    return Ok(report);
                }
            }
        }
    }
}

fn twice(elapsed: Elapsed) -> Elapsed {
    Elapsed::from_micros(elapsed.as_micros().saturating_mul(2))
}
