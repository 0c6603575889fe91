#![allow(clippy::unwrap_used, clippy::panic)]
//! Every rule as a small story: a situation, an instant, and what the judge says.

use super::*;
use words::calendar::Window;
use words::{
    Address, AddressState, Basis, Channel, Consent, ConsentState, Country, Customer, CustomerId, Elapsed,
    Evidence, Language, MessageClass, Timestamp, Zone, ZoneSource,
};

mod caps;
mod consent;
mod hours;
mod invariants;
mod other;
mod zones;

static PACKS: std::sync::LazyLock<Packs> = std::sync::LazyLock::new(Packs::built_in);

pub(super) fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

pub(super) fn country(text: &str) -> Country {
    Country::parse(text).unwrap()
}

/// A situation, with everything in favour of sending until a test changes it: a Japanese customer with consent, on
/// e-mail, at noon in Tokyo.
pub(super) struct Story {
    pub(super) customer: Customer,
    pub(super) brand: Brand,
    pub(super) class: MessageClass,
    pub(super) channel: Channel,
    pub(super) address: Option<Address>,
    pub(super) priority: i32,
    pub(super) due_at: Timestamp,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) late_max: Option<Elapsed>,
    pub(super) cap_uses: Vec<(Timestamp, Channel)>,
    pub(super) competitors: Vec<(u8, i32, Timestamp)>,
    /// The class and the channel of the competitors; on the message's own channel where `None`.
    pub(super) competing: (MessageClass, Option<Channel>),
    pub(super) suppressions: Vec<Suppression>,
    pub(super) stops: Vec<Stop>,
    pub(super) held: bool,
    pub(super) consents_known: bool,
    pub(super) stage: Stage,
    pub(super) now: Timestamp,
}

impl Story {
    pub(super) fn new() -> Self {
        let now = at("2026-11-18T12:00:00+09:00");
        let mut customer = Customer::new(CustomerId([1; 16]), at("2026-01-01T00:00:00Z"));
        customer.country = Some(Country::JP);
        customer.zone = Some((Zone::parse("Asia/Tokyo").unwrap(), ZoneSource::Stated));
        let mut story = Self {
            customer,
            brand: Brand::new(vec![Country::JP], Zone::parse("Asia/Tokyo").unwrap()),
            class: MessageClass::Marketing,
            channel: Channel::EMAIL,
            address: None,
            priority: 0,
            due_at: now,
            expires_at: None,
            late_max: None,
            cap_uses: Vec::new(),
            competitors: Vec::new(),
            competing: (MessageClass::Marketing, None),
            suppressions: Vec::new(),
            stops: Vec::new(),
            held: false,
            consents_known: true,
            stage: Stage::HandOver,
            now,
        };
        story.grant(Basis::Express, "2026-01-01T00:00:00Z");
        story.on(Channel::EMAIL)
    }

    /// A customer in the United States with written consent, at noon in New York.
    pub(super) fn american() -> Self {
        let mut story = Self::new();
        story.customer.country = Some(Country::US);
        story.customer.zone = Some((Zone::parse("America/New_York").unwrap(), ZoneSource::Stated));
        story.customer.consents.clear();
        story.grant(Basis::ExpressWritten, "2026-01-01T00:00:00Z");
        story.brand = Brand::new(vec![Country::US], Zone::parse("America/New_York").unwrap());
        story.at("2026-11-18T12:00:00-05:00")
    }

    pub(super) fn on(mut self, channel: Channel) -> Self {
        let value = match channel.as_str() {
            "email" => "hanako@example.jp",
            "sms" if self.customer.country == Some(Country::US) => "+12125550100",
            "sms" => "+819012345678",
            _ => "token",
        };
        self.address = Some(Address {
            channel: channel.clone(),
            value: value.to_owned(),
            state: AddressState::Active,
            added_at: at("2026-11-01T00:00:00Z"),
            seen_at: None,
        });
        self.channel = channel;
        self
    }

