//! Push notifications over FCM HTTP v1.
//!
//! Acceptance means that the platform took the message, never that a screen showed it.
//! Source: Firebase documentation, «REST Resource: projects.messages», «FCM error codes», «About FCM messages»; Google
//! identity documentation, «Using OAuth 2.0 for server to server applications».

mod adapter;
mod answer;
mod credentials;
#[doc(hidden)]
pub mod fuzz;
mod payload;
mod token;

pub use adapter::{PushAdapter, PushConfig, PushError};
pub use credentials::{Credentials, CredentialsError, ServiceAccount};
pub use payload::{Lifetimes, PAYLOAD_BYTES_MAX};

#[cfg(test)]
mod tests;
