//! Bodies: read within limits, unpacked where they are compressed.

use crate::problem::{Code, Problem};
use axum::body::Body;
use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use std::io::Read;
use std::time::Duration;

/// How long a body may take to arrive.
const READ_MAX: Duration = Duration::from_secs(60);

/// Reads a body of at most `max` bytes, compressed and unpacked.
pub(crate) async fn read(headers: &HeaderMap, body: Body, max: usize) -> Result<Bytes, Problem> {
    let announced =
        headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<u64>().ok());
    if announced.is_some_and(|length| length > max as u64) {
        return Err(too_large(max));
    }
    let read = tokio::time::timeout(READ_MAX, axum::body::to_bytes(body, max)).await;
    let read =
        read.map_err(|_| Problem::new(Code::InvalidRequest, "the body did not arrive within a minute"))?;
    let bytes = read.map_err(|error| {
        let mut cause: &dyn std::error::Error = &error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        // The limit's own error has no public type below axum; its text is stable.
        if cause.to_string().contains("length limit") {
            too_large(max)
        } else {
            Problem::new(Code::InvalidRequest, "the body ended before it was complete")
        }
    })?;
    let encoding = headers.get(CONTENT_ENCODING).map_or(Ok("identity"), |v| v.to_str()).unwrap_or("?");
    match encoding.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(bytes),
        "gzip" | "x-gzip" => unpack(&bytes, max),
        _ => Err(Problem::new(Code::UnsupportedMedia, "Content-Encoding is neither gzip nor identity")),
    }
}

/// Unpacks gzip; stops as soon as there is more than `max`.
pub(crate) fn unpack(packed: &[u8], max: usize) -> Result<Bytes, Problem> {
    let mut out = Vec::with_capacity(packed.len().saturating_mul(4).min(max));
    let mut reader = flate2::read::MultiGzDecoder::new(packed).take(max as u64 + 1);
    reader
        .read_to_end(&mut out)
        .map_err(|_| Problem::new(Code::InvalidRequest, "Content-Encoding says gzip, and the body is not"))?;
    if out.len() > max { Err(too_large(max)) } else { Ok(out.into()) }
}

fn too_large(max: usize) -> Problem {
    Problem::new(Code::TooLarge, format!("the body has more than {} KB", max / 1000))
        .with("limit_bytes", max as u64)
}
