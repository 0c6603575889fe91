//! Bytes taken apart: what several targets need.

use std::time::Duration;
use words::Timestamp;

/// When everything happens.
pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_795_253_400);

/// The first `N - 1` lines, and the rest. What is missing is empty.
pub(crate) fn lines<const N: usize>(bytes: &[u8]) -> [&[u8]; N] {
    let mut parts = bytes.splitn(N, |byte| *byte == b'\n');
    std::array::from_fn(|_| parts.next().unwrap_or_default())
}

/// As text; what is no UTF-8 is replaced.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A small number that follows from the bytes.
pub(crate) fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(7_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)))
}

/// Does `work` and asserts that it takes no more CPU time than this: of an optimised build; one without gets ten times
/// that. What other programs do on the machine does not count.
#[track_caller]
pub(crate) fn within<T>(limit: Duration, what: &str, work: impl FnOnce() -> T) -> T {
    let before = cpu();
    let done = work();
    let took = cpu().saturating_sub(before);
    let limit = if cfg!(debug_assertions) { limit * 10 } else { limit };
    assert!(took <= limit, "{what} took {took:?} of CPU time; {limit:?} is the limit");
    done
}

fn cpu() -> Duration {
    let clock = nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID;
    nix::time::clock_gettime(clock).map(Duration::from).unwrap_or_default()
}

/// Every problem has a place in its file and can be shown in both languages.
#[track_caller]
pub(crate) fn told_well(files: &std::collections::BTreeMap<String, Vec<u8>>, problems: &[words::Diagnostic]) {
    for problem in problems {
        let bytes = files.get(&problem.file).map(Vec::as_slice).unwrap_or_default();
        let span = problem.span.clone();
        assert!(span.start <= span.end && span.end <= bytes.len(), "{problem:?}");
        if let Ok(source) = std::str::from_utf8(bytes) {
            assert!(source.is_char_boundary(span.start) && source.is_char_boundary(span.end), "{problem:?}");
        }
        let source = &String::from_utf8_lossy(bytes);
        assert!(!problem.title.en.is_empty() && !problem.title.ja.is_empty(), "{problem:?}");
        for language in [words::Language::En, words::Language::Ja] {
            assert!(problem.render(source, language, false).contains(&problem.code));
        }
    }
}

/// Whether a record of an answer is one line, short, and without control characters.
#[track_caller]
pub(crate) fn one_short_line(text: &str) {
    assert!(text.chars().count() <= 400, "too long for a record: {text:?}");
    assert!(!text.chars().any(char::is_control), "a control character in a record: {text:?}");
}
