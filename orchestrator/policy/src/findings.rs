//! What the rules have found so far, on its way to a verdict.

use crate::{Clocks, ConsentBasis, Decision, Facts, Outcome, Packs, Reason, Verdict};
use std::borrow::Cow;
use words::{Country, MessageClass, Timestamp, Zone};

/// One question to the judge.
pub(crate) struct Case<'a> {
    pub(crate) packs: &'a Packs,
    pub(crate) facts: &'a Facts<'a>,
    pub(crate) now: Timestamp,
    /// The countries whose law counts.
    pub(crate) regions: Vec<Country>,
}

/// What the rules have found.
pub(crate) struct Findings {
    pub(crate) reasons: Vec<Reason>,
    /// The first instant that the rules with a known end allow.
    pub(crate) earliest: Timestamp,
    /// Until when to wait for something whose end nobody knows.
    pub(crate) ask_again: Option<Timestamp>,
    pub(crate) valid_until: Timestamp,
    pub(crate) consent: Option<ConsentBasis>,
    pub(crate) clocks: Option<Clocks>,
}

impl Findings {
    pub(crate) fn new(earliest: Timestamp) -> Self {
        Self {
            reasons: Vec::new(),
            earliest,
            ask_again: None,
            valid_until: Timestamp::MAX,
            consent: None,
            clocks: None,
        }
    }

    pub(crate) fn say(
        &mut self,
        rule: impl Into<Cow<'static, str>>,
        code: &'static str,
        outcome: Outcome,
        en: String,
        ja: String,
    ) {
        let reason = Reason::new(rule, code, outcome, en, ja);
        if !self.reasons.contains(&reason) {
            self.reasons.push(reason);
        }
    }

    pub(crate) fn block(
        &mut self,
        rule: impl Into<Cow<'static, str>>,
        code: &'static str,
        en: String,
        ja: String,
    ) {
        self.say(
            rule,
            code,
            Outcome::Block,
            format!("not sent, because {en}"),
            format!("送信しません。理由: {ja}"),
        );
    }

    pub(crate) fn delay(
        &mut self,
        rule: impl Into<Cow<'static, str>>,
        code: &'static str,
        en: String,
        ja: String,
    ) {
        self.say(
            rule,
            code,
            Outcome::Delay,
            format!("not sent yet, because {en}"),
            format!("まだ送信しません。理由: {ja}"),
        );
    }

    pub(crate) fn ends(&mut self, at: Timestamp) {
        self.valid_until = self.valid_until.min(at);
    }

    pub(crate) fn is_blocked(&self) -> bool {
        self.reasons.iter().any(|reason| reason.outcome == Outcome::Block)
    }

    /// The strictest wins.
    pub(crate) fn into_verdict(mut self, case: &Case<'_>) -> Verdict {
        let until = self.ask_again.map_or(self.earliest, |at| at.max(self.earliest));
        let decision = if self.is_blocked() {
            Decision::Block
        } else if until > case.now {
            Decision::Delay { until }
        } else {
            Decision::Allow
        };
        self.reasons.sort_by_key(|reason| match reason.outcome {
            Outcome::Block => 0,
            Outcome::Delay => 1,
            Outcome::Pass => 2,
            Outcome::Exempt => 3,
        });
        Verdict {
            decision,
            reasons: self.reasons,
            valid_until: self.valid_until,
            uses_cap: case.facts.message.class == MessageClass::Marketing,
            consent: self.consent,
            clocks: self.clocks,
            packs: case.packs.set().clone(),
        }
    }
}

/// An instant as people read it: `2026-11-22 08:00 (Asia/Tokyo)`.
pub(crate) fn shown(at: Timestamp, zone: &Zone) -> String {
    let local = words::calendar::local_clock(zone, at);
    format!("{} {:02}:{:02} ({})", local.date(), local.hour(), local.minute(), zone)
}

/// The zone in which reasons tell the time: the customer's, else the brand's.
pub(crate) fn reading_zone<'a>(facts: &'a Facts<'_>) -> &'a Zone {
    facts.customer.zone.as_ref().map_or(&facts.brand.zone, |(zone, _)| zone)
}

pub(crate) fn class_ja(class: MessageClass) -> &'static str {
    match class {
        MessageClass::Marketing => "広告宣伝",
        MessageClass::Service => "サービス案内",
        MessageClass::Transactional => "取引連絡",
        MessageClass::Regulatory => "法定通知",
        MessageClass::Security => "セキュリティ",
    }
}
