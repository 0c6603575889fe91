//! Whole projects, compiled and rendered.
#![allow(clippy::unwrap_used, clippy::panic)]

mod mail;
mod project;
mod shipped;
