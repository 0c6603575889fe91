//! What needs a person.

use super::Store;
use super::ledger::delivery_key;
use crate::{DeliveryState, StoreError, TroubleRow, Troubles};
use db::signed;
use words::Timestamp;

impl Store {
    /// Everything that needs a person; at most `limit` of each, newest first.
    pub async fn troubles(&self, limit: usize) -> Result<Troubles, StoreError> {
        let mut troubles = Troubles {
            unknown: self.in_trouble(DeliveryState::Unknown, limit).await?,
            quarantined: self.in_trouble(DeliveryState::Quarantined, limit).await?,
            refused: Vec::new(),
            rejected: self.rejected(limit).await?,
            unknown_events: self.unknown_events().await?,
            notices: self.notices(true, limit).await?,
            held: self.held(),
            stops: self.stops().await?,
            paused: self
                .standings()
                .await?
                .into_iter()
                .filter(|(_, standing)| standing.pause.is_some())
                .collect(),
        };
        for state in [DeliveryState::Rejected, DeliveryState::Bounced, DeliveryState::Complained] {
            troubles.refused.extend(self.in_trouble(state, limit).await?);
        }
        troubles.refused.sort_by_key(|row| std::cmp::Reverse(row.planned_at));
        troubles.refused.truncate(limit);
        troubles.unknown_events.truncate(limit);
        Ok(troubles)
    }

    async fn in_trouble(&self, state: DeliveryState, limit: usize) -> Result<Vec<TroubleRow>, StoreError> {
        let mut conn = self.read().await?;
        let rows = db::query(
            "select d.customer, d.message, d.id, d.channel, d.planned_at, d.why, m.journey, m.name \
             from delivery d indexed by delivery_trouble \
             cross join message m on m.shard = d.shard and m.customer = d.customer and m.id = d.message \
             where d.state = ? and d.state in (4, 6, 7, 8, 9) order by d.planned_at desc limit ?",
        )
        .bind(state as i64)
        .bind(signed(limit as u64))
        .fetch_all(&mut *conn)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(TroubleRow {
                    key: delivery_key(row)?,
                    state,
                    channel: self.name(row.try_get(3)?)?.to_string(),
                    planned_at: Timestamp::from_micros(row.try_get(4)?),
                    why: row.try_get(5)?,
                    journey: self.name(row.try_get(6)?)?.to_string(),
                    name: self.name(row.try_get(7)?)?.to_string(),
                })
            })
            .collect()
    }
}
