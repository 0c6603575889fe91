//! Whole projects, compiled and rendered.
#![allow(clippy::unwrap_used, clippy::panic)]

mod codes;
mod mail;
mod pages;
mod project;
mod reference;
mod shipped;
mod slips;
