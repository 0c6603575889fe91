//! Processes that end at the worst moment, and leases that run out.

use super::rig::{Answer, Rig, accepted};
use std::time::Duration;
use store::MessageOutcome;
use words::{Elapsed, Locale};

const NOON: &str = "2026-04-01T03:00:00Z";
const OFFER: &str = "purpose: offers
start: {event: order_placed, once_per: order_id}
first_of: [email]
steps:
  - send: offer
";

#[tokio::test]
async fn a_crash_between_claim_and_hand_over_is_sent_once_after_the_restart() {
    let rig = Rig::new(NOON, &[("offers_club", OFFER)]).await;
    let hana = rig.customer("hana").await;
    rig.order(hana, "A-1").await;
    // Claimed in the commit that planned it; then the process ends.
    let report = rig.machine.step_batch().await.unwrap();
    assert_eq!(report.claimed.len(), 1);
    drop(report);
    rig.settle().await;
    assert!(rig.email.handed().is_empty(), "it is claimed still");
    assert_eq!(rig.sweep().await.planned_again, 1);
    rig.settle().await;
    assert_eq!(rig.email.handed().len(), 1);
    assert_eq!(rig.outcomes().await[0].1, MessageOutcome::Accepted);
}

#[tokio::test]
async fn a_crash_after_the_hand_over_began_follows_the_class() {
    for (purpose, again) in [("offers", false), ("orders", true)] {
        let journey = OFFER.replace("offers", purpose);
        let rig = Rig::new(NOON, &[("club", &journey)]).await;
        let hana = rig.customer("hana").await;
        rig.order(hana, "A-1").await;
        rig.plan().await;
        rig.email.next(Answer::Hang);
        rig.send_and_crash().await;
        assert_eq!(rig.email.handed().len(), 1);
        let swept = rig.sweep().await;
        assert_eq!((swept.unknown, swept.planned_again), if again { (0, 1) } else { (1, 0) }, "{purpose}");
        rig.settle().await;
        rig.pass(Elapsed::from_hours(6)).await;
        let handed = rig.email.handed();
        assert_eq!(handed.len(), if again { 2 } else { 1 }, "{purpose}");
        assert!(
            handed
                .windows(2)
                .all(|two| two[0].bytes == two[1].bytes && two[0].parcel.message == two[1].parcel.message)
        );
        let wanted = if again { MessageOutcome::Accepted } else { MessageOutcome::Unknown };
        assert_eq!(rig.outcomes().await[0].1, wanted, "{purpose}");
    }
}

#[tokio::test]
async fn an_answer_that_comes_after_the_lease_settles_what_was_called_unknown() {
    let rig = Rig::new(NOON, &[("offers_club", OFFER)]).await;
    let hana = rig.customer("hana").await;
    rig.order(hana, "A-1").await;
    rig.plan().await;
    let (say, outcome) = tokio::sync::oneshot::channel();
    rig.email.next(Answer::Later(outcome));
    let machine = std::sync::Arc::clone(&rig.machine);
    let sending = tokio::spawn(async move { machine.send_batch().await });
    while rig.email.handed().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // The process was asleep for longer than its lease.
    assert_eq!(rig.sweep().await.unknown, 1);
    assert_eq!(rig.outcomes().await[0].1, MessageOutcome::Unknown);
    say.send(accepted()).unwrap();
    sending.await.unwrap().unwrap();
    assert_eq!(rig.outcomes().await[0].1, MessageOutcome::Accepted);
    assert_eq!(rig.email.handed().len(), 1);
}

#[tokio::test]
async fn a_poison_message_is_set_aside_after_three_strikes_and_its_neighbours_go_once() {
    let rig = Rig::new(NOON, &[("offers_club", OFFER)]).await;
    for nth in 0..6 {
        let id = rig.customer(&format!("c{nth}")).await;
        if nth == 3 {
            let fr = |customer: &mut words::Customer| {
                customer.locale = Locale::parse("fr").ok();
                Vec::new()
            };
            rig.machine.store.update_customer(id, rig.clock_now(), fr, Vec::new()).await.unwrap();
        }
        rig.order(id, &format!("A-{nth}")).await;
    }
    rig.plan().await;
    *rig.renderer.poison.lock().unwrap() = Some("fr".to_owned());
    let mut crashes = 0;
    for _ in 0..40 {
        let machine = std::sync::Arc::clone(&rig.machine);
        let mut task = tokio::spawn(async move { machine.send_batch().await });
        match tokio::time::timeout(Duration::from_millis(400), &mut task).await {
            Ok(done) => {
                if done.unwrap().unwrap().claimed == 0 {
                    break;
                }
            }
            Err(_) => {
                crashes += 1;
                task.abort();
                let _ = task.await;
                rig.sweep().await;
            }
        }
    }
    assert!(crashes <= 3, "{crashes} crashes");
    assert_eq!(rig.email.handed().len(), 5, "each neighbour once");
    let mut outcomes: Vec<_> = rig.outcomes().await.into_iter().map(|(_, outcome)| outcome).collect();
    outcomes.sort();
    assert_eq!(outcomes.pop(), Some(MessageOutcome::Quarantined));
    assert!(outcomes.iter().all(|o| *o == MessageOutcome::Accepted), "{outcomes:?}");
}

#[tokio::test]
async fn a_step_dropped_before_its_commit_never_happened() {
    let rig = Rig::new(NOON, &[("offers_club", OFFER)]).await;
    let hana = rig.customer("hana").await;
    rig.order(hana, "A-1").await;
    let deciding = store::Deciding { caps_since: words::Timestamp::from_micros(0), events_max: 256 };
    let claimed = rig.machine.store.claim_steps(rig.clock_now(), 10, deciding).await.unwrap();
    assert_eq!(claimed.work.len(), 1);
    drop(claimed);
    rig.settle().await;
    assert_eq!(rig.email.handed().len(), 1);
}
