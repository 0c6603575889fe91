//! What the simulator itself knows: who said what and when it was acknowledged, and what providers got.
//!
//! Everything here is the simulator's own record of what it did and saw. Laws are held against it, never against what the
//! product thinks of itself.

mod door;
mod people;

use crate::plan::Journey;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use words::{CustomerId, DeliveryId, MessageId};

pub use door::{AtDoor, Handed, Said};
pub use people::{Group, Person, Word, ZONES};

/// A breach of a law.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// Which law.
    pub law: &'static str,
    /// What happened.
    pub what: String,
}

/// An order that the shop took.
#[derive(Debug, Clone)]
pub struct Order {
    /// Whose, by person.
    pub person: usize,
    /// Yen.
    pub total: i64,
    /// When it happened, in microseconds of business time.
    pub occurred_at: i64,
    /// When the event was acknowledged; `None`: never.
    pub taken_at: Option<i64>,
    /// Where it was stored, where that was heard.
    pub place: Option<(CustomerId, u64)>,
    /// The version that was live then.
    pub version: u32,
    /// Journeys that were live then and start by it.
    pub live: BTreeSet<String>,
    /// When its refund was acknowledged.
    pub refunded_at: Option<i64>,
}

/// The record.
#[derive(Debug, Default)]
pub struct Book {
    /// The people.
    pub people: Vec<Person>,
    /// Sets of people who turned out to be one, by person.
    pub groups: Vec<Group>,
    /// Orders by id.
    pub orders: BTreeMap<String, Order>,
    /// Message ids of acknowledged events.
    pub told: BTreeSet<String>,
    /// Acknowledged events of each person.
    pub events: BTreeMap<usize, u64>,
    /// Acknowledged visits of each person.
    pub visits: BTreeMap<usize, u64>,
    /// What is stopped now.
    pub stops: BTreeSet<String>,
    /// Hand-overs of each delivery, in order.
    pub handed: BTreeMap<DeliveryId, Vec<Handed>>,
    /// Deliveries of each message that were handed over.
    pub of_message: BTreeMap<MessageId, BTreeSet<DeliveryId>>,
    /// Messages that the product was seen to record as accepted.
    pub accepted: BTreeSet<MessageId>,
    /// Messages whose next try was refused, at the door or behind it, after an answer had been lost.
    pub given_up: BTreeSet<MessageId>,
    /// Messages that the product was seen to leave as unknown.
    pub unknown: BTreeSet<MessageId>,
    /// Addresses that providers called dead, once that was written down.
    pub dead: BTreeSet<String>,
    /// Programs by number.
    pub programs: BTreeMap<i64, Journey>,
    /// When each version went live.
    pub deployed: Vec<i64>,
    /// When each customer was stepped, and through which event.
    pub stepped: BTreeMap<CustomerId, Vec<(i64, u64)>>,
    /// Deaths by poison.
    pub deaths: u32,
    /// Whether the database is a restored one.
    pub restored: bool,
    /// What went against a law.
    pub breaches: Vec<Breach>,
    /// The last lines of the trace.
    pub last: VecDeque<String>,
    /// The whole trace, kept where it is shown.
    pub all: Option<Vec<String>>,
    /// What happened, folded.
    pub trace: u64,
    /// Lines in it.
    pub lines: u64,
}

/// Lines kept for a failing seed.
const LAST_MAX: usize = 30;

impl Book {
    /// Something happened.
    pub fn note(&mut self, line: String) {
        for byte in line.bytes() {
            self.trace = (self.trace ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        self.lines += 1;
        if let Some(all) = &mut self.all {
            all.push(line.clone());
        }
        self.last.push_back(line);
        if self.last.len() > LAST_MAX {
            self.last.pop_front();
        }
    }

    /// A law was broken.
    pub fn breach(&mut self, law: &'static str, what: String) {
        self.note(format!("!! {law}: {what}"));
        self.breaches.push(Breach { law, what });
    }
}
