//! Processes: programs that measure themselves, and servers that are stopped when they go out of scope.

use crate::Measure;
use anyhow::{Context as _, Result, bail};
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
