//! The gate: a request body that knows whether it was sent, and can be shut.
//!
//! The HTTP client asks for the next piece of the body just before it writes it. While nobody has asked, not one byte
//! of content can have left. Shutting the gate and reading how far it came is one atomic step, so there is no moment
//! in which a request is called "not sent" and goes out after all.

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering::SeqCst},
    },
    task::{Context, Poll},
};

/// Bytes handed out per request of the client.
const PIECE_BYTES: usize = 16 * 1024;

const WAITING: u8 = 0;
const PARTLY: u8 = 1;
const WHOLLY: u8 = 2;
const SHUT: u8 = 3;

/// How far a body came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Not one byte of it was asked for.
    Nothing,
    /// Some of it was.
    Partly,
    /// All of it was.
    Wholly,
}

/// The handle that shuts the gate.
#[derive(Debug, Clone)]
pub struct Gate(Arc<AtomicU8>);

/// The body behind the gate.
#[derive(Debug)]
pub struct GatedBody {
    rest: Bytes,
    gate: Arc<AtomicU8>,
}

/// The gate was shut before the first byte.
#[derive(Debug, thiserror::Error)]
#[error("the request was given up before its content was sent")]
pub struct Shut;

impl Gate {
    /// A body of `content` and its gate. An empty body counts as sent from the start: nobody would ask for it.
    pub fn around(content: Bytes) -> (Self, GatedBody) {
        let gate = Arc::new(AtomicU8::new(if content.is_empty() { WHOLLY } else { WAITING }));
        (Self(Arc::clone(&gate)), GatedBody { rest: content, gate })
    }

    /// Says how far the body came; where nothing was sent, nothing ever will be.
    pub fn shut(&self) -> Progress {
        match self.0.compare_exchange(WAITING, SHUT, SeqCst, SeqCst) {
            Ok(_) | Err(SHUT) => Progress::Nothing,
            Err(PARTLY) => Progress::Partly,
            Err(_) => Progress::Wholly,
        }
    }
}

impl Body for GatedBody {
    type Data = Bytes;
    type Error = Shut;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Shut>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        if self.gate.compare_exchange(WAITING, PARTLY, SeqCst, SeqCst) == Err(SHUT) {
            return Poll::Ready(Some(Err(Shut)));
        }
        let piece_bytes = self.rest.len().min(PIECE_BYTES);
        let piece = self.rest.split_to(piece_bytes);
        if self.rest.is_empty() {
            self.gate.store(WHOLLY, SeqCst);
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}
