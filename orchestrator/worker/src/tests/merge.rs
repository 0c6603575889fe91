//! Two customers turn out to be one, with everything that may be under way.

use super::rig::{Answer, Provider, Rig};
use crate::{
    InProcess, Machine, Parts,
    calls::{CallOutcome, Caller, Calling},
    fixture::{order, project, text},
    tickets,
};
use channel::{Adapter, Outcome};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use store::{CallWork, Clock, MessageOutcome, Options, Store};
use words::{Channel, ConsentChange, ConsentState, CustomerId, Elapsed, IdSource, Value};

const NOON: &str = "2026-04-01T03:00:00Z";

const ORDERS: &str = "purpose: orders
start: {event: order_placed, once_per: order_id}
first_of: [email]
steps:
  - send: thanks
  - wait_for: order_delivered
    up_to: 5 days
    if_not:
      - stop: never_delivered
  - send: reminder
";

const OFFER: &str = "purpose: offers
start: {event: order_placed, once_per: order_id}
first_of: [email]
steps:
  - send: offer
";

async fn merge(rig: &Rig, loser: CustomerId, survivor: CustomerId) -> store::Merged {
    let schema = rig.machine.live().unwrap().release.project.schema.clone();
    rig.machine.store.merge(loser, survivor, &schema, rig.clock_now(), Vec::new()).await.unwrap()
}

fn delivered(id: &str) -> BTreeMap<String, Value> {
    BTreeMap::from([("order_id".to_owned(), text(id))])
}

#[tokio::test]
async fn of_two_enrollments_about_one_order_the_older_goes_on_and_says_everything_once() {
    let rig = Rig::new(NOON, &[("order_thanks", ORDERS)]).await;
    let (first, second) = (rig.customer("hana").await, rig.customer("hana2").await);
    rig.order(first, "A-1").await;
    rig.plan().await;
    rig.pass_without_work(Elapsed::from_secs(1));
    rig.order(second, "A-1").await;
    rig.plan().await;
    let merged = merge(&rig, first, second).await;
    assert_eq!((merged.enrollments_moved, merged.enrollments_merged), (1, 1));
    rig.settle().await;
    assert_eq!(rig.email.handed().len(), 1, "one thank-you, by the older one");
    assert_eq!(rig.email.handed()[0].parcel.to, "hana@example.jp");
    // What it began with came along: the delivery of that order is still what it waits for.
    rig.event(second, "order_delivered", "d-2", delivered("A-2")).await;
    rig.settle().await;
    assert_eq!(rig.email.handed().len(), 1, "another order's delivery");
    rig.event(first, "order_delivered", "d-1", delivered("A-1")).await;
    rig.settle().await;
    assert_eq!(rig.email.handed().len(), 2);
    let mut outcomes = rig.outcomes().await;
    outcomes.sort();
    let wanted = [
        ("reminder", MessageOutcome::Accepted),
        ("thanks", MessageOutcome::Accepted),
        ("thanks", MessageOutcome::Cancelled),
    ];
    assert_eq!(outcomes, wanted.map(|(name, outcome)| (name.to_owned(), outcome)));
}

