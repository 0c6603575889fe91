//! Whether messages leave: go-live, stops, held; and one message to try it.

use super::Desk;
use crate::{adapters, exit::Fault};
use channel::{Content, Outcome, Parcel};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use store::{StopScope, TestSend};
use words::{Channel, DeliveryId, Locale, MessageClass, MessageId};

/// What `tabi send-test` sends.
pub(crate) struct TestMessage {
    pub(crate) message: String,
    pub(crate) channel: Option<Channel>,
    pub(crate) to: String,
    pub(crate) locale: Option<Locale>,
    pub(crate) sample: Option<String>,
    pub(crate) by: String,
}

impl Desk {
    /// Messages leave the machine from now on. The providers are made first: what cannot work is said before.
    pub(crate) async fn go_live(&self, by: &str) -> anyhow::Result<Value> {
        let store = &self.instance.store;
        if let Some(held) = store.held() {
            return Err(Fault::refused(format!(
                "this installation is held ({}): `tabi resume --held` releases it",
                held.reason
            ))
            .into());
        }
        self.as_configured()?;
        let base_url = self.base_url();
        let providers = adapters::providers(&self.instance.config, &base_url)?;
        if providers.is_empty() {
            return Err(Fault::refused(
                "no provider is configured: name one in tabi.yaml (`email: {host: …}`), so that messages have a way out",
            )
            .into());
        }
        if base_url.starts_with("http://127.") || base_url.starts_with("http://localhost") {
            return Err(Fault::refused(
                "links in messages would lead to this machine: set `base_url: https://…` in tabi.yaml to the address that \
                 customers reach Tabi by",
            )
            .into());
        }
        let examples: Vec<String> = self.filled_in().await?.iter().map(ToString::to_string).collect();
        store.go_live_sending(by, self.instance.now()).await?;
        self.choose_adapters().await?;
        let channels: Vec<String> = providers.keys().map(|channel| channel.as_str().to_owned()).collect();
        Ok(
            json!({"sending_live": true, "by": by, "channels": channels, "without": self.without(&channels).await,
                "examples": examples}),
        )
    }

    /// Channels that the live messages use and that have no provider.
    async fn without(&self, channels: &[String]) -> Vec<String> {
        let Ok(release) = self.instance.release().await else { return Vec::new() };
        let mut missing: Vec<String> = release
            .templates
            .catalog()
            .messages
            .into_values()
            .flat_map(|entry| entry.channels)
            .map(|channel| channel.as_str().to_owned())
            .filter(|channel| !channels.contains(channel))
            .collect();
        missing.sort();
        missing.dedup();
        missing
    }

    fn base_url(&self) -> String {
        match &self.running {
            Some(running) => running.base_url.clone(),
            None => {
                self.instance.config.base_url.clone().unwrap_or_else(|| "http://127.0.0.1:8080".to_owned())
            }
        }
    }

    /// Messages go to the development inbox again.
    pub(crate) async fn end_live(&self, by: &str) -> anyhow::Result<Value> {
        self.instance.store.end_live_sending(by, self.instance.now()).await?;
        self.choose_adapters().await?;
        Ok(json!({"sending_live": false, "by": by}))
    }

    pub(crate) async fn stop(&self, scope: StopScope, by: &str, reason: &str) -> anyhow::Result<Value> {
        self.stoppable(&scope).await?;
        self.instance.store.stop(scope, by, reason, self.instance.now()).await?;
        Ok(json!({"stopped": true, "by": by}))
    }

    pub(crate) async fn resume(&self, scope: &StopScope, by: &str) -> anyhow::Result<Value> {
        let there_was = self.instance.store.resume(scope, by, self.instance.now()).await?;
        Ok(json!({"resumed": there_was, "by": by}))
    }

    pub(super) async fn release_held(&self, by: &str, reason: &str) -> anyhow::Result<Value> {
        let was = self.instance.store.held().is_some();
        if was {
            self.instance.store.release_held(by, reason, self.instance.now()).await?;
        }
        Ok(json!({"released": was, "by": by}))
    }

    pub(super) async fn announce_move(&self, by: &str) -> anyhow::Result<Value> {
        self.instance.store.announce_move(by, self.instance.now()).await?;
        Ok(json!({"announced": true}))
    }

