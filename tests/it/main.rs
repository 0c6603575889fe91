//! Product tests.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod cli;
mod live;
mod readme;
mod stories;
mod tidy;
