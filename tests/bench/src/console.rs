//! A visitor of the console: signs in by its forms and opens pages, over one kept connection.

use crate::product::Installation;
use anyhow::{Context as _, Result, bail, ensure};
use std::io::Write as _;
use std::process::Stdio;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Who looks.
const NAME: &str = "bench";
/// Nobody's secret: the installation is gone with the run.
const PASSWORD: &str = "correct-horse-battery-staple";

/// A page as it came.
#[derive(Debug)]
pub struct Page {
    /// The status.
    pub status: u16,
    /// Head and body.
    pub text: String,
}

/// Somebody who has signed in.
#[derive(Debug)]
pub struct Visitor {
    server: String,
    stream: TcpStream,
    cookie: String,
}

/// Make the reviewer, where there is none yet.
///
/// # Errors
/// When the command fails.
pub fn reviewer(installation: &Installation) -> Result<()> {
    let made = installation.data.join("bench.reviewer");
    if made.exists() {
        return Ok(());
    }
    let mut command = installation.command(&["operator", "add", NAME, "--role", "reviewer"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    child.stdin.take().context("a pipe")?.write_all(PASSWORD.as_bytes())?;
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "no reviewer could be made: {}", said.trim_end());
    std::fs::write(made, "")?;
    Ok(())
}

impl Visitor {
    /// Sign in at `server` (`host:port`) as the reviewer.
    ///
    /// # Errors
    /// When the console does not let them in.
    pub async fn sign_in(server: &str) -> Result<Self> {
        let stream = TcpStream::connect(server).await.with_context(|| format!("connecting to {server}"))?;
        stream.set_nodelay(true)?;
        let mut visitor = Self { server: server.to_owned(), stream, cookie: String::new() };
        let form = visitor.get("/console/sign-in").await?;
        visitor.cookie = cookie(&form, "tabi_form")?;
        let token = form.text.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        let body = format!("csrf={}&name={NAME}&password={PASSWORD}", token.context("a token in the form")?);
        let answer = visitor.ask("POST", "/console/sign-in", &body).await?;
        ensure!(answer.status == 303, "signing in was answered with {}", answer.status);
        visitor.cookie = cookie(&answer, "tabi_session")?;
        Ok(visitor)
    }

    /// Open a page.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn get(&mut self, path: &str) -> Result<Page> {
        self.ask("GET", path, "").await
    }

    async fn ask(&mut self, method: &str, path: &str, body: &str) -> Result<Page> {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\nContent-Type: \
             application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            self.server,
            self.cookie,
            body.len()
        );
        self.stream.write_all(request.as_bytes()).await?;
        let mut buffer = Vec::with_capacity(64 << 10);
        loop {
            ensure!(self.stream.read_buf(&mut buffer).await? > 0, "the console closed the connection");
            let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            let head = std::str::from_utf8(&buffer[..end]).context("a head in ASCII")?.to_ascii_lowercase();
            let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).context("a status")?;
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
            let Some(length) = length.and_then(|text| text.trim().parse::<usize>().ok()) else {
                bail!("{path} was answered without a length: {head}");
            };
            let missing = (end + 4 + length).saturating_sub(buffer.len());
            let mut rest = vec![0; missing];
            self.stream.read_exact(&mut rest).await?;
            buffer.extend_from_slice(&rest);
            return Ok(Page { status, text: String::from_utf8_lossy(&buffer).into_owned() });
        }
    }
}

/// `name=value` of a cookie that the page sets.
fn cookie(page: &Page, name: &str) -> Result<String> {
    let lines = page.text.lines().filter(|line| line.to_ascii_lowercase().starts_with("set-cookie:"));
    let pairs = lines.filter_map(|line| line.split_once(':')?.1.trim().split(';').next());
    let found = pairs.into_iter().find(|pair| pair.starts_with(name));
    found.map(str::to_owned).with_context(|| format!("no cookie {name}"))
}
