//! The same thing said twice has one effect, and a mistake costs only itself.

use super::{
    PATIENCE,
    shop::{SILENCE, Shop, identify, order},
    sink::Sink,
    until,
};
use serde_json::json;
use std::time::Duration;

#[test]
fn the_same_event_sent_ten_times_has_one_effect() {
    let sink = Sink::listen(Duration::ZERO);
    let shop = Shop::open_live(sink.address);
    assert_eq!(shop.posted("/v1/identify", &identify("hana", "ja")).status, 200);
    for nth in 0..5 {
        let answer = shop.posted("/v1/track", &order("hana", "A-1"));
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.json()["duplicate"].as_bool().unwrap_or(false), nth > 0, "{answer:?}");
    }
    let batch = json!({"batch": [order("hana", "A-1"), order("hana", "A-1"), order("hana", "A-1")]});
    let answer = shop.posted("/v1/batch", &batch);
    assert_eq!((answer.status, answer.json()["duplicates"].as_u64()), (200, Some(3)), "{answer:?}");
    // A new message id about the same order is another event; `once_per: order_id` keeps it to one passage all the same.
    for nth in 0..2 {
        let mut again = order("hana", "A-1");
        again["messageId"] = format!("again-{nth}").into();
        assert_eq!(shop.posted("/v1/track", &again).status, 200);
    }
    until(PATIENCE, "the thank-you arrives", || (!sink.mails().is_empty()).then_some(()));
    std::thread::sleep(SILENCE);
    assert_eq!(sink.mails().len(), 1, "{:?}", sink.mails());
    assert_eq!(shop.enrolled("thank_you"), 1);
    assert_eq!(shop.messages(&["--journey", "thank_you"]).len(), 1);
}

#[test]
fn a_batch_with_one_bad_event_loses_only_that_one_and_shows_it() {
    let sink = Sink::listen(Duration::ZERO);
    let shop = Shop::open_live(sink.address);
    let mut bad = order("ben", "B-1");
    bad["properties"]["total"] = json!("a lot");
    let batch = json!({"batch": [
        identify("ann", "en"), identify("ben", "en"), order("ann", "A-1"), bad, order("ann", "A-2"),
    ]});
    let answer = shop.posted("/v1/batch", &batch);
    let told = answer.json();
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!((told["accepted"].as_u64(), told["rejected"].as_u64()), (Some(4), Some(1)), "{told}");
    assert_eq!(told["problems"][0]["index"], 3, "{told}");
    assert!(told["problems"][0]["reason"].as_str().unwrap().contains("total"), "{told}");

    let listed = shop.get("/v1/rejected").json();
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1), "{listed}");
    assert!(listed["items"][0]["reason"].as_str().unwrap().contains("total"), "{listed}");

    until(PATIENCE, "ann's orders are thanked for", || (sink.mails().len() >= 2).then_some(()));
    std::thread::sleep(SILENCE);
    assert!(sink.mails().iter().all(|mail| mail.to == "ann@example.com"), "{:?}", sink.mails());
    assert_eq!(shop.enrolled("thank_you"), 2);
}
