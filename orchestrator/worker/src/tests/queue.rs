//! The real queue on real files.

use super::rig::{Answer, Provider, Rig};
use crate::{InProcess, Machine, Parts, calls::NoCalls, fixture::project, tickets};
use channel::Adapter;
use channel::pace::{Breaker, Pace, Rate};
use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};
use store::{Clock, Options, Store, SystemClock};
use words::{Channel, IdSource};

/// Marketing would wait for the morning.
const ORDERS: &str = "purpose: orders
start: {event: order_placed, once_per: order_id}
first_of: [email]
steps:
  - send: thanks
";

const TEXTS: &str = "purpose: orders
start: {event: visited}
first_of: [sms]
steps:
  - send: hello
";

/// A live machine, its e-mail provider, and a folder of its own.
async fn live_machine(dir: &Path) -> (Arc<Machine>, Arc<Provider>, Rig) {
    let vault = vault::Vault::ephemeral(3);
    let store = Store::open(Options::file(dir.join("tabi.db")), vault).await.unwrap();
    let clock = Arc::new(store::VirtualClock::at(SystemClock.now()));
    clock.run();
    let journeys = [("order_thanks", ORDERS), ("order_texts", TEXTS)];
    let rig = Rig::on(store.clone(), clock, project(&journeys)).await;
    let email = Provider::new(Channel::EMAIL, Arc::new(SystemClock));
    let machine = Machine::new(Parts {
        store,
        clock: Arc::new(SystemClock),
        ids: Arc::new(IdSource::seeded(5)),
        node: "test".to_owned(),
        base_url: "https://t.example".to_owned(),
        renderer: Arc::new(InProcess),
        caller: Arc::new(NoCalls),
        observer: None,
    });
    machine.set_live((*rig.machine.live().unwrap()).clone());
    machine.set_adapters(BTreeMap::from([(Channel::EMAIL, email.clone() as Arc<dyn Adapter>)]));
    (Arc::new(machine), email, rig)
}

