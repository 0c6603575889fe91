//! Sends: fenced, counted before anything can crash, and asked again at the door.

use super::{at, claim, claim_for, hand_over, ids, incoming, plan, settle, someone};
use crate::{
    DeliveryState, HandOverRefused, LogFilter, MessageOutcome, NewReceipt, SettleByHand, StopScope, Store,
    SuppressionRow,
};
use words::{
    Basis, Channel, Consent, ConsentChange, ConsentState, DeliveryClass, Evidence, MessageId, Timestamp,
};

const NEVER_TWICE: DeliveryClass = DeliveryClass::NeverTwice;

pub(super) async fn exercise(make: &impl AsyncFn() -> Store) {
    a_delivery_is_claimed_handed_over_and_accepted(&make().await).await;
    a_stale_fence_settles_nothing(&make().await).await;
    an_unsubscribe_between_verdict_and_hand_over_wins(&make().await).await;
    a_suppression_between_verdict_and_hand_over_wins(&make().await).await;
    a_cap_used_meanwhile_is_seen(&make().await).await;
    what_is_sent_again_uses_its_cap_once_and_from_then_on(&make().await).await;
    a_stop_between_verdict_and_hand_over_wins(&make().await).await;
    taking_a_stop_back_asks_at_once_about_what_it_put_off(&make().await).await;
    a_verdict_does_not_outlive_its_time(&make().await).await;
    three_strikes_quarantine_one_and_leave_its_neighbours(&make().await).await;
    what_was_struck_goes_apart_the_least_struck_first(&make().await).await;
    a_crash_before_the_hand_over_is_planned_again(&make().await).await;
    a_crash_during_the_hand_over_follows_the_class(&make().await).await;
    a_report_that_comes_before_the_answer_ends_the_claim(&make().await).await;
    what_would_be_sent_again_is_settled_by_evidence(&make().await).await;
    what_is_unknown_is_settled_by_evidence_or_by_name(&make().await).await;
    who_reads_it_has_it_also_while_its_next_try_is_under_way(&make().await).await;
    an_erasure_in_the_middle_of_a_batch_stops_nobody_else(&make().await).await;
    what_would_be_sent_again_is_unknown_once_it_is_taken_back(&make().await).await;
    a_customer_due_for_a_step_is_stepped_first(&make().await).await;
    receipts_count_once(&make().await).await;
}

async fn outcome(store: &Store) -> MessageOutcome {
    store.log_search(&LogFilter::default(), None, 10).await.unwrap().rows[0].outcome
}

async fn a_delivery_is_claimed_handed_over_and_accepted(store: &Store) {
    let anna = someone(store, &ids(), "anna").await;
    plan(store, anna, "hello", NEVER_TWICE).await;
    plan(store, anna, "hello", NEVER_TWICE).await;
    let works = claim(store, 2).await;
    assert_eq!(works.len(), 1, "planning twice plans once");
    assert!(claim(store, 2).await.is_empty(), "what is claimed is nobody else's");
    assert_eq!(store.hand_over(vec![hand_over(&works[0], 2)], at(2)).await.unwrap(), [Ok(())]);
    assert_eq!(outcome(store).await, MessageOutcome::HandedOver);
    assert_eq!(store.settle(vec![settle(&works[0], DeliveryState::Accepted)], at(2)).await.unwrap(), [true]);
    assert_eq!(outcome(store).await, MessageOutcome::Accepted);
    assert!(claim(store, 1000).await.is_empty());
    let found = store.delivery(works[0].delivery).await.unwrap().unwrap();
    assert_eq!((found.customer, found.message), (anna, works[0].message));
    let unheard = words::DeliveryId::derive(works[0].message, 9, "email", 0);
    assert_eq!(store.delivery(unheard).await.unwrap(), None);
}

async fn a_stale_fence_settles_nothing(store: &Store) {
    let anna = someone(store, &ids(), "anna").await;
    plan(store, anna, "hello", NEVER_TWICE).await;
    let old = claim(store, 2).await.remove(0);
    assert_eq!(store.sweep(at(10), at(10)).await.unwrap().planned_again, 1);
    let new = claim(store, 10).await.remove(0);
    assert_eq!((old.fence, new.fence, new.strikes), (1, 2, 1));
    let both = vec![hand_over(&old, 10), hand_over(&new, 10)];
    assert_eq!(store.hand_over(both, at(10)).await.unwrap(), [Err(HandOverRefused::Fence), Ok(())]);
    let both = vec![settle(&old, DeliveryState::Rejected), settle(&new, DeliveryState::Accepted)];
    assert_eq!(store.settle(both, at(10)).await.unwrap(), [false, true]);
    assert_eq!(outcome(store).await, MessageOutcome::Accepted);
}

