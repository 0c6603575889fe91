//! SMS over HTTP.
//!
//! [`SmsAdapter`] hands texts to a provider. What a provider's protocol looks like (path, fields, error codes) is data,
//! see [`Provider`]; Twilio's is built in. Around it, all pure: how many parts a text takes ([`segments`]) and costs
//! ([`Prices`]), what a reply means ([`keyword`]), what a callback says ([`receipt`], [`inbound`]) and whether it is
//! genuine ([`verify_signature`]).

mod adapter;
mod callback;
#[doc(hidden)]
pub mod fuzz;
mod keywords;
mod price;
mod provider;
mod segment;
mod signature;

pub use adapter::{SmsAdapter, SmsConfig};
pub use callback::{CallbackError, form_pairs, inbound, receipt};
pub use channel::Keyword;
pub use keywords::keyword;
pub use price::Prices;
pub use provider::{AuthKind, BodyKind, Meaning, Provider, ProviderError};
pub use segment::{Encoding, Segments, segments};
pub use signature::{sign, verify_signature};

#[cfg(test)]
mod tests;
