//! The bytes between us and the relay, each exchange under a deadline.

use crate::{
    reply::{Reply, Unreadable},
    step::{Broken, Step},
};
use rustls::pki_types::ServerName;
use std::{io, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout_at},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// Clear or encrypted.
enum Stream {
    Clear(TcpStream),
    Encrypted(Box<TlsStream<TcpStream>>),
}

/// A connection with what has been read ahead.
pub(crate) struct Wire {
    stream: Stream,
    buffer: Vec<u8>,
    /// Bytes read since the last call of [`Wire::mark`].
    heard: bool,
}

/// When a step has to end: its own deadline, or that of the whole hand-over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Until {
    /// The end of the whole hand-over.
    pub(crate) end: Instant,
}

impl Until {
    /// The end of a step that may take `limit` from now.
    pub(crate) fn step(self, limit: Duration) -> Instant {
        self.end.min(Instant::now() + limit)
    }
}

impl Wire {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self { stream: Stream::Clear(stream), buffer: Vec::with_capacity(1024), heard: false }
    }

    /// Forgets whether the relay has said anything.
    pub(crate) fn mark(&mut self) {
        self.heard = false;
    }

    /// Whether the relay has said anything since [`Wire::mark`].
    pub(crate) fn heard(&self) -> bool {
        self.heard
    }

    /// Whether the relay has said more than was asked.
    pub(crate) fn has_read_ahead(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// Sends all of `bytes` by `end`.
    pub(crate) async fn write(&mut self, step: Step, bytes: &[u8], end: Instant) -> Result<(), Broken> {
        let sent = timeout_at(end, async {
            match &mut self.stream {
                // One system call where the socket takes it; nothing to flush.
                Stream::Clear(stream) => stream.write_all(bytes).await,
                Stream::Encrypted(stream) => {
                    stream.write_all(bytes).await?;
                    stream.flush().await
                }
            }
        });
        match sent.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(lost(step, &error)),
            Err(_) => Err(Broken::Lost { step, what: "the relay stopped reading".to_owned() }),
        }
    }

    /// Reads one whole reply by `end`, however slowly it comes.
    pub(crate) async fn read(&mut self, step: Step, end: Instant) -> Result<Reply, Broken> {
        loop {
            match Reply::read(&self.buffer) {
                Ok(Some((reply, len))) => {
                    self.buffer.drain(..len);
                    return Ok(reply);
                }
                Ok(None) => {}
                Err(unreadable @ (Unreadable::Garbage | Unreadable::Endless)) => {
                    return Err(Broken::Lost { step, what: unreadable.what().to_owned() });
                }
            }
            let read = timeout_at(end, async {
                match &mut self.stream {
                    Stream::Clear(stream) => stream.read_buf(&mut self.buffer).await,
                    Stream::Encrypted(stream) => stream.read_buf(&mut self.buffer).await,
                }
            });
            match read.await {
                Ok(Ok(0)) => {
                    return Err(Broken::Lost { step, what: "the relay closed the connection".to_owned() });
                }
                Ok(Ok(_)) => self.heard = true,
                Ok(Err(error)) => return Err(lost(step, &error)),
                Err(_) => return Err(Broken::Lost { step, what: "no whole answer in time".to_owned() }),
            }
        }
    }

    /// Turns a clear connection into an encrypted one. The certificate has to bear `host`.
    pub(crate) async fn encrypt(
        self,
        client: Arc<rustls::ClientConfig>,
        host: &str,
        end: Instant,
    ) -> Result<Self, Broken> {
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned()).map_err(|_| {
            Broken::Wrong { what: "the relay's host is no name that a certificate can bear".to_owned() }
        })?;
        let Stream::Clear(stream) = self.stream else { return Ok(self) };
        match timeout_at(end, TlsConnector::from(client).connect(name, stream)).await {
            Ok(Ok(stream)) => Ok(Self {
                stream: Stream::Encrypted(Box::new(stream)),
                buffer: self.buffer,
                heard: self.heard,
            }),
            Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidData => Err(Broken::Wrong {
                what: format!(
                    "TLS with the relay fails: {error}; check host, port, TLS mode and certificate"
                ),
            }),
            Ok(Err(error)) => Err(lost(Step::Handshake, &error)),
            Err(_) => Err(Broken::Lost { step: Step::Handshake, what: "no end in time".to_owned() }),
        }
    }

    /// Says goodbye without waiting for an answer: nothing hangs on it any more.
    pub(crate) async fn leave(mut self) {
        let end = Instant::now() + Duration::from_millis(200);
        let _ = self.write(Step::Reset, b"QUIT\r\n", end).await;
    }
}

fn lost(step: Step, error: &io::Error) -> Broken {
    Broken::Lost { step, what: error.to_string() }
}
