//! How values are written for a visitor: times, numbers, money, names, reasons.

use super::language::Words;
use super::titles::Titles;
use super::visit::Visit;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use store::{DeliveryState, LogRow, MessageOutcome};
use words::{Currency, Language, Money, Timestamp, Value, Zone};

/// The visitor's language and the brand's zone.
pub(crate) struct View<'a> {
    pub(crate) language: Language,
    pub(crate) words: &'a Words,
    pub(crate) zone: Zone,
    pub(crate) titles: Titles,
}

/// Why something was not taken in, in Japanese; `None`: nobody wrote it down.
pub fn refused(english: &str) -> Option<String> {
    super::japanese::REFUSALS.japanese(english)
}

impl<'a> View<'a> {
    pub(crate) fn new(visit: &'a Visit) -> Self {
        let release = visit.console.app.current.release();
        Self {
            language: visit.language,
            words: visit.console.words(visit.language),
            zone: release.as_ref().map_or_else(Zone::utc, |release| release.brand.zone.clone()),
            titles: Titles::new(release, visit.language),
        }
    }

    /// What a purpose is called; its name where the release knows none.
    pub(crate) fn purpose(&self, name: &str) -> String {
        self.titles.purpose(name)
    }

    /// What a journey is called; its name where the release knows none.
    pub(crate) fn journey(&self, name: &str) -> String {
        self.titles.journey(name)
    }

    /// What a form offers to choose from: titles, by title, beside the names that stand for them. What was asked for is among
    /// them, though nothing is called that.
    pub(crate) fn choices(
        &self,
        names: impl IntoIterator<Item = String>,
        asked: Option<&str>,
        title: impl Fn(&Self, &str) -> String,
    ) -> Vec<Json> {
        let names: BTreeSet<String> = names.into_iter().chain(asked.map(str::to_owned)).collect();
        let mut all: Vec<(String, String)> =
            names.into_iter().map(|name| (title(self, &name), name)).collect();
        all.sort();
        let twice = |title: &str| all.iter().filter(|(other, _)| other == title).count() > 1;
        all.iter()
            .map(|(title, name)| {
                let text = if twice(title) { format!("{title} ({name})") } else { title.clone() };
                json!({"name": name, "text": text})
            })
            .collect()
    }

    /// An instant: for machines, for people, its day and its time of day.
    pub(crate) fn time(&self, at: Timestamp) -> Json {
        let at = at.to_jiff();
        let local = at.to_zoned(self.zone.to_jiff().clone());
        let day = match self.language {
            Language::En => local.strftime("%-d %b %Y").to_string(),
            Language::Ja => local.strftime("%Y年%-m月%-d日").to_string(),
        };
        let clock = local.strftime("%H:%M").to_string();
        let text = match self.language {
            Language::En => format!("{day}, {clock}"),
            Language::Ja => format!("{day} {clock}"),
        };
        json!({"iso": at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(), "text": text, "day": day, "clock": clock})
    }

    /// The same, null where there is none.
    pub(crate) fn time_opt(&self, at: Option<Timestamp>) -> Json {
        at.map_or(Json::Null, |at| self.time(at))
    }

    /// A count with its thousands apart.
    pub(crate) fn number(&self, n: u64) -> String {
        grouped(&n.to_string())
    }

    /// An amount, as people of the visitor's language write it.
    pub(crate) fn money(&self, minor: i64, currency: &str) -> String {
        money(self.language, minor, currency)
    }

    /// Amounts of several currencies, one text each.
    pub(crate) fn amounts(&self, amounts: &[(String, i64)]) -> Vec<String> {
        amounts.iter().map(|(currency, minor)| self.money(*minor, currency)).collect()
    }

    /// A share of a whole; a dash where there is no whole.
    pub(crate) fn share(&self, part: u64, whole: u64) -> String {
        if whole == 0 {
            return "–".to_owned();
        }
        #[allow(clippy::cast_precision_loss, reason = "shown with one decimal")]
        let percent = part as f64 * 100.0 / whole as f64;
        format!("{percent:.1}%")
    }

    /// Why something was not taken in.
    pub(crate) fn refusal(&self, reason: &str) -> String {
        match self.language {
            Language::En => reason.to_owned(),
            Language::Ja => super::japanese::REFUSALS.each(reason),
        }
    }

    /// A value of a trait or property.
    pub(crate) fn value(&self, value: &Value) -> String {
        match value {
            Value::Null => "–".to_owned(),
            Value::Bool(yes) => self.words.plain(if *yes { "yes" } else { "no" }),
            Value::Text(text) => text.clone(),
            Value::Int(n) => n.to_string(),
            Value::Float(n) => n.to_string(),
            Value::Money(money) => self.money(money.minor, money.currency.as_str()),
            Value::Time(at) => self.time(*at)["text"].as_str().unwrap_or_default().to_owned(),
            Value::Date(date) => date.to_string(),
            Value::Duration(length) => length.to_string(),
            Value::List(_) | Value::Map(_) => value.to_plain_json().to_string(),
        }
    }

