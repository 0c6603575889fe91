//! Between the verdict and the hand-over.

use super::rig::Rig;
use crate::fixture::at;
use store::{DeliveryState, MessageOutcome, StopScope};
use words::{Channel, ConsentChange, ConsentState, Elapsed};

const OFFER: &str = "purpose: offers
start: {event: order_placed, once_per: order_id}
first_of: [email]
steps:
  - send: offer
";
const NOON: &str = "2026-04-01T03:00:00Z";

#[tokio::test]
async fn an_event_becomes_one_message_and_the_same_event_ten_times_has_one_effect() {
    let rig = Rig::new(NOON, &[("offers_club", OFFER)]).await;
    let hana = rig.customer("hana").await;
    for _ in 0..10 {
        rig.order(hana, "A-1").await;
        rig.settle().await;
    }
    let handed = rig.email.handed();
    assert_eq!(handed.len(), 1);
    assert_eq!(handed[0].parcel.to, "hana@example.jp");
    assert_eq!(handed[0].at, at(NOON));
    assert!(
        handed[0]
            .parcel
            .content
            .unsubscribe_url
            .as_ref()
            .is_some_and(|u| u.starts_with("https://t.example/u/"))
    );
    assert_eq!(rig.outcomes().await, [("offer".to_owned(), MessageOutcome::Accepted)]);
    let sent =
        rig.ledger.closed.lock().unwrap().iter().filter(|(_, s)| s.state == DeliveryState::Accepted).count();
    assert_eq!(sent, 1, "whoever looks on is told");
}

fn revoked(at: words::Timestamp) -> ConsentChange {
    let mut consent = crate::fixture::consent(None, Some(Channel::EMAIL), at);
    consent.state = ConsentState::Revoked;
    ConsentChange { consent }
}

#[tokio::test]
async fn an_unsubscribe_between_verdict_and_hand_over_stops_it() {
    let rig = Rig::new(NOON, &[("offers_club", OFFER)]).await;
    let hana = rig.customer("hana").await;
    rig.order(hana, "A-1").await;
    let (store, now) = (rig.machine.store.clone(), at(NOON));
    *rig.renderer.meanwhile.lock().unwrap() = Some(Box::new(move || {
        Box::pin(async move {
            store.update_customer(hana, now, move |_| vec![revoked(now)], Vec::new()).await.unwrap();
        })
    }));
    rig.settle().await;
    rig.pass(Elapsed::from_days(1)).await;
    assert!(rig.email.handed().is_empty());
    assert_eq!(rig.outcomes().await, [("offer".to_owned(), MessageOutcome::Suppressed)]);
    let refusals = rig.refusals();
    assert!(
        refusals
            .iter()
            .any(|(_, state, why)| *state == DeliveryState::Suppressed && why.contains("consent_revoked"))
    );
}

#[tokio::test]
async fn a_stop_between_verdict_and_hand_over_holds_it_until_it_is_lifted() {
    let rig = Rig::new(NOON, &[("offers_club", OFFER)]).await;
    let hana = rig.customer("hana").await;
    rig.order(hana, "A-1").await;
    let (store, now) = (rig.machine.store.clone(), at(NOON));
    *rig.renderer.meanwhile.lock().unwrap() = Some(Box::new(move || {
        Box::pin(async move {
            store.stop(StopScope::All, "hana.admin", "a mistake", now).await.unwrap();
        })
    }));
    rig.settle().await;
    rig.pass(Elapsed::from_hours(1)).await;
    assert!(rig.email.handed().is_empty());
    rig.machine.store.resume(&StopScope::All, "hana.admin", rig.clock_now()).await.unwrap();
    rig.pass(Elapsed::from_hours(2)).await;
    assert_eq!(rig.email.handed().len(), 1);
}

#[tokio::test]
async fn a_release_that_goes_live_between_verdict_and_hand_over_changes_what_comes_after_it() {
    let rig = Rig::new(NOON, &[("offers_club", OFFER)]).await;
    let hana = rig.customer("hana").await;
    rig.order(hana, "A-1").await;
    let mut files = (*rig.machine.live().unwrap().release.files).clone();
    files.insert("templates/offer/email/subject.txt".to_owned(), b"Other words\n".to_vec());
    let second = release::Release::build(files).0.unwrap();
    let (machine, now, release) = (std::sync::Arc::clone(&rig.machine), at(NOON), second.clone());
    *rig.renderer.meanwhile.lock().unwrap() = Some(Box::new(move || {
        Box::pin(async move {
            crate::live::put(&machine.store, &release, "test", "", now).await.unwrap();
            let live = crate::live::ready(&machine.store, &release, now).await.unwrap();
            crate::make_live(&machine.store, &release, "test", "deploy", now).await.unwrap();
            machine.set_live(live);
        })
    }));
    rig.settle().await;
    rig.order(hana, "A-2").await;
    rig.settle().await;
    rig.pass(Elapsed::from_days(1)).await;
    let subjects: Vec<String> =
        rig.email.handed().iter().map(|h| h.parcel.content.parts["subject"].clone()).collect();
    assert_eq!(subjects.len(), 2, "each once");
    assert_ne!(subjects[0], "Other words", "what was judged and made goes as it was made");
    assert_eq!(subjects[1], "Other words");
}