#[tokio::test]
async fn a_fact_declared_after_a_merge_counts_the_events_of_both_each_once_in_the_order_of_time() {
    let rig = Rig::new(NOON, &[("order_thanks", ORDERS)]).await;
    let (loser, survivor) = (rig.customer("hana").await, rig.customer("hana2").await);
    rig.event(loser, "visited", "v-1", BTreeMap::new()).await;
    rig.order(loser, "A-1").await;
    rig.settle().await;
    rig.pass(Elapsed::from_days(1)).await;
    rig.event(survivor, "visited", "v-2", BTreeMap::new()).await;
    rig.order(survivor, "B-1").await;
    rig.settle().await;
    rig.pass(Elapsed::from_days(1)).await;
    // Not seen by any step at the merge: it goes over, and stays under the loser as well.
    rig.order(loser, "A-2").await;
    merge(&rig, loser, survivor).await;
    rig.settle().await;
    let mut files = (*rig.machine.live().unwrap().release.files).clone();
    let declared = String::from_utf8(files["journeys/declarations.yaml"].clone()).unwrap();
    let declared = declared.replace(
        "facts:\n",
        "facts:\n  visits: count(visited)\n  all_orders: count(order_placed)\n  newest: last(order_placed.order_id)\n",
    );
    files.insert("journeys/declarations.yaml".to_owned(), declared.into_bytes());
    let release = release::Release::build(files).0.unwrap();
    let rig = Rig::on(rig.machine.store.clone(), Arc::clone(&rig.clock), release).await;
    rig.event(survivor, "visited", "v-3", BTreeMap::new()).await;
    rig.settle().await;
    let history = rig.machine.store.history(survivor, u64::MAX).await.unwrap();
    assert!(history.is_sorted_by_key(|event| event.occurred_at));
    let schema = rig.machine.live().unwrap().release.project.schema.clone();
    let facts = rig.ledger.changes.lock().unwrap().iter().rev().find_map(|c| c.facts.clone()).unwrap();
    let value = |name: &str| facts.value(&schema, name, rig.clock_now());
    assert_eq!((value("visits"), value("all_orders")), (Value::Int(3), Value::Int(3)));
    assert_eq!(value("newest"), text("A-2"));
}

#[tokio::test]
async fn what_the_newer_one_has_said_already_the_older_one_does_not_say_again() {
    let rig = Rig::new(NOON, &[("order_thanks", ORDERS)]).await;
    let (first, second) = (rig.customer("hana").await, rig.customer("hana2").await);
    rig.order(first, "A-1").await;
    // Its provider is away; the other's is not.
    rig.email.say(Outcome::Unavailable { answer: "no connection".to_owned() });
    rig.settle().await;
    rig.order(second, "A-1").await;
    rig.settle().await;
    assert_eq!(rig.email.handed().len(), 2, "one in vain, one taken");
    merge(&rig, second, first).await;
    rig.pass(Elapsed::from_days(1)).await;
    assert_eq!(rig.email.handed().len(), 2);
}

#[tokio::test]
async fn the_same_event_about_the_one_and_then_the_other_name_has_one_effect() {
    let rig = Rig::new(NOON, &[("order_thanks", ORDERS)]).await;
    let (first, second) = (rig.customer("hana").await, rig.customer("hana2").await);
    rig.order(first, "A-1").await;
    rig.settle().await;
    merge(&rig, first, second).await;
    for whom in [first, second] {
        rig.order(whom, "A-1").await;
        rig.settle().await;
    }
    assert_eq!(rig.email.handed().len(), 1);
}

#[tokio::test]
async fn a_hand_over_under_way_at_the_merge_is_tried_again_for_the_survivor_with_the_same_bytes() {
    let rig = Rig::new(NOON, &[("order_thanks", ORDERS)]).await;
    let (loser, survivor) = (rig.customer("hana").await, rig.customer("hana2").await);
    rig.order(loser, "A-1").await;
    let (say, outcome) = tokio::sync::oneshot::channel();
    rig.email.next(Answer::Later(outcome));
    let machine = Arc::clone(&rig.machine);
    let sending = tokio::spawn(async move { machine.settle_now().await.unwrap() });
    while rig.email.handed().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    merge(&rig, loser, survivor).await;
    say.send(Outcome::Unavailable { answer: "no connection".to_owned() }).unwrap();
    sending.await.unwrap();
    rig.pass(Elapsed::from_hours(1)).await;
    let handed = rig.email.handed();
    assert_eq!(handed.len(), 2);
    assert_eq!(handed[0].bytes, handed[1].bytes);
    let log = rig.machine.store.log_search(&store::LogFilter::default(), None, 10).await.unwrap();
    assert_eq!((log.rows[0].customer, log.rows[0].outcome), (survivor, MessageOutcome::Accepted));
}

