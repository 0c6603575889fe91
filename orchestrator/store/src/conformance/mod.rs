//! What every database under the store must do. One suite; each database passes all of it.
//!
//! Call [`exercise`] with a maker of fresh, empty stores.
#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests, shared by every database")]

mod acts;
mod coming_in;
mod console;
mod copies;
mod customers;
mod log;
mod nodes;
mod pacing;
mod sending;
mod stepping;

pub use copies::{Life, goes_on, is_all_there, live};
pub use nodes::share;

use crate::{
    ClaimFor, CustomerChange, Deciding, HandOver, Identity, Incoming, MessageOutcome, NewDelivery,
    NewMessage, Origin, SendWork, Settle, StepBatch, Store,
};
use std::collections::BTreeMap;
use std::time::Duration;
use words::{
    Channel, CustomerId, DeliveryClass, DeliveryId, Elapsed, Event, EventKind, IdSource, MessageClass,
    MessageId, Timestamp, Value,
};

/// Runs the whole suite. Panics with the name of what failed.
pub async fn exercise(make: impl AsyncFn() -> Store) {
    acts::exercise(&make).await;
    coming_in::exercise(&make).await;
    customers::exercise(&make).await;
    stepping::exercise(&make).await;
    sending::exercise(&make).await;
    pacing::exercise(&make).await;
    console::exercise(&make).await;
    log::exercise(&make).await;
}

/// Everything that is done for each event, step and message, the rare ways among it: what comes in, claims, steps with all
/// that they write, deliveries from planning to settling, limits, leases that end.
pub async fn hot_paths(make: impl AsyncFn() -> Store) {
    coming_in::exercise(&make).await;
    stepping::exercise(&make).await;
    sending::exercise(&make).await;
    pacing::exercise(&make).await;
}

/// Minutes after a fixed instant.
pub(crate) fn at(minutes: i64) -> Timestamp {
    Timestamp::from_secs(1_790_000_000 + 60 * minutes)
}

