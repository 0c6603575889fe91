//! Taking in: what a client, a shop or a file says about customers, checked against the schema and stored.
//!
//! Every door (tracking API, webhooks, import, replay) makes [`Call`]s; [`take()`] stores them in their order and says of
//! each what became of it. A bad one never sinks its neighbours: it is kept with its reason and can be replayed.

mod call;
mod change;
mod named;
mod person;
mod take;
#[cfg(test)]
mod tests;
mod typed;
mod why;
mod world;

pub(crate) use call::{Call, CallKind, ConsentWord, Door, ID_MAX, Item, NAME_MAX, Refusal};
pub(crate) use named::Named;
pub use person::national;
pub(crate) use person::{said, trait_known};
pub(crate) use take::{Fate, check, take};
pub(crate) use typed::{lenient, snake_case, strict};
pub(crate) use why::Why;
pub(crate) use world::World;
