//! The adapter of stories: captures, and answers as the story says.

use channel::{Adapter, Capabilities, Composed, Handing, Idempotency, Outcome, Parcel, Stage};
use journey::story;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use words::{Channel, MessageId};

/// One line of script: (message, channel, outcome, times left).
type Scripted = (Option<String>, Option<Channel>, story::Outcome, Option<u32>);

/// What all captured channels of a story share.
#[derive(Debug, Default)]
pub(super) struct Script {
    lines: Mutex<Vec<Scripted>>,
    /// The names of planned messages, by id: a parcel does not carry its message's name.
    names: Mutex<BTreeMap<MessageId, String>>,
}

impl Script {
    pub(super) fn add(&self, line: Scripted) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    pub(super) fn name(&self, message: MessageId, name: &str) {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).insert(message, name.to_owned());
    }

    fn outcome(&self, message: MessageId, channel: &Channel) -> story::Outcome {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let name = names.get(&message);
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        // The newest line that fits and is not used up counts.
        for (wanted, on, outcome, left) in lines.iter_mut().rev() {
            let fits =
                wanted.as_ref().is_none_or(|w| Some(w) == name) && on.as_ref().is_none_or(|c| c == channel);
            if !fits || *left == Some(0) {
                continue;
            }
            if let Some(left) = left {
                *left -= 1;
            }
            return *outcome;
        }
        story::Outcome::Accepted
    }
}

/// A captured channel.
pub(super) struct Captured {
    channel: Channel,
    script: Arc<Script>,
    capabilities: Capabilities,
}

impl Captured {
    pub(super) fn new(channel: Channel, script: Arc<Script>) -> Self {
        let capabilities = Capabilities {
            parts: Vec::new(),
            idempotency: Idempotency::None,
            query: false,
            concurrency_max: 64,
            bytes_max: 1 << 20,
        };
        Self { channel, script, capabilities }
    }
}

impl Adapter for Captured {
    fn channel(&self) -> Channel {
        self.channel.clone()
    }

    fn provider(&self) -> &str {
        "story"
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn compose(&self, parcel: &Parcel) -> Result<Composed, String> {
        let bytes = serde_json::to_vec(&parcel.content).map_err(|e| e.to_string())?;
        Ok(Composed { media: "application/json", bytes })
    }

    fn hand_over<'a>(&'a self, parcel: &'a Parcel, _: &'a [u8], _: Duration) -> Handing<'a> {
        let answer = "as the story says".to_owned();
        let outcome = match self.script.outcome(parcel.message, &self.channel) {
            story::Outcome::Accepted => Outcome::Accepted { provider_id: None, answer },
            story::Outcome::AddressDead => Outcome::AddressDead { answer },
            story::Outcome::MessageRefused => Outcome::MessageRefused { answer },
            story::Outcome::Misconfigured => Outcome::Misconfigured { answer },
            story::Outcome::Throttled => Outcome::Throttled { after: Duration::from_secs(60), answer },
            story::Outcome::Unavailable => Outcome::Unavailable { answer },
            story::Outcome::Unknown => Outcome::Unknown { stage: Stage::Answer, answer },
        };
        Box::pin(async move { outcome })
    }
}
