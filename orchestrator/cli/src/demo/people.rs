//! Synthetic people for real purchases: names, addresses, languages, consents. Half of them are Japanese.
//!
//! Addresses lie under `example.com` and `example.jp` (RFC 2606), US numbers in the fictitious range 555-0100 to 555-0199;
//! Japanese numbers begin with 070-0000, which is not assigned. Nobody of this name was meant.

use super::chance::{draw, happens, pick};
use words::{
    Address, AddressState, Basis, Channel, Consent, ConsentChange, ConsentState, Country, Customer, Evidence,
    Locale, Timestamp, Value, Zone, ZoneSource,
};

/// Kanji, and Roman letters for the address.
const FAMILY_JA: [(&str, &str); 20] = [
    ("佐藤", "sato"),
    ("鈴木", "suzuki"),
    ("高橋", "takahashi"),
    ("田中", "tanaka"),
    ("伊藤", "ito"),
    ("渡辺", "watanabe"),
    ("山本", "yamamoto"),
    ("中村", "nakamura"),
    ("小林", "kobayashi"),
    ("加藤", "kato"),
    ("吉田", "yoshida"),
    ("山田", "yamada"),
    ("佐々木", "sasaki"),
    ("山口", "yamaguchi"),
    ("松本", "matsumoto"),
    ("井上", "inoue"),
    ("木村", "kimura"),
    ("林", "hayashi"),
    ("斎藤", "saito"),
    ("清水", "shimizu"),
];
const GIVEN_JA: [(&str, &str); 20] = [
    ("陽子", "yoko"),
    ("健一", "kenichi"),
    ("直樹", "naoki"),
    ("美咲", "misaki"),
    ("拓也", "takuya"),
    ("由美", "yumi"),
    ("誠", "makoto"),
    ("恵", "megumi"),
    ("大輔", "daisuke"),
    ("真理", "mari"),
    ("翔", "sho"),
    ("愛", "ai"),
    ("浩", "hiroshi"),
    ("優子", "yuko"),
    ("亮", "ryo"),
    ("香織", "kaori"),
    ("剛", "tsuyoshi"),
    ("裕子", "hiroko"),
    ("淳", "jun"),
    ("沙織", "saori"),
];
const FAMILY_EN: [&str; 20] = [
    "Smith", "Johnson", "Brown", "Garcia", "Miller", "Davis", "Wilson", "Anderson", "Thomas", "Moore",
    "Martin", "Lee", "Thompson", "White", "Clark", "Lewis", "Walker", "Hall", "Young", "King",
];
const GIVEN_EN: [&str; 20] = [
    "Ann", "James", "Maria", "Robert", "Linda", "David", "Susan", "Daniel", "Karen", "Paul", "Nancy", "Mark",
    "Lisa", "Steven", "Emily", "Kevin", "Laura", "Brian", "Rachel", "Eric",
];
const ZONES_US: [&str; 4] = ["America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"];

/// What a synthetic person is, before they are a customer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Person {
    pub(crate) user_id: String,
    pub(crate) customer: Customer,
    pub(crate) consents: Vec<ConsentChange>,
}

/// The person behind customer `number` of the data, who signs up at `at`. `purposes` are those that ask for consent.
pub(crate) fn person(
    seed: u64,
    number: u32,
    at: Timestamp,
    purposes: &[String],
    customer: Customer,
) -> Person {
    let roll = |key: u64| draw(seed, &[u64::from(number), key]);
    let japanese = roll(1).is_multiple_of(2);
    let mut customer = customer;
    let user_id = format!("c{number:05}");
    customer.user_id = Some(user_id.clone());
    let text = |text: &str| Value::Text(text.to_owned());
    let email = if japanese {
        let (family, family_roman) = pick(roll(2), &FAMILY_JA);
        let (given, given_roman) = pick(roll(3), &GIVEN_JA);
        customer.traits.insert("family_name".to_owned(), text(family));
        customer.traits.insert("given_name".to_owned(), text(given));
        customer.traits.insert("name".to_owned(), Value::Text(format!("{family} {given}")));
        format!("{given_roman}.{family_roman}.{number}@example.jp")
    } else {
        let (family, given) = (pick(roll(2), &FAMILY_EN), pick(roll(3), &GIVEN_EN));
        customer.traits.insert("family_name".to_owned(), text(family));
        customer.traits.insert("given_name".to_owned(), text(given));
        customer.traits.insert("name".to_owned(), Value::Text(format!("{given} {family}")));
        format!("{}.{}.{number}@example.com", given.to_lowercase(), family.to_lowercase())
    };
    customer.country = Some(if japanese { Country::JP } else { Country::US });
    customer.locale = Locale::parse(if japanese { "ja-JP" } else { "en-US" }).ok();
    // One in twenty never told us where they live: the strictest hours count for them.
    if !happens(roll(4), 50) {
        let zone = if japanese { "Asia/Tokyo" } else { *pick(roll(5), &ZONES_US) };
        customer.zone = Zone::parse(zone).ok().map(|zone| (zone, ZoneSource::Stated));
    }
    let mut add = |channel: Channel, value: String| {
        customer.addresses.push(Address {
            channel,
            value,
            state: AddressState::Active,
            added_at: at,
            seen_at: None,
        });
    };
    add(Channel::EMAIL, email);
    if happens(roll(6), 450) {
        let phone = if japanese {
            format!("+81700000{:04}", roll(7) % 10_000)
        } else {
            format!("+1{}55501{:02}", 201 + roll(8) % 700, roll(7) % 100)
        };
        add(Channel::SMS, phone);
    }
    if happens(roll(9), 350) {
        add(Channel::PUSH, format!("demo-token-{:016x}", roll(10)));
    }
    Person { user_id, consents: consents(&customer, at, purposes, &roll), customer }
}

/// What they ticked at sign-up: most want mail, fewer texts.
fn consents(
    customer: &Customer,
    at: Timestamp,
    purposes: &[String],
    roll: &dyn Fn(u64) -> u64,
) -> Vec<ConsentChange> {
    let mut changes = Vec::new();
    for (nth, purpose) in purposes.iter().enumerate() {
        for (key, channel, per_mille) in
            [(20, Channel::EMAIL, 860), (40, Channel::SMS, 600), (60, Channel::PUSH, 900)]
        {
            let reachable = customer.addresses.iter().any(|address| address.channel == channel);
            if reachable && happens(roll(key + nth as u64), per_mille) {
                changes.push(ConsentChange {
                    consent: Consent {
                        purpose: Some(purpose.clone()),
                        channel: Some(channel),
                        state: ConsentState::Granted,
                        basis: Basis::ExpressWritten,
                        at,
                        expires_at: None,
                        evidence: Evidence {
                            method: "web_form".to_owned(),
                            source: Some("sign-up form (synthetic)".to_owned()),
                            ..Evidence::default()
                        },
                    },
                });
            }
        }
    }
    changes
}
