//! What bytes from outside may never do, as one function for each reader that the world can reach.
//!
//! A target takes any bytes and panics where a promise is broken: that nothing panics, and beyond that what the target's own
//! comment says. [`TARGETS`] is the list. Two callers: the fuzzers in `libfuzzer/`, guided by coverage, for as long as one
//! likes; and `tests/short.rs`, which plays the seeds and some thousands of mutations of them with every test run, so that
//! no target rots. See README.md.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a target tells by panicking")]

mod callbacks;
mod events;
mod expressions;
mod headers;
mod journeys;
mod links;
mod mail;
pub mod mutate;
mod parts;
mod queries;
mod shops;
mod signatures;
mod smtp;
mod tables;
mod templates;
mod urls;
mod values;

/// One reader, and how to try it.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name: of the fuzzer, and of its folder in `seeds`.
    pub name: &'static str,
    /// Takes any bytes; panics where a promise is broken.
    pub run: fn(&[u8]),
    /// How many mutations a test run plays.
    pub short: u32,
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target { name: "links", run: links::run, short: 4_000 },
    Target { name: "events", run: events::run, short: 4_000 },
    Target { name: "signatures", run: signatures::run, short: 3_000 },
    Target { name: "shops", run: shops::run, short: 3_000 },
    Target { name: "callbacks", run: callbacks::run, short: 4_000 },
    Target { name: "journeys", run: journeys::run, short: 400 },
    Target { name: "expressions", run: expressions::run, short: 400 },
    Target { name: "templates", run: templates::run, short: 200 },
    Target { name: "mail", run: mail::run, short: 1_500 },
    Target { name: "smtp", run: smtp::run, short: 4_000 },
    Target { name: "headers", run: headers::run, short: 4_000 },
    Target { name: "urls", run: urls::run, short: 4_000 },
    Target { name: "tables", run: tables::run, short: 3_000 },
    Target { name: "values", run: values::run, short: 3_000 },
    Target { name: "queries", run: queries::run, short: 4_000 },
];

/// Runs the target of this name; for the fuzzers.
///
/// # Panics
/// Where there is no such target, and where the target finds a promise broken.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.expect("a fuzzer has the name of a target").run)(bytes);
}
