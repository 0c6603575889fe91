//! What can be different, each in words that name what to look at.

use std::fmt;

/// One thing that does not fit together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// Tabi said that it had taken the event, and nothing came of it: neither received nor listed.
    Lost {
        /// The message.
        mark: String,
    },
    /// Listed, and still without an end after everything had come to rest.
    Open {
        /// Tabi's id.
        message: String,
        /// What is listed.
        outcome: String,
    },
    /// A never-twice message that was taken more than once.
    Twice {
        /// The message.
        mark: String,
        /// How often.
        times: usize,
    },
    /// A never-lost message that came again though nothing had happened in between.
    Repeated {
        /// The message.
        mark: String,
        /// Seconds between the two.
        after_s: i64,
    },
    /// One message under several ids.
    OtherIdentity {
        /// The message.
        mark: String,
        /// The ids.
        ids: Vec<String>,
    },
    /// One message with several contents.
    OtherContent {
        /// The message.
        mark: String,
    },
    /// What Tabi keeps as sent is not what the sink got.
    KeptOtherwise {
        /// Tabi's id.
        message: String,
    },
    /// It went to somebody else.
    WrongAddress {
        /// The message.
        mark: String,
        /// Where it went.
        to: String,
    },
    /// A sink has what nobody asked for.
    Unasked {
        /// The message.
        mark: String,
        /// Where it went.
        to: String,
    },
    /// A sink has it, and Tabi does not list it.
    Unlisted {
        /// The message.
        mark: String,
        /// Its id at the sink.
        id: String,
    },
    /// Tabi lists more messages than there were causes.
    PlannedTwice {
        /// Where they went.
        to: String,
        /// The journey.
        journey: String,
        /// How many are listed.
        listed: usize,
        /// How many there should be.
        asked: usize,
    },
    /// The list has one message twice.
    ListedTwice {
        /// Tabi's id.
        message: String,
    },
    /// Tabi lists a message that nobody had any reason for.
    Invented {
        /// Tabi's id.
        message: String,
        /// Its journey.
        journey: String,
        /// What is listed.
        outcome: String,
    },
    /// Tabi says that it was taken; no sink has it.
    NotReceived {
        /// Tabi's id.
        message: String,
        /// What is listed.
        outcome: String,
    },
    /// A sink has it though it must not be sent, or though Tabi says that it was not.
    SentThoughRefused {
        /// The message.
        mark: String,
        /// Why it should not be there.
        why: String,
    },
    /// Not sent, and neither driver nor sinks know a reason.
    NotSentWithoutCause {
        /// Tabi's id.
        message: String,
        /// What is listed.
        outcome: String,
        /// Tabi's reason.
        why: String,
    },
    /// Never-lost, and given up as unknown.
    GivenUp {
        /// Tabi's id.
        message: String,
    },
    /// Sent while nothing was to be sent.
    WhileHeld {
        /// The message.
        mark: String,
    },
}

impl Difference {
    /// The kind, for the table of the report.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Lost { .. } => "lost",
            Self::Open { .. } => "not settled",
            Self::Twice { .. } => "duplicated (never-twice)",
            Self::Repeated { .. } => "repeated without a cause (never-lost)",
            Self::OtherIdentity { .. } => "one message, several ids",
            Self::OtherContent { .. } => "one message, several contents",
            Self::KeptOtherwise { .. } => "kept otherwise than sent",
            Self::WrongAddress { .. } => "sent to somebody else",
            Self::Unasked { .. } => "nobody asked for it",
            Self::Unlisted { .. } => "received, not listed",
            Self::PlannedTwice { .. } => "planned twice",
            Self::ListedTwice { .. } => "listed twice",
            Self::Invented { .. } => "listed without a cause",
            Self::NotReceived { .. } => "listed as sent, not received",
            Self::SentThoughRefused { .. } => "sent though refused",
            Self::NotSentWithoutCause { .. } => "not sent without a cause",
            Self::GivenUp { .. } => "never-lost, left as unknown",
            Self::WhileHeld { .. } => "sent while held",
        }
    }

    /// Every kind, as the report lists them.
    pub const KINDS: [&'static str; 18] = [
        "lost",
        "not settled",
        "duplicated (never-twice)",
        "repeated without a cause (never-lost)",
        "one message, several ids",
        "one message, several contents",
        "kept otherwise than sent",
        "sent to somebody else",
        "nobody asked for it",
        "received, not listed",
        "planned twice",
        "listed twice",
        "listed without a cause",
        "listed as sent, not received",
        "sent though refused",
        "not sent without a cause",
        "never-lost, left as unknown",
        "sent while held",
    ];
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.kind())?;
        match self {
            Self::Lost { mark } | Self::OtherContent { mark } | Self::WhileHeld { mark } => {
                write!(f, "{mark}")
            }
            Self::Open { message, outcome } | Self::NotReceived { message, outcome } => {
                write!(f, "{message} is listed as {outcome}")
            }
            Self::Twice { mark, times } => write!(f, "{mark} was taken {times} times"),
            Self::Repeated { mark, after_s } => write!(f, "{mark} came again after {after_s} s"),
            Self::OtherIdentity { mark, ids } => write!(f, "{mark} came as {}", ids.join(" and ")),
            Self::WrongAddress { mark, to } | Self::Unasked { mark, to } => write!(f, "{mark} went to {to}"),
            Self::Unlisted { mark, id } => write!(f, "{mark} came as {id}"),
            Self::PlannedTwice { to, journey, listed, asked } => {
                write!(f, "{journey} to {to}: {listed} are listed, {asked} were asked for")
            }
            Self::KeptOtherwise { message } | Self::ListedTwice { message } | Self::GivenUp { message } => {
                write!(f, "{message}")
            }
            Self::Invented { message, journey, outcome } => {
                write!(f, "{message} of {journey} is listed as {outcome}")
            }
            Self::SentThoughRefused { mark, why } => write!(f, "{mark}: {why}"),
            Self::NotSentWithoutCause { message, outcome, why } => {
                write!(f, "{message} is listed as {outcome}: {why}")
            }
        }
    }
}