#[tokio::test]
async fn a_refusal_of_the_one_holds_for_what_was_planned_for_the_other() {
    for revoked_by_loser in [true, false] {
        let rig = Rig::new(NOON, &[("offers_club", OFFER)]).await;
        let (loser, survivor) = (rig.customer("hana").await, rig.customer("hana2").await);
        rig.order(loser, "A-1").await;
        rig.order(survivor, "A-2").await;
        rig.plan().await;
        let now = rig.clock_now();
        let whose = if revoked_by_loser { loser } else { survivor };
        let change = move |_: &mut words::Customer| {
            let mut consent = crate::fixture::consent(Some("offers"), None, now);
            consent.state = ConsentState::Revoked;
            vec![ConsentChange { consent }]
        };
        rig.machine.store.update_customer(whose, now, change, Vec::new()).await.unwrap();
        merge(&rig, loser, survivor).await;
        rig.pass(Elapsed::from_days(1)).await;
        assert!(rig.email.handed().is_empty(), "revoked by the loser: {revoked_by_loser}");
    }
}

#[tokio::test]
async fn caps_of_both_count_together() {
    let rig = Rig::new(NOON, &[("offers_club", OFFER)]).await;
    let (loser, survivor) = (rig.customer("hana").await, rig.customer("hana2").await);
    // Three a week: two here, two there.
    for (whose, id) in [(loser, "A-1"), (loser, "A-2"), (survivor, "A-3"), (survivor, "A-4")] {
        rig.order(whose, id).await;
        rig.settle().await;
    }
    merge(&rig, loser, survivor).await;
    rig.order(survivor, "A-5").await;
    rig.settle().await;
    assert_eq!(rig.email.handed().len(), 4, "one more would be the fifth of the week");
}

#[tokio::test]
async fn memberships_are_looked_at_again_and_nobody_joins_what_either_was_in() {
    let welcome = |segment: &str, message: &str| {
        format!(
            "purpose: orders\nstart:\n  joins: {segment}\n  again: always\nfirst_of: [email]\nsteps:\n  - send: {message}\n"
        )
    };
    let (pro, buyers) = (welcome("pro", "hello"), welcome("buyers", "thanks"));
    let rig = Rig::new(NOON, &[("welcome_pro", &pro), ("welcome_buyer", &buyers)]).await;
    let (loser, survivor) = (rig.customer("hana").await, rig.customer("hana2").await);
    let now = rig.clock_now();
    let is_pro = |customer: &mut words::Customer| {
        customer.traits.insert("plan".to_owned(), text("pro"));
        Vec::new()
    };
    rig.machine.store.update_customer(loser, now, is_pro, Vec::new()).await.unwrap();
    rig.order(loser, "A-1").await;
    rig.settle().await;
    assert_eq!(rig.email.handed().len(), 2, "pro, and a buyer");
    merge(&rig, loser, survivor).await;
    rig.settle().await;
    assert_eq!(rig.email.handed().len(), 2, "nothing is joined by the merge");
    let page = rig.machine.store.customer_page(survivor, 10).await.unwrap().unwrap();
    let member = |name: &str| page.segments.iter().any(|segment| segment.starts_with(name));
    assert!(member("pro") && member("buyers") && !member("never_bought"), "{:?}", page.segments);
}

/// Answers everything, and remembers what it was asked.
#[derive(Default)]
struct Asked(Mutex<Vec<(CustomerId, String)>>);

impl Caller for Asked {
    fn call<'a>(&'a self, _: &'a journey::CallSchema, work: &'a CallWork, key: String) -> Calling<'a> {
        self.0.lock().unwrap().push((work.customer, key));
        Box::pin(async { CallOutcome::Answered(serde_json::json!({"left": 3})) })
    }
}

