//! The shipped project, served by a real process from a folder of its own.

use super::{
    PATIENCE,
    http::{self, Answer},
    until,
};
use serde_json::{Value, json};
use std::{
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tempfile::TempDir;

/// Who goes live in the tests.
pub(super) const HANAKO: &str = "Hanako Yamada";

/// What a command said.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) code: i32,
    pub(super) out: String,
    pub(super) err: String,
}

impl Said {
    /// Every line of standard output as JSON.
    #[track_caller]
    pub(super) fn lines(&self) -> Vec<Value> {
        assert_eq!(self.code, 0, "{self:?}");
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// An installation, running or not. What runs is killed with it.
pub(super) struct Shop {
    folder: TempDir,
    running: Option<Child>,
    /// Where it listens; the same over restarts.
    pub(super) address: SocketAddr,
    /// A server key.
    pub(super) key: String,
    /// What is said to `tabi serve` beside the address.
    serve_with: &'static [&'static str],
    /// What its processes find in their environment, beside the path.
    environment: Vec<(String, String)>,
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Shop {
    /// Serves the shipped project; its mail goes to `smtp` once somebody goes live.
    pub(super) fn open(smtp: SocketAddr) -> Self {
        Self::open_on(smtp, None, &[], "")
    }

    /// The same on a PostgreSQL database, where one is named, and with more of configuration and arguments.
    pub(super) fn open_on(
        smtp: SocketAddr,
        database: Option<String>,
        serve_with: &'static [&'static str],
        config: &str,
    ) -> Self {
        let database = database.map(|url| ("TABI_DATABASE".to_owned(), url));
        Self::begin(smtp, serve_with, config, database.into_iter().collect())
    }

    /// The same, with more in its configuration and these in its environment.
    pub(super) fn open_with(smtp: SocketAddr, config: &str, environment: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self::begin(smtp, &[], config, environment.iter().map(owned).collect())
    }

    fn begin(
        smtp: SocketAddr,
        serve_with: &'static [&'static str],
        config: &str,
        environment: Vec<(String, String)>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = format!(
            "base_url: https://tabi.example.jp\nemail:\n  host: {}\n  port: {}\n  tls: none\n{config}",
            smtp.ip(),
            smtp.port()
        );
        std::fs::write(folder.path().join("tabi.yaml"), config).unwrap();
        let address = ([127, 0, 0, 1], 0).into();
        let mut shop = Self { folder, running: None, address, key: String::new(), serve_with, environment };
        shop.serve();
        let made = shop.tabi(&["key", "create", "shop", "--by", HANAKO]);
        shop.key = made.lines()[0]["key"].as_str().unwrap().to_owned();
        shop
    }

    /// The same, live.
    pub(super) fn open_live(smtp: SocketAddr) -> Self {
        let shop = Self::open(smtp);
        shop.go_live();
        shop
    }

    /// A named person goes live.
    #[track_caller]
    pub(super) fn go_live(&self) {
        let said = self.tabi(&["go-live", "--by", HANAKO, "--yes"]);
        assert_eq!(said.code, 0, "{said:?}");
    }

