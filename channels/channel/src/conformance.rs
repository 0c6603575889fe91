//! The suite that every adapter passes. Called from the tests of each adapter against a scripted far side.
//!
//! No async runtime in here: the far side brings time ([`FarSide::sleep`], [`FarSide::elapsed`]) and the test drives the
//! future. What an adapter breaks comes back as sentences, so a test reads
//! `assert_eq!(exercise(&adapter, &far, &parcel).await, Vec::<String>::new())`.

mod content;
mod outcomes;
mod together;

use crate::{Adapter, Parcel};
use std::{future::Future, pin::Pin, time::Duration};

/// A boxed future of the far side.
pub type Soon<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What the far side does with every hand-over until it is told otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Script {
    /// Takes the message and says so.
    Accept,
    /// Says that this address does not exist and never will.
    AddressDead,
    /// Refuses this message for its content.
    Refuse,
    /// Refuses our credentials.
    Misconfigured,
    /// Asks for a slower pace.
    Throttle,
    /// Says «later», before it takes responsibility.
    Unavailable,
    /// Refuses connections.
    Gone,
    /// Says nothing, from the start of the conversation. Only where that comes before any content (SMTP).
    SilentBeforeContent,
    /// Reads the whole content, then says nothing.
    SilentAfterContent,
    /// Reads the whole content, then resets the connection.
    ResetAfterContent,
    /// Reads the whole content, then answers what no provider answers.
    GarbageAfterContent,
    /// Reads the whole content, then answers one byte a second.
    SlowAfterContent,
    /// Reads the whole content, then answers without end.
    EndlessAfterContent,
}

impl Script {
    /// Every script.
    pub const ALL: [Self; 13] = [
        Self::Accept,
        Self::AddressDead,
        Self::Refuse,
        Self::Misconfigured,
        Self::Throttle,
        Self::Unavailable,
        Self::Gone,
        Self::SilentBeforeContent,
        Self::SilentAfterContent,
        Self::ResetAfterContent,
        Self::GarbageAfterContent,
        Self::SlowAfterContent,
        Self::EndlessAfterContent,
    ];
}

/// The provider's side of an adapter under test.
pub trait FarSide: Send + Sync {
    /// Behaves by `script` from now on and forgets what was [`FarSide::taken`]. `false` where this kind of provider has
    /// no such behaviour: the suite then passes over it.
    fn script<'a>(&'a self, script: Script) -> Soon<'a, bool>;

    /// The contents that arrived whole since the last [`FarSide::script`], as the provider read them, in order of
    /// arrival: the message after dot-unstuffing for SMTP, the body for HTTP. Whatever was answered.
    fn taken<'a>(&'a self) -> Soon<'a, Vec<Vec<u8>>>;

    /// Ends after `time`.
    fn sleep<'a>(&'a self, time: Duration) -> Soon<'a, ()>;

    /// The time since some fixed moment.
    fn elapsed(&self) -> Duration;
}

/// The deadline that the suite gives where the far side never answers.
pub const DEADLINE: Duration = Duration::from_millis(400);

/// How much later than its deadline a hand-over may end on a busy machine.
pub const SLACK: Duration = Duration::from_millis(600);

/// Runs the whole suite. `parcel` is one that the adapter composes and the far side accepts. Returns one sentence per
/// breach; an adapter that keeps the contract gets none.
pub async fn exercise(adapter: &dyn Adapter, far: &dyn FarSide, parcel: &Parcel) -> Vec<String> {
    let mut breaches = Vec::new();
    content::check(adapter, parcel, &mut breaches);
    outcomes::check(adapter, far, parcel, &mut breaches).await;
    content::check_over_the_wire(adapter, far, parcel, &mut breaches).await;
    breaches
}
