//! Customers who wait: made in bulk, each with an e-mail address, a telephone and one event that begins a journey.

use std::collections::BTreeMap;
use store::{CustomerUpdate, Identity, Incoming};
use words::{
    Address, AddressState, Channel, Country, Event, EventKind, Locale, Timestamp, Value, Zone, ZoneSource,
};
use worker::Machine;

/// Customers per commit.
const TOGETHER: u64 = 500;

/// Makes the customers that are missing, and lets them take their first step, which is to wait.
pub(super) async fn fill(
    machine: &Machine,
    journey: &str,
    customers: u64,
    lines: Option<Value>,
) -> anyhow::Result<()> {
    let now = machine.clock.now();
    let mut there = machine.store.totals(now).await?.customers;
    while there < customers {
        let until = customers.min(there + TOGETHER);
        page(machine, journey, there..until, lines.as_ref(), now).await?;
        while machine.step_batch().await?.customers > 0 {}
        there = until;
    }
    Ok(())
}

async fn page(
    machine: &Machine,
    journey: &str,
    numbers: std::ops::Range<u64>,
    lines: Option<&Value>,
    now: Timestamp,
) -> anyhow::Result<()> {
    let keys: Vec<_> =
        numbers.clone().map(|number| vec![Identity::user_id(format!("bench-{number}"))]).collect();
    let resolved = machine.store.get_or_create_many(&keys, now, &machine.ids).await?;
    let (mut updates, mut events) = (Vec::with_capacity(resolved.len()), Vec::with_capacity(resolved.len()));
    for (number, resolved) in numbers.zip(resolved) {
        let customer = resolved.customer;
        updates.push(CustomerUpdate {
            customer,
            change: Box::new(move |customer| {
                customer.user_id = Some(format!("bench-{number}"));
                customer.country = Some(Country::US);
                customer.locale = Locale::parse("en-US").ok();
                customer.zone = Zone::parse("America/Chicago").ok().map(|zone| (zone, ZoneSource::Stated));
                customer.traits.insert("first_name".to_owned(), Value::Text("Aiko".to_owned()));
                let mut add = |channel: Channel, value: String| {
                    customer.addresses.push(Address {
                        channel,
                        value,
                        state: AddressState::Active,
                        added_at: now,
                        seen_at: None,
                    });
                };
                add(Channel::EMAIL, format!("bench-{number}@example.com"));
                add(Channel::SMS, format!("+1201{:07}", number % 10_000_000));
                Vec::new()
            }),
            announce: None,
            audit: Vec::new(),
        });
        let mut properties = BTreeMap::from([("order_id".to_owned(), Value::Text(format!("K-{number}")))]);
        if journey == "lettering" {
            properties.extend(lines.map(|lines| ("lines".to_owned(), lines.clone())));
        }
        events.push(Incoming {
            customer,
            event: Event {
                id: machine.ids.event(now),
                name: format!("{journey}_began"),
                occurred_at: now,
                received_at: now,
                properties,
                kind: EventKind::Live,
            },
            source: "bench".to_owned(),
            message_id: Some(format!("bench-{number}")),
            listened: true,
            declared: true,
        });
    }
    for updated in machine.store.update_customers(updates, now).await? {
        updated?;
    }
    machine.store.ingest(events).await?;
    Ok(())
}