    /// Where the data lies.
    pub(super) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Starts the process without waiting for it.
    pub(super) fn launch(&mut self) {
        assert!(self.running.is_none(), "it runs already");
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder.path().join("serve.log"))
            .unwrap();
        let child = self
            .command(&["serve", "--listen", &self.address.to_string()])
            .args(self.serve_with)
            .stdin(Stdio::null())
            .stdout(Stdio::from(log.try_clone().unwrap()))
            .stderr(Stdio::from(log))
            .spawn()
            .unwrap();
        self.running = Some(child);
    }

    /// Starts the process and waits until it answers.
    pub(super) fn serve(&mut self) {
        self.launch();
        self.wait_until_it_serves();
    }

    /// Waits for the line that says where it listens, and then for an answer.
    pub(super) fn wait_until_it_serves(&mut self) {
        let pid = self.running.as_ref().unwrap().id();
        self.address = until(PATIENCE, "it serves", || {
            if let Some(ended) = self.running.as_mut().unwrap().try_wait().unwrap() {
                panic!("tabi serve ended with {ended}:\n{}", self.log());
            }
            let told: Vec<Value> =
                self.log().lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
            let mine = told.iter().find(|told| told["pid"].as_u64() == Some(u64::from(pid)))?;
            mine["listens"].as_str()?.parse().ok()
        });
    }

    /// The process that runs.
    #[track_caller]
    pub(super) fn pid(&self) -> u32 {
        self.running.as_ref().expect("it runs").id()
    }

    /// What the process said so far.
    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("serve.log")).unwrap_or_default()
    }

    /// `kill -9`.
    pub(super) fn kill(&mut self) {
        if let Some(mut child) = self.running.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    fn command(&self, args: &[&str]) -> Command {
        self.command_on(&project(), args)
    }

    fn command_on(&self, project: &Path, args: &[&str]) -> Command {
        self.command_at(&self.data(), project, args)
    }

    fn command_at(&self, data: &Path, project: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(tests::tabi());
        command
            .args(args)
            .args(["--format", "json", "--data"])
            .arg(data)
            .arg("--config")
            .arg(self.folder.path().join("tabi.yaml"))
            .arg("--project")
            .arg(project)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(self.environment.iter().cloned());
        command
    }

    /// A command on another data folder that is left to run.
    pub(super) fn beside(&self, data: &Path, args: &[&str]) -> Command {
        self.command_at(data, &project(), args)
    }

    /// Runs a command on this installation, answers in JSON.
    pub(super) fn tabi(&self, args: &[&str]) -> Said {
        self.tabi_with_input(args, "")
    }

    /// The same, on another project than the shipped one.
    pub(super) fn tabi_on(&self, project: &Path, args: &[&str]) -> Said {
        said(self.command_on(project, args), "")
    }

    /// The same, on another data folder.
    pub(super) fn tabi_at(&self, data: &Path, args: &[&str]) -> Said {
        said(self.command_at(data, &project(), args), "")
    }

    /// The same, with something on standard input.
    pub(super) fn tabi_with_input(&self, args: &[&str], input: &str) -> Said {
        said(self.command(args), input)
    }

    /// One request with the server key.
    pub(super) fn post(&self, path: &str, body: &Value) -> std::io::Result<Answer> {
        post(self.address, &self.key, path, body)
    }

    /// The same; it must be answered.
    #[track_caller]
    pub(super) fn posted(&self, path: &str, body: &Value) -> Answer {
        self.post(path, body).unwrap_or_else(|error| panic!("{path}: {error}\n{}", self.log()))
    }

    /// One request without a body, with the server key.
    #[track_caller]
    pub(super) fn get(&self, path: &str) -> Answer {
        let authorization = format!("Bearer {}", self.key);
        http::request(self.address, "GET", path, &[("authorization", &authorization)], b"").unwrap()
    }

    /// The log of messages, with these filters.
    #[track_caller]
    pub(super) fn messages(&self, filters: &[&str]) -> Vec<Value> {
        let args: Vec<&str> = ["log", "search", "--limit", "100000"].iter().chain(filters).copied().collect();
        self.tabi(&args).lines()
    }

    /// How many passages through a journey there were.
    #[track_caller]
    pub(super) fn enrolled(&self, journey: &str) -> u64 {
        self.tabi(&["journey", "show", journey]).lines()[0]["enrolled"].as_u64().unwrap()
    }

    /// What reached the development inbox, newest first.
    pub(super) fn inbox(&self) -> PathBuf {
        self.data().join("inbox.db")
    }
}

fn said(mut command: Command, input: &str) -> Said {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A command that reads nothing closes its end; that is no failure.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// One request with a key.
pub(super) fn post(server: SocketAddr, key: &str, path: &str, body: &Value) -> std::io::Result<Answer> {
    let authorization = format!("Bearer {key}");
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    http::request(server, "POST", path, &headers, body.to_string().as_bytes())
}

/// The shipped project.
pub(super) fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A zone in which it is about noon now: quiet hours have tests of their own.
pub(super) fn zone_at_noon() -> String {
    let hour = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() / 3_600 % 24;
    // The names of these zones have their sign the other way round.
    match i64::try_from(hour).unwrap() - 12 {
        0 => "Etc/UTC".to_owned(),
        west @ 1.. => format!("Etc/GMT+{west}"),
        east => format!("Etc/GMT-{}", -east),
    }
}

/// Says who a customer is, with consent to what follows an order.
pub(super) fn identify(user: &str, locale: &str) -> Value {
    json!({
        "type": "identify", "userId": user, "messageId": format!("identify-{user}"),
        "traits": {
            "email": format!("{user}@example.com"), "family_name": "森", "given_name": "花",
        },
        "context": {
            "locale": locale, "timezone": zone_at_noon(),
            "consent": {"categoryPreferences": {"after_sales": true, "news": true}},
        },
    })
}

/// An order of theirs.
pub(super) fn order(user: &str, order: &str) -> Value {
    json!({
        "type": "track", "event": "Order Completed", "userId": user, "messageId": format!("order-{order}"),
        "properties": {"order_id": order, "total": 29.33, "currency": "USD", "cds": 2},
    })
}

/// How long nothing has to happen to say that nothing happens: twice as long as what does happen took.
pub(super) const SILENCE: Duration = Duration::from_secs(3);
