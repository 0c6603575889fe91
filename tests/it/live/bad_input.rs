//! Bad input at every door: a clear answer, and nothing is changed.

use super::{
    http,
    shop::{Shop, identify, order},
    sink::Sink,
};
use serde_json::json;
use std::time::Duration;

/// What an installation holds, as far as bad input could have changed it.
fn stands(shop: &Shop) -> String {
    let customers = shop.tabi(&["customer", "show", "hana"]).out;
    let messages = shop.messages(&[]).len();
    let release = shop.tabi(&["journey", "list"]).lines()[0]["release"].clone();
    format!("{customers}{messages}{release}{}", shop.enrolled("thank_you"))
}

#[test]
fn what_http_cannot_understand_gets_a_problem_that_says_why_and_changes_nothing() {
    let sink = Sink::listen(Duration::ZERO);
    let shop = Shop::open(sink.address);
    assert_eq!(shop.posted("/v1/identify", &identify("hana", "ja")).status, 200);
    let before = stands(&shop);
    let bearer = format!("Bearer {}", shop.key);
    let deep = format!(
        "{{\"userId\":\"hana\",\"event\":\"visited\",\"properties\":{}1{}}}",
        "[".repeat(5_000),
        "]".repeat(5_000)
    );
    let long = format!("{{\"userId\":\"hana\",\"event\":\"{}\"}}", "x".repeat(40_000));
    let cases: &[(&str, &str, &[u8], u16, &str)] = &[
        ("/v1/track", "cut off", b"{\"type\":", 400, "ends too early"),
        ("/v1/track", "no JSON", b"hello", 400, "line 1"),
        ("/v1/track", "not UTF-8", b"{\"userId\":\"\xff\xfe\",\"event\":\"visited\"}", 400, ""),
        ("/v1/track", "nothing", b"", 400, ""),
        ("/v1/track", "a list", b"[]", 400, "map"),
        ("/v1/track", "nobody", b"{\"event\":\"visited\"}", 400, "userId"),
        ("/v1/track", "no event", b"{\"userId\":\"hana\"}", 400, "event"),
        ("/v1/track", "deep", deep.as_bytes(), 400, ""),
        ("/v1/track", "long", long.as_bytes(), 413, "32 KB"),
        ("/v1/track", "no time", b"{\"userId\":\"hana\",\"event\":\"visited\",\"timestamp\":\"yesterday\"}", 400, "timestamp"),
        ("/v1/track", "no money", br#"{"userId":"hana","event":"Order Completed","properties":{"order_id":"1","total":"many","cds":1}}"#, 400, "total"),
        ("/v1/identify", "no address", br#"{"userId":"hana","traits":{"email":"no mail"}}"#, 400, "@"),
        ("/v1/identify", "no zone", br#"{"userId":"hana","context":{"consent":{"categoryPreferences":{"after_sales":"maybe"}}}}"#, 400, "consent"),
        ("/v1/batch", "no list", br#"{"batch":7}"#, 400, "batch"),
        ("/v1/consents", "no consent", br#"{"userId":"hana"}"#, 400, ""),
        ("/v1/messages", "no key", br#"{"message":"welcome"}"#, 400, "Idempotency-Key"),
        ("/v1/journeys/nope/start", "no journey", br#"{"userId":"hana"}"#, 404, ""),
        ("/v1/imports?kind=fish&format=csv", "no kind", b"a,b\n1,2\n", 400, "kind"),
        ("/v1/nowhere", "no route", b"{}", 404, ""),
    ];
    for (path, what, body, status, hint) in cases {
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let answer = http::request(shop.address, "POST", path, &headers, body).unwrap();
        assert_eq!(answer.status, *status, "{path}, {what}: {answer:?}");
        assert_eq!(answer.header("content-type"), "application/problem+json", "{path}, {what}: {answer:?}");
        let told = answer.json();
        assert!(told["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{path}, {what}: {told}");
        assert!(told["help"].as_str().is_some_and(|help| !help.is_empty()), "{path}, {what}: {told}");
        assert!(answer.body.contains(hint), "{path}, {what}, {hint}: {answer:?}");
    }
    for authorization in ["", "Bearer ", "Bearer tabi_sk_nope", "Basic %%%", "Digest x"] {
        let headers = [("authorization", authorization)];
        let body = order("hana", "A-1").to_string();
        let answer = http::request(shop.address, "POST", "/v1/track", &headers, body.as_bytes()).unwrap();
        assert_eq!(answer.status, 401, "{authorization}: {answer:?}");
    }
    assert_eq!(stands(&shop), before);
    assert_eq!(shop.posted("/v1/track", &order("hana", "A-1")).status, 200, "it still takes what is right");
}

#[test]
fn a_csv_with_bad_rows_takes_the_good_ones_and_names_the_lines_of_the_bad() {
    let sink = Sink::listen(Duration::ZERO);
    let shop = Shop::open(sink.address);
    let bearer = format!("Bearer {}", shop.key);
    let import = |query: &str, file: &str| {
        let headers = [("authorization", bearer.as_str()), ("content-type", "text/csv")];
        http::request(shop.address, "POST", &format!("/v1/imports?{query}"), &headers, file.as_bytes())
            .unwrap()
    };
    let file = "user_id,email,locale\nc1,c1@example.com,en\nc2,no mail,en\nc3,c3@example.com,ja\n";
    let dry = import("kind=customers&format=csv&dry_run=true", file);
    assert_eq!(dry.status, 200, "{dry:?}");
    assert_ne!(shop.tabi(&["customer", "show", "c1"]).code, 0, "a dry run wrote something");
    let done = import("kind=customers&format=csv", file);
    assert_eq!(done.status, 200, "{done:?}");
    assert_eq!((&done.json()["taken"], &done.json()["rejected"]), (&json!(2), &json!(1)), "{done:?}");
    assert_eq!(done.json()["problems"][0]["line"], 3, "{done:?}");
    assert_eq!(shop.tabi(&["customer", "show", "c1"]).code, 0);
    assert_ne!(shop.tabi(&["customer", "show", "c2"]).code, 0);
    assert_eq!(shop.tabi(&["customer", "show", "c3"]).code, 0);
    let broken = import("kind=customers&format=csv", "nothing that is known\n1\n");
    assert_eq!(broken.status, 422, "{broken:?}");
}

#[test]
fn a_broken_project_and_senseless_commands_change_nothing_of_what_runs() {
    let sink = Sink::listen(Duration::ZERO);
    let shop = Shop::open(sink.address);
    assert_eq!(shop.posted("/v1/identify", &identify("hana", "ja")).status, 200);
    let before = stands(&shop);
    let broken = tempfile::tempdir().unwrap();
    std::fs::create_dir(broken.path().join("journeys")).unwrap();
    for text in ["journey: [", "a: &a [*a, *a]\n", "journey: x\njourney: y\n", "\u{0}", "steps: {a: b}\n"] {
        std::fs::write(broken.path().join("journeys/broken.yaml"), text).unwrap();
        let said = shop.tabi_on(broken.path(), &["deploy", "--by", "Hanako Yamada"]);
        assert!((1..=2).contains(&said.code), "{text}: {said:?}");
        assert!(!format!("{}{}", said.out, said.err).contains("panicked"), "{said:?}");
    }
    for args in [
        &["event", "send", "order_placed", "--customer", "hana", "no json"][..],
        &["event", "send", "order_placed", "--customer", "hana", "{\"total\": \"many\"}"],
        &["event", "send", "order_placed", "--customer", "nobody", "{}"],
        &["customer", "show", "nobody"],
        &["log", "show", "msg_nonsense"],
        &["log", "search", "--outcome", "happy"],
        &["log", "search", "--from", "yesterday"],
        &["rollback", "--to", "rel_nonsense", "--by", "x"],
        &["key", "create", "shop2", "--scopes", "everything", "--by", "x"],
        &["operator", "add", "x", "--role", "king"],
    ] {
        let said = shop.tabi(args);
        assert!((1..=4).contains(&said.code), "{args:?}: {said:?}");
        assert!(said.out.is_empty() && !said.err.is_empty(), "{args:?}: {said:?}");
        assert!(!said.err.contains("panicked"), "{args:?}: {said:?}");
    }
    let keys = shop.tabi(&["key", "list"]);
    assert_eq!(keys.lines()[0]["keys"].as_array().map(Vec::len), Some(1), "{keys:?}");
    assert_eq!(stands(&shop), before);
    assert_eq!(shop.posted("/v1/track", &order("hana", "A-1")).json(), json!({"success": true}));
}
