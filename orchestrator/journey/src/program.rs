//! Programs: journeys compiled to flat lists of nodes.
//!
//! Invariant: every [`Pc`] in a program is the index of one of its nodes, node 0 is the entry, and every way through it
//! ends at [`Op::Stop`] or [`Op::End`], passing a wait on every turn of a loop or counting its turns.

use crate::expr::Expr;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, collections::BTreeSet, ops::Range};
use words::{Channel, Elapsed, MessageClass, Text, Type, Zone};

/// The index of a node in its program.
pub type Pc = u32;

/// A compiled journey.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Program {
    /// The journey's name, unique in the project.
    pub journey: String,
    /// For people.
    pub title: Text,
    /// What consent is asked about; fixes the class.
    pub purpose: String,
    /// The class that the purpose fixes.
    pub class: MessageClass,
    /// Who answers for it: an e-mail address or a name.
    pub owner: Option<String>,
    /// SHA-256 of the canonical form of everything in it that runs, in hex. An enrollment is pinned to it.
    pub hash: String,
    /// The file it was read from, relative to the project's root.
    pub file: String,
    /// What starts it.
    pub start: Start,
    /// Further condition on the start; sees `event` and `customer`.
    pub start_if: Option<Expr>,
    /// The key of an enrollment, from the start event; `None`: one per customer.
    pub once_per: Option<OncePer>,
    /// Whether the same key may start again after it ended.
    pub again: Again,
    /// What becomes of customers who are in the segment already when the journey goes live.
    pub already_in: AlreadyIn,
    /// Events that happened longer ago than this start nothing.
    pub late: Elapsed,
    /// What counts as success.
    pub goal: Option<Goal>,
    /// Events that end it wherever it stands.
    pub stop_if: Vec<EventMatch>,
    /// A condition that ends it when it becomes false or true is written as a segment.
    pub stop_segments: Vec<SegmentRef>,
    /// The nodes; 0 is the entry.
    pub nodes: Vec<Node>,
    /// Names bound by `as:` and their types, by name.
    pub bindings: BTreeMap<String, Type>,
    /// Every event name that can start, move or end it.
    pub listens: BTreeSet<String>,
}

/// The key of an enrollment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OncePer {
    /// The property of the start event; later events that carry a property of this name must agree to match.
    pub property: String,
}

/// What starts a journey.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// An event of the customer.
    Event {
        /// Its name.
        event: String,
    },
    /// The customer joins a segment.
    Joins {
        /// Its name.
        segment: String,
    },
    /// The customer leaves a segment.
    Leaves {
        /// Its name.
        segment: String,
    },
    /// A cron schedule in a zone, for every customer of a segment.
    Schedule {
        /// Five fields.
        cron: String,
        /// The zone the fields are read in; `None`: each recipient's.
        zone: Option<Zone>,
        /// Whom it concerns; `None`: everybody.
        to: Option<String>,
    },
    /// A date of the customer comes round.
    Date {
        /// The trait that holds the date.
        field: String,
        /// Days before (negative) or after.
        offset_days: i32,
        /// Local time of day, minutes after midnight.
        at_minute: u16,
        /// Every year (birthdays; 29 February falls on 28 February in common years) or once.
        yearly: bool,
        /// Whom it concerns; `None`: everybody who has the date.
        to: Option<String>,
    },
    /// One-off, to a segment.
    Broadcast {
        /// Civil date and time, `2026-12-01T09:00`.
        at: String,
        /// The zone it is read in; `None`: each recipient's.
        zone: Option<Zone>,
        /// Whom it concerns.
        to: String,
    },
    /// By `POST /v1/journeys/{journey}/start`, with inputs.
    Api {
        /// Declared inputs and whether they are required; seen as `event`.
        inputs: BTreeMap<String, (Type, bool)>,
    },
    /// An item of a catalogue changed; fanned out to the customers concerned.
    Item {
        /// The catalogue.
        catalog: String,
        /// Condition on `item` and `before` (the item as it was).
        when: Option<Expr>,
        /// Who is concerned: condition on `customer` and `item`.
        who: Expr,
    },
}

/// A reference to a segment, and whether being in it or out of it is meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentRef {
    /// Its name.
    pub segment: String,
    /// Joined, or left.
    pub joined: bool,
}

/// Whether the same key may start again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Again {
    /// Not ever.
    Never,
    /// Whenever the last one has ended.
    Always,
    /// A new start ends the live one and begins anew.
    Restart,
    /// When the last one started at least this long ago and has ended.
    After(Elapsed),
}

/// Customers who are in the segment when the journey first goes live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlreadyIn {
    /// Leave them alone.
    Skip,
    /// Start them all at once.
    Start,
    /// Start them spread over this time.
    Over(Elapsed),
}

/// An event, perhaps with a condition on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventMatch {
    /// The event's name.
    pub event: String,
    /// Condition; sees the candidate as `it`, and everything the place sees.
    pub condition: Option<Expr>,
}

/// What counts as success.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Goal {
    /// The event, later than the start.
    pub event: EventMatch,
    /// How long after the start it still counts.
    pub within: Option<Elapsed>,
    /// Whether reaching it ends the journey.
    pub stop: bool,
    /// Which money property of the event counts as revenue.
    pub revenue: Option<String>,
}

/// One step, compiled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// The step's name: `name:` if given, else derived from what it does (`send:thank_you`, `wait#2`); unique in the program.
    /// Part of the message key, stable while the step stays what it is.
    pub step: String,
    /// Where it stands in the file, bytes.
    pub span: Range<usize>,
    /// What it does.
    pub op: Op,
}

