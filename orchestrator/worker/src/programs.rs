//! Programs by number: those of the live release, and older ones that enrollments are still pinned to.

use journey::Program;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use words::Timestamp;

/// Programs that steps may need.
#[derive(Debug, Clone, Default)]
pub struct Programs {
    by_number: BTreeMap<i64, Arc<Program>>,
    listens: BTreeSet<String>,
    live: BTreeMap<String, i64>,
    /// Since when each segment and each start by time (by their row names) has been known: customers older than that are in
    /// the segment «already».
    pub known_since: BTreeMap<String, Timestamp>,
}

impl Programs {
    /// Adds a program under its number.
    pub fn insert(&mut self, number: i64, program: Arc<Program>) {
        self.listens.extend(program.listens.iter().cloned());
        self.by_number.insert(number, program);
    }

    /// Keeps what was live before, too: enrollments may have begun with it until this very moment.
    pub fn keep_live_of(&mut self, before: &Self) {
        for (_, number, program) in before.live_journeys() {
            if self.get(number).is_none() {
                self.insert(number, Arc::clone(program));
            }
        }
    }

    /// Makes this number the live program of its journey.
    pub fn set_live(&mut self, journey: &str, number: i64) {
        self.live.insert(journey.to_owned(), number);
    }

    /// Whether any of them, live or pinned, listens to this event.
    pub fn listens(&self, event: &str) -> bool {
        self.listens.contains(event)
    }

    /// The program of this number.
    pub fn get(&self, number: i64) -> Option<&Arc<Program>> {
        self.by_number.get(&number)
    }

    /// The live program of a journey and its number.
    pub fn live(&self, journey: &str) -> Option<(i64, &Arc<Program>)> {
        let number = *self.live.get(journey)?;
        Some((number, self.by_number.get(&number)?))
    }

    /// Every live journey with its program.
    pub fn live_journeys(&self) -> impl Iterator<Item = (&str, i64, &Arc<Program>)> {
        self.live.iter().filter_map(|(journey, number)| {
            self.by_number.get(number).map(|program| (journey.as_str(), *number, program))
        })
    }
}
