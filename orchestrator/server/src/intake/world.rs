//! What calls are read against: the live schema, or an empty one before the first release.

use crate::app::Live;
use journey::Schema;
use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};
use words::{Channel, Country};

static EMPTY: LazyLock<Schema> =
    LazyLock::new(|| Schema { events: journey::builtin::events(), ..Schema::default() });

/// What is declared.
#[derive(Debug, Clone)]
pub(crate) struct World(pub(crate) Option<Arc<Live>>);

impl World {
    pub(crate) fn schema(&self) -> &Schema {
        self.0.as_ref().map_or(&EMPTY, |live| &live.release.project.schema)
    }

    /// The declared name of an event.
    pub(crate) fn canonical<'a>(&'a self, name: &'a str) -> &'a str {
        match &self.0 {
            Some(live) => live.release.listeners.canonical(name),
            None => name,
        }
    }

    /// Whether anything is moved by it.
    pub(crate) fn listens(&self, event: &str) -> bool {
        self.0.as_ref().is_some_and(|live| live.release.listeners.listens(event))
    }

    /// The channels there are: ours, and those that the live messages are written for.
    pub(crate) fn channels(&self) -> BTreeSet<String> {
        let ours = [Channel::EMAIL, Channel::SMS, Channel::PUSH, Channel::WEBHOOK];
        let of_messages = self.0.iter().flat_map(|live| {
            let templates = &live.release.templates;
            templates.messages().flat_map(|message| templates.channels(message).cloned())
        });
        ours.into_iter().chain(of_messages).map(|channel| channel.as_str().to_owned()).collect()
    }

    /// The country of everybody, where the brand writes to one alone.
    pub(crate) fn only_country(&self) -> Option<Country> {
        match self.0.as_ref()?.release.templates.brand().countries.as_slice() {
            [country] => Some(*country),
            _ => None,
        }
    }
}
