//! What people did is listed with who, when and why; what the inbox kept is counted apart; what was taken back stays provable.

use super::{at, claim, hand_over, ids, plan, settle, someone};
use crate::{Act, ActFilter, AuditEvent, AuditKind, DeliveryState, StopScope, Store, TestSend};
use words::{
    Basis, Channel, Consent, ConsentChange, ConsentState, DeliveryClass, Evidence, MessageId, Timestamp,
};

pub(super) async fn exercise(make: &impl AsyncFn() -> Store) {
    acts_are_listed_with_who_when_and_why(&make().await).await;
    an_erasure_names_who_asked_for_it(&make().await).await;
    a_test_is_found_by_its_address_and_does_not_tell_it(&make().await).await;
    what_the_inbox_kept_is_counted_apart(&make().await).await;
    a_consent_that_was_taken_back_stays_provable(&make().await).await;
    what_nobody_can_say_has_a_reason(&make().await).await;
}

async fn all(store: &Store, filter: &ActFilter) -> Vec<Act> {
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let page = store.acts(filter, after, 1).await.unwrap();
        rows.extend(page.rows);
        after = page.next;
        if after.is_none() {
            return rows;
        }
    }
}

async fn acts_are_listed_with_who_when_and_why(store: &Store) {
    store.go_live_sending("mika", at(1)).await.unwrap();
    store.stop(StopScope::All, "ken", "wrong price", at(2)).await.unwrap();
    store.resume(&StopScope::All, "rie", at(3)).await.unwrap();
    // About nobody, and no act of a person.
    store
        .write_down(vec![AuditEvent::new(AuditKind::AddressOptedOut, at(4), &serde_json::json!({}))])
        .await
        .unwrap();
    let rows = all(store, &ActFilter::default()).await;
    let said: Vec<_> = rows.iter().map(|act| (act.kind, act.by.as_str(), act.reason.as_str())).collect();
    use AuditKind::{SendingReleased, SendingResumed, SendingStopped};
    let newest_first =
        [(SendingResumed, "rie", ""), (SendingStopped, "ken", "wrong price"), (SendingReleased, "mika", "")];
    assert_eq!(said, newest_first);
    for (filter, n) in [
        (ActFilter { by: Some("ken".to_owned()), ..ActFilter::default() }, 1),
        (ActFilter { kind: Some("sending".to_owned()), ..ActFilter::default() }, 3),
        (ActFilter { kind: Some("sending.stopped".to_owned()), ..ActFilter::default() }, 1),
        (ActFilter { kind: Some("customer".to_owned()), ..ActFilter::default() }, 0),
        (ActFilter { from: Some(at(2)), to: Some(at(3)), ..ActFilter::default() }, 1),
    ] {
        assert_eq!(all(store, &filter).await.len(), n, "{filter:?}");
    }
    assert!(
        ActFilter::knows("sending") && ActFilter::knows("sending.stopped") && !ActFilter::knows("sendin")
    );
}

async fn an_erasure_names_who_asked_for_it(store: &Store) {
    let anna = someone(store, &ids(), "anna").await;
    plan(store, anna, "hello", DeliveryClass::NeverTwice).await;
    assert_eq!(store.erasure(anna).await.unwrap(), None);
    let body = serde_json::json!({"by": "rie", "reason": "request of 12 May"});
    let audit = AuditEvent::new(AuditKind::CustomerErased, at(2), &body).about(anna.0);
    store.erase(anna, at(2), vec![audit]).await.unwrap();
    let page = store.customer_page(anna, 10).await.unwrap().unwrap();
    let act = page.erasure.unwrap();
    assert_eq!((act.by.as_str(), act.reason.as_str(), act.at), ("rie", "request of 12 May", at(2)));
    assert_eq!((act.customer(), page.words), (Some(anna), Vec::new()));
    // What was planned is cancelled, and says for which reason: not for that of whatever it was waiting for.
    let filter = crate::LogFilter { customer: Some(anna), ..crate::LogFilter::default() };
    let row = store.log_search(&filter, None, 10).await.unwrap().rows.remove(0);
    assert_eq!((row.outcome, row.settled_at), (crate::MessageOutcome::Cancelled, Some(at(2))));
    let why: serde_json::Value = serde_json::from_str(row.why.as_deref().unwrap()).unwrap();
    assert_eq!(
        (why["reasons"][0]["code"].as_str(), why["reasons"][1].is_null()),
        (Some("erased"), true),
        "{why}"
    );
    let entry = store.log_entry(row.message).await.unwrap().unwrap();
    assert!(entry.audit.iter().any(|event| event.kind == "message.cancelled"), "{:?}", entry.audit);
}

