//! The messages of one journey to one address: how many there should be, what is listed, what arrived.
//!
//! Tabi's list does not know the driver's marks. A receipt names the listed message by its id; what was never received is
//! told apart by counting.

use super::Difference;
use crate::record::{Answer, Class, Expected, Received, Said};
use std::collections::BTreeSet;

/// What belongs together.
#[derive(Debug, Default)]
pub(super) struct Group<'a> {
    pub(super) expected: Vec<&'a Expected>,
    pub(super) said: Vec<&'a Said>,
    pub(super) taken: Vec<&'a Received>,
    /// What the sinks refused at this address, of whichever journey.
    pub(super) refusals: Vec<&'a Received>,
    /// How often something was done to the installation: each may have been a try without an answer.
    pub(super) faults: usize,
}

/// What a listed outcome means.
enum Listed {
    Sent,
    Unknown,
    NotSent,
    Open,
}

fn listed(outcome: &str) -> Listed {
    match outcome {
        "accepted" | "delivered" | "complained" => Listed::Sent,
        "unknown" => Listed::Unknown,
        "planned" | "handed_over" => Listed::Open,
        _ => Listed::NotSent,
    }
}

/// Attempts without an answer after which a message is set aside.
const STRIKES: usize = 3;

impl Group<'_> {
    pub(super) fn check(&self, out: &mut Vec<Difference>) {
        let known: BTreeSet<&str> = self.said.iter().flat_map(|said| names(said)).collect();
        let unlisted: BTreeSet<(&str, &str)> = self
            .taken
            .iter()
            .filter(|one| !known.contains(one.id.as_str()) && !known.contains(one.receipt.as_str()))
            .map(|one| (one.mark.as_str(), one.id.as_str()))
            .collect();
        for (mark, id) in unlisted {
            out.push(Difference::Unlisted { mark: mark.to_owned(), id: id.to_owned() });
        }
        self.lost(out);
        if self.said.len() > self.expected.len()
            && let Some(first) = self.expected.first()
        {
            out.push(Difference::PlannedTwice {
                to: first.to.clone(),
                journey: first.journey.clone(),
                listed: self.said.len(),
                asked: self.expected.len(),
            });
        }
        for said in &self.said {
            self.check_listed(said, out);
        }
    }

    /// Whoever was told must be listed: what the sinks took is counted first, what is left over has nothing to show.
    fn lost(&self, out: &mut Vec<Difference>) {
        let arrived: BTreeSet<&str> = self.taken.iter().map(|one| one.mark.as_str()).collect();
        let told: Vec<_> = self.expected.iter().filter(|one| one.told).collect();
        let missing = told.len().saturating_sub(self.said.len());
        let empty_handed = told.iter().filter(|one| !arrived.contains(one.mark.as_str()));
        for expected in empty_handed.take(missing) {
            out.push(Difference::Lost { mark: expected.mark.clone() });
        }
    }

    fn check_listed(&self, said: &Said, out: &mut Vec<Difference>) {
        let mine: BTreeSet<&str> = names(said).collect();
        let arrived = self.taken.iter().find(|one| {
            mine.contains(one.id.as_str()) || (!one.receipt.is_empty() && mine.contains(one.receipt.as_str()))
        });
        let never_lost = self.expected.iter().any(|one| one.class == Class::NeverLost);
        let (message, outcome) = (said.message.clone(), said.outcome.clone());
        match listed(&said.outcome) {
            Listed::Sent if arrived.is_none() => out.push(Difference::NotReceived { message, outcome }),
            Listed::Unknown if never_lost && !self.refused() => out.push(Difference::GivenUp { message }),
            Listed::Open => out.push(Difference::Open { message, outcome }),
            Listed::NotSent => {
                // What is set aside after three tries without an answer may have arrived in one of them.
                let set_aside = said.outcome == "quarantined" && self.struck(said);
                match arrived {
                    Some(one) if !set_aside && said.outcome != "bounced" => {
                        let why = format!("{message} is listed as {outcome}: {}", said.why);
                        out.push(Difference::SentThoughRefused { mark: one.mark.clone(), why });
                    }
                    Some(_) => {}
                    None if self.has_cause(said) => {}
                    None => {
                        out.push(Difference::NotSentWithoutCause { message, outcome, why: said.why.clone() })
                    }
                }
            }
            Listed::Sent | Listed::Unknown => {}
        }
    }

    /// Whether a later try may have been refused for good, so that there is nothing left to try.
    fn refused(&self) -> bool {
        self.refusals.iter().any(|one| matches!(one.answer, Answer::Refused | Answer::Dead))
    }

    /// Whether three tries can have ended without an answer. A process that was killed after it had claimed a message and
    /// before it handed it over leaves a strike and no attempt.
    fn struck(&self, said: &Said) -> bool {
        said.unanswered + self.faults >= STRIKES
    }

    /// Whether driver or sinks know why it was not sent.
    fn has_cause(&self, said: &Said) -> bool {
        let any = |answer: Answer| self.refusals.iter().any(|one| one.answer == answer);
        match said.outcome.as_str() {
            "quarantined" => self.struck(said),
            "rejected" | "bounced" => self.refused(),
            "suppressed" | "not_sent" => {
                let refused = |one: &&&Expected| one.refused.is_some() || one.revoked_us.is_some();
                any(Answer::Dead) || self.expected.iter().any(|one| refused(&one))
            }
            _ => false,
        }
    }
}

/// Every name that a sink may know a listed message by.
fn names(said: &Said) -> impl Iterator<Item = &str> {
    [said.message.as_str()]
        .into_iter()
        .chain(said.deliveries.iter().map(String::as_str))
        .chain(said.receipts.iter().map(String::as_str))
}
