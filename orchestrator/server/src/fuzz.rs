//! What the fuzzers of `tests/fuzz` reach of this crate, and nobody else should: readers of what comes from outside, as
//! functions of bytes. They say what they read in texts, so that nothing inside has to be known elsewhere.

use crate::api::fuzz as api;
use crate::console::fuzz as console;
use crate::import::fuzz as import;
use crate::intake::{Call, Item, World};
use crate::sources::{Heard, Sources, hear, hear_again, verified};
use http::{HeaderMap, HeaderName, HeaderValue};
use words::Timestamp;

pub use console::{cells_of_log, console_query};
pub use import::{Row, rows};

/// A call that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// User, anonymous and message id, as far as there are any.
    pub ids: Vec<String>,
    /// The event's name, or the call's type.
    pub name: String,
    /// The token for push messages.
    pub push_token: Option<String>,
    /// All of it.
    pub whole: String,
    /// What is kept of it for a replay, or of what was refused.
    pub kept: Vec<u8>,
}

/// What was read, or the code and the reason of the refusal.
pub type Read = Result<Told, (&'static str, String)>;

fn told(call: &Call, kept: Vec<u8>) -> Told {
    Told {
        ids: [&call.user_id, &call.anonymous_id, &call.message_id].into_iter().flatten().cloned().collect(),
        name: call.name().to_owned(),
        push_token: call.push_token.clone(),
        whole: format!("{call:?}"),
        kept,
    }
}

fn item(item: Item) -> Read {
    match item.call {
        // What it says about a person is read by the same rules whatever is declared.
        Ok(call) => {
            let said = || crate::intake::said(&World(None), &call, &call.traits);
            match call.within_limits().and_then(|()| said()) {
                Ok(_) => Ok(told(&call, item.body)),
                Err(refusal) => Err((refusal.code.as_str(), refusal.reason)),
            }
        }
        Err(refusal) => Err((refusal.code.as_str(), refusal.reason)),
    }
}

/// A message of the tracking API by the route of `kind`; its times are taken as they are where `exact`.
pub fn message(bytes: &[u8], kind: &str, exact: bool, now: Timestamp) -> Read {
    api::message(bytes, kind, exact, now).map(item).unwrap_or_else(|why| Err(("invalid_json", why)))
}

/// A kept message once more.
pub fn again(kept: &[u8], now: Timestamp) -> Read {
    item(api::again(kept, now))
}

/// The messages of a batch.
///
/// # Errors
/// Why it is no batch.
pub fn batch(bytes: &[u8], history: bool, now: Timestamp) -> Result<Vec<Read>, String> {
    let items = api::split(bytes, history, now).map_err(|problem| problem.detail().to_owned())?;
    Ok(items.into_iter().map(item).collect())
}

/// The most characters that an id may have, and a name; bytes of a message, and of a token.
pub const LIMITS: (usize, usize, usize, usize) = (256, 128, api::MESSAGE_MAX, 4096);

/// The headers of these bytes, a line each: `name: value`. What is no header is left out, as a server would.
pub fn headers(lines: &[u8]) -> HeaderMap {
    let pairs = lines.split(|byte| *byte == b'\n').filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(line.get(..colon)?).ok()?;
        Some((name, HeaderValue::from_bytes(line.get(colon + 1..)?.trim_ascii()).ok()?))
    });
    pairs.take(100).fold(HeaderMap::new(), |mut map, (name, value)| {
        map.append(name, value);
        map
    })
}

/// The `Idempotency-Key` of a request; `None` where it is refused.
pub fn idempotency_key(headers: &HeaderMap) -> Option<Option<String>> {
    api::idempotency_key(headers)
}

/// The API key of a request; `None` where the header is refused.
pub fn api_key(headers: &HeaderMap) -> Option<Option<String>> {
    crate::auth::key_in(headers).ok()
}

/// A body that says it is gzip, unpacked up to `max` bytes; `None` where it is refused.
pub fn unpacked(packed: &[u8], max: usize) -> Option<Vec<u8>> {
    crate::body::unpack(packed, max).ok().map(|bytes| bytes.to_vec())
}

/// Queries of the API: what each of the routes with one makes of it, as texts.
pub fn api_query(query: &str) -> Vec<Option<String>> {
    api::queries(query)
}

/// What a shop's webhook said, read by the mapping of `source`, and what the record that is kept of it says: `None` where it
/// says nothing.
pub fn shop(sources: &Sources, source: &str, headers: &HeaderMap, body: &[u8]) -> Option<(Read, Read)> {
    let mapping = sources.0.get(source)?;
    let read = |heard| match heard {
        Heard::Item(boxed) => Some((boxed.body.clone(), item(*boxed))),
        Heard::Nothing => None,
    };
    let (kept, first) = read(hear(mapping, headers, body))?;
    let (_, second) = read(hear_again(mapping, &kept))?;
    Some((first, second))
}

/// Whether a shop's webhook is believed.
pub fn shop_believed(
    sources: &Sources,
    source: &str,
    secret: &[u8],
    headers: &HeaderMap,
    body: &[u8],
) -> Option<bool> {
    let mapping = sources.0.get(source)?;
    Some(verified(&mapping.signature, secret, headers, body))
}

/// The header that a shop signs in, and whether in hexadecimal.
pub fn shop_signature(sources: &Sources, source: &str) -> Option<(String, bool)> {
    let mapping = sources.0.get(source)?;
    Some((mapping.signature.header.clone(), mapping.signature.hex))
}
