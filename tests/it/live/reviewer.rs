//! A compliance reviewer finds what one customer got on a day and why another did not, takes it out, and changes nothing.

use super::{
    PATIENCE,
    http::{self, Answer},
    shop::{HANAKO, Shop, identify, order, project},
    sink::Sink,
    until,
};
use serde_json::{Value, json};
use std::{net::SocketAddr, time::Duration};

const PASSWORD: &str = "correct horse battery staple";

/// Somebody who has signed in at the console, by its forms.
struct Visitor {
    server: SocketAddr,
    cookie: String,
}

impl Visitor {
    fn sign_in(server: SocketAddr, name: &str) -> Self {
        let form = http::request(server, "GET", "/console/sign-in", &[], b"").unwrap();
        let mut visitor = Self { server, cookie: cookie(&form, "tabi_form") };
        let password = PASSWORD.replace(' ', "+");
        let body = format!("csrf={}&name={name}&password={password}", csrf(&form));
        let answer = visitor.post("/console/sign-in", &body);
        assert_eq!(answer.status, 303, "{answer:?}");
        visitor.cookie = cookie(&answer, "tabi_session");
        visitor
    }

    fn get(&self, path: &str) -> Answer {
        http::request(self.server, "GET", path, &[("cookie", &self.cookie)], b"").unwrap()
    }

    fn post(&self, path: &str, body: &str) -> Answer {
        let headers =
            [("cookie", self.cookie.as_str()), ("content-type", "application/x-www-form-urlencoded")];
        http::request(self.server, "POST", path, &headers, body.as_bytes()).unwrap()
    }
}

/// `name=value` of a cookie that an answer sets, whatever prefix its name has.
fn cookie(answer: &Answer, name: &str) -> String {
    let set = answer.headers.iter().filter(|(header, _)| header == "set-cookie").map(|(_, value)| value);
    let pair = set.filter_map(|value| value.split(';').next()).find(|pair| pair.starts_with(name));
    pair.unwrap_or_else(|| panic!("no cookie {name}: {answer:?}")).to_owned()
}

fn csrf(answer: &Answer) -> String {
    let after = answer.body.split("name=\"csrf\" value=\"").nth(1);
    after.and_then(|rest| rest.split('"').next()).unwrap_or_default().to_owned()
}

/// A shop in which Hana was thanked and Ben, who wants nothing after an order, was not.
fn reviewed(sink: &Sink) -> Shop {
    let shop = Shop::open_live(sink.address);
    let mut ben = identify("ben", "en");
    ben["context"]["consent"]["categoryPreferences"]["after_sales"] = false.into();
    // A name that a spreadsheet would take for a formula.
    ben["traits"]["given_name"] = "=HYPERLINK(\"https://evil.example\")".into();
    let batch = json!({"batch": [identify("hana", "ja"), ben, order("hana", "A-1"), order("ben", "B-1")]});
    assert_eq!(shop.posted("/v1/batch", &batch).json()["rejected"], 0);
    until(PATIENCE, "both have an outcome", || {
        let rows = shop.messages(&["--journey", "thank_you"]);
        let open = rows.iter().any(|row| matches!(row["outcome"].as_str(), Some("planned" | "handed_over")));
        (rows.len() == 2 && !open).then_some(())
    });
    shop
}

