//! How long a far side asks us to wait.
//!
//! Source: RFC 9110 section 10.2.3 (`Retry-After`: seconds or an HTTP date). A date is measured against the answer's own
//! `Date`, so that a wrong clock on either side changes nothing.

use std::time::{Duration, SystemTime};

/// The shortest pause that is obeyed.
pub const PAUSE_MIN: Duration = Duration::from_secs(1);
/// The longest pause that is obeyed; a far side cannot silence a channel for a day.
pub const PAUSE_MAX: Duration = Duration::from_secs(3600);
/// The pause where the far side asks for none that can be read.
pub const PAUSE_DEFAULT: Duration = Duration::from_secs(30);

/// Reads `Retry-After`; `date` is the answer's `Date` header, `now` stands in where it is absent.
/// Clamped to [`PAUSE_MIN`] … [`PAUSE_MAX`]; `None` where the header is absent or garbage.
pub fn pause(retry_after: Option<&str>, date: Option<&str>, now: SystemTime) -> Option<Duration> {
    let text = retry_after?.trim();
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        if sign < 0 {
            return Some(PAUSE_MIN);
        }
        // More digits than fit in 64 bits are longer than an hour too.
        let secs = digits.parse().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(secs).clamp(PAUSE_MIN, PAUSE_MAX));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let from = date.and_then(|text| httpdate::parse_http_date(text).ok()).unwrap_or(now);
    Some(until.duration_since(from).unwrap_or_default().clamp(PAUSE_MIN, PAUSE_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(header: Option<&str>, expected_secs: Option<u64>) {
        let date = Some("Sat, 21 Nov 2026 10:00:00 GMT");
        let pause = pause(header, date, SystemTime::UNIX_EPOCH);
        assert_eq!(pause.map(|p| p.as_secs()), expected_secs, "{header:?}");
    }

    #[test]
    fn a_pause_is_obeyed_between_a_second_and_an_hour() {
        check(Some("120"), Some(120));
        check(Some(" 7 "), Some(7));
        check(Some("0"), Some(1));
        check(Some("-5"), Some(1));
        check(Some("315360000"), Some(3600));
        check(Some("99999999999999999999999999"), Some(3600));
        check(Some("Sat, 21 Nov 2026 10:02:00 GMT"), Some(120));
        check(Some("Saturday, 21-Nov-26 10:02:00 GMT"), Some(120));
        check(Some("Sat, 21 Nov 2026 09:00:00 GMT"), Some(1));
        check(Some("Fri, 21 Nov 2036 10:00:00 GMT"), Some(3600));
    }

    #[test]
    fn an_absent_or_garbled_pause_is_none() {
        for header in [None, Some(""), Some("soon"), Some("1.5"), Some("+3"), Some("--1"), Some("12 parsecs")]
        {
            check(header, None);
        }
    }
}
