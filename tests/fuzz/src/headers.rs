//! Headers: within bounds, or refused.

use crate::parts::{lines, text};
use egress::{PAUSE_MAX, PAUSE_MIN, pause};
use server::fuzz::{api_key, headers, idempotency_key, unpacked};
use std::io::Write;
use std::time::{Duration, SystemTime};
use words::Language;

/// Four lines of headers, and a body.
pub(crate) fn run(bytes: &[u8]) {
    let [first, second, third, fourth, body] = lines(bytes);
    let headers = headers(&[first, second, third, fourth].join(&b'\n'));
    let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_253_400);
    for retry_after in [value("retry-after").map(str::to_owned), Some(text(first)), Some(text(second))] {
        for date in [None, value("date"), Some(text(third)).as_deref()] {
            let wait = pause(retry_after.as_deref(), date, now);
            assert!(
                wait.is_none_or(|wait| (PAUSE_MIN..=PAUSE_MAX).contains(&wait)),
                "{retry_after:?}: {wait:?}"
            );
        }
    }
    if let Some(Some(key)) = idempotency_key(&headers) {
        assert!(
            (1..=255).contains(&key.len()) && key.bytes().all(|byte| matches!(byte, b' '..=b'~')),
            "{key:?}"
        );
        // What was read can be written, and reads the same.
        let quoted = key.replace('\\', "\\\\").replace('"', "\\\"");
        let again = server::fuzz::headers(format!("idempotency-key: \"{quoted}\"").as_bytes());
        assert_eq!(idempotency_key(&again), Some(Some(key)));
    }
    if let Some(Some(key)) = api_key(&headers) {
        let _ = vault::parse_api_key(&key);
    }
    let _ = Language::guess(value("accept-language").unwrap_or_default());
    packed(body);
}

/// What is unpacked stays within its bound, and is what was packed.
fn packed(body: &[u8]) {
    const MAX: usize = 4_096;
    assert!(unpacked(body, MAX).is_none_or(|bytes| bytes.len() <= MAX));
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let packed = writer.write_all(body).and_then(|()| writer.finish()).unwrap_or_default();
    let read = unpacked(&packed, MAX);
    assert_eq!(read.as_deref(), (body.len() <= MAX).then_some(body));
}
