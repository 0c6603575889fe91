//! The log: every search finds all of what it asks for, newest first, a rare one at once.

use super::{at, claim, hand_over, ids, incoming, message, settle, someone};
use crate::{DeliveryState, LogFilter, LogRow, MessageOutcome, NewReceipt, Store};
use std::collections::BTreeSet;
use words::{Channel, CustomerId, DeliveryClass, DeliveryId, MessageId};

const NEVER_TWICE: DeliveryClass = DeliveryClass::NeverTwice;

pub(super) async fn exercise(make: &impl AsyncFn() -> Store) {
    the_log_pages_newest_first_without_gaps(&make().await).await;
    the_log_answers_who_got_what_and_why_not(&make().await).await;
    every_search_finds_what_it_asks_for(&make().await).await;
    a_rare_message_is_found_at_once(&make().await).await;
    an_outcome_is_found_as_it_is_now(&make().await).await;
    an_address_is_found_whosever_it_is(&make().await).await;
    a_period_is_found_also_where_the_clock_went_back(&make().await).await;
}

/// Nothing is left behind in what the log is searched by.
pub(super) async fn whole(store: &Store) {
    assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
}

/// All pages of a search, and that each of them but the last is full.
async fn all(store: &Store, filter: &LogFilter, limit: usize) -> Vec<LogRow> {
    let (mut cursor, mut rows) = (None, Vec::new());
    loop {
        let page = store.log_search(filter, cursor, limit).await.unwrap();
        assert!(page.next.is_none() || page.rows.len() == limit, "a page that goes on is full: {filter:?}");
        rows.extend(page.rows);
        cursor = page.next;
        if cursor.is_none() {
            let once: BTreeSet<MessageId> = rows.iter().map(|row| row.message).collect();
            assert_eq!(once.len(), rows.len(), "a message came twice: {filter:?}");
            return rows;
        }
    }
}

async fn the_log_pages_newest_first_without_gaps(store: &Store) {
    let ids = ids();
    let mut customers = Vec::new();
    for n in 0..10 {
        customers.push(someone(store, &ids, &format!("c{n}")).await);
    }
    for (n, customer) in customers.iter().enumerate() {
        for step in 0..5 {
            // Several at the same instant: the cursor must not lose or repeat any.
            let one = message(*customer, &format!("s{step}"), (n / 3) as i64, DeliveryClass::NeverTwice);
            store.plan_messages(*customer, vec![one], Vec::new(), at(1)).await.unwrap();
        }
    }
    for filter in [
        LogFilter::default(),
        LogFilter { journey: Some("welcome".to_owned()), ..LogFilter::default() },
        LogFilter { channel: Some(Channel::EMAIL), ..LogFilter::default() },
        LogFilter {
            address: Some((Channel::EMAIL, "planted@example.com".to_owned())),
            ..LogFilter::default()
        },
    ] {
        for limit in [1, 7, 50, 1000] {
            let rows = all(store, &filter, limit).await;
            assert_eq!(rows.len(), 50, "{filter:?}");
            assert!(rows.is_sorted_by(|a, b| a.planned_at >= b.planned_at), "newest first");
        }
    }
    let one = LogFilter { customer: Some(customers[4]), text: Some("s3".to_owned()), ..LogFilter::default() };
    assert_eq!(store.log_search(&one, None, 10).await.unwrap().rows.len(), 1);
    let day = LogFilter { from: Some(at(1)), to: Some(at(2)), ..LogFilter::default() };
    assert_eq!(store.log_search(&day, None, 100).await.unwrap().rows.len(), 15);
    let unheard = LogFilter { journey: Some("never_was".to_owned()), ..LogFilter::default() };
    assert!(store.log_search(&unheard, None, 10).await.unwrap().rows.is_empty());
}

