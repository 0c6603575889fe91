//! The adapter.

use crate::{Entry, FileLog, Log, Script};
use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{Adapter, Capabilities, Composed, Handing, Idempotency, Outcome, Parcel, Part, Stage};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use words::Channel;

/// The most bytes of a composed parcel.
const BYTES_MAX: usize = 4 * 1024 * 1024;

/// An adapter that sends nothing. Clones share log, file and script.
#[derive(Debug, Clone)]
pub struct Sandbox {
    channel: Channel,
    provider: String,
    capabilities: Capabilities,
    log: Option<Log>,
    file: Option<FileLog>,
    script: Arc<Mutex<Script>>,
}

impl Sandbox {
    /// A sandbox for `channel` that keeps everything in `log`.
    pub fn new(channel: Channel, log: &Log) -> Self {
        Self::silent(channel).and_log(log)
    }

    /// A sandbox that keeps nothing: for runs of many million messages.
    pub fn silent(channel: Channel) -> Self {
        let capabilities = Capabilities {
            parts: parts_of(&channel),
            idempotency: Idempotency::None,
            query: false,
            concurrency_max: 64,
            bytes_max: BYTES_MAX,
        };
        Self {
            channel,
            provider: "sandbox".to_owned(),
            capabilities,
            log: None,
            file: None,
            script: Arc::default(),
        }
    }

    /// Also keeps everything in `log`.
    #[must_use]
    pub fn and_log(mut self, log: &Log) -> Self {
        self.log = Some(log.clone());
        self
    }

    /// Also appends everything to `file`, before the hand-over counts.
    #[must_use]
    pub fn and_file(mut self, file: &FileLog) -> Self {
        self.file = Some(file.clone());
        self
    }

    /// Behaves by `script`.
    #[must_use]
    pub fn scripted(self, script: Script) -> Self {
        self.set_script(script);
        self
    }

    /// With other capabilities: keys, limits.
    #[must_use]
    pub fn capable(mut self, capabilities: Capabilities) -> Self {
        self.capabilities = capabilities;
        self
    }

    /// Behaves by `script` from now on; clones too.
    pub fn set_script(&self, script: Script) {
        *self.script.lock().unwrap_or_else(PoisonError::into_inner) = script;
    }

    fn outcome(&self, parcel: &Parcel) -> (Outcome, Duration) {
        let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        let (outcome, delay) = script.take(&parcel.to);
        let accepted = || Outcome::Accepted {
            // Derived, so that two runs alike have ids alike.
            provider_id: Some(format!("sandbox-{}", parcel.delivery)),
            answer: "kept in the sandbox".to_owned(),
        };
        (outcome.unwrap_or_else(accepted), delay)
    }
}

/// The parts that messages have on the channels we know; see `templates/README.md`. Any other channel: none by name.
fn parts_of(channel: &Channel) -> Vec<Part> {
    let parts: &[(&str, bool)] = match channel.as_str() {
        "email" => &[("subject", true), ("html", false), ("text", false)],
        "sms" | "webhook" => &[("body", true)],
        "push" => &[("title", true), ("body", true), ("data", false)],
        _ => &[],
    };
    parts.iter().map(|(name, required)| Part { name: (*name).to_owned(), required: *required }).collect()
}

impl Adapter for Sandbox {
    fn channel(&self) -> Channel {
        self.channel.clone()
    }

    fn provider(&self) -> &str {
        &self.provider
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// The content as JSON, for any channel.
    fn compose(&self, parcel: &Parcel) -> Result<Composed, String> {
        let missing = |part: &&Part| part.required && !parcel.content.parts.contains_key(&part.name);
        if let Some(part) = self.capabilities.parts.iter().find(missing) {
            return Err(format!("the part `{}` is missing", part.name));
        }
        let bytes = serde_json::to_vec(&parcel.content).map_err(|why| why.to_string())?;
        if bytes.len() > self.capabilities.bytes_max {
            let bytes_max = self.capabilities.bytes_max;
            return Err(format!("the content has {} bytes; {bytes_max} are allowed", bytes.len()));
        }
        Ok(Composed { media: "application/json", bytes })
    }

    fn hand_over<'a>(&'a self, parcel: &'a Parcel, bytes: &'a [u8], deadline: Duration) -> Handing<'a> {
        // Decided before the first wait, so that the order of the calls alone decides.
        let (mut outcome, delay) = self.outcome(parcel);
        Box::pin(async move {
            if delay >= deadline && !delay.is_zero() {
                tokio::time::sleep(deadline).await;
                outcome = Outcome::Unknown {
                    stage: Stage::Answer,
                    answer: "sandbox: no answer in time".to_owned(),
                };
            } else if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            let text = || String::from_utf8(bytes.to_vec()).unwrap_or_else(|_| STANDARD.encode(bytes));
            let entry = |outcome| Entry {
                channel: self.channel.clone(),
                parcel: parcel.clone(),
                bytes: text(),
                outcome,
            };
            if let Some(file) = &self.file
                && let Err(why) = file.append(&entry(outcome.clone()))
            {
                // Nothing is in the file, so nothing was accepted.
                outcome = Outcome::Unavailable { answer: format!("sandbox: the file takes nothing: {why}") };
            }
            if let Some(log) = &self.log {
                log.push(entry(outcome.clone()));
            }
            outcome
        })
    }
}
