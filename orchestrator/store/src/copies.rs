//! Copies of what was sent, kept outside of the store.

use crate::StoreError;
use futures::future::BoxFuture;

/// Where copies of messages lie that no key protects, as in the development inbox.
pub trait Copies: Send + Sync {
    /// Forgets whatever went to these addresses, for good. May be asked again.
    ///
    /// # Errors
    /// [`StoreError::Unfinished`] where some may be left.
    fn forget(&self, addresses: Vec<String>) -> BoxFuture<'_, Result<(), StoreError>>;
}
