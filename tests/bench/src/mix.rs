//! The sustained mix: events at a steady rate, letters among them, and a reviewer who searches; minute by minute.
//!
//! Open loop, as in [`crate::latency`]: what is late shows.

use crate::console::Visitor;
use crate::http::{frame, response};
use crate::measure::Spread;
use crate::{Measure, machine};
use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};

/// Kept connections for events.
const CONNECTIONS: u64 = 32;
/// Events per second.
pub const EVENTS: u64 = 2000;
/// One event in so many begins a journey …
const ORDERS: u64 = 5;
/// … and one in so many is answered by a letter.
const LETTERS: u64 = 100;
/// Customers the events are spread over.
const CUSTOMERS: u64 = 200_000;
/// Searches of the log per second.
const SEARCHES: u64 = 10;
/// The middle of the first and of the last part is what is compared: the start itself is not steady yet.
const WARM: Duration = Duration::from_secs(10);

/// What is done to whom.
#[derive(Debug, Clone)]
pub struct Mix {
    /// `host:port`.
    pub server: String,
    /// The server's process, for its memory and CPU.
    pub process: u32,
    /// The value of the `Authorization` header.
    pub authorization: String,
    /// What ids start with.
    pub prefix: String,
    /// How long in all.
    pub duration: Duration,
    /// How long the first and the last part are: a minute, less in a trial.
    pub part: Duration,
}

/// What a part saw.
#[derive(Debug, Default)]
struct Part {
    took_ms: Vec<f64>,
    searched_ms: Vec<f64>,
}

