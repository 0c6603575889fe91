//! `Idempotency-Key`, by draft-ietf-httpapi-idempotency-key-header-07: missing or malformed 400, still under way 409, used
//! with another body 422, done before: the same answer again. Keys are kept for seven days and belong to their API key.
//!
//! Only what succeeded is an answer to repeat: a request that was refused changed nothing, and its key may be used again.

use crate::App;
use crate::auth::Caller;
use crate::problem::{Code, Problem};
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::future::Future;
use store::Idempotency;

/// The longest key.
const KEY_MAX: usize = 255;

/// The key as the header has it: one String of RFC 8941, in double quotes. `None`: no header.
pub(crate) fn key_in(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let wrong = || {
        Problem::new(
            Code::IdempotencyMalformed,
            "Idempotency-Key is not a text in double quotes of 1 to 255 printable ASCII characters, like \"8e03978e-40d5-43dd-bc93-6894a57f9324\"",
        )
    };
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(wrong());
    }
    let text = value.to_str().map_err(|_| wrong())?.trim();
    let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).ok_or_else(wrong)?;
    let mut key = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(escaped @ ('"' | '\\')) => key.push(escaped),
                _ => return Err(wrong()),
            },
            '"' => return Err(wrong()),
            ' '..='~' => key.push(c),
            _ => return Err(wrong()),
        }
    }
    if key.is_empty() || key.len() > KEY_MAX {
        return Err(wrong());
    }
    Ok(Some(key))
}

/// The hash over API key and idempotency key.
pub(crate) fn key_hash(caller: &Caller, key: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"tabi/idempotency/v1\0");
    hash.update(caller.hash);
    hash.update(key.as_bytes());
    hash.finalize().into()
}

/// Does `work` once for this key and body, and answers the same from then on.
pub(crate) async fn once<F>(
    app: &App,
    key_hash: [u8; 32],
    path: &str,
    body: &[u8],
    work: F,
) -> Result<Response, Problem>
where
    F: Future<Output = Result<(StatusCode, Value), Problem>>,
{
    let mut hash = Sha256::new();
    hash.update((path.len() as u64).to_be_bytes());
    hash.update(path.as_bytes());
    hash.update(body);
    match app.store.idempotency_begin(key_hash, hash.finalize().into(), app.now()).await? {
        Idempotency::First => {}
        Idempotency::Done { status, answer } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
            return Ok(answered(status, answer));
        }
        Idempotency::Running => {
            return Err(Problem::new(Code::Running, "the first request with this key has no answer yet"));
        }
        Idempotency::Other => {
            return Err(Problem::new(
                Code::IdempotencyMismatch,
                "the first request with this key had another body",
            ));
        }
    }
    match work.await {
        Ok((status, answer)) => {
            let answer = answer.to_string();
            app.store.idempotency_finish(key_hash, status.as_u16(), &answer).await?;
            Ok(answered(status, answer))
        }
        Err(problem) => {
            app.store.idempotency_forget(key_hash).await?;
            Err(problem)
        }
    }
}

fn answered(status: StatusCode, answer: String) -> Response {
    let mut response = (status, answer).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(header: &'static str, expected: Option<&str>) {
        let mut headers = HeaderMap::new();
        headers.insert("idempotency-key", HeaderValue::from_static(header));
        assert_eq!(key_in(&headers).ok().flatten().as_deref(), expected, "{header}");
    }

    #[test]
    fn a_key_is_a_quoted_string_and_nothing_else() {
        check("\"8e03978e\"", Some("8e03978e"));
        check("\"a\\\"b\\\\c\"", Some("a\"b\\c"));
        check("8e03978e", None);
        check("\"\"", None);
        check("\"a", None);
        check("\"a\"b\"", None);
        check("\"a\\n\"", None);
        assert_eq!(key_in(&HeaderMap::new()).ok(), Some(None));
    }
}
