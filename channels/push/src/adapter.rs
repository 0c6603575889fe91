//! The adapter.

use crate::{
    Credentials, Lifetimes, PAYLOAD_BYTES_MAX, ServiceAccount, answer::judge, payload, token::Tokens,
};
use channel::{Adapter, Capabilities, Composed, Handing, Idempotency, Outcome, Parcel, Part};
use egress::{Client, Reach, Reply, Request, Settings, SettingsError};
use std::time::Duration;
use tokio::time::Instant;
use words::Channel;

/// Where FCM lives.
const BASE_URL: &str = "https://fcm.googleapis.com";

/// How the adapter is set up.
#[derive(Debug, Clone)]
pub struct PushConfig {
    /// Where FCM lives, without a slash at the end; `None`: Google's own address.
    pub base_url: Option<String>,
    /// The project; `None`: the service account's.
    pub project: Option<String>,
    /// Who we are.
    pub credentials: Credentials,
    /// How long messages are kept for devices that are off.
    pub lifetimes: Lifetimes,
    /// Where calls may go, those to the token endpoint too: [`Reach::Loopback`] until somebody goes live.
    pub reach: Reach,
    /// Hand-overs in flight.
    pub concurrency_max: usize,
}

impl PushConfig {
    /// For the development inbox at `base_url` (`http://127.0.0.1:…`): nothing leaves this machine, no account is needed.
    pub fn inbox(base_url: &str) -> Self {
        let base_url = base_url.trim_end_matches('/').to_owned();
        let account = ServiceAccount::unsigned(&format!("{base_url}/token"));
        Self { base_url: Some(base_url), reach: Reach::Loopback, ..Self::new(Credentials::Account(account)) }
    }

    /// The usual configuration for `credentials`.
    pub fn new(credentials: Credentials) -> Self {
        Self {
            base_url: None,
            project: None,
            credentials,
            lifetimes: Lifetimes::default(),
            reach: Reach::Anywhere,
            concurrency_max: 32,
        }
    }
}

/// Why there is no adapter.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// Nobody says which project.
    #[error(
        "push: no Firebase project is given; set `project`, or use a service account's file, which names it"
    )]
    NoProject,
    /// A project that cannot stand in a URL.
    #[error("push: `{0}` is not a Firebase project id: small letters, digits and hyphens")]
    Project(String),
    /// The HTTP client.
    #[error(transparent)]
    Client(#[from] SettingsError),
}

/// Push over FCM HTTP v1.
#[derive(Debug)]
pub struct PushAdapter {
    url: String,
    lifetimes: Lifetimes,
    tokens: Tokens,
    capabilities: Capabilities,
    client: Client,
}

impl PushAdapter {
    /// An adapter with a client of its own.
    pub fn new(config: PushConfig) -> Result<Self, PushError> {
        let own = match &config.credentials {
            Credentials::Account(account) => Some(account.project_id.clone()),
            Credentials::Token(_) => None,
        };
        let project = config.project.or(own).ok_or(PushError::NoProject)?;
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-:.".contains(&b);
        if project.is_empty() || !project.bytes().all(fits) {
            return Err(PushError::Project(project.chars().take(64).collect()));
        }
        let base = config.base_url.as_deref().unwrap_or(BASE_URL).trim_end_matches('/');
        let part = |name: &str, required| Part { name: name.to_owned(), required };
        Ok(Self {
            url: format!("{base}/v1/projects/{project}/messages:send"),
            lifetimes: config.lifetimes,
            tokens: Tokens::new(config.credentials),
            capabilities: Capabilities {
                parts: vec![part("title", true), part("body", true), part("data", false)],
                idempotency: Idempotency::None,
                query: false,
                concurrency_max: config.concurrency_max,
                bytes_max: payload::BYTES_MAX,
            },
            client: Client::new(&Settings::reaching(config.reach))?,
        })
    }

    async fn post(&self, bytes: &[u8], token: &str, ends: Instant) -> Reply {
        let headers = vec![
            ("content-type", "application/json".to_owned()),
            ("authorization", format!("Bearer {token}")),
        ];
        let request = Request { url: &self.url, headers, body: bytes };
        self.client.post(request, ends.saturating_duration_since(Instant::now())).await
    }
}

impl Adapter for PushAdapter {
    fn channel(&self) -> Channel {
        Channel::PUSH
    }

    fn provider(&self) -> &str {
        "fcm"
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Title, body and data may have 4096 bytes together, see [`PAYLOAD_BYTES_MAX`].
    fn compose(&self, parcel: &Parcel) -> Result<Composed, String> {
        const _: () = assert!(PAYLOAD_BYTES_MAX < payload::BYTES_MAX);
        payload::compose(parcel, &self.lifetimes)
    }

    fn hand_over<'a>(&'a self, parcel: &'a Parcel, bytes: &'a [u8], deadline: Duration) -> Handing<'a> {
        Box::pin(async move {
            let ends = Instant::now() + deadline;
            let mut rejected = None;
            loop {
                let token = match self.tokens.get(&self.client, rejected, ends).await {
                    Ok(token) => token,
                    Err(outcome) => return outcome,
                };
                let answer = match self.post(bytes, &token.text, ends).await.settle() {
                    Ok(answer) => answer,
                    Err(outcome) => return outcome,
                };
                // A token can be revoked before its end. 401 proves that nothing was accepted, so one more try with a
                // fresh token is no second attempt; a second 401 is a matter for the operator.
                if answer.status == 401 && rejected.is_none() {
                    rejected = Some(token.serial);
                    continue;
                }
                let outcome = judge(&answer, &parcel.to);
                return match outcome {
                    Outcome::MessageRefused { answer: line } if answer.status == 401 => {
                        Outcome::Misconfigured { answer: line }
                    }
                    outcome => outcome,
                };
            }
        })
    }
}