#[tokio::test]
async fn a_call_that_waits_is_made_for_the_survivor_and_that_of_an_ended_enrollment_is_not() {
    let journey = "purpose: orders
start: {event: order_placed, once_per: order_id}
first_of: [email]
steps:
  - call: stock
    with: {sku: event.order_id}
    as: stock
    if_fails:
      - stop: no_answer
  - if: stock.left > 0
    then:
      - send: thanks
";
    let rig = Rig::new(NOON, &[("in_stock", journey)]).await;
    let asked = Arc::new(Asked::default());
    let machine = Machine::new(Parts {
        store: rig.machine.store.clone(),
        clock: rig.clock.clone(),
        ids: Arc::clone(&rig.ids),
        node: "calling".to_owned(),
        base_url: "https://t.example".to_owned(),
        renderer: Arc::new(InProcess),
        caller: asked.clone(),
        observer: None,
    });
    machine.set_live((*rig.machine.live().unwrap()).clone());
    machine.set_adapters((*rig.machine.adapters()).clone());
    let (loser, survivor) = (rig.customer("hana").await, rig.customer("hana2").await);
    rig.order(loser, "A-1").await;
    rig.order(loser, "A-2").await;
    rig.plan().await;
    rig.pass_without_work(Elapsed::from_secs(1));
    rig.order(survivor, "A-1").await;
    rig.plan().await;
    merge(&rig, loser, survivor).await;
    machine.settle_now().await.unwrap();
    let calls = asked.0.lock().unwrap().clone();
    assert_eq!(calls.len(), 2, "A-1 once, A-2 once: {calls:?}");
    assert!(calls.iter().all(|(whose, _)| *whose == survivor));
    assert_eq!(rig.email.handed().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn merges_while_everything_runs_lose_nothing_and_say_nothing_twice() {
    const PAIRS: usize = 24;
    let dir = std::env::temp_dir().join(format!("tabi-merges-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    let store = Store::open(Options::file(dir.join("tabi.db")), vault::Vault::ephemeral(3)).await.unwrap();
    let clock = Arc::new(store::VirtualClock::at(store::SystemClock.now()));
    clock.run();
    let rig = Rig::on(store.clone(), clock.clone(), project(&[("order_thanks", ORDERS)])).await;
    let email = Provider::new(Channel::EMAIL, clock.clone());
    let machine = Arc::new(Machine::new(Parts {
        store,
        clock: clock.clone(),
        ids: Arc::new(IdSource::seeded(5)),
        node: "test".to_owned(),
        base_url: "https://t.example".to_owned(),
        renderer: Arc::new(InProcess),
        caller: Arc::new(crate::calls::NoCalls),
        observer: None,
    }));
    machine.set_live((*rig.machine.live().unwrap()).clone());
    machine.set_adapters(BTreeMap::from([(Channel::EMAIL, email.clone() as Arc<dyn Adapter>)]));
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let running = tokio::spawn(tickets::run(Arc::clone(&machine), dir.join("jobs.db"), stopped));
    let schema = machine.live().unwrap().release.project.schema.clone();
    let mut survivors = Vec::new();
    for pair in 0..PAIRS {
        let (one, other) = (rig.customer(&format!("a{pair}")).await, rig.customer(&format!("b{pair}")).await);
        // Each has an order of their own.
        for (whose, id, message) in [
            (one, format!("X-{pair}"), format!("x-{pair}")),
            (other, format!("Y-{pair}"), format!("y-{pair}")),
        ] {
            rig.event(whose, "order_placed", &message, order(&id)).await;
        }
        // At whatever moment of stepping and sending that is.
        tokio::time::sleep(Duration::from_millis((pair as u64 * 7) % 40)).await;
        let merged = loop {
            match machine.store.merge(one, other, &schema, rig.clock_now(), Vec::new()).await {
                Ok(merged) => break merged,
                Err(store::StoreError::Conflict(_)) => {}
                Err(error) => panic!("{error}"),
            }
        };
        survivors.push(merged.survivor);
        rig.event(one, "order_placed", &format!("x-{pair}"), order(&format!("X-{pair}"))).await;
        rig.event(one, "order_delivered", &format!("dx-{pair}"), delivered(&format!("X-{pair}"))).await;
        rig.event(other, "order_delivered", &format!("dy-{pair}"), delivered(&format!("Y-{pair}"))).await;
    }
    // Two orders each, of each a thank-you and what follows its delivery.
    for _ in 0..600 {
        if email.handed().len() >= 4 * PAIRS {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    stop.send(true).unwrap();
    running.await.unwrap();
    assert_eq!(email.handed().len(), 4 * PAIRS);
    let page = machine.store.log_search(&store::LogFilter::default(), None, 1000).await.unwrap();
    assert_eq!(page.rows.len(), 4 * PAIRS);
    assert!(page.rows.iter().all(|row| row.outcome == MessageOutcome::Accepted));
    for survivor in survivors {
        let page = machine.store.customer_page(survivor, 100).await.unwrap().unwrap();
        assert_eq!(page.enrollments.len(), 2, "{:?}", page.enrollments);
    }
    let _ = std::fs::remove_dir_all(&dir);
}
