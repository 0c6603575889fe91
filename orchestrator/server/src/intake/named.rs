//! Customers who are known to have their user id.

use hashlink::LruCache;
use std::sync::{Mutex, MutexGuard, PoisonError};
use words::CustomerId;

/// At most this many are remembered: two or three megabytes.
const NAMED_MAX: usize = 65_536;

/// Whoever has a user id keeps it, so that a call which says it again has nothing to change about them. Whom this does not
/// know is looked at in the store, as an identity may be linked by a call that did not come to its end.
pub(crate) struct Named(Mutex<LruCache<CustomerId, ()>>);

impl Default for Named {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(NAMED_MAX)))
    }
}

impl Named {
    pub(crate) fn has(&self, customer: CustomerId) -> bool {
        self.lock().get(&customer).is_some()
    }

    pub(crate) fn add(&self, customer: CustomerId) {
        self.lock().insert(customer, ());
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<CustomerId, ()>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
