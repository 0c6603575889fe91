//! Customers and their consents.

use crate::{Address, Basis, Channel, Country, CustomerId, Locale, Timestamp, Value, Zone, ZoneSource};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A customer as every decision sees them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Customer {
    /// Ours.
    pub id: CustomerId,
    /// The shop's own id (Segment's `userId`), where there is one.
    pub user_id: Option<String>,
    /// Declared traits (name, birthday, plan …).
    #[serde(default)]
    pub traits: BTreeMap<String, Value>,
    /// Addresses on all channels; the first of a channel is the preferred one.
    #[serde(default)]
    pub addresses: Vec<Address>,
    /// The zone and where it was learnt from. `None`: unknown, and the strictest window counts.
    pub zone: Option<(Zone, ZoneSource)>,
    /// The country, where known.
    pub country: Option<Country>,
    /// The locale the customer reads.
    pub locale: Option<Locale>,
    /// The newest word on each (purpose, channel).
    #[serde(default)]
    pub consents: Vec<Consent>,
    /// The account the customer belongs to (B2B), by the shop's group id.
    pub account: Option<String>,
    /// When Tabi first heard of them, in business time.
    pub created_at: Timestamp,
}

impl Customer {
    /// A customer about whom nothing is known yet.
    pub fn new(id: CustomerId, created_at: Timestamp) -> Self {
        Self {
            id,
            user_id: None,
            traits: BTreeMap::new(),
            addresses: Vec::new(),
            zone: None,
            country: None,
            locale: None,
            consents: Vec::new(),
            account: None,
            created_at,
        }
    }

    /// The addresses on `channel` that are not dead, preferred first.
    pub fn reachable(&self, channel: &Channel) -> impl Iterator<Item = &Address> {
        self.addresses.iter().filter(move |a| a.channel == *channel && a.state == crate::AddressState::Active)
    }

    /// Applies one change of consent: the newest word on (purpose, channel) stays, ties go to the revocation.
    pub fn apply(&mut self, change: &ConsentChange) {
        let new = &change.consent;
        let same = |c: &Consent| c.purpose == new.purpose && c.channel == new.channel;
        match self.consents.iter_mut().find(|c| same(c)) {
            Some(old) if old.at > new.at => {}
            Some(old) if old.at == new.at && old.state == ConsentState::Revoked => {}
            Some(old) => *old = new.clone(),
            None => self.consents.push(new.clone()),
        }
    }

    /// The word that counts for (purpose, channel): the newest of those on this very pair, on the purpose over all
    /// channels, on the channel for all purposes, and on everything; ties go to the revocation.
    pub fn consent(&self, purpose: &str, channel: &Channel) -> Option<&Consent> {
        self.consents
            .iter()
            .filter(|c| c.purpose.as_deref().is_none_or(|p| p == purpose))
            .filter(|c| c.channel.as_ref().is_none_or(|ch| ch == channel))
            .max_by_key(|c| (c.at, c.state == ConsentState::Revoked))
    }
}

/// Granted or revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentState {
    /// The customer agreed.
    Granted,
    /// The customer refused, unsubscribed, complained.
    Revoked,
}

/// One word of the customer on one purpose and channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// Which purpose; `None`: every purpose.
    pub purpose: Option<String>,
    /// Which channel; `None`: every channel.
    pub channel: Option<Channel>,
    /// What was said.
    pub state: ConsentState,
    /// What a grant stands on.
    pub basis: Basis,
    /// When it was said, in business time.
    pub at: Timestamp,
    /// From when on a grant no longer counts.
    pub expires_at: Option<Timestamp>,
    /// How we can prove it.
    pub evidence: Evidence,
}

/// How a consent can be proved.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// How it was given: `web_form`, `checkout`, `import`, `one_click`, `sms_stop`, `api` …
    pub method: String,
    /// Where: a URL, a form's name, a file and line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// SHA-256 of the wording that the customer saw, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_hash: Option<String>,
    /// The wording itself, where given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// A change of consent on its way into the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentChange {
    /// The new word.
    pub consent: Consent,
}
