//! What is known of a customer, held in memory.

use crate::{Facts, Known, membership};
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
    /// The calendar of business days: the country's, and the brand's own days of rest.
    pub business_days: BusinessCalendar,
}

impl Known for Snapshot<'_> {
    fn customer(&self) -> &Customer {
        self.customer
    }

    fn fact(&self, name: &str, now: Timestamp) -> Value {
        self.facts.value(self.schema, name, now)
    }

    fn in_segment(&self, name: &str, now: Timestamp) -> bool {
        self.schema.segments.get(name).is_some_and(|segment| membership(segment, self, now))
    }

    fn item(&self, catalog: &str, id: &str) -> Option<&BTreeMap<String, Value>> {
        self.items.item(catalog, id)
    }

    fn zone(&self) -> &Zone {
        self.zone
    }

    fn country(&self) -> Option<Country> {
        self.customer.country
    }

    fn business_days(&self) -> BusinessCalendar {
        self.business_days
    }
}
