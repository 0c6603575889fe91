//! How a customer answers: a click, a survey, a word by text message; end to end, as the customer's browser and the
//! provider would do it.

use super::{
    PATIENCE,
    http::{self, Answer},
    shop::{HANAKO, SILENCE, Shop, identify, order, project},
    sink::Sink,
    until,
};
use serde_json::{Value, json};
use std::{path::Path, time::Duration};

const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const SONGS: &str = "https://shop.example/songs?tag=9&by=%E6%97%85#top";
/// How the text of these tests begins; the shipped project may thank by text as well.
const PARCEL: &str = "Your parcel";
const PHONE: &str = "+819012345678";

/// Beside what the project ships.
const FILES: [(&str, &str); 14] = [
    (
        "journeys/answers.yaml",
        "surveys:\n  nps: {title: {en: Would you recommend us?, ja: おすすめ度は？}, scale: 0..10}\n\
         purposes:\n  parcels: {title: {en: Parcels, ja: 配送}, class: service}\n",
    ),
    (
        "journeys/asks.yaml",
        "journey: asks\npurpose: after_sales\nstart:\n  event: order_placed\n  once_per: order_id\nfirst_of: [email]\nsteps:\n\
         \x20 - send: look\n  - wait_for: message_clicked\n    if: it.message == \"look\"\n    up_to: 2 days\n    then:\n\
         \x20     - survey: nps\n        send: ask\n        up_to: 2 days\n        as: answer\n        then:\n\
         \x20         - if: clicked(look) and answer.score >= 9\n            then:\n              - send: fond\n",
    ),
    (
        "journeys/texts.yaml",
        "journey: texts\npurpose: parcels\nstart:\n  event: order_placed\n  once_per: order_id\nfirst_of: [sms]\nsteps:\n\
         \x20 - send: ping\n",
    ),
    ("templates/look/message.yaml", "title: Look\nuse: service\n"),
    ("templates/look/sample.yaml", "one:\n  inputs: {}\n"),
    ("templates/look/email/subject.txt", "Look\n"),
    (
        "templates/look/email/body.html",
        "<!doctype html>\n<html lang=\"{{ locale }}\"><head><meta charset=\"utf-8\"><title>Look</title></head><body>\n\
         <p><a href=\"https://shop.example/songs?tag=9&amp;by=旅#top\">Songs</a></p>\n\
         <p><a href=\"{{ links.unsubscribe_url }}\">Out</a> <a href=\"{{ links.preferences_url }}\">Choose</a></p></body></html>\n",
    ),
    ("templates/ask/message.yaml", "title: Ask\nuse: service\n"),
    ("templates/ask/sample.yaml", "one:\n  inputs: {}\n"),
    ("templates/ask/email/subject.txt", "Ask\n"),
    (
        "templates/ask/email/body.html",
        "<!doctype html>\n<html lang=\"{{ locale }}\"><head><meta charset=\"utf-8\"><title>Ask</title></head><body>\n\
         <p><a href=\"{{ links.survey_url }}?a=9\">Nine</a></p></body></html>\n",
    ),
    ("templates/ping/message.yaml", "title: Ping\nuse: service\n"),
    ("templates/ping/sample.yaml", "one:\n  inputs: {}\n"),
    ("templates/ping/sms/body.txt", "Your parcel is on its way: https://shop.example/p STOP ends this\n"),
];

/// The shipped project and [`FILES`], deployed; everything goes to the development inbox.
fn shop() -> Shop {
    shop_with(&[], &[])
}

/// The same, with more files, and with these in the environment.
pub(super) fn shop_with(more: &[(&str, &str)], environment: &[(&str, &str)]) -> Shop {
    let sink = Sink::listen(Duration::ZERO);
    let shop = Shop::open_with(sink.address, "", environment);
    deploy(&shop, more);
    shop
}

/// The shipped project, [`FILES`] and these go live.
pub(super) fn deploy(shop: &Shop, more: &[(&str, &str)]) {
    let root = tempfile::tempdir().unwrap();
    for folder in ["journeys", "templates"] {
        copy(&project().join(folder), &root.path().join(folder));
    }
    let fond = FILES.iter().filter(|(path, _)| path.starts_with("templates/look/"));
    let fond = fond.map(|(path, text)| (path.replace("/look/", "/fond/"), text.replace("Look", "Fond")));
    let all = FILES.iter().chain(more).map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
    for (path, text) in all.chain(fond) {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let said = shop.tabi_on(root.path(), &["deploy", "--by", HANAKO]);
    assert_eq!(said.code, 0, "{said:?}");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            std::fs::copy(&from, &to).unwrap();
        }
    }
}

