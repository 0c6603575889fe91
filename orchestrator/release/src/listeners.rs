//! Who listens to which event: what makes a customer due, and what a step has to look at.

use journey::{Project, Start};
use std::collections::{BTreeMap, BTreeSet};

/// An index over a project's events and segments.
#[derive(Debug, Clone, Default)]
pub struct Listeners {
    /// Journeys that an event starts.
    pub starts: BTreeMap<String, Vec<String>>,
    /// Journeys that joining or leaving a segment starts: (segment, joined).
    pub segment_starts: BTreeMap<(String, bool), Vec<String>>,
    /// Journeys that time starts: schedules, dates, broadcasts.
    pub timed_starts: Vec<String>,
    /// Journeys that a changed item of a catalogue starts.
    pub item_starts: BTreeMap<String, Vec<String>>,
    /// Segments that an event may change.
    pub segments: BTreeMap<String, Vec<String>>,
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
                    index.timed_starts.push(journey);
                }
                Start::Item { catalog, .. } => {
                    index.item_starts.entry(catalog.clone()).or_default().push(journey);
                }
                Start::Api { .. } => {}
            }
        }
        for (name, segment) in &project.schema.segments {
            for event in &segment.events {
                index.segments.entry(event.clone()).or_default().push(name.clone());
                index.events.insert(event.clone());
            }
        }
        index.events.extend(project.schema.facts.values().map(|fact| fact.event.clone()));
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