#[test]
fn what_one_customer_got_on_a_day_and_why_another_got_nothing_is_found_shown_and_exported() {
    let sink = Sink::listen(Duration::ZERO);
    let shop = reviewed(&sink);
    let today = day_of(&shop.messages(&["--customer", "hana"])[0]["planned_at"]);
    let got = shop.messages(&["--customer", "hana@example.com", "--from", &today, "--sent"]);
    assert_eq!((got.len(), got[0]["name"].as_str()), (1, Some("thank_you_first")), "{got:?}");
    assert_eq!(
        shop.messages(&["--customer", "hana", "--to", &today]).len(),
        1,
        "the last day is one of them"
    );
    assert!(shop.messages(&["--customer", "hana", "--to", "2020-01-01"]).is_empty());
    let not = shop.messages(&["--customer", "ben", "--from", &today, "--not-sent"]);
    assert_eq!(not.len(), 1);
    assert!(not[0]["why"].to_string().contains("consent"), "{}", not[0]);

    let id = got[0]["message"].as_str().unwrap();
    let shown = &shop.tabi(&["log", "show", id]).lines()[0];
    assert_eq!(shown["cause"]["event"], "order_placed", "{shown}");
    assert_eq!(shown["deliveries"][0]["address"], "hana@example.com", "{shown}");
    assert_eq!(shown["deliveries"][0]["attempts"].as_array().map(Vec::len), Some(1), "{shown}");
    let why = &shop.tabi(&["log", "show", not[0]["message"].as_str().unwrap()]).out;
    assert!(why.contains("consent"), "{why}");

    let folder = shop.data().join("out");
    std::fs::create_dir(&folder).unwrap();
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let export = |form: &str, name: &str| {
        let said = shop.tabi(&[
            "log",
            "export",
            "--as",
            form,
            "--into",
            &path(name),
            "--reason",
            "request of today",
        ]);
        assert_eq!(said.code, 0, "{said:?}");
    };
    export("csv", "log.csv");
    export("jsonl", "log.jsonl");
    export("eml", "mails");
    let csv = std::fs::read_to_string(path("log.csv")).unwrap();
    assert_eq!(csv.lines().count(), 3, "{csv}");
    for cell in csv.split([',', '\n']) {
        let start = cell.trim_start_matches('"');
        assert!(!start.starts_with(['=', '+', '-', '@']), "a formula: {cell}");
    }
    let jsonl = std::fs::read_to_string(path("log.jsonl")).unwrap();
    assert!(jsonl.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()) && jsonl.contains(id));
    let mails: Vec<_> = std::fs::read_dir(path("mails")).unwrap().flatten().collect();
    assert_eq!(mails.len(), 1);
    let mail = std::fs::read_to_string(mails[0].path()).unwrap();
    let sent = &sink.mails()[0];
    assert!(mail.contains(&sent.header("Message-ID")), "not what the customer got:\n{mail}");
}

/// The day of an instant, as the shop counts days.
fn day_of(instant: &Value) -> String {
    let brand = std::fs::read_to_string(project().join("templates/brand.yaml")).unwrap();
    let zone = brand.lines().find_map(|line| line.strip_prefix("zone: ")).unwrap();
    let instant = words::Timestamp::parse(instant.as_str().unwrap()).unwrap().to_jiff();
    instant.to_zoned(words::Zone::parse(zone).unwrap().to_jiff().clone()).date().to_string()
}

/// What outsiders write where an export repeats it; a spreadsheet would compute each.
const HOSTILE: [&str; 4] = ["=HYPERLINK(\"https://evil.example\")", "+1+1", "-2+3", "@SUM(A1)"];

/// The cells of a CSV (RFC 4180), quotes taken off.
fn cells(csv: &str) -> Vec<Vec<String>> {
    let (mut rows, mut quoted) = (vec![vec![String::new()]], false);
    let mut chars = csv.trim_start_matches('\u{feff}').chars().peekable();
    while let Some(c) = chars.next() {
        let row = rows.last_mut().unwrap();
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                row.last_mut().unwrap().push(chars.next().unwrap())
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(String::new()),
            '\r' if !quoted => {}
            '\n' if !quoted => rows.push(vec![String::new()]),
            c => row.last_mut().unwrap().push(c),
        }
    }
    rows.retain(|row| row.len() > 1);
    rows
}

