//! Events: named facts about a customer.

use crate::{EventId, Timestamp, Value};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An event as journeys, facts and segments see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Ours.
    pub id: EventId,
    /// Its name, as declared in the schema (`order_placed`).
    pub name: String,
    /// When it happened, by whoever told us. Feeds windows and durations only, never the order.
    pub occurred_at: Timestamp,
    /// When Tabi took it in, in business time.
    pub received_at: Timestamp,
    /// Typed properties.
    #[serde(default)]
    pub properties: BTreeMap<String, Value>,
    /// What it is to the engine.
    #[serde(default)]
    pub kind: EventKind,
}

/// Whether an event may start or move journeys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// Happened now, moves everything that listens.
    #[default]
    Live,
    /// Imported history: feeds facts, starts nothing.
    History,
}
