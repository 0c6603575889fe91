//! All rules in one go.

use crate::{Decision, Facts, Packs, Stage, Verdict};
use words::Timestamp;

/// Judges one message at one instant.
pub fn judge(packs: &Packs, facts: &Facts<'_>, stage: Stage, now: Timestamp) -> Verdict {
    let _ = (stage, now);
    Verdict {
        decision: Decision::Block,
        reasons: Vec::new(),
        valid_until: Timestamp::MAX,
        uses_cap: facts.message.class == words::MessageClass::Marketing,
        consent: None,
        clocks: None,
        packs: packs.set().clone(),
    }
}