#[tokio::test]
async fn of_messages_due_together_the_higher_priority_goes_and_the_loser_names_the_winner() {
    let with = |priority: i32, message: &str| {
        format!(
            "purpose: offers\nstart: {{event: visited}}\nfirst_of: [email]\nsteps:\n  - send: {message}\n    priority: {priority}\n"
        )
    };
    // The base pack lets three through in a week.
    let journeys = [
        ("a", with(1, "hello")),
        ("b", with(9, "offer")),
        ("c", with(5, "thanks")),
        ("d", with(3, "reminder")),
    ];
    let journeys: Vec<(&str, &str)> = journeys.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let rig = Rig::new(NOON, &journeys).await;
    let hana = rig.customer("hana").await;
    rig.event(hana, "visited", "v-1", Default::default()).await;
    rig.settle().await;
    rig.pass(Elapsed::from_minutes(30)).await;
    let accepted: std::collections::BTreeSet<String> = rig
        .outcomes()
        .await
        .into_iter()
        .filter(|(_, outcome)| *outcome == MessageOutcome::Accepted)
        .map(|(name, _)| name)
        .collect();
    assert_eq!(accepted, ["offer", "reminder", "thanks"].map(str::to_owned).into());
    let refusals = rig.refusals();
    let lost = refusals.iter().find(|(name, _, _)| name == "hello").expect("the loser is told why");
    assert!(
        lost.2.contains("FRQ-001") && (lost.2.contains("offer") || lost.2.contains("cap_reached")),
        "{}",
        lost.2
    );
}

#[tokio::test]
async fn at_night_it_waits_for_the_morning_of_the_recipient() {
    // 23:30 in Tokyo.
    let rig = Rig::new("2026-04-01T14:30:00Z", &[("offers_club", OFFER)]).await;
    let hana = rig.customer("hana").await;
    rig.order(hana, "A-1").await;
    rig.settle().await;
    assert!(rig.email.handed().is_empty());
    rig.pass(Elapsed::from_hours(24)).await;
    let handed = rig.email.handed();
    assert_eq!(handed.len(), 1);
    assert_eq!(handed[0].at, at("2026-04-01T23:00:00Z"), "eight in the morning");
}

#[tokio::test]
async fn what_outlives_its_own_end_while_the_provider_is_away_expires() {
    let journey = format!("{OFFER}    expires: 2 hours\n");
    let rig = Rig::new(NOON, &[("offers_club", &journey)]).await;
    let hana = rig.customer("hana").await;
    for _ in 0..100 {
        rig.email.say(channel::Outcome::Unavailable { answer: "no connection".to_owned() });
    }
    rig.order(hana, "A-1").await;
    rig.settle().await;
    rig.pass(Elapsed::from_days(2)).await;
    assert_eq!(rig.outcomes().await, [("offer".to_owned(), MessageOutcome::Expired)]);
    let tries = rig.email.handed();
    assert!(tries.len() >= 5 && tries.len() < 20, "{} tries", tries.len());
    assert!(tries.iter().all(|t| t.at < at(NOON).plus(Elapsed::from_hours(2))));
    assert!(tries.windows(2).all(|two| two[0].bytes == two[1].bytes), "the same bytes each time");
}

#[tokio::test]
async fn a_consent_that_has_run_out_is_a_refusal_and_no_lateness() {
    let rig = Rig::new("2026-04-01T14:30:00Z", &[("offers_club", OFFER)]).await;
    let hana = rig.customer("hana").await;
    let (now, ends) = (at("2026-04-01T14:30:00Z"), at("2026-04-01T20:00:00Z"));
    let short = move |customer: &mut words::Customer| {
        customer.consents.clear();
        let mut consent = crate::fixture::consent(Some("offers"), Some(Channel::EMAIL), now);
        consent.expires_at = Some(ends);
        vec![ConsentChange { consent }]
    };
    rig.machine.store.update_customer(hana, now, short, Vec::new()).await.unwrap();
    rig.order(hana, "A-1").await;
    rig.settle().await;
    rig.pass(Elapsed::from_days(1)).await;
    assert!(rig.email.handed().is_empty());
    let outcomes = rig.outcomes().await;
    assert!(matches!(outcomes[0].1, MessageOutcome::Suppressed | MessageOutcome::NotSent), "{outcomes:?}");
}
