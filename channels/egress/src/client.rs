//! The client: one per provider.

use crate::{
    ANSWER_BYTES_MAX, Answer, AnswerBody, NotAllowed, Reach, Reply, check_url,
    gate::{Gate, Progress},
    guard::GuardedResolver,
    pause,
};
use bytes::Bytes;
use channel::Stage;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use std::{
    sync::{Arc, OnceLock},
    time::{Duration, SystemTime},
};

/// How a client is made.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where it may connect.
    pub reach: Reach,
    /// How long a connection may take to stand, TLS included; the deadline of the call counts too.
    pub connect_timeout: Duration,
    /// Certificate authorities beside the usual ones, PEM; empty for none.
    pub extra_roots_pem: Vec<u8>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { reach: Reach::Public, connect_timeout: Duration::from_secs(10), extra_roots_pem: Vec::new() }
    }
}

impl Settings {
    /// The usual settings with `reach`.
    pub fn reaching(reach: Reach) -> Self {
        Self { reach, ..Self::default() }
    }
}

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The extra authorities cannot be read.
    #[error("the extra certificate authorities are not PEM certificates: {0}")]
    Roots(String),
    /// The TLS library or the HTTP library refused.
    #[error("the HTTP client could not be set up: {0}")]
    Setup(String),
}

/// A request.
#[derive(Debug, Clone, Default)]
pub struct Request<'a> {
    /// The absolute URL.
    pub url: &'a str,
    /// Headers, `Content-Type` among them.
    pub headers: Vec<(&'a str, String)>,
    /// The body.
    pub body: &'a [u8],
}

/// The client. Clones share one pool of connections.
#[derive(Debug, Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
    reach: Reach,
}

/// What clones share. The library's client is made at the first request: roots and pools are memory that a provider
/// nobody sends to never needs.
#[derive(Debug)]
pub(crate) struct Shared {
    settings: Settings,
    extra_roots: Vec<CertificateDer<'static>>,
    http: OnceLock<Result<reqwest::Client, SettingsError>>,
}

impl Client {
    /// A client with its own pool. TLS 1.2 and newer by rustls with ring; roots of Mozilla's programme.
    pub fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let extra_roots = extra_roots(&settings.extra_roots_pem)?;
        let shared = Shared { settings: settings.clone(), extra_roots, http: OnceLock::new() };
        Ok(Self { shared: Arc::new(shared), reach: settings.reach })
    }

    /// Posts `request` and reads the answer; ends within `deadline`, whatever the other side does.
    pub async fn post(&self, request: Request<'_>, deadline: Duration) -> Reply {
        self.send("POST", request, deadline).await
    }

    /// The same with any method. A request with an empty body proves nothing about what went out: use it where asking
    /// twice does no harm.
    pub async fn send(&self, method: &str, request: Request<'_>, deadline: Duration) -> Reply {
        let Ok(method) = reqwest::Method::from_bytes(method.as_bytes()) else {
            return Reply::Refused { why: "this is no HTTP method".to_owned() };
        };
        let ends = tokio::time::Instant::now() + deadline;
        let url = match check_url(request.url, self.reach) {
            Ok(url) => url,
            Err(not_allowed) => return Reply::Refused { why: not_allowed.to_string() },
        };
        let headers = match headers(request.headers) {
            Ok(headers) => headers,
            Err(why) => return Reply::Refused { why },
        };
        let http = match self.shared.http() {
            Ok(http) => http,
            Err(error) => return Reply::NotSent { why: error.to_string() },
        };
        let (gate, body) = Gate::around(Bytes::copy_from_slice(request.body));
        let mut sending = http.request(method, url).headers(headers);
        if !request.body.is_empty() {
            sending = sending.body(reqwest::Body::wrap(body));
        }
        let sending = sending.send();
        let answer = match tokio::time::timeout_at(ends, sending).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return not_answered(gate.shut(), &error),
            // The gate is shut before the request is dropped: from here on nothing can go out.
            Err(_) => return late(gate.shut()),
        };
        let status = answer.status().as_u16();
        let text = |name| answer.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let retry_after = pause(text(header::RETRY_AFTER), text(header::DATE), SystemTime::now());
        let body = match tokio::time::timeout_at(ends, read(answer)).await {
            Ok(body) => body,
            Err(_) => AnswerBody::Broken("the answer did not end in time".to_owned()),
        };
        Reply::Answered(Answer { status, retry_after, body })
    }
}

