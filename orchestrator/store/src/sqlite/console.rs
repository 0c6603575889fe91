//! What the console shows.

use super::Store;
use crate::*;
use words::*;

impl Store {
    /// Figures of all journeys, or one.
    pub async fn journey_counts(&self, _journey: Option<&str>) -> Result<Vec<JourneyCounts>, StoreError> {
        later!()
    }

    /// One customer's page; `limit` items of each kind.
    pub async fn customer_page(
        &self,
        _id: CustomerId,
        _limit: usize,
    ) -> Result<Option<CustomerPage>, StoreError> {
        later!()
    }

    /// Everything about a customer, newest first, before `before`.
    pub async fn customer_timeline(
        &self,
        _id: CustomerId,
        _before: Option<Timestamp>,
        _limit: usize,
    ) -> Result<Vec<TimelineItem>, StoreError> {
        later!()
    }

    /// Customers, newest first.
    pub async fn customers(
        &self,
        _after: Option<CustomerId>,
        _limit: usize,
    ) -> Result<Vec<Customer>, StoreError> {
        later!()
    }

    /// Events of one customer from `from` on, oldest first.
    pub async fn events_of(
        &self,
        _id: CustomerId,
        _from: u64,
        _limit: usize,
    ) -> Result<Vec<(u64, Event)>, StoreError> {
        later!()
    }

    /// Enrollments of a journey, newest first.
    pub async fn enrollments_of(
        &self,
        _journey: &str,
        _limit: usize,
    ) -> Result<Vec<(CustomerId, EnrollmentRow)>, StoreError> {
        later!()
    }

    /// Sizes.
    pub async fn totals(&self, _now: Timestamp) -> Result<Totals, StoreError> {
        later!()
    }

    /// Copies the database, consistent while in use, to a new file.
    pub async fn backup(&self, _path: &std::path::Path) -> Result<(), StoreError> {
        later!()
    }

    /// Checks the whole file; what is wrong, in words.
    pub async fn check(&self) -> Result<Vec<String>, StoreError> {
        later!()
    }
}
