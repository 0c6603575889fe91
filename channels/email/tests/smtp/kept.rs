//! Kept connections: used again, replaced where they have gone stale, never at the price of a second message.

use crate::{
    parcel,
    relay::{Fault, Place, Plan, Relay},
};
use channel::{Adapter, Outcome};
use email::{SmtpAdapter, SmtpConfig, Tls};
use std::time::Duration;

async fn start(plan: Plan, change: impl FnOnce(&mut SmtpConfig)) -> (Relay, SmtpAdapter) {
    let relay = Relay::start(plan).await;
    let mut config = SmtpConfig::new("127.0.0.1", relay.address.port(), Tls::None);
    change(&mut config);
    let adapter = SmtpAdapter::new(config).unwrap();
    (relay, adapter)
}

async fn send(adapter: &SmtpAdapter) -> Outcome {
    let parcel = parcel();
    let bytes = adapter.compose(&parcel).unwrap().bytes;
    adapter.hand_over(&parcel, &bytes, Duration::from_secs(10)).await
}

#[tokio::test]
async fn a_connection_serves_many_messages_in_one_packet_each() {
    let (relay, adapter) = start(Plan { pipelining: true, ..Plan::default() }, |_| {}).await;
    for _ in 0..5 {
        assert_eq!(
            send(&adapter).await,
            Outcome::Accepted {
                provider_id: Some("4F2B1".to_owned()),
                answer: "250 2.0.0 Ok: queued as 4F2B1".to_owned()
            }
        );
    }
    assert_eq!((relay.connections(), relay.contents().len()), (1, 5));
    let resets = relay.seen.lock().unwrap().commands.iter().filter(|line| *line == "RSET").count();
    assert_eq!(resets, 4, "RSET between messages");
}

#[tokio::test]
async fn a_connection_that_the_relay_has_closed_is_replaced() {
    for pipelining in [true, false] {
        let (relay, adapter) = start(Plan { pipelining, one_message: true, ..Plan::default() }, |_| {}).await;
        for _ in 0..4 {
            assert_eq!(send(&adapter).await.as_str(), "accepted");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!((relay.connections(), relay.contents().len()), (4, 4));
    }
}

#[tokio::test]
async fn after_the_content_nothing_is_tried_again() {
    let (relay, adapter) = start(Plan { pipelining: true, ..Plan::default() }, |_| {}).await;
    assert_eq!(send(&adapter).await.as_str(), "accepted");
    relay.plan.lock().unwrap().fault = Some((Place::Dot, Fault::Reset));
    assert_eq!(send(&adapter).await.as_str(), "unknown");
    assert_eq!((relay.connections(), relay.contents().len()), (1, 2));
}

#[tokio::test]
async fn a_connection_ends_after_so_many_messages_and_after_so_long_a_rest() {
    let (relay, adapter) = start(Plan::default(), |config| config.messages_per_connection = 2).await;
    for _ in 0..5 {
        assert_eq!(send(&adapter).await.as_str(), "accepted");
    }
    assert_eq!(relay.connections(), 3);

    let (relay, adapter) = start(Plan::default(), |config| config.idle_max = Duration::from_millis(10)).await;
    assert_eq!(send(&adapter).await.as_str(), "accepted");
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(send(&adapter).await.as_str(), "accepted");
    assert_eq!(relay.connections(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_connections_than_allowed() {
    let (relay, adapter) =
        start(Plan { pipelining: true, ..Plan::default() }, |config| config.pool_max = 3).await;
    let adapter = std::sync::Arc::new(adapter);
    let tasks: Vec<_> = (0..60)
        .map(|_| {
            let adapter = adapter.clone();
            tokio::spawn(async move { send(&adapter).await.as_str().to_owned() })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), "accepted");
    }
    assert_eq!(relay.contents().len(), 60);
    assert!(relay.connections() <= 3, "{}", relay.connections());
}

#[tokio::test]
async fn a_refused_recipient_leaves_the_connection_in_step() {
    for (pipelining, lax, connections) in [(true, false, 1), (false, false, 1), (true, true, 4)] {
        let plan = Plan { pipelining, lax, ..Plan::default() };
        let (relay, adapter) = start(plan, |config| config.pool_max = 1).await;
        relay.plan.lock().unwrap().fault = Some((Place::Rcpt, Fault::Says("550 5.1.1 no such user")));
        for _ in 0..3 {
            assert_eq!(send(&adapter).await.as_str(), "address_dead");
        }
        relay.plan.lock().unwrap().fault = None;
        assert_eq!(send(&adapter).await.as_str(), "accepted");
        assert_eq!(relay.contents().len(), 1, "the refused messages left no content behind");
        assert_eq!(relay.connections(), connections, "pipelining {pipelining}, lax {lax}");
    }
}

#[tokio::test]
async fn a_message_over_the_announced_size_is_refused_before_it_is_sent() {
    let (relay, adapter) = start(Plan { size: Some(100), ..Plan::default() }, |_| {}).await;
    assert_eq!(send(&adapter).await.as_str(), "message_refused");
    assert!(relay.contents().is_empty());
}

#[tokio::test]
async fn leading_dots_survive_the_wire() {
    let (relay, adapter) = start(Plan::default(), |_| {}).await;
    let bytes = b"From: a@b.example\r\n\r\n.\r\n..two\r\n...three\r\n".to_vec();
    assert_eq!(adapter.hand_over(&parcel(), &bytes, Duration::from_secs(5)).await.as_str(), "accepted");
    assert_eq!(relay.contents(), vec![bytes]);
    let raw = b"From: a@b.example\r\n\r\nx\n.\nMAIL FROM:<evil@example.com>\r\n".to_vec();
    assert_eq!(adapter.hand_over(&parcel(), &raw, Duration::from_secs(5)).await.as_str(), "message_refused");
}
