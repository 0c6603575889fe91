//! Upkeep: leases, scans, old rows, signs of life. Re-derives due work from our tables, never from the queue's.

use crate::Machine;
use store::{Fanout, FanoutStep, StoreError, Swept};

/// Customers per page of a scan.
const PAGE: usize = 2000;

/// How long a scan is this node's, from page to page.
const SCAN: words::Elapsed = words::Elapsed::from_secs(60);

impl Machine {
    /// Gives back leases that are over.
    pub async fn sweep(&self) -> Result<Swept, StoreError> {
        let swept = self.store.sweep(self.clock.now(), self.leases_now()).await?;
        self.metrics.swept(&swept);
        if swept != Swept::default() {
            tracing::info!(
                sweep.planned_again = swept.planned_again,
                sweep.unknown = swept.unknown,
                sweep.quarantined = swept.quarantined,
                "Leases over: {} planned again, {} unknown, {} quarantined",
                swept.planned_again,
                swept.unknown,
                swept.quarantined,
            );
        }
        Ok(swept)
    }

    /// Takes every open scan one page further. `true`: there is more to do.
    pub async fn scan(&self) -> Result<bool, StoreError> {
        let fanouts = self.store.take_fanouts(&self.node, self.leases_now(), SCAN).await?;
        for fanout in &fanouts {
            // Whoever is told of an item must find it as it is now.
            if fanout.kind == "item"
                && fanout.cursor.is_none()
                && let Some(words::Value::Text(catalog)) = told_of(&fanout.body).get("catalog")
            {
                self.reload_items(catalog).await?;
            }
            let page = self.store.fanout_page(fanout, PAGE).await?;
            let now = self.clock.now();
            let step = match fanout.kind.as_str() {
                "item" => self.item_changed(fanout, &page, now),
                // Whoever is looked at finds what is new by itself: rows of segments and dates that are missing.
                _ => FanoutStep { events: Vec::new(), due: page.clone(), due_at: now },
            };
            self.store.fanout_step(fanout, &page, step, now).await?;
        }
        Ok(!fanouts.is_empty())
    }

    fn item_changed(&self, fanout: &Fanout, page: &[words::CustomerId], now: words::Timestamp) -> FanoutStep {
        let properties = told_of(&fanout.body);
        if properties.is_empty() {
            return FanoutStep::default();
        }
        let events = page
            .iter()
            .map(|customer| store::Incoming {
                customer: *customer,
                event: words::Event {
                    id: self.ids.event(now),
                    name: words::internal::ITEM_CHANGED.to_owned(),
                    occurred_at: now,
                    received_at: now,
                    properties: properties.clone(),
                    kind: words::EventKind::Live,
                },
                source: "tabi".to_owned(),
                // A page that is told again after a crash is told once.
                message_id: Some(format!("scan {:032x}", u128::from_be_bytes(fanout.id))),
                listened: true,
                declared: true,
            })
            .collect();
        FanoutStep { events, due: Vec::new(), due_at: now }
    }

    /// Deletes what is past its time, a slice at a time.
    pub async fn prune(&self) -> Result<u64, StoreError> {
        self.store.prune(self.clock.now()).await
    }
}

/// The properties of the event that a scan of an item tells everybody.
fn told_of(body: &str) -> std::collections::BTreeMap<String, words::Value> {
    match serde_json::from_str(body) {
        Ok(words::Value::Map(properties)) => properties,
        _ => std::collections::BTreeMap::new(),
    }
}