/// Run it: the first part and the last one, each as a measurement of events, timed from when they were due.
///
/// # Errors
/// When the server refuses anything.
pub async fn run(mix: &Mix) -> Result<(Measure, Measure)> {
    introduce(mix).await?;
    let start = Instant::now() + Duration::from_millis(200);
    let first = start + WARM..start + WARM + mix.part;
    let ends = start + WARM + mix.duration.max(mix.part * 2);
    let last = ends - mix.part..ends;
    let parts: Arc<[Mutex<Part>; 2]> = Arc::default();
    let note = {
        let (parts, first, last) = (Arc::clone(&parts), first.clone(), last.clone());
        move |due: Instant, searched: bool| {
            let took = due.elapsed().as_secs_f64() * 1e3;
            for (part, span) in parts.iter().zip([&first, &last]) {
                if span.contains(&due) {
                    let mut part = part.lock().unwrap_or_else(PoisonError::into_inner);
                    if searched { &mut part.searched_ms } else { &mut part.took_ms }.push(took);
                }
            }
        }
    };
    let mut tasks = tokio::task::JoinSet::new();
    for connection in 0..CONNECTIONS {
        let (mix, note) = (mix.clone(), note.clone());
        tasks.spawn(async move { events(&mix, connection, start, ends, note).await });
    }
    {
        let (mix, note) = (mix.clone(), note);
        tasks.spawn(async move { searches(&mix, start, ends, note).await });
    }
    let mut seen = Vec::new();
    for span in [first, last] {
        sleep_until(span.start).await;
        let cpu = machine::cpu_seconds(mix.process);
        sleep_until(span.end).await;
        let cpu = machine::cpu_seconds(mix.process).zip(cpu).map(|(end, start)| end - start);
        seen.push((cpu, machine::memory(mix.process, "VmRSS")));
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    let mut measures = parts.iter().zip(seen).map(|(part, (cpu_seconds, memory))| {
        let part = part.lock().unwrap_or_else(PoisonError::into_inner);
        let took = Spread::of(part.took_ms.iter().copied());
        Measure {
            work: part.took_ms.len() as f64,
            seconds: mix.part.as_secs_f64(),
            cpu_seconds,
            peak_rss: memory,
            p50_ms: Spread::of(part.searched_ms.iter().copied()).map(|spread| spread.median()),
            p99_ms: took.map(|spread| spread.at(0.99)),
        }
    });
    measures.next().zip(measures.next()).context("two parts")
}

/// Everybody is known beforehand, as in a shop that has been open for a while: only those who want a letter are new.
async fn introduce(mix: &Mix) -> Result<()> {
    let mut stream = TcpStream::connect(&mix.server).await.context("connecting")?;
    let mut buffer = Vec::with_capacity(4096);
    for first in (0..CUSTOMERS).step_by(100) {
        let batch: Vec<_> = (first..first + 100)
            .map(|number| {
                let user = format!("{}c{number}", mix.prefix);
                json!({"type": "track", "userId": user, "messageId": format!("{user}k"), "event": "page_viewed",
                    "properties": {"order_id": "none", "total": "0 JPY", "items": 0}})
            })
            .collect();
        let body = json!({ "batch": batch });
        stream.write_all(&frame(&mix.server, &mix.authorization, "/v1/batch", &body)).await?;
        let status = response(&mut stream, &mut buffer).await?;
        ensure!((200..300).contains(&status), "an introduction was answered with {status}");
    }
    tokio::time::sleep(WARM).await;
    Ok(())
}

async fn events(
    mix: &Mix,
    connection: u64,
    start: Instant,
    ends: Instant,
    note: impl Fn(Instant, bool),
) -> Result<()> {
    let mut stream = TcpStream::connect(&mix.server).await.context("connecting")?;
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(4096);
    for number in (connection..).step_by(CONNECTIONS as usize) {
        let due = start + Duration::from_secs_f64(number as f64 / EVENTS as f64);
        if due >= ends {
            break;
        }
        sleep_until(due).await;
        let (path, body) = event(mix, number);
        stream.write_all(&frame(&mix.server, &mix.authorization, path, &body)).await?;
        let status = response(&mut stream, &mut buffer).await?;
        ensure!((200..300).contains(&status), "an event was answered with {status}");
        note(due, false);
    }
    Ok(())
}

/// A page view, an order, or what a letter answers; who wants a letter says where to.
fn event(mix: &Mix, number: u64) -> (&'static str, serde_json::Value) {
    let prefix = &mix.prefix;
    let user = format!("{prefix}c{}", number.wrapping_mul(7919) % CUSTOMERS);
    let id = format!("{prefix}m{number}");
    if number.is_multiple_of(LETTERS) {
        let user = format!("{prefix}l{number}");
        let body = json!({"batch": [
            {"type": "identify", "userId": user, "messageId": format!("{id}i"),
             "traits": {"email": format!("{user}@example.com"), "first_name": "Aiko", "locale": "en"}},
            {"type": "track", "userId": user, "messageId": id, "event": "letter_wanted",
             "properties": {"order_id": format!("{prefix}o{number}"), "lines": crate::latency::lines()}},
        ]});
        return ("/v1/batch", body);
    }
    let name = if number.is_multiple_of(ORDERS) { "order_placed" } else { "page_viewed" };
    let properties = json!({"order_id": format!("{prefix}o{number}"), "total": "4200 JPY", "items": 3});
    ("/v1/track", json!({"userId": user, "messageId": id, "event": name, "properties": properties}))
}

async fn searches(mix: &Mix, start: Instant, ends: Instant, note: impl Fn(Instant, bool)) -> Result<()> {
    let mut visitor = Visitor::sign_in(&mix.server).await?;
    for number in 0.. {
        let due = start + Duration::from_secs_f64(number as f64 / SEARCHES as f64);
        if due >= ends {
            break;
        }
        sleep_until(due).await;
        let path = match number % 3 {
            0 => format!("/console/messages?customer=bench-{}", number * 37 % 1000),
            1 => "/console/messages?journey=answering".to_owned(),
            _ => "/console/messages?channel=email".to_owned(),
        };
        let page = visitor.get(&path).await?;
        ensure!(page.status == 200, "{path} was answered with {}", page.status);
        note(due, true);
    }
    Ok(())
}
