//! The shop: reports orders over the public API until they are answered, as every client does – again, with the same message
//! ids, to whichever node is there – and keeps a record of what it asked for and what was answered.

use crate::{
    http,
    journal::Journal,
    plan,
    record::{Order, Told, now_us},
};
use anyhow::{Result, bail};
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// Orders in one call.
const BATCH: u64 = 10;

/// The shop.
#[derive(Debug)]
pub struct Driver {
    /// Where Tabi listens.
    pub nodes: Vec<SocketAddr>,
    /// The key.
    pub key: String,
    /// What numbers of this run begin with.
    pub run: String,
    /// How many customers there are.
    pub customers: u64,
    /// The record.
    pub journal: Journal,
    /// How far it may go: orders below this number.
    pub allowed: AtomicU64,
    /// How many orders were answered.
    pub told: AtomicU64,
    /// How many calls got no answer, or none with a 2xx, and were made again.
    pub again: AtomicU64,
    /// How many of them were answered by a 500: Tabi did not know what had happened to it.
    pub at_a_loss: AtomicU64,
    /// Says that it shall end, whatever is left.
    pub over: AtomicBool,
}

impl Driver {
    /// Reports the orders from `first` to `last` (left out) by some threads. Each ends with its share, or when it is over.
    pub fn go(self: &Arc<Self>, first: u64, last: u64, threads: u64) -> Vec<JoinHandle<Result<()>>> {
        (0..threads)
            .map(|thread| {
                let driver = Arc::clone(self);
                std::thread::spawn(move || {
                    let mut at = first + thread * BATCH;
                    while at < last {
                        let done = driver.report(at, (at + BATCH).min(last), thread);
                        if let Err(error) = &done {
                            crate::run::say(&format!("the driver gives up: {error:#}"));
                        }
                        done?;
                        at += threads * BATCH;
                    }
                    Ok(())
                })
            })
            .collect()
    }

    fn report(&self, first: u64, last: u64, thread: u64) -> Result<()> {
        while self.allowed.load(Ordering::Relaxed) < last {
            if self.over.load(Ordering::Relaxed) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let orders: Vec<Order> =
            (first..last).map(|number| plan::order(&self.run, number, self.customers)).collect();
        let asked: Vec<Told> = orders.iter().cloned().map(Told::Asked).collect();
        self.journal.append(&asked)?;
        let calls: Vec<Value> = orders.iter().flat_map(calls).collect();
        let body = json!({"batch": calls}).to_string();
        let authorization = format!("Bearer {}", self.key);
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        let mut try_no = thread;
        while !self.over.load(Ordering::Relaxed) {
            let node = self.nodes[usize::try_from(try_no).unwrap_or(0) % self.nodes.len()];
            try_no += 1;
            let limit = Duration::from_secs(20);
            match http::request_within(node, "POST", "/v1/batch", &headers, body.as_bytes(), limit) {
                Ok(answer) if (200..300).contains(&answer.status) => {
                    if answer.json()["rejected"] != 0 {
                        bail!("Tabi refuses what the siege sends: {}", answer.body);
                    }
                    let at_us = now_us();
                    let told: Vec<Told> = orders
                        .iter()
                        .map(|order| Told::Accepted { order: order.id.clone(), at_us })
                        .collect();
                    self.journal.append(&told)?;
                    for order in orders.iter().filter(|order| order.offers && order.revokes) {
                        self.revoke(order)?;
                    }
                    self.told.fetch_add(last - first, Ordering::Relaxed);
                    return Ok(());
                }
                Ok(answer) if answer.status < 500 && answer.status != 429 => {
                    bail!("Tabi refuses what the siege sends: {} {}", answer.status, answer.body)
                }
                Ok(answer) => {
                    self.at_a_loss.fetch_add(u64::from(answer.status == 500), Ordering::Relaxed);
                }
                Err(_) => {}
            }
            self.again.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// A customer refuses offers, until Tabi has heard it.
    fn revoke(&self, order: &Order) -> Result<()> {
        let body = json!({
            "userId": order.customer, "purpose": "offers", "channel": "email", "state": "revoked",
            "evidence": {"method": "web_form", "source": "https://shop.example.com/account"},
        });
        let authorization = format!("Bearer {}", self.key);
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        let mut nodes = self.nodes.iter().cycle();
        while let Some(node) = nodes.next().filter(|_| !self.over.load(Ordering::Relaxed)) {
            let (bytes, limit) = (body.to_string(), Duration::from_secs(20));
            match http::request_within(*node, "POST", "/v1/consents", &headers, bytes.as_bytes(), limit) {
                Ok(answer) if (200..300).contains(&answer.status) => {
                    let line = Told::Revoked { customer: order.customer.clone(), at_us: now_us() };
                    return self.journal.append(&[line]);
                }
                Ok(answer) if answer.status < 500 && answer.status != 429 => {
                    bail!("Tabi refuses a refusal: {} {}", answer.status, answer.body)
                }
                Ok(_) | Err(_) => {}
            }
            self.again.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Waits until so many orders were answered.
    ///
    /// # Errors
    /// When nothing is answered for as long as `limit`.
    pub fn wait_for(&self, orders: u64, limit: Duration) -> Result<()> {
        let (mut last, mut since) = (0, Instant::now());
        loop {
            let told = self.told.load(Ordering::Relaxed);
            if told >= orders {
                return Ok(());
            }
            if told != last {
                (last, since) = (told, Instant::now());
            }
            if since.elapsed() > limit {
                bail!("{told} of {orders} orders were answered, and none for {limit:?}");
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Who the customer is, and what they ordered.
fn calls(order: &Order) -> [Value; 2] {
    let identify = json!({
        "type": "identify", "userId": order.customer, "messageId": format!("identify {}", order.id),
        // What they agreed to is older than any jump of a clock: consent from the future counts for nothing.
        "timestamp": hours_ago(3),
        "traits": {"email": order.email, "phone": order.phone, "address": {"country": "JP"}},
        "context": {
            "locale": "en", "timezone": zone_at_noon(),
            "consent": {"categoryPreferences": {"offers": order.offers, "parcels": true, "receipts": true}},
        },
    });
    let track = json!({
        "type": "track", "event": "order_placed", "userId": order.customer, "messageId": format!("order {}", order.id),
        "properties": {"order_id": order.id},
    });
    [identify, track]
}

/// An instant, as the API reads it.
fn hours_ago(hours: i64) -> String {
    jiff::Timestamp::from_microsecond(now_us() - hours * 3_600_000_000).unwrap_or_default().to_string()
}

/// A zone in which it is about noon now: quiet hours are not what this is about.
fn zone_at_noon() -> String {
    let hour = now_us() / 3_600_000_000 % 24;
    // The names of these zones have their sign the other way round.
    match hour - 12 {
        0 => "Etc/UTC".to_owned(),
        west @ 1.. => format!("Etc/GMT+{west}"),
        east => format!("Etc/GMT-{}", -east),
    }
}
