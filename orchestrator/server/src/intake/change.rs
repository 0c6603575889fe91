//! What a call changes about a customer.
//!
//! Rules for browser keys, which anybody can read out of a page: they may say everything about a customer whom they have
//! just made. About one who was known before they may only fill in what was empty: never change or remove a trait, never
//! touch an address, a push token or an account, and never say anything about consent.

use super::person::{self, Phone, Said};
use super::{ConsentWord, World};
use words::{
    Address, AddressState, Channel, Consent, ConsentChange, ConsentState, Customer, Elapsed, Timestamp, Zone,
    ZoneSource,
};

/// The newest tokens of a customer that are kept.
const TOKENS_MAX: usize = 10;

/// How often it is noted that a token is in use still.
const SEEN_AGAIN: Elapsed = Elapsed::from_hours(24);

/// Everything that is to be changed, ready to be carried into the writer.
#[derive(Debug, Clone)]
pub(crate) struct Delta {
    pub(crate) said: Said,
    pub(crate) user_id: Option<String>,
    pub(crate) account: Option<String>,
    pub(crate) consents: Vec<ConsentWord>,
    /// Only fill in what is empty.
    pub(crate) timid: bool,
    /// When it was said.
    pub(crate) at: Timestamp,
    pub(crate) now: Timestamp,
}

impl Delta {
    pub(crate) fn is_empty(&self) -> bool {
        self.said.is_empty() && self.user_id.is_none() && self.account.is_none() && self.consents.is_empty()
    }

    /// Applies it to the newest words of the customer.
    pub(crate) fn apply(self, customer: &mut Customer) -> Vec<ConsentChange> {
        if customer.user_id.is_none() && !self.timid {
            customer.user_id = self.user_id;
        }
        for (name, value) in self.said.traits {
            match value {
                Some(value) if !self.timid || !customer.traits.contains_key(&name) => {
                    customer.traits.insert(name, value);
                }
                None if !self.timid => {
                    customer.traits.remove(&name);
                }
                _ => {}
            }
        }
        if let Some(country) = self.said.country
            && (!self.timid || customer.country.is_none())
        {
            customer.country = Some(country);
        }
        if let Some(locale) = self.said.locale
            && (!self.timid || customer.locale.is_none())
        {
            customer.locale = Some(locale);
        }
        if let Some(zone) = self.said.zone
            && (!self.timid || !matches!(customer.zone, Some((_, ZoneSource::Stated))))
        {
            customer.zone = Some((zone, ZoneSource::Stated));
        }
        if self.timid {
            return Vec::new();
        }
        if let Some(email) = self.said.email {
            replace(customer, Channel::EMAIL, email.map(|e| e.as_str().to_owned()), self.now);
        }
        match self.said.phone {
            Some(Phone::Gone) => replace(customer, Channel::SMS, None, self.now),
            Some(Phone::Number(number)) => {
                replace(customer, Channel::SMS, Some(number.as_str().to_owned()), self.now)
            }
            Some(Phone::National(text)) => {
                // Known already as belonging to a country: then the number is, too.
                if let Some(number) = customer.country.and_then(|country| person::national(&text, country)) {
                    replace(customer, Channel::SMS, Some(number.as_str().to_owned()), self.now);
                }
            }
            None => {}
        }
        if let Some(token) = self.said.push_token {
            add_token(customer, token, self.now);
        }
        infer_zone(customer);
        if let Some(account) = self.account {
            customer.account = Some(account);
        }
        let (at, now) = (self.at, self.now);
        self.consents.into_iter().filter_map(|word| consent(customer, word, at, now)).collect()
    }
}

/// Makes `value` the address on this channel; others on it are gone, and what is known of an equal one stays.
fn replace(customer: &mut Customer, channel: Channel, value: Option<String>, now: Timestamp) {
    let known =
        customer.addresses.iter().find(|a| a.channel == channel && Some(&a.value) == value.as_ref()).cloned();
    customer.addresses.retain(|address| address.channel != channel);
    if let Some(value) = value {
        let address = known.unwrap_or(Address {
            channel,
            value,
            state: AddressState::Active,
            added_at: now,
            seen_at: None,
        });
        customer.addresses.insert(0, address);
    }
}

