//! Events as they lie in the tables.

use super::Store;
use super::keys::{Keys, events_key};
use crate::StoreError;
use db::{Cells, bytes, cell, unsigned};
use std::collections::BTreeMap;
use std::sync::Arc;
use words::{CustomerId, Event, EventId, EventKind, Timestamp};

/// An event as stored, not yet opened.
pub(crate) struct SealedEvent {
    pub(crate) seq: u64,
    pub(crate) id: EventId,
    pub(crate) name: Arc<str>,
    pub(crate) kind: EventKind,
    pub(crate) occurred_at: Timestamp,
    pub(crate) received_at: Timestamp,
    pub(crate) properties: Option<Vec<u8>>,
}

impl SealedEvent {
    /// Columns from `at`: seq, id, name, kind, occurred_at, received_at, properties.
    pub(crate) fn read(store: &Store, row: &impl Cells, at: usize) -> Result<Self, StoreError> {
        Ok(Self {
            seq: unsigned(cell(row, at)?),
            id: EventId::from_slice(bytes(row, at + 1)?).ok_or_else(|| StoreError::corrupt("event.id"))?,
            name: store.name(cell(row, at + 2)?)?,
            kind: if cell::<i64>(row, at + 3)? == 1 { EventKind::History } else { EventKind::Live },
            occurred_at: Timestamp::from_micros(cell(row, at + 4)?),
            received_at: Timestamp::from_micros(cell(row, at + 5)?),
            properties: cell(row, at + 6)?,
        })
    }

    /// Opened; without properties where its key was destroyed.
    pub(crate) fn open(self, keys: &Keys, customer: CustomerId) -> Result<(u64, Event), StoreError> {
        let properties = match &self.properties {
            Some(sealed) => keys
                .open_packed(
                    events_key(customer, self.received_at),
                    "event",
                    "properties",
                    &self.id.0,
                    sealed,
                )?
                .unwrap_or_default(),
            None => BTreeMap::new(),
        };
        let event = Event {
            id: self.id,
            name: self.name.to_string(),
            occurred_at: self.occurred_at,
            received_at: self.received_at,
            properties,
            kind: self.kind,
        };
        Ok((self.seq, event))
    }
}
