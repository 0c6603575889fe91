//! The one HTTP client of the program: every request that leaves it goes through here.
//!
//! It is bounded (our own deadline around the whole call, 64 KiB of answer, no redirects, no proxy, no decompression),
//! guarded (see [`Reach`]) and exact about how far a request came: the body passes through a [gate](mod@gate) that records
//! whether a byte of it was asked for, and that can be shut, so that "not sent" is a proof and not a guess.
//!
//! Invariant: no other crate makes an HTTP client.

mod client;
pub mod gate;
mod guard;
mod outcome;
mod redact;
mod reply;
mod retry_after;
#[cfg(feature = "scripted")]
pub mod scripted;

pub use client::{Client, Request, Settings, SettingsError};
pub use guard::{NotAllowed, Reach, check_url, is_public};
pub use redact::{is_id, one_line};
pub use reply::{ANSWER_BYTES_MAX, Answer, AnswerBody, Reply};
pub use retry_after::{PAUSE_DEFAULT, PAUSE_MAX, PAUSE_MIN, pause};

#[cfg(all(test, feature = "scripted"))]
mod tests;
