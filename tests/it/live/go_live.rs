//! Nothing leaves the machine before a named person says so.

use super::{
    PATIENCE,
    shop::{HANAKO, SILENCE, Shop, identify, order},
    sink::Sink,
    until,
};
use std::time::Duration;

/// Recipients in the development inbox.
fn in_the_inbox(shop: &Shop) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let inbox = inbox::Inbox::open(&shop.inbox()).await.unwrap();
        let items = inbox.list(&inbox::Filter::default(), inbox::Page::default()).await.unwrap().items;
        items.into_iter().map(|item| item.to).collect()
    })
}

#[test]
fn before_go_live_everything_lands_in_the_development_inbox_and_nothing_at_the_provider() {
    let sink = Sink::listen(Duration::ZERO);
    let shop = Shop::open(sink.address);
    assert_eq!(shop.posted("/v1/identify", &identify("hana", "ja")).status, 200);
    assert_eq!(shop.posted("/v1/track", &order("hana", "A-1")).status, 200);
    until(PATIENCE, "the thank-you is in the inbox", || {
        in_the_inbox(&shop).contains(&"hana@example.com".to_owned()).then_some(())
    });
    std::thread::sleep(SILENCE);
    assert!(sink.mails().is_empty(), "it left the machine: {:?}", sink.mails());

    // Nobody named, nobody sure: no.
    assert_eq!(shop.tabi(&["go-live", "--yes"]).code, 2);
    assert_eq!(shop.tabi(&["go-live", "--by", HANAKO]).code, 4);
    assert_eq!(shop.posted("/v1/track", &order("hana", "A-2")).status, 200);
    until(PATIENCE, "the second is there too", || (in_the_inbox(&shop).len() == 2).then_some(()));
    assert!(sink.mails().is_empty());

    shop.go_live();
    assert_eq!(shop.posted("/v1/track", &order("hana", "A-3")).status, 200);
    until(PATIENCE, "the third leaves", || (sink.mails().len() == 1).then_some(()));
    assert_eq!(in_the_inbox(&shop).len(), 2);
    // What was sent before is not sent again.
    std::thread::sleep(SILENCE);
    assert_eq!(sink.mails().len(), 1);

    let said = shop.tabi(&["go-live", "--by", HANAKO, "--yes", "--end"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(shop.posted("/v1/track", &order("hana", "A-4")).status, 200);
    until(PATIENCE, "the fourth stays here", || (in_the_inbox(&shop).len() == 3).then_some(()));
    assert_eq!(sink.mails().len(), 1);
}
