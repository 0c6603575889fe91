//! Requests, counted and measured by route: for Prometheus, beside what the worker counts.

use http::StatusCode;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::{
    counter::Counter,
    family::Family,
    histogram::{Histogram, exponential_buckets},
};
use prometheus_client::registry::Registry;
use std::time::Duration;

/// Method and path as declared, never as asked: `/u/{token}` tells nobody's token.
type Where = [(&'static str, &'static str); 2];
type WhereAndStatus = [(&'static str, String); 3];

/// The media type of what [`Requests::text`] writes: OpenMetrics 1.0.
pub(crate) const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Counters since the start of the process.
#[derive(Debug)]
pub(crate) struct Requests {
    registry: Registry,
    answered: Family<WhereAndStatus, Counter>,
    took: Family<Where, Histogram, fn() -> Histogram>,
}

/// A millisecond to half a minute.
fn buckets() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.0, 16))
}

impl Default for Requests {
    fn default() -> Self {
        let (answered, took) =
            (Family::default(), Family::new_with_constructor(buckets as fn() -> Histogram));
        let mut registry = Registry::with_prefix("tabi");
        registry.register("http_requests", "Requests, by route and status", Family::clone(&answered));
        registry.register("http_request_seconds", "Time to answer a request, by route", Family::clone(&took));
        Self { registry, answered, took }
    }
}

impl Requests {
    pub(crate) fn answered(
        &self,
        method: &'static str,
        route: &'static str,
        status: StatusCode,
        took: Duration,
    ) {
        self.took.get_or_create(&[("method", method), ("route", route)]).observe(took.as_secs_f64());
        let labels = [
            ("method", method.to_owned()),
            ("route", route.to_owned()),
            ("status", status.as_u16().to_string()),
        ];
        self.answered.get_or_create(&labels).inc();
    }

    /// All of it behind what others have written, in the OpenMetrics text format.
    pub(crate) fn text(&self, mut others: String) -> Result<String, std::fmt::Error> {
        encode_registry(&mut others, &self.registry)?;
        encode_eof(&mut others)?;
        Ok(others)
    }
}
