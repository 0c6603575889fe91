//! Traits: what is said about a person, read by the schema; and those of them that Tabi knows by itself.
//!
//! `email`, `phone`, `address.country` (or `country`), `locale` and `timezone` become addresses, country, locale and zone.
//! They are traits too where the schema declares them. The names of Segment's own traits (`firstName`, `lastName`) are read
//! as `given_name` and `family_name` where these are declared.

use super::typed::{declared_name, read};
use super::world::World;
use super::{Call, Refusal, Why};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use unicode_normalization::UnicodeNormalization;
use words::{Country, EmailAddress, Locale, PhoneNumber, Value, Zone};

/// Segment's names for what is usually declared under another one.
const ALIASES: [(&str, &str); 6] = [
    ("firstName", "given_name"),
    ("first_name", "given_name"),
    ("lastName", "family_name"),
    ("last_name", "family_name"),
    ("birthday", "birthday"),
    ("dob", "birthday"),
];

/// What a call says about a person. `Some(None)` takes something away.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said {
    pub(crate) traits: BTreeMap<String, Option<Value>>,
    pub(crate) email: Option<Option<EmailAddress>>,
    pub(crate) phone: Option<Phone>,
    pub(crate) country: Option<Country>,
    pub(crate) locale: Option<Locale>,
    pub(crate) zone: Option<Zone>,
    pub(crate) push_token: Option<String>,
}

/// What is said about the phone.
#[derive(Debug, Clone)]
pub(crate) enum Phone {
    /// There is none any more.
    Gone,
    /// This number.
    Number(PhoneNumber),
    /// A national number: to be read with the country that the customer turns out to have.
    National(String),
}

impl Said {
    pub(crate) fn is_empty(&self) -> bool {
        self.traits.is_empty()
            && self.email.is_none()
            && self.phone.is_none()
            && self.country.is_none()
            && self.locale.is_none()
            && self.zone.is_none()
            && self.push_token.is_none()
    }
}

/// Whether a trait of this name is declared, under this name or one that is read as it, or is one that Tabi knows by itself.
pub(crate) fn trait_known(name: &str, declared: &BTreeMap<String, journey::Field>) -> bool {
    let ours = ["address", "country_code", "countryCode", "email", "phone", "country", "locale", "timezone"];
    ours.contains(&name)
        || ALIASES.iter().any(|(from, to)| *from == name && declared.contains_key(*to))
        || declared.contains_key(declared_name(name, |name| declared.contains_key(name)).as_ref())
}

/// Reads what `call` says about a person. Refuses the whole call where a declared trait has the wrong type.
pub(crate) fn said(world: &World, call: &Call, traits: &Map<String, Json>) -> Result<Said, Refusal> {
    let mut said = Said::default();
    let mut problems = Vec::new();
    let declared = &world.schema().traits;
    match country(traits) {
        Ok(country) => said.country = country,
        Err(why) => problems.push(why),
    }
    for (key, json) in traits {
        if key.is_empty() || key.chars().count() > 128 || key.chars().any(char::is_control) {
            problems.push("a trait's name is empty, too long, or has control characters".to_owned());
            continue;
        }
        if let Err(why) = special(&mut said, key, json) {
            problems.push(format!("trait `{key}`: {why}"));
        }
        let alias = ALIASES.iter().find(|(from, to)| from == key && declared.contains_key(*to));
        let name = match alias {
            Some((_, to)) if !declared.contains_key(key) => (*to).into(),
            _ => declared_name(key, |name| declared.contains_key(name)),
        };
        let value = match declared.get(name.as_ref()) {
            _ if json.is_null() => Ok(Value::Null),
            Some(field) => read(json, &field.ty, None),
            None if matches!(key.as_str(), "email" | "locale" | "timezone") => continue,
            None if key == "phone" && !matches!(said.phone, Some(Phone::National(_))) => continue,
            None => Ok(Value::from_plain_json(json)),
        };
        match value {
            Ok(Value::Null) => {
                said.traits.insert(name.into_owned(), None);
            }
            Ok(value) => {
                said.traits.insert(name.into_owned(), Some(value));
            }
            Err(why) => problems.push(format!("trait `{name}`: {why}")),
        }
    }
    if !problems.is_empty() {
        return Err(Refusal::new(Why::TraitType, call.name(), problems.join("; ")));
    }
    // What a browser or phone reports about itself; odd values there are no mistake of the sender.
    if said.zone.is_none() {
        said.zone = call.timezone.as_deref().and_then(|name| Zone::parse(name).ok());
    }
    if said.locale.is_none() {
        said.locale = call.locale.as_deref().and_then(|text| Locale::parse(text).ok());
    }
    said.push_token = call.push_token.clone();
    if let Some(Phone::National(text)) = &said.phone
        && let Some(number) = said.country.or(world.only_country()).and_then(|c| national(text, c))
    {
        said.phone = Some(Phone::Number(number));
        if !declared.contains_key("phone") {
            said.traits.remove("phone");
        }
    }
    Ok(said)
}

