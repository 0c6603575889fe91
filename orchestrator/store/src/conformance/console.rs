//! What people see: pages that go on, content that is read on the record.

use super::{at, claim, hand_over, ids, incoming, message, settle, someone};
use crate::{DeliveryState, MessageOutcome, ReadFilter, ReadKind, Store, TimelineItem};
use words::DeliveryClass;

pub(super) async fn exercise(make: &impl AsyncFn() -> Store) {
    reading_content_is_recorded_first(&make().await).await;
    every_read_is_listed(&make().await).await;
    what_was_not_sent_is_counted_once_by_its_reason(&make().await).await;
    a_customers_page_shows_everything(&make().await).await;
}

async fn reading_content_is_recorded_first(store: &Store) {
    let anna = someone(store, &ids(), "anna").await;
    super::plan(store, anna, "hello", DeliveryClass::NeverTwice).await;
    let works = claim(store, 2).await;
    store.hand_over(vec![hand_over(&works[0], 2)], at(2)).await.unwrap();
    store.settle(vec![settle(&works[0], DeliveryState::Accepted)], at(2)).await.unwrap();
    let entry = store.log_entry(works[0].message).await.unwrap().unwrap();
    let delivery = &entry.deliveries[0];
    assert_eq!(delivery.address.as_deref(), Some("planted@example.com"));
    assert!(delivery.has_content && delivery.commitment.is_some());
    assert_eq!(delivery.attempts[0].answer.as_deref(), Some("250 ok"));
    let content = store.log_content(delivery.id, "rie", "complaint 12", at(9)).await.unwrap().unwrap();
    assert_eq!(content.bytes, b"Subject: planted-subject\r\n\r\nplanted-body");
    let views = store.audit_events(Some("record.viewed"), None, 10).await.unwrap().rows;
    assert_eq!(views.len(), 1);
    assert!(views[0].body.contains("rie") && views[0].body.contains("complaint 12"));
    let entry = store.log_entry(works[0].message).await.unwrap().unwrap();
    assert_eq!(entry.deliveries[0].id, delivery.id);
}

async fn every_read_is_listed(store: &Store) {
    let anna = someone(store, &ids(), "anna").await;
    super::plan(store, anna, "hello", DeliveryClass::NeverTwice).await;
    let works = claim(store, 2).await;
    store.hand_over(vec![hand_over(&works[0], 2)], at(2)).await.unwrap();
    store.settle(vec![settle(&works[0], DeliveryState::Accepted)], at(2)).await.unwrap();
    let (message, delivery) = (works[0].message, works[0].delivery);
    for (n, reader) in ["rie", "ken", "rie"].into_iter().enumerate() {
        store.log_content(delivery, reader, &format!("case {n}"), at(3 + n as i64)).await.unwrap();
    }
    let detail = serde_json::json!({"format": "csv"});
    store.note_read(ReadKind::Export, "rie", "audit", None, detail.clone(), at(7)).await.unwrap();
    store.note_read(ReadKind::Customer, "ken", "", Some(anna.0), serde_json::json!({}), at(8)).await.unwrap();
    assert!(store.note_read(ReadKind::Export, " ", "audit", None, detail, at(9)).await.is_err());
    let all = store.reads(&ReadFilter::default(), None, 10).await.unwrap();
    let said: Vec<_> = all.rows.iter().map(|r| (r.kind, r.reader.as_str(), r.reason.as_str())).collect();
    use ReadKind::{Content, Customer, Export};
    let newest_first = [
        (Customer, "ken", ""),
        (Export, "rie", "audit"),
        (Content, "rie", "case 2"),
        (Content, "ken", "case 1"),
        (Content, "rie", "case 0"),
    ];
    assert_eq!((said.as_slice(), all.next), (newest_first.as_slice(), None));
    assert_eq!((all.rows[0].customer, all.rows[2].message), (Some(anna), Some(message)));
    assert_eq!((all.rows[2].delivery, all.rows[2].customer), (Some(delivery), Some(anna)));
    for (filter, n) in [
        (ReadFilter { reader: Some("ken".to_owned()), ..ReadFilter::default() }, 2),
        (ReadFilter { kind: Some(Export), ..ReadFilter::default() }, 1),
        (ReadFilter { message: Some(message), ..ReadFilter::default() }, 3),
        (ReadFilter { from: Some(at(4)), to: Some(at(8)), ..ReadFilter::default() }, 3),
    ] {
        let (mut after, mut seen) = (None, 0);
        loop {
            let page = store.reads(&filter, after, 1).await.unwrap();
            seen += page.rows.len();
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, n, "{filter:?}");
    }
    let entry = store.log_entry(message).await.unwrap().unwrap();
    let readers: Vec<_> = entry.reads.iter().map(|read| read.reader.as_str()).collect();
    assert_eq!(readers, ["rie", "ken", "rie"]);
    // Of a message, its page counts as well as its content.
    let other = words::MessageId([5; 16]);
    store.note_read(ReadKind::Message, "mei", "", Some(other.0), serde_json::json!({}), at(6)).await.unwrap();
    let of_other = ReadFilter { message: Some(other), ..ReadFilter::default() };
    let pages = store.reads(&of_other, None, 10).await.unwrap().rows;
    assert_eq!((pages.len(), pages[0].reader.as_str(), pages[0].message), (1, "mei", Some(other)));
}

