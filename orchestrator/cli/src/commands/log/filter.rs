//! What to look for in the log.

use crate::{control::Who, exit::Fault, instance::Instance};
use clap::Args;
use store::{LogFilter, MessageOutcome};
use words::{Channel, Timestamp};

/// All of it must hold.
#[derive(Debug, Args)]
pub(crate) struct FilterArgs {
    /// Of this customer: id, the shop's own id, e-mail address or phone number
    #[arg(long, value_name = "WHO")]
    customer: Option<String>,
    /// To this address, whosever it is: `email:a@example.jp`, `sms:+8190…`, or an e-mail address alone
    #[arg(long, value_name = "ADDRESS")]
    address: Option<String>,
    /// Planned at or after: a day (in UTC) or an instant
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Planned before: a day (in UTC) or an instant
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// On this channel
    #[arg(long, value_name = "NAME")]
    channel: Option<String>,
    /// Of this journey
    #[arg(long, value_name = "NAME")]
    journey: Option<String>,
    /// For this purpose
    #[arg(long, value_name = "NAME")]
    purpose: Option<String>,
    /// With this outcome: accepted, delivered, bounced, suppressed …
    #[arg(long, value_name = "NAME")]
    outcome: Option<String>,
    /// Not sent, for whatever reason
    #[arg(long, conflicts_with = "sent")]
    not_sent: bool,
    /// Sent
    #[arg(long)]
    sent: bool,
    /// With this in the message's name
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
}

/// Every outcome, by name.
const OUTCOMES: [MessageOutcome; 13] = [
    MessageOutcome::Planned,
    MessageOutcome::HandedOver,
    MessageOutcome::Accepted,
    MessageOutcome::Delivered,
    MessageOutcome::Unknown,
    MessageOutcome::Bounced,
    MessageOutcome::Complained,
    MessageOutcome::NotSent,
    MessageOutcome::Suppressed,
    MessageOutcome::Expired,
    MessageOutcome::Cancelled,
    MessageOutcome::Rejected,
    MessageOutcome::Quarantined,
];

impl FilterArgs {
    /// As the store reads it.
    pub(crate) async fn read(&self, instance: &Instance) -> anyhow::Result<LogFilter> {
        let customer = match &self.customer {
            Some(text) => Some(crate::control::find(instance, &Who::parse(text)).await?),
            None => None,
        };
        Ok(LogFilter {
            customer,
            address: self.address.as_deref().map(address).transpose()?,
            from: self.from.as_deref().map(time).transpose()?,
            to: self.to.as_deref().map(time).transpose()?,
            channel: self.channel.as_deref().map(Channel::new),
            journey: self.journey.clone(),
            purpose: self.purpose.clone(),
            outcome: self.outcome.as_deref().map(outcome).transpose()?,
            not_sent: if self.not_sent { Some(true) } else { self.sent.then_some(false) },
            text: self.text.clone(),
        })
    }
}

fn address(text: &str) -> Result<(Channel, String), Fault> {
    if let Some((channel, value)) = text.split_once(':') {
        return Ok((Channel::new(channel), value.to_owned()));
    }
    match Who::parse(text) {
        Who::Address(channel, value) => Ok((channel, value)),
        _ => Err(Fault::usage(format!(
            "`{text}` is no address: write `email:a@example.jp` or `sms:+819012345678`"
        ))),
    }
}

/// A day or an instant.
pub(crate) fn time(text: &str) -> Result<Timestamp, Fault> {
    let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    Timestamp::parse(&whole).map_err(|_| {
        Fault::usage(format!(
            "`{text}` is no time: write a day like 2026-11-21, or 2026-11-21T09:30:00+09:00"
        ))
    })
}

fn outcome(text: &str) -> Result<MessageOutcome, Fault> {
    OUTCOMES.into_iter().find(|known| super::outcome(*known) == text).ok_or_else(|| {
        let names: Vec<&str> = OUTCOMES.into_iter().map(super::outcome).collect();
        Fault::usage(format!("`{text}` is no outcome; there is: {}", names.join(", ")))
    })
}
