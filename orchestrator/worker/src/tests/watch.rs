//! What the team is told without any journey's word, and what is counted.

use super::rig::Rig;
use crate::tests::rig::Answer;
use channel::pace::{Breaker, Pace, Rate};
use channel::{Outcome, Stage};
use words::{Channel, Elapsed};

const THANKS: &str = "purpose: offers
start: {event: order_placed, once_per: order_id}
first_of: [email]
steps:
  - send: offer
";

#[tokio::test]
async fn a_provider_that_only_has_a_breaker_is_watched_and_a_limit_is_somebodys_word() {
    let rig = Rig::new("2026-04-01T03:00:00Z", &[("thanks", THANKS)]).await;
    let hana = rig.customer("hana").await;
    rig.order(hana, "A-1").await;
    rig.plan().await;
    rig.pass_without_work(Elapsed::from_minutes(20));
    let late = async |pace: Pace| {
        rig.machine.store.set_paces([(Channel::EMAIL, pace)].into()).await.unwrap();
        rig.machine.watch().await.unwrap();
        rig.machine.store.notices(true, 10).await.unwrap().len()
    };
    assert_eq!(late(Pace { rate: Rate::per_1000_seconds(1000), ..Pace::default() }).await, 0);
    assert_eq!(late(Pace { breaker: Some(Breaker::default()), ..Pace::default() }).await, 1);
}

#[tokio::test]
async fn what_waits_for_a_person_is_told_once_a_day_and_mailed_where_addresses_are_known() {
    let mut rig = Rig::new("2026-04-01T03:00:00Z", &[("thanks", THANKS)]).await;
    let hana = rig.customer("hana").await;
    rig.email.next(Answer::Say(Outcome::Unknown { stage: Stage::Answer, answer: "silence".to_owned() }));
    rig.order(hana, "A-1").await;
    rig.settle().await;
    let machine = std::sync::Arc::get_mut(&mut rig.machine).unwrap();
    machine.alerts = vec!["team@shop.example".to_owned()];
    for _ in 0..3 {
        rig.machine.watch().await.unwrap();
    }
    let notices = rig.machine.store.notices(true, 10).await.unwrap();
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert_eq!((notices[0].to.as_str(), notices[0].journey.as_deref()), ("team@shop.example", None));
    assert!(notices[0].text.contains('1'), "{}", notices[0].text);
    assert_eq!(rig.machine.notice_batch().await.unwrap(), 1, "it goes by mail, too");
    assert_eq!(rig.email.handed().last().unwrap().parcel.to, "team@shop.example");
    rig.pass_without_work(Elapsed::from_days(1));
    rig.machine.watch().await.unwrap();
    assert_eq!(rig.machine.store.notices(true, 10).await.unwrap().len(), 2, "the next day again");

    let text = rig.machine.metrics_text().await.unwrap();
    for line in [
        r#"tabi_hand_overs_total{channel="email",outcome="unknown"} 1"#,
        r#"tabi_attention{why="unknown"} 1"#,
        "tabi_held 0",
        "tabi_stops 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}
