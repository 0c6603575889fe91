//! SMTP: a sink that swallows and writes down, and a source that is the limit of sending.

use crate::{Measure, machine};
use anyhow::{Context as _, Result, bail};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// One accepted message, as a line of the sink's log: instant, size, key and recipient, separated by tabs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Microseconds since 1970 at which the final dot arrived.
    pub at_us: i64,
    /// Bytes of the message.
    pub bytes: usize,
    /// Its Message-ID; empty when it has none.
    pub message_id: String,
    /// The address of the first RCPT TO.
    pub recipient: String,
}

/// What the sink has written down so far.
///
/// # Errors
/// When there is no log.
pub fn receipts(log: &Path) -> Result<Vec<Receipt>> {
    let text = std::fs::read_to_string(log).with_context(|| format!("reading {}", log.display()))?;
    // The last line may still be under way: only whole lines count.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let parse = |line: &str| -> Option<Receipt> {
        let mut fields = line.split('\t');
        Some(Receipt {
            at_us: fields.next()?.parse().ok()?,
            bytes: fields.next()?.parse().ok()?,
            message_id: fields.next()?.to_owned(),
            recipient: fields.next()?.to_owned(),
        })
    };
    Ok(whole.lines().filter_map(parse).collect())
}

/// Message-IDs that arrived more than once, with how often.
pub fn duplicates(receipts: &[Receipt]) -> BTreeMap<&str, usize> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for receipt in receipts {
        *counts.entry(receipt.message_id.as_str()).or_default() += 1;
    }
    counts.retain(|_, count| *count > 1);
    counts
}

/// Accept every message, write a [`Receipt`] line for each, answer after a while and forget it. Never returns.
///
/// # Errors
/// When the address cannot be listened on or the log cannot be written.
pub async fn sink(listen: &str, log: PathBuf, answers_in: Duration) -> Result<()> {
    let listener = TcpListener::bind(listen).await.with_context(|| format!("listening on {listen}"))?;
    let file = std::fs::OpenOptions::new().create(true).append(true).open(&log)?;
    let file = Arc::new(Mutex::new(file));
    loop {
        let (stream, _) = listener.accept().await?;
        let file = file.clone();
        // One client that breaks off concerns nobody else.
        tokio::spawn(async move { serve(stream, file, answers_in).await.ok() });
    }
}

async fn serve(stream: TcpStream, log: Arc<Mutex<std::fs::File>>, answers_in: Duration) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::with_capacity(32 * 1024, stream);
    stream.write_all(b"220 sink.example.com ESMTP\r\n").await?;
    let (mut line, mut message, mut recipient) = (String::new(), Vec::new(), String::new());
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let verb = line.trim_end().split([' ', ':']).next().unwrap_or("").to_ascii_uppercase();
        let answer: &[u8] = match verb.as_str() {
            "EHLO" => b"250-sink.example.com\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n",
            "MAIL" => {
                recipient.clear();
                b"250 2.1.0 Ok\r\n"
            }
            "RCPT" => {
                if recipient.is_empty() {
                    recipient = line.split(['<', '>']).nth(1).unwrap_or("").to_owned();
                }
                b"250 2.1.5 Ok\r\n"
            }
            "DATA" => {
                stream.write_all(b"354 End data with <CR><LF>.<CR><LF>\r\n").await?;
                data(&mut stream, &mut message).await?;
                note(&log, &message, &recipient)?;
                if !answers_in.is_zero() {
                    tokio::time::sleep(answers_in).await;
                }
                b"250 2.0.0 Ok\r\n"
            }
            "QUIT" => {
                stream.write_all(b"221 2.0.0 Bye\r\n").await?;
                return Ok(());
            }
            "HELO" | "RSET" | "NOOP" => b"250 2.0.0 Ok\r\n",
            _ => b"502 5.5.2 Not known here\r\n",
        };
        stream.write_all(answer).await?;
    }
}

/// Read up to the line with the lone dot, which is left out.
async fn data(stream: &mut BufReader<TcpStream>, message: &mut Vec<u8>) -> Result<()> {
    message.clear();
    loop {
        if stream.read_until(b'\n', message).await? == 0 {
            bail!("the connection ended inside a message");
        }
        if message.ends_with(b"\r\n.\r\n") || message == b".\r\n" {
            message.truncate(message.len() - 3);
            return Ok(());
        }
    }
}

