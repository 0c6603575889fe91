//! Traces of a whole passage, as a collector gets them: from the request to the hand-over, by ids alone.
#![cfg(feature = "otel")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, missing_docs)]

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, common::v1::any_value::Value, trace::v1::Span,
};
use prost::Message as _;
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

const PATIENCE: Duration = Duration::from_secs(90);

/// A collector: what it got, and to which paths.
#[derive(Clone)]
struct Collector {
    address: SocketAddr,
    got: Arc<Mutex<Vec<(String, ExportTraceServiceRequest)>>>,
}

impl Collector {
    fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let collector = Self { address: listener.local_addr().unwrap(), got: Arc::default() };
        let got = Arc::clone(&collector.got);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let got = Arc::clone(&got);
                std::thread::spawn(move || converse(stream, &got));
            }
        });
        collector
    }

    fn spans(&self) -> Vec<Span> {
        let got = self.got.lock().unwrap();
        let resources = got.iter().flat_map(|(_, request)| &request.resource_spans);
        resources.flat_map(|of| &of.scope_spans).flat_map(|of| of.spans.clone()).collect()
    }
}

fn converse(stream: TcpStream, got: &Mutex<Vec<(String, ExportTraceServiceRequest)>>) -> Option<()> {
    let mut answer = stream.try_clone().ok()?;
    let mut lines = BufReader::new(stream);
    loop {
        let (mut first, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if lines.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if first.is_empty() {
                first = line.split(' ').nth(1)?.to_owned();
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        lines.read_exact(&mut body).ok()?;
        got.lock().unwrap().push((first, ExportTraceServiceRequest::decode(&body[..]).unwrap()));
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
        answer.write_all(head.as_bytes()).ok()?;
    }
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn tabi(folder: &Path, arguments: &[&str]) -> Command {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut command = Command::new(env!("CARGO_BIN_EXE_tabi"));
    command
        .args(arguments)
        .args(["--format", "json", "--data"])
        .arg(folder.join("data"))
        .arg("--project")
        .arg(project);
    command.current_dir(folder).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

fn until<T>(what: &str, mut done: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(done) = done() {
            return done;
        }
        assert!(Instant::now() < end, "still not: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn post(server: &str, key: &str, path: &str, body: &str) {
    let mut stream = TcpStream::connect(server).unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\nauthorization: Bearer {key}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

/// A span's attribute as text.
fn attribute(span: &Span, key: &str) -> String {
    let found =
        span.attributes.iter().find(|of| of.key == key).and_then(|of| of.value.as_ref()?.value.clone());
    match found {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => other.map(|other| format!("{other:?}")).unwrap_or_default(),
    }
}

#[test]
fn a_passage_is_traced_from_the_request_to_the_hand_over_and_names_nobody() {
    let collector = Collector::listen();
    let folder = tempfile::tempdir().unwrap();
    let mut serve = tabi(folder.path(), &["serve", "--listen", "127.0.0.1:0"]);
    serve
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", collector.address))
        .env("OTEL_BSP_SCHEDULE_DELAY", "200")
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut running = Running(serve.spawn().unwrap());
    let mut first = String::new();
    BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let told: serde_json::Value = serde_json::from_str(&first).unwrap();
    let server = told["listens"].as_str().unwrap();
    let made = tabi(folder.path(), &["key", "create", "shop", "--by", "Hanako Yamada"]).output().unwrap();
    let made: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
    let key = made["key"].as_str().unwrap();
    let hour =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() / 3_600 % 24;
    let zone = match i64::try_from(hour).unwrap() - 12 {
        0 => "Etc/UTC".to_owned(),
        west @ 1.. => format!("Etc/GMT+{west}"),
        east => format!("Etc/GMT-{}", -east),
    };
    let identify = serde_json::json!({
        "userId": "zqhana", "messageId": "i-1", "traits": {"email": "zqhana@example.com", "family_name": "zqmori"},
        "context": {"locale": "en", "timezone": zone, "consent": {"categoryPreferences": {"after_sales": true}}},
    });
    post(server, key, "/v1/identify", &identify.to_string());
    let order = serde_json::json!({
        "userId": "zqhana", "event": "Order Completed", "messageId": "o-1",
        "properties": {"order_id": "A-1", "total": 29.33, "currency": "USD", "cds": 2},
    });
    post(server, key, "/v1/track", &order.to_string());

    let handed = until("a hand-over is traced", || {
        collector
            .spans()
            .into_iter()
            .find(|span| span.name == "hand_over" && !attribute(span, "outcome").is_empty())
    });
    assert_eq!(attribute(&handed, "outcome"), "accepted");
    let (customer, message) = (attribute(&handed, "customer.id"), attribute(&handed, "message.id"));
    assert!(customer.starts_with("cus_") && message.starts_with("msg_"), "{handed:?}");
    assert!(attribute(&handed, "delivery.id").starts_with("dlv_"), "{handed:?}");
    let spans = until("all of it is traced", || {
        let spans = collector.spans();
        let all = ["request", "ingest", "step", "render", "hand_over"];
        all.iter().all(|name| spans.iter().any(|span| span.name == *name)).then_some(spans)
    });
    let named = |name: &str| spans.iter().filter(|span| span.name == name).cloned().collect::<Vec<_>>();
    let request =
        named("request").into_iter().find(|span| attribute(span, "http.route") == "/v1/track").unwrap();
    assert_eq!(attribute(&request, "http.response.status_code"), "200");
    let ingest = named("ingest").into_iter().find(|span| span.parent_span_id == request.span_id).unwrap();
    assert_eq!(ingest.trace_id, request.trace_id);
    assert_eq!(attribute(&ingest, "customer.ids"), customer);
    let step =
        named("step").into_iter().find(|span| attribute(span, "message.ids").contains(&message)).unwrap();
    assert_eq!(attribute(&step, "customer.id"), customer);
    assert!(attribute(&step, "enrollment.ids").contains("enr_"), "{step:?}");
    let render =
        named("render").into_iter().find(|span| attribute(span, "message.ids").contains(&message)).unwrap();
    assert!(!attribute(&render, "release.id").is_empty(), "{render:?}");

    let got = collector.got.lock().unwrap();
    assert!(got.iter().all(|(path, _)| path == "/v1/traces"));
    let all = format!("{got:?}");
    assert!(all.contains("service.name") && all.contains("\"tabi\""), "it says who it is");
    for planted in ["zqhana", "zqmori", "example.com", "tabi_sk_"] {
        assert!(!all.contains(planted), "{planted} is in a trace");
    }
}
