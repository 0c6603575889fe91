//! Which adapters send: the development inbox until somebody goes live, the configured providers from then on.

use crate::config::Config;
use anyhow::Context as _;
use channel::Adapter;
use egress::Reach;
use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};
use worker::Adapters;

/// Where the development inbox listens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InboxPorts {
    /// SMTP.
    pub(crate) smtp: SocketAddr,
    /// SMS, push and webhooks.
    pub(crate) http: SocketAddr,
}

/// What everything is sent through before go-live: this machine's inbox, and nothing can leave.
/// `listens`: where this process serves, if it does, for the reports of the inbox.
pub(crate) fn development(ports: InboxPorts, listens: Option<SocketAddr>) -> anyhow::Result<Adapters> {
    let base = format!("http://{}", ports.http);
    let mut smtp = email::SmtpConfig::new(ports.smtp.ip().to_string(), ports.smtp.port(), email::Tls::None);
    smtp.pool_max = 4;
    let mut sms = sms::SmsConfig::twilio("ACdevelopment", "development");
    sms.base_url = Some(base.clone());
    sms.from = Some("+15005550006".to_owned());
    sms.reach = Reach::Loopback;
    // The inbox reports as a provider would; it reaches this process where that listens on this machine.
    let port = listens.map_or(0, |address| address.port());
    sms.callback_url = Some(format!("http://127.0.0.1:{port}/callbacks/sms"));
    sms.receipts = port != 0;
    let mut webhook = webhook::WebhookConfig::new(webhook::Key::parse(DEVELOPMENT_KEY)?);
    webhook.reach = Reach::Loopback;
    webhook.inbox = Some(base.clone());
    let adapters: Vec<Arc<dyn Adapter>> = vec![
        Arc::new(email::SmtpAdapter::new(smtp)?),
        Arc::new(sms::SmsAdapter::new(sms)?),
        Arc::new(push::PushAdapter::new(push::PushConfig::inbox(&base))?),
        Arc::new(webhook::WebhookAdapter::new(webhook)?),
    ];
    Ok(by_channel(adapters.into_iter().map(|adapter| Arc::new(Kept(adapter)) as Arc<dyn Adapter>).collect()))
}

/// A provider's adapter that speaks to the development inbox, and is called that in the record: everything else about it is
/// as it will be.
struct Kept(Arc<dyn Adapter>);

impl Adapter for Kept {
    fn channel(&self) -> words::Channel {
        self.0.channel()
    }

    fn provider(&self) -> &str {
        channel::INBOX
    }

    fn capabilities(&self) -> &channel::Capabilities {
        self.0.capabilities()
    }

    fn compose(&self, parcel: &channel::Parcel) -> Result<channel::Composed, String> {
        self.0.compose(parcel)
    }

    fn hand_over<'a>(
        &'a self,
        parcel: &'a channel::Parcel,
        bytes: &'a [u8],
        deadline: std::time::Duration,
    ) -> channel::Handing<'a> {
        self.0.hand_over(parcel, bytes, deadline)
    }

    fn callback(&self, call: &channel::Call<'_>) -> Result<Vec<channel::Said>, channel::CallRefused> {
        self.0.callback(call)
    }

    fn keyword(&self, text: &str, locale: &str) -> Option<channel::Keyword> {
        self.0.keyword(text, locale)
    }
}

/// Signs what stays on this machine; no secret.
const DEVELOPMENT_KEY: &str = "whsec_ZGV2ZWxvcG1lbnQgaW5ib3gsIG5vIHNlY3JldCE=";

/// What the configuration names. A channel without a provider has no adapter: its messages wait.
pub(crate) fn providers(config: &Config, base_url: &str) -> anyhow::Result<Adapters> {
    let mut adapters: Vec<Arc<dyn Adapter>> = Vec::new();
    if let Some(email) = &config.email {
        adapters.push(Arc::new(smtp(config, email)?));
    }
    if let Some(sms) = &config.sms {
        adapters.push(Arc::new(sms_provider(config, sms, base_url)?));
    }
    if let Some(push) = &config.push {
        adapters.push(Arc::new(push_provider(config, push)?));
    }
    if let Some(webhook) = &config.webhook {
        let key = webhook::Key::parse(&config.secret("webhook.secret", &webhook.secret)?)?;
        adapters.push(Arc::new(webhook::WebhookAdapter::new(webhook::WebhookConfig::new(key))?));
    }
    Ok(by_channel(adapters))
}

/// The mail relay that the configuration names.
pub(crate) fn smtp(
    config: &Config,
    email: &crate::config::EmailConfig,
) -> anyhow::Result<email::SmtpAdapter> {
    let usual = match email.tls {
        email::Tls::Implicit => 465,
        email::Tls::StartTls => 587,
        email::Tls::None => 25,
    };
    let mut smtp = email::SmtpConfig::new(email.host.clone(), email.port.unwrap_or(usual), email.tls);
    smtp.clear_text_declared = email.clear_text;
    smtp.ca_file = email.ca_file.as_ref().map(|path| config.path(path));
    smtp.username.clone_from(&email.username);
    smtp.password = match &email.password {
        Some(place) => Some(config.secret("email.password", place)?),
        None => None,
    };
    if let Some(helo) = &email.helo {
        smtp.helo_name.clone_from(helo);
    }
    if let Some(connections) = email.connections {
        smtp.pool_max = connections;
    }
    email::SmtpAdapter::new(smtp).context("email")
}

fn sms_provider(
    config: &Config,
    given: &crate::config::SmsConfig,
    base_url: &str,
) -> anyhow::Result<sms::SmsAdapter> {
    let secret = config.secret("sms.secret", &given.secret)?;
    let mut sms = sms::SmsConfig::twilio(given.account.clone(), secret);
    if let Some(file) = &given.provider_file {
        let path = config.path(file);
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        sms.provider = sms::Provider::from_json(&text).with_context(|| path.display().to_string())?;
    }
    sms.base_url.clone_from(&given.base_url);
    sms.from.clone_from(&given.from);
    // Replies are heard wherever the provider is told to send them; reports only come where they are asked for.
    sms.callback_url = Some(format!("{base_url}/callbacks/sms"));
    sms.receipts = given.callbacks;
    sms::SmsAdapter::new(sms).context("sms")
}

fn push_provider(config: &Config, given: &crate::config::PushConfig) -> anyhow::Result<push::PushAdapter> {
    let account = config.secret("push.service_account", &given.service_account)?;
    let account = push::ServiceAccount::from_json(&account).context("push.service_account")?;
    let mut push = push::PushConfig::new(push::Credentials::Account(account));
    push.project.clone_from(&given.project);
    push.base_url.clone_from(&given.base_url);
    push::PushAdapter::new(push).context("push")
}

fn by_channel(adapters: Vec<Arc<dyn Adapter>>) -> Adapters {
    adapters.into_iter().map(|adapter| (adapter.channel(), adapter)).collect::<BTreeMap<_, _>>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_development_inbox_takes_is_never_recorded_under_a_providers_name() {
        let ports = InboxPorts { smtp: ([127, 0, 0, 1], 1025).into(), http: ([127, 0, 0, 1], 1080).into() };
        let adapters =
            development(ports, Some(([127, 0, 0, 1], 8080).into())).expect("they need nothing from outside");
        assert!(adapters.len() == 4 && adapters.values().all(|adapter| adapter.provider() == channel::INBOX));
        let live = Config::default();
        assert!(providers(&live, "https://tabi.example.jp").expect("none is named").is_empty());
    }
}
