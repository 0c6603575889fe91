//! An adapter that sends nothing: for stories, the demo, tests and the first days of a shop.
//!
//! [`Sandbox`] serves any channel under any name. What it was handed goes to a [`Log`] in memory, to a file, or both; what
//! comes of it is `accepted`, unless a [`Script`] says otherwise. Equal calls in equal order have equal outcomes.

mod adapter;
mod file;
mod log;
mod script;

pub use adapter::Sandbox;
pub use file::FileLog;
pub use log::{Entry, Log};
pub use script::{Rule, Script};

#[cfg(test)]
mod tests;
