//! Who asks: API keys, their scopes and their pace.

use crate::App;
use crate::problem::{Code, Problem};
use base64::Engine;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use words::Timestamp;

/// What a key may do. The names are what `api_key.scopes` holds; `*` is everything that its kind may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Send customers and events.
    Track,
    /// Send history.
    Import,
    /// Say what a customer agreed to.
    Consents,
    /// Read customers.
    CustomersRead,
    /// Erase customers.
    CustomersErase,
    /// Send messages directly.
    Messages,
    /// Start journeys.
    Journeys,
    /// Write catalogues.
    Catalogs,
    /// See and replay what was not understood.
    Events,
    /// Read the metrics.
    Metrics,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Track,
        Self::Import,
        Self::Consents,
        Self::CustomersRead,
        Self::CustomersErase,
        Self::Messages,
        Self::Journeys,
        Self::Catalogs,
        Self::Events,
        Self::Metrics,
    ];

    /// The name in tables, on the command line and in OpenAPI.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Track => "track",
            Self::Import => "import",
            Self::Consents => "consents",
            Self::CustomersRead => "customers:read",
            Self::CustomersErase => "customers:erase",
            Self::Messages => "messages",
            Self::Journeys => "journeys",
            Self::Catalogs => "catalogs",
            Self::Events => "events",
            Self::Metrics => "metrics",
        }
    }

    /// Reads that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }
}

/// Who holds a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// A shop's server.
    Server,
    /// Anybody who reads the page's source.
    Browser,
}

/// Who asks.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The key's hash.
    pub hash: [u8; 32],
    /// What the key is for; names it in records.
    pub name: String,
    /// Who holds it.
    pub kind: KeyKind,
    scopes: Vec<String>,
}

impl Caller {
    /// Fails where the key does not have the scope. A browser key never has more than [`Scope::Track`].
    pub fn need(&self, scope: Scope) -> Result<(), Problem> {
        let has = self.scopes.iter().any(|s| s == "*" || s == scope.as_str());
        let may = self.kind == KeyKind::Server || scope == Scope::Track;
        if has && may {
            return Ok(());
        }
        let why = if may { "the key does not have it" } else { "browser keys never have it" };
        Err(Problem::new(Code::Forbidden, format!("this needs the scope `{}`: {why}", scope.as_str())))
    }
}

/// The key in the `Authorization` header: the user name of basic authentication, or a bearer token. `None`: no header.
pub(crate) fn key_in(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(AUTHORIZATION) else { return Ok(None) };
    let wrong = || {
        Problem::new(
            Code::Unauthorized,
            "the Authorization header is neither `Basic` nor `Bearer` with a key",
        )
    };
    let (scheme, rest) = value.to_str().map_err(|_| wrong())?.split_once(' ').ok_or_else(wrong)?;
    match scheme.to_ascii_lowercase().as_str() {
        "bearer" => Ok(Some(rest.trim().to_owned())),
        "basic" => {
            let engine = base64::engine::general_purpose::STANDARD;
            let decoded = engine.decode(rest.trim()).map_err(|_| wrong())?;
            let text = String::from_utf8(decoded).map_err(|_| wrong())?;
            Ok(Some(text.split(':').next().unwrap_or_default().to_owned()))
        }
        _ => Err(wrong()),
    }
}

/// The caller who holds `key`, if it may be used now and not too fast.
pub(crate) async fn caller(app: &App, key: &str) -> Result<Caller, Problem> {
    let unknown =
        || Problem::new(Code::Unauthorized, "this API key is not known, was withdrawn, or has expired");
    let (_, hash) = vault::parse_api_key(key).ok_or_else(unknown)?;
    let now = app.clock.machine_now();
    let row = app.store.api_key(hash, now).await?.ok_or_else(unknown)?;
    if row.revoked_at.is_some() || row.expired(now) {
        return Err(unknown());
    }
    let kind = if row.kind == "browser" { KeyKind::Browser } else { KeyKind::Server };
    let per_second = match kind {
        KeyKind::Server => app.settings.server_key_per_second,
        KeyKind::Browser => app.settings.browser_key_per_second,
    };
    app.limiter.take(hash, per_second, now)?;
    Ok(Caller { hash, name: row.name, kind, scopes: row.scopes })
}

/// A bucket of tokens per key; only keys that are known have one.
#[derive(Debug, Default)]
pub(crate) struct Limiter(Mutex<HashMap<[u8; 32], Bucket>>);

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: Timestamp,
}

impl Limiter {
    /// Takes one token; a bucket holds two seconds' worth.
    fn take(&self, key: [u8; 32], per_second: u32, now: Timestamp) -> Result<(), Problem> {
        let rate = f64::from(per_second.max(1));
        let full = rate * 2.0;
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(key).or_insert(Bucket { tokens: full, at: now });
        let passed = now.since(bucket.at).as_micros().max(0) as f64 / 1_000_000.0;
        bucket.tokens = (bucket.tokens + passed * rate).min(full);
        bucket.at = now;
        if bucket.tokens < 1.0 {
            return Err(Problem::new(Code::RateLimited, "this key asks faster than it may").retry_after(1));
        }
        bucket.tokens -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_asks_too_fast_waits_and_then_goes_on() {
        let limiter = Limiter::default();
        let second = |n: i64| Timestamp::from_secs(1_000 + n);
        for _ in 0..4 {
            assert!(limiter.take([1; 32], 2, second(0)).is_ok());
        }
        assert!(limiter.take([1; 32], 2, second(0)).is_err());
        assert!(limiter.take([2; 32], 2, second(0)).is_ok(), "another key is not concerned");
        assert!(limiter.take([1; 32], 2, second(1)).is_ok());
    }
}
