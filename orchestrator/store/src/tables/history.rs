//! What a customer's facts are folded from: their stored events, and those of everybody who was merged into them.

use super::Store;
use super::open::shard;
use crate::StoreError;
use db::unsigned;
use std::collections::BTreeSet;
use words::{CustomerId, Event};

const PAGE: usize = 1000;

impl Store {
    /// The events of a customer up to the place `through`, and those of whoever was merged into them, in the order in
    /// which they occurred, each once.
    ///
    /// What no step had seen of somebody at the merge went over to the survivor and lies among their events; so does a
    /// copy of what a live enrollment began with, under the same id.
    pub async fn history(&self, customer: CustomerId, through: u64) -> Result<Vec<Event>, StoreError> {
        let everyone = {
            let mut conn = self.read().await?;
            self.and_merged(&mut conn, customer).await?
        };
        let (mut events, mut seen) = (Vec::new(), BTreeSet::new());
        for id in everyone {
            let through = if id == customer { through } else { self.applied_seq(id).await? };
            let mut from = 1;
            while from <= through {
                let page = self.events_of(id, from, PAGE).await?;
                let full = page.len() == PAGE;
                from = page.last().map_or(from, |(seq, _)| seq + 1);
                let applied = page.into_iter().take_while(|(seq, _)| *seq <= through);
                events.extend(applied.map(|(_, event)| event).filter(|event| seen.insert(event.id)));
                if !full {
                    break;
                }
            }
        }
        // Stable: what occurred at one instant stays in the order in which it came.
        events.sort_by_key(|event| event.occurred_at);
        Ok(events)
    }

    /// The place of the last event that a step has seen.
    async fn applied_seq(&self, customer: CustomerId) -> Result<u64, StoreError> {
        let mut conn = self.read().await?;
        let row = db::query("select applied_seq from customer where shard = ? and id = ?")
            .bind(shard(customer))
            .bind(customer.0.to_vec())
            .fetch_optional(&mut *conn)
            .await?;
        row.map_or(Ok(0), |row| Ok(unsigned(row.try_get(0)?)))
    }
}
