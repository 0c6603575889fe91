//! The steps of an SMTP conversation, and where each stands in a hand-over.

use channel::Stage;

/// One step of the conversation, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// Name look-up and TCP.
    Connect,
    /// The relay's greeting.
    Greeting,
    /// EHLO, before or after TLS.
    Hello,
    /// STARTTLS.
    StartTls,
    /// The TLS handshake.
    Handshake,
    /// AUTH.
    Auth,
    /// RSET on a kept connection.
    Reset,
    /// MAIL.
    Mail,
    /// RCPT.
    Rcpt,
    /// DATA, to its 354.
    Data,
    /// Sending the content.
    Content,
    /// The answer to the final dot.
    Answer,
}

impl Step {
    /// How far the hand-over has come.
    pub(crate) fn stage(self) -> Stage {
        match self {
            Self::Connect => Stage::Connect,
            Self::Content => Stage::Content,
            Self::Answer => Stage::Answer,
            _ => Stage::Request,
        }
    }

    /// The name in answers and logs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Connect => "connecting",
            Self::Greeting => "the greeting",
            Self::Hello => "EHLO",
            Self::StartTls => "STARTTLS",
            Self::Handshake => "the TLS handshake",
            Self::Auth => "AUTH",
            Self::Reset => "RSET",
            Self::Mail => "MAIL",
            Self::Rcpt => "RCPT",
            Self::Data => "DATA",
            Self::Content => "sending the content",
            Self::Answer => "the answer to the message",
        }
    }
}

/// How a conversation broke off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Broken {
    /// The relay said no, readably.
    Said {
        /// To what.
        step: Step,
        /// What it said.
        reply: crate::reply::Reply,
    },
    /// Silence, a reset, an end, or something unreadable.
    Lost {
        /// Where.
        step: Step,
        /// What happened.
        what: String,
    },
    /// Settings are wrong, ours or the relay's: nothing was sent, and a retry changes nothing.
    Wrong {
        /// What to mend.
        what: String,
    },
    /// This message cannot go there, by what the relay says of itself.
    Unfit {
        /// Why.
        what: String,
    },
}
