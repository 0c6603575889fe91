//! What is known of a customer, held in memory.

use crate::view::calendar_of;
use crate::{Env, Facts, Known, holds};
use journey::Schema;
use std::collections::BTreeMap;
use words::calendar::BusinessCalendar;
use words::{Country, Customer, Timestamp, Value, Zone};

/// The catalogues.
pub trait Items {
    /// The fields of an item.
    fn item(&self, catalog: &str, id: &str) -> Option<&BTreeMap<String, Value>>;
}

/// No catalogue at all.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoItems;

impl Items for NoItems {
    fn item(&self, _: &str, _: &str) -> Option<&BTreeMap<String, Value>> {
        None
    }
}

/// The usual [`Known`]: customer, facts and schema; segments are evaluated when asked for.
#[derive(Clone, Copy)]
pub struct Snapshot<'a> {
    /// What the project declares.
    pub schema: &'a Schema,
    /// The customer.
    pub customer: &'a Customer,
    /// The customer's facts.
    pub facts: &'a Facts,
    /// The catalogues.
    pub items: &'a dyn Items,
    /// The zone that stands in for an unknown one, or the customer's.
    pub zone: &'a Zone,
    /// The country whose business days count: the customer's, or what stands in for an unknown one.
    pub country: Option<Country>,
    /// The calendar of business days with the brand's own days of rest; `None`: that of the country alone.
    pub business_days: Option<BusinessCalendar>,
}

impl Known for Snapshot<'_> {
    fn customer(&self) -> &Customer {
        self.customer
    }

    fn fact(&self, name: &str, now: Timestamp) -> Value {
        self.facts.value(self.schema, name, now)
    }

    fn fact_of(&self, name: &str, of: &Value, now: Timestamp) -> Value {
        self.facts.value_of(self.schema, name, of, now)
    }

    fn in_segment(&self, name: &str, now: Timestamp) -> bool {
        Inside { snapshot: self, depth: 0 }.in_segment(name, now)
    }

    fn item(&self, catalog: &str, id: &str) -> Option<&BTreeMap<String, Value>> {
        self.items.item(catalog, id)
    }

    fn zone(&self) -> &Zone {
        self.zone
    }

    fn country(&self) -> Option<Country> {
        self.country
    }

    fn business_days(&self) -> BusinessCalendar {
        self.business_days.unwrap_or_else(|| calendar_of(self.country))
    }
}

/// How deep segments may stand in segments. The compiler lets none stand in itself; this keeps a mistake there finite.
const DEPTH_MAX: u8 = 16;

/// The snapshot as seen from inside the condition of a segment.
struct Inside<'a> {
    snapshot: &'a Snapshot<'a>,
    depth: u8,
}

impl Known for Inside<'_> {
    fn customer(&self) -> &Customer {
        self.snapshot.customer
    }
    fn fact(&self, name: &str, now: Timestamp) -> Value {
        self.snapshot.fact(name, now)
    }
    fn fact_of(&self, name: &str, of: &Value, now: Timestamp) -> Value {
        self.snapshot.fact_of(name, of, now)
    }
    fn in_segment(&self, name: &str, now: Timestamp) -> bool {
        let Some(segment) = self.snapshot.schema.segments.get(name) else { return false };
        let inside = Inside { snapshot: self.snapshot, depth: self.depth + 1 };
        self.depth < DEPTH_MAX && holds(&segment.condition, &Env::new(&inside, now))
    }
    fn item(&self, catalog: &str, id: &str) -> Option<&BTreeMap<String, Value>> {
        self.snapshot.item(catalog, id)
    }
    fn zone(&self) -> &Zone {
        self.snapshot.zone
    }
    fn country(&self) -> Option<Country> {
        self.snapshot.country
    }
    fn business_days(&self) -> BusinessCalendar {
        self.snapshot.business_days()
    }
}
