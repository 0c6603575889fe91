//! What the parent and the rendering child say to each other: a length of four bytes, big-endian, then the value.

use crate::probe::Failed;
use crate::request::{RenderError, RenderRequest, Rendered};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Bytes of one frame, at most.
pub(crate) const FRAME_MAX: usize = 64 * 1024 * 1024;

/// To the child.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Ask {
    /// Keep these templates under this id. Answered by [`Answer::Loaded`].
    Load {
        /// SHA-256 of the bytes.
        id: [u8; 32],
        /// What [`crate::Templates::to_bytes`] gave.
        bytes: Vec<u8>,
    },
    /// Render these, in order. Each is answered by one [`Answer::Rendered`], as soon as it is there.
    Render {
        /// The templates.
        id: [u8; 32],
        /// CPU time of each, at most.
        cpu_max: Duration,
        /// The messages.
        requests: Vec<RenderRequest>,
    },
    /// Render these to see what fails. Each is answered by one [`Answer::Probed`], as soon as it is known.
    Probe {
        /// The templates.
        id: [u8; 32],
        /// CPU time of each, at most.
        cpu_max: Duration,
        /// The messages.
        requests: Vec<RenderRequest>,
    },
    /// Render this, which did not come to an end, and say on the way how far it came: [`Answer::Reached`].
    Trace {
        /// The templates.
        id: [u8; 32],
        /// Its CPU time, at most.
        cpu_max: Duration,
        /// The message.
        request: Box<RenderRequest>,
    },
}

/// From the child.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// Whether the templates could be read.
    Loaded(Result<(), String>),
    /// One message.
    Rendered(Box<Result<Rendered, RenderError>>),
    /// One message, without what came out.
    Probed(Option<Failed>),
    /// A piece of a template was reached for the first time: the number of the part, and where the piece begins in it.
    Reached(u32, u32),
}

/// A value with its length before it.
pub(crate) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, postcard::Error> {
    let mut out = postcard::to_extend(value, vec![0; 4])?;
    let length = u32::try_from(out.len() - 4).map_err(|_| postcard::Error::SerializeBufferFull)?;
    out[..4].copy_from_slice(&length.to_be_bytes());
    Ok(out)
}

/// The length that a frame's first four bytes say; `None` where it is too large.
pub(crate) fn length(head: [u8; 4]) -> Option<usize> {
    usize::try_from(u32::from_be_bytes(head)).ok().filter(|length| *length <= FRAME_MAX)
}
