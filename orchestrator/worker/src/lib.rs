//! The machine that moves customers: step batches, send batches, calls, upkeep.
//!
//! The same code runs live, in stories and in the demo: the clock, the queue and the adapters are all that differs.

pub mod calls;
pub mod content;
mod fallback;
#[cfg(test)]
mod fixture;
mod judging;
mod likeness;
mod links;
pub mod live;
mod machine;
mod making;
mod metrics;
mod notices;
mod observer;
mod pacing;
pub mod programs;
mod renderer;
mod send;
mod settle;
pub mod step;
mod stepper;
pub mod story;
#[cfg(test)]
mod tests;
pub mod tickets;
mod timetable;
mod traces;
mod upkeep;
pub mod verdict;
mod virtual_run;
mod watch;

pub use live::{Items, Live, LiveError, deploy, make_live};
pub use machine::{Adapters, DecidedBatch, Machine, Parts, StepReport};
pub use metrics::Metrics;
pub use observer::Observer;
pub use programs::Programs;
pub use renderer::{InProcess, Renderer, Rendering};
pub use send::{HAND_OVER_DEADLINE, SendReport};
pub use settle::receipt_event;
pub use stepper::Stepper;
pub use virtual_run::RunReport;
