//! The calls that journeys make to declared web services.

use egress::{AnswerBody, Client, Reach, Reply, Request, Settings};
use serde_json::Value;
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use worker::calls::{CallOutcome, Caller, Calling};

/// How long a service may take.
const DEADLINE: Duration = Duration::from_secs(20);

/// Makes calls over HTTP. Before go-live only this machine is called.
#[derive(Debug)]
pub(crate) struct HttpCalls {
    outside: Client,
    here: Client,
    live: AtomicBool,
}

impl HttpCalls {
    /// With two clients: one that reaches out, one that cannot.
    pub(crate) fn new() -> Result<Self, egress::SettingsError> {
        Ok(Self {
            outside: Client::new(&Settings::reaching(Reach::PublicOrLoopback))?,
            here: Client::new(&Settings::reaching(Reach::Loopback))?,
            live: AtomicBool::new(false),
        })
    }

    /// Whether calls may leave the machine from now on.
    pub(crate) fn set_live(&self, live: bool) {
        self.live.store(live, Ordering::Release);
    }
}

impl Caller for HttpCalls {
    fn call<'a>(
        &'a self,
        schema: &'a journey::CallSchema,
        work: &'a store::CallWork,
        key: String,
    ) -> Calling<'a> {
        let client = if self.live.load(Ordering::Acquire) { &self.outside } else { &self.here };
        Box::pin(async move {
            let given: serde_json::Map<String, Value> =
                work.with.iter().map(|(name, value)| (name.clone(), value.to_plain_json())).collect();
            let mut headers = vec![("accept", "application/json".to_owned()), ("idempotency-key", key)];
            let reply = if schema.method.eq_ignore_ascii_case("GET") {
                let url = with_query(&schema.url, &given);
                client.send("GET", Request { url: &url, headers, body: &[] }, DEADLINE).await
            } else {
                headers.push(("content-type", "application/json".to_owned()));
                let body = Value::Object(given).to_string();
                let request = Request { url: &schema.url, headers, body: body.as_bytes() };
                client.send(&schema.method, request, DEADLINE).await
            };
            outcome(reply)
        })
    }
}

fn with_query(url: &str, given: &serde_json::Map<String, Value>) -> String {
    if given.is_empty() {
        return url.to_owned();
    }
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in given {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        query.append_pair(name, &text);
    }
    let sign = if url.contains('?') { '&' } else { '?' };
    format!("{url}{sign}{}", query.finish())
}

fn outcome(reply: Reply) -> CallOutcome {
    match reply {
        Reply::Refused { why } => CallOutcome::Failed(why),
        Reply::NotSent { why } | Reply::Lost { why, .. } => CallOutcome::Later(why),
        Reply::Answered(answer) => match (answer.status, answer.body) {
            (200..=299, AnswerBody::Whole(bytes)) => match serde_json::from_slice(&bytes) {
                Ok(json) => CallOutcome::Answered(json),
                Err(_) => CallOutcome::Failed("the answer is not JSON".to_owned()),
            },
            (200..=299, body) => {
                CallOutcome::Later(body.trouble().unwrap_or("the answer could not be read").to_owned())
            }
            (status @ (408 | 425 | 429 | 500..=599), _) => {
                CallOutcome::Later(format!("the service answered {status}"))
            }
            (status, _) => CallOutcome::Failed(format!("the service answered {status}")),
        },
    }
}