    pub(super) fn class(mut self, class: MessageClass) -> Self {
        self.class = class;
        self
    }

    pub(super) fn at(mut self, text: &str) -> Self {
        self.now = at(text);
        self.due_at = self.now;
        self
    }

    pub(super) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// A word on everything, on top of the others.
    pub(super) fn word(&mut self, state: ConsentState, basis: Basis, when: &str) -> &mut Consent {
        self.customer.consents.push(Consent {
            purpose: None,
            channel: None,
            state,
            basis,
            at: at(when),
            expires_at: None,
            evidence: Evidence { method: "web_form".to_owned(), ..Evidence::default() },
        });
        self.customer.consents.last_mut().unwrap()
    }

    pub(super) fn grant(&mut self, basis: Basis, when: &str) -> &mut Consent {
        self.word(ConsentState::Granted, basis, when)
    }

    pub(super) fn revoke(&mut self, when: &str) -> &mut Consent {
        self.word(ConsentState::Revoked, Basis::Express, when)
    }

    pub(super) fn judge(&self) -> Verdict {
        let packs = PACKS.clone();
        let cap_uses: Vec<CapUse<'_>> =
            self.cap_uses.iter().map(|(at, channel)| CapUse { at: *at, channel }).collect();
        let competitors: Vec<Competitor<'_>> = self
            .competitors
            .iter()
            .map(|(id, priority, due_at)| Competitor {
                id: [*id; 16],
                name: "other_offer",
                journey: Some("win_back"),
                class: self.competing.0,
                channel: self.competing.1.as_ref().unwrap_or(&self.channel),
                priority: *priority,
                due_at: *due_at,
            })
            .collect();
        let facts = Facts {
            customer: &self.customer,
            consents_known: self.consents_known,
            message: Message {
                id: [100; 16],
                name: "this_offer",
                journey: Some("autumn"),
                class: self.class,
                purpose: "offers",
                channel: &self.channel,
                address: self.address.as_ref(),
                address_seen_at: None,
                priority: self.priority,
                planned_at: self.due_at,
                due_at: self.due_at,
                expires_at: self.expires_at,
                late_max: self.late_max,
            },
            brand: &self.brand,
            cap_uses: &cap_uses,
            competitors: &competitors,
            suppressions: &self.suppressions,
            stops: &self.stops,
            held: self.held,
        };
        let verdict = judge(&packs, &facts, self.stage, self.now);
        check_shape(&verdict, self);
        verdict
    }

    /// `allow`, `block CNS-001 consent_missing`, `delay QH-005 quiet_hours 2026-11-18T23:00:00Z`.
    #[track_caller]
    pub(super) fn says(&self, expected: &str) -> Verdict {
        let verdict = self.judge();
        let first = verdict.first_reason().map(|r| format!(" {} {}", r.rule, r.code)).unwrap_or_default();
        let said = match verdict.decision {
            Decision::Allow => "allow".to_owned(),
            Decision::Delay { until } => format!("delay{first} {until}"),
            Decision::Block => format!("block{first}"),
        };
        assert_eq!(said, expected, "{:#?}", verdict.reasons);
        verdict
    }
}

/// What holds of every verdict.
fn check_shape(verdict: &Verdict, story: &Story) {
    match verdict.decision {
        Decision::Allow => {
            assert!(verdict.valid_until > story.now);
            assert!(verdict.reasons.iter().all(|r| matches!(r.outcome, Outcome::Pass | Outcome::Exempt)));
        }
        Decision::Delay { until } => {
            assert!(until > story.now);
            assert_eq!(verdict.reasons[0].outcome, Outcome::Delay);
        }
        Decision::Block => assert_eq!(verdict.reasons[0].outcome, Outcome::Block),
    }
    for reason in &verdict.reasons {
        for language in [Language::En, Language::Ja] {
            let text = reason.text.get(language);
            assert!(!text.is_empty() && !text.contains('@') && !text.contains("+81"), "{text}");
        }
    }
    assert_eq!(verdict.packs.packs().len(), 7);
}
