//! Logs hold ids, never names, addresses, words or secrets: everything that can be planted is planted through every door,
//! on a node that is told to log all it can, and is looked for in what it said.

use super::{
    PATIENCE,
    answers::deploy,
    http::request,
    shop::{SILENCE, Shop, zone_at_noon},
    until,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use siege::{
    cluster::Cluster,
    sink::{
        Conduct, Listening,
        smtp::{self, Mail, Postmaster},
    },
};
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    sync::{Arc, Mutex},
};

/// What nobody may find in a log, wherever it came in. Each is a piece of a name, an address, a text or a secret.
const PLANTED: [&str; 24] = [
    "zqname",
    "zqmail",
    "9055512345",
    "zqtrait",
    "zqkey",
    "zqbad",
    "zqevent",
    "zqbody",
    "zqhook",
    "zqwhisper",
    "zqcsv",
    "zqpassword",
    "zqsearch",
    "zqtext",
    "zqsid",
    "zqpath",
    "zqpush",
    "zqinput",
    "zqtest",
    "zqreason",
    "zqecho",
    "zqsecret",
    "zqagent",
    "zqbanner",
];

/// A mail server that repeats all it hears when it refuses.
struct Gossip(Mutex<usize>);

impl Postmaster for Gossip {
    fn conduct(&self, to: &str) -> Conduct {
        match to {
            to if to.contains("dead") => Conduct::Dead,
            to if to.contains("later") => Conduct::LaterAtOnce,
            to if to.contains("cut") => Conduct::Cut,
            to if to.contains("garbled") => Conduct::Garbled,
            to if to.contains("refuse") => Conduct::Refuse,
            _ => Conduct::Take,
        }
    }

    fn keep(&self, _: &Mail, _: Conduct) -> std::io::Result<()> {
        *self.0.lock().unwrap() += 1;
        Ok(())
    }
}

/// An SMS provider that quotes in its refusals what it was asked to send, and to whom.
fn echo() -> Listening {
    Listening::serve(|stream, number| {
        let mut answer = stream.try_clone()?;
        let mut lines = BufReader::new(stream);
        loop {
            let (mut length, mut line) = (0, String::new());
            loop {
                line.clear();
                if lines.read_line(&mut line)? == 0 {
                    return Ok(());
                }
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap_or(0);
                }
                if line == "\r\n" {
                    break;
                }
            }
            let mut body = vec![0; length];
            lines.read_exact(&mut body)?;
            let heard = String::from_utf8_lossy(&body).into_owned();
            let said = json!({"code": 21211, "message": format!("+819055512345 zqecho {heard}")}).to_string();
            let status = ["400 Bad", "503 Busy", "200 Fine", "401 Who"][number % 4];
            write!(
                answer,
                "HTTP/1.1 {status}\r\nx-said: zqecho\r\ncontent-length: {}\r\n\r\n{said}",
                said.len()
            )?;
        }
    })
    .unwrap()
}

