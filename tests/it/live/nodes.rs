//! Several nodes on one PostgreSQL: one that serves, workers that step and send, and what becomes of their work when one of
//! them ends in order, or at once.

use super::{
    PATIENCE, http,
    shop::{HANAKO, SILENCE, Shop, identify, order},
    sink::Sink,
    until,
};
use serde_json::{Value, json};
use sqlx::Connection as _;
use std::{
    collections::BTreeMap,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// A hand-over takes five seconds at most, so what a killed node had is free after twelve.
const QUICK: &str = "hand_over_seconds: 5\n";

/// An empty database of the test's PostgreSQL.
fn database(name: &str) -> String {
    let url = std::env::var("TABI_TEST_POSTGRES").expect(
        "TABI_TEST_POSTGRES names a PostgreSQL for tests: `tests/run` brings one, `tests/postgres start DIR` makes one",
    );
    let name = format!("{name}_{}", std::process::id());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut conn = sqlx::PgConnection::connect(&url).await.unwrap();
        let sql = format!("create database {name}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut conn).await.unwrap();
    });
    url.replace("/postgres", &format!("/{name}"))
}

/// A worker with a data folder of its own; killed with the test.
struct Worker {
    data: PathBuf,
    child: Child,
    told: PathBuf,
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Worker {
    /// Starts it, and waits until it is at work.
    fn start(shop: &Shop, name: &str, args: &[&str]) -> Self {
        let data = shop.data().parent().unwrap().join(name);
        std::fs::create_dir_all(&data).unwrap();
        std::fs::copy(shop.data().join("root.key"), data.join("root.key")).unwrap();
        let told = data.join("told.log");
        let log = std::fs::File::create(&told).unwrap();
        let child = shop
            .beside(&data, &[&["worker"], args].concat())
            .stdin(Stdio::null())
            .stdout(Stdio::from(log.try_clone().unwrap()))
            .stderr(Stdio::from(log))
            .spawn()
            .unwrap();
        let mut worker = Self { data, child, told };
        until(PATIENCE, "the worker is at work", || {
            if let Some(ended) = worker.child.try_wait().unwrap() {
                panic!("the worker ended with {ended}:\n{}", worker.log());
            }
            worker.said().map(drop)
        });
        worker
    }

    /// The line that it says at its start.
    fn said(&self) -> Option<Value> {
        self.log()
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .find(|said: &Value| said["worker"].is_string())
    }

    fn log(&self) -> String {
        std::fs::read_to_string(&self.told).unwrap_or_default()
    }

    /// Asks it to end, and waits until it has; its exit code.
    fn end(&mut self) -> Option<i32> {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        let ended = until(PATIENCE, "the worker ends", || self.child.try_wait().unwrap());
        ended.code()
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn buys(shop: &Shop, user: &str) {
    let batch = json!({"batch": [identify(user, "en"), order(user, &format!("order-{user}"))]});
    let answer = shop.posted("/v1/batch", &batch);
    assert_eq!(answer.json()["rejected"], 0, "{}", answer.body);
}

/// How many mails each address got.
fn mails(sink: &Sink) -> BTreeMap<String, usize> {
    let mut mails = BTreeMap::new();
    for mail in sink.mails() {
        *mails.entry(mail.to.clone()).or_default() += 1;
    }
    mails
}

/// What each node that is listed does.
fn listed(shop: &Shop) -> Vec<(String, u64)> {
    let nodes = shop.tabi(&["nodes"]).lines();
    nodes
        .iter()
        .map(|node| (node["does"].as_str().unwrap_or_default().to_owned(), node["process"].as_u64().unwrap()))
        .collect()
}

#[test]
fn workers_step_and_send_what_a_node_that_only_serves_takes_in() {
    let sink = Sink::listen(Duration::ZERO);
    let shop = Shop::open_on(sink.address, Some(database("workers")), &["--no-worker"], QUICK);
    shop.go_live();
    buys(&shop, "anna");
    std::thread::sleep(SILENCE);
    assert!(sink.mails().is_empty() && shop.enrolled("thank_you") == 0, "a node that only serves worked");
    let doctor = shop.tabi(&["doctor"]);
    assert!(doctor.code == 1 && doctor.out.contains("nobody steps and sends"), "{doctor:?}");

    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut worker = Worker::start(&shop, "one", &["--health", &free.to_string()]);
    until(PATIENCE, "her mail", || mails(&sink).contains_key("anna@example.com").then_some(()));
    let heard = |path: &str| http::request(free, "GET", path, &[], b"").unwrap().status;
    let answers = ["/livez", "/readyz", "/metrics", "/console", "/v1/track"].map(heard);
    assert_eq!(answers, [200, 200, 401, 404, 404], "health, and nothing else");
    let mut nodes = listed(&shop);
    nodes.sort();
    assert_eq!(nodes.iter().map(|(does, _)| does.as_str()).collect::<Vec<_>>(), ["serve_only", "worker"]);
    assert!(nodes.contains(&("worker".to_owned(), u64::from(worker.child.id()))));
    let doctor = shop.tabi(&["doctor"]);
    assert!(doctor.out.contains("2 at work, 1 of them step and send"), "{doctor:?}");
    // A release that the other node makes live is loaded here, too; and commands find the worker's own door.
    let at = shop.tabi_at(&worker.data, &["doctor"]);
    assert!(at.out.contains("a worker runs"), "{at:?}");

    assert_eq!(worker.end(), Some(0), "{}", worker.log());
    assert!(TcpStream::connect(free).is_err());
    assert_eq!(listed(&shop).len(), 1, "who ended in order is not looked for");
}

#[test]
fn a_worker_that_is_killed_loses_nothing_and_one_that_is_told_to_end_ends_what_it_began() {
    const CUSTOMERS: usize = 24;
    let sink = Sink::listen(Duration::from_millis(150));
    let shop = Shop::open_on(sink.address, Some(database("killed")), &["--no-worker"], QUICK);
    shop.go_live();
    let mut workers = ["one", "two"].map(|name| Worker::start(&shop, name, &[]));
    let users: Vec<String> = (0..CUSTOMERS).map(|n| format!("user{n}")).collect();
    for user in &users {
        buys(&shop, user);
    }
    until(PATIENCE, "they are at it", || (sink.mails().len() >= 3).then_some(()));
    workers[0].kill();
    // Another takes its place, in its folder: what lay there is no hindrance.
    workers[0] = Worker::start(&shop, "one", &[]);
    assert_eq!(workers[1].end(), Some(0), "{}", workers[1].log());

    // Each is sent once, or it is listed that nobody knows.
    let unknown = || shop.messages(&["--outcome", "unknown"]);
    until(PATIENCE, "all are sent or listed", || {
        (mails(&sink).len() + unknown().len() >= CUSTOMERS).then_some(())
    });
    std::thread::sleep(SILENCE);
    let mails = mails(&sink);
    assert!(mails.values().all(|n| *n == 1), "twice: {mails:?}");
    let unknown = unknown();
    let open = users.iter().filter(|user| !mails.contains_key(&format!("{user}@example.com"))).count();
    assert!(open <= unknown.len(), "{open} got nothing, and {} are listed", unknown.len());
    let drained = shop.messages(&["--outcome", "planned"]);
    assert!(drained.is_empty(), "{drained:?}");
}

#[test]
fn one_node_is_at_work_in_a_data_folder_and_who_comes_second_hears_who_it_is() {
    let sink = Sink::listen(Duration::ZERO);
    let mut shop = Shop::open_on(sink.address, Some(database("folders")), &[], QUICK);
    let mine = shop.data();
    let second = |data: &Path, args: &[&str]| -> (i32, String) {
        let said = shop.tabi_at(data, args);
        (said.code, said.err)
    };
    let pid = shop.pid();
    for args in [&["worker"][..], &["serve", "--listen", "127.0.0.1:0"]] {
        let (code, err) = second(&mine, args);
        assert_eq!(code, 4, "{args:?}: {err}");
        for wanted in [mine.to_str().unwrap(), &format!("process {pid}"), "--data"] {
            assert!(err.contains(wanted), "{args:?} does not say {wanted}: {err}");
        }
    }
    // Another name of the same folder is the same folder.
    let linked = mine.parent().unwrap().join("linked");
    std::os::unix::fs::symlink(&mine, &linked).unwrap();
    assert_eq!(second(&linked, &["worker"]).0, 4);
    // Who reads, and who commands, goes on.
    for args in [&["nodes"][..], &["log", "search"], &["stop", "--reason", "a drill", "--by", HANAKO]] {
        let said = shop.tabi(args);
        assert_eq!(said.code, 0, "{args:?}: {said:?}");
    }
    // The lock falls with the process, however it ends.
    shop.kill();
    shop.serve();
    assert_ne!(shop.pid(), pid);
    assert_eq!(listed(&shop).len(), 1, "the life before is not listed beside the one that took its place");
}

#[test]
fn on_files_one_process_does_all() {
    let sink = Sink::listen(Duration::ZERO);
    let shop = Shop::open(sink.address);
    let pid = shop.pid();
    let said = shop.tabi(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(said.code, 4, "{said:?}");
    assert!(said.err.contains(&format!("process {pid}")), "{said:?}");
    // The same file by another name.
    let other = shop.data().parent().unwrap().join("other");
    std::fs::create_dir(&other).unwrap();
    for file in ["tabi.db", "keys.db", "root.key"] {
        std::os::unix::fs::symlink(shop.data().join(file), other.join(file)).unwrap();
    }
    let said = shop.tabi_at(&other, &["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(said.code, 4, "{said:?}");
    for args in [&["worker"][..], &["serve", "--no-worker"]] {
        let said = shop.tabi(args);
        assert!(said.code == 2 && said.err.contains("--database"), "{args:?}: {said:?}");
    }
    let nodes = shop.tabi(&["nodes"]).lines();
    assert_eq!((nodes.len(), nodes[0]["does"].as_str()), (1, Some("serve")), "{nodes:?}");
    assert_eq!(nodes[0]["silent"], false);
}

#[test]
fn a_worker_wants_to_know_where_links_lead() {
    let here = tempfile::tempdir().unwrap();
    let url = database("links");
    let said = Command::new(tests::tabi())
        .args(["worker", "--database", &url, "--data", "w"])
        .current_dir(here.path())
        .env_clear()
        .output()
        .unwrap();
    let err = String::from_utf8(said.stderr).unwrap();
    assert!(said.status.code() == Some(2) && err.contains("--base-url"), "{err}");
}
