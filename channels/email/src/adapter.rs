//! The adapter: a relay, its kept connections, and the outcome of every hand-over.

use crate::{
    address::Envelope,
    classify, compose,
    config::{ConfigError, SmtpConfig},
    line,
    pool::Pool,
    reply::Reply,
    session::Session,
    step::{Broken, Step},
    tls,
    wire::Until,
};
use channel::{Adapter, Capabilities, Composed, Handing, Idempotency, Outcome, Parcel, Part};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;
use words::Channel;

/// E-mail through one SMTP relay.
pub struct SmtpAdapter {
    config: SmtpConfig,
    capabilities: Capabilities,
    client: Arc<rustls::ClientConfig>,
    pool: Pool,
}

impl SmtpAdapter {
    /// Checks the settings and reads the certificate file; connects to nobody yet.
    pub fn new(config: SmtpConfig) -> Result<Self, ConfigError> {
        config.check()?;
        let client = tls::client(&config)?;
        if config.allow_invalid_certs {
            tracing::warn!("The relay's certificate is not checked: allow_invalid_certs is set");
        }
        let part = |name: &str, required| Part { name: name.to_owned(), required };
        let capabilities = Capabilities {
            parts: vec![part("subject", true), part("text", false), part("html", false)],
            idempotency: Idempotency::None,
            query: false,
            concurrency_max: config.pool_max,
            bytes_max: config.bytes_max,
        };
        let pool = Pool::new(config.pool_max, config.idle_max);
        Ok(Self { config, capabilities, client, pool })
    }

    /// Connects, logs in and leaves again: what `tabi doctor` asks. The error is what a hand-over would have come to.
    pub async fn probe(&self, deadline: Duration) -> Result<(), Outcome> {
        let until = Until { end: Instant::now() + deadline };
        match Session::open(&self.config, &self.client, until).await {
            Ok(session) => {
                session.leave().await;
                Ok(())
            }
            Err(broken) => Err(classify::outcome(broken)),
        }
    }

    async fn deliver(&self, parcel: &Parcel, bytes: &[u8], deadline: Duration) -> Outcome {
        let until = Until { end: Instant::now() + deadline };
        let envelope =
            match Envelope::of(parcel).and_then(|envelope| compose::sound(bytes).map(|()| envelope)) {
                Ok(envelope) => envelope,
                Err(reason) => return Outcome::MessageRefused { answer: line::clean(&reason) },
            };
        let Some(_place) = self.pool.place(until.end).await else {
            // Of ours: it says nothing about the relay.
            return Outcome::Deferred {
                after: None,
                answer: "every connection to the relay is busy".to_owned(),
            };
        };
        match self.converse(&envelope, bytes, until).await {
            Ok(reply) => Outcome::Accepted { provider_id: queue_id(&reply), answer: reply.answer() },
            Err(broken) => classify::outcome(broken),
        }
    }

    async fn converse(&self, envelope: &Envelope, bytes: &[u8], until: Until) -> Result<Reply, Broken> {
        if let Some(mut session) = self.pool.take() {
            let result = session.send(&self.config, envelope, bytes, until).await;
            let stale = match &result {
                // A relay that has closed a resting connection or says goodbye to it, or a path that has forgotten it:
                // no content has left, and nothing will be read from this connection again.
                Err(Broken::Lost { step, .. }) => {
                    *step < Step::Content && session.was_silent() && Instant::now() < until.end
                }
                Err(Broken::Said { step: Step::Reset, .. }) => true,
                _ => false,
            };
            if !stale {
                return self.keep(session, result).await;
            }
        }
        let mut session = Session::open(&self.config, &self.client, until).await?;
        let result = session.send(&self.config, envelope, bytes, until).await;
        self.keep(session, result).await
    }

    /// Puts a connection back where the conversation is still in step.
    async fn keep(&self, session: Session, result: Result<Reply, Broken>) -> Result<Reply, Broken> {
        if session.in_step() && session.used < self.config.messages_per_connection {
            self.pool.put(session);
        } else if session.in_step() {
            session.leave().await;
        }
        result
    }
}

impl Adapter for SmtpAdapter {
    fn channel(&self) -> Channel {
        Channel::EMAIL
    }

    fn provider(&self) -> &str {
        "smtp"
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn compose(&self, parcel: &Parcel) -> Result<Composed, String> {
        let bytes = compose::compose(parcel, self.config.bytes_max)?;
        Ok(Composed { media: "message/rfc822", bytes })
    }

    fn hand_over<'a>(&'a self, parcel: &'a Parcel, bytes: &'a [u8], deadline: Duration) -> Handing<'a> {
        Box::pin(self.deliver(parcel, bytes, deadline))
    }
}

impl std::fmt::Debug for SmtpAdapter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SmtpAdapter").field(&self.config).finish()
    }
}

/// The relay's queue id: `250 2.0.0 Ok: queued as 4F2B1`, `250 OK id=1rT…`.
fn queue_id(reply: &Reply) -> Option<String> {
    let line = reply.lines.last()?;
    let lower = line.to_ascii_lowercase();
    let at = ["queued as ", "id="].iter().find_map(|mark| Some(lower.find(mark)? + mark.len()))?;
    let id: String = line
        .get(at..)?
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c))
        .take(80)
        .collect();
    (!id.is_empty()).then_some(id)
}
