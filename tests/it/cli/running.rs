//! An installation that runs, and commands that talk to it.

use super::{Said, Shop, command};
use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

/// A running server of a shop; ended with the test.
pub(super) struct Server {
    child: Child,
    told: serde_json::Value,
}

impl Server {
    pub(super) fn start(shop: &Shop) -> Self {
        let mut child =
            command(shop.folder.path(), &["serve", "--listen", "127.0.0.1:0", "--format", "json"])
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told = serde_json::from_str(&line).unwrap_or_else(|_| panic!("it said: {line}"));
        Self { child, told }
    }

    /// Asks it to end as an operating system does, and waits.
    fn end(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Looks until `found` says so, at most ten seconds.
#[track_caller]
pub(super) fn until(shop: &Shop, args: &[&str], found: impl Fn(&Said) -> bool) -> Said {
    let began = Instant::now();
    loop {
        let said = shop.tabi(args);
        if found(&said) {
            return said;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "{args:?} still says: {}{}", said.out, said.err);
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn an_event_of_a_running_installation_is_in_the_log_with_its_reason_and_the_end_is_clean() {
    let shop = Shop::new("en");
    let server = Server::start(&shop);
    assert_eq!(server.told["sending_live"], false);
    let sent = shop.tabi(&["event", "send", "signed_up", "--customer", "hana"]);
    assert_eq!(sent.code, 0, "{}{}", sent.out, sent.err);
    let found = until(&shop, &["log", "search", "--format", "json"], |said| said.out.contains("msg_"));
    let row: serde_json::Value = serde_json::from_str(found.out.lines().next().unwrap()).unwrap();
    assert_eq!((row["name"].as_str(), row["outcome"].as_str()), (Some("welcome"), Some("not_sent")));
    let why = shop.tabi(&["why", "hana"]);
    assert!(why.out.contains("no usable address"), "{}{}", why.out, why.err);
    assert!(!shop.tabi(&["why", "hana", "--lang", "ja"]).out.is_ascii());
    let show = shop.tabi(&["log", "show", row["message"].as_str().unwrap()]);
    assert!(show.out.contains("signed_up"), "{}{}", show.out, show.err);
    assert_eq!(server.end(), Some(0));
    assert!(!shop.path("data/control.json").exists(), "the door is still named");
    assert_eq!(shop.tabi(&["log", "search"]).code, 0, "reading needs no server");
}

#[test]
fn an_event_about_an_address_makes_a_customer_who_is_reached_by_it() {
    let shop = Shop::new("en");
    let server = Server::start(&shop);
    for _ in 0..2 {
        let sent = shop.tabi(&["event", "send", "signed_up", "--customer", "hana@example.jp"]);
        assert_eq!(sent.code, 0, "{}{}", sent.out, sent.err);
    }
    let found = until(&shop, &["log", "search", "--format", "json"], |said| said.out.contains("msg_"));
    let row: serde_json::Value = serde_json::from_str(found.out.lines().next().unwrap()).unwrap();
    assert_eq!(row["name"].as_str(), Some("welcome"));
    let why = shop.tabi(&["why", "hana@example.jp"]);
    assert!(why.code == 0 && !why.out.contains("no usable address"), "{}{}", why.out, why.err);
    drop(server);
}

#[test]
fn a_second_server_on_the_same_data_is_refused_and_told_who_runs() {
    let shop = Shop::new("en");
    let server = Server::start(&shop);
    let second = shop.tabi(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(second.code, 4, "{}{}", second.out, second.err);
    assert!(second.err.contains(&server.child.id().to_string()), "{}", second.err);
    assert_eq!(server.end(), Some(0));
}

#[test]
fn a_test_message_goes_to_the_development_inbox_and_needs_a_running_server() {
    let shop = Shop::new("en,ja");
    assert_eq!(shop.tabi(&["deploy"]).code, 0);
    let alone = shop.tabi(&["send-test", "welcome", "--to", "me@example.jp"]);
    assert_eq!((alone.code, alone.err.contains("tabi serve")), (4, true), "{}", alone.err);
    let server = Server::start(&shop);
    let sent =
        shop.tabi(&["send-test", "welcome", "--to", "me@example.jp", "--locale", "ja", "--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&sent.out).unwrap();
    assert_eq!(
        (told["accepted"].as_bool(), told["locale"].as_str()),
        (Some(true), Some("ja")),
        "{}",
        sent.err
    );
    assert_eq!((told["inbox"].as_bool(), told["provider"].as_str()), (Some(true), Some("inbox")), "{told}");
    // It stands among the acts, is found by its address, and the record holds no address.
    let acts = shop.tabi(&["log", "acts", "--what", "message.test", "--format", "json"]);
    let act: serde_json::Value = serde_json::from_str(&acts.out).unwrap();
    assert_eq!(
        (act["detail"]["message"].as_str(), act["detail"]["provider"].as_str()),
        (Some("welcome"), Some("inbox"))
    );
    assert!(
        act["by"].as_str().is_some_and(|by| !by.is_empty()) && !acts.out.contains("me@example.jp"),
        "{}",
        acts.out
    );
    let found = shop.tabi(&["log", "search", "--address", "me@example.jp"]);
    assert!(found.out.contains("Tests sent there") && found.out.contains("welcome"), "{}", found.out);
    let elsewhere = shop.tabi(&["log", "search", "--address", "you@example.jp"]);
    assert!(!elsewhere.out.contains("welcome"), "{}", elsewhere.out);
    let unknown = shop.tabi(&["send-test", "goodbye", "--to", "me@example.jp"]);
    assert_eq!((unknown.code, unknown.err.contains("welcome")), (1, true), "{}", unknown.err);
    drop(server);
}

#[test]
fn going_live_needs_a_name_a_word_a_provider_and_an_address_that_customers_can_reach() {
    let shop = Shop::new("en");
    assert_eq!(shop.tabi(&["deploy"]).code, 0);
    assert_eq!(shop.tabi(&["go-live"]).code, 2);
    let unconfirmed = shop.tabi(&["go-live", "--by", "Hana"]);
    assert_eq!((unconfirmed.code, unconfirmed.err.contains("--yes")), (4, true), "{}", unconfirmed.err);
    let nowhere = shop.tabi(&["go-live", "--by", "Hana", "--yes"]);
    assert_eq!((nowhere.code, nowhere.err.contains("tabi.yaml")), (4, true), "{}", nowhere.err);
    let provider = "email:\n  host: smtp.example.jp\n  username: tabi\n  password: {env: SMTP_PASSWORD}\n";
    std::fs::write(shop.path("tabi.yaml"), provider).unwrap();
    let secret = shop.tabi(&["go-live", "--by", "Hana", "--yes"]);
    assert_eq!((secret.code, secret.err.contains("SMTP_PASSWORD")), (1, true), "{}", secret.err);
    std::fs::write(shop.path("tabi.yaml"), "email:\n  host: smtp.example.jp\n").unwrap();
    let local = shop.tabi(&["go-live", "--by", "Hana", "--yes"]);
    assert_eq!((local.code, local.err.contains("base_url")), (4, true), "{}", local.err);
    let all = "base_url: https://tabi.example.jp\nemail:\n  host: smtp.example.jp\n";
    std::fs::write(shop.path("tabi.yaml"), all).unwrap();
    let examples = shop.tabi(&["go-live", "--by", "Hana", "--yes"]);
    assert_eq!(
        (examples.code, examples.err.contains("templates/brand.yaml:")),
        (4, true),
        "{}",
        examples.err
    );
    shop.fill_in();
    assert_eq!(shop.tabi(&["deploy"]).code, 0);
    let live = shop.tabi(&["go-live", "--by", "Hana", "--yes"]);
    assert_eq!(live.code, 0, "{}{}", live.out, live.err);
    let doctor = shop.tabi(&["doctor"]);
    assert!(doctor.out.contains("by Hana"), "{}", doctor.out);
    assert_eq!(shop.tabi(&["go-live", "--by", "Hana", "--end"]).code, 0);
}

#[test]
fn a_stop_is_shown_until_it_is_taken_back() {
    let shop = Shop::new("en");
    let server = Server::start(&shop);
    assert_eq!(shop.tabi(&["stop", "--journey", "welcome", "--reason", "wrong price"]).code, 0);
    assert!(shop.tabi(&["doctor"]).out.contains("wrong price"));
    assert_eq!(shop.tabi(&["resume", "--journey", "welcome"]).code, 0);
    let again = shop.tabi(&["resume", "--journey", "welcome"]);
    assert_eq!(again.code, 1, "{}{}", again.out, again.err);
    drop(server);
}

#[test]
fn keys_are_shown_once_and_listed_without_their_secret() {
    let shop = Shop::new("en");
    let made = shop.tabi(&["key", "create", "shop"]);
    let secret = made.out.trim().to_owned();
    assert!(secret.starts_with("tabi_sk_"), "{}{}", made.out, made.err);
    let list = shop.tabi(&["key", "list", "--format", "json"]);
    assert!(list.out.contains("\"shop\"") && !list.out.contains(&secret), "{}", list.out);
    let again = shop.tabi(&["key", "create", "shop"]);
    assert_eq!((again.code, again.err.contains("--replace")), (1, true), "{}", again.err);
    for _ in 0..2 {
        let other = shop.tabi(&["key", "create", "shop", "--replace"]);
        assert!(
            other.out.starts_with("tabi_sk_") && other.out.trim() != secret,
            "{}{}",
            other.out,
            other.err
        );
    }
    let list = shop.tabi(&["key", "list"]);
    assert_eq!(list.out.matches("in force").count(), 1, "{}", list.out);
    assert_eq!(shop.tabi(&["key", "revoke", "shop"]).code, 0);
    assert_eq!(shop.tabi(&["key", "revoke", "shop"]).code, 1);
    let past = shop.tabi(&["key", "create", "old", "--expires", "2020-01-01T00:00:00Z"]);
    assert_eq!((past.code, past.err.contains("would never hold")), (2, true), "{}", past.err);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let soon = words::Timestamp::from_secs(i64::try_from(now.as_secs()).unwrap() + 3);
    assert_eq!(shop.tabi(&["key", "create", "soon", "--expires", &soon.to_string()]).code, 0);
    std::thread::sleep(std::time::Duration::from_secs(4));
    let list = shop.tabi(&["key", "list"]);
    assert!(list.out.contains("expired") && !list.out.contains("in force"), "{}", list.out);
}

#[test]
fn whoever_was_locked_out_gets_a_new_password_on_the_command_line() {
    let shop = Shop::new("en");
    let with_password = |args: &[&str]| {
        let mut child = command(shop.folder.path(), args)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"four plain old words").unwrap();
        super::said(child.wait_with_output().unwrap())
    };
    assert_eq!(with_password(&["operator", "add", "hanako", "--role", "admin"]).code, 0);
    assert_eq!(shop.tabi(&["operator", "disable", "hanako"]).code, 0);
    assert!(shop.tabi(&["operator", "list"]).out.contains("locked out"));
    let twice = with_password(&["operator", "add", "hanako"]);
    assert_eq!((twice.code, twice.err.contains("tabi operator password hanako")), (1, true), "{}", twice.err);
    let again = with_password(&["operator", "password", "hanako"]);
    assert_eq!(again.code, 0, "{}{}", again.out, again.err);
    let list = shop.tabi(&["operator", "list"]).out;
    assert!(!list.contains("locked out") && list.to_lowercase().contains("admin"), "{list}");
    assert_eq!(with_password(&["operator", "password", "nobody"]).code, 1);
}

#[test]
fn a_rollback_brings_the_release_before_back() {
    let shop = Shop::new("en");
    let release = |said: Said| {
        let told: serde_json::Value = serde_json::from_str(&said.out).unwrap();
        told["release"].as_str().unwrap().to_owned()
    };
    let first = release(shop.tabi(&["deploy", "--format", "json"]));
    assert_eq!(shop.tabi(&["rollback"]).code, 1, "there is nothing before");
    shop.edit("templates/locales/en/welcome.ftl", "Visit the shop", "To the shop");
    let second = release(shop.tabi(&["deploy", "--note", "shorter", "--format", "json"]));
    assert_ne!(first, second);
    assert_eq!(release(shop.tabi(&["rollback", "--format", "json"])), first);
    let list = shop.tabi(&["rollback", "--list"]);
    assert!(list.out.contains("shorter") && list.out.contains("brought back"), "{}", list.out);
    shop.edit("templates/locales/en/welcome.ftl", "title = ", "title ");
    let broken = shop.tabi(&["deploy"]);
    assert_eq!(broken.code, 1, "{}{}", broken.out, broken.err);
}

#[test]
fn a_backup_holds_database_and_keys_and_overwrites_nothing() {
    let shop = Shop::new("en");
    let server = Server::start(&shop);
    let made = shop.tabi(&["backup", "--into", "copy"]);
    assert_eq!(made.code, 0, "{}{}", made.out, made.err);
    assert!(shop.path("copy/tabi.db").is_file() && shop.path("copy/keys.db").is_file());
    assert!(!shop.path("copy/root.key").exists());
    assert_eq!(shop.tabi(&["backup", "--into", "copy"]).code, 4);
    drop(server);
}

#[test]
fn a_backup_goes_back_into_an_empty_folder_with_its_own_root_key_and_nowhere_else() {
    let shop = Shop::new("en");
    let server = Server::start(&shop);
    assert_eq!(shop.tabi(&["event", "send", "signed_up", "--customer", "hana"]).code, 0);
    assert_eq!(shop.tabi(&["backup", "--into", "copy"]).code, 0);
    let refused = |arguments: &[&str], code: i32, says: &str| {
        let said = shop.tabi(&[&["restore"], arguments].concat());
        assert_eq!(said.code, code, "{}{}", said.out, said.err);
        assert!(said.err.contains(says), "{}", said.err);
    };
    refused(&["--from", "nowhere"], 3, "--from names the folder");
    refused(&["--from", "copy"], 4, "nothing is overwritten");
    refused(&["--from", "copy", "--data", "there"], 3, "copy yours there or set TABI_ROOT_KEY");
    std::fs::create_dir(shop.path("there")).unwrap();
    std::fs::copy(shop.path("data/root.key"), shop.path("there/root.key")).unwrap();
    std::fs::rename(shop.path("copy/keys.db"), shop.path("kept-apart.db")).unwrap();
    refused(&["--from", "copy", "--data", "there"], 3, "name it with --keys");
    let there = ["--data", "there", "--format", "json"];
    let restore = ["restore", "--from", "copy", "--keys", "kept-apart.db"];
    let said = shop.tabi(&[&restore[..], &there].concat());
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    let done: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((done["tables"]["customer"].as_u64(), done["without_keys"].as_u64()), (Some(1), Some(0)));
    let shown = shop.tabi(&["customer", "show", "hana", "--data", "there"]);
    assert_eq!(shown.code, 0, "{}{}", shown.out, shown.err);
    let doctor = shop.tabi(&["doctor", "--data", "there"]);
    assert!(doctor.out.contains("restored backup"), "{}", doctor.out);
    let released = ["resume", "--held", "--by", "Mika", "--reason", "a drill"];
    assert_eq!(shop.tabi(&[&released[..], &there].concat()).code, 0);
    assert!(!shop.tabi(&["doctor", "--data", "there"]).out.contains("restored backup"));
    drop(server);
}

#[test]
fn a_plan_shows_what_changes_and_who_stays_with_what_they_began_and_changes_nothing() {
    let shop = Shop::new("en");
    let plan = || {
        let said = shop.tabi(&["plan", "--format", "json"]);
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
        serde_json::from_str::<serde_json::Value>(&said.out).unwrap()
    };
    let first = plan();
    assert_eq!((first["live"].is_null(), first["journeys"][0]["change"].as_str()), (true, Some("new")));
    assert!(!shop.path("data").exists(), "it writes nothing");

    let journey = std::fs::read_to_string(shop.path("journeys/welcome.yaml")).unwrap();
    let waits = |days: u32| format!("{journey}  - wait: {days} days\n  - send: welcome\n");
    std::fs::write(shop.path("journeys/welcome.yaml"), waits(3)).unwrap();
    let server = Server::start(&shop);
    let same = plan();
    assert_eq!(
        (same["changed"].as_bool(), same["journeys"][0]["change"].as_str()),
        (Some(false), Some("same"))
    );
    assert_eq!(shop.tabi(&["event", "send", "signed_up", "--customer", "hana"]).code, 0);
    until(&shop, &["journey", "show", "welcome", "--format", "json"], |said| said.out.contains("\"live\":1"));

    std::fs::write(shop.path("journeys/welcome.yaml"), waits(4)).unwrap();
    shop.edit("templates/locales/en/welcome.ftl", "Visit the shop", "To the shop");
    let next = plan();
    let of = &next["journeys"][0];
    assert_eq!(
        (of["change"].as_str(), of["live"].as_u64(), of["stay"].as_u64()),
        (Some("changed"), Some(1), Some(1))
    );
    let at = &of["steps"][0];
    assert_eq!((at["customers"].as_u64(), at["ways"]["became"].as_str()), (Some(1), Some("changed")));
    assert_eq!((of["could_map"].as_u64(), of["would_miss"].as_u64()), (Some(1), Some(1)));
    assert_eq!(at["ways"]["ahead"], serde_json::json!(["welcome"]));
    assert!(
        next["files"].as_array().unwrap().iter().any(|f| f == "templates/locales/en/welcome.ftl"),
        "{next}"
    );
    let words = shop.tabi(&["plan"]);
    for line in [
        "1 on their way",
        "pin     1 go on with what they began",
        "map     1 of 1",
        "exit    1 of 1",
        "Wait 3 days (wait), in the version that is live",
    ] {
        assert!(words.out.contains(line), "{line}: {}", words.out);
    }
    assert!(!shop.tabi(&["plan", "--lang", "ja"]).out.is_ascii());
    assert_eq!(plan()["live"], next["live"], "nothing was deployed");
    drop(server);
}

#[test]
fn the_record_tells_the_inbox_from_a_provider_and_who_read_it() {
    let shop = Shop::new("en");
    let server = Server::start(&shop);
    // Somewhere it is about noon: quiet hours have tests of their own.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let zone = match i64::try_from(now.as_secs() / 3_600 % 24).unwrap() - 12 {
        0 => "Etc/UTC".to_owned(),
        west @ 1.. => format!("Etc/GMT+{west}"),
        east => format!("Etc/GMT-{}", -east),
    };
    let people = format!("user_id,email,timezone,country\nhana,hana@example.jp,{zone},JP\n");
    std::fs::write(shop.path("people.csv"), people).unwrap();
    let taken = shop.tabi(&["import", "customers", "people.csv"]);
    assert_eq!(taken.code, 0, "{}", taken.err);
    let event = shop.tabi(&["event", "send", "signed_up", "--customer", "hana@example.jp"]);
    assert_eq!(event.code, 0, "{}", event.err);
    let kept =
        until(&shop, &["log", "search", "--format", "json"], |said| said.out.contains("\"inbox\":true"));
    let row: serde_json::Value = serde_json::from_str(kept.out.lines().next().unwrap()).unwrap();
    let message = row["message"].as_str().unwrap();
    let list = shop.tabi(&["log", "search", "--customer", "hana@example.jp"]);
    assert!(
        list.out.contains("Kept in the development inbox") && !list.out.contains("Accepted"),
        "{}",
        list.out
    );
    let shown = shop.tabi(&["log", "show", message, "--reason", "case 7"]);
    for said in ["Verdict: Allowed", "[", "Provider: the development inbox", "Rule packs"] {
        assert!(shown.out.contains(said), "{said}: {}", shown.out);
    }
    for args in [
        &["log", "show", message, "--content"][..],
        &["log", "export", "--as", "csv"][..],
        &["log", "export", "--as", "jsonl"][..],
    ] {
        let refused = shop.tabi(args);
        assert_eq!((refused.code, refused.err.contains("--reason")), (2, true), "{args:?}: {}", refused.err);
    }
    let csv = shop.tabi(&["log", "export", "--as", "csv", "--reason", "audit"]);
    assert!(csv.out.lines().next().unwrap().contains(",outcome,inbox,"), "{}", csv.out);
    assert!(csv.out.contains(",accepted,yes,") && csv.out.contains(",inbox,"), "{}", csv.out);
    let person = shop.tabi(&["customer", "show", "hana@example.jp", "--reason", "case 7"]);
    assert_eq!(
        (person.code, person.out.matches("JP").count()),
        (0, 1),
        "a country is said once: {}",
        person.out
    );
    let reads = shop.tabi(&["log", "reads", "--format", "json"]).out;
    for kind in ["search", "message", "export", "customer"] {
        assert!(reads.contains(&format!("\"read\":\"{kind}\"")), "{kind}: {reads}");
    }
    assert!(reads.contains("case 7") && !reads.contains("hana@example.jp"), "{reads}");
    let customer = row["customer"].as_str().unwrap();
    let erased =
        shop.tabi(&["customer", "erase", customer, "--reason", "request of today", "--by", "Rei", "--yes"]);
    assert_eq!(erased.code, 0, "{}", erased.err);
    let page = shop.tabi(&["customer", "show", customer]);
    for said in ["Erased by: Rei", "Reason: request of today"] {
        assert!(page.out.contains(said), "{said}: {}{}", page.out, page.err);
    }
    let acts = shop.tabi(&["log", "acts", "--by", "Rei"]);
    assert!(acts.out.contains("Erased a customer") && acts.out.contains("request of today"), "{}", acts.out);
    drop(server);
}

#[test]
fn an_act_without_anybody_s_name_is_refused() {
    let shop = Shop::new("en");
    assert_eq!(shop.tabi(&["deploy"]).code, 0);
    // Neither the environment nor the system knows who this is.
    let nameless = command(shop.folder.path(), &["stop", "--reason", "wrong price"])
        .env("PATH", "/nonexistent")
        .env_remove("USER")
        .env_remove("LOGNAME")
        .output()
        .unwrap();
    let err = String::from_utf8(nameless.stderr).unwrap();
    assert_eq!((nameless.status.code(), err.contains("--by")), (Some(2), true), "{err}");
    assert_eq!(shop.tabi(&["stop", "--reason", "wrong price", "--by", "Rei"]).code, 0);
    let acts = shop.tabi(&["log", "acts", "--what", "sending"]).out;
    assert!(
        acts.contains("Rei") && acts.contains("Stopped sending") && acts.contains("wrong price"),
        "{acts}"
    );
}

#[cfg(unix)]
#[test]
fn databases_keys_backups_and_exports_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let shop = Shop::new("en");
    assert_eq!(shop.tabi(&["deploy"]).code, 0);
    let server = Server::start(&shop);
    assert_eq!(shop.tabi(&["backup", "--into", "kept"]).code, 0);
    let export = ["log", "export", "--as", "jsonl", "--into", "log.jsonl", "--reason", "audit"];
    let said = shop.tabi(&export);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let mut seen = 0;
    for folder in [shop.path("data"), shop.path("kept")] {
        assert_eq!(mode(&folder), 0o700, "{}", folder.display());
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            assert_eq!(mode(&path) & 0o077, 0, "{}", path.display());
            seen += 1;
        }
    }
    assert!(seen >= 6, "databases, keys, witness, two backups");
    assert_eq!(mode(&shop.path("log.jsonl")), 0o600);
    // The project is for whoever works on it.
    assert_ne!(mode(&shop.path("journeys/welcome.yaml")) & 0o044, 0);
    drop(server);
}
