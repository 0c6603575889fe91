//! What came of a request.

use channel::Stage;
use std::time::Duration;

/// The most bytes of an answer that are read; a longer one is cut off and counts as unreadable.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// A status line and headers came back.
    Answered(Answer),
    /// It was never tried: the address or the request is not allowed. The reader must change something.
    Refused {
        /// What is not allowed, in words.
        why: String,
    },
    /// Not one byte of content went out: no connection, no TLS, no time.
    NotSent {
        /// What happened.
        why: String,
    },
    /// Content went out, no status came back.
    Lost {
        /// [`Stage::Content`] or [`Stage::Answer`].
        stage: Stage,
        /// What happened.
        why: String,
    },
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// How long `Retry-After` asks to wait, clamped to 1 s … 1 h; `None` where it is absent or unreadable.
    pub retry_after: Option<Duration>,
    /// What it says.
    pub body: AnswerBody,
}

/// The body of an answer, as far as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnswerBody {
    /// All of it.
    Whole(Vec<u8>),
    /// More than [`ANSWER_BYTES_MAX`].
    TooLong,
    /// It broke off, or did not end in time.
    Broken(String),
}

impl AnswerBody {
    /// The bytes, where all of them came.
    pub fn whole(&self) -> Option<&[u8]> {
        match self {
            Self::Whole(bytes) => Some(bytes),
            Self::TooLong | Self::Broken(_) => None,
        }
    }

    /// Why there are none.
    pub fn trouble(&self) -> Option<&str> {
        match self {
            Self::Whole(_) => None,
            Self::TooLong => Some("the answer is longer than 64 KiB"),
            Self::Broken(why) => Some(why),
        }
    }
}
