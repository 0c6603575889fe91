//! The machine that moves customers through journeys, as functions of values.
//!
//! Pure: no clock, no I/O, no chance. Time is an argument, what is known of the customer comes in through [`Known`] and
//! [`View`], and everything that shall happen goes out as [`Effect`]s.
//!
//! - [`start`](fn@start) decides whether something that happened starts a journey for a customer.
//! - [`advance`](fn@advance) is the transition function of a running enrollment.
//! - [`Facts`] keeps the aggregates over events, [`membership`] and [`next_flip`] answer for segments.
//! - [`eval`](fn@eval) evaluates expressions. It is total: whatever the values, it answers.

mod advance;
mod decision;
mod effect;
mod eval;
mod experiment;
mod facts;
mod mentions;
mod reason;
mod schedule;
mod segment;
mod snapshot;
mod start;
mod state;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod testing;
mod view;
mod wait;

pub use advance::{Input, Transition, advance};
pub use decision::{Decision, Looked};
pub use effect::{Effect, Ending, PlannedMessage};
pub use eval::{Env, eval, holds};
pub use experiment::{HOLDOUT, arm_of, point_of};
pub use facts::{Facts, FactsError, changed_facts};
pub use mentions::needs_start_event;
pub use reason::Reason;
pub use schedule::{broadcast_at, next_date, next_due, next_tick};
pub use segment::{membership, next_flip};
pub use snapshot::{Items, NoItems, Snapshot};
pub use start::{Cause, NoStart, Previous, StartDecision, item_event, start, start_key};
pub use state::{Context, Position, State, Status};
pub use view::{Choice, Known, View};
