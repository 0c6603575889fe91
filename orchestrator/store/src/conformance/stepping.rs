//! Steps: one hand at a time, nothing lost, nothing half.

use super::{applied, at, claim_for, deciding, ids, incoming, message, someone};
use crate::{EnrollmentChange, NewDecision, NewEnrollment, NewEvent, SegmentRow, Store};
use engine::{Ending, State, Status};
use words::DeliveryClass;

pub(super) async fn exercise(make: &impl AsyncFn() -> Store) {
    a_claimed_customer_is_nobody_elses(&make().await).await;
    a_claim_dropped_leaves_everything_due(&make().await).await;
    an_event_that_arrives_meanwhile_is_not_lost(&make().await).await;
    a_customer_changed_meanwhile_is_asked_about_again(&make().await).await;
    an_enrollment_lives_moves_and_ends(&make().await).await;
    events_and_messages_commit_with_the_step(&make().await).await;
    a_step_that_cannot_be_written_keeps_nobody_else_back(&make().await).await;
    an_idle_store_knows_when_it_wakes(&make().await).await;
}

async fn a_claimed_customer_is_nobody_elses(store: &Store) {
    let ids = ids();
    for name in ["anna", "ben", "cleo"] {
        let id = someone(store, &ids, name).await;
        store.ingest(vec![incoming(id, &ids, "order", 1, None)]).await.unwrap();
    }
    let first = store.claim_steps(at(2), 2, deciding()).await.unwrap();
    assert_eq!((first.work.len(), first.more), (2, true));
    let second = store.claim_steps(at(2), 10, deciding()).await.unwrap();
    assert_eq!(second.work.len(), 1);
    assert!(store.claim_steps(at(2), 10, deciding()).await.unwrap().work.is_empty());
    let changes = first.work.iter().map(applied).collect();
    let done = store.commit_steps(first, changes, at(2), None).await.unwrap();
    assert!(done.conflicted.is_empty());
    drop(second);
    let third = super::claim_soon(store, 2).await;
    assert_eq!(third.work.len(), 1, "what was dropped is due again, what was committed is not");
}

async fn a_claim_dropped_leaves_everything_due(store: &Store) {
    let ids = ids();
    let anna = someone(store, &ids, "anna").await;
    store.ingest(vec![incoming(anna, &ids, "order", 1, None)]).await.unwrap();
    for _ in 0..3 {
        let batch = super::claim_soon(store, 2).await;
        assert_eq!(batch.work[0].events.len(), 1);
        drop(batch);
        super::soon("it is known to be due", async || store.next_step_due().is_some_and(|due| due <= at(2)))
            .await;
    }
}

async fn an_event_that_arrives_meanwhile_is_not_lost(store: &Store) {
    let ids = ids();
    let anna = someone(store, &ids, "anna").await;
    store.ingest(vec![incoming(anna, &ids, "order", 1, None)]).await.unwrap();
    let batch = store.claim_steps(at(2), 10, deciding()).await.unwrap();
    store.ingest(vec![incoming(anna, &ids, "refund", 2, None)]).await.unwrap();
    let changes = batch.work.iter().map(applied).collect();
    let done = store.commit_steps(batch, changes, at(2), None).await.unwrap();
    assert!(done.conflicted.is_empty(), "new events are no conflict");
    let batch = store.claim_steps(at(2), 10, deciding()).await.unwrap();
    let seen: Vec<&str> = batch.work[0].events.iter().map(|(_, e)| e.name.as_str()).collect();
    assert_eq!(seen, ["refund"]);
}

