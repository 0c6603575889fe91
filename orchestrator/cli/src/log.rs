//! Logging: to standard error, ids alone; lines for a terminal, JSON for everything else.

use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;

/// Begins. A filter that makes no sense is said and replaced by `usual`.
pub(crate) fn begin(filter: Option<&str>, usual: &str) {
    let wanted = filter.unwrap_or(usual);
    let filter = EnvFilter::try_new(wanted).unwrap_or_else(|error| {
        crate::output::warn(&format!(
            "the log filter `{wanted}` is not understood ({error}); `{usual}` is used"
        ));
        EnvFilter::new(usual)
    });
    let to_terminal = std::io::stderr().is_terminal();
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second subscriber is a test's business: the first one stays.
    let _ = if to_terminal {
        lines.with_ansi(!plain).with_target(false).try_init()
    } else {
        lines.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()
    };
}
