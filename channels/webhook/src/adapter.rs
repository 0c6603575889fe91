//! The adapter.

use crate::{Key, sign};
use channel::{Adapter, Capabilities, Composed, Handing, Idempotency, Outcome, Parcel, Part};
use egress::{Answer, Client, Reach, Reply, Request, Settings, SettingsError, one_line};
use serde_json::{Map, Value, json};
use std::{
    borrow::Cow,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use words::Channel;

/// The most bytes of a body.
const BYTES_MAX: usize = 256 * 1024;

/// How the adapter is set up.
#[derive(Debug, Clone)]
pub struct WebhookConfig {
    /// The root of the endpoints' keys, newest first; all are used while they rotate. Never empty.
    pub roots: Vec<Key>,
    /// Where calls may go: [`Reach::Public`], unless this is a development machine.
    pub reach: Reach,
    /// The development inbox (`http://127.0.0.1:…`), which takes every call in place of the customers' endpoints and is
    /// the only place that can be called: set until somebody goes live.
    pub inbox: Option<String>,
    /// How long receivers promise to remember a `webhook-id` they have seen. `None`, the safe choice, unless all of them
    /// have promised.
    pub ids_remembered: Option<Duration>,
    /// Hand-overs in flight.
    pub concurrency_max: usize,
}

impl WebhookConfig {
    /// Public addresses only, no promises.
    pub fn new(root: Key) -> Self {
        Self {
            roots: vec![root],
            reach: Reach::Public,
            inbox: None,
            ids_remembered: None,
            concurrency_max: 16,
        }
    }
}

/// Signed calls to customers' own endpoints.
#[derive(Debug)]
pub struct WebhookAdapter {
    config: WebhookConfig,
    capabilities: Capabilities,
    client: Client,
}

impl WebhookAdapter {
    /// An adapter with a client of its own.
    pub fn new(config: WebhookConfig) -> Result<Self, SettingsError> {
        let client = Client::new(&Settings::reaching(if config.inbox.is_some() {
            Reach::Loopback
        } else {
            config.reach
        }))?;
        let capabilities = Capabilities {
            parts: vec![Part { name: "body".to_owned(), required: true }],
            idempotency: config
                .ids_remembered
                .map_or(Idempotency::None, |retention| Idempotency::Key { retention }),
            query: false,
            concurrency_max: config.concurrency_max,
            bytes_max: BYTES_MAX,
        };
        Ok(Self { config, capabilities, client })
    }

    /// The secret that the receiver at `url` checks signatures with, as it is shown to them.
    pub fn secret_of(&self, url: &str) -> Option<String> {
        self.config.roots.first().map(|root| root.of_endpoint(url).to_text())
    }

    /// Where a call to `to` goes.
    fn url<'a>(&self, to: &'a str) -> Cow<'a, str> {
        match &self.config.inbox {
            None => Cow::Borrowed(to),
            Some(base) => {
                // One segment of the path; a form writes a space as `+`, a path does not.
                let target: String = form_urlencoded::byte_serialize(to.as_bytes()).collect();
                let target = target.replace('+', "%20");
                Cow::Owned(format!("{}/webhook/{target}", base.trim_end_matches('/')))
            }
        }
    }

    /// What an answer means. The address is the customer's, so no answer is ever a misconfiguration of ours, nor about
    /// anybody else: one broken endpoint must not stop the channel for the others.
    ///
    /// | status | outcome | source |
    /// |---|---|---|
    /// | 2xx | accepted | Standard Webhooks: any 2xx, whatever the body |
    /// | 410 | address dead | Standard Webhooks: the endpoint wants no more |
    /// | 429, and 503 with `Retry-After` | deferred until then | Standard Webhooks, RFC 9110 |
    /// | 408, 421, 425 | deferred | RFC 9110: the request was not taken |
    /// | 3xx, other 4xx, 501, 505 | message refused | RFC 9110; redirects are not followed |
    /// | other 5xx | unknown | RFC 9110: it may have been carried out |
    fn judge(answer: &Answer, to: &str) -> Outcome {
        let line = format!("HTTP {}", answer.status);
        match answer.status {
            // The body of a receiver says nothing to us; a 2xx without a readable one is still a 2xx.
            200..=299 => Outcome::Accepted { provider_id: None, answer: line },
            410 => Outcome::AddressDead { answer: line },
            _ => match answer.outcome_by_status(&said(answer, to)) {
                Outcome::Misconfigured { answer } => Outcome::MessageRefused { answer },
                Outcome::Throttled { after, answer } => Outcome::Deferred { after: Some(after), answer },
                Outcome::Unavailable { answer } => Outcome::Deferred { after: None, answer },
                other => other,
            },
        }
    }
}

