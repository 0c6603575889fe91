//! What a node counts and measures about itself, for Prometheus. Channels, outcomes and kinds of work as labels; never ids,
//! addresses or names of journeys: a series for each would grow with the shop.

use channel::Outcome;
use prometheus_client::encoding::text::encode_registry;
use prometheus_client::metrics::{
    counter::Counter,
    family::Family,
    gauge::Gauge,
    histogram::{Histogram, exponential_buckets},
};
use prometheus_client::registry::Registry;
use std::sync::atomic::AtomicU64;
use store::{SendWork, Store, StoreError, Swept};
use words::{Channel, Elapsed, Timestamp};

/// One label.
type One = [(&'static str, String); 1];
/// Two.
type Two = [(&'static str, String); 2];
type Seconds = Gauge<f64, AtomicU64>;

/// Counters since the start of the process, and gauges that are set when somebody looks.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    steps: Counter,
    step_batch: Histogram,
    hand_overs: Family<Two, Counter>,
    hand_over: Family<One, Histogram, fn() -> Histogram>,
    leases_over: Family<One, Counter>,
    failures: Family<One, Counter>,
    step_lag: Seconds,
    send_lag: Family<One, Seconds>,
    attention: Family<One, Gauge>,
    stops: Gauge,
    held: Gauge,
}

/// A millisecond to half a minute.
fn buckets() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.0, 16))
}

impl Default for Metrics {
    fn default() -> Self {
        let metrics = Self {
            registry: Registry::default(),
            steps: Counter::default(),
            step_batch: buckets(),
            hand_overs: Family::default(),
            hand_over: Family::new_with_constructor(buckets as fn() -> Histogram),
            leases_over: Family::default(),
            failures: Family::default(),
            step_lag: Seconds::default(),
            send_lag: Family::default(),
            attention: Family::default(),
            stops: Gauge::default(),
            held: Gauge::default(),
        };
        metrics.registered()
    }
}

impl Metrics {
    fn registered(mut self) -> Self {
        let mut all = Registry::with_prefix("tabi");
        all.register("steps", "Customers that were stepped", self.steps.clone());
        all.register("step_batch_seconds", "Time to write a batch of steps", self.step_batch.clone());
        all.register(
            "hand_overs",
            "Hand-overs to providers, by channel and by what was answered",
            self.hand_overs.clone(),
        );
        all.register(
            "hand_over_seconds",
            "Time from the start of a hand-over to its answer",
            self.hand_over.clone(),
        );
        all.register(
            "leases_over",
            "Claims whose node did not come back, by what became of the delivery",
            self.leases_over.clone(),
        );
        all.register(
            "failures",
            "Work that failed and is tried again, by kind: the database, as a rule",
            self.failures.clone(),
        );
        all.register(
            "step_lag_seconds",
            "How long the customer who is due the longest has waited for a step",
            self.step_lag.clone(),
        );
        all.register(
            "send_lag_seconds",
            "How long the delivery that is due the longest has waited, by channel; a stop lets it wait",
            self.send_lag.clone(),
        );
        all.register(
            "attention",
            "Deliveries that wait for a person, by why; of each no more than 10,000 are counted",
            self.attention.clone(),
        );
        all.register("stops", "Stops that hold", self.stops.clone());
        all.register("held", "Whether sending is held: 1 after a restored backup", self.held.clone());
        self.registry = all;
        self
    }

    /// A batch was written in this time.
    pub(crate) fn stepped(&self, customers: usize, took: Elapsed) {
        self.steps.inc_by(customers as u64);
        self.step_batch.observe(seconds(took));
    }

    /// A provider answered, or did not.
    pub(crate) fn handed_over(&self, work: &SendWork, outcome: &Outcome, took: Elapsed) {
        let channel = work.channel.as_str().to_owned();
        self.hand_over.get_or_create(&[("channel", channel.clone())]).observe(seconds(took));
        let labels = [("channel", channel), ("outcome", outcome.as_str().to_owned())];
        self.hand_overs.get_or_create(&labels).inc();
    }

    pub(crate) fn swept(&self, swept: &Swept) {
        for (became, count) in [
            ("planned_again", swept.planned_again),
            ("unknown", swept.unknown),
            ("quarantined", swept.quarantined),
        ] {
            self.leases_over.get_or_create(&[("became", became.to_owned())]).inc_by(count);
        }
    }

    pub(crate) fn failed(&self, work: &str) {
        self.failures.get_or_create(&[("work", work.to_owned())]).inc();
    }

    /// Sets the gauges and puts everything into words, in the OpenMetrics text format without its last line.
    pub(crate) async fn text(
        &self,
        store: &Store,
        channels: &[Channel],
        now: Timestamp,
    ) -> Result<String, StoreError> {
        self.step_lag.set(lag(store.next_step_due(), now));
        for channel in channels {
            let due = store.next_send_due(std::slice::from_ref(channel));
            self.send_lag.get_or_create(&[("channel", channel.as_str().to_owned())]).set(lag(due, now));
        }
        let attention = store.attention().await?;
        for (why, count) in [("unknown", attention.unknown), ("quarantined", attention.quarantined)] {
            self.attention.get_or_create(&[("why", why.to_owned())]).set(gauge(count));
        }
        self.stops.set(gauge(attention.stops));
        self.held.set(i64::from(store.held().is_some()));
        let mut text = String::new();
        encode_registry(&mut text, &self.registry)
            .map_err(|error| StoreError::Invalid(format!("the metrics cannot be written: {error}")))?;
        Ok(text)
    }
}

fn gauge(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[allow(clippy::cast_precision_loss, reason = "a measured time needs no more than 52 bits")]
fn seconds(took: Elapsed) -> f64 {
    took.as_micros().max(0) as f64 / 1e6
}

/// Seconds since it fell due.
fn lag(due: Option<Timestamp>, now: Timestamp) -> f64 {
    due.map_or(0.0, |due| seconds(now.since(due)))
}