/// The traits that are more than traits.
fn special(said: &mut Said, key: &str, json: &Json) -> Result<(), String> {
    let text = match json {
        Json::Null => None,
        Json::String(text) if text.trim().is_empty() => None,
        Json::String(text) => Some(text.as_str()),
        Json::Number(_) if key == "phone" => {
            said.phone = Some(phone(&json.to_string())?);
            return Ok(());
        }
        _ if matches!(key, "email" | "phone" | "locale" | "timezone") => {
            return Err("it is not a text".to_owned());
        }
        _ => return Ok(()),
    };
    match (key, text) {
        ("email", None) => said.email = Some(None),
        ("email", Some(text)) => {
            said.email = Some(Some(EmailAddress::parse(text).map_err(|e| e.to_string())?));
        }
        ("phone", None) => said.phone = Some(Phone::Gone),
        ("phone", Some(text)) => said.phone = Some(phone(text)?),
        ("locale", Some(text)) => {
            said.locale =
                Some(Locale::parse(text).map_err(|_| "it is not a locale, like `ja` or `en-US`".to_owned())?)
        }
        ("timezone", Some(text)) => {
            said.zone =
                Some(Zone::parse(text).map_err(|_| "it is not a time zone, like `Asia/Tokyo`".to_owned())?);
        }
        _ => {}
    }
    Ok(())
}

fn phone(text: &str) -> Result<Phone, String> {
    let text: String = text.trim().nfkc().collect();
    if text.chars().count() > 40 || !text.chars().any(|c| c.is_ascii_digit()) {
        return Err("it is not a phone number".to_owned());
    }
    if !text.starts_with('+') {
        return Ok(Phone::National(text));
    }
    let parsed = phonenumber::parse(None, &text).map_err(|_| "it is not a phone number".to_owned())?;
    e164(&parsed).map(Phone::Number).ok_or_else(|| "it is not a phone number that can exist".to_owned())
}

/// A national number read with its country; `None` where it cannot be one.
pub fn national(text: &str, country: Country) -> Option<PhoneNumber> {
    let country = country.as_str().parse::<phonenumber::country::Id>().ok()?;
    e164(&phonenumber::parse(Some(country), text).ok()?)
}

fn e164(number: &phonenumber::PhoneNumber) -> Option<PhoneNumber> {
    if !number.is_valid() {
        return None;
    }
    PhoneNumber::parse(&number.format().mode(phonenumber::Mode::E164).to_string()).ok()
}

/// From `country`, `country_code`, or the same inside `address`: a code of two letters (ISO 3166-1), or the name of a country
/// that we know. Two letters that are no country are refused: rules by country would be asked of nowhere.
fn country(traits: &Map<String, Json>) -> Result<Option<Country>, String> {
    let inside = traits.get("address").and_then(Json::as_object);
    let said = ["country_code", "countryCode", "country"]
        .iter()
        .flat_map(|key| {
            [traits.get(*key).map(|said| (*key, said)), inside.and_then(|map| Some((*key, map.get(*key)?)))]
        })
        .flatten()
        .filter_map(|(key, said)| Some((key, said.as_str()?)));
    for (key, text) in said {
        match Country::parse(text) {
            Some(country) if country.exists() => return Ok(Some(country)),
            Some(_) => {
                return Err(format!(
                    "trait `{key}`: there is no country of this code (ISO 3166-1), like `JP` or `US`"
                ));
            }
            None => {}
        }
        if let Some(country) = by_name(text) {
            return Ok(Some(country));
        }
    }
    Ok(None)
}

fn by_name(name: &str) -> Option<Country> {
    let code = match name.trim().to_lowercase().as_str() {
        "japan" | "日本" | "jpn" => "JP",
        "united states" | "united states of america" | "usa" | "アメリカ" | "米国" => "US",
        "united kingdom" | "great britain" | "england" | "gbr" => "GB",
        "canada" => "CA",
        "australia" => "AU",
        "germany" | "deutschland" => "DE",
        "france" => "FR",
        "italy" => "IT",
        "spain" => "ES",
        "china" | "中国" => "CN",
        "taiwan" | "台湾" => "TW",
        "south korea" | "korea, republic of" | "韓国" => "KR",
        "singapore" => "SG",
        "hong kong" | "香港" => "HK",
        "new zealand" => "NZ",
        "india" => "IN",
        _ => return None,
    };
    Country::parse(code)
}
