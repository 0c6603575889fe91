//! A node: a program, its arguments, its data folder. It can be started, killed, paused, woken, and its files kept from
//! growing.

use crate::http;
use anyhow::{Context as _, Result, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    fs::File,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Ignores the signal that a file has grown too large, so that a write fails instead, as on a full disk.
const START: &str = r#"trap "" XFSZ; exec "$0" "$@""#;

/// One process of an installation, running or not. What runs is killed with it.
#[derive(Debug)]
pub struct Node {
    program: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    data: PathBuf,
    log: PathBuf,
    address: SocketAddr,
    running: Option<Child>,
    started: Instant,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Node {
    /// A node that is not started yet. `arguments` go with every command, those of the start are `serve --listen ADDRESS`.
    ///
    /// # Errors
    /// When there is no free port.
    pub fn new(program: &Path, arguments: &[String], data: &Path, log: &Path) -> Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        Ok(Self {
            program: program.to_owned(),
            arguments: arguments.to_vec(),
            environment: Vec::new(),
            data: data.to_owned(),
            log: log.to_owned(),
            address,
            running: None,
            started: Instant::now(),
        })
    }

    /// Where it listens; the same over restarts.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Sets a variable of its environment from the next start on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// A command on this installation.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        self.dress(&mut command);
        command.args(arguments);
        command
    }

    fn dress(&self, command: &mut Command) {
        command
            .args(&self.arguments)
            .arg("--data")
            .arg(&self.data)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
    }

    /// Runs a command to its end; what it said.
    ///
    /// # Errors
    /// When it fails.
    pub fn run(&self, arguments: &[&str]) -> Result<String> {
        let output = self.command(arguments).stdin(Stdio::null()).output().context("starting tabi")?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("tabi {} failed ({}): {}", arguments.join(" "), output.status, said.trim_end());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Starts it without waiting.
    ///
    /// # Errors
    /// When there is no such program, or it runs already.
    pub fn launch(&mut self) -> Result<()> {
        if self.running.is_some() {
            bail!("the node runs already");
        }
        let log = File::options().create(true).append(true).open(&self.log)?;
        let mut command = Command::new("sh");
        command.args(["-c", START]).arg(&self.program);
        self.dress(&mut command);
        command
            .args(["--log", "warn", "serve", "--listen", &self.address.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::from(log.try_clone()?))
            .stderr(Stdio::from(log));
        self.running = Some(command.spawn().context("starting tabi serve")?);
        self.started = Instant::now();
        Ok(())
    }

    /// Waits until it answers.
    ///
    /// # Errors
    /// When it ends before, or does not answer within `limit`.
    pub fn wait_until_up(&mut self, limit: Duration) -> Result<()> {
        loop {
            if self.is_up() {
                return Ok(());
            }
            if let Some(child) = &mut self.running
                && let Some(status) = child.try_wait()?
            {
                bail!("tabi serve ended with {status}; its log: {}", self.last_words());
            }
            if self.started.elapsed() > limit {
                bail!("tabi serve does not answer after {limit:?}; its log: {}", self.last_words());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Whether it answers now.
    pub fn is_up(&self) -> bool {
        self.health().is_some()
    }

    /// What `/readyz` says, where anything answers.
    pub fn health(&self) -> Option<serde_json::Value> {
        let answer =
            http::request_within(self.address, "GET", "/readyz", &[], b"", Duration::from_secs(5)).ok()?;
        Some(answer.json())
    }

    /// Whether the process is there.
    pub fn is_running(&mut self) -> bool {
        self.running.as_mut().is_some_and(|child| child.try_wait().is_ok_and(|ended| ended.is_none()))
    }

    /// The last lines of its log.
    pub fn last_words(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().rev().take(10).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.running.take() {
            child.kill().ok();
            child.wait().ok();
        }
    }

    /// Ends it as an operator would, and waits.
    pub fn end(&mut self) {
        self.signal(Signal::SIGTERM);
        if let Some(mut child) = self.running.take() {
            child.wait().ok();
        }
    }

    /// Freezes it.
    pub fn pause(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Wakes it.
    pub fn wake(&self) {
        self.signal(Signal::SIGCONT);
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = self.running.as_ref().and_then(|child| i32::try_from(child.id()).ok()) {
            kill(Pid::from_raw(pid), signal).ok();
        }
    }

    /// Lets none of its files grow beyond so many bytes, or as far as they like again; whether that could be done.
    pub fn limit_files(&self, bytes: Option<u64>) -> bool {
        let Some(child) = &self.running else { return false };
        let limit = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
        let mut prlimit = Command::new("prlimit");
        prlimit.args(["--pid", &child.id().to_string(), &format!("--fsize={limit}:unlimited")]);
        prlimit.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }

    /// The bytes of its largest file.
    pub fn largest_file(&self) -> u64 {
        let entries = std::fs::read_dir(&self.data).into_iter().flatten().flatten();
        entries.filter_map(|entry| Some(entry.metadata().ok()?.len())).max().unwrap_or(0)
    }

    /// Destroys the queue; the node must not run.
    pub fn forget_jobs(&self) {
        for file in ["jobs.db", "jobs.db-wal", "jobs.db-shm"] {
            std::fs::remove_file(self.data.join(file)).ok();
        }
    }
}
