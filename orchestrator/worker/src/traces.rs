//! What traces say of a passage: ids, and nothing that a log may not hold. Unless somebody collects them, a span is not made.
//!
//! A step begins a trace of its own, days after the event that led to it: nothing of a trace is written into the tables. Who
//! looks for the rest of a passage finds it by the ids, which each span has.

use crate::Live;
use store::{CustomerChange, EnrollmentChange, SendWork};
use tracing::{Span, field::Empty, trace_span};
use words::TRACES;

/// What a step decided.
pub(crate) fn decided(span: &Span, change: &CustomerChange) {
    let enrollments = change.enrollments.iter().map(|change| match change {
        EnrollmentChange::New(new) => new.id.to_string(),
        EnrollmentChange::Moved { id, .. } => id.to_string(),
    });
    span.record("enrollment.ids", joined(enrollments));
    span.record("message.ids", joined(change.messages.iter().map(|message| message.id.to_string())));
}

/// The making of messages, together.
pub(crate) fn rendering<'a>(live: &Live, work: impl Iterator<Item = &'a SendWork>) -> Span {
    let span = trace_span!(target: TRACES, "render", release.id = %live.release.id, message.ids = Empty);
    if !span.is_disabled() {
        span.record("message.ids", joined(work.map(|work| work.message.to_string())));
    }
    span
}

/// One hand-over.
pub(crate) fn handing_over(work: &SendWork, live: &Live) -> Span {
    let span = trace_span!(
        target: TRACES, "hand_over", otel.kind = "client", customer.id = %work.customer.id, message.id = %work.message,
        delivery.id = %work.delivery, enrollment.id = Empty, release.id = %live.release.id, channel = %work.channel,
        delivery.attempt = work.attempts, outcome = Empty,
    );
    if let Some(enrollment) = work.enrollment {
        span.record("enrollment.id", tracing::field::display(enrollment));
    }
    span
}

fn joined(ids: impl Iterator<Item = String>) -> String {
    ids.collect::<Vec<_>>().join(" ")
}