/// Until `done` says so, for three seconds at most.
pub(crate) async fn soon(what: &str, mut done: impl AsyncFnMut() -> bool) {
    for _ in 0..150 {
        if done().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{what}: not within three seconds");
}

/// A claim that finds something: whoever was dropped is given back in a moment, where other nodes have to hear of it.
pub(crate) async fn claim_soon(store: &Store, minutes: i64) -> StepBatch {
    let mut found = None;
    soon("somebody is due", async || {
        let batch = store.claim_steps(at(minutes), 10, deciding()).await.unwrap();
        found = Some(batch).filter(|batch| !batch.work.is_empty());
        found.is_some()
    })
    .await;
    found.unwrap()
}

/// What falls due next, told by somebody who has just looked and found nothing: a node that hears of others may think it
/// earlier until then, and never later.
pub(crate) async fn steps_due(store: &Store, looked: i64, wanted: Option<Timestamp>) {
    soon("what falls due next is known", async || {
        assert!(store.claim_steps(at(looked), 10, deciding()).await.unwrap().work.is_empty());
        store.next_step_due() == wanted
    })
    .await;
}

pub(crate) fn ids() -> IdSource {
    IdSource::seeded(7)
}

pub(crate) async fn someone(store: &Store, ids: &IdSource, name: &str) -> CustomerId {
    let keys = [Identity::user_id(name), Identity::address(&Channel::EMAIL, format!("{name}@example.com"))];
    store.get_or_create(&keys, at(0), ids).await.unwrap().customer
}

pub(crate) fn event(ids: &IdSource, name: &str, minutes: i64) -> Event {
    Event {
        id: ids.event(at(minutes)),
        name: name.to_owned(),
        occurred_at: at(minutes),
        received_at: at(minutes),
        properties: BTreeMap::from([("total".to_owned(), Value::Int(minutes))]),
        kind: EventKind::Live,
    }
}

pub(crate) fn incoming(
    customer: CustomerId,
    ids: &IdSource,
    name: &str,
    minutes: i64,
    message_id: Option<&str>,
) -> Incoming {
    Incoming {
        customer,
        event: event(ids, name, minutes),
        source: "api".to_owned(),
        message_id: message_id.map(str::to_owned),
        listened: true,
        declared: true,
    }
}

pub(crate) fn deciding() -> Deciding {
    Deciding { caps_since: at(-100_000), events_max: 100 }
}

pub(crate) fn claim_for(minutes: i64) -> ClaimFor {
    ClaimFor {
        node: "one".to_owned(),
        machine_now: at(minutes),
        lease: Elapsed::from_micros(60_000_000),
        caps_since: at(-100_000),
    }
}

/// Nothing but "all events are applied".
pub(crate) fn applied(work: &crate::CustomerWork) -> CustomerChange {
    CustomerChange {
        applied_seq: work.events.last().map_or(work.applied_seq, |(seq, _)| *seq),
        ..CustomerChange::default()
    }
}

pub(crate) fn message(customer: CustomerId, step: &str, minutes: i64, class: DeliveryClass) -> NewMessage {
    let id = MessageId::derive(&customer.0, step, 1);
    NewMessage {
        id,
        origin: Origin::Journey,
        enrollment: None,
        journey: "welcome".to_owned(),
        step: step.to_owned(),
        visit: 1,
        name: format!("{step}_mail"),
        purpose: "offers".to_owned(),
        class: MessageClass::Marketing,
        priority: 0,
        program: None,
        release: None,
        cause_seq: 0,
        planned_at: at(minutes),
        expires_at: None,
        outcome: MessageOutcome::Planned,
        why: r#"{"verdict":"allow"}"#.to_owned(),
        inputs: BTreeMap::from([("secret".to_owned(), Value::Text("planted-input".to_owned()))]),
        deliveries: vec![NewDelivery {
            id: DeliveryId::derive(id, 1, "email", 0),
            ordinal: 1,
            channel: Channel::EMAIL,
            address: "planted@example.com".to_owned(),
            due_at: at(minutes),
            class,
        }],
    }
}

pub(crate) async fn plan(store: &Store, customer: CustomerId, step: &str, class: DeliveryClass) {
    store.plan_messages(customer, vec![message(customer, step, 1, class)], Vec::new(), at(1)).await.unwrap();
}

pub(crate) async fn claim(store: &Store, minutes: i64) -> Vec<SendWork> {
    let mut works = store.claim_sends(at(minutes), 100, &[Channel::EMAIL], claim_for(minutes)).await.unwrap();
    works.extend(store.claim_struck(at(minutes), &[Channel::EMAIL], claim_for(minutes)).await.unwrap());
    works
}

pub(crate) fn hand_over(work: &SendWork, minutes: i64) -> HandOver {
    HandOver {
        customer: work.customer.id,
        message: work.message,
        delivery: work.delivery,
        fence: work.fence,
        guard_version: work.guard_version,
        stop_epoch: work.stop_epoch,
        valid_until: at(minutes + 10),
        uses_cap: true,
        why: r#"{"verdict":"allow","consent":"express"}"#.to_owned(),
        content: Some(crate::FinalContent {
            media: "message/rfc822".to_owned(),
            bytes: b"Subject: planted-subject\r\n\r\nplanted-body".to_vec(),
            parcel: r#"{"text":"planted-parcel"}"#.to_owned(),
            locale: "en".to_owned(),
            release: None,
            likeness: None,
        }),
        provider: "smtp".to_owned(),
        audit: Vec::new(),
    }
}

pub(crate) fn settle(work: &SendWork, state: crate::DeliveryState) -> Settle {
    Settle {
        customer: work.customer.id,
        message: work.message,
        delivery: work.delivery,
        fence: work.fence,
        state,
        due_at: None,
        why: r#"{"outcome":"accepted"}"#.to_owned(),
        in_inbox: false,
        attempt: Some(crate::AttemptRecord {
            started_at: at(2),
            ended_at: at(2),
            outcome: "accepted".to_owned(),
            stage: None,
            answer: "250 ok".to_owned(),
            provider_id: Some(format!("p-{}", work.delivery)),
        }),
        give_back_cap: false,
        suppress: None,
        next: None,
        uncount: false,
        clear_strikes: true,
        events: Vec::new(),
        audit: Vec::new(),
    }
}
