#![doc = include_str!("README.md")]

mod apply;
mod mapping;
mod read;
mod signature;
#[cfg(test)]
mod tests;

pub(crate) use apply::{Heard, hear, hear_again};
pub use mapping::{Sources, compile};
pub(crate) use signature::verified;
