//! What providers answer, and what comes of it.

use super::rig::{Answer, Rig, accepted};
use channel::{OPTED_OUT, Outcome, Stage};
use std::time::Duration;
use store::{DeliveryState, MessageOutcome};
use words::{Channel, ConsentState, Elapsed};

const NOON: &str = "2026-04-01T03:00:00Z";
const OFFER: &str = "purpose: offers
start: {event: order_placed, once_per: order_id}
first_of: [email]
steps:
  - send: offer
";
const PUSH_FIRST: &str = "purpose: after_sales
start: {event: order_placed, once_per: order_id}
first_of: [push, sms, email]
steps:
  - send: thanks
";

fn answer() -> String {
    "as told".to_owned()
}

#[tokio::test]
async fn a_throttled_message_goes_again_with_the_same_bytes_and_uses_one_place_of_its_cap() {
    let rig = Rig::new(NOON, &[("offers_club", OFFER)]).await;
    let hana = rig.customer("hana").await;
    rig.email.say(Outcome::Throttled { after: Duration::from_secs(30), answer: answer() });
    rig.order(hana, "A-1").await;
    rig.settle().await;
    // The words of the message change meanwhile: what was handed over once stays as it is.
    let mut files = (*rig.machine.live().unwrap().release.files).clone();
    files.insert("templates/offer/email/subject.txt".to_owned(), b"Other words\n".to_vec());
    let release = release::Release::build(files).0.unwrap();
    let now = store::Clock::now(&*rig.clock);
    crate::deploy(&rig.machine.store, &release, "test", "", now).await.unwrap();
    rig.machine.set_live(crate::Live::of(&rig.machine.store, release).await.unwrap());
    rig.pass(Elapsed::from_minutes(5)).await;
    let handed = rig.email.handed();
    assert_eq!(handed.len(), 2);
    assert_eq!(handed[0].bytes, handed[1].bytes);
    assert_eq!(handed[0].parcel, handed[1].parcel);
    assert!(handed[1].at.since(handed[0].at) >= Elapsed::from_secs(30));
    // Three in a week: with one place used two more go, not three.
    for id in ["A-2", "A-3", "A-4"] {
        rig.order(hana, id).await;
        rig.settle().await;
    }
    assert_eq!(rig.email.handed().len(), 4);
}

#[tokio::test]
async fn what_the_provider_may_have_is_never_sent_twice_or_never_lost_by_its_class() {
    for (purpose, again) in [("after_sales", false), ("orders", true)] {
        let journey = OFFER.replace("offers", purpose);
        let rig = Rig::new(NOON, &[("club", &journey)]).await;
        let hana = rig.customer("hana").await;
        rig.email.say(Outcome::Unknown { stage: Stage::Answer, answer: answer() });
        rig.order(hana, "A-1").await;
        rig.settle().await;
        rig.pass(Elapsed::from_hours(3)).await;
        let handed = rig.email.handed();
        assert_eq!(handed.len(), if again { 2 } else { 1 }, "{purpose}");
        assert!(handed.windows(2).all(|two| two[0].bytes == two[1].bytes && two[0].parcel == two[1].parcel));
        let wanted = if again { MessageOutcome::Accepted } else { MessageOutcome::Unknown };
        assert_eq!(rig.outcomes().await[0].1, wanted, "{purpose}");
    }
}

#[tokio::test]
async fn an_opt_out_with_the_provider_is_recorded_as_the_customers_word() {
    let journey = OFFER.replace("[email]", "[sms, email]");
    let rig = Rig::new(NOON, &[("offers_club", &journey)]).await;
    let sms = rig.provider(Channel::SMS);
    let hana = rig
        .customer_at(
            "hana",
            &[(Channel::SMS, "+819012345678".into()), (Channel::EMAIL, "h@example.jp".into())],
        )
        .await;
    sms.say(Outcome::MessageRefused { answer: format!("{OPTED_OUT} 21610") });
    rig.order(hana, "A-1").await;
    rig.settle().await;
    rig.pass(Elapsed::from_minutes(1)).await;
    let customer = rig.machine.store.customer(hana).await.unwrap().unwrap();
    let word = customer.consent("offers", &Channel::SMS).unwrap();
    assert_eq!((word.state, word.evidence.method.as_str()), (ConsentState::Revoked, "provider_opt_out"));
    assert_eq!(customer.consent("offers", &Channel::EMAIL).unwrap().state, ConsentState::Granted);
    assert_eq!(rig.email.handed().len(), 1, "the next channel, after proof");
    rig.order(hana, "A-2").await;
    rig.settle().await;
    rig.pass(Elapsed::from_minutes(1)).await;
    assert_eq!((sms.handed().len(), rig.email.handed().len()), (1, 2), "no text is tried any more");
}

