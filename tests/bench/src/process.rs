//! Processes: programs that measure themselves, and servers that are stopped when they go out of scope.

use crate::Measure;
use anyhow::{Context as _, Result, bail, ensure};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Run a program whose last line of output is a [`Measure`] as JSON.
///
/// # Errors
/// When it cannot be started, fails, or says something else.
pub fn measure(command: &mut Command) -> Result<Measure> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .with_context(|| format!("starting {command:?}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr).trim_end());
    }
    let last = text.lines().last().unwrap_or_default();
    serde_json::from_str(last).with_context(|| format!("{command:?} ended with {last:?}, not a measurement"))
}

/// Run several programs side by side. Each says `ready` in a line, starts when it is given one, and ends with a [`Measure`];
/// together they did all the work in the time of the slowest.
///
/// # Errors
/// When one cannot be started, fails, or says something else.
pub fn together(commands: Vec<Command>) -> Result<Measure> {
    let mut running = Vec::new();
    for mut command in commands {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let child = command.spawn().with_context(|| format!("starting {command:?}"))?;
        running.push(Ended(child));
    }
    let mut heard = Vec::new();
    for child in &mut running {
        let mut said = BufReader::new(child.0.stdout.take().context("its output")?);
        let mut line = String::new();
        said.read_line(&mut line)?;
        ensure!(line.trim_end() == "ready", "a program began with {line:?}");
        heard.push(said);
    }
    for child in &mut running {
        child.0.stdin.take().context("its input")?.write_all(b"\n")?;
    }
    let mut all = Measure { cpu_seconds: Some(0.0), peak_rss: Some(0), ..Measure::default() };
    for (child, mut said) in running.iter_mut().zip(heard) {
        let mut text = String::new();
        said.read_to_string(&mut text)?;
        ensure!(child.0.wait()?.success(), "a program failed");
        let one: Measure = serde_json::from_str(text.lines().last().unwrap_or_default())
            .with_context(|| format!("a program ended with {text:?}, not a measurement"))?;
        all.work += one.work;
        all.seconds = all.seconds.max(one.seconds);
        all.cpu_seconds = all.cpu_seconds.zip(one.cpu_seconds).map(|(all, one)| all + one);
        all.peak_rss = all.peak_rss.max(one.peak_rss);
    }
    Ok(all)
}

/// Ended with us, whatever happens.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Where it listens: `127.0.0.1:port`.
    pub address: String,
    /// From the start of the process to the first accepted connection.
    pub started_in: Duration,
}

impl Server {
    /// Start a server and wait until its address takes connections; its output goes to `log`.
    ///
    /// # Errors
    /// When it ends early or does not listen within ten seconds.
    pub fn start(command: &mut Command, address: String, log: &Path) -> Result<Self> {
        let output = std::fs::OpenOptions::new().create(true).append(true).open(log)?;
        let start = Instant::now();
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("starting {command:?}"))?;
        let mut server = Self { child, address, started_in: Duration::ZERO };
        let to = server.address.parse().context("an address and a port")?;
        while start.elapsed() < Duration::from_secs(10) {
            if TcpStream::connect_timeout(&to, Duration::from_millis(100)).is_ok() {
                server.started_in = start.elapsed();
                return Ok(server);
            }
            if let Some(status) = server.child.try_wait()? {
                bail!(
                    "{command:?} ended with {status}: {}",
                    std::fs::read_to_string(log).unwrap_or_default()
                );
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        bail!("{command:?} does not listen on {} after ten seconds", server.address)
    }

    /// Its process id.
    pub fn process(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A loopback address that is free right now.
///
/// # Errors
/// When there is none.
pub fn free_address() -> Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}
