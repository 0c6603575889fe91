#![doc = include_str!("../README.md")]

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