    /// The outcome of a message: its name, its words, how it looks.
    pub(crate) fn outcome(&self, outcome: MessageOutcome) -> Json {
        let name = outcome.as_str();
        let tone = match outcome {
            MessageOutcome::Delivered | MessageOutcome::Accepted => "good",
            MessageOutcome::Planned | MessageOutcome::HandedOver => "calm",
            MessageOutcome::Unknown | MessageOutcome::Quarantined => "warn",
            MessageOutcome::Bounced | MessageOutcome::Complained | MessageOutcome::Rejected => "bad",
            MessageOutcome::NotSent
            | MessageOutcome::Suppressed
            | MessageOutcome::Expired
            | MessageOutcome::Cancelled => "quiet",
        };
        json!({"name": name, "text": self.words.named("outcome", name), "tone": tone})
    }

    /// The same of something that may have gone to the development inbox: that is never called accepted, or sent.
    pub(crate) fn outcome_in(&self, outcome: MessageOutcome, in_inbox: bool) -> Json {
        self.kept(self.outcome(outcome), in_inbox)
    }

    /// Where a delivery stands that may have gone to the development inbox.
    pub(crate) fn state_in(&self, state: DeliveryState, in_inbox: bool) -> Json {
        self.kept(self.state(state), in_inbox)
    }

    fn kept(&self, mut badge: Json, in_inbox: bool) -> Json {
        if in_inbox {
            let name = badge["name"].as_str().unwrap_or_default().to_owned();
            badge["text"] = super::language::outcome_words(self.words, &name, true).into();
            if badge["tone"] == "good" {
                badge["tone"] = "calm".into();
            }
        }
        badge
    }

    /// Where a delivery stands.
    pub(crate) fn state(&self, state: DeliveryState) -> Json {
        let tone = match state {
            DeliveryState::Planned | DeliveryState::Claimed | DeliveryState::HandingOver => "calm",
            DeliveryState::Accepted | DeliveryState::Delivered => "good",
            DeliveryState::Unknown | DeliveryState::Quarantined => "warn",
            DeliveryState::Bounced | DeliveryState::Complained | DeliveryState::Rejected => "bad",
            DeliveryState::Suppressed | DeliveryState::Expired | DeliveryState::Cancelled => "quiet",
        };
        let name = state.as_str();
        json!({"name": name, "text": self.words.named("outcome", name), "tone": tone})
    }

    /// A channel, with its name in words.
    pub(crate) fn channel(&self, channel: &str) -> Json {
        json!({"name": channel, "text": self.words.named("channel", channel)})
    }

    /// A line of the log.
    pub(crate) fn row(&self, row: &LogRow) -> Json {
        let why = self.why(row.why.as_deref());
        json!({
            "id": row.message.to_string(),
            "customer": row.customer.to_string(),
            "journey": row.journey, "journey_title": self.journey(&row.journey), "step": step_beside(row), "visit": row.visit, "name": row.name,
            "origin": row.origin.as_str(),
            "purpose": self.purpose(&row.purpose),
            "class": self.words.named("class", row.class.as_str()),
            "at": self.time(row.planned_at),
            "outcome": self.outcome_in(row.outcome, row.in_inbox()),
            "settled": self.time_opt(row.settled_at),
            "channels": row.channels.iter().map(|c| self.channel(c.as_str())).collect::<Vec<_>>(),
            "reason": first_reason(&why, row.outcome),
        })
    }

    /// A verdict or an outcome as the record keeps it, in words.
    pub(crate) fn why(&self, why: Option<&str>) -> Json {
        let Some(raw) = why.and_then(|text| serde_json::from_str::<Json>(text).ok()) else {
            return Json::Null;
        };
        let reasons: Vec<Json> =
            raw["reasons"].as_array().into_iter().flatten().map(|r| self.reason(r)).collect();
        let consent = &raw["consent"];
        let consent = if consent.is_object() { self.basis(consent) } else { Json::Null };
        let decision = raw["decision"]["verdict"].as_str().map(|name| self.words.named("verdict", name));
        let until = raw["decision"]["until"].as_str().and_then(|t| Timestamp::parse(t).ok());
        let until = until.or_else(|| raw["decision"]["until"].as_i64().map(Timestamp::from_micros));
        let outcome = &raw["outcome"];
        let outcome = outcome.as_str().or_else(|| outcome["outcome"].as_str());
        json!({
            "decision": decision,
            "until": self.time_opt(until),
            "reasons": reasons,
            "consent": consent,
            "zones": raw["clocks"]["zones"].as_array().map(|zones| {
                zones.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(", ")
            }),
            "packs": raw["packs"].as_str(),
            "outcome": outcome.map(|name| self.words.named("outcome", name)),
            "because": self.text(&raw["because"]),
            "settled_by": raw["settled_by"].as_str(),
            "settled_reason": raw["reason"].as_str(),
            "words": self.text(&raw),
        })
    }