#[test]
fn no_cell_of_an_export_is_a_formula_whatever_an_outsider_wrote() {
    let sink = Sink::listen(Duration::ZERO);
    let shop = Shop::open(sink.address);
    for (n, hostile) in HOSTILE.iter().enumerate() {
        let user = format!("h{n}");
        let mut person = identify(&user, "en");
        person["traits"].as_object_mut().unwrap().remove("email");
        person["traits"]["given_name"] = (*hostile).into();
        person["context"]["device"] = json!({"token": hostile});
        let batch = json!({"batch": [person, order(&user, &format!("H-{n}"))]});
        assert_eq!(shop.posted("/v1/batch", &batch).json()["rejected"], 0);
    }
    until(PATIENCE, "all have gone to their devices", || {
        let rows = shop.messages(&["--channel", "push", "--sent"]);
        (rows.len() == HOSTILE.len() && rows.iter().all(|row| row["outcome"] == "accepted")).then_some(())
    });
    let added =
        shop.tabi_with_input(&["operator", "add", "rei", "--role", "reviewer", "--by", HANAKO], PASSWORD);
    assert_eq!(added.code, 0, "{added:?}");
    let rei = Visitor::sign_in(shop.address, "rei");
    let token = csrf(&rei.get("/console/messages"));
    let console = rei.post("/console/messages/export", &format!("csrf={token}&format=csv&reason=audit"));
    let command = shop.tabi(&["log", "export", "--as", "csv", "--reason", "audit"]);
    for csv in [&console.body, &command.out] {
        let rows = cells(csv);
        assert_eq!(rows.len(), 1 + HOSTILE.len(), "{csv}");
        for cell in rows.iter().flatten() {
            let start = cell.trim_start_matches([' ', '\u{3000}']);
            let formula = start.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
                || cell.starts_with(['\t', '\r', '\n']);
            assert!(!formula, "a formula: {cell:?}");
        }
        for hostile in HOSTILE {
            let safe = format!("'{hostile}");
            assert!(rows.iter().flatten().any(|cell| *cell == safe), "{hostile:?} is not whole in {csv}");
        }
    }
    // Who took it away is on record, whichever way.
    let reads = shop.tabi(&["log", "reads", "--kind", "export"]).lines();
    let readers: Vec<_> = reads.iter().map(|read| read["reader"].as_str().unwrap_or_default()).collect();
    assert_eq!(reads.len(), 2, "{reads:?}");
    assert!(readers.contains(&"rei") && reads.iter().all(|read| read["reason"] == "audit"), "{reads:?}");
}

#[test]
fn a_reviewer_reads_and_exports_in_the_console_and_can_change_nothing() {
    let sink = Sink::listen(Duration::ZERO);
    let shop = reviewed(&sink);
    let added =
        shop.tabi_with_input(&["operator", "add", "rei", "--role", "reviewer", "--by", HANAKO], PASSWORD);
    assert_eq!(added.code, 0, "{added:?}");
    let rei = Visitor::sign_in(shop.address, "rei");

    let list = rei.get("/console/messages");
    assert_eq!(list.status, 200, "{list:?}");
    assert!(list.body.contains("thank_you"), "{}", list.body);
    let not = &shop.messages(&["--customer", "ben"])[0];
    let page = rei.get(&format!("/console/messages/{}", not["message"].as_str().unwrap()));
    assert_eq!(page.status, 200);
    let customer = rei.get(&format!("/console/customers/{}", not["customer"].as_str().unwrap()));
    assert_eq!(customer.status, 200);
    let token = csrf(&list);
    let csv = rei.post("/console/messages/export", &format!("csrf={token}&format=csv&reason=audit"));
    assert_eq!((csv.status, csv.body.lines().count()), (200, 3), "{csv:?}");
    assert!(!csv.body.contains(",=") && !csv.body.contains("\"="), "{}", csv.body);
    let settings = rei.get("/console/settings");
    assert!(!settings.body.contains(&shop.key), "a key is shown");

    // With a token of their own session, so that nothing but the role stands in the way.
    assert!(!token.is_empty(), "the page has no form of its own (signing out): {}", list.body);
    for path in [
        "/console/sending/stop",
        "/console/sending/resume",
        "/console/sending/go-live",
        "/console/sending/end-live",
        "/console/sending/release",
        "/console/settings/keys",
        "/console/settings/keys/revoke",
        "/console/settings/operators",
        "/console/settings/operators/disable",
        "/console/settings/releases",
        "/console/troubles/settle",
        "/console/troubles/seen",
        "/console/advance",
    ] {
        let form = format!(
            "csrf={token}&scope=all&reason=x&name=shop&kind=server&role=admin&password=long+enough+it+is&by=rei&confirm=yes"
        );
        let answer = rei.post(path, &form);
        assert_eq!(answer.status, 403, "{path}: {answer:?}");
    }
    let keys = shop.tabi(&["key", "list"]);
    assert_eq!(keys.lines()[0]["keys"].as_array().map(Vec::len), Some(1), "{keys:?}");
    // Still live, not stopped, and the shop's key still good.
    assert_eq!(shop.posted("/v1/track", &order("hana", "A-2")).status, 200);
    until(PATIENCE, "the next one is sent", || (sink.mails().len() == 2).then_some(()));
    // A console login is no way into the API.
    let api = http::request(shop.address, "GET", "/v1/rejected", &[("cookie", &rei.cookie)], b"").unwrap();
    assert_eq!(api.status, 401);
}
