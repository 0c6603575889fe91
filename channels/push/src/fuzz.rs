//! What the fuzzers of `tests/fuzz` reach of this crate, and nobody else should.

use channel::Outcome;
use egress::Answer;

/// What an answer of the platform to a message for the token `to` means.
pub fn outcome(answer: &Answer, to: &str) -> Outcome {
    crate::answer::judge(answer, to)
}
