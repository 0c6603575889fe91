//! Who listens to which event: what makes a customer due, and what a step has to look at.

use journey::{Program, Project, Segment, Start};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// An index over a project's events and segments.
#[derive(Debug, Clone, Default)]
pub struct Listeners {
    /// Journeys that an event starts.
    pub starts: BTreeMap<String, Vec<String>>,
    /// Journeys that joining or leaving a segment starts: (segment, joined).
    pub segment_starts: BTreeMap<(String, bool), Vec<String>>,
    /// Journeys that time starts (schedules, dates, broadcasts), each with its row, see [`start_row`].
    pub timed_starts: Vec<(String, String)>,
    /// Journeys that a changed item of a catalogue starts.
    pub item_starts: BTreeMap<String, Vec<String>>,
    /// Segments that an event may change.
    pub segments: BTreeMap<String, Vec<String>>,
    /// The row of each segment, see [`segment_row`]: hashed once, not for every customer.
    pub segment_rows: BTreeMap<String, String>,
    /// Events that some fact counts.
    pub facts: BTreeSet<String>,
    /// Every event name that any journey, fact or segment listens to.
    pub events: BTreeSet<String>,
    /// Other systems' names for declared events.
    pub also: BTreeMap<String, String>,
}

impl Listeners {
    /// The index of `project`.
    pub fn of(project: &Project) -> Self {
        let mut index = Self::default();
        for program in project.programs.values() {
            let journey = program.journey.clone();
            index.events.extend(program.listens.iter().cloned());
            match &program.start {
                Start::Event { event } => index.starts.entry(event.clone()).or_default().push(journey),
                Start::Joins { segment } => {
                    index.segment_starts.entry((segment.clone(), true)).or_default().push(journey);
                }
                Start::Leaves { segment } => {
                    index.segment_starts.entry((segment.clone(), false)).or_default().push(journey);
                }
                Start::Schedule { .. } | Start::Date { .. } | Start::Broadcast { .. } => {
                    index.timed_starts.push((journey, start_row(program)));
                }
                Start::Item { catalog, .. } => {
                    index.item_starts.entry(catalog.clone()).or_default().push(journey);
                }
                Start::Api { .. } => {}
            }
        }
        for (name, segment) in &project.schema.segments {
            index.segment_rows.insert(name.clone(), segment_row(name, segment));
            for event in &segment.events {
                index.segments.entry(event.clone()).or_default().push(name.clone());
                index.events.insert(event.clone());
            }
        }
        index.facts = project.schema.facts.values().map(|fact| fact.event.clone()).collect();
        index.events.extend(index.facts.iter().cloned());
        for (name, event) in &project.schema.events {
            for also in &event.also {
                index.also.insert(also.clone(), name.clone());
            }
        }
        index
    }

    /// The declared name of an event that may carry another system's name.
    pub fn canonical<'a>(&'a self, name: &'a str) -> &'a str {
        self.also.get(name).map_or(name, String::as_str)
    }

    /// Whether anything listens to this event.
    pub fn listens(&self, event: &str) -> bool {
        self.events.contains(event)
    }
}

/// The name of a segment's row: a changed definition is another row, and so is looked at anew, silently. Where it stands
/// in its file is not part of its definition.
pub fn segment_row(name: &str, segment: &Segment) -> String {
    format!("{name}#{}", fingerprint(&segment.condition.kind))
}

/// The name of the row of a start by time: another schedule is another row.
pub fn start_row(program: &Program) -> String {
    format!("date:{}#{}", program.journey, fingerprint(&program.start))
}

/// The first four bytes of a SHA-256 over a definition, in hex.
fn fingerprint(definition: &impl serde::Serialize) -> String {
    let mut value = serde_json::to_value(definition).unwrap_or_default();
    without_places(&mut value);
    let hash = Sha256::digest(value.to_string());
    format!("{:02x}{:02x}{:02x}{:02x}", hash[0], hash[1], hash[2], hash[3])
}

/// Takes out ranges of the file: `{"start": …, "end": …}` under `span`.
fn without_places(value: &mut serde_json::Value) {
    use serde_json::Value;
    let is_place = |place: &Value| {
        place.get("start").is_some_and(Value::is_u64) && place.get("end").is_some_and(Value::is_u64)
    };
    match value {
        Value::Object(map) => {
            map.retain(|key, value| key != "span" || !is_place(value));
            map.values_mut().for_each(without_places);
        }
        Value::Array(items) => items.iter_mut().for_each(without_places),
        _ => {}
    }
}
