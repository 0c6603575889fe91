//! Access tokens: one exchange in flight, renewed before they end.

use crate::{Credentials, ServiceAccount};
use channel::Outcome;
use egress::{Client, PAUSE_DEFAULT, Request, one_line};
use serde::Deserialize;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::{sync::Mutex, time::Instant};

/// How long before its end a token is renewed.
const RENEW_BEFORE: Duration = Duration::from_secs(300);
/// The longest life of a token that is believed.
const LIFE_MAX: Duration = Duration::from_secs(3600);

/// A token and which one it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) serial: u64,
}

/// Where tokens come from.
#[derive(Debug)]
pub(crate) struct Tokens {
    credentials: Credentials,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    serial: u64,
    current: Option<(String, Instant)>,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: u64,
}

#[derive(Deserialize)]
struct Denied {
    error: String,
    #[serde(default)]
    error_description: String,
}

impl Tokens {
    pub(crate) fn new(credentials: Credentials) -> Self {
        Self { credentials, state: Mutex::default() }
    }

    /// A token. `rejected` is the serial of one that was answered by 401: it is not given out again.
    /// An error is an outcome in which nothing was handed over.
    pub(crate) async fn get(
        &self,
        client: &Client,
        rejected: Option<u64>,
        deadline: Instant,
    ) -> Result<Token, Outcome> {
        let account = match &self.credentials {
            Credentials::Token(_) if rejected.is_some() => {
                return Err(Outcome::Misconfigured {
                    answer: "the platform refused the configured token".to_owned(),
                });
            }
            Credentials::Token(text) => return Ok(Token { text: text.clone(), serial: 0 }),
            Credentials::Account(account) => account,
        };
        // The lock is the single flight: whoever comes second finds the token of the first.
        let Ok(mut state) = tokio::time::timeout_at(deadline, self.state.lock()).await else {
            return Err(Outcome::Unavailable { answer: "no access token in time".to_owned() });
        };
        let serial = state.serial;
        if let Some((text, renew_at)) = &state.current
            && Instant::now() < *renew_at
            && rejected != Some(serial)
        {
            return Ok(Token { text: text.clone(), serial });
        }
        let (text, life) = exchange(account, client, deadline).await?;
        state.serial += 1;
        state.current = Some((text.clone(), Instant::now() + renew_after(life)));
        Ok(Token { text, serial: state.serial })
    }
}

/// When to renew: five minutes before the end, or at half of a short life.
fn renew_after(life: Duration) -> Duration {
    life.saturating_sub(RENEW_BEFORE).max(life / 2)
}

/// Exchanges an assertion for a token. Nothing of any message is sent here, so the outcome is never unknown.
///
/// | answer | outcome |
/// |---|---|
/// | 200 with a token | the token |
/// | 400, 401, 403 with an OAuth error (RFC 6749 section 5.2) | misconfigured |
/// | 429, 503 with `Retry-After` | throttled |
/// | anything else, silence | unavailable |
async fn exchange(
    account: &ServiceAccount,
    client: &Client,
    deadline: Instant,
) -> Result<(String, Duration), Outcome> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs().cast_signed());
    let assertion =
        account.assertion(now).map_err(|why| Outcome::Misconfigured { answer: why.to_string() })?;
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
        .append_pair("assertion", &assertion)
        .finish();
    let request = Request {
        url: &account.token_uri,
        headers: vec![("content-type", "application/x-www-form-urlencoded".to_owned())],
        body: body.as_bytes(),
    };
    let left = deadline.saturating_duration_since(Instant::now());
    let unavailable = |why: &str| Outcome::Unavailable { answer: format!("no access token: {why}") };
    let answer = client.post(request, left).await.settle().map_err(|outcome| match outcome {
        Outcome::Misconfigured { .. } => outcome,
        other => unavailable(&one_line(other.answer(), &[])),
    })?;
    let body = answer.body.whole().unwrap_or_default();
    if answer.status == 200 {
        return match serde_json::from_slice::<Granted>(body) {
            Ok(granted) if is_header_text(&granted.access_token) => {
                Ok((granted.access_token, Duration::from_secs(granted.expires_in).min(LIFE_MAX)))
            }
            _ => Err(unavailable("the token endpoint's answer cannot be read")),
        };
    }
    let denied = serde_json::from_slice::<Denied>(body);
    Err(match (answer.status, answer.retry_after, denied) {
        (429, after, _) => Outcome::Throttled {
            after: after.unwrap_or(PAUSE_DEFAULT),
            answer: "the token endpoint asks for a slower pace".to_owned(),
        },
        (503, Some(after), _) => {
            Outcome::Throttled { after, answer: "the token endpoint says later".to_owned() }
        }
        (400 | 401 | 403, _, Ok(denied)) => Outcome::Misconfigured {
            answer: one_line(
                &format!("no access token: {} {}", denied.error, denied.error_description),
                &[&account.client_email],
            ),
        },
        (300..=399 | 404 | 405, ..) => Outcome::Misconfigured {
            answer: format!(
                "no access token: HTTP {}; is the token_uri of the service account right?",
                answer.status
            ),
        },
        (status, ..) => unavailable(&format!("HTTP {status}")),
    })
}

/// Whether a token can stand in a header.
fn is_header_text(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic())
}