async fn a_test_is_found_by_its_address_and_does_not_tell_it(store: &Store) {
    let test = |to: &str| TestSend {
        message: MessageId([8; 16]),
        name: "welcome".to_owned(),
        channel: Channel::EMAIL,
        to: to.to_owned(),
        provider: "inbox".to_owned(),
        outcome: "accepted".to_owned(),
        by: "rie".to_owned(),
    };
    store.note_test(test("planted@example.com"), at(1)).await.unwrap();
    store.note_test(test("other@example.com"), at(2)).await.unwrap();
    let found = store.tests_to(&Channel::EMAIL, "planted@example.com").await.unwrap();
    assert_eq!((found.len(), found[0].by.as_str(), found[0].at), (1, "rie", at(1)));
    assert!(found[0].detail.contains("p…@example.com") && !found[0].detail.contains("planted"), "{found:?}");
    assert!(store.tests_to(&Channel::SMS, "planted@example.com").await.unwrap().is_empty());
}

async fn what_the_inbox_kept_is_counted_apart(store: &Store) {
    let ids = ids();
    for (name, step) in [("anna", "one"), ("ben", "two")] {
        let customer = someone(store, &ids, name).await;
        plan(store, customer, step, DeliveryClass::NeverTwice).await;
    }
    for work in claim(store, 2).await {
        store.hand_over(vec![hand_over(&work, 2)], at(2)).await.unwrap();
        let mut settled = settle(&work, DeliveryState::Accepted);
        settled.in_inbox = work.step == "one";
        settled.why = serde_json::json!({"outcome": {"outcome": "accepted"}, "inbox": settled.in_inbox.then_some(true)})
            .to_string();
        store.settle(vec![settled], at(3)).await.unwrap();
        let entry = store.log_entry(work.message).await.unwrap().unwrap();
        assert_eq!(entry.row.in_inbox(), work.step == "one");
        assert_eq!(entry.deliveries[0].in_inbox(), work.step == "one");
    }
    let counts = store.journey_counts(None).await.unwrap();
    let figures = counts
        .iter()
        .flat_map(|c| &c.messages)
        .fold((0, 0), |(sent, kept), m| (sent + m.sent, kept + m.inbox));
    assert_eq!(figures, (2, 1));
}

fn word(state: ConsentState, said: Timestamp, wording: Option<&str>) -> ConsentChange {
    ConsentChange {
        consent: Consent {
            purpose: Some("offers".to_owned()),
            channel: None,
            state,
            basis: Basis::Express,
            at: said,
            expires_at: None,
            evidence: Evidence {
                method: "web_form".to_owned(),
                source: Some("https://shop.example/form".to_owned()),
                text_hash: None,
                text: wording.map(str::to_owned),
            },
        },
    }
}

async fn a_consent_that_was_taken_back_stays_provable(store: &Store) {
    let anna = someone(store, &ids(), "anna").await;
    let granted = word(ConsentState::Granted, at(1), Some("Yes, write to me"));
    let revoked = word(ConsentState::Revoked, at(5), None);
    let mut stood = super::message(anna, "offer", 3, DeliveryClass::NeverTwice);
    stood.why = serde_json::json!({"consent": {
        "purpose": "offers", "channel": null, "basis": "express", "at": at(1), "method": "web_form",
    }})
    .to_string();
    let id = stood.id;
    for change in [granted.clone(), revoked.clone()] {
        store.update_customer(anna, change.consent.at, move |_| vec![change], Vec::new()).await.unwrap();
    }
    store.plan_messages(anna, vec![stood], Vec::new(), at(3)).await.unwrap();
    let page = store.customer_page(anna, 10).await.unwrap().unwrap();
    let now = page.customer.unwrap().consents;
    assert!(now.contains(&revoked.consent) && !now.contains(&granted.consent));
    assert!(
        page.words.contains(&revoked.consent) && page.words.contains(&granted.consent),
        "{:?}",
        page.words
    );
    let entry = store.log_entry(id).await.unwrap().unwrap();
    assert_eq!(entry.consent, Some(granted.consent));
}

async fn what_nobody_can_say_has_a_reason(store: &Store) {
    let anna = someone(store, &ids(), "anna").await;
    plan(store, anna, "hello", DeliveryClass::NeverTwice).await;
    let work = claim(store, 2).await.remove(0);
    store.hand_over(vec![hand_over(&work, 2)], at(2)).await.unwrap();
    assert_eq!(store.sweep_at_start(at(3)).await.unwrap().unknown, 1);
    let because = async || {
        let entry = store.log_entry(work.message).await.unwrap().unwrap();
        [entry.row.why, entry.deliveries[0].why.clone()].map(|why| {
            let why: serde_json::Value = serde_json::from_str(&why.unwrap_or_default()).unwrap_or_default();
            why["because"]["en"].as_str().unwrap_or_default().to_owned()
        })
    };
    for said in because().await {
        assert!(said.contains("while it was being handed over") && said.contains("not sent again"), "{said}");
    }
    let receipt = crate::NewReceipt {
        customer: anna,
        message: work.message,
        delivery: work.delivery,
        kind: "delivered".to_owned(),
        at: at(4),
        detail: String::new(),
        events: Vec::new(),
        suppress: None,
        audit: Vec::new(),
    };
    store.receipts(vec![receipt], at(4)).await.unwrap();
    assert_eq!(because().await, ["", ""], "now it is known");
}
