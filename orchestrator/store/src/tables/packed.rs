//! What lies inside sealed cells that every step opens: a version, then postcard. A third of the size of JSON and a
//! tenth of the time.
//!
//! Postcard knows fields by their order alone: what is written here is a tuple spelled out, and a change of it is a new
//! version beside the old one.

use crate::StoreError;
use engine::{Context, Facts};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use words::{
    Address, Consent, Country, Customer, CustomerId, Event, Locale, Timestamp, Value, Zone, ZoneSource,
};

const VERSION: u8 = 1;

/// What can be packed.
pub(crate) trait Packed: Sized {
    /// As bytes.
    fn pack(&self) -> Result<Vec<u8>, StoreError>;
    /// From those bytes.
    fn unpack(bytes: &[u8]) -> Result<Self, StoreError>;
}

fn write(value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    let mut out = Vec::with_capacity(256);
    out.push(VERSION);
    postcard::to_extend(value, out).map_err(|error| StoreError::Invalid(error.to_string()))
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    match bytes {
        [VERSION, rest @ ..] => postcard::from_bytes(rest).map_err(StoreError::corrupt),
        _ => Err(StoreError::corrupt("a sealed cell of another version")),
    }
}

/// A customer, in order. Words of consent may leave fields out, which only JSON can; most customers have few or none.
#[derive(Serialize, Deserialize)]
struct Profile<'a> {
    id: [u8; 16],
    user_id: Cow<'a, Option<String>>,
    traits: Cow<'a, BTreeMap<String, Value>>,
    addresses: Cow<'a, [Address]>,
    zone: Cow<'a, Option<(Zone, ZoneSource)>>,
    country: Option<Country>,
    locale: Cow<'a, Option<Locale>>,
    consents: Vec<u8>,
    account: Cow<'a, Option<String>>,
    created_at: Timestamp,
}

impl Packed for Customer {
    fn pack(&self) -> Result<Vec<u8>, StoreError> {
        let consents = if self.consents.is_empty() {
            Vec::new()
        } else {
            serde_json::to_vec(&self.consents).map_err(|error| StoreError::Invalid(error.to_string()))?
        };
        write(&Profile {
            id: self.id.0,
            user_id: Cow::Borrowed(&self.user_id),
            traits: Cow::Borrowed(&self.traits),
            addresses: Cow::Borrowed(&self.addresses),
            zone: Cow::Borrowed(&self.zone),
            country: self.country,
            locale: Cow::Borrowed(&self.locale),
            consents,
            account: Cow::Borrowed(&self.account),
            created_at: self.created_at,
        })
    }

    fn unpack(bytes: &[u8]) -> Result<Self, StoreError> {
        let profile: Profile<'_> = read(bytes)?;
        let consents: Vec<Consent> = if profile.consents.is_empty() {
            Vec::new()
        } else {
            serde_json::from_slice(&profile.consents).map_err(StoreError::corrupt)?
        };
        Ok(Self {
            id: CustomerId(profile.id),
            user_id: profile.user_id.into_owned(),
            traits: profile.traits.into_owned(),
            addresses: profile.addresses.into_owned(),
            zone: profile.zone.into_owned(),
            country: profile.country,
            locale: profile.locale.into_owned(),
            consents,
            account: profile.account.into_owned(),
            created_at: profile.created_at,
        })
    }
}

/// A context, in order.
type Remembered = (
    BTreeMap<String, Value>,
    Vec<(u32, u32)>,
    BTreeMap<u32, u32>,
    BTreeSet<(String, String)>,
    Option<Timestamp>,
    bool,
    VecDeque<Event>,
);

impl Packed for Context {
    fn pack(&self) -> Result<Vec<u8>, StoreError> {
        let Self { bindings, turns, visits, engaged, goal_at, goal_open, seen } = self;
        write(&(bindings, turns, visits, engaged, goal_at, goal_open, seen))
    }

    fn unpack(bytes: &[u8]) -> Result<Self, StoreError> {
        let (bindings, turns, visits, engaged, goal_at, goal_open, seen) = read::<Remembered>(bytes)?;
        Ok(Self { bindings, turns, visits, engaged, goal_at, goal_open, seen })
    }
}

impl Packed for Facts {
    fn pack(&self) -> Result<Vec<u8>, StoreError> {
        write(self)
    }

    fn unpack(bytes: &[u8]) -> Result<Self, StoreError> {
        if bytes.is_empty() { Ok(Self::default()) } else { read(bytes) }
    }
}

impl Packed for BTreeMap<String, Value> {
    fn pack(&self) -> Result<Vec<u8>, StoreError> {
        write(self)
    }

    fn unpack(bytes: &[u8]) -> Result<Self, StoreError> {
        read(bytes)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use words::{AddressState, Basis, Channel, ConsentState, Evidence, Money};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_secs(1_790_000_000 + seconds)
    }

    #[test]
    fn what_was_packed_comes_out_whole() {
        let mut customer = Customer::new(CustomerId([7; 16]), at(0));
        assert_eq!(Customer::unpack(&customer.pack().unwrap()).unwrap(), customer);
        customer.user_id = Some("u-1".to_owned());
        customer.zone = Zone::parse("Asia/Tokyo").ok().map(|zone| (zone, ZoneSource::Stated));
        customer.country = Some(Country::JP);
        customer.locale = Locale::parse("ja-JP").ok();
        customer.account = Some("acme".to_owned());
        customer.traits.extend([
            ("born".to_owned(), Value::Date(jiff::civil::date(1990, 2, 28))),
            ("spent".to_owned(), Value::Money(Money::parse("4200 JPY").unwrap())),
            ("at".to_owned(), Value::Time(at(3))),
            ("many".to_owned(), Value::List(vec![Value::Int(-3), Value::Float(0.5), Value::Null])),
            ("deep".to_owned(), Value::Map([("x".to_owned(), Value::Bool(true))].into())),
        ]);
        customer.addresses.push(Address {
            channel: Channel::new("line"),
            value: "token".to_owned(),
            state: AddressState::Dead,
            added_at: at(1),
            seen_at: Some(at(2)),
        });
        customer.consents.push(Consent {
            purpose: Some("offers".to_owned()),
            channel: None,
            state: ConsentState::Granted,
            basis: Basis::Express,
            at: at(2),
            expires_at: None,
            evidence: Evidence { method: "web_form".to_owned(), ..Evidence::default() },
        });
        assert_eq!(Customer::unpack(&customer.pack().unwrap()).unwrap(), customer);
        let context = Context {
            bindings: customer.traits.clone(),
            turns: vec![(3, 2)],
            visits: [(3, 2), (4, 1)].into(),
            engaged: [("clicked".to_owned(), "offer".to_owned())].into(),
            goal_at: Some(at(9)),
            goal_open: true,
            seen: VecDeque::new(),
        };
        assert_eq!(Context::unpack(&context.pack().unwrap()).unwrap(), context);
        let facts = Facts::default();
        assert_eq!(Facts::unpack(&facts.pack().unwrap()).unwrap(), facts);
        assert!(Context::unpack(b"{}").is_err(), "what is of another version is not guessed at");
    }
}
