//! Who may do what at the console.

/// What a person at the console is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Everything, keys and people included.
    Admin,
    /// Watches journeys, brings releases back, stops what goes wrong.
    Marketer,
    /// Runs the machine: sending, troubles, releases.
    Operator,
    /// Reads and exports everything, changes nothing.
    Reviewer,
}

/// What a page needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// See figures, journeys and settings.
    Look,
    /// See customers and messages.
    People,
    /// Open the content of a message; every look is recorded.
    Content,
    /// Take a selection of the log out; recorded.
    Export,
    /// See who read what.
    Reads,
    /// Stop sending.
    Stop,
    /// Let messages out: go live, resume, release what is held.
    Send,
    /// Settle what is unknown or quarantined.
    Settle,
    /// Mark notices as seen.
    Notices,
    /// Bring an earlier release back.
    Release,
    /// Keys and people.
    Access,
    /// Move the demo's clock.
    Advance,
    /// One's own session.
    Own,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Admin, Self::Marketer, Self::Operator, Self::Reviewer];

    /// The name in tables and forms.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Marketer => "marketer",
            Self::Operator => "operator",
            Self::Reviewer => "reviewer",
        }
    }

    /// Reads that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// Whether this role may.
    pub fn may(self, right: Right) -> bool {
        match right {
            Right::Look | Right::People | Right::Own => true,
            Right::Content | Right::Export => self != Self::Marketer,
            Right::Reads => matches!(self, Self::Admin | Self::Reviewer),
            Right::Stop | Right::Notices | Right::Release | Right::Advance => self != Self::Reviewer,
            Right::Send | Right::Settle => matches!(self, Self::Admin | Self::Operator),
            Right::Access => self == Self::Admin,
        }
    }
}

impl Right {
    /// All of them, with the names that templates know them by.
    pub(crate) const ALL: [(&'static str, Self); 13] = [
        ("look", Self::Look),
        ("people", Self::People),
        ("content", Self::Content),
        ("export", Self::Export),
        ("reads", Self::Reads),
        ("stop", Self::Stop),
        ("send", Self::Send),
        ("settle", Self::Settle),
        ("notices", Self::Notices),
        ("release", Self::Release),
        ("access", Self::Access),
        ("advance", Self::Advance),
        ("own", Self::Own),
    ];
}