/// What lies in the development inbox and begins so; oldest first.
fn arrived(shop: &Shop, what: &str) -> Vec<inbox::Item> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let inbox = inbox::Inbox::open(&shop.inbox()).await.unwrap();
        let listed = inbox.list(&inbox::Filter::default(), inbox::Page::default()).await.unwrap().items;
        let mut found = Vec::new();

        for one in listed.into_iter().rev().filter(|one| one.subject.starts_with(what)) {
            found.push(inbox.get(one.id).await.unwrap().unwrap());
        }
        found
    })
}

pub(super) fn first(shop: &Shop, what: &str) -> inbox::Item {
    until(PATIENCE, what, || arrived(shop, what).into_iter().next())
}

/// The targets of the links in a mail.
pub(super) fn targets(html: &str) -> Vec<String> {
    html.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap().replace("&amp;", "&")).collect()
}

/// The path behind the public address.
pub(super) fn path(url: &str) -> &str {
    url.strip_prefix("https://tabi.example.jp").unwrap_or_else(|| panic!("no page of ours: {url}"))
}

pub(super) fn visit(shop: &Shop, method: &str, path: &str, body: &str) -> Answer {
    let headers = [("user-agent", BROWSER), ("content-type", "application/x-www-form-urlencoded")];
    http::request(shop.address, method, path, &headers, body.as_bytes()).unwrap()
}

fn figures(shop: &Shop, journey: &str, message: &str) -> Value {
    let shown = shop.tabi(&["journey", "show", journey]).lines().remove(0);
    let messages = shown["messages"].as_array().unwrap();
    messages.iter().find(|of| of["name"] == message && of["channel"] != "").cloned().unwrap_or(Value::Null)
}