async fn an_unsubscribe_between_verdict_and_hand_over_wins(store: &Store) {
    let anna = someone(store, &ids(), "anna").await;
    plan(store, anna, "hello", NEVER_TWICE).await;
    let work = claim(store, 2).await.remove(0);
    let revoked = ConsentChange {
        consent: Consent {
            purpose: Some("offers".to_owned()),
            channel: None,
            state: ConsentState::Revoked,
            basis: Basis::Express,
            at: at(2),
            expires_at: None,
            evidence: Evidence { method: "one_click".to_owned(), ..Evidence::default() },
        },
    };
    let done = store.update_customer(anna, at(2), move |_| vec![revoked], Vec::new()).await.unwrap();
    assert!(done.changed && done.customer.consents.len() == 1);
    let asked = store.hand_over(vec![hand_over(&work, 2)], at(2)).await.unwrap();
    assert_eq!(asked, [Err(HandOverRefused::Guard)]);
    assert_eq!(outcome(store).await, MessageOutcome::Planned, "planned again, to be asked about anew");
}

async fn a_suppression_between_verdict_and_hand_over_wins(store: &Store) {
    let anna = someone(store, &ids(), "anna").await;
    plan(store, anna, "hello", NEVER_TWICE).await;
    let work = claim(store, 2).await.remove(0);
    let row = SuppressionRow {
        channel: Channel::EMAIL,
        reason: "complaint".to_owned(),
        at: at(2),
        expires_at: None,
        source: "feedback loop".to_owned(),
    };
    store.suppress(&Channel::EMAIL, "planted@example.com", row.clone(), Vec::new()).await.unwrap();
    let asked = store.hand_over(vec![hand_over(&work, 2)], at(2)).await.unwrap();
    assert_eq!(asked, [Err(HandOverRefused::Guard)]);
    let work = claim(store, 3).await.remove(0);
    assert_eq!(work.suppressions, [row]);
    assert_eq!((work.attempts, work.strikes), (1, 0), "a refused hand-over is no attempt");
    assert!(store.unsuppress(&Channel::EMAIL, "planted@example.com", Vec::new()).await.unwrap());
    assert_eq!(store.suppression(&Channel::EMAIL, "planted@example.com").await.unwrap(), None);
}

async fn a_cap_used_meanwhile_is_seen(store: &Store) {
    let anna = someone(store, &ids(), "anna").await;
    plan(store, anna, "one", NEVER_TWICE).await;
    plan(store, anna, "two", NEVER_TWICE).await;
    let works = claim(store, 2).await;
    assert_eq!((works.len(), works[0].competing.len()), (2, 1));
    let both = works.iter().map(|work| hand_over(work, 2)).collect();
    let asked = store.hand_over(both, at(2)).await.unwrap();
    assert_eq!(
        asked,
        [Ok(()), Err(HandOverRefused::Guard)],
        "the first used a cap that the second did not know of"
    );
    let again = claim(store, 3).await;
    assert_eq!(again[0].cap_uses.len(), 1);
    let mut refused = settle(&works[0], DeliveryState::Rejected);
    refused.give_back_cap = true;
    assert_eq!(store.settle(vec![refused], at(3)).await.unwrap(), [true]);
    let mut later = settle(&again[0], DeliveryState::Planned);
    later.due_at = Some(at(4));
    store.settle(vec![later], at(3)).await.unwrap();
    assert!(claim(store, 4).await[0].cap_uses.is_empty(), "a proven rejection gives the cap back");
}

async fn what_is_sent_again_uses_its_cap_once_and_from_then_on(store: &Store) {
    let anna = someone(store, &ids(), "anna").await;
    plan(store, anna, "one", DeliveryClass::NeverLost).await;
    let works = claim(store, 2).await;
    assert_eq!(store.hand_over(vec![hand_over(&works[0], 2)], at(2)).await.unwrap(), [Ok(())]);
    // Its answer was lost.
    let mut lost = settle(&works[0], DeliveryState::Planned);
    lost.due_at = Some(at(50));
    assert_eq!(store.settle(vec![lost], at(3)).await.unwrap(), [true]);
    let works = claim(store, 50).await;
    assert_eq!(store.hand_over(vec![hand_over(&works[0], 50)], at(50)).await.unwrap(), [Ok(())]);
    plan(store, anna, "two", NEVER_TWICE).await;
    let uses: Vec<_> = claim(store, 51).await[0].cap_uses.iter().map(|used| used.at).collect();
    assert_eq!(uses, [at(50)]);
}

