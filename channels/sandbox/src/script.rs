//! What comes of hand-overs to the sandbox.

use channel::{Outcome, Stage};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

/// What comes of hand-overs to certain addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// The addresses: one as it is, or a pattern with `*` for any run of characters (`bounce@*`, `+8190*`).
    pub to: String,
    /// What comes of them.
    pub outcome: Outcome,
    /// How long the answer takes; longer than the deadline means `unknown`.
    #[serde(default)]
    pub delay: Duration,
    /// For how many hand-overs the rule holds; `None`: for ever.
    #[serde(default)]
    pub times: Option<u32>,
}

/// The script. Of what is asked of it the first that applies counts: the queue, the address's own outcomes, the rules in their order, the
/// built-in local parts, then `accepted`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// Outcomes of the next hand-overs, whoever they are to.
    #[serde(default)]
    pub next: VecDeque<Outcome>,
    /// Rules by address.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// Whether addresses such as `bounce@…` speak for themselves, see [`Script::built_in`].
    #[serde(default)]
    pub built_in: bool,
    /// Outcomes of a delivery's attempts, one after another; the last one stays.
    #[serde(default)]
    pub by_address: BTreeMap<String, VecDeque<Outcome>>,
}

impl Script {
    /// Everything is accepted.
    pub fn accepting() -> Self {
        Self::default()
    }

    /// Addresses speak for themselves, by what stands before the `@` (or anywhere, for tokens and numbers without one):
    ///
    /// | begins with | outcome |
    /// |---|---|
    /// | `bounce` | address dead |
    /// | `refuse` | message refused |
    /// | `optout` | message refused, opted out |
    /// | `misconfigured` | misconfigured |
    /// | `throttle` | throttled, 60 s |
    /// | `unavailable` | unavailable |
    /// | `unknown` | unknown, after the content |
    pub fn speaking_addresses() -> Self {
        Self { built_in: true, ..Self::default() }
    }

    /// This script with one more rule for ever.
    #[must_use]
    pub fn with(mut self, to: impl Into<String>, outcome: Outcome) -> Self {
        self.rules.push(Rule { to: to.into(), outcome, delay: Duration::ZERO, times: None });
        self
    }

    /// The outcome of a hand-over to `to` and how long it takes. Uses up the queue and the counts.
    pub(crate) fn take(&mut self, to: &str) -> (Option<Outcome>, Duration) {
        if let Some(outcome) = self.next.pop_front() {
            return (Some(outcome), Duration::ZERO);
        }
        if let Some(queue) = self.by_address.get_mut(to) {
            let outcome = if queue.len() > 1 { queue.pop_front() } else { queue.front().cloned() };
            if outcome.is_some() {
                return (outcome, Duration::ZERO);
            }
        }
        for rule in &mut self.rules {
            if rule.times == Some(0) || !matches_pattern(&rule.to, to) {
                continue;
            }
            rule.times = rule.times.map(|times| times - 1);
            return (Some(rule.outcome.clone()), rule.delay);
        }
        (if self.built_in { spoken(to) } else { None }, Duration::ZERO)
    }
}

fn spoken(to: &str) -> Option<Outcome> {
    let answer = "sandbox: the address asks for this".to_owned();
    let local = to.split('@').next().unwrap_or(to);
    Some(match local {
        local if local.starts_with("bounce") => Outcome::AddressDead { answer },
        local if local.starts_with("refuse") => Outcome::MessageRefused { answer },
        local if local.starts_with("optout") => {
            Outcome::MessageRefused { answer: format!("{}: {answer}", channel::OPTED_OUT) }
        }
        local if local.starts_with("misconfigured") => Outcome::Misconfigured { answer },
        local if local.starts_with("throttle") => {
            Outcome::Throttled { after: Duration::from_secs(60), answer }
        }
        local if local.starts_with("unavailable") => Outcome::Unavailable { answer },
        local if local.starts_with("unknown") => Outcome::Unknown { stage: Stage::Answer, answer },
        _ => return None,
    })
}

/// Whether `text` fits `pattern`, in which `*` stands for any run of characters. Linear in both.
fn matches_pattern(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let pieces: Vec<&str> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else { return rest.is_empty() };
    for piece in middle {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::matches_pattern;

    #[test]
    fn a_star_stands_for_any_run() {
        for (pattern, text, fits) in [
            ("a@b.c", "a@b.c", true),
            ("a@b.c", "aa@b.c", false),
            ("bounce@*", "bounce@example.com", true),
            ("*@example.com", "x@example.com", true),
            ("*@example.com", "x@example.org", false),
            ("+8190*", "+819012345678", true),
            ("*", "", true),
            ("a*a", "a", false),
            ("a*b*c", "a-b-b-c", true),
            ("", "x", false),
        ] {
            assert_eq!(matches_pattern(pattern, text), fits, "{pattern} {text}");
        }
    }
}
