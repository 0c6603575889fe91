//! Stories: `journeys/*.test.yaml`, run on a virtual clock by the machine that runs live, with consent, caps, quiet hours,
//! retries and stops all in force. Only the adapters capture instead of sending, and the database lies in memory.

mod adapter;
mod expect;
mod happened;
mod run;

pub use run::{StoryError, run};

use words::{Text, Timestamp};

/// What came of a story.
#[derive(Debug, Clone, PartialEq)]
pub struct StoryResult {
    /// Expectations that were not met, in order; none: it passed.
    pub failures: Vec<Failure>,
    /// Everything that happened, one line each, for reading: by the clocks of the story's zone.
    pub timeline: Vec<Text>,
}

/// An expectation that was not met.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// Where it stands, bytes.
    pub span: std::ops::Range<usize>,
    /// When the story had come to it.
    pub at: Timestamp,
    /// What was expected and what happened.
    pub text: Text,
}