impl Shared {
    pub(crate) fn http(&self) -> Result<&reqwest::Client, &SettingsError> {
        self.http.get_or_init(|| self.make()).as_ref()
    }

    fn make(&self) -> Result<reqwest::Client, SettingsError> {
        reqwest::Client::builder()
            .tls_backend_preconfigured(tls(&self.extra_roots)?)
            .dns_resolver(GuardedResolver::shared(self.settings.reach))
            // A redirect would leave the checked address behind, and a POST would not survive it.
            .redirect(reqwest::redirect::Policy::none())
            // A proxy from the environment would do the resolving in our stead.
            .no_proxy()
            .referer(false)
            .retry(reqwest::retry::never())
            .tcp_nodelay(true)
            .connect_timeout(self.settings.connect_timeout)
            // Shorter than what servers keep, so that a connection is rarely closed under a request.
            .pool_idle_timeout(Duration::from_secs(15))
            .user_agent(concat!("Tabi/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| SettingsError::Setup(chain(&error)))
    }
}

/// The certificates in `pem`; none is a mistake, unless there is nothing at all.
fn extra_roots(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, SettingsError> {
    let wrong = |error: &dyn std::fmt::Display| SettingsError::Roots(error.to_string());
    // Each is tried for itself, so that a file that cannot be used is said where it is named.
    let mut tried = rustls::RootCertStore::empty();
    let mut found = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| wrong(&error))?.into_owned();
        tried.add(certificate.clone()).map_err(|error| wrong(&error))?;
        found.push(certificate);
    }
    if found.is_empty() && !pem.is_empty() {
        return Err(wrong(&"no certificate in it"));
    }
    Ok(found)
}

fn tls(extra_roots: &[CertificateDer<'static>]) -> Result<rustls::ClientConfig, SettingsError> {
    let mut roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for certificate in extra_roots {
        roots.add(certificate.clone()).map_err(|error| SettingsError::Roots(error.to_string()))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| SettingsError::Setup(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn headers(pairs: Vec<(&str, String)>) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("`{name}` is no header"))?;
        let mut value = HeaderValue::from_str(&value)
            .map_err(|_| format!("the value of the header {name} has a character that HTTP does not take"))?;
        value.set_sensitive(key == header::AUTHORIZATION);
        headers.append(key, value);
    }
    Ok(headers)
}

async fn read(mut answer: reqwest::Response) -> AnswerBody {
    let mut bytes = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(None) => return AnswerBody::Whole(bytes),
            Ok(Some(chunk)) if bytes.len() + chunk.len() > ANSWER_BYTES_MAX => return AnswerBody::TooLong,
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Err(error) => return AnswerBody::Broken(chain(&error.without_url())),
        }
    }
}

fn not_answered(progress: Progress, error: &reqwest::Error) -> Reply {
    if let Some(not_allowed) = cause::<NotAllowed>(error) {
        return Reply::Refused { why: not_allowed.to_string() };
    }
    let why = causes(error);
    match progress {
        Progress::Nothing => Reply::NotSent { why },
        Progress::Partly => Reply::Lost { stage: Stage::Content, why },
        Progress::Wholly => Reply::Lost { stage: Stage::Answer, why },
    }
}

fn late(progress: Progress) -> Reply {
    match progress {
        Progress::Nothing => Reply::NotSent { why: "no connection in time".to_owned() },
        Progress::Partly => {
            Reply::Lost { stage: Stage::Content, why: "the content was not taken in time".to_owned() }
        }
        Progress::Wholly => Reply::Lost { stage: Stage::Answer, why: "no answer in time".to_owned() },
    }
}

/// The causes below the library's own first line, which repeats the URL and says nothing.
fn causes(error: &reqwest::Error) -> String {
    std::error::Error::source(error).map_or_else(|| "the request failed".to_owned(), chain)
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let line = error.to_string();
        // Some errors repeat their cause.
        if !text.ends_with(&line) {
            text.push_str(": ");
            text.push_str(&line);
        }
        next = error.source();
    }
    text
}

fn cause<'a, E: std::error::Error + 'static>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}