async fn a_stop_between_verdict_and_hand_over_wins(store: &Store) {
    let anna = someone(store, &ids(), "anna").await;
    plan(store, anna, "hello", NEVER_TWICE).await;
    let work = claim(store, 2).await.remove(0);
    store.stop(StopScope::All, "mika", "wrong price", at(2)).await.unwrap();
    let asked = store.hand_over(vec![hand_over(&work, 2)], at(2)).await.unwrap();
    assert_eq!(asked, [Err(HandOverRefused::Stopped)]);
    assert_eq!(store.stops().await.unwrap()[0].by, "mika");
    let work = claim(store, 3).await.remove(0);
    // Whoever sees the stop parks the delivery; taking the stop back makes it due again.
    let mut parked = settle(&work, DeliveryState::Planned);
    parked.uncount = true;
    store.settle(vec![parked], at(3)).await.unwrap();
    assert!(claim(store, 50).await.is_empty());
    assert!(store.resume(&StopScope::All, "mika", at(60)).await.unwrap());
    assert!(!store.resume(&StopScope::All, "mika", at(60)).await.unwrap());
    assert_eq!(claim(store, 60).await.len(), 1);
}

async fn taking_a_stop_back_asks_at_once_about_what_it_put_off(store: &Store) {
    let anna = someone(store, &ids(), "anna").await;
    plan(store, anna, "stopped", NEVER_TWICE).await;
    plan(store, anna, "asleep", NEVER_TWICE).await;
    store.stop(StopScope::All, "mika", "wrong price", at(1)).await.unwrap();
    let stopped = MessageId::derive(&anna.0, "stopped", 1);
    let works = claim(store, 2).await;
    let put_off = works.iter().map(|work| {
        let mut later = settle(work, DeliveryState::Planned);
        later.due_at = Some(at(900));
        let rule = if work.message == stopped { "STP-001" } else { "QUI-001" };
        later.why = format!(r#"{{"reasons":[{{"rule":"{rule}","outcome":"delay"}}]}}"#);
        later
    });
    store.settle(put_off.collect(), at(2)).await.unwrap();
    assert!(claim(store, 60).await.is_empty());
    assert!(store.resume(&StopScope::All, "mika", at(60)).await.unwrap());
    let again: Vec<MessageId> = claim(store, 60).await.into_iter().map(|work| work.message).collect();
    assert_eq!(again, [stopped], "what waits for another reason goes on waiting");
}

async fn a_verdict_does_not_outlive_its_time(store: &Store) {
    let anna = someone(store, &ids(), "anna").await;
    plan(store, anna, "hello", NEVER_TWICE).await;
    let work = claim(store, 2).await.remove(0);
    let asked = store.hand_over(vec![hand_over(&work, 2)], at(12)).await.unwrap();
    assert_eq!(asked, [Err(HandOverRefused::Late)]);
}

async fn three_strikes_quarantine_one_and_leave_its_neighbours(store: &Store) {
    let ids = ids();
    let (anna, ben) = (someone(store, &ids, "anna").await, someone(store, &ids, "ben").await);
    plan(store, anna, "poison", NEVER_TWICE).await;
    for round in 1..=3 {
        assert_eq!(claim(store, 10 * round).await.len(), 1, "round {round}");
        store.sweep(at(10 * round + 5), at(10 * round + 5)).await.unwrap();
    }
    plan(store, ben, "hello", NEVER_TWICE).await;
    let works = claim(store, 100).await;
    assert_eq!(works.iter().map(|work| work.customer.id).collect::<Vec<_>>(), [ben]);
    let troubles = store.troubles(10).await.unwrap();
    assert_eq!(store.attention().await.unwrap().quarantined, 1);
    assert_eq!(troubles.quarantined[0].key.customer, anna);
    super::log::whole(store).await;
}

async fn what_was_struck_goes_apart_the_least_struck_first(store: &Store) {
    let ids = ids();
    let mut customers = Vec::new();
    for name in ["anna", "ben", "carl"] {
        customers.push(someone(store, &ids, name).await);
        plan(store, customers[customers.len() - 1], "hello", NEVER_TWICE).await;
    }
    assert_eq!(claim(store, 2).await.len(), 3);
    store.sweep(at(10), at(10)).await.unwrap();
    let dora = someone(store, &ids, "dora").await;
    plan(store, dora, "hello", NEVER_TWICE).await;
    let email = [Channel::EMAIL];
    let struck = |minutes| store.claim_struck(at(minutes), &email, claim_for(minutes));
    let fresh = store.claim_sends(at(11), 100, &email, claim_for(11)).await.unwrap();
    assert_eq!(fresh.iter().map(|work| work.customer.id).collect::<Vec<_>>(), [dora], "nobody beside her");
    assert_eq!(struck(11).await.unwrap().len(), 3, "struck once: together");
    store.sweep(at(20), at(20)).await.unwrap();
    // Dora's claim ended without an answer as well: once, the others twice.
    assert!(store.claim_sends(at(21), 100, &email, claim_for(21)).await.unwrap().is_empty());
    let whose = |works: Vec<crate::SendWork>| works.iter().map(|work| work.customer.id).collect::<Vec<_>>();
    assert_eq!(whose(struck(21).await.unwrap()), [dora], "the least struck first");
    let mut alone = Vec::new();
    for minutes in 22..25 {
        let works = whose(struck(minutes).await.unwrap());
        assert_eq!(works.len(), 1, "struck twice: alone");
        alone.extend(works);
    }
    alone.sort_unstable();
    customers.sort_unstable();
    assert_eq!(alone, customers);
    assert!(struck(25).await.unwrap().is_empty());
}

async fn a_crash_before_the_hand_over_is_planned_again(store: &Store) {
    let anna = someone(store, &ids(), "anna").await;
    plan(store, anna, "hello", NEVER_TWICE).await;
    claim(store, 2).await;
    let none = store.sweep(at(2), at(2)).await.unwrap();
    assert_eq!(none, crate::Swept::default(), "a live lease is left alone");
    let swept = store.sweep_at_start(at(3)).await.unwrap();
    assert_eq!((swept.planned_again, swept.unknown), (1, 0));
    assert_eq!(claim(store, 3).await.len(), 1);
}

async fn a_crash_during_the_hand_over_follows_the_class(store: &Store) {
    let ids = ids();
    let (anna, ben) = (someone(store, &ids, "anna").await, someone(store, &ids, "ben").await);
    plan(store, anna, "offer", NEVER_TWICE).await;
    plan(store, ben, "receipt", DeliveryClass::NeverLost).await;
    let works = claim(store, 2).await;
    let all = works.iter().map(|work| hand_over(work, 2)).collect();
    assert_eq!(store.hand_over(all, at(2)).await.unwrap(), [Ok(()), Ok(())]);
    let swept = store.sweep_at_start(at(3)).await.unwrap();
    assert_eq!((swept.planned_again, swept.unknown), (1, 1));
    let again = claim(store, 3).await;
    assert_eq!((again.len(), again[0].customer.id, again[0].resend), (1, ben, true));
    let bytes = &again[0].content.as_ref().unwrap().bytes;
    assert_eq!(bytes, &hand_over(&again[0], 2).content.unwrap().bytes, "the same bytes");
    let unknown = store.troubles(10).await.unwrap().unknown;
    assert_eq!(unknown.iter().map(|row| row.key.customer).collect::<Vec<_>>(), [anna]);
}

async fn a_report_that_comes_before_the_answer_ends_the_claim(store: &Store) {
    let ids = ids();
    for (name, class) in [("anna", NEVER_TWICE), ("ben", DeliveryClass::NeverLost)] {
        let id = someone(store, &ids, name).await;
        plan(store, id, "hello", class).await;
    }
    let works = claim(store, 2).await;
    store.hand_over(works.iter().map(|work| hand_over(work, 2)).collect(), at(2)).await.unwrap();
    let key = |work: &crate::SendWork| crate::DeliveryKey {
        customer: work.customer.id,
        message: work.message,
        delivery: work.delivery,
    };
    let reports = vec![receipt(key(&works[0]), "delivered", 3), receipt(key(&works[1]), "bounced", 3)];
    assert_eq!(store.receipts(reports, at(3)).await.unwrap(), [true, true]);
    // What is known to have arrived is not sent again, whether the process ended or the lease did.
    assert_eq!(store.sweep(at(300), at(300)).await.unwrap(), crate::Swept::default());
    assert_eq!(store.sweep_at_start(at(301)).await.unwrap(), crate::Swept::default());
    assert!(claim(store, 302).await.is_empty());
    // The answer comes too late to say anything new.
    let late = works.iter().map(|work| settle(work, DeliveryState::Planned)).collect();
    assert_eq!(store.settle(late, at(303)).await.unwrap(), [false, false]);
    assert!(claim(store, 304).await.is_empty());
    super::log::whole(store).await;
}

async fn what_would_be_sent_again_is_settled_by_evidence(store: &Store) {
    let ids = ids();
    for name in ["anna", "ben", "carl", "dora"] {
        let id = someone(store, &ids, name).await;
        plan(store, id, "receipt", DeliveryClass::NeverLost).await;
    }
    let works = claim(store, 2).await;
    let key = |work: &crate::SendWork| crate::DeliveryKey {
        customer: work.customer.id,
        message: work.message,
        delivery: work.delivery,
    };
    // Of Dora's nothing left the house: a report about it is nobody's evidence.
    let handed = works[..3].iter().map(|work| hand_over(work, 2)).collect();
    assert_eq!(store.hand_over(handed, at(2)).await.unwrap(), [Ok(()), Ok(()), Ok(())]);
    assert_eq!(store.sweep_at_start(at(3)).await.unwrap().planned_again, 4);
    let reports = [("accepted", 0), ("delivered", 1), ("bounced", 2), ("delivered", 3)];
    let reports = reports.map(|(kind, n): (&str, usize)| receipt(key(&works[n]), kind, 3)).to_vec();
    assert_eq!(store.receipts(reports, at(3)).await.unwrap(), [true; 4]);
    let again: Vec<_> = claim(store, 4).await.iter().map(|work| work.delivery).collect();
    assert_eq!(again.len(), 2, "what is known to have arrived is not sent again");
    assert!(again.contains(&works[2].delivery) && again.contains(&works[3].delivery));
    super::log::whole(store).await;
}

async fn what_is_unknown_is_settled_by_evidence_or_by_name(store: &Store) {
    let ids = ids();
    for (name, step) in [("anna", "one"), ("ben", "two")] {
        let id = someone(store, &ids, name).await;
        plan(store, id, step, NEVER_TWICE).await;
    }
    let works = claim(store, 2).await;
    store.hand_over(works.iter().map(|work| hand_over(work, 2)).collect(), at(2)).await.unwrap();
    store.settle(works.iter().map(|w| settle(w, DeliveryState::Unknown)).collect(), at(2)).await.unwrap();
    assert_eq!(store.troubles(10).await.unwrap().unknown.len(), 2);
    let unknown = store.troubles(10).await.unwrap().unknown;
    let key = unknown[0].key;
    assert_eq!(store.receipts(vec![receipt(key, "delivered", 5)], at(5)).await.unwrap(), [true]);
    assert_eq!(store.troubles(10).await.unwrap().unknown.len(), 1);
    let key = unknown[1].key;
    assert!(store.settle_by_hand(key, SettleByHand::Accepted, " ", "", at(6)).await.is_err());
    store
        .settle_by_hand(key, SettleByHand::NotAccepted, "mika", "the log of the relay", at(6))
        .await
        .unwrap();
    assert!(store.troubles(10).await.unwrap().unknown.is_empty());
    super::log::whole(store).await;
}

fn receipt(key: crate::DeliveryKey, kind: &str, minutes: i64) -> NewReceipt {
    NewReceipt {
        customer: key.customer,
        message: key.message,
        delivery: key.delivery,
        kind: kind.to_owned(),
        at: at(minutes),
        detail: String::new(),
        events: Vec::new(),
        suppress: None,
        audit: Vec::new(),
    }
}

async fn who_reads_it_has_it_also_while_its_next_try_is_under_way(store: &Store) {
    let anna = someone(store, &ids(), "anna").await;
    plan(store, anna, "receipt", DeliveryClass::NeverLost).await;
    for minute in [2, 3] {
        let works = claim(store, minute).await;
        store.hand_over(vec![hand_over(&works[0], minute)], at(minute)).await.unwrap();
        if minute == 2 {
            store.sweep_at_start(at(3)).await.unwrap();
            continue;
        }
        let key =
            crate::DeliveryKey { customer: anna, message: works[0].message, delivery: works[0].delivery };
        assert_eq!(store.receipts(vec![receipt(key, "opened", 3)], at(3)).await.unwrap(), [true]);
        let again = crate::Settle { due_at: Some(at(4)), ..settle(&works[0], DeliveryState::Planned) };
        assert_eq!(store.settle(vec![again], at(3)).await.unwrap(), [false], "it is settled");
    }
    assert!(claim(store, 5).await.is_empty());
    assert_eq!(outcome(store).await, MessageOutcome::Delivered);
    super::log::whole(store).await;
}

async fn an_erasure_in_the_middle_of_a_batch_stops_nobody_else(store: &Store) {
    let ids = ids();
    for name in ["anna", "ben", "carl"] {
        let id = someone(store, &ids, name).await;
        plan(store, id, "hello", NEVER_TWICE).await;
    }
    let works = claim(store, 2).await;
    store.erase(works[0].customer.id, at(2), Vec::new()).await.unwrap();
    let opened = store.hand_over(works.iter().map(|work| hand_over(work, 2)).collect(), at(2)).await.unwrap();
    assert_eq!(opened, [Err(crate::HandOverRefused::Fence), Ok(()), Ok(())]);
    // Erased while the provider is asked; what is told to journeys has to be sealed.
    store.erase(works[1].customer.id, at(2), Vec::new()).await.unwrap();
    let answers = works[1..].iter().map(|work| {
        let event = super::event(&ids, "message_sent", 3);
        let events = vec![crate::NewEvent { event, message_id: None }];
        crate::Settle { events, ..settle(work, DeliveryState::Accepted) }
    });
    assert_eq!(store.settle(answers.collect(), at(3)).await.unwrap(), [true, true]);
    super::log::whole(store).await;
}

async fn what_would_be_sent_again_is_unknown_once_it_is_taken_back(store: &Store) {
    let anna = someone(store, &ids(), "anna").await;
    plan(store, anna, "receipt", DeliveryClass::NeverLost).await;
    let works = claim(store, 2).await;
    store.hand_over(vec![hand_over(&works[0], 2)], at(2)).await.unwrap();
    assert_eq!(store.sweep_at_start(at(3)).await.unwrap().planned_again, 1);
    store.erase(anna, at(4), Vec::new()).await.unwrap();
    assert_eq!(outcome(store).await, MessageOutcome::Unknown, "it may have arrived");
    super::log::whole(store).await;
}

async fn a_customer_due_for_a_step_is_stepped_first(store: &Store) {
    let ids = ids();
    let anna = someone(store, &ids, "anna").await;
    plan(store, anna, "hello", NEVER_TWICE).await;
    store.ingest(vec![incoming(anna, &ids, "refund_requested", 2, None)]).await.unwrap();
    assert!(claim(store, 2).await.is_empty());
    let batch = store.claim_steps(at(2), 10, super::deciding()).await.unwrap();
    let changes = batch.work.iter().map(super::applied).collect();
    store.commit_steps(batch, changes, at(2), None).await.unwrap();
    let later: Timestamp = at(3);
    let works = store.claim_sends(later, 10, &[Channel::EMAIL], claim_for(3)).await.unwrap();
    assert_eq!(works.len(), 1);
}

async fn receipts_count_once(store: &Store) {
    let anna = someone(store, &ids(), "anna").await;
    plan(store, anna, "hello", NEVER_TWICE).await;
    let works = claim(store, 2).await;
    store.hand_over(vec![hand_over(&works[0], 2)], at(2)).await.unwrap();
    store.settle(vec![settle(&works[0], DeliveryState::Accepted)], at(2)).await.unwrap();
    let key = crate::DeliveryKey { customer: anna, message: works[0].message, delivery: works[0].delivery };
    let all = vec![
        receipt(key, "delivered", 3),
        receipt(key, "delivered", 3),
        receipt(key, "clicked", 4),
        receipt(key, "clicked", 5),
    ];
    assert_eq!(store.receipts(all, at(5)).await.unwrap(), [true, false, true, true]);
    assert_eq!(outcome(store).await, MessageOutcome::Delivered);
    let counts = store.journey_counts(Some("welcome")).await.unwrap().remove(0);
    let mail = counts.messages.iter().find(|m| m.channel == "email").unwrap();
    assert_eq!((mail.sent, mail.delivered, mail.clicked), (1, 1, 1));
    super::log::whole(store).await;
}
