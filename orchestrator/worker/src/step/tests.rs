//! Steps of customers, without a store.

#![allow(clippy::unwrap_used, clippy::panic)]

mod choosing;
mod effects;
mod segments;
mod starts;
mod time;
