//! What an onlooker learns: every change of a customer and every claim closed, as it was committed.

use store::{CustomerChange, SendWork, Settle};
use words::{CustomerId, Timestamp};

/// An onlooker: stories, the demo's summary. Called after the commit; must be quick.
pub trait Observer: Send + Sync {
    /// A customer was stepped.
    fn stepped(&self, at: Timestamp, customer: CustomerId, change: &CustomerChange);
    /// A claim was closed: not sent, or answered by a provider.
    fn closed(&self, at: Timestamp, work: &SendWork, settle: &Settle);
}
