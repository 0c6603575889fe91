//! What one verdict costs: the usual allow, a delay to the morning, and the zone that nobody knows.
#![allow(missing_docs, clippy::unwrap_used)]

use criterion::{Criterion, criterion_group, criterion_main};
use policy::{Brand, Facts, Message, Packs, Stage, judge};
use std::hint::black_box;
use words::{
    Address, AddressState, Basis, Channel, Consent, ConsentState, Country, Customer, CustomerId, Evidence,
    MessageClass, Timestamp, Zone, ZoneSource,
};

fn verdicts(criterion: &mut Criterion) {
    let packs = Packs::built_in();
    let at = |text: &str| Timestamp::parse(text).unwrap();
    let country = |text: &str| Country::parse(text).unwrap();
    let mut known = Customer::new(CustomerId([1; 16]), at("2026-01-01T00:00:00Z"));
    known.country = Some(Country::JP);
    known.zone = Some((Zone::parse("Asia/Tokyo").unwrap(), ZoneSource::Stated));
    known.consents.push(Consent {
        purpose: Some("offers".to_owned()),
        channel: Some(Channel::EMAIL),
        state: ConsentState::Granted,
        basis: Basis::Express,
        at: at("2026-01-01T00:00:00Z"),
        expires_at: None,
        evidence: Evidence { method: "web_form".to_owned(), ..Evidence::default() },
    });
    let mut unknown = known.clone();
    unknown.country = None;
    unknown.zone = None;
    let address = Address {
        channel: Channel::EMAIL,
        value: "hanako@example.jp".to_owned(),
        state: AddressState::Active,
        added_at: at("2026-01-01T00:00:00Z"),
        seen_at: None,
    };
    let tokyo = Zone::parse("Asia/Tokyo").unwrap();
    let near = Brand::new(vec![Country::JP], tokyo.clone());
    let far = Brand::new(
        ["JP", "US", "CA", "DE", "FR", "GB", "IT", "ES"].iter().map(|code| country(code)).collect(),
        tokyo,
    );
    for (name, customer, brand, now) in [
        ("allow", &known, &near, "2026-11-18T03:00:00Z"),
        ("delay to the morning", &known, &near, "2026-11-18T13:00:00Z"),
        ("zone unknown, eight countries", &unknown, &far, "2026-11-18T03:00:00Z"),
    ] {
        let now = at(now);
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| {
                let facts = Facts {
                    customer,
                    consents_known: true,
                    message: Message {
                        id: [1; 16],
                        name: "offer",
                        journey: Some("win_back"),
                        class: MessageClass::Marketing,
                        purpose: "offers",
                        channel: &Channel::EMAIL,
                        address: Some(&address),
                        address_seen_at: None,
                        priority: 0,
                        planned_at: now,
                        due_at: now,
                        expires_at: None,
                        late_max: None,
                    },
                    brand,
                    cap_uses: &[],
                    competitors: &[],
                    suppressions: &[],
                    stops: &[],
                    held: false,
                };
                judge(black_box(&packs), &facts, Stage::HandOver, now)
            });
        });
    }
}

criterion_group!(benches, verdicts);
criterion_main!(benches);
