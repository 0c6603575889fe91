//! What the fuzzers of `tests/fuzz` reach of this crate, and nobody else should.

use crate::SmsAdapter;
use channel::Outcome;
use egress::Answer;

/// What an answer of the provider to a message to `to` means.
pub fn outcome(adapter: &SmsAdapter, answer: &Answer, to: &str) -> Outcome {
    adapter.judge(answer, to)
}
