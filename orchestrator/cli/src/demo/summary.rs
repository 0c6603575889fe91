//! The summary of the demo, and the export of its decisions: equal to the byte, run after run.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::Write,
    sync::{Mutex, PoisonError},
};
use store::{CustomerChange, DeliveryState, EnrollmentChange, MessageOutcome, SendWork, Settle};
use words::{CustomerId, Money, Timestamp};
use worker::Observer;

#[derive(Debug, Default, Clone, PartialEq)]
struct Counts {
    enrolled: u64,
    ended: BTreeMap<String, u64>,
    sent: BTreeMap<String, u64>,
    not_sent: BTreeMap<String, u64>,
    converted: u64,
    revenue: BTreeMap<String, i64>,
}

/// Who looks on while the demo plays.
pub(crate) struct Onlooker {
    counts: Mutex<BTreeMap<String, Counts>>,
    journeys: Mutex<BTreeMap<words::EnrollmentId, String>>,
    planned: Mutex<BTreeMap<words::DeliveryId, String>>,
    accepted: Mutex<Vec<(Timestamp, SendWork)>>,
    decisions: Mutex<Box<dyn Write + Send>>,
}

impl Onlooker {
    /// Writes every decision to `decisions`, one JSON line each.
    pub(crate) fn new(decisions: Box<dyn Write + Send>) -> Self {
        Self {
            counts: Mutex::default(),
            journeys: Mutex::default(),
            planned: Mutex::default(),
            accepted: Mutex::default(),
            decisions: Mutex::new(decisions),
        }
    }

    /// Deliveries accepted since last asked.
    pub(crate) fn take_accepted(&self) -> Vec<(Timestamp, SendWork)> {
        std::mem::take(&mut *lock(&self.accepted))
    }

    fn line(&self, json: &serde_json::Value) {
        // A full disk must not stop the demo; the summary stands on the counts.
        let _ = writeln!(lock(&self.decisions), "{json}");
    }

    fn with(&self, journey: &str, f: impl FnOnce(&mut Counts)) {
        f(lock(&self.counts).entry(journey.to_owned()).or_default());
    }

    /// The summary as text.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        for (journey, counts) in &*lock(&self.counts) {
            let list = |map: &BTreeMap<String, u64>| {
                if map.is_empty() {
                    return "–".to_owned();
                }
                map.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
            };
            let revenue: Vec<String> = counts
                .revenue
                .iter()
                .filter_map(|(code, minor)| {
                    Some(Money::new(*minor, words::Currency::parse(code).ok()?).to_string())
                })
                .collect();
            let _ = writeln!(out, "{journey}");
            let _ = writeln!(out, "  enrolled   {}", counts.enrolled);
            let _ = writeln!(out, "  sent       {}", list(&counts.sent));
            let _ = writeln!(out, "  not sent   {}", list(&counts.not_sent));
            let _ = writeln!(out, "  ended      {}", list(&counts.ended));
            let _ = writeln!(out, "  converted  {}", counts.converted);
            let _ = writeln!(
                out,
                "  revenue    {}",
                if revenue.is_empty() { "–".to_owned() } else { revenue.join(", ") }
            );
        }
        out
    }

    /// Flushes the decisions.
    pub(crate) fn flush(&self) {
        let _ = lock(&self.decisions).flush();
    }
}

/// The code of the reason that decided, of a recorded verdict or outcome.
fn code(why: &str) -> String {
    let json: serde_json::Value = serde_json::from_str(why).unwrap_or_default();
    let reason = json["reasons"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|reason| reason["outcome"] == "block")
        .and_then(|reason| reason["code"].as_str());
    reason.or_else(|| json["outcome"]["outcome"].as_str()).unwrap_or("other").to_owned()
}

impl Observer for Onlooker {
    fn stepped(&self, at: Timestamp, customer: CustomerId, change: &CustomerChange) {
        for enrollment in &change.enrollments {
            let (id, state, reason) = match enrollment {
                EnrollmentChange::New(new) => {
                    lock(&self.journeys).insert(new.id, new.journey.clone());
                    self.with(&new.journey, |counts| counts.enrolled += 1);
                    (new.id, &new.state, &new.reason)
                }
                EnrollmentChange::Moved { id, state, reason, .. } => (*id, state.as_ref(), reason),
            };
            if let engine::Status::Ended(how) = state.at.status {
                // One that ended before may still reach its goal: it does not end again.
                let Some(journey) = lock(&self.journeys).remove(&id) else { continue };
                let why = match how {
                    engine::Ending::Stopped => format!("stopped ({})", reason.as_deref().unwrap_or("–")),
                    how => how.as_str().to_owned(),
                };
                self.with(&journey, |counts| *counts.ended.entry(why).or_default() += 1);
            }
        }
        for message in &change.messages {
            for delivery in &message.deliveries {
                lock(&self.planned).insert(delivery.id, message.journey.clone());
            }
            if message.outcome >= MessageOutcome::NotSent {
                let why = code(&message.why);
                self.with(&message.journey, |counts| *counts.not_sent.entry(why).or_default() += 1);
            }
        }
        for (delivery, why) in &change.cancel {
            if let Some(journey) = lock(&self.planned).remove(delivery) {
                let why = code(why);
                self.with(&journey, |counts| *counts.not_sent.entry(why).or_default() += 1);
            }
        }
        for (_, journey, _, revenue) in &change.goals {
            self.with(journey, |counts| {
                counts.converted += 1;
                if let Some(money) = revenue {
                    *counts.revenue.entry(money.currency.to_string()).or_default() += money.minor;
                }
            });
        }
        for decision in &change.decisions {
            let words: serde_json::Value = serde_json::from_str(&decision.body.words()).unwrap_or_default();
            self.line(&serde_json::json!({
                "at": at, "customer": customer, "enrollment": decision.enrollment, "journey": decision.journey,
                "step": decision.step, "kind": decision.kind, "words": words,
            }));
        }
    }

    fn closed(&self, at: Timestamp, work: &SendWork, settle: &Settle) {
        let kind = match settle.state {
            DeliveryState::Accepted => {
                self.with(&work.journey, |counts| {
                    *counts.sent.entry(work.channel.to_string()).or_default() += 1;
                });
                lock(&self.accepted).push((at, work.clone()));
                lock(&self.planned).remove(&work.delivery);
                "sent"
            }
            DeliveryState::Planned => "put_off",
            _ => {
                let why = code(&settle.why);
                self.with(&work.journey, |counts| *counts.not_sent.entry(why).or_default() += 1);
                lock(&self.planned).remove(&work.delivery);
                "not_sent"
            }
        };
        let why: serde_json::Value = serde_json::from_str(&settle.why).unwrap_or_default();
        self.line(&serde_json::json!({
            "at": at, "customer": work.customer.id, "enrollment": work.enrollment, "journey": work.journey,
            "step": work.step, "kind": kind, "message": work.name, "channel": work.channel, "why": why,
        }));
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