#[test]
fn a_click_and_an_answer_lead_a_journey_on() {
    let shop = shop();
    assert_eq!(shop.posted("/v1/identify", &identify("hana", "en")).status, 200);
    assert_eq!(shop.posted("/v1/track", &order("hana", "A-1")).status, 200);
    let look = first(&shop, "Look");
    let links = targets(look.html.as_deref().unwrap());
    let [songs, out, choose] = &links[..] else { panic!("{links:?}") };
    assert!(
        path(songs).starts_with("/c/") && path(out).starts_with("/u/") && path(choose).starts_with("/p/")
    );
    assert!(look.text.as_deref().unwrap().contains(songs.as_str()), "{:?}", look.text);
    assert!(!look.text.as_deref().unwrap().contains("shop.example/songs"));

    // A scanner looks at every link, and nothing moves.
    for link in &links {
        visit(&shop, "HEAD", path(link), "");
    }
    std::thread::sleep(SILENCE);
    assert!(arrived(&shop, "Ask").is_empty());
    assert_eq!(figures(&shop, "asks", "look")["clicked"], 0);

    for _ in 0..2 {
        let answer = visit(&shop, "GET", path(songs), "");
        assert_eq!((answer.status, answer.header("location")), (302, SONGS), "{answer:?}");
    }
    let ask = first(&shop, "Ask");
    assert_eq!(figures(&shop, "asks", "look")["clicked"], 1);
    let links = targets(ask.html.as_deref().unwrap());
    let survey = path(&links[0]);
    assert!(survey.starts_with("/s/") && survey.ends_with("?a=9"), "{survey}");

    let page = visit(&shop, "GET", survey, "");
    assert_eq!(page.status, 200, "{page:?}");
    assert!(page.body.contains("value=\"9\" required checked"), "{page:?}");
    std::thread::sleep(SILENCE);
    assert!(arrived(&shop, "Fond").is_empty(), "looking is no answer");
    assert_eq!(visit(&shop, "POST", survey, "a=11").status, 422);
    assert_eq!(visit(&shop, "POST", survey, "a=9&comment=nice").status, 200);
    first(&shop, "Fond");

    // What was kept is what was sent.
    let message = shop.messages(&["--journey", "asks"]).into_iter().find(|of| of["name"] == "look").unwrap();
    let shown = shop.tabi(&["log", "show", message["message"].as_str().unwrap()]).lines().remove(0);
    let receipts: Vec<String> = shown["deliveries"][0]["receipts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|of| format!("{} {}", of["kind"].as_str().unwrap(), of["detail"].as_str().unwrap()))
        .collect();
    assert_eq!(receipts, ["scanned link 1 shop.example", "clicked link 1 shop.example"]);
}

/// A call of the provider: signed as the development inbox's account would.
fn call(shop: &Shop, query: &str, fields: &[(&str, &str)], secret: &str) -> Answer {
    let query = if query.is_empty() { String::new() } else { format!("?{query}") };
    let url = format!("http://127.0.0.1:{}/callbacks/sms{query}", shop.address.port());
    let pairs: Vec<(String, String)> =
        fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let signature = sms::sign(secret, &url, &pairs);
    let body: Vec<String> = fields
        .iter()
        .map(|(name, value)| {
            format!("{name}={}", value.bytes().map(|b| format!("%{b:02X}")).collect::<String>())
        })
        .collect();
    let headers =
        [("content-type", "application/x-www-form-urlencoded"), ("x-twilio-signature", signature.as_str())];
    let path = format!("/callbacks/sms{query}");
    http::request(shop.address, "POST", &path, &headers, body.join("&").as_bytes()).unwrap()
}

fn texted(shop: &Shop, text: &str, sid: &str, secret: &str) -> u16 {
    call(shop, "", &[("From", PHONE), ("To", "+15005550006"), ("Body", text), ("MessageSid", sid)], secret)
        .status
}

#[test]
fn reports_of_the_sms_provider_move_figures_and_stop_ends_it_at_once() {
    let shop = shop();
    let mut who = identify("ken", "ja");
    who["traits"] = json!({"phone": PHONE, "country": "JP"});
    who["context"]["consent"]["categoryPreferences"]["parcels"] = true.into();
    assert_eq!(shop.posted("/v1/identify", &who).status, 200);
    assert_eq!(shop.posted("/v1/track", &order("ken", "B-1")).status, 200);
    let text = first(&shop, PARCEL);
    assert!(text.text.as_deref().unwrap().contains("https://shop.example/p"), "a text keeps its links");
    until(PATIENCE, "it is reported as delivered", || {
        (figures(&shop, "texts", "ping")["delivered"] == 1).then_some(())
    });
    assert_eq!(figures(&shop, "texts", "ping")["sent"], 1);

    let message = shop.messages(&["--journey", "texts"]).remove(0);
    let shown = shop.tabi(&["log", "show", message["message"].as_str().unwrap()]).lines().remove(0);
    let delivery = format!("delivery={}", shown["deliveries"][0]["delivery"].as_str().unwrap());
    let fields = [("MessageSid", "SM1"), ("MessageStatus", "undelivered"), ("ErrorCode", "30007")];
    assert_eq!(call(&shop, &delivery, &fields, "somebody").status, 401);
    for _ in 0..2 {
        assert_eq!(call(&shop, &delivery, &fields, "development").status, 204);
    }
    assert_eq!(figures(&shop, "texts", "ping")["bounced"], 1);

    // Filtered once is no dead number.
    assert_eq!(texted(&shop, "the bus stop is closed", "SM2", "development"), 204);
    assert_eq!(texted(&shop, "STOP", "SM3", "somebody"), 401);
    assert_eq!(shop.posted("/v1/track", &order("ken", "B-2")).status, 200);
    until(PATIENCE, "the second text arrives", || (arrived(&shop, PARCEL).len() == 2).then_some(()));

    for (nth, word) in ["停止", "stop"].into_iter().enumerate() {
        assert_eq!(texted(&shop, word, &format!("SM4{nth}"), "development"), 204);
    }
    assert_eq!(shop.posted("/v1/track", &order("ken", "B-3")).status, 200);
    until(PATIENCE, "the third is recorded as not sent", || {
        (shop.messages(&["--journey", "texts", "--not-sent"]).len() == 1).then_some(())
    });
    std::thread::sleep(SILENCE);
    assert_eq!(arrived(&shop, PARCEL).len(), 2);
    let shown = shop.tabi(&["customer", "show", "ken"]).out;
    assert!(shown.contains("reply_stop"), "{shown}");
}