async fn a_customer_changed_meanwhile_is_asked_about_again(store: &Store) {
    let ids = ids();
    let anna = someone(store, &ids, "anna").await;
    store.ingest(vec![incoming(anna, &ids, "order", 1, None)]).await.unwrap();
    let batch = store.claim_steps(at(2), 10, deciding()).await.unwrap();
    store
        .update_customer(
            anna,
            at(2),
            |customer| {
                customer.traits.insert("plan".to_owned(), words::Value::Text("gold".to_owned()));
                Vec::new()
            },
            Vec::new(),
        )
        .await
        .unwrap();
    let mut change = applied(&batch.work[0]);
    change.customer = Some(Box::new(batch.work[0].customer.clone()));
    let done = store.commit_steps(batch, vec![change], at(2), None).await.unwrap();
    assert_eq!(done.conflicted, [anna]);
    let batch = store.claim_steps(at(2), 10, deciding()).await.unwrap();
    assert_eq!(batch.work[0].customer.traits.len(), 1, "the change was not overwritten");
    assert_eq!(batch.work[0].events.len(), 2, "the order, and that the customer changed");
}

async fn a_step_that_cannot_be_written_keeps_nobody_else_back(store: &Store) {
    let ids = ids();
    let (anna, ben) = (someone(store, &ids, "anna").await, someone(store, &ids, "ben").await);
    for id in [anna, ben] {
        store.ingest(vec![incoming(id, &ids, "order", 1, None)]).await.unwrap();
    }
    let begun = || {
        EnrollmentChange::New(Box::new(NewEnrollment {
            id: ids.enrollment(at(2)),
            program: 1,
            journey: "welcome".to_owned(),
            key: "order-1".to_owned(),
            state: State::new(at(1), at(2)),
            cause_seq: 1,
            reason: None,
        }))
    };
    let batch = store.claim_steps(at(2), 10, deciding()).await.unwrap();
    let changes = batch
        .work
        .iter()
        .map(|work| {
            let mut change = applied(work);
            change.enrollments.push(begun());
            // The same enrollment twice: no database takes that.
            if work.customer.id == ben {
                change.enrollments.push(begun());
            }
            change
        })
        .collect();
    let done = store.commit_steps(batch, changes, at(2), None).await.unwrap();
    assert_eq!(done.conflicted, [ben]);
    assert!(store.claim_steps(at(11), 10, deciding()).await.unwrap().work.is_empty(), "ben waits");
    let batch = store.claim_steps(at(13), 10, deciding()).await.unwrap();
    assert_eq!(batch.work.len(), 1, "and is asked again");
    assert_eq!((batch.work[0].customer.id, batch.work[0].events.len()), (ben, 1));
    assert!(batch.work[0].enrollments.is_empty(), "nothing of the step was written");
    drop(batch);
    let anna = store.claim_customer(anna, at(14), deciding()).await.unwrap().unwrap();
    assert_eq!(anna.work[0].enrollments.len(), 1);
}