fn said(answer: &Answer, to: &str) -> String {
    let body = answer.body.whole().map(String::from_utf8_lossy).unwrap_or_default();
    one_line(&body, &secrets(to))
}

/// The spellings of an address that must not reach a record: the whole, and its host.
fn secrets(to: &str) -> Vec<&str> {
    let host = to.split("://").nth(1).and_then(|rest| rest.split(['/', '?', '#', ':']).next());
    [Some(to), host].into_iter().flatten().collect()
}

/// Seconds since 1970, of the attempt: the receiver measures them against its own clock.
fn now_secs() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs().cast_signed())
}

impl Adapter for WebhookAdapter {
    fn channel(&self) -> Channel {
        Channel::WEBHOOK
    }

    fn provider(&self) -> &str {
        "webhook"
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// `{"type": "message", "timestamp": …, "data": {…}}` (Standard Webhooks: thin envelope, snake case). `data` is the
    /// rendered `body`, which must be a JSON object; our ids go beside it.
    fn compose(&self, parcel: &Parcel) -> Result<Composed, String> {
        egress::check_url(&parcel.to, self.config.reach).map_err(|why| why.to_string())?;
        let body = parcel.content.parts.get("body").ok_or("the part `body` is missing")?;
        let data: Map<String, Value> = serde_json::from_str(body)
            .map_err(|why| format!("the part `body` is not a JSON object: {why}"))?;
        let envelope = json!({
            "type": "message",
            "timestamp": parcel.content.date,
            "delivery": parcel.delivery,
            "message": parcel.message,
            "class": parcel.class,
            "locale": parcel.content.locale,
            "unsubscribe_url": parcel.content.unsubscribe_url,
            "data": data,
        });
        let bytes = envelope.to_string().into_bytes();
        if bytes.len() > BYTES_MAX {
            return Err(format!("the body has {} bytes; {BYTES_MAX} are allowed", bytes.len()));
        }
        Ok(Composed { media: "application/json", bytes })
    }

    fn hand_over<'a>(&'a self, parcel: &'a Parcel, bytes: &'a [u8], deadline: Duration) -> Handing<'a> {
        Box::pin(async move {
            let id = parcel.delivery.to_string();
            let timestamp = now_secs();
            let keys: Vec<Key> = self.config.roots.iter().map(|root| root.of_endpoint(&parcel.to)).collect();
            let headers = vec![
                ("content-type", "application/json".to_owned()),
                ("webhook-id", id.clone()),
                ("webhook-timestamp", timestamp.to_string()),
                ("webhook-signature", sign(&keys, &id, timestamp, bytes)),
            ];
            let url = self.url(&parcel.to);
            let request = Request { url: &url, headers, body: bytes };
            match self.client.post(request, deadline).await {
                Reply::Answered(answer) => Self::judge(&answer, &parcel.to),
                // The address is the customer's: refused, but no reason to stop the channel.
                Reply::Refused { why } => Outcome::MessageRefused { answer: why },
                Reply::NotSent { why } => {
                    Outcome::Deferred { after: None, answer: one_line(&why, &secrets(&parcel.to)) }
                }
                Reply::Lost { stage, why } => {
                    Outcome::Unknown { stage, answer: one_line(&why, &secrets(&parcel.to)) }
                }
            }
        })
    }
}
