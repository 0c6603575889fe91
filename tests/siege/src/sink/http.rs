//! An SMS provider: Twilio's «Messages resource» as its documentation publishes it, and its status callbacks.

use super::{Conduct, Listening, Receipts, Script, hash, mark, receipts::Seen, smtp};
use crate::{
    http::{self, Head},
    record::Channel,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::hmac;
use std::{
    io::{self, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// The account and its secret.
pub const ACCOUNT: (&str, &str) = ("ACsiege", "a secret of the siege");

/// The provider.
#[derive(Debug)]
pub struct Provider {
    /// What happens to whom.
    pub script: Script,
    /// Where it is written.
    pub receipts: Arc<Receipts>,
    /// Reports that are owed: what became of a text, to whoever asked for it.
    pub reports: Reports,
}

/// Status callbacks that are owed.
#[derive(Debug, Default)]
pub struct Reports(Mutex<Vec<Report>>);

/// One of them.
#[derive(Debug, Clone)]
struct Report {
    url: String,
    receipt: String,
}

/// Serves texts to whoever connects.
///
/// # Errors
/// When there is no free port.
pub fn serve(provider: Arc<Provider>) -> io::Result<Listening> {
    Listening::serve(move |stream, _| talk(stream, &provider))
}

fn talk(stream: TcpStream, provider: &Provider) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut answer = stream.try_clone()?;
    let mut lines = BufReader::new(stream);
    let expected = format!("Basic {}", STANDARD.encode(format!("{}:{}", ACCOUNT.0, ACCOUNT.1)));
    while let Some(head) = http::head(&mut lines)? {
        if head.header("authorization") != expected {
            respond(&mut answer, 401, &[], r#"{"code": 20003, "message": "who are you?"}"#)?;
            return Ok(());
        }
        if !text(&mut lines, &mut answer, &head, provider)? {
            return Ok(());
        }
    }
    Ok(())
}

/// One text; whether the conversation goes on.
fn text(
    lines: &mut BufReader<TcpStream>,
    answer: &mut TcpStream,
    head: &Head,
    provider: &Provider,
) -> io::Result<bool> {
    let mut body = vec![0; head.length.min(1 << 20)];
    lines.read_exact(&mut body)?;
    let field = |wanted: &str| {
        let mut pairs = form_urlencoded::parse(&body);
        pairs.find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    let (to, words, callback) = (field("To"), field("Body"), field("StatusCallback"));
    let conduct = provider.script.next(&to);
    match conduct {
        // Nothing of it counts: the provider fell over before it looked.
        Conduct::Reset | Conduct::ResetInside => return Ok(false),
        Conduct::Deaf => return until_they_leave(lines),
        _ => {}
    }
    let hash = hash(&body);
    let receipt = format!("SM{}", &hash[..32]);
    let id = callback.split_once("delivery=").map_or("", |(_, id)| id);
    let seen = Seen { to: &to, id, receipt: &receipt, mark: mark(&words), hash: &hash };
    provider.receipts.read(Channel::Sms, seen, smtp::answer(conduct)).map_err(io::Error::other)?;
    if smtp::answer(conduct).took() && !callback.is_empty() {
        provider.reports.owe(callback, receipt.clone());
    }
    let taken = format!(r#"{{"sid": "{receipt}", "status": "queued", "error_code": null}}"#);
    match conduct {
        Conduct::Cut => return Ok(false),
        Conduct::Mute => return until_they_leave(lines),
        Conduct::Garbled => respond(answer, 200, &[], "<html>what?</html>")?,
        Conduct::LaterAtOnce => {
            let body = r#"{"code": 20429, "message": "too many requests"}"#;
            respond(answer, 429, &[("Retry-After", "1")], body)?;
        }
        Conduct::Later => {
            respond(answer, 503, &[], r#"{"code": 20503, "message": "not now"}"#)?;
        }
        Conduct::Refuse => {
            respond(answer, 400, &[], r#"{"code": 21617, "message": "not this one"}"#)?;
        }
        Conduct::Dead => {
            respond(answer, 400, &[], r#"{"code": 21211, "message": "nobody is here"}"#)?;
        }
        Conduct::Slow(pause) => {
            std::thread::sleep(pause);
            respond(answer, 201, &[], &taken)?;
        }
        Conduct::Drip(pause) => {
            let (first, rest) = taken.split_at(8);
            write!(answer, "HTTP/1.1 201 Created\r\nContent-Length: {}\r\n\r\n{first}", taken.len())?;
            for byte in rest.bytes() {
                std::thread::sleep(pause / 4);
                answer.write_all(&[byte])?;
            }
        }
        _ => respond(answer, 201, &[], &taken)?,
    }
    Ok(true)
}

fn respond(answer: &mut TcpStream, status: u16, headers: &[(&str, &str)], body: &str) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    answer.write_all(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes())
}

fn until_they_leave(lines: &mut BufReader<TcpStream>) -> io::Result<bool> {
    lines.get_ref().set_read_timeout(Some(Duration::from_secs(900)))?;
    io::copy(lines, &mut io::sink()).map(|_| false)
}

impl Reports {
    fn owe(&self, url: String, receipt: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Report { url, receipt });
    }

    /// How many are owed still.
    pub fn owed(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Tries to report what is owed, to any of these nodes; whoever is not there is asked again at the next call.
    pub fn deliver(&self, nodes: &[SocketAddr]) {
        let owed = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let left = Mutex::new(Vec::new());
        let share = owed.len().div_ceil(4).max(1);
        std::thread::scope(|scope| {
            for some in owed.chunks(share) {
                let left = &left;
                scope.spawn(move || {
                    let mut reached = true;
                    for report in some {
                        // Once nobody answers, the others need not be tried.
                        reached = reached && nodes.iter().any(|node| tell(*node, report));
                        if !reached {
                            left.lock().unwrap_or_else(PoisonError::into_inner).push(report.clone());
                        }
                    }
                });
            }
        });
        let left = left.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(left);
    }
}

/// Source: Twilio documentation, «Security: validating requests»: Base64 of HMAC-SHA1 over the URL, then every name and value,
/// sorted by name.
fn tell(node: SocketAddr, report: &Report) -> bool {
    let fields = [("MessageSid", report.receipt.as_str()), ("MessageStatus", "delivered")];
    let signed: String = fields.iter().map(|(name, value)| format!("{name}{value}")).collect();
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, ACCOUNT.1.as_bytes());
    let signature = STANDARD.encode(hmac::sign(&key, format!("{}{signed}", report.url).as_bytes()));
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let path = report.url.splitn(4, '/').nth(3).map(|path| format!("/{path}")).unwrap_or_default();
    let headers =
        [("content-type", "application/x-www-form-urlencoded"), ("x-twilio-signature", signature.as_str())];
    let answer = http::request_within(node, "POST", &path, &headers, body.as_bytes(), Duration::from_secs(5));
    // A report that is refused will not get better.
    answer.is_ok_and(|answer| answer.status < 500)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        journal,
        record::{Answer, Received},
        sink::{Rates, script::tests::only},
    };

    /// Sends one text; status and body, 0 where there was no answer.
    fn send(rates: Rates) -> (u16, String, Vec<Received>, usize) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("received.jsonl");
        let receipts = Arc::new(Receipts::open(&path).unwrap());
        let script = Script::new(1, "sms", rates);
        let provider = Arc::new(Provider { script, receipts, reports: Reports::default() });
        let sink = serve(Arc::clone(&provider)).unwrap();
        let authorization = format!("Basic {}", STANDARD.encode(format!("{}:{}", ACCOUNT.0, ACCOUNT.1)));
        let body = "To=%2B819010000001&From=Kumo&Body=%5Bcode+s-1%5D+4711&StatusCallback=https%3A%2F%2Fa.example%2Fcallbacks%2Fsms%3Fdelivery%3Ddlv_1";
        let headers = [("authorization", authorization.as_str())];
        let limit = Duration::from_millis(500);
        // The sink keeps its connections, so the length says where the answer ends.
        let mut stream = TcpStream::connect(sink.address()).unwrap();
        stream.set_read_timeout(Some(limit)).unwrap();
        let mut head = "POST /2010-04-01/Accounts/ACsiege/Messages.json HTTP/1.1\r\n".to_owned();
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len()).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).ok();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        (status, text, journal::read(&path).unwrap(), provider.reports.owed())
    }

    #[track_caller]
    fn check(conduct: Conduct, status: u16, expected: Option<Answer>) {
        let (is, text, received, owed) = send(only(conduct));
        assert_eq!(is, status, "{conduct:?}: {text}");
        assert_eq!(owed, usize::from(expected.as_ref().is_some_and(Answer::took)), "who took it reports it");
        assert_eq!(
            received.iter().map(|one| one.answer.clone()).collect::<Vec<_>>(),
            Vec::from_iter(expected)
        );
    }

    #[test]
    fn a_text_is_written_down_with_the_delivery_that_its_callback_names() {
        let (status, text, received, owed) = send(Rates::kind());
        let one = &received[0];
        assert_eq!((status, owed), (201, 1));
        assert!(text.contains(&one.receipt), "{text}");
        assert_eq!(
            (one.to.as_str(), one.id.as_str(), one.mark.as_str()),
            ("+819010000001", "dlv_1", "code s-1")
        );
    }

    #[test]
    fn every_conduct_does_what_it_is_called() {
        check(Conduct::Cut, 0, Some(Answer::Withheld));
        check(Conduct::Mute, 0, Some(Answer::Withheld));
        check(Conduct::Garbled, 200, Some(Answer::Withheld));
        check(Conduct::Deaf, 0, None);
        check(Conduct::Reset, 0, None);
        check(Conduct::ResetInside, 0, None);
        check(Conduct::LaterAtOnce, 429, Some(Answer::Later));
        check(Conduct::Later, 503, Some(Answer::Later));
        check(Conduct::Refuse, 400, Some(Answer::Refused));
        check(Conduct::Dead, 400, Some(Answer::Dead));
        check(Conduct::Slow(Duration::from_millis(50)), 201, Some(Answer::Accepted));
    }
}
