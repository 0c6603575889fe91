//! The machine on a store in memory: from an event to what a provider got, with everything that may happen in between.

#![allow(clippy::unwrap_used, clippy::panic)]

mod crashes;
mod door;
mod merge;
mod notices;
mod outcomes;
mod pacing;
mod queue;
mod rig;
mod starts_anew;
mod watch;
