//! A far side for tests: an HTTP server on this machine that answers, hangs, resets and rambles as it is told.
//!
//! It speaks raw bytes, because the faults of interest are those that a well-behaved server library would prevent.

mod faults;

pub use faults::{HttpFault, Unreachable, http_faults, unreachable};

use channel::conformance::{FarSide, Script, Soon};
use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A request as it arrived, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Path and query.
    pub path: String,
    /// Headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
}

/// What the far side does after it has read a request whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Writes these bytes, see [`answer`], and waits for the next request.
    Answer(Vec<u8>),
    /// Writes these bytes, then nothing more, for ever.
    Hang(Vec<u8>),
    /// Writes these bytes, then closes.
    Close(Vec<u8>),
    /// Resets the connection.
    Reset,
    /// Writes these bytes, one a second.
    Slow(Vec<u8>),
    /// Writes these bytes, then more without end.
    Endless(Vec<u8>),
}

/// An answer with a body and its length.
pub fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("HTTP/1.1 {status} x\r\n{headers}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

type Behaviour = Arc<dyn Fn(&Seen) -> Act + Send + Sync>;

struct State {
    behaviour: Behaviour,
    seen: Vec<Seen>,
}

/// The far side. Ends when dropped.
pub struct Scripted {
    addr: SocketAddr,
    state: Arc<Mutex<State>>,
    listening: Mutex<Option<JoinHandle<()>>>,
    /// What this provider says for a script of the conformance suite; `None`: it has no such answer.
    words: Box<dyn Fn(Script) -> Option<Vec<u8>> + Send + Sync>,
    start: Instant,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Scripted {
    /// A far side with `behaviour`.
    pub async fn new(behaviour: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let state = Arc::new(Mutex::new(State { behaviour: Arc::new(behaviour), seen: Vec::new() }));
        let listening = Mutex::new(Some(listen(listener, Arc::clone(&state))));
        Ok(Self { addr, state, listening, words: Box::new(|_| None), start: Instant::now() })
    }

    /// A far side for the conformance suite: `words` are the provider's answers, the faults are the same for all.
    pub async fn provider(
        words: impl Fn(Script) -> Option<Vec<u8>> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let mut far = Self::new(|_| Act::Reset).await?;
        far.words = Box::new(words);
        Ok(far)
    }

    /// Where it listens, without a slash at the end.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Behaves so from now on, and forgets what it has seen.
    pub fn behave(&self, behaviour: impl Fn(&Seen) -> Act + Send + Sync + 'static) {
        *lock(&self.state) = State { behaviour: Arc::new(behaviour), seen: Vec::new() };
    }

    /// The requests that arrived whole.
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.state).seen.clone()
    }

    /// Refuses connections from now on.
    pub async fn leave(&self) {
        let listening = lock(&self.listening).take();
        if let Some(task) = listening {
            task.abort();
            // Ends with the listener dropped and the port closed.
            let _ = task.await;
        }
    }

    /// Takes connections again, at the same address.
    pub async fn come_back(&self) -> io::Result<()> {
        if lock(&self.listening).is_some() {
            return Ok(());
        }
        let listener = TcpListener::bind(self.addr).await?;
        *lock(&self.listening) = Some(listen(listener, Arc::clone(&self.state)));
        Ok(())
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        if let Some(task) = lock(&self.listening).take() {
            task.abort();
        }
    }
}

/// Takes connections; those that stand end with the listener.
fn listen(listener: TcpListener, state: Arc<Mutex<State>>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut connections = tokio::task::JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let state = Arc::clone(&state);
            connections.spawn(async move {
                // A client that leaves early is part of the play.
                let _ = converse(stream, &state).await;
            });
        }
    })
}

async fn converse(mut stream: TcpStream, state: &Mutex<State>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::new();
    while let Some(seen) = read_request(&mut stream, &mut buffer).await? {
        let behaviour = {
            let mut state = lock(state);
            state.seen.push(seen.clone());
            Arc::clone(&state.behaviour)
        };
        match behaviour(&seen) {
            Act::Answer(bytes) => stream.write_all(&bytes).await?,
            Act::Close(bytes) => {
                stream.write_all(&bytes).await?;
                return stream.shutdown().await;
            }
            Act::Hang(bytes) => {
                stream.write_all(&bytes).await?;
                std::future::pending::<()>().await;
            }
            Act::Reset => return stream.set_zero_linger(),
            Act::Slow(bytes) => {
                for byte in bytes {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    stream.write_all(&[byte]).await?;
                }
            }
            Act::Endless(bytes) => {
                stream.write_all(&bytes).await?;
                loop {
                    stream.write_all(&[b'x'; 8192]).await?;
                }
            }
        }
    }
    Ok(())
}

/// Reads one request with a `content-length`; `None` where the client left.
async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Option<Seen>> {
    let head_end = loop {
        if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&buffer[..head_end]).into_owned();
    let mut lines = head.split("\r\n");
    let path = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_owned();
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let body_end = head_end + 4 + length;
    while buffer.len() < body_end {
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
    let body = buffer[head_end + 4..body_end].to_vec();
    buffer.drain(..body_end);
    Ok(Some(Seen { path, headers, body }))
}

const OPEN_ENDED: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 104857600\r\n\r\n";

impl FarSide for Scripted {
    fn script<'a>(&'a self, script: Script) -> Soon<'a, bool> {
        Box::pin(async move {
            if script == Script::Gone {
                self.leave().await;
                return true;
            }
            if self.come_back().await.is_err() {
                return false;
            }
            let act = match script {
                // The content comes with the request: there is no moment before it.
                Script::SilentBeforeContent | Script::Gone => return false,
                Script::SilentAfterContent => Act::Hang(Vec::new()),
                Script::ResetAfterContent => Act::Reset,
                Script::GarbageAfterContent => Act::Close(b"\x00\xffthis is not HTTP\r\n\r\n".to_vec()),
                Script::SlowAfterContent => Act::Slow(answer(200, &[], "{}")),
                Script::EndlessAfterContent => Act::Endless(OPEN_ENDED.to_vec()),
                _ => match (self.words)(script) {
                    Some(bytes) => Act::Answer(bytes),
                    None => return false,
                },
            };
            self.behave(move |_| act.clone());
            true
        })
    }

    fn taken<'a>(&'a self) -> Soon<'a, Vec<Vec<u8>>> {
        Box::pin(async move { self.seen().into_iter().map(|seen| seen.body).collect() })
    }

    fn sleep<'a>(&'a self, time: Duration) -> Soon<'a, ()> {
        Box::pin(tokio::time::sleep(time))
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}
