//! Facts: aggregates over a customer's events, folded one event at a time.

use crate::Known;
use journey::Schema;
use serde::{Deserialize, Serialize};
use words::{Event, Timestamp, Value};

/// All facts of one customer: one small blob.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {}

/// A stored blob is not one of facts.
#[derive(Debug, thiserror::Error)]
#[error("the stored facts cannot be read ({0}): rebuild them with `tabi facts rebuild`")]
pub struct FactsError(#[from] serde_json::Error);

impl Facts {
    /// Reads what [`Facts::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FactsError> {
        Ok(serde_json::from_slice(bytes)?)
    }

    /// The stored form.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Takes one event in, live or history, in whatever order. `known` is what conditions see; returns whether
    /// anything changed.
    pub fn fold(&mut self, schema: &Schema, event: &Event, known: &dyn Known, now: Timestamp) -> bool {
        let _ = (schema, event, known, now);
        false
    }

    /// Facts of the schema that these facts have never been folded for: fold the stored events over them.
    pub fn missing<'a>(&self, schema: &'a Schema) -> Vec<&'a str> {
        let _ = schema;
        Vec::new()
    }

    /// Folds stored events into the facts named alone, from nothing: for facts that the schema gained or changed.
    pub fn backfill<'e>(
        &mut self,
        schema: &Schema,
        names: &[&str],
        events: impl Iterator<Item = &'e Event>,
        known: &dyn Known,
        now: Timestamp,
    ) {
        let _ = (schema, names, events, known, now);
    }

    /// The value of a fact at `now`.
    pub fn value(&self, schema: &Schema, name: &str, now: Timestamp) -> Value {
        let _ = (schema, name, now);
        Value::Null
    }

    /// Unites with the facts of a customer who turned out to be the same person.
    pub fn unite(&mut self, schema: &Schema, other: Self) {
        let _ = (schema, other);
    }
}
