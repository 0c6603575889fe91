//! Journeys, declarations and stories: an answer soon, every problem with its place, and what was compiled runs.
//!
//! "Runs" is the promise that the engine lives on: what the compiler has accepted, the engine never has to doubt. So every
//! program is stepped, with its events and without, and its transitions are looked at.

use crate::parts::{NOW, told_well, within};
use engine::{Choice, Facts, Input, Known, NoItems, Snapshot, State, Status, View, advance};
use journey::{Program, Project, Schema, Send};
use std::collections::BTreeMap;
use std::time::Duration;
use words::calendar::BusinessCalendar;
use words::{
    Channel, Country, Customer, CustomerId, EnrollmentId, Event, EventId, EventKind, Timestamp, Value, Zone,
};

#[path = "../../../orchestrator/journey/tests/base/mod.rs"]
mod base;

/// Longer files are for the limits of the reader, which have tests of their own.
const BYTES_MAX: usize = 16_384;

/// A file of a project: a journey, declarations, or stories.
pub(crate) fn run(bytes: &[u8]) {
    if bytes.len() <= BYTES_MAX {
        let _ = compiled(bytes);
    }
}

/// The project with this file in it, looked at from all sides.
pub(crate) fn compiled(bytes: &[u8]) -> Option<Project> {
    let files = BTreeMap::from([
        ("journeys/schema.yaml".to_owned(), base::SCHEMA.as_bytes().to_vec()),
        ("journeys/spoilt.yaml".to_owned(), bytes.to_vec()),
        ("journeys/spoilt.test.yaml".to_owned(), bytes.to_vec()),
    ]);
    let messages = base::messages();
    let (project, mut problems) =
        within(Duration::from_millis(50), "compiling", || journey::compile(&files, &messages));
    let empty = Project::default();
    problems.extend(journey::stories(&files, project.as_ref().unwrap_or(&empty)).1);
    told_well(&files, &problems);
    if let Some(project) = &project {
        for program in project.programs.values() {
            sound(program);
            within(Duration::from_millis(50), "stepping", || steps(program, &project.schema));
        }
    }
    project
}

/// Every arrow leads to a step, and what is stored of a program is the program.
fn sound(program: &Program) {
    let count = u32::try_from(program.nodes.len()).expect("a program has fewer steps");
    let outline = journey::outline(program);
    assert!(count > 0 && outline.arrows.iter().all(|arrow| arrow.to < count), "{outline:?}");
    let stored = serde_json::to_vec(program).expect("a program can be written");
    let read: Program = serde_json::from_slice(&stored).expect("and read");
    assert_eq!(&read, program, "what is stored is another program");
}

fn steps(program: &Program, schema: &Schema) {
    for (go, events) in [(true, false), (true, true), (false, true)] {
        let customer = Customer::new(CustomerId([1; 16]), NOW);
        let facts = Facts::default();
        let start = event("order_placed", NOW, 0);
        let zone = Zone::utc();
        let snapshot = Snapshot {
            schema,
            customer: &customer,
            facts: &facts,
            items: &NoItems,
            zone: &zone,
            country: None,
            business_days: None,
        };
        let somebody = Somebody { snapshot, start: &start, go };
        let mut now = NOW;
        let mut state = State::new(NOW, NOW);
        let mut input = Input::Begin;
        let mut listened = program.listens.iter().cycle();
        let mut heard;
        for turn in 1..40_u8 {
            let next = advance(program, &state, &input, &somebody, now);
            assert_eq!(next, advance(program, &state, &input, &somebody, now), "not the same twice");
            assert!(next.effects.len() < 2_000, "{} effects at once", next.effects.len());
            assert!(next.due.is_none_or(|due| due >= now), "due in the past");
            assert_eq!(next.due, next.state.at.due_at);
            if let Status::Ended(_) = state.at.status {
                assert_eq!(next.state.at.status, state.at.status, "it goes on after its end");
            }
            let stored = serde_json::to_string(&next.state).expect("a state can be written");
            assert_eq!(serde_json::from_str::<State>(&stored).ok().as_ref(), Some(&next.state));
            state = next.state;
            now = state.at.due_at.unwrap_or(now).max(now);
            input = match listened.next() {
                Some(name) if events && turn.is_multiple_of(2) => {
                    heard = event(name, now, turn);
                    Input::Event(&heard)
                }
                _ => Input::Due,
            };
        }
    }
}

fn event(name: &str, at: Timestamp, number: u8) -> Event {
    let text = |text: &str| Value::Text(text.to_owned());
    let properties = [("order_id", text("o1")), ("tracking_url", text("https://shop.example/t"))];
    Event {
        id: EventId([number; 16]),
        name: name.to_owned(),
        occurred_at: at,
        received_at: at,
        properties: properties.map(|(name, value)| (name.to_owned(), value)).into(),
        kind: EventKind::Live,
    }
}

struct Somebody<'a> {
    snapshot: Snapshot<'a>,
    start: &'a Event,
    go: bool,
}

impl Known for Somebody<'_> {
    fn customer(&self) -> &Customer {
        self.snapshot.customer()
    }
    fn fact(&self, name: &str, now: Timestamp) -> Value {
        self.snapshot.fact(name, now)
    }
    fn fact_of(&self, name: &str, of: &Value, now: Timestamp) -> Value {
        self.snapshot.fact_of(name, of, now)
    }
    fn in_segment(&self, name: &str, now: Timestamp) -> bool {
        self.snapshot.in_segment(name, now)
    }
    fn item(&self, catalog: &str, id: &str) -> Option<&BTreeMap<String, Value>> {
        self.snapshot.item(catalog, id)
    }
    fn zone(&self) -> &Zone {
        self.snapshot.zone()
    }
    fn country(&self) -> Option<Country> {
        self.snapshot.country()
    }
    fn business_days(&self) -> BusinessCalendar {
        self.snapshot.business_days()
    }
}

impl View for Somebody<'_> {
    fn enrollment(&self) -> EnrollmentId {
        EnrollmentId([2; 16])
    }
    fn key(&self) -> &str {
        ""
    }
    fn start_event(&self) -> Option<&Event> {
        Some(self.start)
    }
    fn choose(&self, _: &Send, _: Timestamp) -> Choice {
        if self.go {
            Choice::Go(vec![Channel::EMAIL])
        } else {
            Choice::Blocked { reasons: Vec::new(), until: None }
        }
    }
}
