//! What is kept, found and forgotten.

use crate::fresh;
use axum::{body::Body, http::Request};
use inbox::{Filter, Inbox, Page};
use tower::ServiceExt;
use words::Channel;

async fn call(inbox: &Inbox, body: String) {
    let request = Request::post("/webhook/https://customer.example/hook").body(Body::from(body)).unwrap();
    assert_eq!(inbox.router().oneshot(request).await.unwrap().status(), 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_ten_thousand_are_kept() {
    let (folder, inbox) = fresh().await;
    let mut calls = Vec::new();
    for number in 0..10_050 {
        let inbox = inbox.clone();
        calls.push(tokio::spawn(async move { call(&inbox, format!("{{\"number\": {number}}}")).await }));
    }
    for call in calls {
        call.await.unwrap();
    }
    assert_eq!(inbox.count(&Filter::default()).await.unwrap(), 10_000);
    assert_eq!(inbox.get(50).await.unwrap(), None);
    assert!(inbox.get(51).await.unwrap().is_some());
    drop(inbox);

    let inbox = Inbox::open(&folder.path().join("inbox.db")).await.unwrap();
    assert_eq!(inbox.count(&Filter::default()).await.unwrap(), 10_000);
    call(&inbox, "{}".to_owned()).await;
    assert!(inbox.get(10_051).await.unwrap().is_some(), "ids go on after a restart");
    inbox.clear().await.unwrap();
    assert_eq!(inbox.count(&Filter::default()).await.unwrap(), 0);
}

#[tokio::test]
async fn lists_are_found_by_text_and_turn_pages() {
    let (_folder, inbox) = fresh().await;
    for number in 0..7 {
        call(&inbox, format!("{{\"note\": \"ORDER {number}\"}}")).await;
    }
    let filter = Filter { channel: Some(Channel::WEBHOOK), to: None, text: Some("order".to_owned()) };
    assert_eq!(inbox.count(&filter).await.unwrap(), 7);
    let first = inbox.list(&filter, Page { before: None, limit: 4 }).await.unwrap();
    let ids: Vec<i64> = first.items.iter().map(|item| item.id).collect();
    assert_eq!((ids, first.next), (vec![7, 6, 5, 4], Some(4)));
    let rest = inbox.list(&filter, Page { before: first.next, limit: 4 }).await.unwrap();
    assert_eq!((rest.items.len(), rest.next), (3, None));
    let none = Filter { text: Some("nothing like it".to_owned()), ..Filter::default() };
    assert!(inbox.list(&none, Page::default()).await.unwrap().items.is_empty());
    let one = Filter { to: Some("https://customer.example/hook".to_owned()), ..Filter::default() };
    assert_eq!(inbox.count(&one).await.unwrap(), 7);
}
