//! Messages as signed HTTP calls to an address of the customer's own.
//!
//! The body is what [`WebhookAdapter`] composes; the signature is made per attempt and is not part of it: see [`sign`].
//! The address comes from outside, so nothing here follows a redirect or connects inside: see [`egress::Reach`].

mod adapter;
mod signature;

pub use adapter::{WebhookAdapter, WebhookConfig};
pub use signature::{Key, KeyError, sign, verify};

#[cfg(test)]
mod tests;
