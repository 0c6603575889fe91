//! What an adapter can do, as data.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What an adapter can do. It selects the delivery class and the checks at compile time; nobody guesses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// The parts a message on this channel is made of.
    pub parts: Vec<Part>,
    /// Whether the provider takes idempotency keys, and for how long it remembers them.
    pub idempotency: Idempotency,
    /// Whether an `unknown` can be settled by asking the provider.
    pub query: bool,
    /// How many hand-overs may be in flight at once.
    pub concurrency_max: usize,
    /// The most bytes of a composed message.
    pub bytes_max: usize,
}

/// A part of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its name: `subject`, `html`, `text`, `title`, `body`, `data`.
    pub name: String,
    /// Whether a message cannot go without it.
    pub required: bool,
}

/// What a provider does with a key that it has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Idempotency {
    /// It takes none.
    None,
    /// It answers as the first time, for this long.
    Key {
        /// How long a key is remembered.
        retention: Duration,
    },
}