async fn an_enrollment_lives_moves_and_ends(store: &Store) {
    let ids = ids();
    let anna = someone(store, &ids, "anna").await;
    store.ingest(vec![incoming(anna, &ids, "order", 1, None)]).await.unwrap();
    let batch = store.claim_steps(at(2), 10, deciding()).await.unwrap();
    let id = ids.enrollment(at(2));
    let mut state = State::new(at(1), at(2));
    state.at.pc = 3;
    state.at.due_at = Some(at(60));
    state.context.bindings.insert("tracking".to_owned(), words::Value::Text("planted-context".to_owned()));
    let mut change = applied(&batch.work[0]);
    change.due_at = Some(at(60));
    change.enrollments.push(EnrollmentChange::New(Box::new(NewEnrollment {
        id,
        program: 1,
        journey: "welcome".to_owned(),
        key: "order-1".to_owned(),
        state: state.clone(),
        cause_seq: 1,
        reason: None,
    })));
    change
        .segments
        .insert("silent".to_owned(), SegmentRow { member: true, since: at(2), flip_at: Some(at(90)) });
    store.commit_steps(batch, vec![change], at(2), None).await.unwrap();
    super::steps_due(store, 59, Some(at(60))).await;

    let batch = store.claim_steps(at(60), 10, deciding()).await.unwrap();
    let work = &batch.work[0];
    let live = &work.enrollments[0];
    assert_eq!((live.id, &live.state, live.journey.as_str()), (id, &state, "welcome"));
    assert_eq!(live.key, crate::key_hash("order-1"));
    assert_eq!(live.cause.as_ref().map(|(seq, e)| (*seq, e.name.as_str())), Some((1, "order")));
    assert!(work.segments["silent"].member && work.events.is_empty());
    let mut ended = state.clone();
    ended.at.status = Status::Ended(Ending::Finished);
    ended.at.due_at = None;
    ended.context = engine::Context::default();
    let mut change = applied(work);
    change.enrollments.push(EnrollmentChange::Moved {
        id,
        state: Box::new(ended),
        context_changed: true,
        reason: None,
    });
    change.decisions.push(NewDecision {
        at: at(60),
        enrollment: Some(id),
        journey: Some("welcome".to_owned()),
        step: Some("end".to_owned()),
        kind: "end",
        body: crate::Saying::Words(r#"{"en":"It came to its end."}"#.to_owned()),
    });
    store.commit_steps(batch, vec![change], at(60), None).await.unwrap();

    let batch = store.claim_customer(anna, at(61), deciding()).await.unwrap().unwrap();
    assert!(batch.work[0].enrollments.is_empty());
    let past = &batch.work[0].past[0];
    assert_eq!((past.started_at, past.ended_at, past.open.is_some()), (at(2), at(60), false));
    let counts = store.journey_counts(Some("welcome")).await.unwrap().remove(0);
    assert_eq!((counts.enrolled, counts.live, counts.finished), (1, 0, 1));
}

async fn events_and_messages_commit_with_the_step(store: &Store) {
    let ids = ids();
    let anna = someone(store, &ids, "anna").await;
    store.ingest(vec![incoming(anna, &ids, "order", 1, None)]).await.unwrap();
    let batch = store.claim_steps(at(2), 10, deciding()).await.unwrap();
    let mut change = applied(&batch.work[0]);
    let emitted = super::event(&ids, "thanked", 2);
    for _ in 0..2 {
        change.events.push(NewEvent { event: emitted.clone(), message_id: Some("once".to_owned()) });
    }
    change.messages.push(message(anna, "hello", 2, DeliveryClass::NeverTwice));
    let mut later = message(anna, "later", 90, DeliveryClass::NeverTwice);
    later.planned_at = at(2);
    change.messages.push(later);
    let done = store.commit_steps(batch, vec![change], at(2), Some(claim_for(2))).await.unwrap();
    assert_eq!(done.claimed.len(), 1, "what is due is claimed in the same commit");
    let work = &done.claimed[0];
    assert_eq!((work.fence, work.attempts, work.strikes), (1, 1, 0));
    assert_eq!(work.address, "planted@example.com");
    assert_eq!(work.inputs["secret"], words::Value::Text("planted-input".to_owned()));
    super::soon("the next send is known", async || {
        assert!(super::claim(store, 89).await.is_empty());
        store.next_send_due(&[words::Channel::EMAIL]) == Some(at(90))
    })
    .await;
    let batch = store.claim_steps(at(2), 10, deciding()).await.unwrap();
    let work = &batch.work[0];
    assert_eq!(work.events.len(), 1, "an emitted event comes back as an event, once");
    assert_eq!(work.open_deliveries.len(), 2);
    let mut change = applied(work);
    change.cancel = work.open_deliveries.iter().map(|(id, _, _)| (*id, "{}".to_owned())).collect();
    store.commit_steps(batch, vec![change], at(2), None).await.unwrap();
    assert!(super::claim(store, 100).await.is_empty(), "what was cancelled is not claimed");
}

async fn an_idle_store_knows_when_it_wakes(store: &Store) {
    let ids = ids();
    assert_eq!(store.next_step_due(), None);
    let mut watch = store.watch_steps();
    watch.mark_unchanged();
    let anna = someone(store, &ids, "anna").await;
    store.ingest(vec![incoming(anna, &ids, "order", 1, None)]).await.unwrap();
    assert!(watch.has_changed().unwrap(), "a listener is woken");
    store.make_due(&[anna], at(0)).await.unwrap();
    assert_eq!(store.next_step_due(), Some(at(0)));
}
