//! The judge: may this message go to this customer now, and if not, why and when.
//!
//! Pure. The packs, the facts and the instant go in; a verdict comes out, so a recorded decision can be replayed and
//! must come out the same. Invariant: the strictest rule wins, block over delay over allow, and what is not known
//! never counts in favour of sending.

mod address;
mod brand;
mod caps;
mod consent;
mod elapsed_text;
mod facts;
mod findings;
mod hours;
mod judge;
mod packs;
mod regions;
mod stops;
mod verdict;

pub use brand::{Brand, BrandWindow, Cap};
pub use facts::{
    CapUse, Competitor, Facts, Message, Stage, Stop, StopEffect, StopScope, Suppression, SuppressionKind,
};
pub use judge::judge;
pub use packs::{Check, Effective, ImpliedLimit, Pack, PackError, PackRef, PackSet, Packs, Rule, Scope};
pub use verdict::{Clocks, ConsentBasis, Decision, Outcome, Reason, Verdict};

#[cfg(test)]
mod tests;