#[tokio::test]
async fn the_next_channel_only_when_no_token_of_a_customer_took_it() {
    let push_and_mail = [
        (Channel::PUSH, "token-1".to_owned()),
        (Channel::PUSH, "token-2".to_owned()),
        (Channel::EMAIL, "h@example.jp".to_owned()),
    ];
    let dead = || Outcome::AddressDead { answer: answer() };
    let unknown = || Outcome::Unknown { stage: Stage::Answer, answer: answer() };
    for (outcomes, mails) in [
        ([dead(), accepted()], 0),
        ([accepted(), dead()], 0),
        ([dead(), unknown()], 0),
        ([dead(), dead()], 1),
    ] {
        let rig = Rig::new(NOON, &[("thank_you", PUSH_FIRST)]).await;
        let push = rig.provider(Channel::PUSH);
        let hana = rig.customer_at("hana", &push_and_mail).await;
        let shown = format!("{outcomes:?}");
        outcomes.into_iter().for_each(|outcome| push.say(outcome));
        rig.order(hana, "A-1").await;
        rig.settle().await;
        rig.pass(Elapsed::from_minutes(10)).await;
        assert_eq!(push.handed().len(), 2, "{shown}");
        assert_eq!(rig.email.handed().len(), mails, "{shown}");
    }
}

#[tokio::test]
async fn a_dead_address_leads_to_the_next_one_and_is_not_written_to_again() {
    let rig = Rig::new(NOON, &[("offers_club", OFFER)]).await;
    let two = [(Channel::EMAIL, "old@example.jp".to_owned()), (Channel::EMAIL, "new@example.jp".to_owned())];
    let hana = rig.customer_at("hana", &two).await;
    rig.email.say(Outcome::AddressDead { answer: "550 5.1.1".to_owned() });
    rig.order(hana, "A-1").await;
    rig.settle().await;
    rig.pass(Elapsed::from_minutes(1)).await;
    let to: Vec<String> = rig.email.handed().into_iter().map(|h| h.parcel.to).collect();
    assert_eq!(to, ["old@example.jp", "new@example.jp"]);
    assert_eq!(rig.outcomes().await[0].1, MessageOutcome::Accepted);
}

#[tokio::test]
async fn a_message_that_cannot_be_made_is_set_aside_and_its_neighbours_go() {
    let rig = Rig::new(NOON, &[("offers_club", OFFER)]).await;
    for (name, refused) in [
        ("hana", None),
        ("bad", Some(Some("a line break in the subject".to_owned()))),
        ("worse", Some(None)),
        ("ken", None),
    ] {
        let id = rig.customer(name).await;
        if let Some(how) = refused {
            rig.email.refuses.lock().unwrap().insert(format!("{name}@example.jp"), how);
        }
        rig.order(id, name).await;
    }
    rig.settle().await;
    rig.pass(Elapsed::from_hours(1)).await;
    assert_eq!(rig.email.handed().len(), 2);
    let quarantined = rig.outcomes().await.iter().filter(|(_, o)| *o == MessageOutcome::Quarantined).count();
    assert_eq!(quarantined, 2);
    let why = rig.refusals().into_iter().filter(|(_, state, _)| *state == DeliveryState::Quarantined);
    assert!(why.clone().any(|(_, _, why)| why.contains("a line break in the subject")));
    assert!(why.clone().all(|(_, _, why)| why.contains("隔離")));
}

#[tokio::test]
async fn an_adapter_that_breaks_off_takes_no_neighbour_along() {
    let rig = Rig::new(NOON, &[("offers_club", OFFER)]).await;
    for name in ["hana", "ken", "mei"] {
        let id = rig.customer(name).await;
        rig.order(id, name).await;
    }
    rig.email.next(Answer::Break);
    rig.settle().await;
    let outcomes: Vec<MessageOutcome> =
        rig.outcomes().await.into_iter().map(|(_, outcome)| outcome).collect();
    assert_eq!(outcomes.iter().filter(|o| **o == MessageOutcome::Accepted).count(), 2);
    assert_eq!(
        outcomes.iter().filter(|o| **o == MessageOutcome::Unknown).count(),
        1,
        "nobody knows how far it came"
    );
}

#[tokio::test]
async fn messages_of_one_customer_arrive_in_the_order_of_their_steps() {
    let three = "purpose: offers
start: {event: order_placed, once_per: order_id}
first_of: [email]
steps:
  - send: thanks
  - send: offer
  - wait: 1 hour
  - send: thanks
";
    // By day, and at two in the morning, when all of them wait for the same minute.
    for (at, planned) in [(NOON, 2), ("2026-04-01T17:00:00Z", 0)] {
        let rig = Rig::new(at, &[("club", three)]).await;
        for nth in 0..20 {
            let id = rig.customer(&format!("c{nth}")).await;
            rig.order(id, "A-1").await;
        }
        rig.settle().await;
        assert!(rig.email.handed().len() == 20 * planned);
        rig.pass(Elapsed::from_hours(12)).await;
        let handed = rig.email.handed();
        assert_eq!(handed.len(), 60);
        let mut arrived: std::collections::BTreeMap<_, Vec<String>> = std::collections::BTreeMap::new();
        for (work, settle) in rig.ledger.closed.lock().unwrap().iter() {
            if settle.state == DeliveryState::Accepted {
                arrived.entry(work.customer.id).or_default().push(work.name.clone());
            }
        }
        assert_eq!(arrived.len(), 20);
        for order in arrived.values() {
            assert_eq!(order, &["thanks", "offer", "thanks"], "{at}");
        }
    }
}