    fn reason(&self, reason: &Json) -> Json {
        let outcome = reason["outcome"].as_str().unwrap_or("block");
        let text = self.text(&reason["text"]);
        let code = reason["code"].as_str().unwrap_or_default();
        json!({
            "code": code,
            "rule": reason["rule"].as_str(),
            "outcome": outcome,
            "effect": self.words.named("effect", outcome),
            "text": text.unwrap_or_else(|| code.to_owned()),
        })
    }

    /// Why something was not sent, in a few words: by the code of its reason, else by what became of it.
    pub(crate) fn reason_words(&self, code: &str, outcome: MessageOutcome) -> String {
        let code = if code.is_empty() { outcome.as_str() } else { code };
        let known = self.words.named("why", code);
        let text = if known == code { self.words.named("outcome", code) } else { known };
        text.replace('_', " ")
    }

    /// A provider by its name; the development inbox in words.
    pub(crate) fn provider(&self, name: &str) -> String {
        self.words.named("provider", name)
    }

    fn basis(&self, consent: &Json) -> Json {
        let at = |name: &str| {
            let value = &consent[name];
            let at = value.as_str().and_then(|t| Timestamp::parse(t).ok());
            self.time_opt(at.or_else(|| value.as_i64().map(Timestamp::from_micros)))
        };
        json!({
            "purpose": consent["purpose"].as_str().map(|name| self.purpose(name)),
            "channel": consent["channel"].as_str().map(|c| self.words.named("channel", c)),
            "basis": self.words.named("basis", consent["basis"].as_str().unwrap_or_default()),
            "at": at("at"),
            "expires": at("expires_at"),
            "method": consent["method"].as_str(),
            "text_hash": consent["text_hash"].as_str(),
        })
    }

    /// A sentence in the visitor's language, its instants in the brand's zone.
    pub(crate) fn told(&self, text: &words::Text) -> String {
        words::calendar::retold(text.get(self.language), &self.zone).into_owned()
    }

    /// The sentence of `{"en": …, "ja": …}` in the visitor's language, its instants in the brand's zone.
    pub(crate) fn text(&self, text: &Json) -> Option<String> {
        let text = text[super::language::tag(self.language)].as_str()?;
        Some(words::calendar::retold(text, &self.zone).into_owned())
    }
}

/// The step, where it says more than the message's own name.
fn step_beside(row: &LogRow) -> Option<&str> {
    (row.step.strip_prefix("send:") != Some(row.name.as_str())).then_some(row.step.as_str())
}

/// An amount of minor units, as people who read `language` write it.
pub fn money(language: Language, minor: i64, currency: &str) -> String {
    let Ok(code) = Currency::parse(currency) else { return format!("{minor} {currency}") };
    let decimal = Money::new(minor, code).decimal();
    let (sign, digits) = decimal.strip_prefix('-').map_or(("", decimal.as_str()), |rest| ("−", rest));
    let (whole, part) = digits.split_once('.').map_or((digits, ""), |(whole, part)| (whole, part));
    let dot = if part.is_empty() { "" } else { "." };
    let amount = format!("{}{dot}{part}", grouped(whole));
    match (code.as_str(), language) {
        ("JPY", Language::Ja) => format!("{sign}{amount}円"),
        ("JPY", Language::En) => format!("{sign}¥{amount}"),
        ("USD", _) => format!("{sign}${amount}"),
        ("EUR", _) => format!("{sign}€{amount}"),
        (code, _) => format!("{sign}{amount} {code}"),
    }
}

/// The reason that a list shows: the first that decided.
fn first_reason(why: &Json, outcome: MessageOutcome) -> Json {
    let reasons = why["reasons"].as_array().map(Vec::as_slice).unwrap_or_default();
    let deciding = reasons.iter().find(|r| matches!(r["outcome"].as_str(), Some("block" | "delay")));
    if outcome == MessageOutcome::Unknown && why["because"].is_string() {
        return why["because"].clone();
    }
    match deciding {
        Some(reason) if outcome.is_not_sent() || reason["outcome"] == "delay" => reason["text"].clone(),
        // It was allowed, and came to nothing all the same.
        _ if outcome.is_not_sent() => why["outcome"].clone(),
        _ => Json::Null,
    }
}

fn grouped(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        for (digits, shown) in [("0", "0"), ("999", "999"), ("1000", "1,000"), ("1234567", "1,234,567")] {
            assert_eq!(grouped(digits), shown);
        }
    }
}