async fn the_log_answers_who_got_what_and_why_not(store: &Store) {
    let ids = ids();
    let anna = someone(store, &ids, "anna").await;
    store.ingest(vec![incoming(anna, &ids, "order", 1, None)]).await.unwrap();
    let mut blocked = message(anna, "offer", 2, DeliveryClass::NeverTwice);
    blocked.outcome = MessageOutcome::NotSent;
    blocked.deliveries.clear();
    blocked.cause_seq = 1;
    blocked.why = r#"{"reasons":["no consent for offers"]}"#.to_owned();
    store.plan_messages(anna, vec![blocked.clone()], Vec::new(), at(2)).await.unwrap();
    let not_sent = LogFilter { not_sent: Some(true), ..LogFilter::default() };
    let rows = store.log_search(&not_sent, None, 10).await.unwrap().rows;
    assert_eq!((rows.len(), rows[0].outcome), (1, MessageOutcome::NotSent));
    let by_outcome = LogFilter { outcome: Some(MessageOutcome::NotSent), ..LogFilter::default() };
    assert_eq!(store.log_search(&by_outcome, None, 10).await.unwrap().rows, rows);
    let sent = LogFilter { not_sent: Some(false), ..LogFilter::default() };
    assert!(store.log_search(&sent, None, 10).await.unwrap().rows.is_empty());
    let entry = store.log_entry(blocked.id).await.unwrap().unwrap();
    assert_eq!(entry.cause, Some((1, "order".to_owned(), at(1))));
    assert!(entry.row.why.unwrap().contains("no consent"));
}

/// Messages of all kinds: journeys, purposes, names, channels and outcomes do not go by each other, nor by time.
async fn a_mixture(store: &Store, customers: &[CustomerId]) {
    for (whose, customer) in (0..).zip(customers) {
        let messages = (0..200).map(|nth| {
            let n = 3 * nth + whose;
            let mut one = message(*customer, &format!("s{n}"), n, NEVER_TWICE);
            one.journey = format!("journey_{}", n % 7);
            one.purpose = ["offers", "service", "security"][(n % 11 % 3) as usize].to_owned();
            one.name = format!("mail_{}", n % 13);
            let channel = [Channel::EMAIL, Channel::SMS, Channel::PUSH][(n % 5 % 3) as usize].clone();
            one.deliveries[0].id = DeliveryId::derive(one.id, 1, channel.as_str(), 0);
            one.deliveries[0].address = format!("address-{}", n % 17);
            one.deliveries[0].channel = channel;
            if n % 4 == 0 {
                one.outcome = [MessageOutcome::NotSent, MessageOutcome::Suppressed][(n % 8 / 4) as usize];
                one.deliveries.clear();
            }
            one
        });
        store.plan_messages(*customer, messages.collect(), Vec::new(), at(600)).await.unwrap();
    }
}