fn note(log: &Mutex<std::fs::File>, message: &[u8], recipient: &str) -> Result<()> {
    let head_end = message.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(message.len());
    let head = String::from_utf8_lossy(&message[..head_end]);
    let id = head
        .lines()
        .find(|line| line.get(..11).is_some_and(|name| name.eq_ignore_ascii_case("message-id:")))
        .map_or("", |line| line[11..].trim());
    let at_us = SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros();
    let line = format!("{at_us}\t{}\t{id}\t{recipient}\n", message.len());
    let mut file = log.lock().map_err(|_| anyhow::anyhow!("another connection failed while writing"))?;
    Ok(file.write_all(line.as_bytes())?)
}

/// What the source sends: to whom, how much of it.
#[derive(Debug, Clone)]
pub struct Source {
    /// `host:port` of the sink.
    pub to: String,
    /// Kept connections.
    pub sessions: u64,
    /// Messages, over all connections.
    pub messages: u64,
    /// Bytes of each body.
    pub bytes: usize,
}

/// Send messages over kept connections, one command at a time, each answer awaited.
///
/// # Errors
/// When the sink refuses anything.
pub async fn source(source: Source) -> Result<Measure> {
    let (start, cpu) = (Instant::now(), machine::own_cpu_seconds());
    let run = start.elapsed().as_nanos() ^ u128::from(std::process::id()) << 32;
    let sessions: Vec<_> = (0..source.sessions)
        .map(|session| {
            let source = source.clone();
            let share =
                source.messages / source.sessions + u64::from(session < source.messages % source.sessions);
            tokio::spawn(async move { speak(&source, session, share, run).await })
        })
        .collect();
    for session in sessions {
        session.await??;
    }
    Ok(Measure {
        work: source.messages as f64,
        seconds: start.elapsed().as_secs_f64(),
        cpu_seconds: machine::own_cpu_seconds().zip(cpu).map(|(end, start)| end - start),
        ..Measure::default()
    })
}

async fn speak(source: &Source, session: u64, messages: u64, run: u128) -> Result<()> {
    let stream =
        TcpStream::connect(&source.to).await.with_context(|| format!("connecting to {}", source.to))?;
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    let line = "A line of the letter, seventy-two characters of it before it ends here.\r\n";
    let body = line.repeat(source.bytes / line.len() + 1);
    answer(&mut stream, b'2').await?;
    say(&mut stream, "EHLO source.example.com\r\n", b'2').await?;
    for number in 0..messages {
        say(&mut stream, "MAIL FROM:<shop@example.com>\r\n", b'2').await?;
        say(&mut stream, &format!("RCPT TO:<c{number}@example.com>\r\n"), b'2').await?;
        say(&mut stream, "DATA\r\n", b'3').await?;
        let message = format!(
            "From: shop@example.com\r\nTo: c{number}@example.com\r\nSubject: A letter\r\n\
             Message-ID: <{run:x}.{session}.{number}@example.com>\r\n\r\n{}.\r\n",
            &body
        );
        say(&mut stream, &message, b'2').await?;
    }
    say(&mut stream, "QUIT\r\n", b'2').await
}

async fn say(stream: &mut BufReader<TcpStream>, words: &str, expected: u8) -> Result<()> {
    stream.write_all(words.as_bytes()).await?;
    answer(stream, expected).await
}

/// Read an answer of one or more lines and check its first digit.
async fn answer(stream: &mut BufReader<TcpStream>, expected: u8) -> Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        if stream.take(4096).read_until(b'\n', &mut line).await? == 0 {
            bail!("the sink closed the connection");
        }
        if line.first() != Some(&expected) {
            bail!("the sink answered: {}", String::from_utf8_lossy(&line).trim_end());
        }
        if line.get(3) != Some(&b'-') {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_sent_message_arrives_once_and_is_written_down() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("sink.log");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let to = listener.local_addr().expect("an address").to_string();
        drop(listener);
        let (listen, file) = (to.clone(), log.clone());
        tokio::spawn(async move { sink(&listen, file, Duration::ZERO).await });
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        source(Source { to, sessions: 3, messages: 20, bytes: 8192 }).await.expect("it sends");
        let receipts = receipts(&log).expect("a log");
        assert_eq!(receipts.len(), 20);
        assert!(duplicates(&receipts).is_empty());
        assert!(
            receipts
                .iter()
                .all(|receipt| receipt.bytes > 8192 && receipt.recipient.ends_with("@example.com"))
        );
    }
}