    /// One message with a sample's values, through the adapters that are in force, past the judge: recorded, never counted.
    pub(super) async fn send_test(&self, test: TestMessage) -> anyhow::Result<Value> {
        let Some(running) = &self.running else {
            return Err(Fault::refused(
                "nothing is running that could send: start `tabi serve`, then try again in a second terminal",
            )
            .into());
        };
        if let Some(held) = self.instance.store.held() {
            return Err(Fault::refused(format!(
                "nothing is sent while this installation is held: {}",
                held.reason
            ))
            .into());
        }
        let release = self.instance.release().await?;
        let previews = release.templates.preview(&test.message);
        if previews.is_empty() {
            let names: Vec<String> = release.templates.catalog().messages.into_keys().collect();
            return Err(Fault::problem(format!(
                "the live release has no message `{}`; it has: {}",
                test.message,
                names.join(", ")
            ))
            .into());
        }
        written_for(&test, &previews)?;
        let fits = |preview: &&render::Preview| {
            test.channel.as_ref().is_none_or(|channel| preview.channel == *channel)
                && test.locale.as_ref().is_none_or(|locale| preview.locale == *locale)
                && test.sample.as_ref().is_none_or(|sample| preview.sample == *sample)
        };
        let preview = previews.iter().find(fits).ok_or_else(|| {
            let samples: Vec<String> = previews
                .iter()
                .map(|p| format!("{} / {} / {}", p.channel.as_str(), p.locale.as_str(), p.sample))
                .collect();
            Fault::problem(format!(
                "`{}` has no such preview; there is: {}",
                test.message,
                samples.join("; ")
            ))
        })?;
        let rendered = preview.result.clone()?;
        let to = number(&preview.channel, &test.to, &release.templates.brand().countries)?;
        let adapters = running.machine.adapters();
        let adapter = adapters.get(&preview.channel).ok_or_else(|| {
            Fault::refused(format!(
                "no provider is configured for {}: name one in tabi.yaml",
                preview.channel.as_str()
            ))
        })?;
        let now = self.instance.now();
        let message = MessageId(self.instance.ids.next(now));
        let parcel = Parcel {
            delivery: DeliveryId::derive(message, 1, preview.channel.as_str(), 0),
            message,
            class: MessageClass::Service,
            to,
            content: content(rendered, now),
        };
        let composed = adapter.compose(&parcel).map_err(Fault::problem)?;
        let outcome = adapter.hand_over(&parcel, &composed.bytes, worker::HAND_OVER_DEADLINE).await;
        let to = normal(&preview.channel, &parcel.to);
        let sent = TestSend {
            message,
            name: test.message.clone(),
            channel: preview.channel.clone(),
            to,
            provider: adapter.provider().to_owned(),
            outcome: outcome.as_str().to_owned(),
            by: test.by.clone(),
        };
        self.instance.store.note_test(sent, now).await?;
        let in_inbox = adapter.provider() == channel::INBOX;
        match outcome {
            Outcome::Accepted { provider_id, answer } => Ok(json!({
                "accepted": true, "message": message.to_string(), "channel": preview.channel, "locale": preview.locale,
                "sample": preview.sample, "provider": adapter.provider(), "provider_id": provider_id, "answer": answer,
                "inbox": in_inbox,
            })),
            other => {
                let text = format!("{} did not take it: {}", adapter.provider(), refusal(&other));
                Err(Fault::problem(text).into())
            }
        }
    }
}

/// The channel that was asked for, or that the address belongs to, has to be one that the message is written for.
fn written_for(test: &TestMessage, previews: &[render::Preview]) -> Result<(), Fault> {
    let Some(channel) = &test.channel else { return Ok(()) };
    let channels: BTreeSet<&str> = previews.iter().map(|preview| preview.channel.as_str()).collect();
    if channels.contains(channel.as_str()) {
        return Ok(());
    }
    let (message, to) = (&test.message, &test.to);
    let there = channels.into_iter().collect::<Vec<_>>().join(", ");
    Err(Fault::problem(format!(
        "`{message}` is not written for {channel}, by which `{to}` is reached; it is written for: {there}"
    )))
}

/// An address in its normal form, so that it is found however it was typed.
fn normal(channel: &Channel, address: &str) -> String {
    if *channel == Channel::EMAIL {
        return words::EmailAddress::parse(address)
            .map_or_else(|_| address.to_owned(), |it| it.as_str().to_owned());
    }
    if *channel == Channel::SMS {
        return words::PhoneNumber::parse(address)
            .map_or_else(|_| address.to_owned(), |it| it.as_str().to_owned());
    }
    address.to_owned()
}

/// What a provider answered that did not accept.
pub(crate) fn refusal(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Accepted { answer, .. }
        | Outcome::AddressDead { answer }
        | Outcome::MessageRefused { answer }
        | Outcome::Misconfigured { answer }
        | Outcome::Throttled { answer, .. }
        | Outcome::Deferred { answer, .. }
        | Outcome::Unavailable { answer }
        | Outcome::Unknown { answer, .. } => answer.clone(),
    }
}

/// A phone number as people write it, read with the first of the brand's countries that has such numbers; any other
/// address as it is.
fn number(channel: &Channel, to: &str, countries: &[words::Country]) -> anyhow::Result<String> {
    if *channel != Channel::SMS || words::PhoneNumber::parse(to).is_ok() {
        return Ok(to.to_owned());
    }
    let found = countries.iter().find_map(|country| server::national(to, *country));
    found.map(|number| number.as_str().to_owned()).ok_or_else(|| {
        Fault::usage(format!(
            "`{to}` is not a phone number: write it with its country code, like +819012345678"
        ))
        .into()
    })
}

/// As the send batch hands it over, without any customer's links.
fn content(rendered: render::Rendered, now: words::Timestamp) -> Content {
    let (mut parts, mut sender) = (BTreeMap::new(), BTreeMap::new());
    match rendered.content {
        render::Content::Email(email) => {
            parts.insert("subject".to_owned(), email.subject);
            parts.insert("html".to_owned(), email.html);
            parts.insert("text".to_owned(), email.text);
            sender.insert("from".to_owned(), email.from_address);
            sender.insert("from_name".to_owned(), email.from_name);
            if let Some(reply_to) = email.reply_to {
                sender.insert("reply_to".to_owned(), reply_to);
            }
        }
        render::Content::Sms(sms) => {
            parts.insert("body".to_owned(), sms.text);
            if let Some(from) = sms.from {
                sender.insert("from".to_owned(), from);
            }
        }
        render::Content::Push(push) => {
            parts.insert("title".to_owned(), push.title);
            parts.insert("body".to_owned(), push.body);
            if !push.data.is_empty() {
                parts.insert("data".to_owned(), json!(push.data).to_string());
            }
        }
        render::Content::Parts(other) => parts = other,
    }
    Content {
        parts,
        sender,
        unsubscribe_url: None,
        locale: rendered.locale.as_str().to_owned(),
        date: now.to_string(),
    }
}
