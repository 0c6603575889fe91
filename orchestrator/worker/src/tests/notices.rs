//! Notices to the team, and their mails.

use super::rig::{Answer, Rig};
use channel::Outcome;
use std::collections::BTreeMap;
use store::{AuditKind, StopScope};
use words::Elapsed;

const NOTIFIES: &str = "title: {en: Big visits, ja: 訪問}
purpose: after_sales
start: {event: visited}
steps:
  - notify: support@example.jp
    text: \"{customer.plan} <came> by\"
  - notify: support team
    text: A name has no mailbox
";

async fn visited() -> Rig {
    let rig = Rig::new("2026-04-01T03:00:00Z", &[("notifies", NOTIFIES)]).await;
    let hana = rig.customer("hana").await;
    rig.event(hana, "visited", "m1", BTreeMap::new()).await;
    rig.settle().await;
    rig
}

#[tokio::test]
async fn an_address_of_the_team_is_mailed_once_and_the_record_says_so() {
    let rig = visited().await;
    assert_eq!(rig.machine.notice_batch().await.unwrap(), 1);
    assert_eq!(rig.machine.notice_batch().await.unwrap(), 0);
    let handed = rig.email.handed();
    let mail = &handed[0].parcel;
    assert_eq!((handed.len(), mail.to.as_str()), (1, "support@example.jp"));
    assert_eq!(mail.content.parts["subject"], "Notice from the journey “Big visits”");
    assert!(mail.content.parts["html"].contains("&lt;came&gt; by"), "{:?}", mail.content.parts);
    assert!(mail.content.parts["text"].contains("https://t.example/console/customers/"));
    assert_eq!(mail.content.sender["from"], "hello@shop.example");
    let kept =
        rig.machine.store.audit_events(Some(AuditKind::NoticeMailed.as_str()), None, 10).await.unwrap();
    assert_eq!(kept.rows.len(), 1);
    let notices = rig.machine.store.notices(true, 10).await.unwrap();
    let outcomes: Vec<_> = notices.iter().map(|n| (n.to.as_str(), n.mail_outcome.as_deref())).collect();
    assert!(outcomes.contains(&("support@example.jp", Some("accepted"))), "{outcomes:?}");
    assert!(outcomes.contains(&("support team", None)), "{outcomes:?}");
}

#[tokio::test]
async fn a_mail_to_the_team_waits_for_a_stop_and_is_tried_again_as_the_same_mail() {
    let rig = visited().await;
    let now = rig.clock_now();
    rig.machine.store.stop(StopScope::All, "mika", "a check", now).await.unwrap();
    assert_eq!(rig.machine.notice_batch().await.unwrap(), 0);
    rig.machine.store.resume(&StopScope::All, "mika", now).await.unwrap();
    rig.email.next(Answer::Say(Outcome::Unavailable { answer: "421 later".to_owned() }));
    assert_eq!(rig.machine.notice_batch().await.unwrap(), 1);
    assert_eq!(rig.machine.notice_batch().await.unwrap(), 0);
    rig.pass_without_work(Elapsed::from_minutes(2));
    assert_eq!(rig.machine.notice_batch().await.unwrap(), 1);
    let handed = rig.email.handed();
    assert_eq!((handed.len(), &handed[0].bytes), (2, &handed[1].bytes));
}
