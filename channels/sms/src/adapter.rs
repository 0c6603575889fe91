//! The adapter.

use crate::{
    AuthKind, BodyKind, Meaning, Provider, form_pairs, inbound, keyword, receipt, segments, verify_signature,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use channel::{
    Adapter, Call, CallRefused, Capabilities, Composed, Handing, Idempotency, Keyword, OPTED_OUT, Outcome,
    Parcel, Part, Said, Stage,
};
use egress::{Answer, Client, PAUSE_DEFAULT, Reach, Request, Settings, SettingsError, one_line};
use serde_json::Value;
use std::time::Duration;
use words::{Channel, PhoneNumber};

/// How an SMS adapter is set up.
#[derive(Clone)]
pub struct SmsConfig {
    /// The provider's protocol.
    pub provider: Provider,
    /// Where it lives, instead of [`Provider::base_url`].
    pub base_url: Option<String>,
    /// The account id.
    pub account: String,
    /// The secret that belongs to it.
    pub secret: String,
    /// The sender where the content names none under `from`: a number, a name, or a pool of senders.
    pub from: Option<String>,
    /// Our public address as the provider knows it: what it signs. `None`: no call is believed.
    pub callback_url: Option<String>,
    /// Whether it is asked to report there what becomes of a message; the delivery is appended as `?delivery=dlv_…`.
    pub receipts: bool,
    /// Where calls may go: [`Reach::Loopback`] until somebody goes live.
    pub reach: Reach,
    /// Hand-overs in flight.
    pub concurrency_max: usize,
}

impl std::fmt::Debug for SmsConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SmsConfig")
            .field("provider", &self.provider.provider)
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

impl SmsConfig {
    /// Twilio with its public address and no callbacks.
    pub fn twilio(account: impl Into<String>, secret: impl Into<String>) -> Self {
        Self {
            provider: Provider::twilio(),
            base_url: None,
            account: account.into(),
            secret: secret.into(),
            from: None,
            callback_url: None,
            receipts: false,
            reach: Reach::Anywhere,
            concurrency_max: 16,
        }
    }
}

/// SMS by an HTTP provider.
#[derive(Debug)]
pub struct SmsAdapter {
    config: SmsConfig,
    url: String,
    authorization: String,
    capabilities: Capabilities,
    client: Client,
}

impl SmsAdapter {
    /// An adapter with a client of its own.
    pub fn new(config: SmsConfig) -> Result<Self, SettingsError> {
        let client = Client::new(&Settings::reaching(config.reach))?;
        let provider = &config.provider;
        let base = config.base_url.as_deref().unwrap_or(&provider.base_url).trim_end_matches('/');
        let url = format!("{base}{}", provider.path.replace("{account}", &config.account));
        let authorization = match provider.auth {
            AuthKind::Basic => {
                format!("Basic {}", STANDARD.encode(format!("{}:{}", config.account, config.secret)))
            }
            AuthKind::Bearer => format!("Bearer {}", config.secret),
        };
        let capabilities = Capabilities {
            parts: vec![Part { name: "body".to_owned(), required: true }],
            idempotency: Idempotency::None,
            query: false,
            concurrency_max: config.concurrency_max,
            bytes_max: BYTES_MAX,
        };
        Ok(Self { config, url, authorization, capabilities, client })
    }

    /// Our fields by the provider's names, in a fixed order.
    fn fields(&self, parcel: &Parcel) -> Result<Vec<(&str, String)>, String> {
        let provider = &self.config.provider;
        let to = PhoneNumber::parse(&parcel.to).map_err(|error| error.to_string())?;
        let text = parcel.content.parts.get("body").map_or("", String::as_str);
        if text.trim().is_empty() {
            return Err("the part `body` is missing or empty: an SMS needs one".to_owned());
        }
        let chars = text.chars().count();
        if chars > provider.chars_max {
            return Err(format!(
                "the text has {chars} characters ({} parts); {} takes {}",
                segments(text).parts,
                provider.provider,
                provider.chars_max
            ));
        }
        let from = parcel.content.sender.get("from").or(self.config.from.as_ref());
        let from = from.ok_or("the brand has no SMS sender: set `from` of its `sms` sender")?;
        if from.trim().is_empty()
            || from.chars().count() > SENDER_CHARS_MAX
            || from.chars().any(char::is_control)
        {
            return Err(
                "the brand's SMS sender is neither a number nor a name nor a pool of senders".to_owned()
            );
        }
        let pool = provider.is_pool(from);
        let callback = self.config.callback_url.as_ref().filter(|_| self.config.receipts).map(|url| {
            let mark = if url.contains('?') { '&' } else { '?' };
            format!("{url}{mark}delivery={}", parcel.delivery)
        });
        let pairs = [
            ("to", Some(to.as_str().to_owned())),
            (if pool { "service" } else { "from" }, Some(from.clone())),
            ("text", Some(text.to_owned())),
            ("callback", callback),
        ];
        let named =
            |(ours, value): (&str, Option<String>)| Some((provider.fields.get(ours)?.as_str(), value?));
        Ok(pairs.into_iter().filter_map(named).collect())
    }

    /// What an answer means. Table: [`Provider::codes`] first, then the status, see [`Answer::outcome_by_status`].
    pub(crate) fn judge(&self, answer: &Answer, to: &str) -> Outcome {
        let provider = &self.config.provider;
        let body = answer.body.whole().and_then(|bytes| serde_json::from_slice::<Value>(bytes).ok());
        let at = |pointer: &str| {
            body.as_ref().and_then(|body| body.pointer(pointer)).and_then(|value| match value {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            })
        };
        if (200..300).contains(&answer.status) {
            let trouble = answer.body.trouble().unwrap_or("the answer is not the provider's");
            return match at(&provider.accepted.id).filter(|id| egress::is_id(id)) {
                Some(id) => Outcome::Accepted {
                    answer: one_line(&format!("HTTP {} {id}", answer.status), &[to]),
                    provider_id: Some(id),
                },
                None => Outcome::Unknown {
                    stage: Stage::Answer,
                    answer: format!("HTTP {}: {trouble}", answer.status),
                },
            };
        }
        let said = at(&provider.message).map(|text| one_line(&text, &[to, to.trim_start_matches('+')]));
        let said = said.or_else(|| answer.body.trouble().map(str::to_owned)).unwrap_or_default();
        let Some(code) = at(&provider.code) else { return answer.outcome_by_status(&said) };
        // That a number or a message is refused for good is believed of a refusal alone: after a redirect or a failure of
        // theirs nobody knows what became of the message, whatever code stands beside it.
        let refusal = (400..500).contains(&answer.status);
        let for_good = |meaning: &Meaning| {
            matches!(meaning, Meaning::AddressDead | Meaning::MessageRefused | Meaning::OptedOut)
        };
        let known = provider.codes.get(&code).filter(|(meaning, _)| refusal || !for_good(meaning));
        let Some((meaning, ours)) = known else {
            let said = one_line(&format!("{code} {said}"), &[to, to.trim_start_matches('+')]);
            return answer.outcome_by_status(&said);
        };
        let line = format!("HTTP {}: {code} {ours}", answer.status);
        match meaning {
            Meaning::AddressDead => Outcome::AddressDead { answer: line },
            Meaning::MessageRefused => Outcome::MessageRefused { answer: line },
            Meaning::OptedOut => Outcome::MessageRefused { answer: format!("{OPTED_OUT}: {line}") },
            Meaning::Misconfigured => Outcome::Misconfigured { answer: line },
            Meaning::Throttled => {
                Outcome::Throttled { after: answer.retry_after.unwrap_or(PAUSE_DEFAULT), answer: line }
            }
            Meaning::Unavailable => Outcome::Unavailable { answer: line },
            Meaning::Unknown => Outcome::Unknown { stage: Stage::Answer, answer: line },
        }
    }
}

impl Adapter for SmsAdapter {
    fn channel(&self) -> Channel {
        Channel::SMS
    }

    fn provider(&self) -> &str {
        &self.config.provider.provider
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn compose(&self, parcel: &Parcel) -> Result<Composed, String> {
        let fields = self.fields(parcel)?;
        let composed = match self.config.provider.body {
            BodyKind::Form => {
                let mut form = form_urlencoded::Serializer::new(String::new());
                form.extend_pairs(fields);
                Composed { media: FORM, bytes: form.finish().into_bytes() }
            }
            BodyKind::Json => {
                let object = fields.into_iter().map(|(name, value)| (name.to_owned(), Value::String(value)));
                let bytes = Value::Object(object.collect()).to_string().into_bytes();
                Composed { media: JSON, bytes }
            }
        };
        if composed.bytes.len() > BYTES_MAX {
            return Err(format!(
                "the request would have {} bytes; {BYTES_MAX} are allowed",
                composed.bytes.len()
            ));
        }
        Ok(composed)
    }

    fn hand_over<'a>(&'a self, parcel: &'a Parcel, bytes: &'a [u8], deadline: Duration) -> Handing<'a> {
        Box::pin(async move {
            let media = match self.config.provider.body {
                BodyKind::Form => FORM,
                BodyKind::Json => JSON,
            };
            let headers = vec![
                ("content-type", media.to_owned()),
                ("accept", JSON.to_owned()),
                ("authorization", self.authorization.clone()),
            ];
            let request = Request { url: &self.url, headers, body: bytes };
            match self.client.post(request, deadline).await.settle() {
                Ok(answer) => self.judge(&answer, &parcel.to),
                Err(outcome) => outcome,
            }
        })
    }

    /// A call that names a delivery tells what became of it; any other is a message of a person.
    fn callback(&self, call: &Call<'_>) -> Result<Vec<Said>, CallRefused> {
        let ours = self.config.callback_url.as_ref().ok_or(CallRefused::NotTaken)?;
        let url = if call.query.is_empty() { ours.clone() } else { format!("{ours}?{}", call.query) };
        let params = form_pairs(call.body);
        if !verify_signature(&self.config.secret, &url, &params, call.header("x-twilio-signature")) {
            return Err(CallRefused::Forged);
        }
        let query = form_pairs(call.query.as_bytes());
        if query.iter().any(|(name, _)| name == "delivery") {
            let said = receipt(&self.config.provider, &query, &params, call.at)?;
            return Ok(said.map(Said::Receipt).into_iter().collect());
        }
        Ok(vec![Said::Reply(inbound(&params)?)])
    }

    fn keyword(&self, text: &str, locale: &str) -> Option<Keyword> {
        keyword(text, locale)
    }
}

/// A text of the most characters, each percent-encoded at its longest, and the rest of the form.
const BYTES_MAX: usize = 32 * 1024;
/// The longest sender is the id of a pool of senders (34 characters at Twilio).
const SENDER_CHARS_MAX: usize = 64;

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";
