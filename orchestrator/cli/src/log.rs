//! Logging: to standard error, ids alone; lines for a terminal, JSON for everything else.
//!
//! Invariant: whatever filter is asked for, libraries say nothing below `info`. What they say there is what they handle:
//! statements with their values, requests with their headers, words of a mail.

use std::io::IsTerminal as _;
use tracing::{Level, Metadata};
use tracing_subscriber::{
    EnvFilter, Layer as _,
    filter::{FilterExt as _, filter_fn},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

/// The crates that are ours: what they log names ids, and a test plants everything else to find out.
const OURS: [&str; 24] = [
    "audit", "channel", "db", "egress", "email", "engine", "inbox", "journey", "policy", "push", "release",
    "render", "sandbox", "server", "sms", "store", "tabi", "vault", "webhook", "words", "worker", "cli",
    "bench", "sim",
];

/// How lines are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines where a terminal shows them, JSON where a program reads them
    #[default]
    Auto,
    /// Lines for people
    Lines,
    /// One JSON object on each line
    Json,
}

/// What ends with the process: traces that are still to be sent, where they are sent at all.
#[cfg(feature = "otel")]
pub(crate) type Begun = crate::otel::Traces;
/// Nothing: this build sends no traces.
#[cfg(not(feature = "otel"))]
#[derive(Debug)]
pub(crate) struct Begun;

/// Begins. A filter that makes no sense is said and replaced by `usual`.
pub(crate) fn begin(filter: Option<&str>, usual: &str, format: LogFormat) -> Begun {
    let wanted = filter.unwrap_or(usual);
    let filter = EnvFilter::try_new(wanted).unwrap_or_else(|error| {
        crate::output::warn(&format!(
            "the log filter `{wanted}` is not understood ({error}); `{usual}` is used"
        ));
        EnvFilter::new(usual)
    });
    let json = match format {
        LogFormat::Auto => !std::io::stderr().is_terminal(),
        LogFormat::Lines => false,
        LogFormat::Json => true,
    };
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = if json {
        lines.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed()
    } else {
        lines.with_ansi(!plain && std::io::stderr().is_terminal()).with_target(false).boxed()
    };
    let lines = lines.with_filter(filter.and(filter_fn(may_be_said).with_max_level_hint(Level::TRACE)));
    let subscriber = tracing_subscriber::registry().with(lines);
    #[cfg(feature = "otel")]
    let (begun, subscriber) = {
        let (begun, layer) = crate::otel::layer();
        (begun, subscriber.with(layer))
    };
    #[cfg(not(feature = "otel"))]
    let begun = Begun;
    // A second subscriber is a test's business: the first one stays.
    let _ = subscriber.try_init();
    begun
}

/// From now on a panic is a line of the log like others: where it was, and what it said where that was written in the source.
/// What it puts together may hold anything (a text that was cut in the wrong place, an address that was not one).
pub(crate) fn panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(|| "somewhere".to_owned(), ToString::to_string);
        let written = panic.payload().downcast_ref::<&'static str>();
        let what = written.copied().unwrap_or("what it says is left out, it may name somebody");
        tracing::error!(%place, "A mistake of Tabi's own at {place}: {what}");
    }));
}

/// Ours whatever it is; of others no more than what they tell an operator.
fn may_be_said(about: &Metadata<'_>) -> bool {
    let root = about.target().split("::").next().unwrap_or_default();
    *about.level() <= Level::INFO || OURS.contains(&root)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_crate_of_ours_may_say_all_it_has_to_say() {
        for folder in ["../../orchestrator", "../../channels"] {
            for entry in std::fs::read_dir(folder).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                assert!(OURS.contains(&name.as_str()), "{name} is not among the crates that are ours");
            }
        }
    }
}
