//! The time from an event to its mail: events over HTTP at a steady rate, mails read from the sink's log.
//!
//! Open loop: an event is sent when its time has come, whether or not the one before has been answered for. A server
//! that falls behind therefore shows it.

use crate::Measure;
use crate::http::{frame, response};
use crate::measure::Spread;
use crate::smtp;
use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::net::TcpStream;
use tokio::{io::AsyncWriteExt as _, time::sleep_until};

/// How long the last mail may take before the run is a failure.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is sent, where to, and where the mails are written down.
#[derive(Debug, Clone)]
pub struct Clock {
    /// `host:port` of the server.
    pub server: String,
    /// Value of the `Authorization` header.
    pub authorization: String,
    /// The log of the sink.
    pub log: PathBuf,
    /// Events per second.
    pub rate: f64,
    /// How many, each for a customer of its own.
    pub count: u64,
    /// What ids and addresses start with, so that runs do not meet.
    pub prefix: String,
    /// The event that makes a mail.
    pub event: String,
}

impl Clock {
    fn customer(&self, number: u64) -> String {
        format!("{}-{number}", self.prefix)
    }

    fn address(&self, number: u64) -> String {
        format!("{}@example.com", self.customer(number))
    }

    async fn post(&self, path: &str, body: &serde_json::Value) -> Result<()> {
        let mut stream =
            TcpStream::connect(&self.server).await.with_context(|| format!("reaching {}", self.server))?;
        stream.set_nodelay(true)?;
        stream.write_all(&frame(&self.server, &self.authorization, path, body)).await?;
        let mut buffer = Vec::new();
        let status = response(&mut stream, &mut buffer).await?;
        ensure!(
            (200..300).contains(&status),
            "{path} answered {status}: {}",
            String::from_utf8_lossy(&buffer)
        );
        Ok(())
    }
}

/// Eight lines of an order.
pub(crate) fn lines() -> serde_json::Value {
    let line = |number| {
        json!({
            "link": format!("https://shop.example.com/items/{number}?from=order&n=1"), "title": "Tea bowl \"Morning fog\"",
            "variant": "Stoneware, 12 cm", "quantity": "1", "price": "$42.00",
        })
    };
    (0..8).map(line).collect()
}

/// Run the clock: the measure's operations are mails, each timed from just before its event was sent.
///
/// # Errors
/// When the server refuses something, or a mail is missing or arrives twice.
pub async fn clock(clock: &Clock) -> Result<Measure> {
    for number in 0..clock.count {
        let body = json!({
        "userId": clock.customer(number), "messageId": format!("{}-i{number}", clock.prefix),
        "traits": {"email": clock.address(number), "first_name": "Aiko", "locale": "en"},
                });
        clock.post("/v1/identify", &body).await?;
    }
    // The customers are history by the time the clock starts.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (start, began) = (Instant::now(), tokio::time::Instant::now());
    let mut calls = Vec::new();
    for number in 0..clock.count {
        sleep_until(began + Duration::from_secs_f64(number as f64 / clock.rate)).await;
        let clock = clock.clone();
        calls.push(tokio::spawn(async move {
            let body = json!({
                "userId": clock.customer(number), "event": clock.event,
                "messageId": format!("{}-t{number}", clock.prefix),
                "properties": {"order_id": format!("{}-o{number}", clock.prefix), "lines": lines()},
            });
            let at_us = SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros() as i64;
            clock.post("/v1/track", &body).await?;
            anyhow::Ok((clock.address(number), at_us))
        }));
    }
    let mut sent: BTreeMap<String, i64> = BTreeMap::new();
    for call in calls {
        let (address, at_us) = call.await??;
        sent.insert(address, at_us);
    }
    let took = arrivals(clock, &sent).await?;
    let spread = Spread::of(took.iter().copied());
    Ok(Measure {
        work: took.len() as f64,
        seconds: start.elapsed().as_secs_f64(),
        p50_ms: spread.as_ref().map(Spread::median),
        p99_ms: spread.as_ref().map(|spread| spread.at(0.99)),
        ..Measure::default()
    })
}

/// Milliseconds from each event to its mail, once all have arrived.
async fn arrivals(clock: &Clock, sent: &BTreeMap<String, i64>) -> Result<Vec<f64>> {
    let start = Instant::now();
    loop {
        let receipts = smtp::receipts(&clock.log)?;
        let ours: Vec<_> = receipts
            .iter()
            .filter_map(|mail| Some((&mail.recipient, mail.at_us - sent.get(&mail.recipient)?)))
            .collect();
        let customers: std::collections::BTreeSet<_> = ours.iter().map(|(recipient, _)| recipient).collect();
        ensure!(customers.len() == ours.len(), "a customer got more than one mail");
        if ours.len() == sent.len() {
            return Ok(ours.into_iter().map(|(_, us)| us as f64 / 1e3).collect());
        }
        ensure!(start.elapsed() < PATIENCE, "{} of {} mails arrived", ours.len(), sent.len());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{Json, Router, http::StatusCode, routing::post};
    use std::io::Write as _;

    /// A product that takes 30 ms and mails by writing the sink's log itself, `copies` times.
    async fn against_a_product_that_mails(copies: usize) -> Result<Measure> {
        let folder = tempfile::tempdir()?;
        let log = folder.path().join("sink.log");
        std::fs::write(&log, "")?;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let server = listener.local_addr()?.to_string();
        let file = log.clone();
        let track = move |Json(body): Json<serde_json::Value>| async move {
            tokio::time::sleep(Duration::from_millis(30)).await;
            let user = body["userId"].as_str().unwrap_or_default().to_owned();
            let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_micros();
            let mut file = std::fs::OpenOptions::new().append(true).open(&file).expect("the log");
            for _ in 0..copies {
                file.write_all(format!("{now}\t8192\t<{user}>\t{user}@example.com\n").as_bytes())
                    .expect("a line");
            }
            StatusCode::ACCEPTED
        };
        let router = Router::new()
            .route("/v1/identify", post(|| async { StatusCode::OK }))
            .route("/v1/track", post(track));
        tokio::spawn(async move { axum::serve(listener, router).await });
        clock(&Clock {
            server,
            authorization: String::new(),
            log,
            rate: 100.0,
            count: 10,
            prefix: "t".to_owned(),
            event: "letter_wanted".to_owned(),
        })
        .await
    }

    #[tokio::test]
    async fn every_mail_is_timed_from_its_own_event() {
        let measure = against_a_product_that_mails(1).await.expect("it runs");
        assert_eq!(measure.work, 10.0);
        assert!(measure.p50_ms.is_some_and(|ms| (30.0..1000.0).contains(&ms)), "{measure:?}");
    }

    #[tokio::test]
    async fn a_mail_that_comes_twice_is_no_success() {
        let error = against_a_product_that_mails(2).await.expect_err("twice is wrong");
        assert!(error.to_string().contains("more than one"), "{error}");
    }
}