/// Adds a token of an app, or takes note that it is in use still; the one last seen is the preferred one.
fn add_token(customer: &mut Customer, token: String, now: Timestamp) {
    let known = customer.addresses.iter().position(|a| a.channel == Channel::PUSH && a.value == token);
    if let Some(at) = known {
        // An app speaks many times a day; a profile that is written each time would make every step wait.
        let seen = customer.addresses[at].seen_at.unwrap_or(customer.addresses[at].added_at);
        if now.since(seen) >= SEEN_AGAIN {
            let mut address = customer.addresses.remove(at);
            address.seen_at = Some(now);
            customer.addresses.insert(0, address);
        }
        return;
    }
    customer.addresses.insert(
        0,
        Address {
            channel: Channel::PUSH,
            value: token,
            state: AddressState::Active,
            added_at: now,
            seen_at: None,
        },
    );
    let mut seen = 0;
    customer.addresses.retain(|address| {
        seen += usize::from(address.channel == Channel::PUSH);
        address.channel != Channel::PUSH || seen <= TOKENS_MAX
    });
}

/// The zone of the phone's country, else of the customer's, where that has one alone and nothing better is known.
fn infer_zone(customer: &mut Customer) {
    if matches!(customer.zone, Some((_, ZoneSource::Stated))) {
        return;
    }
    let of_phone = customer
        .addresses
        .iter()
        .find(|a| a.channel == Channel::SMS)
        .and_then(|a| phonenumber::parse(None, &a.value).ok())
        .and_then(|number| number.country().id())
        .and_then(|id| words::Country::parse(id.as_ref()));
    let found = one_zone(of_phone).map(|zone| (zone, ZoneSource::PhonePrefix));
    if let Some(found) = found.or_else(|| one_zone(customer.country).map(|zone| (zone, ZoneSource::Country)))
    {
        customer.zone = Some(found);
    }
}

fn one_zone(country: Option<words::Country>) -> Option<Zone> {
    match words::calendar::zones_of(country?) {
        [zone] => Some(zone.clone()),
        _ => None,
    }
}

/// The change that a word of consent is, if it is one.
fn consent(
    customer: &Customer,
    word: ConsentWord,
    said_at: Timestamp,
    now: Timestamp,
) -> Option<ConsentChange> {
    let state = if word.granted { ConsentState::Granted } else { ConsentState::Revoked };
    let known = customer.consents.iter().find(|c| c.purpose == word.purpose && c.channel == word.channel);
    if word.stamped {
        // A banner's cookie outlives an unsubscribe: only who refused there may agree there.
        let refused_elsewhere = customer.consents.iter().any(|c| {
            c.state == ConsentState::Revoked
                && (c.purpose.is_none() || c.purpose == word.purpose)
                && c.evidence.method != word.evidence.method
        });
        if known.is_some_and(|c| c.state == state) || (word.granted && refused_elsewhere) {
            return None;
        }
    }
    let at = word.at.unwrap_or(said_at).min(now);
    let consent = Consent {
        purpose: word.purpose,
        channel: word.channel,
        state,
        basis: word.basis,
        at,
        expires_at: word.expires_at,
        evidence: word.evidence,
    };
    (known != Some(&consent)).then_some(ConsentChange { consent })
}

/// What a call that was taken should still be told about: a national number whose country nobody knows.
pub(crate) fn unread_phone(world: &World, said: &Said, customer: &Customer) -> Option<&'static str> {
    match &said.phone {
        Some(Phone::National(_))
            if world.only_country().is_none()
                && !customer.addresses.iter().any(|address| address.channel == Channel::SMS) =>
        {
            Some(
                "trait `phone` is a national number and the customer's country is not known: it was kept as a trait. \
                 Send it with + and the country code, or send `address.country`",
            )
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use words::CustomerId;

    fn tokens(customer: &Customer) -> Vec<(&str, Option<Timestamp>)> {
        customer.addresses.iter().map(|a| (a.value.as_str(), a.seen_at)).collect()
    }

    #[test]
    fn a_token_that_an_app_shows_again_is_in_use_and_comes_first() {
        let start = Timestamp::from_secs(1_000_000);
        let later = |hours| start.plus(Elapsed::from_hours(hours));
        let mut customer = Customer::new(CustomerId([1; 16]), start);
        add_token(&mut customer, "old".to_owned(), start);
        add_token(&mut customer, "new".to_owned(), later(1));
        assert_eq!(tokens(&customer), [("new", None), ("old", None)]);
        // Within a day nothing is written.
        add_token(&mut customer, "old".to_owned(), later(23));
        assert_eq!(tokens(&customer), [("new", None), ("old", None)]);
        add_token(&mut customer, "old".to_owned(), later(24));
        assert_eq!(tokens(&customer), [("old", Some(later(24))), ("new", None)]);
        add_token(&mut customer, "old".to_owned(), later(30));
        assert_eq!(tokens(&customer), [("old", Some(later(24))), ("new", None)]);
    }
}