fn call(shop: &Shop, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> u16 {
    let agent = [("user-agent", "zqagent/1"), ("cookie", "session=zqsecret")];
    let headers = [headers, &agent].concat();
    request(shop.address, method, path, &headers, body.as_bytes()).unwrap().status
}

/// Somebody whose every detail is planted; `kind` says what becomes of their mail.
fn person(kind: &str) -> [Value; 2] {
    let user = format!("c-{kind}");
    [
        json!({
            "type": "identify", "userId": user, "messageId": format!("i-{kind}"),
            "traits": {
                "email": format!("zqmail.{kind}@example.com"), "phone": "+819055512345", "country": "JP", "given_name": "zqname",
                "family_name": "zqname", "note": "zqtrait",
            },
            "context": {
                "locale": "en", "timezone": zone_at_noon(), "device": {"token": format!("zqpush{kind}")},
                "page": {"url": "https://shop.example/zqbanner"},
                "consent": {"categoryPreferences": {"after_sales": true, "news": true, "offers": true, "parcels": true}},
            },
        }),
        json!({
            "type": "track", "event": "Order Completed", "userId": user, "messageId": format!("o-{kind}"),
            "properties": {"order_id": format!("zqevent-{kind}"), "total": 29.33, "currency": "USD", "cds": 2},
        }),
    ]
}

/// The API, as it is meant and as it is not.
fn speak(shop: &Shop) {
    let bearer = format!("Bearer {}", shop.key);
    let key = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    for kind in ["kind", "dead", "later", "cut", "garbled", "refuse"] {
        assert_eq!(call(shop, "POST", "/v1/batch", &key, &json!({"batch": person(kind)}).to_string()), 200);
    }
    let bad = [
        ("/v1/identify", r#"{"userId":"c-kind","traits":{"email":"zqbad@@zqmail"}}"#),
        ("/v1/identify", r#"{"userId":"c-kind","traits":{"phone":"zqbad 9055512345"}}"#),
        (
            "/v1/track",
            r#"{"userId":"c-kind","event":"Order Completed","properties":{"total":"zqbad","order_id":["zqbad"]}}"#,
        ),
        ("/v1/track", r#"{"userId":"c-kind","event":"zqevent unheard of","properties":{"zqtrait":"zqbad"}}"#),
        ("/v1/track", r#"{"userId":"c-kind zqbad"#),
        ("/v1/track", "zqbody is no JSON"),
        (
            "/v1/batch",
            r#"{"batch":[{"type":"zqbad","userId":"zqmail"},{"type":"track","writeKey":"zqkey"},7,"zqbad"]}"#,
        ),
        ("/v1/consents", r#"{"customer":"email:zqmail@example.com","purpose":"zqbad","state":"granted"}"#),
        (
            "/v1/consents",
            r#"{"userId":"c-kind","purpose":"offers","state":"revoked","evidence":{"method":"zqbody","source":"zqbanner","text":"zqtext"}}"#,
        ),
        ("/v1/journeys/zqpath/start", r#"{"userId":"zqmail","inputs":{"code":"zqinput"}}"#),
        ("/v1/replay", r#"{"ids":["zqbad"]}"#),
        ("/v1/sources/shopify", r#"{"email":"zqhook@example.com"}"#),
        ("/v1/sources/zqpath", "{}"),
        (
            "/v1/imports?kind=customers&format=csv&name=zqcsv.csv",
            "user_id,email,phone,note\nx1,zqmail.csv@example.com,+819055512345,zqcsv\nx2,zqbad,zqbad,zqcsv\n",
        ),
        ("/v1/imports?kind=events&format=jsonl&columns=zqcsv", "zqcsv"),
        ("/zqpath/nowhere?email=zqmail@example.com", "zqbody"),
        ("/u/zqpath.zqsecret", "List-Unsubscribe=One-Click&zqbody=1"),
    ];
    for (path, body) in bad {
        call(shop, "POST", path, &key, body);
        // Nobody's key, and one in the body.
        call(shop, "POST", path, &[("authorization", "Bearer tabi_sk_zqkey")], body);
    }
    call(shop, "POST", "/v1/track", &[], r#"{"writeKey":"tabi_sk_zqkey","userId":"zqmail"}"#);
    let once = [key[0], key[1], ("idempotency-key", "\"zqsecret\"")];
    let direct = json!({"message": "thanks_again", "purpose": "after_sales", "userId": "c-kind", "inputs": {"order_id": "zqinput"}});
    call(shop, "POST", "/v1/messages", &once, &direct.to_string());
    for path in
        ["/v1/customers/email:zqmail.kind@example.com", "/v1/customers/zqmail", "/v1/rejected?limit=zqbad"]
    {
        call(shop, "GET", path, &key, "");
    }
    let basic = format!("Basic {}", STANDARD.encode("zqkey:zqpassword"));
    call(shop, "GET", "/v1/rejected", &[("authorization", &basic)], "");
}

/// A shop's webhook that is signed, and one that is not.
fn hook(shop: &Shop) {
    let body = json!({
        "id": 4711, "email": "zqhook@example.com", "phone": "+819055512345", "first_name": "zqname", "note": "zqhook",
        "customer": {"id": 12, "email": "zqhook@example.com", "first_name": "zqname"}, "total_price": "12.00", "currency": "USD",
    })
    .to_string();
    for signature in ["zqsecret".to_owned(), sign(&body)] {
        let headers = [
            ("x-shopify-hmac-sha256", signature.as_str()),
            ("x-shopify-topic", "orders/create"),
            ("x-shopify-webhook-id", "zqsid"),
            ("content-type", "application/json"),
        ];
        call(shop, "POST", "/v1/sources/shopify", &headers, &body);
    }
}

fn sign(body: &str) -> String {
    use ring::hmac;
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"zqwhisper");
    STANDARD.encode(hmac::sign(&key, body.as_bytes()))
}

/// The provider's calls, whether they are its own or not.
fn call_back(shop: &Shop) {
    let url = format!("http://127.0.0.1:{}/callbacks/sms", shop.address.port());
    let pairs = [
        ("From", "+819055512345"),
        ("Body", "zqtext STOP me"),
        ("MessageSid", "zqsid"),
        ("To", "+15005550006"),
    ];
    let owned: Vec<(String, String)> =
        pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    let body: String =
        pairs.iter().map(|(name, value)| format!("{name}={}&", value.replace('+', "%2B"))).collect();
    for secret in ["development", "zqsecret"] {
        let signature = sms::sign(secret, &url, &owned);
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("x-twilio-signature", signature.as_str()),
        ];
        call(shop, "POST", "/callbacks/sms?delivery=zqpath", &headers, body.trim_end_matches('&'));
        call(shop, "POST", "/callbacks/sms", &headers, body.trim_end_matches('&'));
    }
}

/// The console: strangers who try, and an operator who looks for people.
fn look(shop: &Shop) {
    let form = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
    let stranger = "name=zqname&password=zqpassword-wrong&next=%2Fconsole%2Fzqpath";
    call(shop, "POST", "/console/sign-in", &form, stranger);
    call(shop, "POST", "/console/setup?token=zqsecret", &form, "name=zqname&password=zqpassword");
    let log = shop.log();
    let told = log
        .lines()
        .find_map(|line| serde_json::from_str::<Value>(line).ok()?["setup"].as_str().map(str::to_owned));
    let path = told.unwrap().split_once("/console/").unwrap().1.to_owned();
    let (page, token) = path.split_once("?token=").unwrap();
    let shown = request(shop.address, "GET", &format!("/console/{path}"), &[], b"").unwrap();
    let kept = shown.header("set-cookie").split(';').next().unwrap().to_owned();
    let csrf =
        shown.body.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let said = format!("csrf={csrf}&token={token}&name=zqname&password=zqpassword-long-enough");
    let headers = [&form[..], &[("cookie", kept.as_str())]].concat();
    let set = request(shop.address, "POST", &format!("/console/{page}"), &headers, said.as_bytes()).unwrap();
    let cookie = set.header("set-cookie").split(';').next().unwrap().to_owned();
    assert!(!cookie.is_empty(), "no session: {set:?}");
    for path in [
        "/console/customers?q=zqmail.kind%40example.com",
        "/console/customers?q=zqsearch",
        "/console/customers?q=%2B819055512345",
        "/console/messages?customer=zqmail.kind%40example.com&text=zqsearch",
        "/console/inbox?q=zqsearch",
        "/console/troubles",
        "/console/nowhere?q=zqsearch",
    ] {
        request(shop.address, "GET", path, &[("cookie", &cookie), ("user-agent", "zqagent")], b"").unwrap();
    }
}

/// Commands to the running node.
fn command(shop: &Shop) {
    let csv = shop.data().parent().unwrap().join("zqcsv.csv");
    std::fs::write(
        &csv,
        "user_id,email,phone,note\ny1,zqmail.y@example.com,+819055512345,zqcsv\ny2,zqbad,9055512345,zqcsv\n",
    )
    .unwrap();
    let csv = csv.to_str().unwrap();
    for words in [
        &["import", "customers", csv][..],
        &["customer", "show", "email:zqmail.kind@example.com", "--reason", "zqreason"],
        &["customer", "erase", "c-later", "--reason", "zqreason", "--yes"],
        &["log", "search", "--customer", "zqmail.kind@example.com"],
        &["send-test", "welcome", "--to", "zqtest@example.com"],
        &["send-test", "welcome", "--to", "zqbad"],
        &["stop", "--journey", "win_back", "--reason", "zqreason"],
    ] {
        shop.tabi(words);
    }
}

#[track_caller]
fn holds_nothing(log: &str) {
    let places: Vec<String> = log
        .lines()
        .filter(|line| serde_json::from_str::<Value>(line).is_ok_and(|line| line["listens"].is_null()))
        .flat_map(|line| {
            let lower = line.to_ascii_lowercase();
            PLANTED
                .iter()
                .filter(move |planted| lower.contains(*planted))
                .map(move |planted| format!("{planted}: {line}"))
        })
        .collect();
    assert!(
        places.is_empty(),
        "{} lines hold what was planted:\n{}",
        places.len(),
        places[..places.len().min(12)].join("\n")
    );
    assert!(!log.contains(&STANDARD.encode("zqkey")[..6]), "not in another alphabet either");
    assert!(!log.contains("tabi_sk_"), "no key of anybody's");
}

fn all_of_it(database: Option<&str>) {
    let gossip = Arc::new(Gossip(Mutex::new(0)));
    let mail = smtp::serve(Arc::clone(&gossip)).unwrap();
    let texts = echo();
    let sms = format!(
        "  breaker: {{failures: 1000}}\nsms:\n  account: ACzq\n  base_url: http://{}\n  secret: {{env: ZQ_SECRET}}\n  from: \"+15005550006\"\n  callbacks: true\n",
        texts.address()
    );
    let url = database.unwrap_or_default();
    let mut environment = vec![
        ("RUST_LOG", "trace"),
        ("ZQ_SECRET", "zqsecret"),
        ("SHOPIFY_WEBHOOK_SECRET", "zqwhisper"),
        ("TABI_FORMAT", "json"),
    ];
    environment.extend(database.map(|_| ("TABI_DATABASE", url)));
    let mut shop = Shop::open_with(mail.address(), &sms, &environment);
    deploy(&shop, &[]);
    look(&shop);
    call_back(&shop);
    hook(&shop);
    shop.go_live();
    speak(&shop);
    command(&shop);
    until(PATIENCE, "each kind of answer was met", || (*gossip.0.lock().unwrap() >= 6).then_some(()));
    std::thread::sleep(SILENCE);
    shop.kill();
    // A second life: what is read back at a start, too.
    shop.serve();
    std::thread::sleep(SILENCE);
    shop.kill();
    let log = shop.log();
    holds_nothing(&log);
    let levels: Vec<String> = log
        .lines()
        .filter_map(|line| Some(serde_json::from_str::<Value>(line).ok()?["level"].as_str()?.to_owned()))
        .collect();
    assert!(
        levels.iter().any(|level| level == "TRACE" || level == "DEBUG"),
        "it did not say all it can: {}",
        levels.len()
    );
}

#[test]
fn a_log_that_says_all_it_can_names_nobody() {
    all_of_it(None);
}

#[test]
fn a_log_that_says_all_it_can_names_nobody_where_the_database_is_a_server() {
    let cluster = Cluster::start().unwrap();
    all_of_it(Some(&cluster.url));
}
