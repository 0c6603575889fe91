//! What any provider over HTTP may do wrong, and what must follow whatever its own words are.

use super::{Act, Scripted, answer};
use std::{io, time::Duration};

/// A fault and its outcome.
#[derive(Debug, Clone)]
pub struct HttpFault {
    /// For the one who reads why a test failed.
    pub what: &'static str,
    /// What the far side does.
    pub act: Act,
    /// The outcome, by its name.
    pub outcome: &'static str,
    /// The deadline of the hand-over: short where only it ends the silence.
    pub deadline: Duration,
}

/// All of them. Texts of providers have no place here: each adapter tests its own beside them.
pub fn http_faults() -> Vec<HttpFault> {
    let short = Duration::from_millis(300);
    let ample = Duration::from_secs(10);
    let page = |status| Act::Answer(answer(status, &[], "<html>proxy</html>"));
    let headed =
        |more: &str| format!("HTTP/1.1 200 OK\r\n{more}content-length: 104857600\r\n\r\n").into_bytes();
    let redirect = Act::Answer(answer(301, &[("Location", "http://127.0.0.1:1/")], ""));
    let within = b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"a\": \"b".to_vec();
    let silent = [
        ("silence before the headers", Act::Hang(Vec::new())),
        ("silence within the headers", Act::Hang(b"HTTP/1.1 200 O".to_vec())),
        ("silence within the body", Act::Hang(within)),
    ];
    let told = [
        ("a reset after the request", Act::Reset, "unknown"),
        ("200 with garbage", page(200), "unknown"),
        ("200 with nothing", Act::Answer(answer(200, &[], "")), "unknown"),
        ("200 with JSON of somebody else", Act::Answer(answer(200, &[], "{\"ok\": true}")), "unknown"),
        ("a redirect", redirect, "misconfigured"),
        ("400", page(400), "message_refused"),
        ("401", page(401), "misconfigured"),
        ("403", page(403), "misconfigured"),
        ("404", page(404), "misconfigured"),
        ("408", page(408), "unavailable"),
        ("409", page(409), "message_refused"),
        ("413", page(413), "message_refused"),
        ("422", page(422), "message_refused"),
        ("429", page(429), "throttled"),
        ("500", page(500), "unknown"),
        ("502", page(502), "unknown"),
        ("503", page(503), "unknown"),
        ("504", page(504), "unknown"),
        ("100 MB", Act::Endless(headed("")), "unknown"),
        ("a gzip bomb", Act::Endless(headed("content-encoding: gzip\r\n")), "unknown"),
    ];
    let silent = silent.map(|(what, act)| HttpFault { what, act, outcome: "unknown", deadline: short });
    let told = told.map(|(what, act, outcome)| HttpFault { what, act, outcome, deadline: ample });
    silent.into_iter().chain(told).collect()
}

/// A provider that cannot be reached: nothing of a message was sent, whatever the protocol.
pub struct Unreachable {
    /// For the one who reads why a test failed.
    pub what: &'static str,
    /// Where it is said to be, without a slash at the end.
    pub base_url: String,
    /// The deadline of the hand-over: short where only it ends the silence.
    pub deadline: Duration,
    /// It listens as long as this lives.
    _far: Option<Scripted>,
}

/// Every way not to be reached: with [`http_faults`], all that HTTP can do to a hand-over.
pub async fn unreachable() -> io::Result<Vec<Unreachable>> {
    let (short, ample) = (Duration::from_millis(300), Duration::from_secs(10));
    let gone = Scripted::new(|_| Act::Reset).await?;
    gone.leave().await;
    let plain = Scripted::new(|_| Act::Reset).await?;
    let secure = plain.base_url().replace("http:", "https:");
    let of = |what, base_url, deadline, far| Unreachable { what, base_url, deadline, _far: far };
    Ok(vec![
        of("a refused connection", gone.base_url(), ample, None),
        of("a name that nobody has", "http://nowhere.invalid".to_owned(), ample, None),
        of("no TLS where TLS is expected", secure, short, Some(plain)),
    ])
}
