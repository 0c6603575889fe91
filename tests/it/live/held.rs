//! A restored or copied database starts held: everything works, nothing is sent, and a named person lets it go.

use super::{
    PATIENCE,
    shop::{HANAKO, SILENCE, Shop, identify, order},
    sink::Sink,
    until,
};
use serde_json::json;
use std::time::Duration;

fn buys(shop: &Shop, user: &str, id: &str) {
    let answer = shop.posted("/v1/batch", &json!({"batch": [identify(user, "en"), order(user, id)]}));
    assert_eq!(answer.json()["rejected"], 0, "{}", answer.body);
}

fn mails_to(sink: &Sink, user: &str) -> usize {
    sink.mails().iter().filter(|mail| mail.to.starts_with(user)).count()
}

#[test]
fn a_restored_backup_works_and_sends_nothing_until_a_named_person_lets_it_go() {
    let sink = Sink::listen(Duration::ZERO);
    let mut shop = Shop::open_live(sink.address);
    buys(&shop, "anna", "H-1");
    until(PATIENCE, "the first mail", || (mails_to(&sink, "anna") == 1).then_some(()));
    let copy = shop.data().parent().unwrap().join("copy");
    let made = shop.tabi(&["backup", "--into", copy.to_str().unwrap()]);
    assert_eq!(made.code, 0, "{made:?}");
    // After the backup: the restored copy will not know that this was said.
    buys(&shop, "ben", "H-2");
    until(PATIENCE, "the second mail", || (mails_to(&sink, "ben") == 1).then_some(()));

    shop.kill();
    for file in ["tabi.db-wal", "tabi.db-shm", "keys.db-wal", "keys.db-shm", "jobs.db"] {
        let _ = std::fs::remove_file(shop.data().join(file));
    }
    for file in ["tabi.db", "keys.db"] {
        std::fs::copy(copy.join(file), shop.data().join(file)).unwrap();
    }
    shop.serve();
    assert!(shop.log().contains("\"held\":\""), "it says so at the start:\n{}", shop.log());
    let doctor = shop.tabi(&["doctor"]);
    assert!(doctor.out.contains("held"), "{doctor:?}");

    // The shop sends again what the copy does not know, and something new: all is taken, stepped and planned.
    buys(&shop, "ben", "H-2");
    buys(&shop, "carl", "H-3");
    until(PATIENCE, "what came in is planned", || (shop.enrolled("thank_you") == 3).then_some(()));
    std::thread::sleep(SILENCE);
    assert_eq!((mails_to(&sink, "ben"), mails_to(&sink, "carl")), (1, 0), "nothing is sent");

    // Held over restarts, too.
    shop.kill();
    shop.serve();
    std::thread::sleep(SILENCE);
    assert_eq!(mails_to(&sink, "carl"), 0);

    let released = shop.tabi(&["resume", "--held", "--by", HANAKO, "--reason", "the disk had failed"]);
    assert_eq!(released.code, 0, "{released:?}");
    until(PATIENCE, "what was held goes out", || (mails_to(&sink, "carl") == 1).then_some(()));
    shop.kill();
    shop.serve();
    buys(&shop, "dora", "H-4");
    until(PATIENCE, "released for good", || (mails_to(&sink, "dora") == 1).then_some(()));
}

#[test]
fn a_folder_copied_while_it_serves_is_another_installation() {
    let sink = Sink::listen(Duration::ZERO);
    let shop = Shop::open_live(sink.address);
    buys(&shop, "anna", "H-1");
    until(PATIENCE, "the first mail", || (mails_to(&sink, "anna") == 1).then_some(()));
    let copy = shop.data().parent().unwrap().join("copied");
    std::fs::create_dir(&copy).unwrap();
    for file in std::fs::read_dir(shop.data()).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), copy.join(file.file_name())).unwrap();
    }
    // What is asked of the copy is done there, though the original's door was copied along.
    let erased =
        shop.tabi_at(&copy, &["customer", "erase", "anna", "--yes", "--reason", "asked", "--by", HANAKO]);
    assert_eq!(erased.code, 0, "{erased:?}");
    let gone = shop.tabi_at(&copy, &["customer", "show", "anna"]);
    assert_ne!(gone.code, 0, "{gone:?}");
    assert_eq!(shop.tabi(&["customer", "show", "anna"]).code, 0, "the original is left alone");
    let doctor = shop.tabi_at(&copy, &["doctor"]);
    assert!(doctor.out.contains("held"), "the copy sends nothing: {doctor:?}");
    assert_eq!(shop.get("/readyz").json()["held"], false, "the original goes on");
}

#[test]
fn erasing_somebody_takes_the_copies_of_the_development_inbox_along() {
    let shop = Shop::open(([127, 0, 0, 1], 9).into());
    buys(&shop, "anna", "E-1");
    let held = || {
        let files = ["inbox.db", "inbox.db-wal"].map(|file| std::fs::read(shop.data().join(file)));
        let bytes: Vec<u8> = files.into_iter().flatten().flatten().collect();
        bytes.windows(5).any(|word| word == b"anna@")
    };
    until(PATIENCE, "her mail is in the inbox", || held().then_some(()));
    let erased = shop.tabi(&["customer", "erase", "anna", "--yes", "--reason", "asked", "--by", HANAKO]);
    assert_eq!(erased.code, 0, "{erased:?}");
    until(PATIENCE, "no byte of it is left", || (!held()).then_some(()));
    let found = shop.tabi(&["log", "search", "--address", "anna@example.com"]);
    assert_eq!(found.lines(), Vec::<serde_json::Value>::new(), "nor does the address lead to what was sent");
}
