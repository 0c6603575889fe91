//! What the judge says, and why.

use crate::PackSet;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use words::diagnostic::Text;
use words::{Basis, Timestamp, ZoneSource};

/// The judge's answer. The strictest rule wins: block over delay over allow.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// What to do.
    pub decision: Decision,
    /// Every reason that bears on it, the deciding ones first. Never empty for a delay or a block; for an allow, the
    /// consent that it stands on and the rules that the class is exempt from.
    pub reasons: Vec<Reason>,
    /// Until when an allow stays true if no fact changes: the end of the window, of the consent, of the message.
    /// Exclusive. [`Timestamp::MAX`] where nothing ends it.
    pub valid_until: Timestamp,
    /// Whether handing over uses up one of the caps: then record a [`crate::CapUse`] in the same transaction.
    pub uses_cap: bool,
    /// The consent that an allow stands on, where one was needed.
    pub consent: Option<ConsentBasis>,
    /// Whose clocks decided, where a window was looked at.
    pub clocks: Option<Clocks>,
    /// The packs that were asked.
    pub packs: PackSet,
}

/// What to do with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum Decision {
    /// Send it.
    Allow,
    /// Ask again at this instant; never earlier than now.
    Delay {
        /// The first instant at which it might be allowed.
        until: Timestamp,
    },
    /// Never send it.
    Block,
}

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The rule's stable id, like `CNS-001`.
    pub rule: Cow<'static, str>,
    /// For machines, like `consent_missing`. One rule may have several.
    pub code: Cow<'static, str>,
    /// What it does to the message.
    pub outcome: Outcome,
    /// The sentence for people.
    pub text: Text,
}

/// What a reason does to the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The rule was asked and is content.
    Pass,
    /// The rule does not bind this class; recorded because that is a decision.
    Exempt,
    /// It has to wait.
    Delay,
    /// It must not go out.
    Block,
}

/// The consent that a message stands on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentBasis {
    /// The purpose as the customer's word names it; `None`: every purpose.
    pub purpose: Option<String>,
    /// The channel as the customer's word names it; `None`: every channel.
    pub channel: Option<String>,
    /// What it stands on.
    pub basis: Basis,
    /// When it was given.
    pub at: Timestamp,
    /// From when on it no longer counts, the law's own limit included.
    pub expires_at: Option<Timestamp>,
    /// How it was given.
    pub method: String,
    /// SHA-256 of the wording, where recorded.
    pub text_hash: Option<String>,
}

/// Whose clocks decided about windows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clocks {
    /// The zones, by IANA name; more than one where the recipient's is unknown.
    pub zones: Vec<String>,
    /// Where the zone was learnt from; `None`: it is not known and all of `zones` had to agree.
    pub source: Option<ZoneSource>,
}

impl Verdict {
    /// Whether the message may go out.
    pub fn is_allow(&self) -> bool {
        self.decision == Decision::Allow
    }

    /// The reason that decided; for an allow the first one recorded, if any.
    pub fn first_reason(&self) -> Option<&Reason> {
        self.reasons.first()
    }
}

impl Reason {
    pub(crate) fn new(
        rule: impl Into<Cow<'static, str>>,
        code: &'static str,
        outcome: Outcome,
        en: impl Into<String>,
        ja: impl Into<String>,
    ) -> Self {
        Self { rule: rule.into(), code: Cow::Borrowed(code), outcome, text: Text::new(en, ja) }
    }
}
