//! The product as it runs: real `tabi serve` processes, HTTP in, SMTP out, `kill -9` in between.

#![allow(clippy::print_stderr, clippy::print_stdout)] // a failing test prints what replays it

mod answers;
mod bad_input;
mod bombs;
mod clients;
mod dedupe;
mod demo;
mod go_live;
mod held;
mod http;
mod nodes;
mod openapi;
mod reviewer;
mod shop;
mod silence;
mod sink;
mod stopping;

use std::time::{Duration, Instant};

/// Polls until `done` gives something; fails with what `what` says after `limit`.
#[track_caller]
fn until<T>(limit: Duration, what: &str, mut done: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + limit;
    loop {
        if let Some(done) = done() {
            return done;
        }
        assert!(Instant::now() < end, "after {} s still not: {what}", limit.as_secs());
        std::thread::sleep(Duration::from_millis(25));
    }
}

/// The longest that anything may take here; a slow machine must not fail.
const PATIENCE: Duration = Duration::from_secs(90);
