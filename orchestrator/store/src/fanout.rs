//! Scans over customers that can be resumed, and schedules that begin them.

use words::{CustomerId, Timestamp};

/// A scan on its way in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFanout {
    /// Its id; the same id is the same scan.
    pub id: [u8; 16],
    /// `schedule`, `broadcast`, `item`, `backfill` …
    pub kind: String,
    /// JSON: what to do.
    pub body: String,
    /// Over whom.
    pub over: FanoutOver,
    /// When.
    pub at: Timestamp,
}

/// Over whom a scan goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FanoutOver {
    /// Everybody.
    All,
    /// The members of a segment.
    Segment(String),
}

/// A scan under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fanout {
    /// Its id.
    pub id: [u8; 16],
    /// Kind.
    pub kind: String,
    /// JSON.
    pub body: String,
    /// Over whom.
    pub over: FanoutOver,
    /// How many customers it has seen.
    pub count: u64,
    /// When it began.
    pub created_at: Timestamp,
    /// Behind whom it goes on.
    pub cursor: Option<CustomerId>,
}

/// What one page of a scan does; written together with its cursor.
#[derive(Debug, Clone, Default)]
pub struct FanoutStep {
    /// Events for the customers of the page.
    pub events: Vec<crate::Incoming>,
    /// Customers that shall be looked at.
    pub due: Vec<CustomerId>,
    /// When they fall due.
    pub due_at: Timestamp,
}

/// A call to make.
#[derive(Debug, Clone)]
pub struct CallWork {
    /// Whose.
    pub customer: CustomerId,
    /// For which enrollment.
    pub enrollment: words::EnrollmentId,
    /// At which step.
    pub step: String,
    /// On which visit.
    pub visit: u32,
    /// The declared call.
    pub call: String,
    /// Its arguments.
    pub with: std::collections::BTreeMap<String, words::Value>,
    /// The fence of this claim.
    pub fence: u64,
    /// Attempts, this one counted.
    pub attempts: u32,
    /// Give up then.
    pub give_up_at: Timestamp,
}

/// What became of a call.
#[derive(Debug, Clone)]
pub struct CallSettle {
    /// The call, as claimed.
    pub work: CallWork,
    /// Answered or failed for good: the event that tells the journey. `None`: try again at `due_at`.
    pub event: Option<crate::Incoming>,
    /// Whether it was answered.
    pub answered: bool,
    /// When to try again.
    pub due_at: Option<Timestamp>,
}