async fn every_search_finds_what_it_asks_for(store: &Store) {
    let ids = ids();
    let mut customers = Vec::new();
    for n in 0..3 {
        customers.push(someone(store, &ids, &format!("c{n}")).await);
    }
    a_mixture(store, &customers).await;
    let everything = all(store, &LogFilter::default(), 1000).await;
    assert_eq!(everything.len(), 600);
    whole(store).await;
    // Every property alone, absent, and with every other.
    let journeys = [None, Some("journey_3"), Some("nowhere")];
    let purposes = [None, Some("offers"), Some("security")];
    let outcomes =
        [None, Some(MessageOutcome::Planned), Some(MessageOutcome::NotSent), Some(MessageOutcome::Bounced)];
    let (channels, texts) =
        ([None, Some(Channel::SMS), Some(Channel::PUSH)], [None, Some("mail_1"), Some("12")]);
    let (periods, whose) = ([None, Some((100, 340))], [None, Some(customers[1])]);
    let mut asked = 0;
    for journey in journeys {
        for purpose in purposes {
            for outcome in outcomes {
                for channel in &channels {
                    for text in texts {
                        for period in periods {
                            for customer in whose {
                                asked += 1;
                                let filter = LogFilter {
                                    customer,
                                    from: period.map(|(from, _)| at(from)),
                                    to: period.map(|(_, to)| at(to)),
                                    journey: journey.map(str::to_owned),
                                    purpose: purpose.map(str::to_owned),
                                    channel: channel.clone(),
                                    outcome,
                                    not_sent: (asked % 3 == 0).then_some(asked % 2 == 0),
                                    text: text.map(str::to_owned),
                                    ..LogFilter::default()
                                };
                                let wanted: Vec<_> =
                                    everything.iter().filter(|row| holds(&filter, row)).cloned().collect();
                                assert_eq!(all(store, &filter, 1 + asked % 90).await, wanted, "{filter:?}");
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Whether a row has everything that is asked for, said in the plainest way.
fn holds(filter: &LogFilter, row: &LogRow) -> bool {
    let not_sent = row.outcome.is_not_sent();
    filter.customer.is_none_or(|customer| row.customer == customer)
        && filter.from.is_none_or(|from| row.planned_at >= from)
        && filter.to.is_none_or(|to| row.planned_at < to)
        && filter.channel.as_ref().is_none_or(|channel| row.channels.contains(channel))
        && filter.journey.as_ref().is_none_or(|journey| row.journey == *journey)
        && filter.purpose.as_ref().is_none_or(|purpose| row.purpose == *purpose)
        && filter.outcome.is_none_or(|outcome| row.outcome == outcome)
        && filter.not_sent.is_none_or(|wanted| wanted == not_sent)
        && !(filter.not_sent == Some(false) && row.outcome == MessageOutcome::Planned)
        && filter.text.as_ref().is_none_or(|text| row.name.contains(text.as_str()))
}

async fn a_rare_message_is_found_at_once(store: &Store) {
    let anna = someone(store, &ids(), "anna").await;
    let mut rare = message(anna, "rare", 0, NEVER_TWICE);
    (rare.journey, rare.purpose) = ("recall".to_owned(), "security".to_owned());
    store.plan_messages(anna, vec![rare.clone()], Vec::new(), at(0)).await.unwrap();
    // More than two blocks of others lie above it.
    for thousand in 0..9 {
        let others = (0..1000).map(|n| {
            let mut other = message(anna, &format!("s{thousand}-{n}"), 1 + thousand, NEVER_TWICE);
            other.deliveries.clear();
            other.outcome = MessageOutcome::NotSent;
            other
        });
        store.plan_messages(anna, others.collect(), Vec::new(), at(1 + thousand)).await.unwrap();
    }
    let of = |edit: fn(&mut LogFilter)| {
        let mut filter = LogFilter::default();
        edit(&mut filter);
        filter
    };
    for filter in [
        of(|f| f.journey = Some("recall".to_owned())),
        of(|f| f.purpose = Some("security".to_owned())),
        of(|f| f.outcome = Some(MessageOutcome::Planned)),
        of(|f| f.channel = Some(Channel::EMAIL)),
        of(|f| f.text = Some("rare".to_owned())),
        of(|f| (f.journey, f.outcome) = (Some("recall".to_owned()), Some(MessageOutcome::Planned))),
        of(|f| f.to = Some(at(1))),
        of(|f| (f.purpose, f.to) = (Some("security".to_owned()), Some(at(5)))),
    ] {
        let page = store.log_search(&filter, None, 50).await.unwrap();
        let found: Vec<_> = page.rows.iter().map(|row| row.message).collect();
        assert_eq!((found.as_slice(), page.next), ([rare.id].as_slice(), None), "{filter:?}");
    }
    // Many of the one and many of the other, and none of both.
    let none = of(|f| (f.journey, f.outcome) = (Some("recall".to_owned()), Some(MessageOutcome::NotSent)));
    let page = store.log_search(&none, None, 50).await.unwrap();
    assert_eq!((page.rows.len(), page.next), (0, None));
    assert_eq!(all(store, &of(|f| f.not_sent = Some(true)), 1000).await.len(), 9000);
    whole(store).await;
}

async fn an_outcome_is_found_as_it_is_now(store: &Store) {
    let anna = someone(store, &ids(), "anna").await;
    super::plan(store, anna, "hello", NEVER_TWICE).await;
    let is = async |outcome: MessageOutcome| {
        for other in MessageOutcome::ALL {
            let filter = LogFilter { outcome: Some(other), ..LogFilter::default() };
            let found = store.log_search(&filter, None, 10).await.unwrap().rows.len();
            assert_eq!(found, usize::from(other == outcome), "{other:?} where it is {outcome:?}");
        }
    };
    is(MessageOutcome::Planned).await;
    let work = claim(store, 2).await.remove(0);
    store.hand_over(vec![hand_over(&work, 2)], at(2)).await.unwrap();
    is(MessageOutcome::HandedOver).await;
    store.settle(vec![settle(&work, DeliveryState::Accepted)], at(2)).await.unwrap();
    is(MessageOutcome::Accepted).await;
    let receipt = |kind: &str| NewReceipt {
        customer: anna,
        message: work.message,
        delivery: work.delivery,
        kind: kind.to_owned(),
        at: at(3),
        detail: String::new(),
        events: Vec::new(),
        suppress: None,
        audit: Vec::new(),
    };
    store.receipts(vec![receipt("delivered")], at(3)).await.unwrap();
    is(MessageOutcome::Delivered).await;
    store.receipts(vec![receipt("complained")], at(4)).await.unwrap();
    is(MessageOutcome::Complained).await;
    // What is planned for one who is erased is taken back.
    super::plan(store, anna, "bye", NEVER_TWICE).await;
    store.erase(anna, at(5), Vec::new()).await.unwrap();
    let cancelled = LogFilter { outcome: Some(MessageOutcome::Cancelled), ..LogFilter::default() };
    assert_eq!(store.log_search(&cancelled, None, 10).await.unwrap().rows.len(), 1);
    assert_eq!(store.not_sent_counts(None).await.unwrap().iter().map(|count| count.n).sum::<u64>(), 1);
    whole(store).await;
}

async fn an_address_is_found_whosever_it_is(store: &Store) {
    let ids = ids();
    let (anna, ben) = (someone(store, &ids, "anna").await, someone(store, &ids, "ben").await);
    for (n, customer) in [(1, anna), (2, ben), (3, anna)] {
        let mut one = message(customer, &format!("s{n}"), n, NEVER_TWICE);
        one.deliveries[0].address = "shared@example.com".to_owned();
        store.plan_messages(customer, vec![one], Vec::new(), at(n)).await.unwrap();
    }
    super::plan(store, anna, "elsewhere", NEVER_TWICE).await;
    let shared = |customer| LogFilter {
        customer,
        address: Some((Channel::EMAIL, "shared@example.com".to_owned())),
        ..LogFilter::default()
    };
    for limit in [1, 2, 10] {
        let rows = all(store, &shared(None), limit).await;
        assert_eq!(rows.iter().map(|row| row.customer).collect::<Vec<_>>(), [anna, ben, anna]);
        assert_eq!(all(store, &shared(Some(ben)), limit).await.len(), 1);
    }
    let unheard =
        LogFilter { address: Some((Channel::SMS, "+81312345678".to_owned())), ..LogFilter::default() };
    assert!(all(store, &unheard, 10).await.is_empty());
    // Erased, what was said to them is in the log, and no address leads to it.
    store.erase(anna, at(9), Vec::new()).await.unwrap();
    assert_eq!(all(store, &shared(None), 10).await.len(), 1);
    assert_eq!(all(store, &LogFilter { customer: Some(anna), ..LogFilter::default() }, 10).await.len(), 3);
}

async fn a_period_is_found_also_where_the_clock_went_back(store: &Store) {
    let anna = someone(store, &ids(), "anna").await;
    // Ten rounds of the same hours, and each round begins again: no order at all.
    for round in 0..10 {
        let messages = (0..100).map(|n| message(anna, &format!("s{round}-{n}"), n, NEVER_TWICE));
        store.plan_messages(anna, messages.collect(), Vec::new(), at(0)).await.unwrap();
    }
    for (from, to) in [(0, 100), (5, 6), (99, 100), (0, 1), (100, 200), (-9, 0), (60, 40)] {
        let filter = LogFilter { from: Some(at(from)), to: Some(at(to)), ..LogFilter::default() };
        let narrow = LogFilter { channel: Some(Channel::EMAIL), ..filter.clone() };
        let wanted = usize::try_from(10 * (to.min(100) - from.max(0)).max(0)).unwrap();
        assert_eq!(all(store, &filter, 33).await.len(), wanted, "{from} to {to}");
        assert_eq!(all(store, &narrow, 33).await.len(), wanted, "{from} to {to}");
    }
}
