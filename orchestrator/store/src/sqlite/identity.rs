//! Customers, their identities and addresses.

use super::Store;
use crate::*;
use words::*;

impl Store {
    /// The customer that the first known of these identities points to; redirects are followed.
    pub async fn resolve(&self, _keys: &[Identity]) -> Result<Option<CustomerId>, StoreError> {
        later!()
    }

    /// The customer of these identities, made where none of them is known. Race-free: the same identities give the same
    /// customer, however many ask at once. Identities not known yet are linked to the customer.
    pub async fn get_or_create(
        &self,
        _keys: &[Identity],
        _now: Timestamp,
        _ids: &IdSource,
    ) -> Result<Resolved, StoreError> {
        later!()
    }

    /// The same for many, in the order given: for imports and batches.
    pub async fn get_or_create_many(
        &self,
        _keys: &[Vec<Identity>],
        _now: Timestamp,
        _ids: &IdSource,
    ) -> Result<Vec<Resolved>, StoreError> {
        later!()
    }

    /// Changes a customer by read, modify and write in the writer. Keeps identities and blind indexes in step, records
    /// consents, raises the guard, makes the customer due and appends a `customer_updated` event.
    pub async fn update_customer(
        &self,
        _id: CustomerId,
        _now: Timestamp,
        _change: impl FnOnce(&mut Customer) -> Vec<ConsentChange> + Send + 'static,
        _audit: Vec<AuditEvent>,
    ) -> Result<Updated, StoreError> {
        later!()
    }

    /// The same for many; each by itself: one that fails changes nothing of the others.
    pub async fn update_customers(
        &self,
        _updates: Vec<CustomerUpdate>,
        _now: Timestamp,
    ) -> Result<Vec<Result<Updated, StoreError>>, StoreError> {
        later!()
    }

    /// A customer, opened; redirects are followed (the id in it is the survivor's). `None`: no such customer.
    pub async fn customer(&self, _id: CustomerId) -> Result<Option<Customer>, StoreError> {
        later!()
    }

    /// Forbids writing to an address, of whomever. Raises the guard of the customer it belongs to.
    pub async fn suppress(
        &self,
        _channel: &Channel,
        _address: &str,
        _row: SuppressionRow,
        _audit: Vec<AuditEvent>,
    ) -> Result<(), StoreError> {
        later!()
    }

    /// Takes that back. Returns whether there was anything.
    pub async fn unsuppress(
        &self,
        _channel: &Channel,
        _address: &str,
        _audit: Vec<AuditEvent>,
    ) -> Result<bool, StoreError> {
        later!()
    }

    /// What speaks against an address.
    pub async fn suppression(
        &self,
        _channel: &Channel,
        _address: &str,
    ) -> Result<Option<SuppressionRow>, StoreError> {
        later!()
    }

    /// Destroys the keys of a customer: what was sealed is gone, the ledger stays. Live enrollments stop, planned deliveries
    /// are cancelled.
    pub async fn erase(
        &self,
        _id: CustomerId,
        _now: Timestamp,
        _audit: Vec<AuditEvent>,
    ) -> Result<(), StoreError> {
        later!()
    }

    /// Traits of an account; creates it.
    pub async fn put_account(
        &self,
        _key: &str,
        _traits: &std::collections::BTreeMap<String, Value>,
        _now: Timestamp,
    ) -> Result<(), StoreError> {
        later!()
    }

    /// Traits of an account.
    pub async fn account(
        &self,
        _key: &str,
    ) -> Result<Option<std::collections::BTreeMap<String, Value>>, StoreError> {
        later!()
    }
}