async fn what_was_not_sent_is_counted_once_by_its_reason(store: &Store) {
    let anna = someone(store, &ids(), "anna").await;
    let held_back = |step: &str, why: &str| {
        let mut message = message(anna, step, 2, DeliveryClass::NeverTwice);
        message.outcome = MessageOutcome::NotSent;
        message.deliveries.clear();
        message.why = why.to_owned();
        message
    };
    let why = r#"{"reasons":[{"rule":"a","code":"fine","outcome":"pass"},{"rule":"jp/1","code":"quiet_hours","outcome":"block"}]}"#;
    let messages =
        vec![held_back("one", why), held_back("two", why), held_back("three", r#"{"reasons":["x"]}"#)];
    // Planned again it is the same message, and counted once.
    for _ in 0..2 {
        store.plan_messages(anna, messages.clone(), Vec::new(), at(2)).await.unwrap();
    }
    super::plan(store, anna, "four", DeliveryClass::NeverTwice).await;
    let tally = async || {
        let mut counts: Vec<_> = store
            .not_sent_counts(None)
            .await
            .unwrap()
            .into_iter()
            .map(|count| (count.step, count.outcome, count.code, count.rule, count.n))
            .collect();
        counts.sort();
        counts
    };
    let row = |step: &str, outcome, code: &str, rule: &str| {
        (step.to_owned(), outcome, code.to_owned(), rule.to_owned(), 1)
    };
    use MessageOutcome::{NotSent, Quarantined, Rejected};
    let planned = [
        row("one", NotSent, "quiet_hours", "jp/1"),
        row("three", NotSent, "", ""),
        row("two", NotSent, "quiet_hours", "jp/1"),
    ];
    assert_eq!(tally().await, planned);
    let work = claim(store, 2).await.remove(0);
    store.hand_over(vec![hand_over(&work, 2)], at(2)).await.unwrap();
    let mut quarantined = settle(&work, DeliveryState::Quarantined);
    quarantined.why = r#"{"outcome":{"outcome":"unavailable","answer":"421"}}"#.to_owned();
    store.settle(vec![quarantined], at(3)).await.unwrap();
    assert!(tally().await.contains(&row(&work.step, Quarantined, "unavailable", "")), "{:?}", tally().await);
    let key = crate::DeliveryKey { customer: anna, message: work.message, delivery: work.delivery };
    // Evidence says otherwise: it is not among them any more; and then it is, for another reason.
    store.settle_by_hand(key, crate::SettleByHand::SendAgain, "rie", "asked", at(4)).await.unwrap();
    assert_eq!(tally().await, planned);
    let work = claim(store, 5).await.remove(0);
    store.hand_over(vec![hand_over(&work, 5)], at(5)).await.unwrap();
    let mut refused = settle(&work, DeliveryState::Rejected);
    refused.why = r#"{"outcome":{"outcome":"message_refused","answer":"550"}}"#.to_owned();
    store.settle(vec![refused], at(6)).await.unwrap();
    assert!(tally().await.contains(&row(&work.step, Rejected, "message_refused", "")), "{:?}", tally().await);
    let counts = store.journey_counts(None).await.unwrap();
    assert_eq!(counts.iter().flat_map(|c| &c.messages).map(|m| m.not_sent).sum::<u64>(), 4);
    super::log::whole(store).await;
}

async fn a_customers_page_shows_everything(store: &Store) {
    let ids = ids();
    let anna = someone(store, &ids, "anna").await;
    for n in 1..=3 {
        store.ingest(vec![incoming(anna, &ids, "order", n, None)]).await.unwrap();
    }
    super::plan(store, anna, "hello", DeliveryClass::NeverTwice).await;
    let page = store.customer_page(anna, 50).await.unwrap().unwrap();
    assert_eq!(page.customer.unwrap().user_id.as_deref(), Some("anna"));
    let events = page.timeline.iter().filter(|i| matches!(i, TimelineItem::Event { .. })).count();
    let messages = page.timeline.iter().filter(|i| matches!(i, TimelineItem::Message(_))).count();
    assert_eq!((events, messages), (3, 1));
    assert!(page.timeline.windows(2).all(|pair| pair[0].at() >= pair[1].at()));
    assert_eq!(store.events_of(anna, 2, 10).await.unwrap().len(), 2);
    let totals = store.totals(at(5)).await.unwrap();
    assert_eq!((totals.customers, totals.steps_due, totals.sends_due), (1, 1, 1));
}
