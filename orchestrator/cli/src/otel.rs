//! Traces for OpenTelemetry: what was done, for whom by id, and how long it took. With the feature `otel` alone, and where
//! `OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` says where to; the other `OTEL_*` variables hold, too.
//!
//! The parts say spans under one target, at a level that no log has unless it asks; only what is said there goes out.
//!
//! Invariant: a span holds ids, names of journeys and figures: what a log may hold.

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter, WithHttpConfig as _};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use std::time::Duration;
use tracing::Subscriber;
use tracing_subscriber::{Layer, filter::filter_fn, registry::LookupSpan};

/// Where traces go.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
/// What our traces are called where nobody names them.
const SERVICE: &str = "tabi";
/// The longest that a batch of spans may take to be handed over.
const DEADLINE: Duration = Duration::from_secs(10);

/// Traces are sent as long as this lives; dropped, what is left goes out.
#[derive(Debug, Default)]
pub(crate) struct Traces(Option<SdkTracerProvider>);

impl Drop for Traces {
    fn drop(&mut self) {
        if let Some(provider) = self.0.take()
            && let Err(error) = provider.shutdown()
        {
            crate::output::warn(&format!("the last traces were not sent: {error}"));
        }
    }
}

/// What sends traces, where the environment says where to.
pub(crate) fn layer<S>() -> (Traces, Option<impl Layer<S> + Send + Sync>)
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    let provider = provider();
    let layer = provider.as_ref().map(|provider| {
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer(SERVICE))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_level(false)
            .with_tracked_inactivity(false)
            .with_filter(filter_fn(|about| about.is_span() && about.target() == words::TRACES))
    });
    (Traces(provider), layer)
}

fn set(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn provider() -> Option<SdkTracerProvider> {
    ENDPOINTS.iter().find_map(|name| set(name))?;
    let off = set("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"))
        || set("OTEL_TRACES_EXPORTER").is_some_and(|value| value == "none");
    if off {
        return None;
    }
    let exporter = Egress::new().map_err(|error| error.to_string()).and_then(|client| {
        SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .build()
            .map_err(|error| error.to_string())
    });
    let exporter = match exporter {
        Ok(exporter) => exporter,
        Err(error) => {
            crate::output::warn(&format!("no traces are sent: {error}"));
            return None;
        }
    };
    let mut resource = Resource::builder();
    if set("OTEL_SERVICE_NAME").is_none() {
        resource = resource.with_service_name(SERVICE);
    }
    Some(SdkTracerProvider::builder().with_resource(resource.build()).with_batch_exporter(exporter).build())
}

/// The one HTTP client of the program, as the exporter wants it. It is asked from a thread that is the exporter's own.
#[derive(Debug)]
struct Egress {
    client: egress::Client,
    runtime: tokio::runtime::Runtime,
}

impl Egress {
    fn new() -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        // The operator named the address.
        let client = egress::Client::new(&egress::Settings::reaching(egress::Reach::Anywhere))?;
        Ok(Self { client, runtime })
    }
}

#[async_trait]
impl HttpClient for Egress {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let url = request.uri().to_string();
        let mut headers = Vec::new();
        for (name, value) in request.headers() {
            headers.push((name.as_str(), value.to_str()?.to_owned()));
        }
        let asked = egress::Request { url: &url, headers, body: request.body() };
        let reply = self.runtime.block_on(self.client.post(asked, DEADLINE));
        match reply {
            egress::Reply::Answered(answer) => {
                let body = answer.body.whole().map(Bytes::copy_from_slice).unwrap_or_default();
                Ok(Response::builder().status(answer.status).body(body)?)
            }
            other => Err(format!("no answer: {other:?}").into()),
        }
    }
}