fn folder(name: &str) -> std::path::PathBuf {
    let dir = std::env::temp_dir().join(format!("tabi-queue-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..600 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what} did not happen within 30 seconds");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_database_that_is_destroyed_while_it_is_used_loses_nobody_and_nobody_gets_two() {
    let dir = folder("destroyed");
    let (machine, email, rig) = live_machine(&dir).await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let jobs = dir.join("jobs.db");
    let running = tokio::spawn(tickets::run(Arc::clone(&machine), jobs.clone(), stopped));
    let rounds = 6;
    for round in 0..rounds {
        for nth in 0..10 {
            let id = rig.customer(&format!("c{round}-{nth}")).await;
            rig.order(id, &format!("A-{round}-{nth}")).await;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        match round % 3 {
            0 => drop(std::fs::remove_file(&jobs)),
            1 => drop(std::fs::OpenOptions::new().write(true).truncate(true).open(&jobs)),
            _ => drop(std::fs::write(&jobs, b"this is no database")),
        }
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    until("every message", || email.handed().len() >= 10 * rounds).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut to: Vec<String> = email.handed().into_iter().map(|h| h.parcel.to).collect();
    to.sort();
    to.dedup();
    assert_eq!((to.len(), email.handed().len()), (10 * rounds, 10 * rounds));
    let began = std::time::Instant::now();
    stop.send(true).unwrap();
    running.await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(10), "stopping took {:?}", began.elapsed());
    let _ = std::fs::remove_dir_all(&dir);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_any_place_for_the_queue_the_work_goes_on() {
    let dir = folder("no-place");
    let (machine, email, rig) = live_machine(&dir).await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    // A folder stands where the file should be.
    let jobs = dir.join("jobs.db");
    std::fs::create_dir_all(jobs.join("in the way")).unwrap();
    let running = tokio::spawn(tickets::run(machine, jobs, stopped));
    let id = rig.customer("hana").await;
    rig.order(id, "A-1").await;
    until("the message", || email.handed().len() == 1).await;
    stop.send(true).unwrap();
    running.await.unwrap();
    let _ = std::fs::remove_dir_all(&dir);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_hears_out_what_is_being_handed_over() {
    let dir = folder("stopping");
    let (machine, email, rig) = live_machine(&dir).await;
    let (say, outcome) = tokio::sync::oneshot::channel();
    email.next(Answer::Later(outcome));
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let running = tokio::spawn(tickets::run(machine, dir.join("jobs.db"), stopped));
    let id = rig.customer("hana").await;
    rig.order(id, "A-1").await;
    until("the hand-over", || email.handed().len() == 1).await;
    stop.send(true).unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!running.is_finished(), "the provider has not answered yet");
    say.send(super::rig::accepted()).unwrap();
    running.await.unwrap();
    assert_eq!(rig.outcomes().await[0].1, store::MessageOutcome::Accepted);
    let _ = std::fs::remove_dir_all(&dir);
}

/// Two mails, a day apart.
const TWO: &str = "purpose: orders
start: {event: order_placed, once_per: order_id}
first_of: [email]
steps:
  - send: thanks
  - wait: 24 hours
  - send: reminder
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_sleeps_is_woken_when_business_time_is_moved_on() {
    let dir = folder("advanced");
    let store = Store::open(Options::file(dir.join("tabi.db")), vault::Vault::ephemeral(3)).await.unwrap();
    let clock = Arc::new(store::VirtualClock::at(SystemClock.now()));
    clock.run();
    let rig = Rig::on(store, clock, project(&[("order_thanks", TWO)])).await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let running = tokio::spawn(tickets::run(Arc::clone(&rig.machine), dir.join("jobs.db"), stopped));
    let id = rig.customer("hana").await;
    rig.order(id, "A-1").await;
    until("the first mail", || rig.email.handed().len() == 1).await;
    // Everybody has gone to sleep by now: for half a minute, since nothing is due before tomorrow.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let began = std::time::Instant::now();
    rig.clock.set(rig.clock_now().plus(words::Elapsed::from_hours(25)));
    rig.machine.store.wake();
    until("the second mail", || rig.email.handed().len() == 2).await;
    assert!(began.elapsed() < Duration::from_secs(15), "it took {:?}", began.elapsed());
    stop.send(true).unwrap();
    running.await.unwrap();
    let _ = std::fs::remove_dir_all(&dir);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_that_hangs_holds_up_no_other() {
    let dir = folder("hangs");
    let (machine, email, rig) = live_machine(&dir).await;
    let sms = Provider::new(Channel::SMS, Arc::new(SystemClock));
    let mut adapters = (*machine.adapters()).clone();
    adapters.insert(Channel::SMS, sms.clone());
    machine.set_adapters(adapters);
    let (say, outcome) = tokio::sync::oneshot::channel();
    sms.next(Answer::Later(outcome));
    // Everything is due when the machine starts, so that it goes out by batches.
    let ken = rig.customer_at("ken", &[(Channel::SMS, "+819012345678".to_owned())]).await;
    rig.event(ken, "visited", "v-1", BTreeMap::new()).await;
    let hana = rig.customer("hana").await;
    rig.order(hana, "A-1").await;
    rig.plan().await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let running = tokio::spawn(tickets::run(machine, dir.join("jobs.db"), stopped));
    until("the text", || sms.handed().len() == 1).await;
    until("the mail", || email.handed().len() == 1).await;
    let mei = rig.customer("mei").await;
    rig.order(mei, "A-2").await;
    until("another mail", || email.handed().len() == 2).await;
    say.send(super::rig::accepted()).unwrap();
    stop.send(true).unwrap();
    running.await.unwrap();
    let _ = std::fs::remove_dir_all(&dir);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drainer_that_waits_for_a_provider_is_woken_when_that_is_to_be_tried_earlier() {
    let dir = folder("paused");
    let (machine, email, rig) = live_machine(&dir).await;
    let breaker = Breaker {
        failures: 3,
        pause: words::Elapsed::from_millis(200),
        pause_max: words::Elapsed::from_millis(500),
    };
    let pace = Pace { rate: Rate::per_1000_seconds(50_000), breaker: Some(breaker), ramp: None };
    machine.store.set_paces(BTreeMap::from([(Channel::EMAIL, pace)])).await.unwrap();
    let back = SystemClock.now().plus(words::Elapsed::from_secs(3));
    email.down_until(back);
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let running = tokio::spawn(tickets::run(Arc::clone(&machine), dir.join("jobs.db"), stopped));
    for nth in 0..20 {
        let id = rig.customer(&format!("p{nth}")).await;
        rig.order(id, &format!("P-{nth}")).await;
    }
    let accepted = || email.handed().iter().filter(|handed| handed.at >= back).count();
    until("every message", || accepted() >= 20).await;
    let tries = email.handed().len() - 20;
    assert!((3..=14).contains(&tries), "{tries}");
    // Those that were not tried went out as soon as it was back, not at the end of the time that a try may take.
    let at_once = back.plus(words::Elapsed::from_secs(3));
    assert!(email.handed().iter().filter(|h| h.at >= back && h.at < at_once).count() >= 10);
    stop.send(true).unwrap();
    running.await.unwrap();
    let _ = std::fs::remove_dir_all(&dir);
}
