//! What to look for in the log.

use crate::{control::Who, exit::Fault, instance::Instance};
use clap::Args;
use store::{LogFilter, MessageOutcome};
use words::{Channel, Timestamp, Zone};

/// All of it must hold.
#[derive(Debug, Args)]
pub(crate) struct FilterArgs {
    /// Of this customer: id, the shop's own id, e-mail address or phone number
    #[arg(long, value_name = "WHO")]
    customer: Option<String>,
    /// To this address, whosever it is: `email:a@example.jp`, `sms:+8190…`, or an e-mail address alone
    #[arg(long, value_name = "ADDRESS")]
    address: Option<String>,
    /// Planned at or after: a day (in the project's zone) or an instant
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Planned until: a day, the whole of it (in the project's zone), or before an instant
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

impl FilterArgs {
    /// As the store reads it.
    pub(crate) async fn read(&self, instance: &Instance) -> anyhow::Result<LogFilter> {
        let customer = match &self.customer {
            Some(text) => Some(crate::control::find_also_erased(instance, &Who::parse(text)).await?),
            None => None,
        };
        let (from, to) = period(self.from.as_deref(), self.to.as_deref(), instance).await?;
        Ok(LogFilter {
            customer,
            address: self.address.as_deref().map(address).transpose()?,
            from,
            to,
            channel: self.channel.as_deref().map(Channel::new),
            journey: self.journey.clone(),
            purpose: self.purpose.clone(),
            outcome: self.outcome.as_deref().map(outcome).transpose()?,
            not_sent: if self.not_sent { Some(true) } else { self.sent.then_some(false) },
            text: self.text.clone(),
        })
    }
}

impl FilterArgs {
    /// A sentence about a journey, channel or purpose that does not exist.
    pub(crate) async fn unknown_name(&self, instance: &Instance) -> anyhow::Result<Option<String>> {
        let [journey, channel, purpose] = [&self.journey, &self.channel, &self.purpose].map(Option::as_deref);
        crate::control::unknown_name(instance, journey, channel, purpose).await
    }

    /// Which fields were filled in, for the record of an export; with their values, where those name nobody.
    pub(crate) fn fields(&self) -> serde_json::Value {
        let mut out = serde_json::Map::new();
        for (name, value) in [
            ("from", &self.from),
            ("to", &self.to),
            ("channel", &self.channel),
            ("journey", &self.journey),
            ("purpose", &self.purpose),
            ("outcome", &self.outcome),
            ("message", &self.text),
        ] {
            if let Some(value) = value {
                out.insert(name.to_owned(), value.as_str().into());
            }
        }
        for (name, given) in [
            ("customer", self.customer.is_some()),
            ("address", self.address.is_some()),
            ("not_sent", self.not_sent),
            ("sent", self.sent),
        ] {
            if given {
                out.insert(name.to_owned(), true.into());
            }
        }
        out.into()
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

/// The days or instants of a period. A day begins when it does where the project lives; to find out when, the live release
/// is looked at, and only where a day was given.
pub(crate) async fn period(
    from: Option<&str>,
    to: Option<&str>,
    instance: &Instance,
) -> anyhow::Result<(Option<Timestamp>, Option<Timestamp>)> {
    let is_day = |text: &&str| text.len() == 10;
    let zone = match [from, to].iter().flatten().any(is_day) {
        true => crate::voice::zone(instance).await,
        false => Zone::utc(),
    };
    let from = from.map(|text| time(text, &zone, Edge::Start)).transpose()?;
    let to = to.map(|text| time(text, &zone, Edge::End)).transpose()?;
    Ok((from, to))
}

/// Which end of a day is meant. The last day of a period is one of its days, here as in the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edge {
    Start,
    End,
}

/// A day or an instant.
fn time(text: &str, zone: &Zone, edge: Edge) -> Result<Timestamp, Fault> {
    let wrong = || {
        Fault::usage(format!(
            "`{text}` is no time: write a day like 2026-11-21, or 2026-11-21T09:30:00+09:00"
        ))
    };
    if text.len() != 10 {
        return Timestamp::parse(text).map_err(|_| wrong());
    }
    let day: jiff::civil::Date = text.parse().map_err(|_| wrong())?;
    let day = if edge == Edge::End { day.tomorrow().map_err(|_| wrong())? } else { day };
    let start = day.to_zoned(zone.to_jiff().clone()).map_err(|_| wrong())?;
    Ok(Timestamp::from_jiff(start.timestamp()))
}

fn outcome(text: &str) -> Result<MessageOutcome, Fault> {
    MessageOutcome::parse(text).ok_or_else(|| {
        let names = MessageOutcome::ALL.map(MessageOutcome::as_str);
        Fault::usage(format!("`{text}` is no outcome; there is: {}", names.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_last_day_of_a_period_is_one_of_its_days_and_an_instant_is_an_instant() {
        let tokyo = Zone::parse("Asia/Tokyo").unwrap();
        let at = |text, edge| time(text, &tokyo, edge).unwrap().to_string();
        assert_eq!(at("2026-11-22", Edge::Start), "2026-11-21T15:00:00Z");
        assert_eq!(at("2026-11-22", Edge::End), "2026-11-22T15:00:00Z");
        assert_eq!(at("2026-11-22T09:00:00+09:00", Edge::End), "2026-11-22T00:00:00Z");
        assert!(time("22.11.2026", &tokyo, Edge::End).is_err());
    }
}
