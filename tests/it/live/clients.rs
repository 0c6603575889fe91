//! Other people's clients in front, other people's mail server behind, ours in between.

use super::{
    PATIENCE, http,
    shop::{SILENCE, Shop, order, project, zone_at_noon},
    until,
};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Mutex},
};

/// Where the official clients are, installed by `tests/run clients` where they are missing. `None`: told to stay offline.
pub(super) fn installed() -> Option<PathBuf> {
    if std::env::var_os("TABI_OFFLINE").is_some_and(|offline| offline == "1") {
        eprintln!(
            "NOT CHECKED, because of TABI_OFFLINE=1: the official Segment clients, aiosmtpd, and schemathesis"
        );
        return None;
    }
    let output = Command::new(project().join("tests/run")).arg("clients").output().unwrap();
    assert!(
        output.status.success(),
        "the official clients cannot be installed; where there is no network, say TABI_OFFLINE=1 and this is not checked:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(String::from_utf8(output.stdout).unwrap().trim().into())
}

/// The mail server, and what it understood of what it got.
struct Mails {
    server: Child,
    /// It ends when this is closed.
    _input: ChildStdin,
    port: u16,
    got: Arc<Mutex<Vec<Value>>>,
}

impl Drop for Mails {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Mails {
    fn listen(clients: &Path) -> Self {
        let mut server = Command::new(clients.join("py/bin/python"))
            .arg(project().join("tests/clients/mail.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
        let first: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        let got: Arc<Mutex<Vec<Value>>> = Arc::default();
        let keep = Arc::clone(&got);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                keep.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }
        });
        let input = server.stdin.take().unwrap();
        Self { server, _input: input, port: u16::try_from(first["port"].as_u64().unwrap()).unwrap(), got }
    }

    /// What somebody got.
    fn of(&self, address: &str) -> Vec<Value> {
        self.got.lock().unwrap().iter().filter(|mail| mail["to"][0] == address).cloned().collect()
    }
}

#[track_caller]
fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_official_clients_deliver_an_order_and_the_thank_you_arrives_in_the_customers_language_until_unsubscribed()
 {
    let Some(clients) = installed() else { return };
    let mails = Mails::listen(&clients);
    let shop = Shop::open_live(([127, 0, 0, 1], mails.port).into());
    let url = format!("http://{}", shop.address);
    let scripts = project().join("tests/clients");
    run(Command::new("node")
        .arg(scripts.join("order.cjs"))
        .args([&url, &shop.key])
        .arg(&clients)
        .args(["hana", "ja-JP"])
        .arg(zone_at_noon()));
    run(Command::new(clients.join("py/bin/python"))
        .arg(scripts.join("order.py"))
        .args([&url, &shop.key])
        .args(["ann", "en-US"])
        .arg(zone_at_noon()));

    let arrived = |user: &str| {
        let address = format!("{user}@example.com");
        until(PATIENCE, &format!("the thank-you to {user} arrives"), || mails.of(&address).into_iter().next())
    };
    let (hana, ann) = (arrived("hana"), arrived("ann"));
    for (mail, locale) in [(&hana, "ja"), (&ann, "en")] {
        assert_eq!(mail["type"], "multipart/alternative", "{mail}");
        assert_eq!(mail["defects"], serde_json::json!([]), "{mail}");
        let parts: Vec<&str> =
            mail["parts"].as_array().unwrap().iter().map(|part| part["type"].as_str().unwrap()).collect();
        assert_eq!(parts, ["text/plain", "text/html"], "{mail}");
        assert!(mail["longest"].as_u64().unwrap() <= 998, "{mail}");
        assert_eq!(mail["headers"]["content-language"], locale, "{mail}");
        let id = mail["headers"]["message-id"].as_str().unwrap();
        assert!(id.starts_with('<') && id.ends_with('>') && id.contains('@'), "{id}");
    }
    assert_ne!(hana["headers"]["message-id"], ann["headers"]["message-id"]);
    let read = |mail: &Value| {
        format!("{} {} {}", mail["headers"]["subject"], mail["parts"][0]["text"], mail["parts"][1]["text"])
    };
    assert!(read(&hana).contains('森') && read(&hana).contains('様'), "{}", read(&hana));
    assert!(read(&ann).contains("Ann") && !read(&ann).contains('様'), "{}", read(&ann));

    // The way out, as a mail program takes it: looking changes nothing, one click does.
    let link = hana["headers"]["list-unsubscribe"].as_str().unwrap();
    assert_eq!(hana["headers"]["list-unsubscribe-post"], "List-Unsubscribe=One-Click");
    let path = link.trim_start_matches('<').split('>').next().unwrap();
    let path = path.strip_prefix("https://tabi.example.jp").unwrap();
    for _ in 0..3 {
        let page = http::request(shop.address, "GET", path, &[], b"").unwrap();
        assert_eq!(page.status, 200, "{page:?}");
    }
    assert_eq!(shop.posted("/v1/track", &order("hana", "hana-2")).status, 200);
    until(PATIENCE, "after looking alone the next one arrives", || {
        (mails.of("hana@example.com").len() == 2).then_some(())
    });
    let form = [("content-type", "application/x-www-form-urlencoded")];
    for _ in 0..2 {
        let done = http::request(shop.address, "POST", path, &form, b"List-Unsubscribe=One-Click").unwrap();
        assert_eq!(done.status, 200, "{done:?}");
    }
    assert_eq!(shop.posted("/v1/track", &order("hana", "hana-3")).status, 200);
    until(PATIENCE, "the third is not sent, and the log says so", || {
        let rows = shop.messages(&["--customer", "hana", "--not-sent", "--journey", "thank_you"]);
        rows.iter().any(|row| row["why"].to_string().contains("consent_revoked")).then_some(())
    });
    assert_eq!(shop.posted("/v1/track", &order("ann", "ann-2")).status, 200);
    until(PATIENCE, "ann's second arrives: nobody else is concerned", || {
        (mails.of("ann@example.com").len() == 2).then_some(())
    });
    std::thread::sleep(SILENCE);
    assert_eq!(mails.of("hana@example.com").len(), 2);
}
