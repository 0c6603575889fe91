//! Message classes and what follows from them.

use serde::{Deserialize, Serialize};

/// What kind of message a purpose allows. A purpose fixes it; a journey cannot choose it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageClass {
    /// Advertising: needs consent, obeys caps and quiet hours, carries an unsubscribe link.
    Marketing,
    /// Information about something the customer has: obeys quiet hours and suppression.
    Service,
    /// What the customer asked for or bought: receipts, deliveries.
    Transactional,
    /// What a law makes us send.
    Regulatory,
    /// One-time codes, fraud warnings.
    Security,
}

impl MessageClass {
    /// Every class, in the order of the glossary.
    pub const ALL: [Self; 5] =
        [Self::Marketing, Self::Service, Self::Transactional, Self::Regulatory, Self::Security];

    /// The name in YAML, tables and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Marketing => "marketing",
            Self::Service => "service",
            Self::Transactional => "transactional",
            Self::Regulatory => "regulatory",
            Self::Security => "security",
        }
    }

    /// Reads that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == text)
    }

    /// Whether what is written as this class may go out under a purpose of another: under one that asks for as much or
    /// more, never under one with fewer rules. A receipt may be advertised with; advertising is no receipt.
    pub fn may_go_out_as(self, purpose: Self) -> bool {
        let freedom = |class| match class {
            Self::Marketing => 0,
            Self::Service => 1,
            Self::Transactional => 2,
            Self::Regulatory | Self::Security => 3,
        };
        freedom(purpose) <= freedom(self)
    }

    /// Who bears the ambiguity when only the provider knows whether it accepted.
    pub fn delivery_class(self, provider_takes_keys: bool) -> DeliveryClass {
        match (provider_takes_keys, self) {
            (true, _) => DeliveryClass::Keyed,
            (false, Self::Marketing | Self::Service) => DeliveryClass::NeverTwice,
            (false, Self::Transactional | Self::Regulatory | Self::Security) => DeliveryClass::NeverLost,
        }
    }
}

/// What to do when the outcome of a hand-over cannot be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryClass {
    /// Never resent blindly: `unknown` until evidence settles it.
    NeverTwice,
    /// Resent with the same identity and the same bytes.
    NeverLost,
    /// Resent with the same idempotency key, within the provider's retention.
    Keyed,
}

/// What a consent stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The customer agreed, provably.
    Express,
    /// The customer agreed in writing (TCPA prior express written consent).
    ExpressWritten,
    /// An existing relationship, where the law knows one (soft opt-in, CASL implied).
    Implied,
}

#[cfg(test)]
mod tests {
    use super::MessageClass::{Marketing, Regulatory, Security, Service, Transactional};

    #[test]
    fn what_is_written_for_strict_rules_never_goes_out_under_looser_ones() {
        for (written, purpose, may) in [
            (Marketing, Marketing, true),
            (Marketing, Service, false),
            (Marketing, Transactional, false),
            (Service, Transactional, false),
            (Service, Marketing, true),
            (Transactional, Service, true),
            (Transactional, Security, false),
            (Security, Regulatory, true),
        ] {
            assert_eq!(written.may_go_out_as(purpose), may, "{written:?} as {purpose:?}");
        }
    }
}
