//! What the engine may ask about the customer. Answers are values that the caller holds already: nothing here reads
//! a database.

use crate::Reason;
use journey::Send;
use std::collections::BTreeMap;
use words::calendar::BusinessCalendar;
use words::{Channel, Country, Customer, EnrollmentId, Event, Timestamp, Value, Zone};

/// What is known of a customer, and of the catalogues. [`crate::Snapshot`] is the usual implementation.
pub trait Known {
    /// The customer.
    fn customer(&self) -> &Customer;
    /// The value of a fact at `now`; null where there is none of this name.
    fn fact(&self, name: &str, now: Timestamp) -> Value;
    /// The value at `now` of a fact that is kept apart, for one value of what it is kept apart by.
    fn fact_of(&self, name: &str, of: &Value, now: Timestamp) -> Value;
    /// Whether the customer is in a segment at `now`.
    fn in_segment(&self, name: &str, now: Timestamp) -> bool;
    /// The fields of an item of a catalogue.
    fn item(&self, catalog: &str, id: &str) -> Option<&BTreeMap<String, Value>>;
    /// The zone that the customer's days and hours are read in: the customer's own, or what stands in for it.
    fn zone(&self) -> &Zone;
    /// The country whose business days count.
    fn country(&self) -> Option<Country>;
    /// The calendar of business days: by default that of [`Known::country`], without the brand's own days of rest;
    /// where the country is not known, every day but Saturday and Sunday.
    fn business_days(&self) -> BusinessCalendar {
        calendar_of(self.country())
    }
}

/// The business days of a country; of an unknown one every day but Saturday and Sunday.
pub(crate) fn calendar_of(country: Option<Country>) -> BusinessCalendar {
    BusinessCalendar::of(country.or_else(|| Country::parse("ZZ")).unwrap_or(Country::US))
}

/// What [`crate::advance()`] may ask about one enrollment.
pub trait View: Known {
    /// The enrollment's id: receipts name it.
    fn enrollment(&self) -> EnrollmentId;
    /// The enrollment's key as [`crate::start_key`] gave it; empty without `once_per`.
    fn key(&self) -> &str;
    /// The event that started it: also the inputs of an API start, and what [`crate::item_event`] made.
    fn start_event(&self) -> Option<&Event>;
    /// On which channels a message may be planned now. The engine knows no policy: this is where it is asked.
    fn choose(&self, send: &Send, now: Timestamp) -> Choice;
}

/// The answer to [`View::choose`].
#[derive(Debug, Clone, PartialEq)]
pub enum Choice {
    /// Plan it on these: of `first_of` in the order of preference, of `all_of` each. An empty list means blocked.
    Go(Vec<Channel>),
    /// It may not be sent now.
    Blocked {
        /// Why.
        reasons: Vec<Reason>,
        /// When to ask again; `None`: no passing of time will change it.
        until: Option<Timestamp>,
    },
}