/// What a node does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// Plans a message, goes on.
    Send {
        /// What and how.
        send: Box<Send>,
        /// Then.
        next: Pc,
    },
    /// Waits.
    Wait {
        /// For how long, or until when.
        wait: Box<Wait>,
        /// Then.
        next: Pc,
    },
    /// Waits for one of several events.
    WaitFor {
        /// Any of these.
        events: Vec<EventMatch>,
        /// How long at most; `None` is allowed only where the journey can still end otherwise.
        up_to: Option<Duration>,
        /// Count events since the start of the journey (`true`) or since arriving here.
        since_start: bool,
        /// Bind the event to this name.
        bind: Option<String>,
        /// When one came.
        then: Pc,
        /// When none came in time.
        otherwise: Pc,
    },
    /// Takes the first arm whose condition holds.
    Branch {
        /// Conditions in order.
        arms: Vec<(Expr, Pc)>,
        /// Where none holds.
        otherwise: Pc,
    },
    /// Deals customers into arms by hash of (experiment, customer).
    Experiment {
        /// Its name, unique in the project.
        name: String,
        /// Arms in order: name, share in hundredths of a per cent, target. The holdout is an arm named `holdout`.
        arms: Vec<(String, u32, Pc)>,
    },
    /// Runs the body again while turns are left and the condition holds.
    Loop {
        /// At most so many turns.
        turns_max: u32,
        /// Go on while this holds.
        condition: Option<Expr>,
        /// The first node of the body; the body leads back here.
        body: Pc,
        /// After the last turn.
        next: Pc,
    },
    /// Sets traits of the customer.
    Set {
        /// Trait and value.
        values: Vec<(String, Expr)>,
        /// Then.
        next: Pc,
    },
    /// Emits an event about the customer.
    Emit {
        /// Its name.
        event: String,
        /// Its properties.
        properties: Vec<(String, Expr)>,
        /// Then.
        next: Pc,
    },
    /// Calls a declared HTTP endpoint and waits for its typed answer.
    Call {
        /// The name of the declared call.
        call: String,
        /// Arguments.
        with: Vec<(String, Expr)>,
        /// How long to try.
        up_to: Elapsed,
        /// Bind the answer to this name.
        bind: Option<String>,
        /// When it answered.
        then: Pc,
        /// When it did not.
        otherwise: Pc,
    },
    /// Starts another journey for the same customer.
    Enroll {
        /// Which.
        journey: String,
        /// Its inputs.
        with: Vec<(String, Expr)>,
        /// Then.
        next: Pc,
    },
    /// Tells a person on the team.
    Notify {
        /// E-mail address or team name.
        to: String,
        /// What to say; parts of text and expressions.
        text: Vec<NotifyPart>,
        /// Then.
        next: Pc,
    },
    /// Ends here, for a stated reason.
    Stop {
        /// In one word or a short phrase.
        reason: String,
    },
    /// Ends here: everything was done.
    End,
}

/// A part of a notice to the team.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotifyPart {
    /// As it stands.
    Text(String),
    /// The value of an expression.
    Value(Expr),
}

/// A message to be planned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Send {
    /// Its name in `templates/`.
    pub message: String,
    /// On which channels.
    pub channels: Channels,
    /// Its inputs; those not given here are taken from the place (`event` properties, bindings) by the compiler.
    pub with: Vec<(String, Expr)>,
    /// Among simultaneously due messages of one customer the higher wins. Default 0.
    pub priority: i32,
    /// Not after this long past planning.
    pub expires: Option<Elapsed>,
    /// What to do when it may not be sent.
    pub if_blocked: IfBlocked,
    /// The survey whose question it asks.
    pub survey: Option<String>,
}

/// Which channels a message takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channels {
    /// The first that the customer can, and may, be reached on.
    FirstOf(Vec<Channel>),
    /// Each on which the customer can, and may, be reached.
    AllOf(Vec<Channel>),
}

/// When a message may not be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IfBlocked {
    /// Go on to the next step; the record says why nothing was sent.
    #[default]
    Skip,
    /// Stay here until it may be sent, or expires.
    Wait,
    /// End the journey.
    Stop,
}

/// A wait.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Wait {
    /// For how long, or until when.
    pub until: WaitUntil,
    /// Only within these hours of the recipient.
    pub between: Option<Between>,
    /// Only on these days of the recipient.
    pub on: Option<Days>,
}

/// What ends a wait.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitUntil {
    /// A time after arriving here (or after the start of the journey).
    After {
        /// How long.
        duration: Duration,
        /// Count from the start of the journey.
        since_start: bool,
    },
    /// A date or instant, plus an offset; re-planned when it moves. A past date is due now.
    At {
        /// Gives a date, an instant, or null (then: `otherwise` is not there; a null date is due now).
        date: Expr,
        /// Added to it; days are calendar days.
        offset: Duration,
        /// Local time of day for dates, minutes after midnight.
        at_minute: Option<u16>,
    },
    /// The next time these hours and days come round, possibly now.
    Window,
}

/// A duration as written: calendar days of the recipient, or elapsed time. May be negative as an offset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Duration {
    /// Calendar days in the recipient's zone, same time of day.
    CalendarDays(i32),
    /// Elapsed time.
    Elapsed(Elapsed),
    /// Computed: a number of calendar days.
    DaysOf(Expr),
}

/// Hours of the recipient's day, from inclusive to exclusive; may span midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Between {
    /// Minutes after midnight.
    pub from_minute: u16,
    /// Minutes after midnight.
    pub to_minute: u16,
}

/// Days of the recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Days {
    /// Working days of the recipient's country, holidays left out.
    Business,
    /// These weekdays, 1 Monday … 7 Sunday.
    Weekdays(BTreeSet<u8>),
}
