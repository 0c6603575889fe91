//! HTTP: a server that accepts and drops, which is the limit of ingest, and a driver that loads any server.

use crate::measure::Spread;
use crate::{Measure, machine};
use anyhow::{Context as _, Result, bail, ensure};
use axum::{Json, Router, http::StatusCode, routing::post};
use serde::Deserialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What a track call carries; parsed and dropped.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code)]
struct Track {
    user_id: String,
    event: String,
    message_id: String,
    properties: serde_json::Value,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Batch {
    batch: Vec<Track>,
}

/// Serve `POST /v1/track` and `POST /v1/batch`: parse the JSON, answer 202, keep nothing. Never returns.
///
/// # Errors
/// When the address cannot be listened on.
pub async fn accept_and_drop(listen: &str) -> Result<()> {
    let listener = TcpListener::bind(listen).await.with_context(|| format!("listening on {listen}"))?;
    let router = Router::new()
        .route("/v1/track", post(|Json(_): Json<Track>| async { StatusCode::ACCEPTED }))
        .route("/v1/batch", post(|Json(_): Json<Batch>| async { StatusCode::ACCEPTED }));
    axum::serve(listener, router).await?;
    Ok(())
}

/// What the driver does.
#[derive(Debug, Clone)]
pub struct Load {
    /// `host:port` of the server.
    pub server: String,
    /// The value of the `Authorization` header, empty for none.
    pub authorization: String,
    /// Keep-alive connections, each with one request under way.
    pub connections: usize,
    /// For how long.
    pub duration: Duration,
    /// Events per request: 1 goes to /v1/track, more to /v1/batch.
    pub batch: usize,
    /// What customer and message ids start with, so that runs do not meet.
    pub prefix: String,
    /// Customers the events are spread over.
    pub customers: u64,
    /// What has happened to them.
    pub event: String,
}

fn event(load: &Load, number: u64) -> serde_json::Value {
    serde_json::json!({
        "type": "track", "userId": format!("{}c{}", load.prefix, number % load.customers.max(1)),
        "event": load.event, "messageId": format!("{}m{number}", load.prefix),
        "properties": {"order_id": format!("{}o{number}", load.prefix), "total": "4200 JPY", "items": 3},
    })
}

fn request(load: &Load, number: u64) -> Vec<u8> {
    let (path, body) = if load.batch <= 1 {
        ("/v1/track", event(load, number))
    } else {
        let first = number * load.batch as u64;
        let events: Vec<_> = (first..first + load.batch as u64).map(|number| event(load, number)).collect();
        ("/v1/batch", serde_json::json!({"batch": events}))
    };
    frame(&load.server, &load.authorization, path, &body)
}

/// A POST request on a connection that is kept.
pub(crate) fn frame(server: &str, authorization: &str, path: &str, body: &serde_json::Value) -> Vec<u8> {
    let body = body.to_string();
    let authorization = match authorization {
        "" => String::new(),
        value => format!("Authorization: {value}\r\n"),
    };
    format!(
        "POST {path} HTTP/1.1\r\nHost: {server}\r\nContent-Type: application/json\r\n{authorization}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// The status of the response, read to its end, so that the connection can be used again.
pub(crate) async fn response(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<u16> {
    buffer.clear();
    loop {
        if stream.read_buf(buffer).await? == 0 {
            bail!("the server closed the connection");
        }
        let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = std::str::from_utf8(&buffer[..end]).context("a head in ASCII")?;
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).context("a status")?;
        let length = head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .and_then(|(_, value)| value.trim().parse::<usize>().ok())
            .unwrap_or(0);
        let missing = (end + 4 + length).saturating_sub(buffer.len());
        if missing > 0 {
            let mut rest = vec![0; missing];
            stream.read_exact(&mut rest).await?;
        }
        return Ok(status);
    }
}

/// One call on a connection of its own; the status that it was answered with.
///
/// # Errors
/// When the server cannot be reached.
pub async fn call(server: &str, authorization: &str, path: &str, body: &serde_json::Value) -> Result<u16> {
    let mut stream = TcpStream::connect(server).await.with_context(|| format!("connecting to {server}"))?;
    stream.write_all(&frame(server, authorization, path, body)).await?;
    response(&mut stream, &mut Vec::new()).await
}

/// Make every customer of a load known, by an event that nobody listens to, and leave the server a moment for what that
/// brings along.
///
/// # Errors
/// When the server cannot be reached or refuses.
pub async fn introduce(load: &Load) -> Result<()> {
    let mut stream = TcpStream::connect(&load.server).await.context("connecting")?;
    let mut buffer = Vec::new();
    let introduction = Load { event: "page_viewed".to_owned(), batch: 100, ..load.clone() };
    let batches = load.customers.div_ceil(100);
    for number in 0..batches {
        // Counted from the far end: none of these message ids is met again.
        stream.write_all(&request(&introduction, u64::MAX / 200 - batches + number)).await?;
        let status = response(&mut stream, &mut buffer).await?;
        ensure!((200..300).contains(&status), "the server answered {status}");
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    Ok(())
}

/// Load a server and count accepted events. CPU and memory are the server's when its process id is given.
///
/// # Errors
/// When the server cannot be reached, or answers anything but a 2xx: a refusal is not throughput.
pub async fn drive(load: Load, server_process: Option<u32>) -> Result<Measure> {
    let (load, numbers) = (Arc::new(load), Arc::new(AtomicU64::new(0)));
    let cpu = server_process.and_then(machine::cpu_seconds);
    let start = Instant::now();
    let workers: Vec<_> = (0..load.connections)
        .map(|_| {
            let (load, numbers) = (load.clone(), numbers.clone());
            tokio::spawn(async move {
                let mut stream = TcpStream::connect(&load.server)
                    .await
                    .with_context(|| format!("connecting to {}", load.server))?;
                stream.set_nodelay(true)?;
                let (mut buffer, mut took) = (Vec::with_capacity(4096), Vec::new());
                while start.elapsed() < load.duration {
                    let request = request(&load, numbers.fetch_add(1, Ordering::Relaxed));
                    let sent = Instant::now();
                    stream.write_all(&request).await?;
                    let status = response(&mut stream, &mut buffer).await?;
                    if !(200..300).contains(&status) {
                        bail!("the server answered {status}: {}", String::from_utf8_lossy(&buffer));
                    }
                    took.push(sent.elapsed().as_secs_f64() * 1e3);
                }
                Ok(took)
            })
        })
        .collect();
    let mut took: Vec<f64> = Vec::new();
    for worker in workers {
        took.extend(worker.await??);
    }
    let seconds = start.elapsed().as_secs_f64();
    let work = (took.len() * load.batch.max(1)) as f64;
    let spread = Spread::of(took);
    Ok(Measure {
        work,
        seconds,
        cpu_seconds: server_process.and_then(machine::cpu_seconds).zip(cpu).map(|(end, start)| end - start),
        peak_rss: server_process.and_then(|process| machine::memory(process, "VmHWM")),
        p50_ms: spread.as_ref().map(Spread::median),
        p99_ms: spread.as_ref().map(|spread| spread.at(0.99)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_driver_counts_what_the_server_accepted() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let server = listener.local_addr().expect("an address").to_string();
        drop(listener);
        let listen = server.clone();
        tokio::spawn(async move { accept_and_drop(&listen).await });
        tokio::time::sleep(Duration::from_millis(100)).await;
        let load = Load {
            server,
            authorization: String::new(),
            connections: 4,
            duration: Duration::from_millis(100),
            batch: 10,
            prefix: "t-".to_owned(),
            customers: 7,
            event: "order_placed".to_owned(),
        };
        let measure = drive(load, None).await.expect("it loads");
        assert!(measure.work >= 40.0 && measure.work % 10.0 == 0.0, "{measure:?}");
        assert!(measure.p50_ms <= measure.p99_ms, "{measure:?}");
    }
}
